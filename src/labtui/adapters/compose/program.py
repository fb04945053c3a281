"""The docker compose program: finding it, its environment, and running it with a time limit. Never through a shell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from labtui.domain.errors import OutcomeUnknown, Refused, Unreachable
from labtui.domain.text import clean

HOW_TO_GET = (
    "Install the plugin (Debian and Ubuntu: docker-compose-plugin; OrbStack and Docker Desktop have it), "
    "or put a docker-compose 2 program in the PATH"
)
ASK_SECONDS = 30.0
LINGER_SECONDS = 5.0  # between asking a process to end and ending it
# They would change which files are read, under which name
_LEFT_OUT = frozenset(
    {
        "COMPOSE_FILE",
        "COMPOSE_PROJECT_NAME",
        "COMPOSE_ENV_FILES",
        "COMPOSE_PATH_SEPARATOR",
        "COMPOSE_DISABLE_ENV_FILE",
        "SSH_ASKPASS",
        "DISPLAY",
        "WAYLAND_DISPLAY",
    }
)


@dataclass(frozen=True, slots=True)
class Done:
    """How a process ended."""

    status: int
    out: str
    err: str


def find_program(environ: Mapping[str, str]) -> tuple[str, ...]:
    """`docker compose` if the docker program has the plugin, else `docker-compose`. Raises Refused when there is neither."""
    path = environ.get("PATH")
    tried = []
    for program, words in (("docker", ("compose",)), ("docker-compose", ())):
        found = shutil.which(program, path=path)
        if found is None:
            continue
        argv = (found, *words)
        # without an engine's address: whether the program works has nothing to do with any
        quiet = {k: v for k, v in environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
        done = run((*argv, "version", "--short"), quiet, None)
        version = done.out.strip().removeprefix("v")
        if done.status == 0 and version.split(".")[0].isdecimal() and int(version.split(".")[0]) >= 2:
            return argv
        tried.append(f"{' '.join((program, *words))}: {version if done.status == 0 else 'does not work'}")
    detail = (
        clean("; ".join(tried), 200)
        if tried
        else "neither docker with its compose plugin nor docker-compose is in PATH"
    )
    raise Refused("Docker Compose is missing", detail, HOW_TO_GET)


def child_environment(environ: Mapping[str, str], folder: str, engine: Mapping[str, str]) -> dict[str, str]:
    """The environment of docker compose: `folder` is what ${PWD} stands for, `engine` names the engine."""
    child = {k: v for k, v in environ.items() if k not in _LEFT_OUT}
    if engine:
        child.pop("DOCKER_HOST", None)
        child.pop("DOCKER_CONTEXT", None)
    child.update(engine, PWD=folder, SSH_ASKPASS_REQUIRE="never")
    return child


def run(
    argv: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path | None,
    *,
    text: str | None = None,
    seconds: float = ASK_SECONDS,
) -> Done:
    """Run it to its end and return what it said. For what changes nothing. Raises Unreachable when it takes too long."""
    with _started(argv, environ, cwd, stdin=subprocess.PIPE) as process:
        try:
            out, err = process.communicate(None if text is None else text.encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            # its exception holds what was printed: it goes no further
            raise Unreachable(f"{_name(argv)} did not end in {seconds:.0f} s") from None
    return Done(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def lines(
    argv: Sequence[str], environ: Mapping[str, str], cwd: Path | None, *, seconds: float | None, status: list[int]
) -> Iterator[str]:
    """Run it and yield each line of both outputs as it comes; its exit status is put into `status` at the end.

    Closing the iterator ends the process. Raises OutcomeUnknown when it has not ended after `seconds` (None: no limit).
    """
    late = threading.Event()
    with _started(argv, environ, cwd, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:

        def stop() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(seconds, stop) if seconds is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                yield line.decode("utf-8", "replace").rstrip("\r\n")
            process.wait()
        finally:
            if timer is not None:
                timer.cancel()
    if late.is_set():
        raise OutcomeUnknown(f"{_name(argv)} did not end in {seconds:.0f} s and was stopped")
    status.append(process.returncode)


@contextmanager
def _started(
    argv: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path | None,
    *,
    stdin: int,
    stderr: int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is gone, with its children, when the block is left."""
    try:
        # a session of its own: no terminal to ask for passwords on, and Ctrl-C in labtui's terminal is labtui's to handle
        process = subprocess.Popen(
            list(argv),
            env=dict(environ),
            cwd=cwd,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise Refused(f"{_name(argv)} could not be started", error.strerror or "", HOW_TO_GET) from error
    try:
        yield process
    finally:
        _end(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)  # its session is its process group: children go with it
        with suppress(subprocess.TimeoutExpired):
            process.wait(LINGER_SECONDS)
            return


def _name(argv: Sequence[str]) -> str:
    return " ".join((Path(argv[0]).name, *argv[1:2]))
