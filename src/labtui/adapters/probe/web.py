"""One HTTP request: of the body the first bytes and a hash, never all of it."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

from labtui.adapters.probe.failures import Failed
from labtui.adapters.probe.link import AsSocket, Deadline, Link
from labtui.domain.migration.probes import BODY_LIMIT, Answer, Body, Target

CHUNK = 64 * 1024
Progress = Callable[[int], None]


class Page:
    """A connection that requests are sent on. `keep`: the server is asked to keep it."""

    def __init__(self, target: Target, deadline: Deadline, *, keep: bool) -> None:
        """Connect. Raises OSError."""
        self._target, self._keep = target, keep
        self.link = Link(target, deadline)
        self._http = http.client.HTTPConnection(target.name, target.port)
        self._http.sock = AsSocket(self.link)
        self.usable = True

    def get(self, path: str, deadline: Deadline, progress: Progress | None = None) -> Answer:
        """Ask. Raises OSError, http.client.HTTPException or Failed; the connection is of no use then.

        `progress` is told the size of each piece; only with it there is no limit to the body. It may raise to end it.
        """
        self.usable = False
        self.link.deadline = deadline
        started = time.monotonic()
        self._send(path)
        response = self._http.getresponse()
        body, complete = Body(), True
        while piece := response.read1(CHUNK):
            body.add(piece)
            if progress is not None:
                deadline.extend()
                progress(len(piece))
            elif body.size >= BODY_LIMIT:
                complete = False
                break
        # read1 takes the end of the connection for the end of the body, whatever the length that was promised
        if complete and response.length:
            raise Failed(f"the body was cut after {body.size} of {body.size + response.length} bytes")
        ended = time.monotonic()
        response.close()  # read1 does not see by itself that a body of known length is read: the next request needs that
        # http.client forgets its socket when the server says that it will close
        self.usable = self._keep and complete and not response.will_close
        return body.answer(response.status, response.getheaders(), ended - started, complete=complete)

    def _send(self, path: str) -> None:
        target = self._target
        given = {name.lower() for name, _ in target.headers}
        usual = 443 if target.tls else 80
        host = target.name if target.host or target.port == usual else f"{_bracketed(target.name)}:{target.port}"
        self._http.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        for name, value in (("Host", host), ("User-Agent", "labtui"), ("Accept", "*/*")):
            if name.lower() not in given:
                self._http.putheader(name, value)
        if not self._keep:
            self._http.putheader("Connection", "close")
        for name, value in target.headers:
            self._http.putheader(name, value)
        self._http.endheaders()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
        self.link.close()


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
