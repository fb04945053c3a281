"""Signing in to Vault by AppRole and with a Kubernetes service account."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from labtui.adapters.vault import VaultSource
from labtui.core.clock import SystemClock
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import SignedOut
from tests.contract.vault_rig import Following
from tests.live.vault_server import MOUNT, OwnVault, own_vault

pytestmark = pytest.mark.live


class AppRole:
    """An AppRole of its own mount whose tokens end after three seconds and cannot be renewed beyond."""

    def __init__(self, server: OwnVault) -> None:
        self.server = server
        self.mount = f"robots-{uuid.uuid4().hex[:6]}"
        server.call("POST", f"sys/auth/{self.mount}", {"type": "approle"})
        rules = f'path "{MOUNT}/*" {{ capabilities = ["read", "list"] }}'
        server.call("PUT", "sys/policies/acl/robot", {"policy": rules})
        role = f"auth/{self.mount}/role/labtui"
        server.call("POST", role, {"token_policies": ["robot"], "token_ttl": "3s", "token_max_ttl": "3s"})
        self.role_id = self._data("GET", f"{role}/role-id", "role_id")
        self.secret_id = self._data("POST", f"{role}/secret-id", "secret_id")

    def source(self, secret_id: str) -> VaultSource:
        connection = VaultConnection(
            self.server.address,
            MOUNT,
            auth="approle",
            role=self.role_id,
            auth_mount=self.mount,
            secret_id=lambda: secret_id,
            poll_seconds=0.5,
        )
        return VaultSource(connection, SystemClock())

    def logins(self) -> int:
        """How many tokens of this role have been given out and not ended yet, and which: their accessors."""
        data = self.server.call("LIST", "auth/token/accessors")["data"]
        assert isinstance(data, dict)
        return len(data["keys"])

    def _data(self, method: str, path: str, key: str) -> str:
        data = self.server.call(method, path, {} if method == "POST" else None)["data"]
        assert isinstance(data, dict)
        return str(data[key])


@pytest.fixture
def approle(tmp_path: Path) -> Iterator[AppRole]:
    with own_vault(tmp_path) as server:
        server.write("apps/one")
        yield AppRole(server)


def test_approle_logs_in_again_before_its_token_ends(approle: AppRole) -> None:
    source = approle.source(approle.secret_id)
    with Following(source) as feed:
        feed.until_live()
        assert "apps/one" in feed.rows
        assert feed.notes == ()
        ended = monotonic() + 4.5  # by then the first token has ended
        while monotonic() < ended:
            assert feed.error is None
            Event().wait(0.1)
        approle.server.write("apps/two")
        feed.until(lambda: "apps/two" in feed.rows, "a path after the first token has ended")
        assert source.reveal(feed.rows["apps/two"].ref) == {"key": "value"}
    assert approle.secret_id not in repr(source)


def test_a_wrong_secret_id_is_signed_out(approle: AppRole) -> None:
    wrong = "00000000-aaaa-bbbb-cccc-dddddddddddd"
    with Following(approle.source(wrong)) as feed:
        error = feed.failure()
    assert isinstance(error, SignedOut)
    assert wrong not in str(error) and wrong not in repr(error.__context__)


def test_kubernetes_login_with_a_service_account() -> None:
    if not os.environ.get("VAULT_ADDR") or shutil.which("kubectl") is None:
        pytest.skip("VAULT_ADDR is not set, or there is no kubectl")
    command = ["kubectl", "--namespace", "external-secrets", "create", "token", "external-secrets"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode:
        pytest.skip("the cluster has no service account external-secrets/external-secrets")
    with Following(_by_kubernetes(done.stdout.strip())) as feed:
        feed.until_live()
    with Following(_by_kubernetes("no.such.token")) as feed:
        error = feed.failure()
    assert isinstance(error, SignedOut) and "kubernetes login" in error.title
    assert "no.such.token" not in str(error)


def _by_kubernetes(jwt: str) -> VaultSource:
    connection = VaultConnection(
        os.environ["VAULT_ADDR"],
        auth="kubernetes",
        role="external-secrets",
        auth_mount="kubernetes",
        jwt=lambda: jwt,
        poll_seconds=0.5,
    )
    return VaultSource(connection, SystemClock())
