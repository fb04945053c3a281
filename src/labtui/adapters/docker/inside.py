"""What is at a path of a running container, told by its own programs.

For containers that have the host's own tree mounted (`/:/host`, as agents do). To answer for an archive (`docker cp`, also a
HEAD), Docker 20.10 mounts all of a container's volumes once more below its root file system, which lies in that very tree:
each time the mounts that the container sees double, and stay, until the kernel has no more of them (100,000) and nothing can be
mounted at all. Programs that are run mount nothing.
"""

from __future__ import annotations

import stat as modes
from collections.abc import Mapping
from typing import Any

from labtui.adapters.docker.engine import Engine
from labtui.adapters.docker.peeking import FILES_LIMIT, TEXT_LIMIT, Stat, as_text, run
from labtui.domain.conversion.facts import Kind

_KINDS = {modes.S_IFDIR: Kind.FOLDER, modes.S_IFREG: Kind.FILE, modes.S_IFSOCK: Kind.SOCKET, modes.S_IFIFO: Kind.SOCKET}


def has_the_host(document: Mapping[str, Any], engine_folder: str) -> bool:
    """Has this container (as inspected) a folder mounted that the engine's own files lie in, or the one of these itself?"""
    own = f"{engine_folder.rstrip('/')}/"
    sources = (str(mount.get("Source") or "") for mount in document.get("Mounts") or ())
    return any(own.startswith(f"{source.rstrip('/')}/") for source in sources if source.startswith("/"))


def stat(engine: Engine, container: str, path: str) -> Stat | None:
    """As `peeking.stat`. None also where the container has no `stat`, or does not run."""
    ran = run(engine, container, "stat", "-c", "%f %s", path)
    words = ran.out.split() if ran is not None and ran.status == 0 else []
    try:
        mode, size = words
        return Stat(_KINDS.get(modes.S_IFMT(int(mode, 16)), Kind.DEVICE), int(size))
    except ValueError:
        return None


def texts(engine: Engine, container: str, path: str, found: Stat) -> Mapping[str, str] | None:
    """As `peeking.texts`, of what `stat` found at the path."""
    if found.kind is Kind.FILE:
        text = _text(engine, container, path, found)
        return None if text is None else {path.rsplit("/", 1)[-1]: text}
    listed = run(engine, container, "ls", "-1A", path)
    if listed is None or listed.status or len(names := listed.out.splitlines()) > FILES_LIMIT:
        return None
    read: dict[str, str] = {}
    for name in names:
        place = f"{path.rstrip('/')}/{name}"
        there = stat(engine, container, place)
        text = _text(engine, container, place, there) if there is not None and there.kind is Kind.FILE else None
        if text is None:
            return None
        read[name] = text
    return read if sum(map(len, read.values())) <= TEXT_LIMIT else None


def _text(engine: Engine, container: str, path: str, found: Stat) -> str | None:
    if found.size > TEXT_LIMIT:
        return None
    ran = run(engine, container, "cat", path)
    # bytes that are no UTF-8 come out longer; the mark of the program's end, if the file has it, makes it shorter
    whole = ran is not None and ran.status == 0 and len(ran.out.encode()) == found.size
    return as_text(ran.out.encode()) if ran is not None and whole else None
