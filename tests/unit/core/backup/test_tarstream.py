"""Reading tar streams strictly."""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
import tracemalloc
from typing import Literal

import pytest

from labtui.core.backup.tarstream import Damaged, entries, escapes
from labtui.domain.backup import Entry
from tests.unit.core.backup.trees import MTIME, ROOT, member, odd_tree, reading, stream

SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_every_entry_comes_out_as_it_went_in(seed: int, form: Literal[1, 2]) -> None:
    rng = random.Random(seed)
    tree = odd_tree(rng)
    raw = stream(tree, form)
    copy = io.BytesIO()
    found = list(entries(reading(raw, rng), copy.write))
    assert copy.getvalue() == raw, "what is written is what was read"
    assert [e.name for e in found] == [info.name for info, _ in tree]
    for entry, (info, content) in zip(found, tree, strict=True):
        assert (entry.mode, entry.uid, entry.gid, entry.mtime) == (info.mode, info.uid, info.gid, info.mtime)
        assert entry.target == info.linkname
        if info.isreg():
            assert (entry.size, entry.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        if form == tarfile.PAX_FORMAT:
            assert bool(entry.extended) == any(k.startswith("SCHILY") for k in info.pax_headers)
        assert Entry.of(entry.document()) == entry


@pytest.mark.parametrize("seed", range(8))
def test_a_stream_that_ends_too_early_is_noticed_wherever_it_ends(seed: int) -> None:
    raw = stream(odd_tree(random.Random(seed)))
    for end in {*range(0, len(raw), 512), *range(1, len(raw), 777)}:
        with pytest.raises(Damaged):
            list(entries(reading(raw[:end])))


def test_a_file_of_zeros_at_the_end_hides_no_missing_end() -> None:
    raw = stream([(member("zeros"), bytes(4096))])[:-1024]
    with pytest.raises(Damaged, match="too early"):
        list(entries(reading(raw)))


@pytest.mark.parametrize("seed", range(20))
def test_one_wrong_byte_is_noticed_or_changes_what_is_read(seed: int) -> None:
    rng = random.Random(seed)
    tree = [(member(f"f{n}"), rng.randbytes(rng.randint(1, 900))) for n in range(4)]
    raw = stream(tree)
    padding = {i for i in range(len(raw))} - _meaningful(tree)
    for _ in range(60):
        at = rng.choice(sorted(set(range(len(raw))) - padding))
        wrong = raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :]
        try:
            found = list(entries(reading(wrong)))
        except Damaged:
            continue
        assert found != list(entries(reading(raw))), f"byte {at}"


def _meaningful(tree: list[tuple[tarfile.TarInfo, bytes]]) -> set[int]:
    """The fields of headers before their checksum, and contents."""
    found: set[int] = set()
    at = 0
    for _, content in tree:
        found |= set(range(at, at + 148)) | set(range(at + 512, at + 512 + len(content)))
        at += 512 + len(content) + -len(content) % 512
    return found


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x" * 512,
        bytes(512) + b"x" * 512,
        stream([])[:-1024] + bytes(1024) + b"more",
        stream([(member("s", tarfile.GNUTYPE_SPARSE), b"")]),
        stream([(member("g", b"V"), b"")]),
    ],
)
def test_what_is_no_tar_stream_is_refused(raw: bytes) -> None:
    with pytest.raises(Damaged):
        list(entries(reading(raw)))


def test_an_endless_name_is_refused_before_it_fills_the_memory() -> None:
    header = member("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    header.size = 1 << 33
    with pytest.raises(Damaged, match="endless"):
        list(entries(reading(header.tobuf(tarfile.GNU_FORMAT))))


def test_a_large_file_is_read_in_pieces() -> None:
    size = 64 * 1024 * 1024
    info = member("big")
    info.size = size
    head = info.tobuf(tarfile.PAX_FORMAT)
    left = [head, *[bytes(1024 * 1024)] * 64, bytes(1024)]
    rest = b""

    def read(count: int) -> bytes:
        nonlocal rest
        if not rest and left:
            rest = left.pop(0)
        part, rest = rest[:count], rest[count:]
        return part

    tracemalloc.start()
    (entry,) = list(entries(read))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert entry.size == size and entry.sha256 == hashlib.sha256(bytes(size)).hexdigest()
    assert peak < 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("entry", "out"),
    [
        (Entry(ROOT, "folder"), False),
        (Entry(f"{ROOT}/..x", "file"), False),
        (Entry("../x", "file"), True),
        (Entry(f"{ROOT}/../../x", "file"), True),
        (Entry("/etc/passwd", "file"), True),
        (Entry("", "file"), True),
        (Entry(f"{ROOT}/a", "hard link", target="/etc/passwd"), True),
        (Entry(f"{ROOT}/a", "hard link", target=f"{ROOT}/b"), False),
        (Entry(f"{ROOT}/a", "link", target="/etc/passwd"), False),  # it only points there
    ],
)
def test_what_leads_out_of_its_folder(entry: Entry, out: bool) -> None:
    assert escapes(entry) is out
    assert entry.mtime in (0, MTIME)
