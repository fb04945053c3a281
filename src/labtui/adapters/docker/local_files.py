"""Files of this machine, where it is the site's host: a stack that is not running has no container to ask."""

from __future__ import annotations

import os
import stat as modes
import time
from pathlib import Path

from labtui.adapters.docker.peeking import FILES_LIMIT, TEXT_LIMIT, as_text, shares_in
from labtui.domain.conversion.facts import Kind, MountFacts

MEASURE_SECONDS = 4.0
MOUNTINFO = Path("/proc/self/mountinfo")
_ZONES = "/zoneinfo/"


def look_here(path: Path, *, read_only: bool) -> MountFacts | None:
    """What is at a path of this machine; None when it cannot be seen from here: no such path, no permission."""
    try:
        found = path.stat()
    except OSError:
        return None
    if path == Path("/etc/localtime"):
        return MountFacts(Kind.FILE, found.st_size, zone_of(path))
    if modes.S_ISDIR(found.st_mode):
        return MountFacts(Kind.FOLDER, measure(path), None, _share(path), _texts(path) if read_only else None)
    if modes.S_ISREG(found.st_mode):
        return MountFacts(Kind.FILE, found.st_size, _text(path, found.st_size), _share(path))
    socket = modes.S_ISSOCK(found.st_mode) or modes.S_ISFIFO(found.st_mode)
    return MountFacts(Kind.SOCKET if socket else Kind.DEVICE)


def zone_of(link: Path) -> str | None:
    """The name of the time zone that /etc/localtime is a link to."""
    target = os.path.realpath(link)
    return target.partition(_ZONES)[2] or None


def measure(folder: Path, seconds: float = MEASURE_SECONDS) -> int | None:
    """Bytes on disk of a folder, on its own file system; None when it takes too long or is not all readable."""
    end = time.monotonic() + seconds
    total = 0
    todo = [folder]
    try:
        device = folder.stat().st_dev
        while todo:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    total += found.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False) and found.st_dev == device:
                        todo.append(Path(entry.path))
                    if time.monotonic() > end:
                        return None
    except OSError:
        return None
    return total


def _text(path: Path, size: int) -> str | None:
    if size > TEXT_LIMIT:
        return None
    try:
        return as_text(path.read_bytes())
    except OSError:
        return None


def _texts(folder: Path) -> dict[str, str] | None:
    """As `peeking.texts`."""
    found: dict[str, str] = {}
    try:
        for path in sorted(folder.iterdir()):
            text = _text(path, path.stat().st_size) if path.is_file() and not path.is_symlink() else None
            if text is None or len(found) == FILES_LIMIT:
                return None
            found[path.name] = text
    except OSError:
        return None
    return found if sum(map(len, found.values())) <= TEXT_LIMIT else None


def _share(path: Path) -> str:
    """The NFS share that a path lies on, with the way down to it."""
    try:
        shares = shares_in(MOUNTINFO.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    place = os.path.realpath(path)
    points = [p for p in shares if place == p or place.startswith(p.rstrip("/") + "/")]
    if not points:
        return ""
    deepest = max(points, key=len)
    rest = place[len(deepest.rstrip("/")) :].strip("/")
    return "/".join(part for part in (shares[deepest].rstrip("/"), rest) if part)
