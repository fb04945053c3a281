"""Secrets that the app chart's hook makes: its script, and the whole of it under the real Argo CD."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.live.chart_fixture import ChartApp, kubectl, two_components, vault
from tests.live.python_image import python_image
from tests.manifests.charts import APP_CHART

pytestmark = pytest.mark.live


def allow_generating(name: str) -> None:
    """The policy and the role that the chart's README says Vault needs, both of this name."""
    accessor = vault("GET", "sys/auth")["data"]["kubernetes/"]["accessor"]
    place = f"{{{{identity.entity.aliases.{accessor}.metadata.service_account_namespace}}}}"
    rules = f'path "kv/data/apps/{place}" {{ capabilities = ["create", "read", "update"] }}'
    vault("PUT", f"sys/policies/acl/{name}", {"policy": rules})
    role = {
        "bound_service_account_names": "*-generate-secrets",
        "bound_service_account_namespaces": "*",
        "alias_name_source": "serviceaccount_name",
        "token_policies": name,
        "token_ttl": "5m",
    }
    vault("POST", f"auth/kubernetes/role/{name}", role)


def generate(
    folder: Path, space: str, account: str, path: str, wanted: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    """Run the hook's script with a service account's own token."""
    (folder / "wanted.json").write_text(json.dumps(wanted))
    (folder / "token").write_text(kubectl("--namespace", space, "create", "token", account))
    given = {
        "VAULT_MOUNT": "kv",
        "VAULT_PATH": path,
        "VAULT_AUTH_MOUNT": "kubernetes",
        "VAULT_ROLE": space,
        "TOKEN_FILE": str(folder / "token"),
    }
    command = [sys.executable, str(APP_CHART / "files" / "generate_secrets.py"), str(folder / "wanted.json")]
    environ = {key: value for key, value in os.environ.items() if key != "VAULT_TOKEN"} | given
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_missing_secrets_are_made_once(tmp_path: Path, space: str) -> None:
    allow_generating(space)
    account = "shop-generate-secrets"
    kubectl("--namespace", space, "create", "serviceaccount", account)
    kubectl("--namespace", space, "create", "serviceaccount", "somebody")
    wanted = {"A": {"length": 40}, "ADMIN": {"length": 24, "hash": "argon2id"}}
    path = f"apps/{space}"
    try:
        done = generate(tmp_path, space, account, path, wanted)
        assert done.returncode == 0, done.stderr
        first = vault("GET", f"kv/data/{path}")["data"]
        assert first["metadata"]["version"] == 1 and len(first["data"]["A"]) == 40
        assert PasswordHasher().verify(first["data"]["ADMIN_HASH"], first["data"]["ADMIN"])
        assert not any(value in done.stdout + done.stderr for value in first["data"].values())

        assert generate(tmp_path, space, account, path, wanted).returncode == 0
        assert vault("GET", f"kv/data/{path}")["data"] == first

        assert generate(tmp_path, space, account, path, {**wanted, "B": {}}).returncode == 0
        second = vault("GET", f"kv/data/{path}")["data"]
        assert second["metadata"]["version"] == 2
        assert second["data"] == {**first["data"], "B": second["data"]["B"]}

        other = generate(tmp_path, space, account, f"apps/{space}-other", wanted)
        assert other.returncode == 1 and "403" in other.stderr  # each namespace its own path
        nobody = generate(tmp_path, space, "somebody", path, wanted)
        assert nobody.returncode == 1 and "Vault refuses POST auth/kubernetes/login" in nobody.stderr
        vault("DELETE", f"kv/data/{path}")
        gone = generate(tmp_path, space, account, path, wanted)
        assert gone.returncode == 1 and "was deleted" in gone.stderr
    finally:
        for made in (f"kv/metadata/{path}", f"auth/kubernetes/role/{space}", f"sys/policies/acl/{space}"):
            vault("DELETE", made)


@contextmanager
def reachable_vault() -> Iterator[str]:
    """Vault's address as pods reach it: passed on from the node's address, should Vault listen on loopback alone."""
    there = urllib.parse.urlsplit(os.environ["VAULT_ADDR"])

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            onward = HTTPConnection(str(there.hostname), there.port or 80, timeout=10)
            onward.request(self.command, self.path, body, {"X-Vault-Token": self.headers.get("X-Vault-Token") or ""})
            answer = onward.getresponse()
            found = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        do_GET = do_POST = _pass_on

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer((os.environ["LIVE_NODE_IP"], 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://{os.environ['LIVE_NODE_IP']}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_argo_cd_makes_secrets_before_it_syncs(application: ChartApp) -> None:
    app = application
    path = f"kv/data/apps/{app.name}"
    allow_generating(app.name)
    with python_image() as image, reachable_vault() as address:
        values = two_components(app, 8080)
        store = values["components"]["store"]
        store["secretEnv"]["HASH"] = {"secret": "store", "key": "HASH"}
        values |= {
            "workload": True,
            "vault": {"address": address, "role": app.name},
            "generateSecrets": {
                "enabled": True,
                "image": image,
                "keys": {"DB_PASSWORD": {"length": 20, "hash": "argon2id"}},
            },
        }
        values["secrets"]["store"]["keys"]["HASH"] = "DB_PASSWORD_HASH"
        try:
            app.settled(app.install(values))
            first = vault("GET", path)["data"]
            told = app.kubectl("-n", app.namespace, "exec", "store-0", "--", "sh", "-c", "echo $PASSWORD; echo $HASH")
            password, hashed = told.split()
            assert first["data"] == {"DB_PASSWORD": password, "DB_PASSWORD_HASH": hashed}
            assert len(password) == 20 and PasswordHasher().verify(hashed, password)
            logs = app.kubectl("-n", app.namespace, "logs", f"job/{app.child}-generate-secrets")
            assert f"kv/apps/{app.name} DB_PASSWORD: written" in logs and password not in logs and hashed not in logs

            store["podAnnotations"] = {"labtui.dev/test": "again"}
            app.settled(app.change(values, "a second sync"))
            logs = app.kubectl("-n", app.namespace, "logs", f"job/{app.child}-generate-secrets")
            assert f"kv/apps/{app.name} DB_PASSWORD: there" in logs
            assert vault("GET", path)["data"] == first
        finally:
            for made in (f"auth/kubernetes/role/{app.name}", f"sys/policies/acl/{app.name}"):
                vault("DELETE", made)
