"""Folders in memory: mounts of the type tmpfs, the key `tmpfs`, and `shm_size`."""

from __future__ import annotations

from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Rule
from labtui.domain.conversion.rules.common import quantity, shown, strings
from labtui.domain.conversion.rules.placing import Mount, add_volume, is_mounted, plan
from labtui.domain.conversion.units import size as byte_count

Component = dict[str, Any]


def in_memory(conv: Conversion, service: Service, component: Component, mount: Mount) -> None:
    """An entry of `volumes` of the type tmpfs."""
    options = mount.options or {}
    limit = byte_count(options.get("size")) if options.get("size") else None
    what = {"emptyDir": {"medium": "Memory", **({"sizeLimit": quantity(limit)} if limit else {})}}
    add_volume(component, mount.target, what, readOnly=mount.read_only)
    plan(conv, service, mount, "emptyDir")
    words = f"In memory (emptyDir){f', {quantity(limit)} at most' if limit else ''}; it counts as memory of the pod."
    conv.converted(service.name, mount.key, words)


def tmpfs(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """`/run`, `/run:size=64m,mode=1777`, or a list of these."""
    made = []
    for entry in strings(value):
        path, _, rest = entry.partition(":")
        if not path.startswith("/"):
            conv.refused(service.name, "tmpfs", f"{shown(entry)} is no absolute path in the container; correct it.")
            return
        settings = dict(part.partition("=")[::2] for part in rest.split(","))
        limit = byte_count(settings["size"]) if settings.get("size") else None
        what = {"emptyDir": {"medium": "Memory", **({"sizeLimit": quantity(limit)} if limit else {})}}
        add_volume(component, path, what)
        made.append(f"{shown(path)} ({quantity(limit) if limit else 'no limit'})")
    words = f"In memory (emptyDir): {', '.join(made)}; it counts as memory of the pod."
    conv.converted(service.name, "tmpfs", words if made else "Empty: nothing to do.")


def shm_size(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Kubernetes gives 64 MiB; more is a volume in memory at /dev/shm."""
    count = byte_count(value)
    if count is None:
        conv.refused(service.name, "shm_size", f"{shown(value)} is no size; write it as 256m or 1g.")
        return
    if is_mounted(component, "/dev/shm"):
        conv.converted(service.name, "shm_size", "Has no effect: volumes mounts something else at /dev/shm.")
        return
    if count:
        add_volume(component, "/dev/shm", {"emptyDir": {"medium": "Memory", "sizeLimit": quantity(count)}})
    words = f"/dev/shm is a volume in memory of {quantity(count)}; it counts as memory of the pod."
    conv.converted(service.name, "shm_size", words if count else "The default size holds.")


RULES: dict[str, Rule] = {"tmpfs": tmpfs, "shm_size": shm_size}
