"""Mounts, one by one: named and anonymous volumes, folders and files of the host, host paths, memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Rule
from labtui.domain.conversion.facts import Kind, MountFacts
from labtui.domain.conversion.rules import host_paths
from labtui.domain.conversion.rules.common import GIB, STAY, shown, strings
from labtui.domain.conversion.rules.file_contents import BIGGEST, bind_of_file, bind_of_files, secret_in
from labtui.domain.conversion.rules.memory import in_memory
from labtui.domain.conversion.rules.placing import (
    Mount,
    claim_size,
    declared,
    is_answer,
    measured,
    nfs_source,
    place,
    plan,
    read_mount,
)

Component = dict[str, Any]
Options = list[tuple[str, str]]

COPIED_UNASKED = 50 * GIB
"""Data outside of the stack's folder up to this size is proposed to be copied; more of it is somebody's archive."""


def volumes(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Every entry by what it is."""
    if not isinstance(value, list) or not value:
        conv.converted(service.name, "volumes", "Empty: nothing to do.")
        return
    for mount in {m.key: m for m in (read_mount(conv, e) for e in value)}.values():
        if not mount.target:
            conv.refused(service.name, mount.key, "It says no place in the container; write its target.")
        elif mount.kind == "bind":
            _bind(conv, service, component, mount)
        elif mount.kind == "volume":
            _volume(conv, service, component, mount)
        elif mount.kind == "tmpfs":
            in_memory(conv, service, component, mount)
        else:
            _other(conv, service, mount)


# Named and anonymous volumes


def _volume(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    top = declared(conv, mount.source)
    driver = str(top.get("driver") or "local")
    given = top.get("driver_opts")
    options = {str(k): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {}
    if not mount.source:
        _anonymous(conv, service, component, mount)
    elif driver != "local":
        words = f"The volume driver {shown(driver)} is a plugin of the Docker engine"
        pattern = f"a storage class of the cluster that does the same fits, as claim:NAME; else {STAY}"
        _refuse_unless_claim(conv, service, component, mount, f"{words}; {pattern}.")
    elif options.get("type", "").startswith("nfs"):
        _nfs_volume(conv, service, component, mount, options)
    elif options.get("type") == "tmpfs":
        in_memory(conv, service, component, mount)
    elif options.get("type") in ("cifs", "smb3"):
        words = f"A Windows share needs the SMB driver in the cluster; with it, answer claim:NAME, else {STAY}."
        _refuse_unless_claim(conv, service, component, mount, words)
    elif options.get("device", "").startswith("/") and "bind" in options.get("o", "").split(","):
        folder = options["device"]
        facts = conv.facts.mounts.get(folder) or mount.facts
        _bind(conv, service, component, _moved(mount, folder, facts))
    elif options.get("type") or options.get("device"):
        words = f"It mounts a disk of the site ({shown(options.get('device', options.get('type')))}); {STAY}."
        _refuse_unless_claim(conv, service, component, mount, words)
    else:
        _named(conv, service, component, mount, bool(top.get("external")))


def _moved(mount: Mount, folder: str, facts: MountFacts | None) -> Mount:
    return Mount(mount.key, "bind", folder, mount.target, mount.read_only, folder, facts, mount.sub_path, mount.options)


def _named(conv: Conversion, service: Service, component: Component, mount: Mount, external: bool) -> None:
    detail = f"A volume of the Docker engine, {measured(mount)}: a claim of {claim_size(mount.size)} has room for it."
    if external:
        detail += " It is external: other stacks may use it, too, and each would get a copy."
    options: Options = [
        ("copy", f"on a claim of {claim_size(mount.size)}; copy:SIZE for another size"),
        ("empty", "begins empty with every pod: for caches alone"),
        ("claim:NAME", "a claim that exists in the application's namespace"),
        ("drop", "move without it"),
    ]
    question = f"Where does the volume {shown(mount.source)} go?"
    answer = conv.choose(service.name, mount.key, question, options, "copy", detail, is_answer)
    place(conv, service, component, mount, answer)


def _anonymous(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    detail = (
        f"A volume without a name, {measured(mount)}: Docker gives every new container a new one, and fills it from the "
        "image. Kubernetes does not fill it."
    )
    options: Options = [
        ("empty", "begins empty with every pod"),
        ("copy", f"kept, on a claim of {claim_size(mount.size)}; copy:SIZE for another size"),
        ("drop", "what the image has there, in the container's own layer"),
    ]
    question = f"Does {shown(mount.target)} have to be kept?"
    answer = conv.choose(service.name, mount.key, question, options, "empty", detail, is_answer)
    place(conv, service, component, mount, answer)


def _nfs_volume(
    conv: Conversion, service: Service, component: Component, mount: Mount, options: Mapping[str, str]
) -> None:
    address = next((p.removeprefix("addr=") for p in options.get("o", "").split(",") if p.startswith("addr=")), "")
    device = options.get("device", "")
    share = device if not device.startswith(":") else f"{address}{device}"
    if not is_answer(f"nfs:{share}"):
        words = f"Which NFS share this is cannot be read ({shown(share)}); write addr=… and device, or answer nfs:SERVER:/PATH."
        _refuse_unless_claim(conv, service, component, mount, words)
        return
    detail = f"The same NFS share, {shown(share)}, mounted by the node; its mount options are the node's defaults."
    choices: Options = [("nfs", "the same share"), ("copy", "a copy on a claim"), ("drop", "move without it")]
    question = "Mount the share from the node?"
    answer = conv.settle(service.name, mount.key, question, choices, "nfs", detail, is_answer)
    place(conv, service, component, mount, f"nfs:{share}" if answer == "nfs" else answer, share=share)


def _refuse_unless_claim(conv: Conversion, service: Service, component: Component, mount: Mount, words: str) -> None:
    """Refused, but an operator who has made another place for the data can say so."""
    given = conv.answer(service.name, mount.key)
    if is_answer(given) or given == "drop":
        options: Options = [("claim:NAME", "an existing claim"), ("drop", "move without it")]
        answer = conv.choose(service.name, mount.key, "Where does it go?", options, "", words, is_answer)
        place(conv, service, component, mount, answer)
    else:
        conv.refused(service.name, mount.key, words)
        plan(conv, service, mount, "refused")


# Files and folders of the host


def _bind(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    verdict = host_paths.judge(mount.place, mount.read_only, conv.stack.folder)
    match verdict.place:
        case host_paths.Place.NEVER:
            conv.refused(service.name, mount.key, verdict.words)
            plan(conv, service, mount, "refused")
        case host_paths.Place.ZONE:
            _zone(conv, service, component, mount)
        case host_paths.Place.MEMORY:
            in_memory(conv, service, component, mount)
        case host_paths.Place.SYSTEM:
            _system(conv, service, component, mount)
        case host_paths.Place.SCRATCH:
            _scratch(conv, service, component, mount)
        case host_paths.Place.DATA:
            _data(conv, service, component, mount)


def _data(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    facts = mount.facts
    if facts is not None and facts.kind in (Kind.SOCKET, Kind.DEVICE):
        words = f"It is a {facts.kind} of the host, which no pod can rely on; {STAY}."
        conv.refused(service.name, mount.key, words)
        plan(conv, service, mount, "refused")
    elif facts is not None and facts.kind is Kind.FILE:
        bind_of_file(conv, service, component, mount, facts)
    else:
        _folder(conv, service, component, mount)


def _folder(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    facts = mount.facts
    files = facts.files if facts and mount.read_only and not mount.sub_path else None
    as_config = bool(files) and _fits(files or {}) and not any(secret_in(text) for text in (files or {}).values())
    proposed = _proposal(conv, mount, as_config)
    if proposed == "refuse" and not conv.answer(service.name, mount.key):
        words = (
            f"It lies on the disks of {shown(conv.stack.site)}, outside of the stack's folder, and is written to "
            f"({measured(mount)}): storage-local. Answer copy, nfs:SERVER:/PATH or claim:NAME to move it, or {STAY}."
        )
        conv.refused(service.name, mount.key, words)
        plan(conv, service, mount, "refused")
        return
    options = _folder_options(conv, mount, as_config)
    detail = f"A folder of the host, {measured(mount)}"
    if facts is None:
        detail = "Whether this is a file or a folder, and its size, could not be found out"
    elif facts.kind is Kind.MISSING:
        detail = "There is nothing at this place yet: Docker would make an empty folder"
    if facts and facts.network_share:
        detail += f"; it lies on the NFS share {shown(facts.network_share)}"
    question = f"Where does {shown(mount.place)} go?"
    proposed = "" if proposed == "refuse" else proposed
    answer = conv.choose(service.name, mount.key, question, options, proposed, f"{detail}.", is_answer)
    if answer == "configmap":
        bind_of_files(component, mount.target, files or {})
        plan(conv, service, mount, "configMap")
    else:
        place(conv, service, component, mount, answer)


def _fits(files: Mapping[str, str]) -> bool:
    return sum(len(text.encode()) for text in files.values()) <= BIGGEST


def _proposal(conv: Conversion, mount: Mount, as_config: bool) -> str:
    """What a folder most likely becomes; `refuse` for what should stay where it is, empty where only its owner knows."""
    if mount.facts and mount.facts.network_share:
        return "nfs"
    if as_config:
        return "configmap"
    if mount.facts and mount.facts.kind is Kind.MISSING:
        return "copy"
    folders = [f.rstrip("/") for f in (conv.stack.folder, conv.stack.folder_here) if f]
    inside = any(mount.place == f or mount.place.startswith(f"{f}/") for f in folders)
    if inside or (mount.size is not None and mount.size <= COPIED_UNASKED):
        return "copy"
    if conv.facts.same_host:
        return "keep"
    return "refuse" if conv.facts.same_host is False and not mount.read_only else ""


def _folder_options(conv: Conversion, mount: Mount, as_config: bool) -> Options:
    options: Options = [("copy", f"on a claim of {claim_size(mount.size)}; copy:SIZE for another size")]
    if as_config:
        options.append(("configmap", "its files in the stack's values, in git, read-only in the pod"))
    if conv.facts.same_host is not False:
        options.append(("keep", "where it is: the node is the site's host (hostPath)"))
    if source := nfs_source(conv, mount):
        there = bool(mount.facts and mount.facts.network_share)
        where = "where it lies today" if there else "once that is exported to the nodes"
        options.append(("nfs", f"over NFS from {shown(source)}, {where}"))
    options += [
        ("nfs:SERVER:/PATH", "over NFS from another place"),
        ("claim:NAME", "a claim that exists in the application's namespace"),
        ("empty", "begins empty with every pod: for caches alone"),
        ("drop", "move without it"),
    ]
    return options


# The host itself


def _system(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    options: Options = [
        ("hostpath", "that of the node on which the pod runs (hostPath, read-only)"),
        ("daemonset", "the same, and a pod on every node (DaemonSet)"),
        ("drop", "move without it"),
    ]
    if conv.facts.same_host is False and conv.answer(service.name, mount.key) not in dict(options):
        words = f"It looks into the host of {shown(conv.stack.site)}, which is no node of the cluster, and would look into another"
        conv.refused(
            service.name, mount.key, f"{words} one. If that will do, answer hostpath or daemonset; else {STAY}."
        )
        plan(conv, service, mount, "refused")
        return
    where = "the site's host, too" if conv.facts.same_host else "perhaps not the Docker host"
    detail = (
        f"The pod looks into its node, which is {where}. An agent that watches every host belongs into a DaemonSet."
    )
    question = f"Does it need {shown(mount.place)} of the node?"
    answer = conv.choose(service.name, mount.key, question, options, "hostpath", detail)
    place(conv, service, component, mount, answer)


def _scratch(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    options: Options = [("empty", "begins empty with every pod"), ("copy", "on a claim"), ("drop", "move without it")]
    question = f"Does {shown(mount.place)} of the host hold anything to keep?"
    detail = "A folder for temporary files; others on the host may share it, which pods cannot."
    place(
        conv,
        service,
        component,
        mount,
        conv.choose(service.name, mount.key, question, options, "empty", detail, is_answer),
    )


def _zone(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    if any(e.name == "TZ" and e.value for e in service.environment):
        conv.converted(service.name, mount.key, "The time zone is in the variable TZ; the file is not needed.")
        plan(conv, service, mount, "timezone")
        return
    known = _known_zone(conv, mount)
    said = _said_zone(conv, mount)
    options: Options = [
        (f"timezone:{known or 'Europe/Warsaw'}", "the variable TZ" + ("" if known else ", for example")),
        ("hostpath", "the file of the node, read-only"),
        ("drop", "UTC"),
    ]
    proposed = f"timezone:{known}" if known else ""
    detail = "The host's time zone becomes the variable TZ" + (
        f": {known}." if known else "; which one is not known here."
    )
    ask = conv.settle if said else conv.choose
    answer = ask(service.name, mount.key, "Which time zone?", options, proposed, detail, _is_zone)
    if _is_zone(answer):
        component.setdefault("env", {})["TZ"] = answer.partition(":")[2]
        plan(conv, service, mount, "timezone")
    elif answer == "drop":
        plan(conv, service, mount, "timezone")
    else:
        place(conv, service, component, _read_only(mount), answer)


def _read_only(mount: Mount) -> Mount:
    return Mount(mount.key, mount.kind, mount.source, mount.target, True, mount.place, mount.facts)


def _is_zone(text: str) -> bool:
    verb, _, zone = text.partition(":")
    return verb == "timezone" and host_paths.ZONE.match(zone) is not None


def _said_zone(conv: Conversion, mount: Mount) -> str:
    """What the site says."""
    for path in (mount.place, "/etc/timezone", "/etc/localtime"):
        facts = conv.facts.mounts.get(path)
        text = (facts.text or "").strip() if facts else ""
        if text and host_paths.ZONE.match(text):
            return text
    return ""


def _known_zone(conv: Conversion, mount: Mount) -> str:
    """What the site says, else what the other services of the stack say."""
    if said := _said_zone(conv, mount):
        return said
    zones = (e.value for s in conv.stack.services for e in s.environment if e.name == "TZ" and e.value)
    return next((z for z in zones if host_paths.ZONE.match(z)), "")


# What cannot be


def _other(conv: Conversion, service: Service, mount: Mount) -> None:
    words = {
        "image": f"An image as a volume needs a feature of the cluster that is often off; copy the files into the image, or {STAY}.",
        "npipe": f"A named pipe of Windows has no counterpart in a Linux pod; {STAY}.",
        "cluster": f"A cluster volume belongs to Docker Swarm; a claim fits instead, else {STAY}.",
    }
    conv.refused(service.name, mount.key, words.get(mount.kind, f"labtui does not know this kind of mount; {STAY}."))
    plan(conv, service, mount, "refused")


def volumes_from(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Compose leaves these to the engine."""
    names = [s.partition(":")[0] for s in strings(value)]
    if not names:
        conv.converted(service.name, "volumes_from", "Empty: nothing to do.")
        return
    words = f"It takes all mounts of {shown(', '.join(names))}; write them under volumes of both services, where each can be answered."
    conv.refused(service.name, "volumes_from", words)


RULES: dict[str, Rule] = {
    "volumes": volumes,
    "volumes_from": volumes_from,
}
