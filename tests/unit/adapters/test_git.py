"""The GitOps repository, on real repositories in a temporary folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labtui.adapters.git import GitRepository
from labtui.domain.errors import Invalid, NotFound, Refused


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Repository:
    """A bare remote and the user's clone of it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "lab.git"
        self.clone = folder / "lab"
        git(folder, "init", "-q", "--bare", "-b", "main", str(self.bare))
        git(folder, "clone", "-q", str(self.bare), str(self.clone))
        git(self.clone, "config", "user.name", "Ada")
        git(self.clone, "config", "user.email", "ada@example.org")
        git(self.clone, "switch", "-q", "-C", "main")

    def commit(self, subject: str, files: dict[str, str | None], clone: Path | None = None) -> str:
        place = clone or self.clone
        for name, text in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)
        git(place, "add", "-A")
        git(place, "commit", "-q", "-m", subject)
        git(place, "push", "-q", "origin", "main")
        return git(place, "rev-parse", "HEAD")

    def at_remote(self, path: str) -> str:
        return git(self.bare, "show", f"main:{path}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def gitops(repository: Repository) -> GitRepository:
    return GitRepository(repository.clone)


def test_restore_brings_a_folder_back_and_leaves_the_rest_alone(repository: Repository, gitops: GitRepository) -> None:
    good = repository.commit("good", {"apps/web/values.yaml": "tag: 1\n", "apps/db/values.yaml": "tag: 1\n"})
    repository.commit(
        "bad", {"apps/web/values.yaml": "tag: 2\n", "apps/web/new.yaml": "x\n", "apps/db/values.yaml": "tag: 2\n"}
    )
    (repository.clone / "apps/web/values.yaml").write_text("the user is editing\n")

    made = gitops.restore(good, ["apps/web"], "Revert web\n\nbecause")

    assert repository.at_remote("apps/web/values.yaml") == "tag: 1"
    assert repository.at_remote("apps/db/values.yaml") == "tag: 2"
    with pytest.raises(subprocess.CalledProcessError):
        repository.at_remote("apps/web/new.yaml")
    assert gitops.head() == made.revision
    assert git(repository.bare, "log", "-1", "--format=%an|%B", "main") == "Ada|Revert web\n\nbecause"
    assert (repository.clone / "apps/web/values.yaml").read_text() == "the user is editing\n"
    assert git(repository.clone, "worktree", "list").count("\n") == 0


def test_restore_takes_away_what_did_not_exist_then(repository: Repository, gitops: GitRepository) -> None:
    good = repository.commit("good", {"apps/web/a.yaml": "a\n"})
    repository.commit("bad", {"apps/extra/b.yaml": "b\n"})
    gitops.restore(good, ["apps/extra"], "Revert extra")
    with pytest.raises(subprocess.CalledProcessError):
        repository.at_remote("apps/extra/b.yaml")


def test_restore_of_what_git_already_has_is_refused(repository: Repository, gitops: GitRepository) -> None:
    good = repository.commit("good", {"apps/web/a.yaml": "a\n"})
    with pytest.raises(Refused, match="already has it"):
        gitops.restore(good, ["apps/web"], "Revert")


def test_commits_of_a_path_are_named_newest_first(repository: Repository, gitops: GitRepository) -> None:
    first = repository.commit("first", {"web/a": "1"})
    repository.commit("unrelated", {"db/a": "1"})
    second = repository.commit("second \x1b[31m", {"web/a": "2"})
    third = repository.commit("third", {"web/a": "3"})
    found = gitops.commits(first, third, ["web"])
    assert [c.revision for c in found] == [third, second]
    assert found[0].author == "Ada" and found[0].date is not None


def test_a_commit_that_only_the_remote_has_is_fetched(
    repository: Repository, gitops: GitRepository, tmp_path: Path
) -> None:
    good = repository.commit("good", {"web/a": "1"})
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(repository.bare), str(other))
    bad = repository.commit("from elsewhere", {"web/a": "2"}, other)
    assert [c.subject for c in gitops.commits(good, bad, ["web"])] == ["from elsewhere"]
    assert "+1" in gitops.restore_diff(good, ["web"])
    gitops.restore(good, ["web"], "Revert web")
    assert repository.at_remote("web/a") == "1"


def test_a_push_never_goes_over_somebody_elses_commit(
    repository: Repository, gitops: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = repository.commit("good", {"web/a": "1"})
    stale = repository.commit("bad", {"web/a": "2"})
    newest = repository.commit("meanwhile", {"web/b": "1"})
    monkeypatch.setattr(gitops, "head", lambda: stale)
    with pytest.raises(Refused, match="meanwhile"):
        gitops.restore(good, ["web"], "Revert web")
    assert git(repository.bare, "rev-parse", "main") == newest


def test_the_folder_of_an_application_may_be_the_whole_repository(
    repository: Repository, gitops: GitRepository
) -> None:
    good = repository.commit("good", {"a": "1", "d/b": "1"})
    repository.commit("bad", {"a": "2", "d/b": "2", "c": "1"})
    gitops.restore(good, ["."], "Revert all")
    assert git(repository.bare, "ls-tree", "-r", "--name-only", "main").split() == ["a", "d/b"]
    assert repository.at_remote("d/b") == "1"


@pytest.mark.parametrize("revision", ["HEAD", "--upload-pack=x", "main", "1.2.3", ""])
def test_only_commits_can_be_restored(repository: Repository, gitops: GitRepository, revision: str) -> None:
    repository.commit("good", {"a": "1"})
    with pytest.raises(Refused, match="is no commit"):
        gitops.restore(revision, ["a"], "x")


def test_an_unknown_commit_is_not_found(repository: Repository, gitops: GitRepository) -> None:
    repository.commit("good", {"a": "1"})
    with pytest.raises(NotFound):
        gitops.restore_diff("0" * 40, ["a"])


def test_paths_are_taken_literally(repository: Repository, gitops: GitRepository) -> None:
    good = repository.commit("good", {"*": "1", "other": "1"})
    repository.commit("bad", {"*": "2", "other": "2"})
    gitops.restore(good, ["*"], "Revert star")
    assert repository.at_remote("other") == "2"


@pytest.mark.parametrize(
    ("remote", "application", "same"),
    [
        ("git@Example.org:me/lab.git", "https://example.org/me/lab", True),
        ("ssh://git@example.org:2222/me/lab.git", "git@example.org:me/lab.git", True),
        ("https://user:secret@example.org/me/lab.git", "https://example.org/me/lab.git", True),
        ("git@example.org:me/lab.git", "git@example.org:me/lab2.git", False),
        ("git@example.org:me/lab.git", "git@example.com:me/lab.git", False),
        ("file:///srv/lab.git", "/srv/lab.git", True),
    ],
)
def test_addresses_of_one_repository(repository: Repository, remote: str, application: str, same: bool) -> None:
    git(repository.clone, "remote", "set-url", "origin", remote)
    assert GitRepository(repository.clone).serves(application) is same


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="is no git repository"):
        GitRepository(tmp_path).head()
    with pytest.raises(Invalid):
        GitRepository(tmp_path / "nowhere").head()
    with pytest.raises(Invalid):
        GitRepository(tmp_path, "--upload-pack=touch x")


def test_a_file_is_read_at_a_revision_as_it_is(repository: Repository, gitops: GitRepository) -> None:
    old = repository.commit("one", {"v.yaml": "a: 1\n"})
    (repository.clone / "v.yaml").write_bytes(b"a: \xc3\xbc\r\n")
    git(repository.clone, "commit", "-q", "-am", "two")
    git(repository.clone, "push", "-q", "origin", "main")
    assert gitops.read(old, "/v.yaml") == "a: 1\n"
    assert gitops.read(gitops.head(), "v.yaml") == "a: ü\r\n"
    with pytest.raises(NotFound, match="no file"):
        gitops.read(old, "w.yaml")


@pytest.mark.parametrize("path", ["../x", "a/../../x", ".git/config", "a//b", "", "a/.GIT/hooks/pre-push"])
def test_paths_lead_to_files_of_the_repository_alone(repository: Repository, gitops: GitRepository, path: str) -> None:
    head = repository.commit("one", {"a": "1"})
    with pytest.raises(Invalid, match="no path"):
        gitops.read(head, path)
    with pytest.raises(Invalid, match="no path"):
        gitops.write(head, {path: "x"}, "m")


def test_a_written_file_is_one_commit_of_the_operator_beside_the_checkout(
    repository: Repository, gitops: GitRepository
) -> None:
    head = repository.commit("one", {"d/a": "1\n", "b": "1\n"})
    (repository.clone / "d/a").write_text("the user is editing\n")
    made = gitops.write(head, {"d/a": "2\r\n", "new/c": "3\n"}, "Change a\n\nbecause")
    assert gitops.head() == made.revision and made.subject == "Change a"
    assert git(repository.bare, "log", "-1", "--format=%an <%ae>|%P", "main") == f"Ada <ada@example.org>|{head}"
    assert gitops.read(made.revision, "d/a") == "2\r\n" and repository.at_remote("new/c") == "3"
    assert repository.at_remote("b") == "1"
    assert (repository.clone / "d/a").read_text() == "the user is editing\n"


def test_a_file_is_not_written_over_somebody_elses_commit(repository: Repository, gitops: GitRepository) -> None:
    head = repository.commit("one", {"a": "1"})
    newest = repository.commit("meanwhile", {"b": "1"})
    with pytest.raises(Refused, match="meanwhile"):
        gitops.write(head, {"a": "2"}, "Change a")
    assert git(repository.bare, "rev-parse", "main") == newest
    with pytest.raises(Refused, match="already has it"):
        gitops.write(newest, {"a": "1"}, "Change nothing")


def test_nothing_is_written_through_a_symbolic_link(
    repository: Repository, gitops: GitRepository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository.clone / "link").symlink_to(outside)
    (repository.clone / "file").symlink_to(outside / "x")
    head = repository.commit("links", {"a": "1"})
    for path in ("link/x", "file"):
        with pytest.raises(Refused, match="symbolic link"):
            gitops.write(head, {path: "2"}, "m")
    with pytest.raises(NotFound):
        gitops.read(head, "file")
    assert not list(outside.iterdir())
