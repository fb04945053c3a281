"""Reading kubeconfigs: every kind of credentials, and what is said about a bad file."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.adapters.kubernetes import KubernetesSource
from labtui.adapters.kubernetes.execplugin import run_plugin
from labtui.adapters.kubernetes.kubeconfig import load
from labtui.adapters.kubernetes.kubefile import config_files
from labtui.core.clock import SystemClock
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Invalid, SignedOut
from labtui.domain.ref import SourceId, SourceKind

SECRET = "s3cr3t-token"
API = "client.authentication.k8s.io/v1"


def write(path: Path, user: dict[str, Any], context: str = "homelab") -> KubernetesConnection:
    """A kubeconfig with one user."""
    config = {
        "current-context": context,
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1/"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return KubernetesConnection(context=context, kubeconfig=(path,))


def plugin(folder: Path, body: str) -> dict[str, Any]:
    """An exec block that runs a Python program."""
    script = folder / "plugin.py"
    script.write_text(f"import json, os, sys\n{body}\n")
    return {"apiVersion": API, "command": sys.executable, "args": [str(script)], "interactiveMode": "Never"}


def credential(**status: str) -> str:
    answer = {"apiVersion": API, "kind": "ExecCredential", "status": status}
    return f"print(json.dumps({answer!r}))"


def test_a_cluster_is_known_by_the_context_that_is_current_at_the_start(tmp_path: Path) -> None:
    write(tmp_path / "config", {"token": SECRET}, context="homelab")
    source = KubernetesSource(KubernetesConnection(kubeconfig=(tmp_path / "config",)), SystemClock())
    assert source.source == SourceId(SourceKind.KUBERNETES, "homelab")
    write(tmp_path / "config", {"token": SECRET}, context="another")
    assert source.source.scope == "homelab"
    with pytest.raises(Invalid) as refusal:
        source.follow(lambda change: None, threading.Event())
    assert "homelab is missing; there are: another" in refusal.value.detail


@pytest.mark.parametrize("content", [None, "", "current-context: [x]", ": {"])
def test_without_a_current_context_the_feed_says_what_is_wrong(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config").write_text(content)
    source = KubernetesSource(KubernetesConnection(kubeconfig=(tmp_path / "config",)), SystemClock())
    assert source.source.scope == "current-context"
    with pytest.raises(Invalid):
        source.follow(lambda change: None, threading.Event())


def test_token(tmp_path: Path) -> None:
    access = load(write(tmp_path / "config", {"token": SECRET}))
    assert access.host == "http://127.0.0.1:1"
    assert access.headers == {"authorization": f"Bearer {SECRET}"}
    assert SECRET not in repr(access)


def test_token_file_with_a_newline(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET + "\n")
    assert load(write(tmp_path / "config", {"tokenFile": "token"})).headers == {"authorization": f"Bearer {SECRET}"}


def test_a_renewed_file_is_read_again(tmp_path: Path) -> None:
    connection = write(tmp_path / "config", {"token": "old"})
    assert load(connection).headers["authorization"] == "Bearer old"
    write(tmp_path / "config", {"token": "new"})
    assert load(connection).headers["authorization"] == "Bearer new"


def test_exec_plugin_gives_a_token(tmp_path: Path) -> None:
    expiry = "2026-03-01T13:00:00Z"
    spec = plugin(tmp_path, credential(token=SECRET, expirationTimestamp=expiry))
    access = load(write(tmp_path / "config", {"exec": spec}))
    assert access.headers == {"authorization": f"Bearer {SECRET}"}
    assert access.expires is not None


def test_exec_plugin_gets_its_environment_and_no_terminal(tmp_path: Path) -> None:
    body = (
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "said = os.environ['SITE'] + info['spec']['cluster']['server'] + repr(sys.stdin.read())\n"
        f"print(json.dumps({{'apiVersion': '{API}', 'kind': 'ExecCredential', 'status': {{'token': said}}}}))"
    )
    spec = plugin(tmp_path, body) | {"env": [{"name": "SITE", "value": "kyiv "}], "provideClusterInfo": True}
    user, _ = run_plugin(spec, tmp_path, {"server": "https://c"})
    assert user == {"token": "kyiv https://c''"}


def test_exec_plugin_gives_a_client_certificate(tmp_path: Path) -> None:
    spec = plugin(tmp_path, credential(clientCertificateData="CERT", clientKeyData="KEY"))
    user, _ = run_plugin(spec, tmp_path, {})
    assert set(user) == {"client-certificate-data", "client-key-data"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit('session has expired, log in')", "session has expired, log in"),
        ("sys.exit(3)", "exit status 3"),
        (f"print('{SECRET}')", "not an ExecCredential"),
        ("print(json.dumps({'apiVersion': 'other/v1', 'status': {'token': 'x'}}))", "it speaks other/v1"),
        (credential(), "neither a token nor a client certificate"),
    ],
)
def test_a_failing_plugin_says_why(tmp_path: Path, body: str, reason: str) -> None:
    with pytest.raises(SignedOut) as caught:
        load(write(tmp_path / "config", {"exec": plugin(tmp_path, body)}))
    assert reason in caught.value.detail
    assert SECRET not in str(caught.value)


def test_a_plugin_that_is_not_there(tmp_path: Path) -> None:
    spec = {"apiVersion": API, "command": "no-such-plugin"}
    with pytest.raises(SignedOut, match="no-such-plugin: the program is not there"):
        load(write(tmp_path / "config", {"exec": spec}))


def test_a_plugin_that_hangs_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(SignedOut, match="no answer"):
        run_plugin(plugin(tmp_path, "import time; time.sleep(60)"), tmp_path, {}, timeout=0.3)


def test_a_plugin_that_hangs_ends_with_the_feed(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(SignedOut):
        run_plugin(plugin(tmp_path, "import time; time.sleep(60)"), tmp_path, {}, cancelled=lambda: True)
    assert time.monotonic() - began < 5


def test_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not exist"):
        load(KubernetesConnection("homelab", (tmp_path / "none",)))


def test_a_missing_context_names_those_that_are_there(tmp_path: Path) -> None:
    write(tmp_path / "config", {"token": SECRET})
    with pytest.raises(Invalid, match=r"staging is missing; there are: homelab"):
        load(KubernetesConnection("staging", (tmp_path / "config",)))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "just words",
        f"users: [{{name: u, user: {{token: {SECRET}",
        "contexts: 3",
        json.dumps({"contexts": [1]}),
    ],
)
def test_a_bad_file_is_told_without_its_contents(tmp_path: Path, content: str) -> None:
    (tmp_path / "config").write_text(content)
    with pytest.raises(Invalid) as caught:
        load(KubernetesConnection("homelab", (tmp_path / "config",)))
    assert SECRET not in str(caught.value)


def test_where_kubeconfigs_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a:{tmp_path}/b")
    assert config_files(KubernetesConnection()) == (tmp_path / "a", tmp_path / "b")
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_files(KubernetesConnection()) == (tmp_path / ".kube" / "config",)


def test_contexts_and_users_may_be_in_different_files(tmp_path: Path) -> None:
    write(tmp_path / "a", {"token": "of-a"}, "homelab")
    write(tmp_path / "b", {"token": "of-b"}, "staging")
    access = load(KubernetesConnection("staging", (tmp_path / "a", tmp_path / "b")))
    assert access.host == "http://127.0.0.1:1"


def test_the_first_file_that_names_a_thing_wins(tmp_path: Path) -> None:
    write(tmp_path / "a", {"token": "of-a"}, "homelab")
    write(tmp_path / "b", {"token": "of-b"}, "staging")
    access = load(KubernetesConnection("staging", (tmp_path / "a", tmp_path / "b")))
    assert access.headers["authorization"] == "Bearer of-a"  # both files call their user `u`


def test_a_password(tmp_path: Path) -> None:
    access = load(write(tmp_path / "config", {"username": "ada", "password": SECRET}))
    assert access.headers == {"authorization": "Basic YWRhOnMzY3IzdC10b2tlbg=="}


def test_a_file_of_a_user_counts_from_its_own_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "token").write_text(SECRET)
    connection = write(tmp_path / "other" / "config", {"tokenFile": "token"})
    (tmp_path / "first").write_text("")
    files = (tmp_path / "first", *connection.kubeconfig)
    assert SECRET in load(KubernetesConnection("homelab", files)).headers["authorization"]


def test_a_damaged_certificate_is_told_without_quoting_it(tmp_path: Path) -> None:
    connection = write(tmp_path / "config", {"client-certificate-data": "!!!", "client-key-data": SECRET})
    text = connection.kubeconfig[0].read_text().replace("http://", "https://")
    connection.kubeconfig[0].write_text(text)
    with pytest.raises(Invalid, match="damaged") as caught:
        load(connection)
    assert SECRET not in str(caught.value)


def test_a_proxy_is_left_to_the_client_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = write(tmp_path / "config", {"token": SECRET})
    text = connection.kubeconfig[0].read_text().replace("http://127.0.0.1:1/", "https://lab.test")
    connection.kubeconfig[0].write_text(text)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    access = load(connection)
    assert access.headers == {"authorization": f"Bearer {SECRET}"}
    assert type(access.pool).__name__ == "ProxyManager"


def test_common_credentials_do_not_import_the_client_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    connection = write(tmp_path / "config", {"token": SECRET})
    code = f"""
import sys
from pathlib import Path
from labtui.adapters.kubernetes.kubeconfig import load
from labtui.domain.connections import KubernetesConnection
load(KubernetesConnection("homelab", (Path({str(connection.kubeconfig[0])!r}),)))
assert "kubernetes" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
