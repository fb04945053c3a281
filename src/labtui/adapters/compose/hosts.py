"""The files of a site's host: of this machine, or of one behind ssh. Asked for bind mounts, written to for filled-in templates."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from labtui.adapters.compose.places import Place
from labtui.adapters.compose.program import Done, run
from labtui.adapters.compose.templates import Filled
from labtui.domain.errors import OutcomeUnknown, Refused, Unreachable
from labtui.domain.text import clean

CONNECT_SECONDS = 10
# The umask makes a new file 0600; one that is there keeps its inode, owner and mode
_WRITE = "umask 077 && mkdir -p -- {folder} && cat > {path}"


class Host(Protocol):
    """Where bind mounts live."""

    @property
    def name(self) -> str:
        """For people: `this machine`, `pi@kyiv`."""

    def missing(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of the paths that are not there."""

    def write(self, filled: Filled) -> bool:
        """Write one file, 0600 if it is new, in place if it is there; False when it had this text already."""


class Here:
    """This machine."""

    name = "this machine"

    def missing(self, paths: Sequence[str]) -> tuple[str, ...]:
        """See `Host`."""
        return tuple(path for path in paths if not os.path.lexists(path))

    def write(self, filled: Filled) -> bool:
        """See `Host`. Does not follow a link at the file's place. Raises Refused."""
        path = Path(filled.path)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                if not path.is_symlink() and path.read_text(encoding="utf-8", errors="replace") == filled.text:
                    return False
            # in place: a container with this file mounted goes on seeing the same inode
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(filled.text)
        except OSError as error:
            raise Refused(f"{path} cannot be written", error.strerror or "") from error
        return True


class OverSsh:
    """A machine behind ssh, by the ssh program and the user's configuration. Every path is quoted for the shell over there."""

    def __init__(self, address: str, environ: Mapping[str, str]) -> None:
        """`address` is `ssh://[user@]host[:port]`."""
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        self.host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        self.name = (f"{parts.username}@" if parts.username else "") + self.host
        ssh = shutil.which("ssh", path=environ.get("PATH"))
        if ssh is None:
            raise Unreachable("No ssh program", "ssh was not found in PATH", "Install the OpenSSH client")
        self._argv = [
            ssh,
            "-T",
            "-o",
            "BatchMode=yes",
            "-o",
            f"ConnectTimeout={CONNECT_SECONDS}",
            "-o",
            "LogLevel=ERROR",
        ]
        self._argv += ["-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes"]
        self._argv += ["-l", parts.username] if parts.username else []
        self._argv += ["-p", str(parts.port)] if parts.port else []
        self._environ = {k: v for k, v in environ.items() if k not in ("SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY")}
        self._environ["SSH_ASKPASS_REQUIRE"] = "never"

    def missing(self, paths: Sequence[str]) -> tuple[str, ...]:
        """See `Host`. Raises Unreachable."""
        if not paths:
            return ()
        tests = "; ".join(f"test -e {shlex.quote(path)} || echo {number}" for number, path in enumerate(paths))
        done = self._run(tests)
        gone = {int(word) for word in done.out.split() if word.isdecimal()}
        return tuple(path for number, path in enumerate(paths) if number in gone)

    def write(self, filled: Filled) -> bool:
        """See `Host`; the text goes through the connection's input, so it is in no argument. Always writes."""
        path, folder = shlex.quote(filled.path), shlex.quote(str(Path(filled.path).parent))
        done = self._run(_WRITE.format(folder=folder, path=path), filled.text)
        if done.status:
            raise Refused(f"{filled.path} cannot be written on {self.name}", clean(done.err, 200))
        return True

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of the ssh program."""
        return self._environ

    def argv(self, command: str) -> tuple[str, ...]:
        """ssh with a command for the shell over there."""
        return (*self._argv, "--", self.host, command)

    def ask(self, command: str) -> Done:
        """Run a command there that changes nothing. Raises Unreachable."""
        return self._run(command)

    def _run(self, command: str, text: str = "") -> Done:
        try:
            done = run(self.argv(command), self._environ, None, text=text)
        except Unreachable as error:
            if text:
                raise OutcomeUnknown(error.title, f"a file on {self.name} may be half written") from error
            raise
        if done.status == 255:  # ssh(1): its own failure, not the command's
            raise Unreachable(f"No ssh connection to {self.name}", clean(done.err, 300), "labtui doctor examines it")
        return done


def host_of(place: Place, environ: Mapping[str, str]) -> Host | None:
    """The host of a site's engine; None when labtui has no way to its files (an engine on TCP)."""
    if not place.remote:
        return Here()
    if place.connection is not None and place.connection.host.startswith("ssh://"):
        return OverSsh(place.connection.host, environ)
    return None
