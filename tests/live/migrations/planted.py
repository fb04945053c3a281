"""Looks for secret values wherever a migration might have left them, and in the arguments of processes while it runs.

with Planted(stack) as planted:
    …                       # labtui runs; what it prints is given to planted.text
planted.everywhere()        # → where one was found
"""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tests.live.gitops_fixture import wait_until
from tests.live.migrations.stack import MigratedStack

_OBJECTS = "configmaps,events,leases,applications.argoproj.io,deployments,externalsecrets,ingresses,services"


class Planted:
    """See the module. The values are those of the stack's env file, and the operator's own tokens."""

    def __init__(self, stack: MigratedStack) -> None:
        self._stack = stack
        self._values = {**stack.secrets, "VAULT_TOKEN": "", "ARGOCD_AUTH_TOKEN": os.environ["ARGOCD_AUTH_TOKEN"]}
        self._needles = [
            (name, needle)
            for name, value in self._values.items()
            if value
            for needle in {
                value.encode(),
                base64.b64encode(value.encode()).rstrip(b"="),
                quote(value, safe="").encode(),
            }
        ]
        self._over = Event()
        self._thread = Thread(target=self._watch, daemon=True)
        self.found: list[str] = []
        self.looked = {"processes": 0, "files": 0, "objects of git": 0}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def look(self, data: bytes, where: str) -> None:
        """Note the values that are in it."""
        for name, needle in self._needles:
            if needle in data and (said := f"{name} is in {where}") not in self.found:
                self.found.append(said)

    def _watch(self) -> None:
        """Arguments of every process, and temporary files, again and again."""
        seen: set[bytes] = set()
        while not self._over.wait(0.02):
            for entry in os.listdir("/proc"):
                if entry.isdigit():
                    with contextlib.suppress(OSError):
                        words = Path("/proc", entry, "cmdline").read_bytes()
                        if words and words not in seen:
                            seen.add(words)
                            self.look(words, f"the arguments of {words[:60]!r}")
            self._files(self._stack.temporary)
        self.looked["processes"] = len(seen)

    def _files(self, folder: Path) -> None:
        for place, _, names in os.walk(folder):  # what goes away meanwhile is left out
            for path in (Path(place, name) for name in names):
                with contextlib.suppress(OSError):
                    self.looked["files"] += 1
                    self._file(path)

    def _file(self, path: Path) -> None:
        """A file; a backup holds the env files, which is what it is for, and is nobody else's to read."""
        if path.parent.name == "backups":
            if path.stat().st_mode & 0o077:
                self.found.append(f"{path.name} can be read by others")
            return
        self.look(path.read_bytes(), str(path.relative_to(self._stack.home)))

    def prove(self) -> None:
        """That it finds what is there: a value in a process's arguments and in a temporary file."""
        value = next(iter(self._stack.secrets.values()))
        file = self._stack.temporary / "left-behind"
        file.write_text(f"password={value}")
        command = [sys.executable, "-c", "import sys; sys.stdin.read()", value]
        with subprocess.Popen(command, stdin=subprocess.PIPE):
            wait_until("both are found", lambda: len(self.found) >= 2, 20)
        file.unlink()
        self.found.clear()

    def everywhere(self) -> list[str]:
        """Look in every folder of the run, in git's objects and in the cluster; answers where a value was found."""
        for folder in self._folders():
            self._files(folder)
        for repository in (self._stack.bare, self._stack.tree / ".git"):
            command = ["git", "--git-dir", str(repository), "cat-file", "--batch-all-objects", "--batch"]
            data = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
            self.looked["objects of git"] += data.count(b"\ntree ")
            self.look(data, f"git's objects in {repository.name}")
        command = ["kubectl", "get", _OBJECTS, "-A", "-o", "json"]
        self.look(subprocess.run(command, capture_output=True, check=True, timeout=120).stdout, "the cluster's objects")
        return self.found

    def _folders(self) -> Iterator[Path]:
        """Those of labtui on each machine, and the clone."""
        for machine in ("one", "two"):
            yield self._stack.home / machine
        yield self._stack.tree / self._stack.folder
