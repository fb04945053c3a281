"""What every Vault source does, the real one and the demo's."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator

import pytest

from labtui.domain.changes import Live, Resync
from labtui.domain.checks import Verdict
from labtui.domain.errors import Denied, NotFound, SignedOut
from labtui.domain.ref import SourceKind
from labtui.domain.states import Level
from tests.contract.vault_rig import Following, LiveVault, VaultRig

VALUE = "correct horse battery staple"
# All metadata is read within six polls of half a second; the machine may be busy.
ALL_METADATA = 10.0


@pytest.fixture(params=[pytest.param("live", marks=pytest.mark.live), "demo"])
def rig(request: pytest.FixtureRequest) -> Iterator[VaultRig]:
    if request.param == "demo":
        try:
            make = importlib.import_module("tests.contract.demo_rigs").vault_rig
        except (ModuleNotFoundError, AttributeError):
            pytest.skip("the demo rig is not written yet")
        found: VaultRig = make()
    else:
        if os.environ.get("LABTUI_LIVE") != "1":
            pytest.skip("LABTUI_LIVE is not 1")
        if not (os.environ.get("VAULT_ADDR") and os.environ.get("VAULT_TOKEN")):
            pytest.skip("VAULT_ADDR and VAULT_TOKEN are not set")
        found = LiveVault()
    yield found
    found.close()


def test_the_tree_comes_first_then_live(rig: VaultRig) -> None:
    rig.write(f"{rig.folder}immich", {"password": VALUE})
    rig.write(f"{rig.folder}media/emby", {"key": VALUE})
    with Following(rig.source()) as feed:
        feed.until_live()
        kinds = [type(c) for c in feed.changes]
        assert kinds[0] is Resync
        assert kinds.index(Live) > 0
        secret = feed.rows[f"{rig.folder}immich"]
        assert (secret.version, secret.folder, secret.denied, len(secret.versions)) == (1, False, "", 1)
        assert secret.updated is not None and secret.updated.tzinfo is not None
        assert secret.ref == rig.ref(f"{rig.folder}immich")
        assert secret.ref.source.kind is SourceKind.VAULT
        folder = feed.rows[f"{rig.folder}media/"]
        assert folder.folder and folder.open and not folder.denied
        assert f"{rig.folder}media/emby" in feed.rows


def test_a_new_path_shows_and_goes(rig: VaultRig) -> None:
    with Following(rig.source()) as feed:
        feed.until_live()
        rig.write(f"{rig.folder}new/one", {"a": VALUE})
        path = f"{rig.folder}new/one"
        feed.until(lambda: path in feed.rows and feed.rows[path].version == 1, "the new path with its metadata")
        rig.remove(path)
        feed.until(lambda: path not in feed.rows and f"{rig.folder}new/" not in feed.rows, "gone with its folder")


def test_a_new_version_and_a_deletion_show(rig: VaultRig) -> None:
    path = f"{rig.folder}app"
    rig.write(path, {"a": VALUE})
    with Following(rig.source()) as feed:
        feed.until_live()
        rig.write(path, {"a": VALUE, "b": VALUE})
        feed.until(lambda: feed.rows[path].version == 2, "version 2", ALL_METADATA)
        assert [v.version for v in feed.rows[path].versions] == [1, 2]
        assert feed.rows[path].level is Level.WELL
        rig.delete(path)
        feed.until(lambda: feed.rows[path].level is Level.OFF, "the deletion", ALL_METADATA)


def test_what_is_denied_is_shown_as_denied(rig: VaultRig) -> None:
    rig.write(f"{rig.folder}open", {"a": VALUE})
    rig.write(f"{rig.closed_folder}hidden", {"a": VALUE})
    with Following(rig.source("reader")) as feed:
        feed.until_live()
        closed = feed.rows[rig.closed_folder]
        assert closed.folder and "denied" in closed.denied
        assert closed.level is Level.UNKNOWN
        assert f"{rig.closed_folder}hidden" not in feed.rows
        assert feed.rows[f"{rig.folder}open"].version == 1
        feed.until(lambda: any("token" in note for note in feed.notes or ()), "the token's time left")


def test_a_deep_folder_stays_closed_until_it_is_opened(rig: VaultRig) -> None:
    deep = rig.folder + "".join(f"{n}/" for n in range(1, 8))
    rig.write(f"{deep}secret", {"a": VALUE})
    source = rig.source()
    with Following(source) as feed:
        feed.until_live()
        assert feed.rows[deep].folder and not feed.rows[deep].open
        assert f"{deep}secret" not in feed.rows
        source.open(rig.ref(deep))
        feed.until(lambda: f"{deep}secret" in feed.rows, "what is in the folder")
        assert feed.rows[deep].open


def test_no_value_is_ever_in_a_change(rig: VaultRig) -> None:
    rig.write(f"{rig.folder}app", {"a": VALUE})
    with Following(rig.source()) as feed:
        feed.until_live()
        rig.write(f"{rig.folder}second", {"a": VALUE})
        feed.until(lambda: f"{rig.folder}second" in feed.rows, "the second path")
        assert VALUE not in repr(feed.changes)


def test_values_and_keys_when_asked_for(rig: VaultRig) -> None:
    path = f"{rig.folder}app"
    rig.write(path, {"a": "first"})
    rig.write(path, {"a": VALUE, "b": "2"})
    source = rig.source()
    values = source.reveal(rig.ref(path))
    assert values == {"a": VALUE, "b": "2"}
    assert VALUE not in repr(values) and VALUE not in str(values)
    assert source.reveal(rig.ref(path), 1) == {"a": "first"}
    assert sorted(source.keys(rig.ref(path))) == ["a", "b"]


def test_a_value_that_may_not_be_read(rig: VaultRig) -> None:
    rig.write(f"{rig.folder}app", {"a": VALUE})
    source = rig.source("reader")
    with pytest.raises(Denied) as caught:
        source.reveal(rig.ref(f"{rig.folder}app"))
    assert f"{rig.folder}app" in str(caught.value)
    with pytest.raises(Denied):
        source.keys(rig.ref(f"{rig.folder}app"))


def test_what_is_not_there(rig: VaultRig) -> None:
    rig.write(f"{rig.folder}app", {"a": VALUE})
    rig.delete(f"{rig.folder}app")
    with pytest.raises(NotFound):
        rig.source().reveal(rig.ref(f"{rig.folder}app"))
    with pytest.raises(NotFound):
        rig.source().reveal(rig.ref(f"{rig.folder}nothing"))


def test_a_wrong_token_is_signed_out(rig: VaultRig) -> None:
    with Following(rig.source("nobody")) as feed:
        error = feed.failure()
    assert isinstance(error, SignedOut)
    assert error.hint


def test_closing_ends_it_and_it_can_be_followed_again(rig: VaultRig) -> None:
    rig.write(f"{rig.folder}app", {"a": VALUE})
    source = rig.source()
    for _ in range(2):
        with Following(source) as feed:
            feed.until_live()
            assert f"{rig.folder}app" in feed.rows
            assert feed.end() < 1.0


def test_the_examination_starts_with_the_connection(rig: VaultRig) -> None:
    checks = list(rig.source().check())
    assert checks[0].name == "connection"
    assert {c.verdict for c in checks} == {Verdict.OK}
    assert {c.subject for c in checks} == {"vault"}
    bad = {c.name: c for c in rig.source("nobody").check()}
    assert bad["connection"].verdict is Verdict.OK
    assert bad["token"].verdict is Verdict.FAIL and bad["token"].remedy
