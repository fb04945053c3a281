"""Signing in to a real API server in every way that a kubeconfig knows, and being refused by it."""

from __future__ import annotations

import http.server
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.adapters.kubernetes import KubernetesSource
from labtui.adapters.kubernetes.kubeconfig import load
from labtui.adapters.kubernetes.wire import Wire
from labtui.core.clock import SystemClock
from labtui.domain.checks import Check, Verdict
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, SignedOut
from tests.contract.kubernetes_rig import Watcher

pytestmark = pytest.mark.live


def admin() -> dict[str, Any]:
    """The kubeconfig of the live estate."""
    found: dict[str, Any] = yaml.safe_load(Path(os.environ["KUBECONFIG"].split(os.pathsep)[0]).read_text())
    return found


def source(path: Path, user: dict[str, Any]) -> KubernetesSource:
    """A source that signs in to the live cluster as this user."""
    config = admin()
    config["users"] = [{"name": "tester", "user": user}]
    config["contexts"] = [
        {"name": "test", "context": {"cluster": config["contexts"][0]["context"]["cluster"], "user": "tester"}}
    ]
    path.write_text(yaml.safe_dump(config))
    return KubernetesSource(KubernetesConnection("test", (path,)), SystemClock())


def admin_token() -> str:
    return str(admin()["users"][0]["user"]["token"])


def plugin(folder: Path) -> dict[str, Any]:
    """An exec plugin that prints the token in the file beside it."""
    script = folder / "plugin.py"
    script.write_text(
        "import json, pathlib\n"
        f"token = pathlib.Path({str(folder / 'token')!r}).read_text()\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential',"
        " 'status': {'token': token}}))\n"
    )
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(script)],
        "interactiveMode": "Never",
    }


def test_a_token(tmp_path: Path) -> None:
    with Watcher(source(tmp_path / "config", {"token": admin_token()})) as watcher:
        assert watcher.until_live().notes == ()


def test_an_exec_plugin(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(admin_token())
    with Watcher(source(tmp_path / "config", {"exec": plugin(tmp_path)})) as watcher:
        watcher.until_live()


def test_an_expired_token_is_signed_out_and_a_renewed_one_is_picked_up(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("expired")
    feed = source(tmp_path / "config", {"exec": plugin(tmp_path)})
    with Watcher(feed) as watcher:
        error = watcher.until_ended()
    assert isinstance(error, SignedOut)
    assert "expired" in error.detail
    (tmp_path / "token").write_text(admin_token())
    with Watcher(feed) as watcher:
        watcher.until_live()


def test_what_the_viewer_may_not_read_is_a_note(tmp_path: Path) -> None:
    feed = source(tmp_path / "config", {"token": os.environ["LIVE_KUBE_VIEWER_TOKEN"]})
    with Watcher(feed) as watcher:
        assert watcher.until_live().notes == ("nodes denied",)


def test_nobody_is_denied(tmp_path: Path) -> None:
    feed = source(tmp_path / "config", {"token": os.environ["LIVE_KUBE_NOBODY_TOKEN"]})
    with Watcher(feed) as watcher:
        error = watcher.until_ended()
    assert isinstance(error, Denied)
    assert "nobody" in error.detail
    assert error.hint


def by_name(checks: Iterator[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_doctor_as_admin(tmp_path: Path) -> None:
    checks = list(source(tmp_path / "config", {"token": admin_token()}).check())
    assert checks[0].name == "connection"
    assert {c.verdict for c in checks if c.name != "metrics"} == {Verdict.OK}
    assert {c.name for c in checks} == {"connection", "version", "clock", "permissions", "metrics"}


def test_doctor_as_viewer_and_as_nobody(tmp_path: Path) -> None:
    viewer = by_name(source(tmp_path / "a", {"token": os.environ["LIVE_KUBE_VIEWER_TOKEN"]}).check())
    assert viewer["may list nodes"].verdict is Verdict.WARN
    assert viewer["may list nodes"].remedy
    assert "pods" in viewer["permissions"].detail
    nobody = by_name(source(tmp_path / "b", {"token": os.environ["LIVE_KUBE_NOBODY_TOKEN"]}).check())
    assert nobody["may list pods"].verdict is Verdict.FAIL
    assert "permissions" not in nobody


def test_doctor_names_the_contexts_that_exist() -> None:
    (check,) = KubernetesSource(KubernetesConnection("no-such-context"), SystemClock()).check()
    assert (check.name, check.verdict, check.unreachable) == ("connection", Verdict.FAIL, False)
    assert admin()["contexts"][0]["name"] in check.detail


class Server(http.server.BaseHTTPRequestHandler):
    """Answers with the subject of the client's certificate."""

    def do_GET(self) -> None:
        certificate: Any = self.connection.getpeercert()
        name = dict(pair for part in certificate["subject"] for pair in part)["commonName"]
        body = f'{{"user": "{name}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Quiet."""


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A server's and a client's certificate, each its own authority, with keys."""
    for name, extra in (("server", ["-addext", "subjectAltName=IP:127.0.0.1"]), ("client", [])):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
        files = ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.crt")]
        subprocess.run([*command, *extra, *files], check=True, capture_output=True)
    return tmp_path


def test_a_client_certificate_from_files_beside_the_kubeconfig(certificates: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    context.load_verify_locations(certificates / "client.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    config = {
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": f"https://127.0.0.1:{server.server_port}",
                    "certificate-authority": "server.crt",
                },
            }
        ],
        "users": [{"name": "u", "user": {"client-certificate": "client.crt", "client-key": "client.key"}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
    }
    (certificates / "config").write_text(yaml.safe_dump(config))
    wire = Wire(lambda: load(KubernetesConnection("test", (certificates / "config",))))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        wire.open()
        assert wire.get("/version") == {"user": "client"}
    finally:
        wire.close()
        server.shutdown()
        thread.join()
        server.server_close()
