"""HTTP to the API server: raw JSON over the client library's pool, errors in plain words, and a close that breaks reads.

Nothing here repeats a request by itself but for one thing: after a 401 the kubeconfig is read anew, once.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlencode

from labtui.adapters.kubernetes.reading import Json, sub, text
from labtui.domain.errors import Denied, LabError, NotFound, OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.text import clean

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from labtui.adapters.kubernetes.kubeconfig import Access

CONNECT_TIMEOUT = 4.0
READ_TIMEOUT = 15.0
_TITLE = "The cluster does not answer"
Query = Mapping[str, str | int]


class Expired(Exception):
    """410 Gone: this resource version or continue token is too old; list again (Kubernetes API concepts)."""


class Conflict(Refused):
    """409: the object is another one by now, or is there already."""


class Busy(Unreachable):
    """The server is there but turns requests away for now: starting, stopping or overloaded."""


class Stream(Protocol):
    """The open answer of a watch."""

    def lines(self) -> Iterator[bytes]:
        """Each line as soon as it is complete; ends when the server closes. Raises Unreachable when the connection breaks."""


class Transport(Protocol):
    """What the feed needs of HTTP; `Wire` is the real one."""

    def get(self, path: str, query: Query | None = None, timeout: float = READ_TIMEOUT) -> Json:
        """The JSON object at a path. Raises a LabError or Expired."""

    def stream(self, path: str, query: Query, timeout: float) -> AbstractContextManager[Stream]:
        """An open watch."""


class Wire:
    """The connections of one `follow` or `check`. `load` reads the kubeconfig; it is called again after a 401."""

    def __init__(self, load: Callable[[], Access]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._sockets: dict[int, socket.socket] = {}
        self._answers: set[BaseHTTPResponse] = set()
        self._closed = False
        self._access: Access | None = None
        self._generation = 0
        self.heard = time.monotonic()  # when the server last said something
        self.date = ""  # the Date header of the last answer

    @property
    def closed(self) -> bool:
        """Has `close` been called?"""
        return self._closed

    @property
    def host(self) -> str:
        """The server's address, empty before the kubeconfig was read."""
        return self._access.host if self._access else ""

    def open(self) -> None:
        """Read the kubeconfig. Raises Invalid or SignedOut."""
        self._renew(0)

    def close(self) -> None:
        """End every connection and make every read that waits return; later requests fail."""
        with self._lock:
            self._closed = True
            sockets, answers = list(self._sockets.values()), list(self._answers)
            self._sockets.clear()
        for sock in sockets:
            with suppress(OSError):  # it may be closed already
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for answer in answers:
            # an answer may have outlived the connection object that it came by
            with suppress(OSError, ValueError, RuntimeError):
                answer.shutdown()
        if self._access is not None:
            self._access.pool.clear()

    def get(self, path: str, query: Query | None = None, timeout: float = READ_TIMEOUT) -> Json:
        """See `Transport`."""
        return self._object(self._send("GET", path, query, None, timeout), timeout)

    def post(self, path: str, body: Json, timeout: float = READ_TIMEOUT) -> Json:
        """Send an object: a review, or a new one. Raises Conflict when it is there already."""
        return self._object(self._send("POST", path, None, body, timeout), timeout)

    def put(self, path: str, body: Json, timeout: float = READ_TIMEOUT) -> Json:
        """Replace an object of the resource version that `body` has. Raises Conflict when it is another one by now."""
        return self._object(self._send("PUT", path, None, body, timeout), timeout)

    def change(self, method: str, path: str, query: Query | None = None, body: Json | None = None) -> Json:
        """A request that changes something: DELETE, or PATCH, which is a server-side apply. Raises OutcomeUnknown when its
        answer is lost."""
        try:
            return self._object(self._send(method, path, query, body, READ_TIMEOUT), READ_TIMEOUT)
        except Unreachable as error:
            raise OutcomeUnknown("The cluster's answer to a change is lost", error.cause, "Look at it again") from error

    def plain(self, path: str, query: Query | None = None) -> str:
        """The text at a path: a log."""
        answer = self._send("GET", path, query, None, READ_TIMEOUT)
        with self.translated(READ_TIMEOUT):
            try:
                return answer.data.decode("utf-8", "replace")
            finally:
                answer.release_conn()

    @contextmanager
    def stream(self, path: str, query: Query, timeout: float) -> Iterator[Stream]:
        """See `Transport`."""
        answer = self._send("GET", path, query, None, timeout)
        with self._lock:
            self._answers.add(answer)
        try:
            yield _Answer(self, answer, timeout)
        finally:
            with self._lock:
                self._answers.discard(answer)
            # half-read: the connection cannot be used again
            answer.close()

    def _object(self, answer: BaseHTTPResponse, timeout: float) -> Json:
        with self.translated(timeout):
            try:
                found = json.loads(answer.data or b"")
            except ValueError as error:
                raise Unreachable(_TITLE, "what answers is not a Kubernetes API server", self._hint()) from error
            finally:
                answer.release_conn()
        return found if isinstance(found, dict) else {}

    def _send(self, method: str, path: str, query: Query | None, body: Json | None, timeout: float) -> BaseHTTPResponse:
        generation = self._generation
        answer = self._once(method, path, query, body, timeout)
        if answer.status == 401:
            answer.drain_conn()
            self._renew(generation)
            answer = self._once(method, path, query, body, timeout)
        if answer.status < 300:
            return answer
        with self.translated(timeout):
            said = answer.data[:4000]
        raise self._refusal(answer.status, said)

    def _once(self, method: str, path: str, query: Query | None, body: Json | None, timeout: float) -> BaseHTTPResponse:
        from urllib3.util import Timeout

        access = self._access
        if access is None or self._closed:
            raise Unreachable(_TITLE, "the connection was closed")
        url = access.host + quote(path, safe="/") + (f"?{urlencode(query)}" if query else "")
        headers = {**access.headers, "Accept": "application/json", "User-Agent": "labtui"}
        if body is not None:
            headers["Content-Type"] = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        with self.translated(timeout):
            answer = access.pool.request(
                method,
                url,
                body=None if body is None else json.dumps(body),
                headers=headers,
                timeout=Timeout(connect=CONNECT_TIMEOUT, read=timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        self.heard = time.monotonic()
        self.date = answer.headers.get("Date", "")
        return answer

    def _renew(self, generation: int) -> None:
        """Read the kubeconfig anew, unless another thread has done so since `generation`."""
        with self._renewing:
            if generation != self._generation:
                return
            access = self._load()
            before = self._access
            if before is not None and (before.headers, before.expires) == (access.headers, access.expires):
                raise SignedOut(
                    "The cluster does not take the credentials",
                    "they are wrong or have expired (401)",
                    "Renew the token or certificate of the kubeconfig; it is read again by itself",
                )
            self._watch_sockets(access)
            with self._lock:
                self._access = access
                self._generation += 1

    def _refusal(self, status: int, body: bytes) -> Exception:
        try:
            said = json.loads(body)
        except ValueError:
            said = {}
        message = clean(text(said, "message") or f"HTTP status {status}", 300)
        if status == 401:
            hint = "Renew the token or certificate of the kubeconfig; it is read again by itself"
            return SignedOut("The cluster does not take the credentials", "they are wrong or have expired (401)", hint)
        if status == 403:
            return Denied("Not allowed", message, "Ask for a role that may get, list and watch, for instance `view`")
        if status == 404:
            return NotFound("The cluster does not serve this", message)
        if status == 410:
            return Expired(message)
        if status in (429, 502, 503, 504):
            return Busy(_TITLE, f"it turns requests away: {message}", self._hint())
        reason = text(sub(said), "reason")
        if status == 409:
            return Conflict("The cluster refused", f"{reason}: {message}" if reason else message)
        return Refused("The cluster refused", f"{reason}: {message}" if reason else message)

    def _hint(self) -> str:
        return f"Is the API server at {clean(self.host, 100)} running, and is this the right address?"

    @contextmanager
    def translated(self, timeout: float) -> Iterator[None]:
        """Turn what the network throws into Unreachable, with its cause in words."""
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (HTTPError, HTTPException, OSError) as error:
            raise Unreachable(_TITLE, in_words(error, timeout), self._hint()) from error
        except ValueError as error:
            # urllib3 and http.client refuse header values and addresses this way; they may quote a token
            if isinstance(error, LabError):
                raise
            raise Unreachable(
                _TITLE, "its address or the credentials hold characters that HTTP does not allow"
            ) from None

    def guard(self, sock: socket.socket) -> int:
        """Remember a connection so that `close` can break it; returns what `release` wants.

        A duplicate is kept: TLS takes the file descriptor away from the socket it wraps.
        """
        twin = sock.dup()
        with self._lock:
            if not self._closed:
                self._sockets[twin.fileno()] = twin
                return twin.fileno()
        twin.close()
        sock.close()
        raise OSError("the connection was closed")

    def release(self, number: int) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            twin = self._sockets.pop(number, None)
        if twin is not None:
            twin.close()

    def _watch_sockets(self, access: Access) -> None:
        from labtui.adapters.kubernetes.sockets import pool_classes

        access.pool.pool_classes_by_scheme = pool_classes(self)


class _Answer:
    def __init__(self, wire: Wire, answer: BaseHTTPResponse, timeout: float) -> None:
        self._wire, self._answer, self._timeout = wire, answer, timeout

    def lines(self) -> Iterator[bytes]:
        """See `Stream`."""
        rest = b""
        with self._wire.translated(self._timeout):
            for chunk in self._answer.stream(None):
                self._wire.heard = time.monotonic()
                *whole, rest = (rest + chunk).split(b"\n")
                yield from whole


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, "connection lost"),
    (socket.gaierror, "its name is not known"),
)


def in_words(error: BaseException, timeout: float) -> str:
    """The cause of a network error, as short as a pane needs it."""
    import ssl

    from urllib3 import exceptions as u

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {clean(cause.verify_message, 120)}"
        # NewConnectionError is one too, but a refusal or another error is behind it
        if isinstance(cause, u.ConnectTimeoutError) and not isinstance(cause, u.NewConnectionError):
            return f"no answer for {CONNECT_TIMEOUT:.0f} s"
        if isinstance(cause, (u.ReadTimeoutError, TimeoutError)):
            return f"no answer for {timeout:.0f} s"
        for kind, said in _WORDS:
            if isinstance(cause, kind):
                return said
        if isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return "connection lost"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {clean(cause.reason or 'unknown reason', 120)}"
        if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
            return clean(cause.strerror.lower(), 120)
        cause = cause.__cause__ or cause.__context__ or _argument(cause)
    return "connection lost"


def _argument(error: BaseException) -> BaseException | None:
    """urllib3 hands the cause on as an argument."""
    return next((a for a in (*error.args, getattr(error, "reason", None)) if isinstance(a, BaseException)), None)
