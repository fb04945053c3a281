"""Secrets written to a real OpenBao or Vault, with its policies, and with the server cut off in the middle."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labtui.adapters.vault.writing import VaultWriter
from labtui.core.clock import SystemClock
from labtui.core.migration.action import Seen
from labtui.core.migration.secrets import WriteSecret, may_write, secret_actions
from labtui.domain.connections import VaultConnection
from labtui.domain.conversion.findings import PlannedSecret
from labtui.domain.errors import Denied, LabError, OutcomeUnknown, Refused, Unreachable
from tests.contract.vault_rig import request
from tests.live.vault_server import MOUNT, ROOT_TOKEN, OwnVault, own_vault

pytestmark = pytest.mark.live
VALUE = "planted-" + secrets.token_hex(8)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnVault]:
    if os.environ.get("LABTUI_LIVE") != "1":
        pytest.skip("needs LABTUI_LIVE=1 (tests/live/README.md)")
    with own_vault(tmp_path) as found:
        yield found


def writer(server: OwnVault, token: str = ROOT_TOKEN) -> VaultWriter:
    return VaultWriter(VaultConnection(server.address, MOUNT, token=lambda: token), SystemClock())


def action(server: OwnVault, token: str = ROOT_TOKEN, path: str = "apps/web") -> WriteSecret:
    (found,) = secret_actions(
        [PlannedSecret("web", path, "KEY", "KEY", "its name", VALUE)], writer(server, token), MOUNT
    )
    return found


def newest(server: OwnVault, path: str = "apps/web") -> Any:
    """What another client reads."""
    data: Any = server.call("GET", f"{MOUNT}/data/{path}")["data"]
    return data["data"], data["metadata"]["version"]


def quiet(line: str) -> None:
    assert VALUE not in line


def test_keys_are_added_and_taken_back_beside_those_of_others(server: OwnVault) -> None:
    server.call("POST", f"{MOUNT}/data/apps/web", {"data": {"ADMIN": "a", "number": 7}})
    one = action(server)
    looked = one.look({})
    assert looked.seen is Seen.NOT_DONE and looked.data == {"base": 1, "keys": ["KEY"]}
    data = one.do(looked.data, quiet)
    assert newest(server) == ({"ADMIN": "a", "number": 7, "KEY": VALUE}, 2)
    assert one.look(data).seen is Seen.DONE
    one.undo(data, quiet)
    assert newest(server) == ({"ADMIN": "a", "number": 7}, 3)
    versions = {v.version: v for v in writer(server).versions("apps/web")}
    assert versions[2].deleted and not versions[1].deleted and not versions[3].deleted


def test_a_new_path_with_an_odd_name_is_written_deleted_and_written_again(server: OwnVault) -> None:
    path = "apps/ż ółć & co"
    one = action(server, path=path)
    data = one.do(one.look({}).data, quiet)
    assert newest(server, path) == ({"KEY": VALUE}, 1)
    one.undo(data, quiet)
    assert writer(server).newest(path).deleted
    again = one.do(one.look({}).data, quiet)
    assert again["version"] == 2
    server.call("POST", f"{MOUNT}/destroy/{path}", {"versions": [2]})
    assert one.look({}).data["base"] == 2, "a destroyed version counts, too"
    assert one.do({}, quiet)["version"] == 3


def test_check_and_set_keeps_what_came_in_between(server: OwnVault) -> None:
    found = writer(server)
    found.put("apps/web", {"a": "1"}, cas=0)
    with pytest.raises(Refused, match="Vault refuses") as caught:
        found.put("apps/web", {"a": VALUE}, cas=0)
    assert "check-and-set" in caught.value.detail and VALUE not in str(caught.value)
    assert newest(server) == ({"a": "1"}, 1)


def test_what_a_policy_forbids(server: OwnVault) -> None:
    policy = f'path "{MOUNT}/data/apps/*" {{ capabilities = ["read"] }}'
    server.call("PUT", "sys/policies/acl/reads", {"policy": policy})
    token = server.token(policies=["reads"])
    assert may_write(writer(server, token), ["apps/web", "other"]) == {
        "apps/web": "may not create or update",
        "other": "may not create or read or update",
    }
    assert may_write(writer(server), ["apps/web"]) == {}
    with pytest.raises(Denied) as caught:
        writer(server, token).put("apps/web", {"KEY": VALUE}, cas=0)
    assert "You may not write" in caught.value.title and VALUE not in str(caught.value)


def test_a_server_that_is_gone_has_got_nothing(server: OwnVault) -> None:
    one = action(server)
    looked = one.look({})
    server.stop()
    with pytest.raises(Unreachable):
        one.do(looked.data, quiet)


def test_cut_in_the_middle_the_outcome_is_unknown_then_seen(server: OwnVault) -> None:
    """The server is frozen after the token was looked at, and thawed after labtui has given up waiting."""
    server.call("POST", f"{MOUNT}/data/apps/web", {"data": {"ADMIN": "a"}})
    one = action(server)
    noted = one.look({}).data
    held = writer(server)
    frozen = threading.Event()

    from labtui.adapters.vault.client import Client

    send = Client._change

    def freeze_first(self: Client, where: str, body: Any) -> dict[str, Any]:
        server.freeze()
        frozen.set()
        return send(self, where, body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "_change", freeze_first)
        with pytest.raises(OutcomeUnknown) as caught:
            one.do(noted, quiet)
    assert frozen.is_set() and VALUE not in str(caught.value) + repr(caught.value)
    server.thaw()
    server.wait()
    # the request was in the server's socket: whether it carries it out is its own affair, and what it did is seen
    values, version = newest(server)
    looked = one.look(noted)
    assert looked.seen is (Seen.DONE if "KEY" in values else Seen.NOT_DONE)
    data = looked.data if looked.seen is Seen.DONE else one.do(looked.data, quiet)
    assert one.look(data).seen is Seen.DONE and data["version"] == 2, f"once, whatever came of it: {version}"
    one.undo(data, quiet)
    assert newest(server) == ({"ADMIN": "a"}, 3)
    assert held.newest("apps/web").values == {"ADMIN": "a"}


def test_on_the_estates_own_server() -> None:
    if os.environ.get("LABTUI_LIVE") != "1":
        pytest.skip("needs LABTUI_LIVE=1 (tests/live/README.md)")
    address, token = os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"]
    path = f"apps/lt-{secrets.token_hex(4)}"
    found = VaultWriter(VaultConnection(address, "kv", token=lambda: token), SystemClock())
    (one,) = secret_actions([PlannedSecret("web", path, "KEY", "KEY", "its name", VALUE)], found)
    try:
        data = one.do(one.look({}).data, quiet)
        one.undo(data, quiet)
        assert found.newest(path).deleted
        reader = os.environ.get("LIVE_VAULT_READER_TOKEN", "")
        if reader:
            with pytest.raises(LabError):
                VaultWriter(VaultConnection(address, "kv", token=lambda: reader), SystemClock()).put(
                    path, {"x": VALUE}, cas=1
                )
    finally:
        request(address, token, "DELETE", f"kv/metadata/{path}")
