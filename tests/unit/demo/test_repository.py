"""The simulated GitOps repository answers as a clone would."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.demo.repository import Repository
from labtui.domain.errors import NotFound, Refused
from tests.unit.demo.following import NOON


def config(value: str, name: str = "settings") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "x"}, "data": {"v": value}}


@pytest.fixture
def repository() -> Repository:
    made = Repository("https://example.org/me/lab.git", lambda: NOON)
    made.add("one", "a", NOON, {"apps/a/c.yaml": config("1"), "apps/ab/c.yaml": config("1")})
    return made


@pytest.fixture
def old(repository: Repository) -> str:
    """The first revision; two more are made after it."""
    revision = repository.head()
    repository.add("two", "b", NOON, {"apps/a/c.yaml": config("2"), "apps/a/new.yaml": config("1", "new")})
    repository.add("elsewhere", "b", NOON, {"apps/ab/c.yaml": config("2")})
    return revision


def test_it_serves_its_own_address(repository: Repository) -> None:
    assert repository.serves("https://example.org/me/lab") and repository.serves("https://example.org/me/lab.git")
    assert not repository.serves("https://example.org/me/other.git")


def test_names_are_resolved(repository: Repository) -> None:
    head = repository.head()
    assert repository.resolve("") == repository.resolve("main") == repository.resolve(head[:9]) == head
    for name in ("other", head[:3], "f" * 40):
        with pytest.raises(NotFound):
            repository.resolve(name)


def test_commits_are_those_that_touch_the_paths(repository: Repository, old: str) -> None:
    found = repository.commits(old, repository.head(), ["apps/a"])
    assert [c.subject for c in found] == ["two"]
    assert repository.commits(repository.head(), repository.head(), ["apps/a"]) == ()


def test_restoring_makes_a_commit_with_the_older_files_alone(repository: Repository, old: str) -> None:
    text = repository.restore_diff(old, ["apps/a"])
    assert "-  v: '2'" in text and "+  v: '1'" in text and "+++ /dev/null" in text and "apps/ab" not in text
    made = repository.restore(old, ["apps/a"], "Back\n\nbody")
    assert made.revision == repository.head() and made.subject == "Back"
    assert repository.files(made.revision, ["apps/a"]) == repository.files(old, ["apps/a"])
    assert repository.files(made.revision, ["apps/ab"])["apps/ab/c.yaml"] == config("2")
    assert repository.restore_diff(old, ["apps/a"]) == ""
    with pytest.raises(Refused):
        repository.restore(old, ["apps/a"], "again")


def test_an_unknown_revision_is_not_found(repository: Repository) -> None:
    with pytest.raises(NotFound):
        repository.restore("0" * 40, ["apps/a"], "x")
    with pytest.raises(NotFound):
        repository.commits("0" * 40, repository.head(), ["apps/a"])
