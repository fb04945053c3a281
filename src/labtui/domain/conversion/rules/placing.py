"""Where data goes: the answers to a mount, what each becomes in the chart, and the plan's line for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labtui.domain.compose.stack import Service, mount_key
from labtui.domain.conversion.context import Conversion, Pass
from labtui.domain.conversion.facts import Kind, MountFacts
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.conversion.rules.common import GIB, dns_label, in_words, is_on, is_quantity, quantity, shown

UNKNOWN_SIZE = 10 * GIB
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Mount:
    """One entry of `volumes`. `place` is the absolute path or the volume's real name: what the facts know it by."""

    key: str
    kind: str  # bind, volume, tmpfs, image, …
    source: str
    target: str
    read_only: bool
    place: str
    facts: MountFacts | None
    sub_path: str = ""
    options: Mapping[str, Any] | None = None

    @property
    def size(self) -> int | None:
        """Bytes, as measured on the site."""
        return self.facts.size if self.facts else None


def read_mount(conv: Conversion, entry: Any) -> Mount:
    """An entry in its long form, or, as a file that was not merged may have it, `source:target[:ro]`."""
    key = f"volumes.{mount_key(entry)}"
    if not isinstance(entry, Mapping):
        parts = str(entry).split(":")
        source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
        entry = {"source": source, "target": target, "read_only": "ro" in parts[2:]}
        entry["type"] = "bind" if source.startswith(("/", ".", "~")) else "volume"
    kind, source = str(entry.get("type") or "volume"), str(entry.get("source") or "")
    target = str(entry.get("target") or "")
    own = entry.get(kind)
    options = own if isinstance(own, Mapping) else {}
    place = source
    if kind == "volume" and source:
        place = str(declared(conv, source).get("name") or source)
    facts = conv.facts.mounts.get(place) or conv.facts.mounts.get(source)
    sub = str(options.get("subpath") or "")
    return Mount(key, kind, source, target, is_on(entry.get("read_only")), place, facts, sub, options)


def declared(conv: Conversion, source: str) -> Mapping[str, Any]:
    """The volume's own entry in the file; empty for none."""
    volumes = conv.stack.raw.get("volumes")
    found = volumes.get(source) if isinstance(volumes, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def claim_size(count: int | None) -> str:
    """The size of a claim for so many bytes: a third more, whole GiB, at least one."""
    if count is None:
        return quantity(UNKNOWN_SIZE)
    return f"{max(1, -(-count * 4 // 3 // GIB))}Gi"


def measured(mount: Mount) -> str:
    """The size in words."""
    return f"{in_words(mount.size)} on the site" if mount.size is not None else "its size is not known"


def is_answer(text: str) -> bool:
    """An answer with something after a colon: `copy:20Gi`, `nfs:server:/path`, `claim:NAME`."""
    verb, _, rest = text.partition(":")
    if verb == "copy":
        return is_quantity(rest)
    if verb == "nfs":
        return nfs_of(rest) is not None
    return verb == "claim" and rest == dns_label(rest)


def nfs_of(text: str) -> tuple[str, str] | None:
    """Server and absolute path of `server:/path`; an IPv6 address stands in brackets."""
    server, colon, path = text.partition(":/")
    if not colon or not server or any(c in server for c in " /\t") or ".." in path.split("/"):
        return None
    return server.strip("[]"), "/" + path.lstrip("/")


def add_volume(component: dict[str, Any], mount_path: str, what: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """One more volume of a component, of a name made from its path. `mount_path` made absolute and plain."""
    volumes = component.setdefault("volumes", [])
    path = "/" + mount_path.strip("/")
    taken = {str(v["name"]) for v in volumes}
    last = [part for part in path.split("/") if part][-1:] or ["root"]
    volume = {"name": dns_label(last[0], taken), "mountPath": path, **{k: v for k, v in fields.items() if v}, **what}
    volumes.append(volume)
    return volume


def plan(conv: Conversion, service: Service, mount: Mount, becomes: str, *, kept: bool = False) -> None:
    """The plan's line for a mount."""
    writer = not mount.read_only and becomes in ("pvc", "nfs", "hostPath")
    line = PlannedVolume(service.name, mount.target, mount.place, mount.read_only, becomes, mount.size, writer, kept)
    conv.volumes.append(line)


def place(
    conv: Conversion, service: Service, component: dict[str, Any], mount: Mount, answer: str, *, share: str = ""
) -> None:
    """Make the answer true. An empty one leaves the mount undecided: the component gets no volume for it.

    `share`: the NFS share that the mount is, where the facts do not tell.
    """
    verb, _, rest = answer.partition(":")
    fields = {"readOnly": mount.read_only, "subPath": mount.sub_path.strip("/")}
    becomes, kept = UNDECIDED, False
    match verb:
        case "copy":
            add_volume(component, mount.target, {"pvc": {"size": rest or claim_size(mount.size)}}, **fields)
            becomes = "pvc"
        case "claim":
            add_volume(component, mount.target, {"pvc": {"existingClaim": rest}}, **fields)
            becomes = "pvc"
        case "keep" | "hostpath" | "daemonset":
            kind = "File" if mount.facts and mount.facts.kind is Kind.FILE else "Directory"
            if verb != "keep":
                kind = ""  # the node's own: whatever it is there
            path = {"path": mount.place, **({"type": kind} if kind else {})}
            add_volume(component, mount.target, {"hostPath": path}, **fields)
            becomes, kept = "hostPath", _on_its_node(conv, component, written=verb == "keep" and not mount.read_only)
            if verb == "daemonset":
                component["kind"] = "DaemonSet"
        case "nfs":
            source = nfs_of(rest or nfs_source(conv, mount))
            if source is not None:
                what = {"nfs": {"server": source[0], "path": source[1]}}
                add_volume(component, mount.target, what, **fields)
                becomes, kept = "nfs", source in (nfs_of(share), nfs_of(nfs_source(conv, mount)))
        case "empty":
            add_volume(component, mount.target, {"emptyDir": {}}, **fields)
            becomes = "emptyDir"
        case "drop":
            becomes = "dropped"
    plan(conv, service, mount, becomes, kept=kept)


def _on_its_node(conv: Conversion, component: dict[str, Any], *, written: bool) -> bool:
    """Does a hostPath show the pod the site's own data? What is written binds the pod to the node that is the site's host,
    unless that is the only one there is."""
    if conv.facts.same_host is not True:
        return False
    node, nodes = conv.facts.host_node, conv.facts.cluster.nodes if conv.facts.cluster else ()
    if not node:
        return not written or len(nodes) <= 1
    if written and [n.name for n in nodes] != [node]:
        component.setdefault("nodeSelector", {})["kubernetes.io/hostname"] = node
    return True


def nfs_source(conv: Conversion, mount: Mount) -> str:
    """`server:/path` that pods can mount instead: the share it lies on, else a folder that the site would have to export."""
    if mount.facts and mount.facts.network_share:
        return mount.facts.network_share
    if conv.facts.site_address and mount.place.startswith("/"):
        return f"{conv.facts.site_address}:{mount.place}"
    return ""


def is_mounted(component: Mapping[str, Any], path: str) -> bool:
    """Has the component a volume at this very place already?"""
    return any(volume["mountPath"] == path for volume in component.get("volumes", ()))


def mounted_once(conv: Conversion) -> None:
    """Kubernetes mounts one thing at a place, as Docker does; the files may say two."""
    for service, component in conv.components.items():
        kept: dict[str, Any] = {}
        for volume in component.get("volumes", ()):
            path = str(volume["mountPath"])
            if path in kept:
                words = f"Two things are mounted at {shown(path)}, which neither Docker nor Kubernetes does; keep one of them."
                conv.refused(service, f"mounts.{path}", words)
            kept.setdefault(path, volume)
        if kept:
            component["volumes"] = list(kept.values())


PASSES: tuple[Pass, ...] = (mounted_once,)
