"""Servers that are no Vault, answer oddly or not at all: on sockets of this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic

import pytest

from labtui.adapters.vault import VaultSource
from labtui.adapters.vault.client import Client
from labtui.domain.checks import Verdict
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Invalid, LabError, NotFound, SignedOut, Unreachable
from labtui.domain.ref import Ref, SourceId, SourceKind

TOKEN = "hvs.a-very-secret-token"
HEALTH = '{"initialized":true,"sealed":false,"version":"2.0.0","server_time_utc":1780315200}'


class Clock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(1780315200, UTC)


@contextmanager
def answering(answers: dict[str, tuple[int, str]]) -> Iterator[str]:
    """A server that gives these answers by path; anything else is a 404 without a reason."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            status, body = answers.get(self.path.partition("?")[0], (404, '{"errors":[]}'))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PUT = do_LIST = _answer

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def source(address: str, token: str | None = TOKEN) -> VaultSource:
    return VaultSource(VaultConnection(address, token=lambda: token), Clock())


def failure(feed: VaultSource) -> LabError:
    stop = threading.Event()
    deadline = threading.Timer(10, stop.set)  # a feed that does not fail must not run for ever
    deadline.start()
    try:
        with pytest.raises(LabError) as caught:
            feed.follow(lambda change: None, stop)
    finally:
        deadline.cancel()
    assert TOKEN not in repr(caught.value) + str(caught.value)
    return caught.value


def test_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        feed = source(f"http://127.0.0.1:{taken.getsockname()[1]}")
        error = failure(feed)
        checks = list(feed.check())
    assert isinstance(error, Unreachable) and error.detail == "Connection refused"
    assert len(checks) == 1 and checks[0].unreachable and checks[0].remedy


def test_closing_breaks_off_a_server_that_is_silent() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        feed = source(f"http://127.0.0.1:{silent.getsockname()[1]}")
        ended: list[float] = []
        connected = threading.Event()

        def run() -> None:
            with pytest.raises(Unreachable):
                feed.follow(lambda change: None, threading.Event())
            ended.append(monotonic())

        def accept() -> None:
            peer, _ = silent.accept()
            connected.set()
            with peer:
                # the client's end is closed when it breaks off: an empty read
                while peer.recv(4096):
                    continue

        threads = [threading.Thread(target=run), threading.Thread(target=accept)]
        for thread in threads:
            thread.start()
        assert connected.wait(10)
        closed = monotonic()
        feed.close()
        for thread in threads:
            thread.join(3)
            assert not thread.is_alive()
    assert ended[0] - closed < 1


@pytest.mark.parametrize("body", ["<html>welcome</html>", "[]", '{"status":"ok"}'])
def test_something_else_answers(body: str) -> None:
    with answering({"/v1/sys/health": (200, body)}) as address:
        error = failure(source(address))
    assert isinstance(error, Invalid) and "no Vault" in error.title


def test_a_sealed_and_a_new_server() -> None:
    with answering({"/v1/sys/health": (200, HEALTH.replace('"sealed":false', '"sealed":true'))}) as address:
        assert failure(source(address)).title == "Vault is sealed"
    with answering({"/v1/sys/health": (200, HEALTH.replace("true", "false"))}) as address:
        assert failure(source(address)).title == "Vault is not initialised"


def test_no_token_is_signed_out() -> None:
    with answering({"/v1/sys/health": (200, HEALTH)}) as address:
        error = failure(source(address, None))
    assert isinstance(error, SignedOut) and "vault login" in error.hint


def test_vault_words_for_a_bad_token() -> None:
    words = '{"errors":["2 errors occurred:\\n\\t* permission denied\\n\\t* invalid token\\n\\n"]}'
    answers = {"/v1/sys/health": (200, HEALTH), "/v1/auth/token/lookup-self": (403, words)}
    with answering(answers) as address:
        error = failure(source(address))
    assert isinstance(error, SignedOut)
    assert error.detail == "token expired or wrong: 2 errors occurred: * permission denied * invalid token"


def test_the_last_second_of_a_token_is_not_for_ever() -> None:
    token = '{"data":{"ttl":0,"creation_ttl":6,"renewable":false,"policies":["root"]}}'
    health = {"/v1/sys/health": (200, HEALTH)}
    with answering(health | {"/v1/auth/token/lookup-self": (200, token)}) as address:
        client = Client(VaultConnection(address, "secret", token=lambda: TOKEN))
        assert client.lookup().ttl == 1
    with answering(health | {"/v1/auth/token/lookup-self": (200, token.replace("6", "0"))}) as address:
        client = Client(VaultConnection(address, "secret", token=lambda: TOKEN))
        assert client.lookup().ttl == 0


def test_a_token_that_may_not_ask_about_itself_is_good() -> None:
    words = '{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}'
    answers = {"/v1/sys/health": (200, HEALTH), "/v1/auth/token/lookup-self": (403, words)}
    with answering(answers) as address:
        checks = {c.name: c for c in source(address).check()}
    assert checks["token"].verdict is Verdict.OK
    assert checks["clock"].verdict is Verdict.OK


def test_a_secret_of_another_source_is_not_asked_for() -> None:
    feed = source("http://127.0.0.1:1")
    with pytest.raises(NotFound):
        feed.reveal(Ref(SourceId(SourceKind.VAULT, "elsewhere"), "Secret", "kv", "a"))
    with pytest.raises(NotFound):
        feed.reveal(Ref(feed.source, "Secret", "other", "a"))
    with pytest.raises(Invalid):
        feed.reveal(Ref(feed.source, "Secret", "kv", "../sys/raw"))
    with pytest.raises(Invalid):
        feed.open(Ref(feed.source, "Secret", "kv", "no-folder"))


def test_a_missing_certificate_file_is_named(tmp_path: Path) -> None:
    connection = VaultConnection("https://127.0.0.1:1", token=lambda: TOKEN, ca_cert=tmp_path / "no.pem")
    checks = list(VaultSource(connection, Clock()).check())
    assert checks[0].verdict is Verdict.FAIL
    assert "no.pem" in checks[0].detail


def test_importing_it_loads_no_client_library() -> None:
    code = "import sys, labtui.adapters.vault; sys.exit(bool({'hvac', 'requests', 'urllib3'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
