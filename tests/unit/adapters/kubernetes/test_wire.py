"""Statuses and network errors in words, and credentials that are renewed after a 401."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import urllib3

from labtui.adapters.kubernetes.kubeconfig import Access
from labtui.adapters.kubernetes.wire import Busy, Expired, Wire, in_words
from labtui.domain.errors import Denied, LabError, NotFound, Refused, SignedOut, Unreachable


class Pool:
    """Answers from a script and notes the tokens that it was asked with."""

    def __init__(self, *answers: tuple[int, Any] | Exception) -> None:
        self.answers = list(answers)
        self.tokens: list[str] = []
        self.pool_classes_by_scheme: dict[str, type] = {}

    def request(self, method: str, url: str, headers: dict[str, str], **_: Any) -> urllib3.HTTPResponse:
        self.tokens.append(headers["authorization"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return urllib3.HTTPResponse(body=raw, status=status, preload_content=True)

    def clear(self) -> None:
        pass


def wire(pool: Pool, *tokens: str) -> Wire:
    """A wire whose kubeconfig holds these tokens, one after the other; the last one stays."""
    held = list(tokens or ("t",))

    def load() -> Access:
        token = held.pop(0) if len(held) > 1 else held[0]
        return Access("https://cluster", {"authorization": token}, pool)  # type: ignore[arg-type]

    made = Wire(load)
    made.open()
    return made


def test_a_401_reads_the_kubeconfig_again() -> None:
    pool = Pool((401, {}), (200, {"items": []}))
    assert wire(pool, "old", "new").get("/api/v1/pods") == {"items": []}
    assert pool.tokens == ["old", "new"]


def test_a_401_with_the_same_credentials_is_signed_out() -> None:
    with pytest.raises(SignedOut, match="401"):
        wire(Pool((401, {}))).get("/api/v1/pods")


def test_a_401_with_renewed_credentials_too_is_signed_out() -> None:
    pool = Pool((401, {}), (401, {}))
    with pytest.raises(SignedOut):
        wire(pool, "old", "new").get("/api/v1/pods")
    assert pool.tokens == ["old", "new"]


def test_threads_that_meet_a_401_together_renew_once() -> None:
    both = threading.Barrier(2)

    class Meeting(Pool):
        def request(self, method: str, url: str, headers: dict[str, str], **more: Any) -> urllib3.HTTPResponse:
            old = headers["authorization"] == "old"
            if old:
                both.wait(5)
            self.answers.append((401 if old else 200, {}))
            return super().request(method, url, headers, **more)

    pool = Meeting()
    made = wire(pool, "old", "new", "never read")
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(made.get, ["/a", "/b"])) == [{}, {}]
    assert sorted(pool.tokens) == ["new", "new", "old", "old"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, Denied), (404, NotFound), (410, Expired), (429, Busy), (500, Refused), (503, Busy), (504, Busy)],
)
def test_statuses(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        wire(Pool((status, {"message": "pods is\x1b[31m forbidden"}))).get("/api/v1/pods")
    said = caught.value.detail if isinstance(caught.value, LabError) else str(caught.value)
    assert "pods is·[31m forbidden" in said


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe"])
def test_what_is_no_api_server(body: bytes) -> None:
    with pytest.raises(Unreachable, match="not a Kubernetes API server"):
        wire(Pool((200, body))).get("/version")


def test_a_bad_header_does_not_show_the_token() -> None:
    failure = ValueError("Invalid header value b'Bearer s3cr3t\\n'")
    with pytest.raises(Unreachable) as caught:
        wire(Pool(failure)).get("/version")
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_closed_wire_answers_nothing() -> None:
    closed = wire(Pool((200, {})))
    closed.close()
    with pytest.raises(Unreachable):
        closed.get("/version")


def chained(*errors: BaseException) -> BaseException:
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


def causes() -> Iterator[tuple[BaseException, str]]:
    u = urllib3.exceptions
    pool, url = urllib3.HTTPConnectionPool("c"), "/"
    refused = ConnectionRefusedError(111, "Connection refused")
    yield u.MaxRetryError(pool, url, chained(u.NewConnectionError(None, "x"), refused)), "connection refused"  # type: ignore[arg-type]
    yield u.ReadTimeoutError(pool, url, "x"), "no answer for 9 s"
    yield u.ConnectTimeoutError("x"), "no answer for 4 s"
    yield u.ProtocolError("Connection broken", ConnectionResetError(104, "reset")), "connection lost"
    yield socket.gaierror(-2, "unknown"), "its name is not known"
    yield OSError(113, "No route to host"), "no route to host"
    yield u.SSLError(ssl.SSLEOFError(8, "EOF")), "connection lost"
    untrusted = ssl.SSLCertVerificationError(1, "x")
    untrusted.verify_message = "self-signed certificate"
    yield u.SSLError(untrusted), "its certificate is not trusted: self-signed certificate"


@pytest.mark.parametrize(("error", "words"), causes())
def test_network_errors_in_words(error: BaseException, words: str) -> None:
    assert in_words(error, 9.0) == words
