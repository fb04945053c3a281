"""Which places of a site's host the plan of a stack needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.gathering import Wanted
from labtui.domain.conversion.rules import host_paths
from labtui.domain.conversion.rules.placing import declared, read_mount


def wanted(stack: Stack) -> tuple[Wanted, ...]:
    """Every such place once. What belongs to the host itself (/proc, sockets) is not looked into."""
    found: dict[str, Wanted] = {}
    conv = Conversion(stack, Facts(), {})
    for service in stack.services:
        for one in _mounts(conv, service):
            known = found.get(one.place)
            if known is None or (known.read_only and not one.read_only):
                found[one.place] = one
    for kind in ("configs", "secrets"):
        top = stack.raw.get(kind)
        for name, entry in top.items() if isinstance(top, Mapping) else ():
            if isinstance(entry, Mapping) and entry.get("file"):
                place = str(entry["file"])
                found.setdefault(place, _file(stack, kind, str(name), place))
    return tuple(found.values())


def _mounts(conv: Conversion, service: Service) -> Iterable[Wanted]:
    entries = service.raw.get("volumes")
    for entry in entries if isinstance(entries, list) else ():
        mount = read_mount(conv, entry)
        if mount.kind == "volume" and mount.source:
            options = declared(conv, mount.source).get("driver_opts")
            device = str(options.get("device") or "") if isinstance(options, Mapping) else ""
            if device.startswith("/"):
                yield Wanted(device, service.name, mount.target, False, mount.read_only)
            else:
                yield Wanted(mount.place, service.name, mount.target, True, mount.read_only)
        elif mount.kind == "bind" and mount.place:
            place = host_paths.judge(mount.place, mount.read_only, conv.stack.folder).place
            if place in (host_paths.Place.DATA, host_paths.Place.ZONE):
                yield Wanted(mount.place, service.name, mount.target, False, mount.read_only)


def _file(stack: Stack, kind: str, name: str, place: str) -> Wanted:
    folder = "/run/secrets" if kind == "secrets" else ""
    for service in stack.services:
        entries = service.raw.get(kind)
        for entry in entries if isinstance(entries, list) else ():
            own: Mapping[str, object] = entry if isinstance(entry, Mapping) else {"source": entry}
            if str(own.get("source")) == name:
                target = str(own.get("target") or name)
                return Wanted(
                    place, service.name, target if target.startswith("/") else f"{folder}/{target}", False, True
                )
    return Wanted(place, "", "", False, True)
