"""Why a request failed, in words as short as a log line needs them."""

from __future__ import annotations

import http.client
import socket
import ssl

from labtui.domain.text import clean


class Failed(Exception):
    """A request that failed; `str` is the reason in words."""


class Late(OSError):
    """The time for a request is over."""


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (ConnectionAbortedError, "connection reset"),
    (BrokenPipeError, "connection reset"),
    (socket.gaierror, "its name is not known"),
    (http.client.RemoteDisconnected, "closed without an answer"),
    (http.client.IncompleteRead, "the body was cut"),
    (ssl.SSLEOFError, "connection reset"),
    (http.client.HTTPException, "what answers does not speak HTTP"),
    (ValueError, "its address or its answer makes no sense"),  # a name that is none, a chunk without a size
)


def in_words(error: BaseException, timeout: float) -> str:
    """The reason of a network error."""
    if isinstance(error, Failed):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {clean(error.verify_message, 120)}"
    if isinstance(error, (Late, TimeoutError)):
        return f"no answer for {timeout:g} s"
    # RemoteDisconnected is a ConnectionResetError too, and says more
    if isinstance(error, http.client.RemoteDisconnected):
        return "closed without an answer"
    for kind, said in _WORDS:
        if isinstance(error, kind):
            return said
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {clean(error.reason or 'unknown reason', 120)}"
    if isinstance(error, OSError) and error.strerror:
        return clean(error.strerror.lower(), 120)
    return "connection lost"
