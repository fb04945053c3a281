"""A file as the operator has it: pushed, pulled, edited, committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.adapters.git import GitRepository
from labtui.domain.errors import Invalid
from tests.unit.adapters.test_git import Repository, git

PATH = "manifests/values/x.answers.yaml"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def gitops(repository: Repository) -> GitRepository:
    return GitRepository(repository.clone)


def test_what_was_pushed_is_seen_before_it_is_pulled(repository: Repository, gitops: GitRepository) -> None:
    repository.commit("first", {"a": "1"})
    assert gitops.seen(PATH) is None
    gitops.write(gitops.head(), {PATH: "x: 1\n"}, "Answer")
    assert gitops.seen(PATH) == "x: 1\n"
    assert not (repository.clone / PATH).exists()


def test_what_the_operator_edits_is_seen(repository: Repository, gitops: GitRepository) -> None:
    repository.commit("first", {PATH: "pushed\n"})
    (repository.clone / PATH).write_text("edited\n")
    assert gitops.seen(PATH) == "edited\n"
    git(repository.clone, "commit", "-aqm", "not pushed")
    assert gitops.seen(PATH) == "edited\n"
    (repository.clone / PATH).unlink()
    assert gitops.seen(PATH) is None


def test_a_new_file_of_the_checkout_is_seen(repository: Repository, gitops: GitRepository) -> None:
    repository.commit("first", {"a": "1"})
    (repository.clone / PATH).parent.mkdir(parents=True)
    (repository.clone / PATH).write_bytes(b"new\n")
    assert gitops.seen(PATH) == "new\n"
    (repository.clone / PATH).write_bytes(b"\xff\n")
    with pytest.raises(Invalid, match="cannot be read"):
        gitops.seen(PATH)


def test_a_folder_below_the_top_has_the_same_paths(repository: Repository) -> None:
    repository.commit("first", {PATH: "x\n", "sub/b": "1"})
    assert GitRepository(repository.clone / "sub").seen(PATH) == "x\n"


@pytest.mark.parametrize("path", ["../x", "a/../../x", ".git/config", ""])
def test_no_path_leads_out_of_the_repository(path: str, repository: Repository, gitops: GitRepository) -> None:
    repository.commit("first", {"a": "1"})
    with pytest.raises(Invalid):
        gitops.seen(path)
