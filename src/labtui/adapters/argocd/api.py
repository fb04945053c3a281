"""Requests to an Argo CD API server, and what their failures mean.

httpx is loaded at the first request, in the thread that makes it. Every call opens a connection of its own: a change is
never sent over a connection that the server may have closed meanwhile, so a lost answer is rare and meant seriously.
"""

from __future__ import annotations

import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from labtui.adapters.argocd import failures
from labtui.adapters.argocd.tokens import Tokens
from labtui.domain.connections import ArgocdConnection
from labtui.domain.errors import Invalid

if TYPE_CHECKING:
    import httpx

Params = Sequence[tuple[str, str]]
Trace = Callable[[str, Mapping[str, Any]], None]

CONNECT = 4.0
READ = 10.0
# A change may validate the repository first, a comparison waits for the controller
SLOW = 60.0
_APPLICATIONS = "/api/v1/applications"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. `code` is the gRPC status (0 is OK), `message` its own words, `data` the JSON document."""

    status: int
    code: int
    message: str
    data: Any
    date: str = ""


class Api:
    """One server. Safe to use from several threads."""

    def __init__(self, connection: ArgocdConnection, transport: httpx.BaseTransport | None = None) -> None:
        self.connection = connection
        self.transport = transport
        self.tokens = Tokens(connection.token)
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    # Reading

    def read(self, path: str, params: Params = (), *, seconds: float = READ) -> Any:
        """GET a JSON document. Raises any LabError but OutcomeUnknown."""
        with self.client() as client:
            return self.ask(client, path, params, seconds=seconds).data

    def ask(
        self, client: httpx.Client, path: str, params: Params = (), *, seconds: float = READ, trace: Trace | None = None
    ) -> Answer:
        """GET with a client that the caller keeps."""
        answer = self._send(client, "GET", path, params, self.tokens.current(), seconds=seconds, trace=trace)
        if answer.code:
            raise failures.of_answer(answer.status, answer.code, answer.message, changing=False)
        return answer

    # Changing

    def change(
        self, method: str, path: str, params: Params = (), body: Any = None, *, anonymous: bool = False
    ) -> Answer:
        """Send a change once; the caller judges what is refused (`Answer.code`).

        Raises OutcomeUnknown when it was sent and no answer came, Unreachable when it was not sent.
        """
        with self.client() as client:
            token = None if anonymous else self.tokens.current()
            content = json.dumps({} if body is None else body).encode()
            return self._send(client, method, path, params, token, seconds=SLOW, content=content)

    # Parts

    def client(self) -> httpx.Client:
        """A new client, to be closed by the caller. The environment's proxies count, but never for this machine."""
        import httpx

        local = is_loopback(self.connection.server)
        try:
            return httpx.Client(
                base_url=self.connection.url,
                verify=False if self.connection.plaintext else self._context(),
                trust_env=not local,
                transport=self.transport,
                headers=[("Accept-Encoding", "identity")] if local else None,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise Invalid(
                f"{self.connection.server!r} is no address of an Argo CD server",
                hint="Set argocd.server to host or host:port, without https://",
            ) from error

    def headers(self, token: str | None) -> list[tuple[str, str]]:
        """The headers of every request: the user's own, the token. DELETE, too, is refused without a content type."""
        found = [*self.connection.headers, ("Content-Type", "application/json")]
        return [*found, ("Authorization", f"Bearer {token}")] if token else found

    def _send(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        params: Params,
        token: str | None,
        *,
        seconds: float,
        content: bytes | None = None,
        trace: Trace | None = None,
    ) -> Answer:
        import httpx

        try:
            response = client.request(
                method,
                path,
                params=list(params) or None,
                content=content,
                headers=self.headers(token),
                timeout=httpx.Timeout(seconds, connect=CONNECT),
                extensions={"trace": trace} if trace else None,
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise failures.of_transport(error, self.connection, changing=content is not None) from error
        return self.judge(response, token)

    def judge(self, response: httpx.Response, token: str | None) -> Answer:
        """What a whole response says; takes over a renewed token."""
        if response.status_code == 401:
            self.tokens.refused(token)
        elif token is not None:
            self.tokens.renew(response.headers.get_list("set-cookie"))
        if response.is_redirect:
            raise failures.of_redirect(response.headers.get("location", ""), self.connection)
        try:
            data = json.loads(response.content) if response.content else {}
        except (ValueError, RecursionError) as error:
            raise failures.of_text(response.status_code, response.text, self.connection) from error
        date = response.headers.get("date", "")
        if response.is_success:
            return Answer(response.status_code, 0, "", data, date)
        known = data if isinstance(data, dict) else {}
        code = known.get("code")
        message = known.get("message") or known.get("error") or response.reason_phrase
        return Answer(response.status_code, code if isinstance(code, int) else -1, str(message), data, date)

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = _tls(self.connection)
            return self._tls


def is_loopback(server: str) -> bool:
    """Is it this machine, by its address or the name localhost?"""
    host = urlsplit(f"//{server}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def app_path(name: str, *rest: str) -> str:
    """The path of an application and of what is below it, each part escaped."""
    if name in ("", ".", "..") or any(part in ("", ".", "..") for part in rest):
        raise Invalid(f"{name!r} is no name of an application")
    return "/".join((_APPLICATIONS, quote(name, safe=""), *(quote(part, safe="") for part in rest)))


def _tls(connection: ArgocdConnection) -> ssl.SSLContext:
    """The system's authorities (as the argocd CLI does), or certifi's where Python finds none."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not paths.capath:
        import certifi

        context.load_verify_locations(certifi.where())
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if connection.client_cert is not None:
        try:
            context.load_cert_chain(connection.client_cert, connection.client_key, password="")
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or "not a certificate with its key"
            raise Invalid(f"The client certificate {connection.client_cert} cannot be used", reason) from error
    return context
