"""What a migration needs of the repository beside reading and writing: reverts, history, and what is in its way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labtui.adapters.git import GitRepository
from labtui.domain.errors import OutcomeUnknown, Refused
from tests.unit.adapters.test_git import Repository, git


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def gitops(repository: Repository) -> GitRepository:
    return GitRepository(repository.clone)


def test_a_revert_undoes_one_commit_and_leaves_later_ones_alone(repository: Repository, gitops: GitRepository) -> None:
    head = repository.commit("one", {"a": "1\n", "b": "1\n"})
    made = gitops.write(head, {"a": "2\n", "new": "x\n"}, "Change a")
    git(repository.clone, "pull", "-q", "origin", "main")
    repository.commit("other", {"b": "2\n"})
    (repository.clone / "a").write_text("the user is editing\n")

    undone = gitops.revert(made.revision, "a: back\n\nTrailer: x")

    assert repository.at_remote("a") == "1" and repository.at_remote("b") == "2"
    with pytest.raises(subprocess.CalledProcessError):
        repository.at_remote("new")
    message = git(repository.bare, "log", "-1", "--format=%an|%B", "main")
    assert message == f"Ada|a: back\n\nTrailer: x\n\nThis reverts commit {made.revision}."
    assert undone.subject == "a: back" and gitops.head() == undone.revision
    assert (repository.clone / "a").read_text() == "the user is editing\n"
    assert git(repository.clone, "worktree", "list").count("\n") == 0


def test_a_revert_that_later_commits_are_in_the_way_of_says_what_to_do(
    repository: Repository, gitops: GitRepository
) -> None:
    head = repository.commit("one", {"a": "1\n"})
    made = gitops.write(head, {"a": "2\n"}, "Change a")
    git(repository.clone, "pull", "-q", "origin", "main")
    newest = repository.commit("other", {"a": "3\n"})
    with pytest.raises(Refused, match="later commits changed the same lines") as refused:
        gitops.revert(made.revision, "back")
    assert "conflict in a" in refused.value.detail and "git revert" in refused.value.hint
    assert git(repository.bare, "rev-parse", "main") == newest
    assert git(repository.clone, "worktree", "list").count("\n") == 0


def test_a_second_revert_of_the_same_commit_is_refused(repository: Repository, gitops: GitRepository) -> None:
    head = repository.commit("one", {"a": "1\n"})
    made = gitops.write(head, {"a": "2\n"}, "Change a")
    gitops.revert(made.revision, "back")
    with pytest.raises(Refused, match=r"already has it|later commits"):
        gitops.revert(made.revision, "back")


def test_only_single_commits_of_the_branch_are_reverted(repository: Repository, gitops: GitRepository) -> None:
    repository.commit("one", {"a": "1\n"})
    git(repository.clone, "switch", "-q", "-c", "side")
    (repository.clone / "side").write_text("x")
    git(repository.clone, "add", "-A")
    git(repository.clone, "commit", "-q", "-m", "side")
    side = git(repository.clone, "rev-parse", "HEAD")
    with pytest.raises(Refused, match="is not on the branch"):
        gitops.revert(side, "back")
    git(repository.clone, "switch", "-q", "main")
    repository.commit("two", {"b": "1\n"})
    git(repository.clone, "merge", "-q", "--no-ff", "-m", "merge", "side")
    git(repository.clone, "push", "-q", "origin", "main")
    with pytest.raises(Refused, match="is a merge"):
        gitops.revert(gitops.head(), "back")


def test_a_file_is_taken_away_by_a_commit(repository: Repository, gitops: GitRepository) -> None:
    head = repository.commit("one", {"d/a": "1\n", "d/b": "1\n"})
    gitops.write(head, {"d/a": None, "nothing": None}, "Take a away")
    assert gitops.below(gitops.head(), "d") == ("d/b",)
    assert gitops.below(head, "d") == ("d/a", "d/b") and gitops.below(head, "e") == ()


def test_history_comes_with_whole_messages(repository: Repository, gitops: GitRepository) -> None:
    head = repository.commit("one", {"a": "1\n"})
    made = gitops.write(head, {"a": "2\n"}, "Change a\n\nKey: value\nOther: x")
    repository_head = gitops.write(made.revision, {"b": "1\n"}, "Elsewhere")
    found = gitops.touched(repository_head.revision, ["a"])
    assert [(c.subject, c.body.strip()) for c in found] == [("Change a", "Key: value\nOther: x"), ("one", "")]
    assert gitops.contains(repository_head.revision, head) and not gitops.contains(head, made.revision)
    assert not gitops.contains("0" * 40, head) and not gitops.contains("", head)


def test_a_push_whose_answer_is_lost_is_looked_for_at_the_remote(
    repository: Repository, gitops: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository.commit("one", {"a": "1\n"})
    real = GitRepository._git
    answers: list[str] = []

    def broken(self: GitRepository, *arguments: str, **more: object) -> str:
        found = real(self, *arguments, **more)  # type: ignore[arg-type]
        if arguments[0] == "push":
            answers.append("lost")
            raise OutcomeUnknown("git push did not end in 30 s")
        return found

    monkeypatch.setattr(GitRepository, "_git", broken)
    made = gitops.write(head, {"a": "2\n"}, "Change a")
    assert answers == ["lost"] and repository.at_remote("a") == "2" and gitops.head() == made.revision


def test_a_push_of_which_nobody_can_tell_is_unknown(
    repository: Repository, gitops: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository.commit("one", {"a": "1\n"})
    real = GitRepository._git

    def broken(self: GitRepository, *arguments: str, **more: object) -> str:
        if arguments[0] in ("push", "ls-remote"):
            raise Refused("git failed", "the remote end hung up unexpectedly")
        return real(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(GitRepository, "_git", broken)
    with pytest.raises(OutcomeUnknown, match="no answer") as unknown:
        gitops.write(head, {"a": "2\n"}, "Change a")
    assert "hung up" in unknown.value.detail and "Look whether" in unknown.value.hint


def test_what_is_in_the_way_of_commits(repository: Repository, gitops: GitRepository, tmp_path: Path) -> None:
    repository.commit("one", {"d/a": "1\n", "b": "1\n"})
    assert gitops.obstacles(["d/a"]) == ()
    (repository.clone / "b").write_text("elsewhere\n")
    assert gitops.obstacles(["d/a"]) == ()
    (repository.clone / "d/a").write_text("edited\n")
    assert "not committed in d/a" in gitops.obstacles(["d/a"])[0]
    git(repository.clone, "commit", "-q", "-am", "mine")
    assert "has 1 commit that origin has not: git push" in gitops.obstacles(["d/a"])[0]
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(repository.bare), str(other))
    repository.commit("from elsewhere", {"c": "2"}, other)
    assert "has diverged: 1 commit of its own, 1 behind origin" in gitops.obstacles(["d/a"])[0]


def test_nobody_commits_without_a_name(
    repository: Repository, gitops: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("one", {"a": "1\n"})
    for name in ("user.name", "user.email"):
        git(repository.clone, "config", "--unset", name)
    git(repository.clone, "config", "user.useConfigOnly", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    assert "does not know who you are" in gitops.obstacles(["a"])[0]


def test_a_remote_that_does_not_take_commits_is_no_race(repository: Repository, gitops: GitRepository) -> None:
    head = repository.commit("one", {"a": "1\n"})
    hook = repository.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'main takes pull requests alone' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match="does not take commits on main") as refused:
        gitops.write(head, {"a": "2\n"}, "Change a")
    assert "pull requests alone" in refused.value.detail
    assert gitops.head() == head
