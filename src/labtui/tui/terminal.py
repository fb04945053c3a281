"""The terminal: its title, and Textual's driver, made to survive a stop that nobody can catch."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Lets go of the terminal before it takes it anew.

    On SIGCONT Textual takes the terminal anew, as is right after ctrl+z (SIGTSTP), when it has let go of it. It has not
    after SIGSTOP: then two threads would read the keys, one of them for ever, and the program could not be left.
    """

    _held = False

    def start_application_mode(self) -> None:
        """Take the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # it has no annotations
        self._held = True

    def stop_application_mode(self) -> None:
        """Give it back as it was."""
        self._held = False
        super().stop_application_mode()

    def resume_application_mode(self) -> None:
        """Take it again after a stop, of whatever kind."""
        if self._held:
            if self._in_background():  # `bg`: the terminal is the shell's, sleep on until `fg`
                os.kill(os.getpid(), signal.SIGSTOP)
                return
            self.suspend_application_mode()
            self.send_message(self.SignalResume())
        super().resume_application_mode()

    def _in_background(self) -> bool:
        with suppress(OSError):  # it is not the terminal that controls this process
            return os.tcgetpgrp(self.fileno) != os.getpgrp()
        return False


@contextmanager
def terminal_title() -> Iterator[None]:
    """The title says labtui while it runs, and nothing that comes from outside; the old title comes back (xterm's CSI 22/23 t)."""
    terminal = sys.__stderr__  # where Textual writes to
    if terminal is None or not terminal.isatty():
        yield
        return
    terminal.write("\x1b[22;2t\x1b]2;labtui\x07")
    terminal.flush()
    try:
        yield
    finally:
        terminal.write("\x1b[23;2t")
        terminal.flush()
