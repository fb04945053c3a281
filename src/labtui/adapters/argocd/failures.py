"""From what went wrong between labtui and Argo CD to an error that a person can act on.

Argo CD answers errors as `{error, code, message}` with the gRPC status in `code` (grpc-gateway 1.16); several codes share
one HTTP status (InvalidArgument and FailedPrecondition are both 400), so the code decides where there is one.
"""

from __future__ import annotations

import re
import ssl
from urllib.parse import urlsplit

from labtui.domain.connections import ArgocdConnection
from labtui.domain.errors import Denied, Invalid, LabError, NotFound, OutcomeUnknown, Refused, SignedOut, Unreachable

# google.golang.org/grpc/codes
INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, PERMISSION_DENIED = 3, 4, 5, 7
UNAVAILABLE, UNAUTHENTICATED = 14, 16
_BY_HTTP = {401: UNAUTHENTICATED, 403: PERMISSION_DENIED, 404: NOT_FOUND, 502: UNAVAILABLE, 503: UNAVAILABLE, 504: 4}

SIGN_IN = "Sign in again: argocd login, or a fresh ARGOCD_AUTH_TOKEN"
OBSERVE = "Look at the application before you try again"
_LOST = re.compile(r"timed? ?out|deadline|transport is closing|connection reset|EOF\b|context cancell?ed", re.I)
_NEVER_SENT = re.compile(r"while dialing|connection refused|no such host", re.I)


def of_answer(status: int, code: int, message: str, *, changing: bool) -> LabError:
    """The error for an answer with gRPC status `code` (-1: none was given) and Argo CD's own `message`."""
    if code < 0:
        code = _BY_HTTP.get(status, code)
    if code == UNAUTHENTICATED:
        return SignedOut("Argo CD wants you to sign in", message, SIGN_IN)
    if code == PERMISSION_DENIED:
        blocked = "sync window" in message
        hint = (
            "Wait for the window, or change it in the AppProject" if blocked else "Ask for the right in Argo CD's RBAC"
        )
        if blocked:  # the user has the right: it is the time that is wrong
            return Refused("Argo CD refuses", message, hint)
        return Denied("Argo CD does not allow it", message, hint)
    if code == NOT_FOUND:
        return NotFound("Argo CD does not have it", message)
    if code in (UNAVAILABLE, DEADLINE_EXCEEDED) or (code in (-1, 2, 13) and _LOST.search(message)):
        if changing and not _NEVER_SENT.search(message):
            return OutcomeUnknown("Argo CD broke off while it was at it", message, OBSERVE)
        return Unreachable("Argo CD is there, but cannot work", message, "Look at its pods and their logs")
    if code < 0 and status >= 500:
        return Unreachable("Argo CD failed", f"HTTP {status}: {message}", "Look at its pods and their logs")
    return Refused("Argo CD refuses", message)


def of_transport(error: Exception, connection: ArgocdConnection, *, changing: bool) -> LabError:
    """The error for a request that got no answer. Texts of protocol errors are left out: they may quote a header."""
    import httpx

    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | httpx.UnsupportedProtocol | ValueError):
        hint = "Look at argocd.server, its headers and its token in the estate file and the environment"
        return Invalid("The settings for Argo CD make no valid request", type(error).__name__, hint)
    title = f"Argo CD at {connection.server} does not answer"
    before = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)
    detail, hint = _reason(error, connection)
    if changing and not before:
        return OutcomeUnknown("The change was sent and no answer came", detail, OBSERVE)
    return Unreachable(title, detail, hint)


def _reason(error: BaseException, connection: ArgocdConnection) -> tuple[str, str]:
    import httpx

    if isinstance(error, httpx.TimeoutException):
        what = "no connection" if isinstance(error, httpx.ConnectTimeout) else "no answer"
        return f"{what} in time", "Is it overloaded, frozen, or behind a firewall?"
    if isinstance(error, httpx.ProxyError):
        return "the proxy of the environment (HTTPS_PROXY) refuses", "Set NO_PROXY for this server"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "If its certificate is self-signed on purpose: insecure: true"
            return f"its certificate is not trusted: {cause.verify_message}", hint
        if isinstance(cause, ssl.SSLError):
            if cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
                return "it speaks plain http, not https", "Set plaintext: true (argocd: --plaintext)"
            return f"TLS: {(cause.reason or 'failed').replace('_', ' ').lower()}", ""
        if isinstance(cause, ConnectionResetError) and not connection.plaintext:
            return "it hung up on https", "If it speaks plain http: plaintext: true (argocd: --plaintext)"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower(), "Is argocd-server running, and is the address right?"
        cause = cause.__cause__ or cause.__context__
    return "the connection was lost", "Is argocd-server running?"


def of_redirect(location: str, connection: ArgocdConnection) -> LabError:
    """A server that sends elsewhere is not spoken to as it wants."""
    target = urlsplit(location)
    title = f"{connection.server} is not the address of Argo CD's API"
    if connection.plaintext and target.scheme == "https":
        return Unreachable(title, "it speaks https", "Set plaintext: false (argocd: without --plaintext)")
    where = f"it redirects to {target.scheme}://{target.netloc}" if target.netloc else "it redirects elsewhere"
    return Unreachable(title, where[:200], "Use the address that it redirects to; a login page in front needs headers")


def of_text(status: int, text: str, connection: ArgocdConnection) -> LabError:
    """An answer that is not JSON: another program, a proxy, or the web page instead of the API."""
    if connection.plaintext and "HTTP request to an HTTPS server" in text:
        return Unreachable(f"Argo CD at {connection.server} speaks https", hint="Set plaintext: false")
    if status in (502, 503, 504):
        hint = "Is argocd-server running?"
        return Unreachable(f"Argo CD at {connection.server} does not answer", f"its proxy says HTTP {status}", hint)
    if status in (401, 403):
        return SignedOut("Something in front of Argo CD wants you to sign in", f"HTTP {status}", SIGN_IN)
    hint = "Look at argocd.server and root_path; a proxy that asks for a login needs headers"
    return Unreachable(f"What answers at {connection.server} is not Argo CD's API", f"HTTP {status}, not JSON", hint)
