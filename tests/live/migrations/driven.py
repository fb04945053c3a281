"""A labtui that is watched while it runs: what it says, step by step, and what it tells the operator to type when it fails."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from tests.live.migrations.stack import MigratedStack

_COMMAND = re.compile(r"labtui (migrate \S+|migration \S+ \S+)")
_LINE = re.compile(r"^\d\d:\d\d:\d\d (.{12}) (.*)$")


@dataclass
class Run:
    """One run of labtui, ended. `said` are its lines: step and words."""

    words: tuple[str, ...]
    status: int
    document: dict[str, Any]
    said: list[tuple[str, str]] = field(default_factory=list)
    errors: str = ""
    seconds: float = 0.0

    @property
    def message(self) -> str:
        """Why it failed."""
        return str(self.document.get("message") or self.errors)

    @property
    def next(self) -> tuple[str, ...]:
        """The command that it tells the operator to type next."""
        text = " ".join([*self.document.get("remaining", ()), self.errors])
        found = _COMMAND.findall(text)
        return tuple(shlex.split(found[-1])) if found else ()

    def unclear(self) -> str:
        """What a failed run leaves unsaid: what happened, what state things are in, the one command to type next."""
        lacking = []
        if not self.message.strip():
            lacking.append("what happened")
        if self.document and not self.document.get("state"):
            lacking.append("what state things are in")
        if not self.next:
            lacking.append("what to type next")
        if "Traceback" in self.errors:
            lacking.append("anything but a traceback")
        return ", ".join(lacking)


def drive(
    stack: MigratedStack,
    words: tuple[str, ...],
    on_step: Callable[[str], None] = lambda step: None,
    seconds: float = 900,
) -> Run:
    """Run it to its end; `on_step` hears of each line's step as it is said, in a thread of its own."""
    begun = time.monotonic()
    process = stack.start(*words, "--yes", "--json")
    said: list[tuple[str, str]] = []
    errors: list[str] = []
    out: list[str] = []

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if found := _LINE.match(line):
                said.append((found[1].strip(), found[2].strip()))
                on_step(found[1].strip())
            else:
                errors.append(line.strip())

    def collect() -> None:
        assert process.stdout is not None
        out.append(process.stdout.read())

    readers = [Thread(target=read, daemon=True), Thread(target=collect, daemon=True)]
    for reader in readers:
        reader.start()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        errors.append(f"still running after {seconds:.0f} s")
    for reader in readers:
        reader.join(10)
    text = "".join(out).strip()
    document = json.loads(text) if text else {}
    return Run(words, process.wait(), document, said, "\n".join(errors), time.monotonic() - begun)


class Cutting:
    """Makes a fault at the first line of each step, for some seconds, one at a time."""

    def __init__(self, fault: Callable[[], AbstractContextManager[None]], seconds: float) -> None:
        self._fault, self._seconds = fault, seconds
        self.steps: list[str] = []
        self.idle = Event()
        self.idle.set()

    def __call__(self, step: str) -> None:
        """A step has said something."""
        if step in ("reached", "waiting") or step in self.steps or not self.idle.is_set():
            return
        self.steps.append(step)
        self.idle.clear()
        Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        try:
            with self._fault():
                time.sleep(self._seconds)
        finally:
            self.idle.set()
