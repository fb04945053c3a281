"""The Vault feed when the server stops, freezes, is sealed, or is not what it should be. On a server of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from labtui.adapters.vault import VaultSource
from labtui.core.clock import SystemClock
from labtui.domain.checks import Verdict
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import NotFound, Refused, SignedOut, Unreachable
from tests.contract.vault_rig import Following
from tests.live.vault_server import MOUNT, ROOT_TOKEN, OwnVault, own_vault, tls_vault

pytestmark = pytest.mark.live

# As it is used: with this interval only the heartbeat can notice a fault in time.
POLL = 10.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnVault]:
    with own_vault(tmp_path) as running:
        yield running


@pytest.mark.fault
def test_a_stopped_server_is_noticed_and_comes_back(server: OwnVault) -> None:
    source = server.source(poll_seconds=POLL)
    with Following(source) as feed:
        feed.until_live()
        server.stop()
        error = feed.failure(5.0)
    assert isinstance(error, Unreachable)
    with Following(source) as feed:
        error = feed.failure(5.0)
    assert isinstance(error, Unreachable) and "refused" in error.cause.lower()
    server.start()
    server.wait()
    with Following(source) as feed:
        feed.until_live()


@pytest.mark.fault
def test_a_frozen_server_is_noticed_and_comes_back(server: OwnVault) -> None:
    source = server.source(poll_seconds=POLL)
    with Following(source) as feed:
        feed.until_live()
        server.freeze()
        error = feed.failure(9.0)
    assert isinstance(error, Unreachable)
    assert "no answer within" in error.cause
    server.thaw()
    with Following(source) as feed:
        feed.until_live()


@pytest.mark.fault
def test_closing_does_not_wait_for_a_frozen_server(server: OwnVault) -> None:
    source = server.source(poll_seconds=POLL)
    server.freeze()
    with Following(source) as feed:
        assert feed.end() < 1.0
    server.thaw()


@pytest.mark.fault
def test_a_sealed_server_says_so(server: OwnVault) -> None:
    source = server.source(poll_seconds=POLL)
    with Following(source) as feed:
        feed.until_live()
        server.call("PUT", "sys/seal")
        error = feed.failure(5.0)
    assert isinstance(error, Unreachable) and error.title == "Vault is sealed"
    checks = {c.name: c for c in source.check()}
    assert checks["connection"].verdict is Verdict.OK
    assert checks["seal"].verdict is Verdict.FAIL and checks["seal"].remedy
    assert "token" not in checks


def test_a_mount_of_another_kind_is_named(server: OwnVault) -> None:
    server.call("POST", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
    with Following(server.source(mount="old")) as feed:
        error = feed.failure()
    assert isinstance(error, Refused) and "KV version 1" in error.detail
    mount = next(c for c in server.source(mount="old").check() if c.name == "mount")
    assert mount.verdict is Verdict.FAIL and "KV version 1" in mount.detail


def test_a_mount_that_is_not_there(server: OwnVault) -> None:
    with Following(server.source(mount="nothing")) as feed:
        error = feed.failure()
    assert isinstance(error, NotFound) and "nothing/" in error.title
    assert any(c.verdict is not Verdict.OK for c in server.source(mount="nothing").check())


def test_a_token_that_ends_while_it_is_used(server: OwnVault) -> None:
    token = server.token(policies=["root"], ttl="3s", explicit_max_ttl="3s")
    server.write("apps/one")
    with Following(server.source(token)) as feed:
        feed.until_live()
        assert any("<10m" in note for note in feed.notes or ())
        error = feed.failure(8.0)
        assert not any(row.denied for row in feed.rows.values())
    assert isinstance(error, SignedOut)


def test_a_renewable_token_is_renewed(server: OwnVault) -> None:
    server.call("PUT", "sys/policies/acl/all", {"policy": 'path "*" { capabilities = ["read", "list"] }'})
    token = server.token(policies=["all"], ttl="5s")
    with Following(server.source(token)) as feed:
        feed.until_live()
        _await_renewal(server, token)
        server.write("after")
        feed.until(lambda: "after" in feed.rows, "a path after the renewal")


def test_the_top_may_not_be_listed(server: OwnVault) -> None:
    policy = 'path "secret/metadata/apps/*" { capabilities = ["list", "read"] }'
    server.call("PUT", "sys/policies/acl/apps", {"policy": policy})
    server.write("apps/one")
    server.write("other/two")
    with Following(server.source(server.token(policies=["apps"], ttl="1h"))) as feed:
        feed.until_live()
        assert feed.rows["apps/one"].version == 1
        assert "other/" not in feed.rows
        assert "secret/ may not be listed" in (feed.notes or ())
        server.write("apps/three")
        feed.until(lambda: "apps/three" in feed.rows, "a new path")


def test_hostile_names_keep_their_identity(server: OwnVault) -> None:
    names = ("apps/[red]x[/]", "apps/q?a=1#b", "apps/per%2Fcent", "apps/über 日本 שלום", "apps/a&b;$(id)")
    for name in names:
        server.write(name)
    source = server.source()
    with Following(source) as feed:
        feed.until_live()
        for name in names:
            assert feed.rows[name].version == 1, name
    for name in names:
        assert source.reveal(feed.rows[name].ref) == {"key": "value"}


def test_certificates(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    with tls_vault(tmp_path) as (address, authority):

        def connection(ca_cert: Path | None = None, skip_verify: bool = False) -> VaultSource:
            settings = VaultConnection(
                address, MOUNT, token=lambda: ROOT_TOKEN, ca_cert=ca_cert, skip_verify=skip_verify
            )
            return VaultSource(settings, SystemClock())

        with Following(connection()) as feed:
            error = feed.failure()
        assert isinstance(error, Unreachable) and "is not trusted" in error.title and "VAULT_CACERT" in error.hint
        for source in (connection(authority), connection(skip_verify=True)):
            with Following(source) as feed:
                feed.until_live()
                assert feed.end() < 1.0
        assert next(connection(authority).check()).verdict is Verdict.OK
        assert next(connection(skip_verify=True).check()).verdict is Verdict.WARN
    assert not recwarn.list


def test_only_the_first_paths_are_read_unasked(server: OwnVault) -> None:
    for folder in range(8):
        for number in range(50):
            server.write(f"f{folder}/s{number}")
    source = server.source()
    with Following(source) as feed:
        feed.until_live()
        closed = [row for row in feed.rows.values() if row.folder and not row.open]
        opened = [row for row in feed.rows.values() if row.folder and row.open]
        assert opened
        source.open(feed.rows["f7/"].ref)
        feed.until(lambda: "f7/s49" in feed.rows, "the folder that was opened")
    assert len(closed) + len(opened) == 8


def _await_renewal(server: OwnVault, token: str) -> None:
    deadline = monotonic() + 10
    while not _renewed(server, token):
        assert monotonic() < deadline, "the token was not renewed"
        Event().wait(0.1)


def _renewed(server: OwnVault, token: str) -> bool:
    data = server.call("POST", "auth/token/lookup", {"token": token})["data"]
    assert isinstance(data, dict)
    return "last_renewal" in data
