"""The docker SDK's low-level client with two additions: its sockets can be cut from another thread, and its errors are put in words.

Importing this module imports the SDK (0.2 s): only threads that are about to talk to an engine do.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3
from docker import APIClient
from docker.errors import APIError, DockerException, StreamParseError
from docker.tls import TLSConfig
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from labtui.adapters.docker.link import Link
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import Denied, LabError, NotFound, Refused, Unreachable
from labtui.domain.text import clean

REQUEST_SECONDS = 8
PING_SECONDS = 4
# the oldest version the SDK takes; only until the engine has said its own
PLACEHOLDER_VERSION = "1.24"
ONE_SHOT_SINCE = (1, 41)

FAILURES = (DockerException, StreamParseError, requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What the SDK raises when an engine does not answer as it should."""


class Wires:
    """The open sockets to one engine, so that a thread that waits on one can be woken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._cut = False

    def add(self, wire: socket.socket) -> None:
        """A connection was made. Raises ConnectionAbortedError after `cut`."""
        with self._lock:
            if not self._cut:
                self._sockets.add(wire)
                return
        wire.close()
        raise ConnectionAbortedError("the connection was closed")

    def cut(self) -> None:
        """Break all connections, now and from now on."""
        with self._lock:
            self._cut = True
            wires = list(self._sockets)
        for wire in wires:
            with contextlib.suppress(OSError):
                # not SSLSocket.shutdown: it would take the TLS state from under the thread that reads
                socket.socket.shutdown(wire, socket.SHUT_RDWR)


class _Adapter(HTTPAdapter):
    """Makes connections that are known to `wires`. If the link is a unix socket they go there, the first one over what is made."""

    def __init__(self, link: Link, wires: Wires) -> None:
        self._link = link
        self._wires = wires
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        link, wires = self._link, self._wires

        class Plain(HTTPConnection):
            def connect(self) -> None:
                if not link.address.startswith("unix://"):
                    super().connect()
                elif (made := link.take()) is not None:
                    self.sock = made
                else:
                    self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    self.sock.settimeout(REQUEST_SECONDS)
                    self.sock.connect(link.address.removeprefix("unix://"))
                wires.add(self.sock)

        class Tls(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                wires.add(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = Tls

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}


class Engine:
    """One client: a few kept connections to one engine. Its calls raise `FAILURES` and may run in several threads at once."""

    def __init__(self, connection: DockerConnection, link: Link, wires: Wires) -> None:
        """Connects through `link`, which must be ready, and asks for the engine's version."""
        adapter = _Adapter(link, wires)
        first = _client(connection, link.address, PLACEHOLDER_VERSION, adapter)
        answer = first.get(f"{first.base_url}/version", timeout=REQUEST_SECONDS)
        answer.raise_for_status()
        self.version: dict[str, Any] = answer.json()
        self.now = _date(answer.headers.get("Date", ""))
        """The engine's clock when it answered, in whole seconds since 1970, rounded down."""
        version = str(self.version.get("ApiVersion") or PLACEHOLDER_VERSION)
        # the adapter, and with it the open connection, is the same
        self._api = _client(connection, link.address, version, adapter)
        numbers = tuple(int(n) for n in version.split(".") if n.isdecimal())
        self._one_shot = True if numbers >= ONE_SHOT_SINCE else None

    def ids(self) -> list[str]:
        """The ids of all containers, running or not."""
        return [c["Id"] for c in self._api.containers(all=True, quiet=True)]

    def inspect(self, ident: str) -> dict[str, Any] | None:
        """All about a container; None when it is gone."""
        with gone():
            found: dict[str, Any] = self._api.inspect_container(ident)
            return found
        return None

    def stats(self, ident: str) -> dict[str, Any] | None:
        """One sample of a container's use of CPU and memory; None when it is gone."""
        with gone():
            try:
                found: dict[str, Any] = self._api.stats(ident, stream=False, one_shot=self._one_shot)
            except requests.JSONDecodeError as error:
                if error.doc:
                    raise
                return None  # an answer without a body: the container went while it was measured
            return found
        return None

    def events(self, since: int, actions: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """Containers' events, also those since a time of the engine's clock (it remembers 256). Ends when the engine hangs up."""
        stream: Iterator[dict[str, Any]] = self._api.events(
            since=since, decode=True, filters={"type": ["container"], "event": list(actions)}
        )
        return stream

    def info(self) -> dict[str, Any]:
        """The engine's own state, with its clock (`SystemTime`)."""
        found: dict[str, Any] = self._api.info()
        return found

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        *,
        seconds: float = REQUEST_SECONDS,
        stream: bool = False,
    ) -> requests.Response:
        """The answer to a request that the SDK has no call for; 404 is an answer, too. A stream is to be read, then closed."""
        url = f"{self._api.base_url}/v{self._api.api_version}{path}"
        answer = self._api.request(method, url, params=query, json=body, timeout=seconds, stream=stream)
        if answer.status_code != 404:
            answer.raise_for_status()
        return answer

    def send(
        self, path: str, query: Mapping[str, str], chunks: Iterator[bytes], *, seconds: float
    ) -> requests.Response:
        """PUT what is made piece by piece; 404 is an answer, too."""
        url = f"{self._api.base_url}/v{self._api.api_version}{path}"
        headers = {"Content-Type": "application/x-tar"}
        answer = self._api.request("PUT", url, params=query, data=chunks, headers=headers, timeout=seconds)
        if answer.status_code != 404:
            answer.raise_for_status()
        return answer

    def ping(self) -> None:
        """A sign of life within `PING_SECONDS`."""
        self._api.get(f"{self._api.base_url}/_ping", timeout=PING_SECONDS).raise_for_status()

    def close(self) -> None:
        """Drop the kept connections."""
        self._api.close()


def _client(connection: DockerConnection, address: str, version: str, adapter: _Adapter) -> APIClient:
    tls = _tls(connection) if address.startswith("tcp://") else None
    client = APIClient(base_url=address, version=version, timeout=REQUEST_SECONDS, tls=tls or False)
    if address.startswith("unix://"):
        client.base_url = "http://localhost"
    # the environment is for the web: its proxy must not get in the way, and REQUESTS_CA_BUNDLE would win over the context's CA
    client.trust_env = False
    client.mount("http://", adapter)
    client.mount("https://", adapter)
    return client


@contextlib.contextmanager
def gone() -> Iterator[None]:
    """Leave the block when the engine says that the container does not exist (404) or is just being removed (409)."""
    try:
        yield
    except APIError as error:
        if error.status_code not in (404, 409):
            raise


def explain(error: BaseException, connection: DockerConnection) -> LabError:
    """The error in words that a person can act on."""
    if isinstance(error, LabError):
        return error
    host = clean(connection.host, 200)
    causes = list(_causes(error))
    for cause in causes:
        if (known := _known(cause, host)) is not None:
            return known
    return Unreachable(f"No connection to {host}", clean(str(causes[-1]), 300))


def _known(cause: BaseException, host: str) -> LabError | None:
    match cause:
        case PermissionError():
            hint = "Add yourself to the group docker (sudo usermod -aG docker $USER) and sign in again"
            return Denied("Docker does not allow it", f"permission denied on {host}", hint)
        case FileNotFoundError():
            return Unreachable(
                "No Docker engine", f"its socket does not exist: {host}", "Is Docker running on this machine?"
            )
        case ConnectionRefusedError():
            return Unreachable("No Docker engine", f"connection refused at {host}", "Is Docker running there?")
        case ssl.SSLCertVerificationError():
            hint = "Check the CA file of this context, and that the certificate names this host"
            return Unreachable(f"No secure connection to {host}", clean(cause.verify_message or str(cause)), hint)
        case ssl.SSLError():
            hint = "Check that the engine speaks TLS at this port and accepts the client certificate"
            return Unreachable(f"No secure connection to {host}", clean(str(cause.args[-1])), hint)
        case socket.gaierror():
            return Unreachable(f"No connection to {host}", f"name unknown: {clean(cause.strerror or '')}")
        case APIError():
            return _api_error(cause)
        case requests.Timeout() | TimeoutError() | urllib3.exceptions.TimeoutError():
            return Unreachable(f"No answer from {host}", "no answer in time")
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
            return Unreachable("Connection lost", f"connection closed by {host}")
    return None


def _api_error(error: APIError) -> LabError:
    detail = clean(str(error.explanation or error), 300)
    status = error.status_code
    if status in (401, 403):
        return Denied("Docker does not allow it", detail)
    if status == 404:
        return NotFound("Docker does not know it", detail)
    return Refused("Docker refused", detail)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, innermost first: requests and urllib3 keep the cause among the arguments."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        one = todo.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            todo += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]
    return reversed(seen)


def _date(header: str) -> int:
    """RFC 9110, section 6.6.1; Go's server always sends it. Without it: this machine's clock, a minute early."""
    try:
        return int(parsedate_to_datetime(header).timestamp())
    except ValueError:
        return int(time.time()) - 60


def _tls(connection: DockerConnection) -> TLSConfig | None:
    ca, cert, key = connection.ca_cert, connection.client_cert, connection.client_key
    if not (ca or cert or key or connection.skip_tls_verify):
        return None
    if connection.skip_tls_verify:
        # it would be written over the screen
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return TLSConfig(
        client_cert=(str(cert), str(key)) if cert and key else None,
        ca_cert=str(ca) if ca else None,
        verify=not connection.skip_tls_verify,
    )
