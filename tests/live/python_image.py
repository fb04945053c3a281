"""An image with the Python that runs the tests and with argon2-cffi, in the registry of the live estate.

There, images come from no other registry: this one is put together from the files of this machine, at the same paths, and
`/bin/python3` is the interpreter.

    with python_image() as image: ...      # a whole reference; taken away at the end
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.compose_fixture import docker

MODULES = ("argon2", "_argon2_cffi_bindings", "_cffi_backend")
LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "__pycache__", "site-packages"}


@contextmanager
def python_image() -> Iterator[str]:
    """Build and push it."""
    name = f"lt-{uuid.uuid4().hex[:8]}-python"
    image = f"{os.environ['LIVE_REGISTRY']}/{name}:1"
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "python.tar"
        pack(archive, MODULES)
        docker("wroclaw", "import", "--change", "ENV PATH=/bin", str(archive), image)
    docker("wroclaw", "push", "--quiet", image)
    digest = docker("wroclaw", "inspect", "--format", "{{index .RepoDigests 0}}", image).partition("@")[2]
    try:
        yield image
    finally:
        docker("wroclaw", "rmi", "--force", image)
        address = f"http://{os.environ['LIVE_REGISTRY']}/v2/{name}/manifests/{digest}"
        with urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=10):
            pass


def pack(archive: Path, names: Iterable[str] = ()) -> None:
    """Write the interpreter, its library and these modules as a tar file."""
    program = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix}))
    modules = [Path(str(importlib.import_module(name).__file__)) for name in names]
    sources = [module.parent if module.name == "__init__.py" else module for module in modules]
    shared = [
        file for source in (library, *sources) for file in ([source] if source.is_file() else source.rglob("*.so"))
    ]
    with tarfile.open(archive, "w", dereference=True) as tar:
        for folder in sorted({parent for path in (program, library) for parent in path.parents} - {Path("/")}):
            _folder(tar, folder)
        for file in {program, *_libraries([program, *shared])}:
            tar.add(file, filter=_plain)
        tar.add(library, filter=_plain)
        for source in sources:
            tar.add(source, arcname=str(library / "site-packages" / source.name), filter=_plain)
        link = tarfile.TarInfo("bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, str(program)
        tar.addfile(link)


def _libraries(programs: list[Path]) -> set[Path]:
    """The shared libraries that these programs and modules load."""
    said = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, timeout=60, check=False).stdout
    return {Path(found) for found in re.findall(r"(/[^\s():]+) \(0x", said)}


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if LEFT_OUT & set(Path(entry.name).parts[-1:]):
        return None
    entry.uid = entry.gid = 0
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def _folder(tar: tarfile.TarFile, folder: Path) -> None:
    entry = tarfile.TarInfo(str(folder).lstrip("/"))
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry)
