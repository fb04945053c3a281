"""The server's JSON, also when it is odd."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from labtui.adapters.vault.access import is_policy, time_left
from labtui.adapters.vault.parse import askable, moment, secret
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.states import Level

REF = Ref(SourceId(SourceKind.VAULT, "v"), "Secret", "kv", "apps/immich")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def version(created: str, deleted: str = "", destroyed: bool = False) -> dict[str, object]:
    return {"created_time": created, "deletion_time": deleted, "destroyed": destroyed}


def test_metadata() -> None:
    data = {
        "current_version": 10,
        "updated_time": "2026-05-02T10:00:00.123456789Z",
        "custom_metadata": {"owner": "ada", "app": "immich"},
        "versions": {
            "10": version("2026-05-02T10:00:00.1Z"),
            "9": version("2026-05-01T10:00:00Z", "2026-05-03T00:00:00Z", True),
        },
    }
    row = secret(REF, data, NOW)
    assert (row.version, row.updated) == (10, datetime(2026, 5, 2, 10, 0, 0, 123456, UTC))
    assert [v.version for v in row.versions] == [9, 10]
    assert row.versions[0].destroyed and row.versions[0].deleted
    assert row.custom_metadata == (("app", "immich"), ("owner", "ada"))
    assert row.level is Level.WELL


def test_a_deletion_to_come_is_none_yet() -> None:
    data = {"current_version": 1, "versions": {"1": version("2026-05-02T10:00:00Z", "2026-12-01T00:00:00Z")}}
    assert secret(REF, data, NOW).level is Level.WELL
    assert secret(REF, data, datetime(2027, 1, 1, tzinfo=UTC)).level is Level.OFF


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"versions": None, "custom_metadata": None, "current_version": "1", "updated_time": 5},
        {"versions": {"x": {}, "1": None}, "current_version": True},
    ],
)
def test_odd_metadata_is_an_empty_row(data: dict[str, object]) -> None:
    row = secret(REF, data, NOW)
    assert (row.version, row.versions, row.updated) == (0, (), None)


def test_moments() -> None:
    assert moment("2026-05-02T10:00:00+02:00") == datetime(2026, 5, 2, 8, tzinfo=UTC)
    assert moment("") is None and moment("yesterday") is None and moment("2026-05-02T10:00:00") is None


def test_askable() -> None:
    assert askable("apps/immich") and askable("apps/") and askable("a/..b/c.")
    assert not any(askable(name) for name in ("", "/", "a//b", "../x", "a/./b", "a/..", "a/../"))


@pytest.mark.parametrize(
    ("words", "policy"),
    [
        ("1 error occurred: * permission denied", True),
        ("permission denied", False),
        ("2 errors occurred: * permission denied * invalid token", False),
        ("", False),
    ],
)
def test_a_missing_right_is_told_from_a_bad_token(words: str, policy: bool) -> None:
    assert is_policy(words) is policy


def test_time_left_changes_seldom() -> None:
    assert [time_left(s) for s in (1, 599, 600, 3599, 3600, 86399, 86400, 200000)] == [
        "<10m",
        "<10m",
        "10m",
        "50m",
        "1h",
        "23h",
        "1d",
        "2d",
    ]
