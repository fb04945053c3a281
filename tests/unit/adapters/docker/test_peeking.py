"""Looking into containers: archives, attached streams, mountinfo and du as they come; and files of this machine."""

from __future__ import annotations

import io
import os
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest

from labtui.adapters.docker import local_files
from labtui.adapters.docker.inspection import image_facts
from labtui.adapters.docker.peeking import Ran, as_text, ended, read_tar, shares_in, sizes_in
from labtui.domain.conversion.facts import Kind


def tar(*members: tuple[str, bytes | None]) -> bytes:
    """A tar of files and, where there is no content, folders."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            info.size = len(content or b"")
            archive.addfile(info, io.BytesIO(content or b""))
    return made.getvalue()


def frames(*parts: tuple[int, bytes]) -> io.BytesIO:
    return io.BytesIO(b"".join(struct.pack(">BxxxL", stream, len(data)) + data for stream, data in parts))


def test_a_file_and_a_flat_folder() -> None:
    assert read_tar(tar(("a.txt", b"one\n"))) == {"a.txt": "one\n"}
    assert read_tar(tar(("conf/", None), ("conf/a", b"1"), ("conf/b", b"2"))) == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "raw",
    [
        tar(("conf/", None), ("conf/deep/", None), ("conf/deep/a", b"1")),
        tar(("conf/", None), ("conf/a", b"\xff\xfe")),
        tar(("conf/", None), ("conf/a", b"\0")),
        tar(("conf/", None), *((f"conf/{n}", b"") for n in range(21))),
        tar(("a", b"x" * 600_000)),
        b"no tar at all" * 100,
    ],
)
def test_what_is_no_small_text_is_left_alone(raw: bytes) -> None:
    assert read_tar(raw) is None


def test_text() -> None:
    assert as_text("zażółć\t\r\n".encode()) == "zażółć\t\r\n"
    assert as_text(b"\x1b[31m") is None


def test_a_program_s_end_is_told_by_the_script() -> None:
    stream = frames((1, b"8192\t/data\n"), (2, b"du: x\n"), (1, b"\x04"), (1, b"124\n"), (1, b"never read"))
    assert ended(stream) == Ran(124, "8192\t/data\n", "du: x\n")


@pytest.mark.parametrize("stream", [frames(), frames((1, b"OCI runtime exec failed")), frames((1, b"x" * 3_000_000))])
def test_a_stream_without_end_is_no_answer(stream: io.BytesIO) -> None:
    assert ended(stream) is None


def test_a_program_that_is_not_there() -> None:
    assert Ran(127, "", "").missing and Ran(126, "", "").missing and not Ran(1, "", "").missing


MOUNTINFO = """\
100 90 0:60 / /media rw,relatime - nfs4 192.168.1.2:/srv/media rw,vers=4.2
101 90 0:61 /sub/my\\040films /films ro - nfs 192.168.1.2:/ rw
102 90 0:62 / /proc rw - proc proc rw
103 90 8:1 /srv/x /config rw - ext4 /dev/sda1 rw
broken line
"""


def test_nfs_shares() -> None:
    assert shares_in(MOUNTINFO) == {"/media": "192.168.1.2:/srv/media", "/films": "192.168.1.2:/sub/my films"}


def test_sizes() -> None:
    ran = Ran(1, "12\t/a\n8\t/b\nnonsense\n4\t/c\n", "du: cannot read directory '/b/x': Permission denied\n")
    assert sizes_in(ran, ["/a", "/b"]) == {"/a": 12 * 1024}


def test_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_bytes(b"\0" * 100_000)
    here = local_files.look_here(tmp_path, read_only=True)
    assert here is not None and here.kind is Kind.FOLDER and here.files is None
    assert here.size is not None and 100_000 <= here.size < 200_000
    text = local_files.look_here(tmp_path / "a", read_only=False)
    assert text is not None and (text.kind, text.size, text.text) == (Kind.FILE, 3, "one")
    os.mkfifo(tmp_path / "pipe")
    pipe = local_files.look_here(tmp_path / "pipe", read_only=False)
    assert pipe is not None and pipe.kind is Kind.SOCKET
    device = local_files.look_here(Path("/dev/null"), read_only=False)
    assert device is not None and device.kind is Kind.DEVICE
    assert local_files.look_here(tmp_path / "missing", read_only=False) is None


def test_a_flat_folder_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("one")
    found = local_files.look_here(tmp_path, read_only=True)
    assert found is not None and found.files == {"a.conf": "one"}
    written = local_files.look_here(tmp_path, read_only=False)
    assert written is not None and written.files is None
    (tmp_path / "link").symlink_to("/etc/passwd")
    linked = local_files.look_here(tmp_path, read_only=True)
    assert linked is not None and linked.files is None


def test_measuring_gives_up(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    assert local_files.measure(tmp_path, seconds=-1) is None


def test_the_zone_that_localtime_links_to(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Kyiv")
    assert local_files.zone_of(link) == "Europe/Kyiv"
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert local_files.zone_of(plain) is None


def test_a_share_below_its_mount_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "films" / "old"
    folder.mkdir(parents=True)
    table = tmp_path / "mountinfo"
    table.write_text(f"1 2 0:60 / {tmp_path.resolve()} rw - nfs4 192.168.1.2:/srv rw\n")
    monkeypatch.setattr(local_files, "MOUNTINFO", table)
    found = local_files.look_here(folder, read_only=False)
    assert found is not None and found.network_share == "192.168.1.2:/srv/films/old"


def test_images() -> None:
    config: dict[str, Any] = {
        "Entrypoint": ["/run"],
        "Cmd": None,
        "User": "472",
        "ExposedPorts": {"3000/tcp": {}},
        "Volumes": {"/data": {}},
        "Healthcheck": {"Test": ["CMD", "true"]},
        "StopSignal": "SIGINT",
        "Env": ["PATH=/bin", "TOKEN=secret"],
    }
    found = image_facts({"Architecture": "arm64", "Config": config})
    assert (found.architectures, found.entrypoint, found.command, found.user) == (("arm64",), ("/run",), (), "472")
    assert (found.ports, found.volumes, found.stop_signal) == (("3000/tcp",), ("/data",), "SIGINT")
    assert found.health_check == ("CMD", "true") and found.variables == ("PATH", "TOKEN")
    several = [
        {"Kind": "image", "Available": True, "ImageData": {"Platform": {"architecture": "amd64"}}},
        {"Kind": "image", "Available": False, "ImageData": {"Platform": {"architecture": "riscv64"}}},
        {"Kind": "attestation", "Available": True, "ImageData": None},
    ]
    assert image_facts({"Architecture": "arm64", "Manifests": several}).architectures == ("amd64", "arm64")
