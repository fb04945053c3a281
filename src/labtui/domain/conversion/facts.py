"""What is known of the world when a stack is converted. None everywhere means: not known, and the finding says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image says of itself (`docker image inspect`)."""

    architectures: tuple[str, ...] = ()  # amd64, arm64 …; empty: not known
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    ports: tuple[str, ...] = ()  # 8080/tcp
    volumes: tuple[str, ...] = ()
    health_check: tuple[str, ...] = ()  # as in the image: CMD …, CMD-SHELL …; empty: none
    stop_signal: str = ""
    variables: tuple[str, ...] = ()  # names of the environment that the image sets


class Kind(StrEnum):
    """What is at a path of a site's host."""

    FILE = "file"
    FOLDER = "folder"
    SOCKET = "socket"
    DEVICE = "device"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class MountFacts:
    """What is at the source of a bind mount, or in a named volume."""

    kind: Kind
    size: int | None = None  # bytes
    text: str | None = field(default=None, repr=False)  # a small text file's content; may hold secrets
    network_share: str = ""  # server:/path of this very place, where it lies on an NFS share
    files: Mapping[str, str] | None = field(default=None, repr=False)  # of a small flat folder of text files: by name


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What the running container of a service uses: cores and bytes."""

    cpu: float | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node that may run the pods: what it has, and what requests leave free (cores, bytes)."""

    name: str
    architecture: str
    cpu_free: float
    memory_free: int
    memory: int = 0


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """The cluster that the stack would move to."""

    nodes: tuple[NodeFacts, ...] = ()
    storage_classes: tuple[str, ...] = ()
    default_storage_class: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)  # Ingress host → namespace/name that claims it
    node_ports: Mapping[int, str] = field(default_factory=dict)  # NodePort → namespace/name
    issuers: tuple[str, ...] = ()  # cert-manager's ClusterIssuers that are ready
    images: frozenset[str] = frozenset()  # on all nodes that take pods, as these list them; empty: not known


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. `site_address` is where pods reach the ports that the site publishes; `same_host` says that the
    cluster's node is the site's host, so that a folder can be kept in place; `host_node` is the name of that node."""

    site_address: str = ""
    domain: str = ""
    same_host: bool | None = None
    images: Mapping[str, ImageFacts] = field(default_factory=dict)  # by image reference
    mounts: Mapping[str, MountFacts] = field(default_factory=dict)  # by source: absolute path or volume name
    usage: Mapping[str, UsageFacts] = field(default_factory=dict)  # by service
    networks_peers: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # service → DNS aliases seen on containers
    cluster: ClusterFacts | None = None
    problems: tuple[str, ...] = ()  # who could not be asked, and why
    host_node: str = ""
