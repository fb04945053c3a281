"""The Argo CD adapter on a real server, where no simulation can stand in: credentials, TLS, who is allowed what."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labtui.adapters.argocd import ArgocdSource
from labtui.domain.checks import Verdict
from labtui.domain.errors import SignedOut, Unreachable
from tests.contract.argocd_rig import Watcher, source
from tests.live.gitops_fixture import wait_until

pytestmark = pytest.mark.live


class TlsProxy:
    """Takes TLS on this machine and passes what is inside on to the live Argo CD. `required` asks for a client certificate."""

    def __init__(self, folder: Path, *, required: bool = False) -> None:
        self.certificate, self.key = folder / "server.crt", folder / "server.key"
        _self_signed(self.certificate, self.key)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, self.key)
        if required:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(self.certificate)
        host, _, port = os.environ["ARGOCD_SERVER"].partition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            suppress(OSError),
            self._context.wrap_socket(client, server_side=True) as inside,
            socket.create_connection(self._target) as outside,
        ):
            threading.Thread(target=_pump, args=(outside, inside), daemon=True).start()
            _pump(inside, outside)


def _pump(come: socket.socket, go: socket.socket) -> None:
    with suppress(OSError):
        while data := come.recv(65536):
            go.sendall(data)
    with suppress(OSError):
        go.shutdown(socket.SHUT_RDWR)


def _self_signed(certificate: Path, key: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=argocd"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[TlsProxy]:
    made = TlsProxy(tmp_path)
    yield made
    made.close()


def admin(**settings: object) -> ArgocdSource:
    return source(os.environ["ARGOCD_AUTH_TOKEN"], **settings)


def test_a_self_signed_server_is_not_trusted_unless_told_to(proxy: TlsProxy) -> None:
    strict = admin(server=proxy.address, plaintext=False)
    with pytest.raises(Unreachable, match="certificate is not trusted") as caught:
        strict.version()
    assert "insecure" in caught.value.hint
    assert admin(server=proxy.address, plaintext=False, insecure=True).version().startswith("v")


def test_a_trusted_authority_is_enough(proxy: TlsProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.certificate))
    assert admin(server=proxy.address, plaintext=False).version().startswith("v")


def test_the_feed_goes_through_tls_and_is_cut_at_once(proxy: TlsProxy) -> None:
    with Watcher(admin(server=proxy.address, plaintext=False, insecure=True)) as watcher:
        wait_until("live", watcher.live.is_set)
        watcher.stop.set()
        watcher.feed.close()
        assert watcher.ended.wait(1) and watcher.error is None


def test_a_client_certificate(tmp_path: Path) -> None:
    proxy = TlsProxy(tmp_path, required=True)
    try:
        bare = admin(server=proxy.address, plaintext=False, insecure=True)
        with pytest.raises(Unreachable):
            bare.version()
        files = {"client_cert": proxy.certificate, "client_key": proxy.key}
        assert admin(server=proxy.address, plaintext=False, insecure=True, **files).version().startswith("v")
    finally:
        proxy.close()


@pytest.mark.parametrize("token", [None, "nonsense", "a.b.c"])
def test_without_a_good_token_it_is_signed_out(token: str | None) -> None:
    with Watcher(source(token)) as watcher:
        assert watcher.ended.wait(10)
        assert isinstance(watcher.error, SignedOut) and watcher.error.hint


def test_login_lets_the_feed_in() -> None:
    fresh = source(None)
    with pytest.raises(SignedOut, match="Invalid username or password"):
        fresh.login("admin", "wrong")
    fresh.login("admin", os.environ.get("LIVE_ARGOCD_PASSWORD", "password"))
    with Watcher(fresh) as watcher:
        wait_until("live", watcher.live.is_set, 10)
        # a login lasts 24 hours
        notes = [change.notes for change in watcher.changes if hasattr(change, "notes")]
        assert notes[0] and notes[0][0].startswith("token ")


def test_doctor_says_what_each_account_may() -> None:
    good = {check.name: check for check in admin().check()}
    assert next(iter(good)) == "connection"
    assert {c.verdict for c in good.values()} <= {Verdict.OK, Verdict.WARN}
    assert good["signed in"].detail.startswith("as ") and good["version"].verdict is Verdict.OK
    assert good["clock"].verdict is Verdict.OK
    viewer = {check.name: check for check in source(os.environ["LIVE_ARGOCD_VIEWER_TOKEN"]).check()}
    for name in ("may sync applications", "may update applications"):
        assert viewer[name].verdict is Verdict.WARN and "p, ACCOUNT" in viewer[name].remedy
    signed_out = list(source("nonsense").check())
    assert signed_out[-1].name == "signed in" and signed_out[-1].verdict is Verdict.FAIL and signed_out[-1].remedy


def test_doctor_tells_https_from_http(proxy: TlsProxy) -> None:
    (only,) = admin(plaintext=False).check()
    assert only.name == "connection" and only.unreachable and "plaintext: true" in only.remedy
    (other,) = admin(server=proxy.address, plaintext=True).check()
    assert other.unreachable and "plaintext: false" in other.remedy


def test_nobody_at_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    (only,) = admin(server=address).check()
    assert only.unreachable and "refused" in only.detail
