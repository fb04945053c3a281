"""Paths of a host that are no data of a stack: its sockets, devices, kernel and time zone. What each means in a pod."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from labtui.domain.conversion.rules.common import DEVICE_PLUGIN, NODE_AGENT, STAY

ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}\Z")

_ENGINE_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock")
_SYSTEM = (
    "/proc",
    "/sys",
    "/etc",
    "/run",
    "/var/run",
    "/var/log",
    "/boot",
    "/lib",
    "/lib64",
    "/usr",
    "/bin",
    "/sbin",
    "/var/lib/kubelet",
    "/var/lib/rancher",
)


class Place(StrEnum):
    """What a path of a host is."""

    DATA = "data"  # files of the stack, or of the person
    ZONE = "zone"  # the host's time zone
    SYSTEM = "system"  # the host itself, to be looked at
    MEMORY = "memory"  # /dev/shm
    SCRATCH = "scratch"  # /tmp
    NEVER = "never"  # no pod of an application gets it


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a path is, and, where no pod gets it, why and what fits instead."""

    place: Place
    words: str = ""


def judge(path: str, read_only: bool, folder: str = "") -> Judgement:
    """Of an absolute path, as Compose has it. What is in the stack's own `folder` is its data, wherever that is."""
    path = path.rstrip("/") or "/"
    last = path.rsplit("/", 1)[-1]
    if last in _ENGINE_SOCKETS or path in ("/var/run/docker", "/run/docker", "/run/containerd"):
        words = f"Who has the socket of the container engine is root on its host, and there is no Docker in the cluster; {STAY}."
        return Judgement(Place.NEVER, words)
    if last.endswith(".sock") or path == "/tmp/.X11-unix":
        words = f"A socket of the host is answered by a program there, which no pod can rely on; reach it over the network, or {STAY}."
        return Judgement(Place.NEVER, words)
    if folder and path.startswith(folder.rstrip("/") + "/"):
        return Judgement(Place.DATA)
    if path == "/dev/shm":
        return Judgement(Place.MEMORY)
    if path == "/dev" or path.startswith("/dev/"):
        return Judgement(Place.NEVER, f"{path} is a device of the host; {DEVICE_PLUGIN}.")
    if path in ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo") or path.startswith("/usr/share/zoneinfo/"):
        return Judgement(Place.ZONE)
    if path == "/var/lib/docker" or path.startswith(("/var/lib/docker/", "/var/lib/containerd")):
        return Judgement(Place.NEVER, f"These files belong to the container engine of the host; {NODE_AGENT}.")
    if path == "/tmp" or path.startswith("/tmp/"):
        return Judgement(Place.SCRATCH)
    if path == "/" or path in _SYSTEM or any(path.startswith(f"{p}/") for p in _SYSTEM):
        if not read_only:
            words = f"Who writes to {path} of the host changes the host itself; {NODE_AGENT}."
            return Judgement(Place.NEVER, words)
        return Judgement(Place.SYSTEM)
    return Judgement(Place.DATA)
