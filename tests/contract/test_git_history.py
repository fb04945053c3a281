"""The repository as a migration needs it: one suite over the simulated one and git itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtui.adapters.git import GitRepository
from labtui.demo.git_files import DemoFiles
from labtui.demo.repository import Repository
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.ports.stacks import GitHistory

FIRST = {"manifests/a.yaml": "one: 1\ntwo: 2\nthree: 3\nfour: 4\n", "manifests/deep/b.yaml": "b: 1\n"}
Texts = Mapping[str, str | None]


@dataclass(frozen=True)
class Rig:
    """`push` is somebody else's commit: it answers its revision."""

    history: GitHistory
    push: Callable[[Texts, str], str]

    def write(self, files: Texts, message: str) -> str:
        """A commit of labtui's own."""
        return self.history.write(self.history.head(), files, message).revision

    def now(self, path: str) -> str | None:
        """A file at the head."""
        try:
            return self.history.read(self.history.head(), path)
        except NotFound:
            return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _clone(bare: Path, place: Path, name: str) -> Path:
    _git(bare.parent, "clone", "-q", str(bare), str(place))
    _git(place, "config", "user.name", name)
    _git(place, "config", "user.email", f"{name}@example.org")
    _git(place, "config", "commit.gpgsign", "false")
    _git(place, "switch", "-q", "-C", "main")
    return place


def _real(folder: Path) -> Rig:
    bare = folder / "lab.git"
    _git(folder, "init", "-q", "--bare", "-b", "main", str(bare))
    other = _clone(bare, folder / "other", "bob")

    def push(files: Texts, subject: str) -> str:
        if _git(other, "ls-remote", "origin", "main"):
            _git(other, "pull", "-q", "--rebase", "origin", "main")
        for name, text in files.items():
            (other / name).parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                (other / name).unlink()
            else:
                (other / name).write_text(text)
        _git(other, "add", "-A")
        _git(other, "commit", "-q", "-m", subject)
        _git(other, "push", "-q", "origin", "main")
        return _git(other, "rev-parse", "HEAD")

    push(FIRST, "the first")
    return Rig(GitRepository(_clone(bare, folder / "mine", "ada")), push)


def _simulated(folder: Path) -> Rig:
    repository = Repository("https://example.org/lab.git", lambda: datetime.now(UTC))
    repository.add("the first", "bob", datetime.now(UTC), {})
    for name, text in FIRST.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    history = DemoFiles(repository, [folder / "manifests"])
    return Rig(history, lambda files, subject: history.write(history.head(), files, subject).revision)


@pytest.fixture(params=["demo", "git"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    yield _simulated(tmp_path) if request.param == "demo" else _real(tmp_path)


def test_what_is_written_is_read_at_its_revision_and_not_before(rig: Rig) -> None:
    before = rig.history.head()
    made = rig.history.write(before, {"manifests/new.yaml": "x: 1\n", "manifests/deep/b.yaml": None}, "second\n\nwhy")
    assert (made.subject, rig.history.head()) == ("second", made.revision)
    assert rig.now("manifests/new.yaml") == "x: 1\n"
    assert rig.now("manifests/deep/b.yaml") is None
    assert rig.history.read(before, "manifests/deep/b.yaml") == "b: 1\n"
    with pytest.raises(NotFound, match=r"no file manifests/new\.yaml"):
        rig.history.read(before, "manifests/new.yaml")


def test_nothing_is_written_over_somebody_elses_commit(rig: Rig) -> None:
    base = rig.history.head()
    theirs = rig.push({"manifests/other.yaml": "y: 1\n"}, "theirs")
    with pytest.raises(Refused, match="Somebody pushed to git meanwhile"):
        rig.history.write(base, {"manifests/new.yaml": "x: 1\n"}, "mine")
    assert rig.history.head() == theirs


def test_a_commit_that_changes_nothing_is_none(rig: Rig) -> None:
    with pytest.raises(Refused, match="git already has it"):
        rig.write({"manifests/a.yaml": FIRST["manifests/a.yaml"]}, "again")


def test_a_path_that_leads_elsewhere_is_refused(rig: Rig) -> None:
    for path in ("../x", "manifests/../../x", ".git/config", ""):
        with pytest.raises(Invalid):
            rig.write({path: "x"}, "no")


def test_what_is_below_a_folder(rig: Rig) -> None:
    first = rig.history.head()
    last = rig.write({"manifests/deep/c.yaml": "c: 1\n", "manifests/deep/b.yaml": None}, "second")
    assert rig.history.below(first, "manifests") == ("manifests/a.yaml", "manifests/deep/b.yaml")
    assert rig.history.below(last, "manifests/deep") == ("manifests/deep/c.yaml",)
    assert rig.history.below(last, "manifests/dee") == ()


def test_commits_that_touch_paths_newest_first_with_their_messages(rig: Rig) -> None:
    one = rig.write({"manifests/a.yaml": "one: 2\n"}, "one\n\nLabtui-Migration: m\nLabtui-Action: both")
    two = rig.push({"manifests/a.yaml": "one: 3\n"}, "two")
    rig.push({"manifests/elsewhere.yaml": "z: 1\n"}, "three")
    found = rig.history.touched(rig.history.head(), ["manifests/a.yaml"], 2)
    assert [(c.revision, c.subject) for c in found] == [(two, "two"), (one, "one")]
    assert found[1].body.strip() == "Labtui-Migration: m\nLabtui-Action: both"
    assert [c.subject for c in rig.history.touched(one, ["manifests/a.yaml"])] == ["one", "the first"]
    assert [c.subject for c in rig.history.touched(rig.history.head(), ["manifests/deep"])] == ["the first"]
    assert [c.subject for c in rig.history.touched(rig.history.head(), ["."])][:3] == ["three", "two", "one"]
    assert [c.subject for c in rig.history.touched(rig.history.head(), ["manifests"], 1)] == ["three"]


def test_which_revision_has_which(rig: Rig) -> None:
    old = rig.history.head()
    new = rig.write({"manifests/a.yaml": "one: 2\n"}, "one")
    assert rig.history.contains(new, old) and rig.history.contains(new, new)
    assert not rig.history.contains(old, new)
    assert not rig.history.contains(new, "f" * 40) and not rig.history.contains("f" * 40, old)


def test_a_revert_is_a_commit_that_says_so_and_leaves_later_ones_alone(rig: Rig) -> None:
    text = FIRST["manifests/a.yaml"]
    mine = rig.write({"manifests/a.yaml": text.replace("one: 1", "one: 11"), "manifests/n.yaml": "n: 1\n"}, "mine")
    rig.push({"manifests/a.yaml": text.replace("one: 1", "one: 11").replace("four: 4", "four: 44")}, "theirs")
    made = rig.history.revert(mine, "back\n\nLabtui-Action: both")
    assert rig.now("manifests/a.yaml") == text.replace("four: 4", "four: 44")
    assert rig.now("manifests/n.yaml") is None
    (newest,) = rig.history.touched(rig.history.head(), ["manifests"], 1)
    assert (newest.revision, newest.subject) == (made.revision, "back")
    assert newest.body.strip() == f"Labtui-Action: both\n\nThis reverts commit {mine}."


def test_a_revert_that_is_in_conflict_changes_nothing(rig: Rig) -> None:
    text = FIRST["manifests/a.yaml"]
    mine = rig.write({"manifests/a.yaml": text.replace("one: 1", "one: 11")}, "mine")
    theirs = rig.push({"manifests/a.yaml": text.replace("one: 1", "one: 111")}, "theirs")
    with pytest.raises(Refused, match="cannot be reverted by itself") as caught:
        rig.history.revert(mine, "back")
    assert "manifests/a.yaml" in caught.value.detail
    assert rig.history.head() == theirs


def test_what_is_reverted_already_is_not_reverted_again(rig: Rig) -> None:
    mine = rig.write({"manifests/a.yaml": "one: 2\n"}, "mine")
    rig.history.revert(mine, "back")
    with pytest.raises(Refused, match="git already has it"):
        rig.history.revert(mine, "back again")
    with pytest.raises((NotFound, Refused)):
        rig.history.revert("f" * 40, "never")


def test_nothing_speaks_against_a_commit_in_a_clean_clone(rig: Rig) -> None:
    assert rig.history.obstacles(["manifests"]) == ()
