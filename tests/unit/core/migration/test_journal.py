"""The journal on disk and its copy in the cluster: crashes in the middle of a line, damage, and which copy is right."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtui.core.migration.journal import MirroredJournal
from labtui.core.migration.journal_file import JournalFile, JournalFolder
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.migration.journal import Entry, Mark, last_entries
from labtui.domain.migration.lines import compact, decode, encode, encode_all, join
from labtui.domain.migration.names import new_id, object_name, slug, valid_id
from labtui.domain.migration.steps import StepName
from tests.support.migration_fakes import PLACE, FakeMirror, TestClock

T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def entry(number: int, fence: int = 1, text: str = "x", mark: Mark = Mark.DONE, action: str = "a") -> Entry:
    return Entry(number, T0, "m", mark, StepName.WORKLOAD, action, "ada@desk", fence, text, {"commit": "abc"})


def numbered(count: int, fence: int = 1) -> tuple[Entry, ...]:
    return tuple(entry(number, fence) for number in range(1, count + 1))


def written(path: Path, count: int) -> JournalFile:
    file = JournalFile(path)
    for one in numbered(count):
        file.append(one)
    return file


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written(tmp_path / "new" / "j.jsonl", 3)
    assert JournalFile(tmp_path / "new" / "j.jsonl").entries == numbered(3)


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        file = written(tmp_path / "migrations" / "j.jsonl", 1)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_an_entry_is_on_disk_before_the_call_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []

    def fsync(handle: int) -> None:
        found = os.fstat(handle)
        synced.append(("folder" if stat.S_ISDIR(found.st_mode) else "file", found.st_size))

    monkeypatch.setattr("labtui.core.migration.journal_file.os.fsync", fsync)
    file = JournalFile(tmp_path / "migrations" / "j.jsonl")
    file.append(entry(1))
    assert [kind for kind, _ in synced] == [
        "folder",
        "file",
        "folder",
    ]  # the new folder's name, the entry, the file's name
    assert synced[1] == ("file", file.path.stat().st_size)
    synced.clear()
    file.append(entry(2))
    assert synced == [("file", file.path.stat().st_size)]


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_a_last_line_that_a_crash_cut_off_is_told_and_overwritten(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "j.jsonl"
    written(path, 3)
    path.write_bytes(path.read_bytes()[:-cut])
    file = JournalFile(path)
    assert file.entries == numbered(2)
    assert "line 3" in file.damaged
    file.append(entry(3, text="again"))
    assert file.damaged == ""
    assert JournalFile(path).entries == (*numbered(2), entry(3, text="again"))


def test_a_last_line_of_zeros_is_told(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written(path, 2)
    path.write_bytes(path.read_bytes() + b"\0" * 40 + b"\n")
    assert JournalFile(path).entries == numbered(2)


@pytest.mark.parametrize("damage", [b"\0\0\0", b"{", b'{"number": 2}', b"[]", b"\xff"])
def test_damage_before_the_end_is_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j.jsonl"
    written(path, 3)
    first, _, third = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, damage, third]) + b"\n")
    with pytest.raises(Refused, match="damaged") as caught:
        JournalFile(path)
    assert "line 2" in caught.value.detail


def test_a_missing_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:1], *lines[2:]]))
    with pytest.raises(Refused, match="damaged"):
        JournalFile(path)


def test_a_disk_that_fills_in_the_middle_of_a_line_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.jsonl"
    file = written(path, 2)
    before, real, calls = path.read_bytes(), os.write, []

    def half(handle: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(handle, data[:10])

    with monkeypatch.context() as patch:
        patch.setattr("labtui.core.migration.journal_file.os.write", half)
        with pytest.raises(Refused, match="No space left"):
            file.append(entry(3))
    assert path.read_bytes() == before
    file.append(entry(3))
    assert JournalFile(path).entries == numbered(3)


def test_two_processes_of_one_machine_do_not_overwrite_each_other(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written(path, 2)
    former, latter = JournalFile(path), JournalFile(path)
    latter.append(entry(3, fence=2))
    with pytest.raises(Refused, match="Another labtui"):
        former.append(entry(3, text="late"))
    assert JournalFile(path).entries == (*numbered(2), entry(3, fence=2))


def test_one_that_was_replaced_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    written(path, 2)
    former = JournalFile(path)
    kept = JournalFile(path).replace(numbered(2, fence=2), aside=True)
    assert kept is not None
    assert JournalFile(kept).entries == numbered(2)
    with pytest.raises(Refused, match="Another labtui"):
        former.append(entry(3))


def test_entries_that_are_no_json_or_too_large_are_refused() -> None:
    with pytest.raises(Invalid):
        encode(replace(entry(1), data={"x": object()}))
    with pytest.raises(Invalid):
        encode(replace(entry(1), data={"x": "y" * 70_000}))
    assert len(encode(entry(1, text="long " * 10_000))) < 5000


def test_the_folder(tmp_path: Path) -> None:
    folder = JournalFolder(tmp_path / "migrations")
    assert folder.ids() == ()
    folder.open("m").append(entry(1))
    assert folder.ids() == ("m",)
    assert folder.existing("m").entries == numbered(1)
    with pytest.raises(NotFound):
        folder.existing("other")
    for name in ("../m", "", "a/b", ".m", "M"):
        with pytest.raises(Invalid):
            folder.open(name)


# The copy in the cluster


def test_the_longer_copy_wins() -> None:
    assert join(numbered(3), numbered(2)).entries == numbered(3)
    assert join(numbered(3), numbered(2)).mirror_behind
    assert join(numbered(2), numbered(3)).entries == numbered(3)
    assert join(numbered(2), numbered(3)).local_behind
    assert join((), numbered(3)).local_behind
    same = join(numbered(3), numbered(3))
    assert not same.local_behind and not same.mirror_behind


def test_where_they_differ_the_later_holder_wins() -> None:
    mine = (*numbered(2), entry(3, fence=1, text="never mirrored"), entry(4, fence=1))
    theirs = (*numbered(2), entry(3, fence=2))
    joined = join(mine, theirs)
    assert joined.entries == theirs
    assert joined.aside == mine[2:]
    back = join(theirs, mine)
    assert back.entries == theirs
    assert back.mirror_behind


def test_copies_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(Refused, match="contradict"):
        join((entry(1, text="a"),), (entry(1, text="b"),))


def test_a_journal_that_grows_too_large_is_shortened_in_the_cluster_alone() -> None:
    long = tuple(entry(number, text="x" * 500, action=f"a{number % 7}") for number in range(1, 2001))
    text = compact(long, 60_000)
    assert len(text) <= 60_000
    read = decode(text.encode(), "mirror").entries
    assert last_entries(read) == last_entries(long)
    assert read[-1] == long[-1] and read[0] == long[0]
    assert join(long[:-1], read).entries == long
    assert join(long, read).entries == long
    assert decode(encode_all(read).encode(), "another machine").entries == read
    with pytest.raises(Refused, match="too large"):
        compact(long, 2_000)


def mirrored(path: Path, mirror: FakeMirror, fence: int = 1) -> MirroredJournal:
    made = MirroredJournal(JournalFile(path), mirror, PLACE, "m", by="ada@desk", fence=fence, clock=TestClock())
    made.reconcile()
    return made


def add(journal: MirroredJournal, text: str) -> None:
    journal.append(Mark.DONE, StepName.WORKLOAD, "a", text, {"pair": (1, 2)})


def test_another_machine_goes_on_from_the_cluster(tmp_path: Path) -> None:
    mirror = FakeMirror()
    first = mirrored(tmp_path / "1.jsonl", mirror)
    add(first, "one")
    second = mirrored(tmp_path / "2.jsonl", mirror, fence=2)
    assert second.entries == first.entries
    add(second, "two")
    third = mirrored(tmp_path / "1.jsonl", mirror, fence=3)
    assert [e.text for e in third.entries] == ["one", "two"]


def test_what_never_reached_the_cluster_is_kept_aside(tmp_path: Path) -> None:
    mirror = FakeMirror()
    first = mirrored(tmp_path / "1.jsonl", mirror)
    add(first, "one")
    JournalFile(tmp_path / "1.jsonl").append(replace(first.entries[0], number=2, text="never mirrored"))
    add(mirrored(tmp_path / "2.jsonl", mirror, fence=2), "two")
    again = MirroredJournal(
        JournalFile(tmp_path / "1.jsonl"), mirror, PLACE, "m", by="ada@desk", fence=3, clock=TestClock()
    )
    said = again.reconcile()
    assert "aside" in said and "2" in said
    assert [e.text for e in again.entries] == ["one", "two"]
    (kept,) = tmp_path.glob("*.aside-*")
    assert [e.text for e in JournalFile(kept).entries] == ["one", "never mirrored"]


def test_a_lower_fence_never_writes_over_a_higher_one(tmp_path: Path) -> None:
    mirror = FakeMirror()
    first = mirrored(tmp_path / "1.jsonl", mirror)
    add(first, "one")
    add(mirrored(tmp_path / "2.jsonl", mirror, fence=2), "two")
    with pytest.raises(Refused, match="taken this migration over"):
        add(first, "late")
    with pytest.raises(Refused, match="taken this migration over"):
        mirrored(tmp_path / "1.jsonl", mirror)


def test_a_deleted_copy_is_made_again(tmp_path: Path) -> None:
    mirror = FakeMirror()
    first = mirrored(tmp_path / "1.jsonl", mirror)
    add(first, "one")
    mirror.copies.clear()
    add(first, "two")
    assert len(mirror.copies[PLACE].text.splitlines()) == 2


# Names


def test_names() -> None:
    assert new_id("wroclaw", "emby", T0) == "wroclaw-emby-20260101-120000"
    assert object_name("wroclaw", "emby") == "labtui-migration-wroclaw-emby"
    assert valid_id("wroclaw-emby-20260101-120000")
    pairs = [("a", "b-c"), ("a-b", "c"), ("a", "B_c"), ("a", "b_c"), ("a", "b.c"), ("a", "żółw"), ("a", "x" * 300)]
    slugs = [slug(*pair) for pair in pairs]
    assert len(set(slugs)) == len(slugs)
    for made in slugs:
        assert valid_id(f"{made}-20260101-120000") and len(made) < 150
