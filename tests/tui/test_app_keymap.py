"""The user's own keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.tui import keymap
from tests.tui.fakes import FakeLab
from tests.tui.waiting import running, toasts, until


def test_the_default_keys_do_not_clash() -> None:
    owners: dict[str, str] = {}
    for identity, keys in keymap.defaults().items():
        for key in keys.split(","):
            assert key not in owners, f"{key}: {identity} and {owners[key]}"
            owners[key] = identity


def test_a_key_is_given_to_an_action() -> None:
    keys = keymap.resolve({"argocd.sync": "y", "app.help": "f2, ?"})
    assert keys.problems == ()
    assert keys.overrides == {"argocd.sync": "y", "app.help": "f2,question_mark"}
    assert keys.of("argocd.sync") == "y"
    assert keys.of("argocd.rollback") == "R"


def test_an_unknown_action_is_reported_with_the_nearest_one() -> None:
    keys = keymap.resolve({"argocd.snyc": "y"})
    assert keys.overrides == {}
    assert keys.problems == ("unknown action argocd.snyc; the nearest is argocd.sync",)


def test_a_clash_is_reported_and_the_default_stays() -> None:
    keys = keymap.resolve({"argocd.sync": "R"})
    assert keys.overrides == {}
    assert keys.problems == ("argocd.sync: the key R already belongs to argocd.rollback",)


def test_two_actions_may_change_places() -> None:
    keys = keymap.resolve({"argocd.sync": "R", "argocd.rollback": "s"})
    assert keys.problems == ()
    assert dict(keys.overrides) == {"argocd.sync": "R", "argocd.rollback": "s"}


def test_what_is_no_key_is_reported() -> None:
    keys = keymap.resolve({"argocd.sync": ["s"], "argocd.diff": True})
    assert keys.overrides == {}
    assert len(keys.problems) == 2


def test_a_file_that_is_no_yaml_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("argocd.sync: [")
    keys = keymap.load(path)
    assert keys.overrides == {}
    assert str(path) in keys.problems[0]


@pytest.mark.parametrize("key", ["notakey", "ctrl+notakey", "\x1b[31mhi", "space bar", "hyperspace+s"])
def test_what_is_no_key_is_reported_and_ignored(key: str) -> None:
    keys = keymap.resolve({"argocd.sync": key})
    assert not keys.overrides
    assert "is no key" in keys.problems[0] and keys.problems[0].startswith("argocd.sync: ")
    assert "\x1b" not in keys.problems[0]


@pytest.mark.parametrize(
    "key", ["+", "-", "é", "f12", "ctrl+s", "alt+shift+x", "ctrl+pageup", "exclamation_mark", "at"]
)
def test_every_kind_of_key_can_be_given(key: str) -> None:
    assert keymap.resolve({"argocd.sync": key}).problems == ()


def test_the_default_keys_are_keys() -> None:
    for identity, names in keymap.defaults().items():
        assert not [p for p in keymap.resolve({identity: names}).problems if "is no key" in p]


def test_a_file_nested_without_end_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("argocd.sync: " + "[" * 3000)
    assert keymap.load(path).problems


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert keymap.load(tmp_path / "keys.yaml") == keymap.Keymap({})


@pytest.mark.anyio
async def test_the_apps_keys_follow_the_file_and_problems_are_told(own_home: Path) -> None:
    folder = own_home / "config" / "labtui"
    folder.mkdir(parents=True)
    (folder / "keys.yaml").write_text("estate.zoom: Z\nargocd.snyc: y\n")
    fake = FakeLab()
    fake.fill()
    async with running(fake, seen="grafana") as (app, pilot):
        await until(lambda: toasts(app), "the toast")
        assert "unknown action argocd.snyc; the nearest is argocd.sync" in toasts(app)[0]
        await pilot.press("z")
        assert not app.estate.body.alone
        await pilot.press("Z")
        await until(lambda: app.estate.body.alone, "the zoom")
