"""Backups written, read back, damaged, taken apart by other programs, and restored; the site's data is in memory."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labtui.core.backup.archive import BackupReader, BackupWriter, Verified, differences, verify
from labtui.core.backup.restoring import Target, restore, targets
from labtui.core.backup.saving import Wanted, save
from labtui.core.backup.tarstream import Damaged, entries
from labtui.domain.backup import DataPlace, Entry, LeftOut, PlaceKind, PlaceState, SavedSecret, SourceFile
from labtui.domain.errors import LabError, NotFound, Refused, Unreachable
from tests.unit.core.backup.trees import ROOT, MemoryData, member, odd_tree, reading, stream

VALUE = "planted-secret-value"
DB = DataPlace(PlaceKind.VOLUME, "web_db", ("db:/var/lib/db",), 4000)
CONF = DataPlace(PlaceKind.BIND, "/srv/web/conf.yaml", ("web:/conf.yaml",))
LABELS = {"com.docker.compose.project": "web"}
FILES = (
    SourceFile("wroclaw/web.yaml", b"services: {}\n"),
    SourceFile("wroclaw/.env.user", f"P={VALUE}\n".encode(), True),
)


def wanted(*places: DataPlace) -> Wanted:
    left = (LeftOut("/srv/media", "it is only read here"),)
    secrets = (SavedSecret("apps/web", 3, (1, 3)),)
    return Wanted("wroclaw", "web", "2026-05-01T12:00:00+00:00", "ada@mini", FILES, places, left, secrets, ("web:1",))


def data(seed: int = 1) -> MemoryData:
    found = MemoryData(
        {DB.source: stream(odd_tree(random.Random(seed))), CONF.source: stream([(member(ROOT), b"a: 1\n")])}
    )
    found.states[DB.source] = PlaceState(True, "local", {}, LABELS)
    found.states[CONF.source] = PlaceState(False)
    return found


def made(path: Path, stores: MemoryData | None = None) -> tuple[Verified, list[str]]:
    said: list[str] = []
    return save(wanted(DB, CONF), path / "b.tar", stores or data(), said.append), said


def test_a_backup_holds_everything_and_can_be_verified(tmp_path: Path) -> None:
    found, said = made(tmp_path)
    assert verify(tmp_path / "b.tar") == found
    assert [p.name for p in tmp_path.iterdir()] == ["b.tar"]
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert found.manifest.secrets == (SavedSecret("apps/web", 3, (1, 3)),)
    assert found.manifest.left_out[0].source == "/srv/media"
    assert found.manifest.places[0].state.labels == LABELS
    assert not any(VALUE in line for line in said) and VALUE not in repr(wanted(DB)) + repr(found)


def test_a_backup_is_of_use_with_tar_alone(tmp_path: Path) -> None:
    tree = [
        (member(ROOT, tarfile.DIRTYPE), b""),
        (member(f"{ROOT}/a b"), b"text"),
        (member(f"{ROOT}/l", tarfile.SYMTYPE), b""),
    ]
    tree[2][0].linkname = "a b"
    made(tmp_path, MemoryData({DB.source: stream(tree), CONF.source: data().places[CONF.source]}))
    out = tmp_path / "out"
    (out / "db").mkdir(parents=True)
    subprocess.run(["tar", "-xf", tmp_path / "b.tar", "-C", out], check=True)
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=out, check=True)
    subprocess.run(["tar", "-xf", out / "data/01-web_db.tar", "--strip-components=1", "-C", out / "db"], check=True)
    assert (out / "db/l").read_text() == "text"
    assert (out / "files/wroclaw/web.yaml").read_bytes() == FILES[0].content


@pytest.mark.parametrize("seed", range(6))
def test_no_damage_goes_unnoticed(tmp_path: Path, seed: int) -> None:
    found, _ = made(tmp_path, data(seed))
    whole = (tmp_path / "b.tar").read_bytes()
    bad = tmp_path / "bad.tar"
    rng = random.Random(seed)
    for end in [0, 511, 512, *(rng.randrange(len(whole) - 1024) for _ in range(20))]:
        bad.write_bytes(whole[:end])
        with pytest.raises(Damaged):
            verify(bad)
    for _ in range(60):
        at = rng.randrange(len(whole))
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            same = verify(bad)
        except Damaged:
            continue
        # a byte between the members, or of a header's owner and time: all that is kept is whole
        assert (same.manifest, same.total) == (found.manifest, found.total)


def test_a_name_that_leads_out_is_neither_saved_nor_restored(tmp_path: Path) -> None:
    evil = stream([(member(ROOT, tarfile.DIRTYPE), b""), (member("../../etc/cron.d/x"), b"* * * * *")])
    stores = MemoryData({DB.source: evil})
    with pytest.raises(Refused, match="could not be read"):
        save(wanted(DB), tmp_path / "b.tar", stores, lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_what_changes_while_it_is_read_is_read_again_once(tmp_path: Path) -> None:
    quiet = data()
    other = stream([(member(ROOT, tarfile.DIRTYPE), b""), (member(f"{ROOT}/log"), b"longer")])
    quiet.on_read = lambda source, number: other if (source, number) == (DB.source, 1) else None
    found, said = made(tmp_path, quiet)
    assert quiet.reads.count(DB.source) == 4 and quiet.reads.count(CONF.source) == 2
    assert any("changed while it was read: read again" in line for line in said)
    assert found.manifest.places[0].changed_count == 0
    with BackupReader(tmp_path / "b.tar") as reader:
        assert list(reader.listing("data/01-web_db.files.jsonl")) == list(entries(reading(quiet.places[DB.source])))


def test_what_never_stands_still_is_named(tmp_path: Path) -> None:
    busy = data()

    def grows(source: str, number: int) -> bytes | None:
        tree = [(member(ROOT, tarfile.DIRTYPE), b""), (member(f"{ROOT}/log"), b"x" * number)]
        return stream(tree) if source == DB.source else None

    busy.on_read = grows
    found, said = made(tmp_path, busy)
    assert found.manifest.places[0].changed == (f"{ROOT}/log: size, content",)
    assert any("1 files changed while they were read" in line for line in said)


@pytest.mark.parametrize("broken", ["cut", "lost"])
def test_a_stream_that_is_cut_off_is_read_again_once_then_refused(tmp_path: Path, broken: str) -> None:
    whole = data()
    bad = whole.places[DB.source][:-1024] if broken == "cut" else Unreachable("Connection lost", "closed")
    whole.on_read = lambda source, number: bad if (source, number) == (DB.source, 1) else None
    made(tmp_path, whole)
    (tmp_path / "b.tar").unlink()
    never = data()
    never.on_read = lambda source, number: bad if source == DB.source else None
    with pytest.raises(Refused, match="could not be read to its end"):
        made(tmp_path, never)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_left_out_in_words(tmp_path: Path) -> None:
    found = save(wanted(DB), tmp_path / "b.tar", MemoryData(), lambda line: None)
    assert found.manifest.places == ()
    assert LeftOut(DB.source, "it is not there, or is no file or folder") in found.manifest.left_out


def test_the_part_of_a_crash_is_replaced_and_two_writers_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "wroclaw-web.tar.part").write_bytes(b"half of something" * 100_000)
    with BackupWriter(tmp_path / "c.tar", "wroclaw-web.tar.part"), pytest.raises(Refused, match="another labtui"):
        made(tmp_path)
    made(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["b.tar"]


def test_no_room_is_said_with_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(Refused) as caught:
        made(tmp_path)
    assert "1.0K free" in caught.value.detail and "4.1K" in caught.value.detail
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    writer = BackupWriter(tmp_path / "b.tar", "b.part")
    real = writer._file
    with pytest.raises(Refused) as caught, writer:
        writer._file = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115
        writer.add("x", b"content")
    real.close()
    assert "No space left" in caught.value.detail and "--to" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


# Restoring


def opened(
    path: Path, stores: MemoryData, work: Callable[[BackupReader, tuple[Target, ...]], object], **how: object
) -> None:
    with BackupReader(path / "b.tar") as reader, stores.open("x", ()) as store:
        work(reader, targets(reader, store, str(how.get("folder", "")), bool(how.get("overwrite"))))


def test_data_comes_back_as_it_was(tmp_path: Path) -> None:
    stores = data()
    before = dict(stores.places)
    made(tmp_path, stores)
    stores.places.clear()

    def work(reader: BackupReader, found: tuple[Target, ...]) -> None:
        assert restore(reader, found, stores, lambda line: None) == ()

    opened(tmp_path, stores, work)
    assert stores.places[DB.source] == before[DB.source]
    assert list(entries(reading(stores.places[CONF.source]))) == list(entries(reading(before[CONF.source])))
    assert stores.log == [f"make web_db {LABELS}", "write web_db", f"write {CONF.source}"]


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    stores = data()
    made(tmp_path, stores)
    stores.places[DB.source] = stream([(member(ROOT, tarfile.DIRTYPE), b""), (member(f"{ROOT}/new"), b"precious")])

    def refused(reader: BackupReader, found: tuple[Target, ...]) -> None:
        assert "not empty" in found[0].refusal and found[1].same
        with pytest.raises(Refused, match="Nothing was restored"):
            restore(reader, found, stores, lambda line: None)

    def told(reader: BackupReader, found: tuple[Target, ...]) -> None:
        assert restore(reader, found, stores, lambda line: None) == ()

    opened(tmp_path, stores, refused)
    assert stores.log == []
    opened(tmp_path, stores, told, overwrite=True)
    assert stores.log == ["remove web_db", f"make web_db {LABELS}", "write web_db"]


@pytest.mark.parametrize(
    ("place", "state", "words"),
    [
        (DB, PlaceState(in_use=("web-db-1",)), "belongs to web-db-1"),
        (CONF, PlaceState(False, in_use=("web-1",), running=("web-1",)), "web-1 runs with"),
        (CONF, PlaceState(True), "is a folder now"),
    ],
)
def test_what_is_in_use_or_is_something_else_is_refused(
    tmp_path: Path, place: DataPlace, state: PlaceState, words: str
) -> None:
    stores = data()
    made(tmp_path, stores)
    stores.places[place.source] = stream([(member(ROOT, tarfile.DIRTYPE), b""), (member(f"{ROOT}/other"), b"")])
    stores.states[place.source] = state

    def work(reader: BackupReader, found: tuple[Target, ...]) -> None:
        assert words in "; ".join(t.refusal for t in found)

    opened(tmp_path, stores, work, overwrite=True)


def test_another_folder_takes_everything(tmp_path: Path) -> None:
    stores = data()
    made(tmp_path, stores)

    def work(reader: BackupReader, found: tuple[Target, ...]) -> None:
        assert [t.to.source for t in found] == ["/srv/back/01-web_db", "/srv/back/02-file/conf.yaml"]
        assert restore(reader, found, stores, lambda line: None) == ()

    opened(tmp_path, stores, work, folder="/srv/back/")
    for folder in ("relative", "/a:/b", "/a/../b"):
        with pytest.raises(LabError, match="cannot be restored to"):
            opened(tmp_path, stores, work, folder=folder)


def test_what_differs_afterwards_is_told(tmp_path: Path) -> None:
    stores = data()
    made(tmp_path, stores)
    stores.places.clear()
    stores.on_write = lambda source, raw: stream([(member(ROOT, tarfile.DIRTYPE), b"")]) if source == DB.source else raw

    def work(reader: BackupReader, found: tuple[Target, ...]) -> None:
        odd = restore(reader, found, stores, lambda line: None)
        assert odd and all(line.startswith("volume web_db: ") for line in odd)

    opened(tmp_path, stores, work)


def test_a_damaged_backup_touches_nothing(tmp_path: Path) -> None:
    stores = data()
    made(tmp_path, stores)
    file = tmp_path / "b.tar"
    raw = bytearray(file.read_bytes())
    with BackupReader(file) as reader:
        raw[reader._members["data/01-web_db.tar"][0] + 600] ^= 1
    file.write_bytes(raw)
    stores.places.clear()

    def work(reader: BackupReader, found: tuple[Target, ...]) -> None:
        with pytest.raises(Damaged):
            restore(reader, found, stores, lambda line: None)

    opened(tmp_path, stores, work)
    assert stores.log == [] and stores.places == {}


def test_a_file_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        verify(tmp_path / "no")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(Damaged, match="no whole backup"):
        verify(tmp_path / "text")


def test_differences_are_found_in_the_order_of_a_walk() -> None:
    def file(name: str, content: str = "a", size: int = 0) -> Entry:
        return Entry(name, "file", 0o644, sha256=content, size=size)

    old = [Entry("d", "folder"), file("d/a"), file("d/a/b"), file("d/a.b"), file("d/c")]
    new = [Entry("d", "folder", 0o700), file("d/a", "other"), file("d/a.b"), file("d/b", size=3), file("d/c")]
    assert list(differences(old, old)) == []
    assert list(differences(old, new)) == ["d: mode", "d/a: content", "d/a/b: missing", "d/b: not in the backup"]
    assert list(differences(old, new, more=True)) == ["d/a: content", "d/a/b: missing"]
