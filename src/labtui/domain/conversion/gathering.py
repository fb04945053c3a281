"""What one place alone tells of a stack, and how facts of several places become one picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from labtui.domain.conversion.facts import ClusterFacts, ImageFacts, MountFacts, UsageFacts

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386"}


def architecture(name: str) -> str:
    """As images and nodes call it: `uname -m` has other words for some."""
    return _ARCHITECTURES.get(name, name)


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A machine, as it tells of itself: a site's host, or a node. Empty: not known."""

    name: str = ""
    boot_id: str = ""  # of its running kernel: no two machines have the same
    kernel: str = ""
    architecture: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What the engine of a stack's site knows."""

    images: Mapping[str, ImageFacts] = field(default_factory=dict)
    mounts: Mapping[str, MountFacts] = field(default_factory=dict)
    usage: Mapping[str, UsageFacts] = field(default_factory=dict)
    peers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    host: HostFacts = HostFacts()


@dataclass(frozen=True, slots=True)
class ClusterReading:
    """What the API server knows. `hosts` are all nodes, also those that take no pods now."""

    facts: ClusterFacts
    hosts: tuple[HostFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A place of the site's host that the plan needs to know: a bind mount's source, a volume, a file of configs or
    secrets. `target` is where `service` has it; `measured`: its size matters, and a folder's text if it is read-only."""

    place: str
    service: str
    target: str
    volume: bool = False
    read_only: bool = False


def same_host(site: HostFacts, nodes: Iterable[HostFacts], address: str) -> bool | None:
    """Is one of the nodes the site's host? None when nobody can tell.

    A kernel has one boot id. Without it, other kernels or processors are other machines; one name or one address is one.
    """
    nodes = tuple(nodes)
    if host_node(site, nodes, address) is not None:
        return True
    if site.boot_id and nodes and all(n.boot_id for n in nodes):
        return False
    apart = (n for n in nodes if not (_agree(site.kernel, n.kernel) and _agree(site.architecture, n.architecture)))
    return False if nodes and len(tuple(apart)) == len(nodes) else None


def host_node(site: HostFacts, nodes: Iterable[HostFacts], address: str) -> HostFacts | None:
    """The node that is the site's host; None when none is known to be. See `same_host`."""
    nodes = tuple(nodes)
    if site.boot_id and nodes and all(n.boot_id for n in nodes):
        return next((n for n in nodes if n.boot_id == site.boot_id), None)
    for node in nodes:
        named = (site.name and site.name == node.name) or (address and address in node.addresses)
        if named and _agree(site.kernel, node.kernel) and _agree(site.architecture, node.architecture):
            return node
    return None


def _agree(one: str, other: str) -> bool:
    return not one or not other or one == other
