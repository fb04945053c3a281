"""Records a whole migration on the demo estate, driven by keys: `python -m tests.support.record_migration FILE.svg`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.recording import Frame, as_svg, frame_of, paced
from tests.support.terminal import Terminal

STACK = "searxng"
COLUMNS, ROWS = 120, 40
QUIET = 0.12  # seconds without output after which the screen is taken to be whole
LIMIT = 240.0  # seconds


class Recorder:
    """Takes a frame whenever the screen has changed and come to rest."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.frames: list[Frame] = []
        self._began = time.monotonic()

    def until(self, wanted: str | Callable[[str], bool], seconds: float = 20.0) -> None:
        """Record until a text stands on the screen. Raises SystemExit, with the screen, when it does not come."""
        check = wanted if callable(wanted) else (lambda text: wanted in text)
        end = time.monotonic() + seconds
        while not check(self._terminal.text()):
            if time.monotonic() > end:
                raise SystemExit(f"did not see {wanted}:\n{self._terminal.text()}")
            self._look()
        self._look()

    def press(self, *keys: str) -> None:
        """Keys, each with a frame after it."""
        for key in keys:
            self._terminal.press(key)
            self._look()

    def _look(self) -> None:
        while self._terminal.read(QUIET) > 0:
            if time.monotonic() - self._began > LIMIT:
                break
        self.frames.append(frame_of(self._terminal.screen, time.monotonic() - self._began))


def record(file: Path) -> None:
    """Begin the demo, move a stack from its row, and stop when it is on Kubernetes."""
    with tempfile.TemporaryDirectory() as home:
        environ = {"XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home}
        with Terminal([sys.executable, "-m", "labtui", "demo"], COLUMNS, ROWS, environ) as terminal:
            recorder = Recorder(terminal)
            recorder.until("No stack has been migrated yet")
            recorder.press("3", "/", *STACK, "enter")
            recorder.press("m")
            recorder.until("every choice made")
            recorder.press("m")
            recorder.until("To confirm, type")
            recorder.press(*STACK)
            recorder.press("enter")
            recorder.until("Everything is on Kubernetes", LIMIT)
    file.write_text(as_svg(paced(recorder.frames), COLUMNS, "A stack moves from Docker Compose to Kubernetes"), "utf-8")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
