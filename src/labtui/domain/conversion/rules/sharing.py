"""After all mounts: volumes that several components share, components that write, and what that means for users."""

from __future__ import annotations

import hashlib
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass
from labtui.domain.conversion.findings import PlannedVolume, Verdict
from labtui.domain.conversion.rules.common import shown
from labtui.domain.conversion.rules.interruption import interruption, window_seconds
from labtui.domain.conversion.rules.placing import Mount, is_answer, place

_LONGEST = 63


def claim_name(component: str, volume: str) -> str:
    """The name of a claim as the app chart makes it (templates/_names.tpl: app.volumeName)."""
    name = f"{component}-{volume}"
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9].removesuffix('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def image_volumes(conv: Conversion) -> None:
    """Volumes that an image declares and the file does not mount: Docker makes them without a word, Kubernetes does not."""
    for service in conv.stack.services:
        facts = conv.facts.images.get(service.image)
        component = conv.components.get(service.name)
        if facts is None or component is None or service.name in conv.left_out:
            continue
        mounted = [str(v["mountPath"]).rstrip("/") for v in component.get("volumes", ())]
        mounted += [line.target.rstrip("/") for line in conv.volumes if line.service == service.name]
        for path in (p.rstrip("/") for p in facts.volumes):
            if path.startswith("/") and not any(path == m or path.startswith(f"{m}/") for m in mounted):
                _image_volume(conv, service, component, path)


def _image_volume(conv: Conversion, service: Service, component: dict[str, Any], path: str) -> None:
    key = f"image.volumes.{path}"
    mount = Mount(key, "volume", "", path, False, "", None)
    detail = (
        f"The image keeps {shown(path)} in a volume without a name: Compose hands it from each container to the next, and a "
        "pod begins without it."
    )
    options = [("empty", "begins empty with every pod"), ("copy", "on a claim of 10Gi; copy:SIZE for another size")]
    question = f"Does {shown(path)} have to be kept?"
    answer = conv.choose(service.name, key, question, options, "empty", detail, is_answer)
    if answer != "empty":  # else what the image has there stays visible, in the container's own layer
        place(conv, service, component, mount, answer)


def share(conv: Conversion) -> None:
    """One claim for one source: who mounts it first has it, the others use it, also folders inside of it."""
    owners: dict[str, tuple[PlannedVolume, dict[str, Any]]] = {}
    planned = [line for line in conv.volumes if line.becomes == "pvc" and line.source]
    for line in sorted(planned, key=lambda one: len(one.source)):
        volume = _volume(conv, line)
        if volume is None or "size" not in volume["pvc"]:
            continue
        owner, inner = _owner(owners, line)
        if owner is None:
            owners[line.source] = (line, volume)
        else:
            _join(conv, owner, line, volume, inner)


def _volume(conv: Conversion, line: PlannedVolume) -> dict[str, Any] | None:
    volumes = conv.components.get(line.service, {}).get("volumes", ())
    path = "/" + line.target.strip("/")
    return next((v for v in volumes if v["mountPath"] == path and "pvc" in v), None)


def _owner(
    owners: dict[str, tuple[PlannedVolume, dict[str, Any]]], line: PlannedVolume
) -> tuple[tuple[PlannedVolume, dict[str, Any]] | None, str]:
    """Whose claim holds this source, and the folder inside of it."""
    for source, owner in owners.items():
        if line.source == source:
            return owner, ""
        if source.startswith("/") and line.source.startswith(source.rstrip("/") + "/"):
            return owner, line.source[len(source.rstrip("/")) + 1 :]
    return None, ""


def _join(
    conv: Conversion,
    owner: tuple[PlannedVolume, dict[str, Any]],
    line: PlannedVolume,
    volume: dict[str, Any],
    inner: str,
) -> None:
    first, owned = owner
    sub_path = "/".join(part for part in (inner, volume.get("subPath", "")) if part)
    if sub_path:
        volume["subPath"] = sub_path
    if first.service == line.service:
        volume["name"], volume["pvc"] = owned["name"], owned["pvc"]
        return
    volume["pvc"] = {"existingClaim": claim_name(conv.component(first.service), owned["name"])}
    if not (first.writer or line.writer):
        return
    key = f"volumes.{line.target}.sharing"
    nodes = (len(conv.facts.cluster.nodes) if conv.facts.cluster else 0) or None
    words = f"{shown(first.service)} and {shown(line.service)} share this data"
    if nodes == 1:
        conv.converted(line.service, key, f"{words}: one claim, and the cluster's one node runs both.")
        return
    options = [
        ("one-node", "ReadWriteOnce: both have to run on the node that has the volume"),
        ("many", "ReadWriteMany: the storage class has to be able to do that (NFS, CephFS)"),
    ]
    detail = f"{words}; most storage classes give a volume to one node at a time."
    proposed = "one-node" if nodes is None else ""
    if conv.choose(line.service, key, "How do both get the volume?", options, proposed, detail) == "many":
        owned["pvc"]["accessModes"] = ["ReadWriteMany"]
        volume["pvc"]["accessModes"] = ["ReadWriteMany"]


def one_writer(conv: Conversion) -> None:
    """Two pods must never write to one volume: Recreate, one replica; and the plan says what users notice."""
    writers = dict.fromkeys(line.service for line in conv.volumes if line.writer and line.service not in conv.left_out)
    for service in writers:
        component = conv.components.get(service, {})
        if component.get("kind", "Deployment") == "Deployment":
            component["strategy"] = "Recreate"
        replicas = component.get("replicas", 1)
        if isinstance(replicas, int) and replicas > 1 and not _all_shared(component):
            component["replicas"] = 1
            words = f"It asks for {replicas} containers, but a volume has one writer: one pod."
            options = [("one", "one pod")]
            conv.choose(service, "volumes.replicas", "Run one pod?", options, "one", words)
        _one_a_node(conv, service, component)
    _owners(conv)
    refused = any(f.verdict is Verdict.REFUSED for f in conv.findings)
    if writers and not refused:
        conv.interruption = " ".join(part for part in (conv.interruption, interruption(conv, list(writers))) if part)
        conv.window = window_seconds(conv)


def _owners(conv: Conversion) -> None:
    """What is written in place stays with its owners, so the pod has to be who the container is."""
    users = {service.name: conv.facts.images.get(service.image) for service in conv.stack.services}
    for line in conv.volumes:
        if not (line.kept and line.writer) or line.service in conv.left_out:
            continue
        context = conv.components.get(line.service, {}).get("podSecurityContext") or {}
        image = users.get(line.service)
        user = context.get("runAsUser", image.user or "0" if image else None)
        who = "as the image's own user, which is not known" if user is None else f"as user {shown(str(user))}"
        words = f"It is written in place: the pod runs {who}, and no file there gets another owner from labtui."
        conv.converted(line.service, f"volumes.{line.target}.owner", words)


def _all_shared(component: dict[str, Any]) -> bool:
    written = [
        v for v in component.get("volumes", ()) if not v.get("readOnly") and {"pvc", "nfs", "hostPath"} & v.keys()
    ]
    return all("ReadWriteMany" in v.get("pvc", {}).get("accessModes", ()) for v in written)


def _one_a_node(conv: Conversion, service: str, component: dict[str, Any]) -> None:
    """A DaemonSet has a pod on every node, and they would all have the one claim."""
    claims = [v["mountPath"] for v in component.get("volumes", ()) if "pvc" in v and not v.get("readOnly")]
    nodes = len(conv.facts.cluster.nodes) if conv.facts.cluster else 1
    if component.get("kind") == "DaemonSet" and claims and nodes > 1:
        words = f"A pod on each of {nodes} nodes would write to one volume at {shown(', '.join(claims))}"
        conv.refused(
            service, "volumes.daemonset", f"{words}; answer keep or empty for it, or hostpath for the host's paths."
        )


PASSES: tuple[Pass, ...] = (image_volumes, share, one_writer)
