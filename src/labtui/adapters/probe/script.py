"""A check of the operator's own: a program, run without a shell, that says by its exit status whether all is well."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from labtui.domain.migration.comparison import CheckResult
from labtui.domain.text import clean

OUTPUT_KEPT = 64 * 1024  # the last bytes
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "TMPDIR")


class CheckProgram:
    """See `OwnCheck`. `folder` is where it runs, `environ` where the few variables it gets come from: no token of labtui's
    own (VAULT_TOKEN, ARGOCD_AUTH_TOKEN …) reaches it unless the operator's script reads it by itself."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = {key: environ[key] for key in _PASSED_ON if key in environ}

    def run(self, argv: Sequence[str], environ: Mapping[str, str], seconds: float) -> CheckResult:
        """See `OwnCheck`. Passed means exit status 0 in time. The last line of its output, both streams together."""
        name = clean(Path(argv[0]).name, 60) if argv else "check"
        began = time.monotonic()
        if not argv:
            return CheckResult(name, False, "no program is named")
        # a relative path with a folder in it is meant from where it runs, a bare name from PATH
        program = (
            str(self._folder / argv[0]) if "/" in argv[0] else shutil.which(argv[0], path=self._environ.get("PATH"))
        )
        if program is None:
            return CheckResult(name, False, "there is no such program in PATH")
        try:
            process = subprocess.Popen(
                [program, *argv[1:]],
                cwd=self._folder,
                env={**self._environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that what it starts can be ended with it
            )
        except (OSError, ValueError) as error:
            reason = (
                error.strerror if isinstance(error, OSError) and error.strerror else "its arguments cannot be passed"
            )
            return CheckResult(name, False, f"it cannot be started: {clean(reason.lower(), 120)}")
        try:
            said, late = _listen(process, began + seconds)
        finally:
            _end_all(process)
        last = _last_line(said)
        took = time.monotonic() - began
        if late:
            return CheckResult(
                name, False, f"not done after {seconds:g} s{', last: ' + last if last else ''}", None, took
            )
        return CheckResult(name, process.returncode == 0, last, process.returncode, took)


def _listen(process: subprocess.Popen[bytes], end: float) -> tuple[bytes, bool]:
    """The end of its output, and whether its time was over first. It is done when it exits, also when what it started lives on."""
    assert process.stdout is not None
    said = b""
    descriptor = process.stdout.fileno()
    os.set_blocking(descriptor, False)
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return said, process.poll() is None
            # its exit is looked for now and then: a child that it left behind may hold the output open
            readable = selector.select(min(left, 0.1)) if selector.get_map() else []
            if readable:
                piece = os.read(descriptor, OUTPUT_KEPT)
                said = (said + piece)[-OUTPUT_KEPT:]
                if not piece:
                    selector.unregister(descriptor)
            elif process.poll() is not None:
                return said, False
            elif not selector.get_map():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(left)
                return said, process.poll() is None


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End it and all that it started: a group keeps its number as long as anything of it lives."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _last_line(said: bytes) -> str:
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return clean(lines[-1].strip(), 200) if lines else ""
