"""A terminal to drive a program in, as a person would: keys in, an emulated screen and every byte counted out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pagedown": "\x1b[6~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "backspace": "\x7f",
}
# What a real terminal answers: cursor position, device attributes, colours, synchronized output, keyboard protocol.
ANSWERS = (
    (b"\x1b[6n", b"\x1b[1;1R"),
    (b"\x1b[c", b"\x1b[?62;c"),
    (b"\x1b]10;?", b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"),
    (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    (b"\x1b[?u", b"\x1b[?0u"),
)
_TICK = os.sysconf("SC_CLK_TCK")


class Terminal:
    """A program on a pseudo-terminal. Use it as a context manager; leaving it ends the program."""

    def __init__(
        self, command: Sequence[str], columns: int = 120, rows: int = 40, environ: Mapping[str, str] | None = None
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = 0
        self.raw = bytearray()
        self.exit_status: int | None = None
        child = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **(environ or {})}
        # without compiled files, a start would measure Python's compiler
        for name in ("COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE"):
            child.pop(name, None)
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(command[0], list(command), child)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, seconds: float) -> int:
        """Take in what the program writes within `seconds`; the count of bytes, 0 when nothing came, -1 at its end."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return 0
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the program has ended
            return -1
        if not data:
            return -1
        self.written += len(data)
        self.raw += data
        for question, answer in ANSWERS:
            if question in data:
                os.write(self.fd, answer)
        self._stream.feed(data)
        return len(data)

    def press(self, *keys: str) -> None:
        """Press keys: single characters, names of `KEYS`, or `ctrl+x`."""
        for key in keys:
            code = chr(ord(key[5]) & 31) if key.startswith("ctrl+") else KEYS.get(key, key)
            os.write(self.fd, code.encode())
            # an escape that is followed at once by another key would be read as one sequence
            self.settle(0.12 if key == "escape" else 0.03, 1)

    def type(self, text: str) -> None:
        """Type text, character by character."""
        self.press(*text)

    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.screen.display)

    def line_with(self, needle: str) -> str:
        """The first line with `needle` on it, or an empty text."""
        return next((line for line in self.screen.display if needle in line), "")

    def wait_for(self, wanted: str | Callable[[str], bool], seconds: float = 10) -> float:
        """Read until the text stands on the screen (or the function says so); the seconds since the program's start.

        Raises AssertionError, with the screen, when it does not happen in time."""
        check = wanted if callable(wanted) else (lambda text: wanted in text)
        end = time.monotonic() + seconds
        while True:
            if check(self.text()):
                return time.monotonic() - self.started
            left = end - time.monotonic()
            ended = self.read(min(0.05, max(0.0, left))) < 0
            if (ended or left <= 0) and not check(self.text()):
                what = "the program ended before" if ended else f"not within {seconds:g} s"
                raise AssertionError(f"{what}: {wanted!r}\n{self.text()}")

    def settle(self, quiet: float, limit: float) -> int:
        """Read until nothing came for `quiet` seconds; the bytes read."""
        before, end = self.written, time.monotonic() + limit
        while time.monotonic() < end:
            if self.read(quiet) <= 0:
                break
        return self.written - before

    def watch(self, seconds: float) -> int:
        """Read for exactly that long; the bytes read."""
        before, end = self.written, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.read(left) < 0:
                break
        return self.written - before

    def wait_for_exit(self, seconds: float) -> float:
        """Wait until the program has ended by itself; how long that took. Raises AssertionError when it does not."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_status = os.waitstatus_to_exitcode(status)
                return time.monotonic() - begin
        raise AssertionError(f"still running after {seconds:g} s\n{self.text()}")

    def close(self) -> None:
        """End the program and everything it started."""
        if self.exit_status is None:
            for pid in reversed(processes(self.pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.fd)

    def cpu_seconds(self) -> float:
        """CPU time used by the program and its children so far (Linux)."""
        total = 0.0
        for pid in processes(self.pid):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / _TICK
        return total

    def memory_mib(self) -> float:
        """Proportional set size of the program and its children, in MiB (Linux)."""
        total = 0
        for pid in processes(self.pid):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total / 1024


def processes(pid: int) -> list[int]:
    """A process and everything below it (Linux)."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                todo += [int(child) for child in Path(f"/proc/{one}/task/{task}/children").read_text().split()]
    return found
