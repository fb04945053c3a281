"""`labtui backup` and `restore` on both sites, one behind ssh; programs in a container compare what came back with what was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.compose_fixture import LiveStack, docker
from tests.live.gitops_fixture import wait_until

pytestmark = [pytest.mark.live, pytest.mark.sampled]

SECRET = "planted-s3cret-value"
_DATA = """\
  keeper:
    image: {registry}/busybox:latest
    command: ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]
    environment: {{PASSWORD: "${{PASSWORD}}"}}
    stop_grace_period: 1s
    volumes:
      - data:/data
      - ${{PWD}}/{stack}/folder:/folder
      - ${{PWD}}/{stack}/one.conf:/etc/one.conf
      - /mnt:/media:ro
volumes:
  data: {{}}
"""
_FILL = r"""
set -e
umask 022
cd /data
mkdir -p "deep/$(printf 'a%.0s' $(seq 100))/$(printf 'b%.0s' $(seq 200))"
echo text > "deep/$(printf 'a%.0s' $(seq 100))/$(printf 'b%.0s' $(seq 200))/$(printf 'c%.0s' $(seq 250))"
printf x > "$(printf 'new\nline')"; printf x > "$(printf 'esc\033[31m')"; printf x > "$(printf 'bad\377utf8')"; printf x > 'żółć ☃'
: > empty; dd if=/dev/zero of=sparse bs=1 count=1 seek=5000000 2>/dev/null
dd if=/dev/urandom of=big bs=1024 count=3000 2>/dev/null
ln big hard; ln -s ../../etc/passwd link; ln -s nowhere broken; mkfifo pipe; mkdir -m 1777 sticky
chmod 4755 big; chown 70:70 empty; touch -d '2001-02-03 04:05:06' empty; chown -R 999:999 sticky; touch -d '2002-03-04 05:06:07' deep
echo conf > /folder/own; mkdir /folder/sub; touch -d '2003-04-05 06:07:08' /folder/sub
"""
# Owner, mode, times, kind and links of everything, then the content of every file
_LOOK = r"""
{ cd "$1" && find . -exec stat -c '%n %F %a %u %g %Y %h %N' {} + | sed 's/ [0-9]* \([^ ]*\)$/ \1/' | sort
find . -type f -exec sha256sum {} + | sort; } | od -An -c -v
"""


class Site:
    """A stack with data, and the estate file that names it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.stack = LiveStack(name, folder)
        stack = self.stack
        own = stack.files[1]
        own.write_text(own.read_text() + _DATA.format(registry=os.environ["LIVE_REGISTRY"], stack=stack.name))
        (stack.folder / stack.name / "folder").mkdir()
        (stack.folder / stack.name / "one.conf").write_text("one = 1\n")
        (stack.folder / ".env.user").write_text(f"GREETING=hi\nPASSWORD={SECRET}\n")
        host = os.environ["LIVE_DOCKER_WROCLAW" if name == "wroclaw" else "LIVE_DOCKER_KYIV"]
        site = {"docker": {"host": host}, "compose": str(stack.folder)}
        self.folder = folder
        self.volume = f"{stack.name}_data"
        self.environ = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
        (folder / "labtui.yaml").write_text(yaml.safe_dump({"estate": "live", "sites": {name: site}}))

    @property
    def target(self) -> str:
        return f"{self.stack.site}/{self.stack.name}"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "labtui", *words, "--estate", str(self.folder / "labtui.yaml")]

    def labtui(self, *words: str, status: int = 0) -> dict[str, Any]:
        done = subprocess.run(
            self.command(*words, "--json"), capture_output=True, text=True, timeout=240, check=False, env=self.environ
        )
        assert SECRET not in done.stdout + done.stderr
        assert done.returncode == status, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def look(self, where: str, *mounts: str) -> str:
        """What another client sees there: a container of its own that runs find, stat and sha256sum."""
        image = f"{os.environ['LIVE_REGISTRY']}/busybox:latest"
        flags = [word for mount in mounts for word in ("--volume", mount)]
        return docker(self.stack.site, "run", "--rm", *flags, image, "sh", "-c", _LOOK, "sh", where)

    def helpers(self) -> str:
        return docker(
            self.stack.site,
            "ps",
            "--all",
            "--quiet",
            "--filter",
            "label=labtui.dev/helper",
            "--filter",
            "status=created",
        )


@pytest.fixture(params=["wroclaw", "kyiv"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if os.environ.get("LABTUI_LIVE") != "1":
        pytest.skip("needs LABTUI_LIVE=1 (tests/live/README.md)")
    found = Site(request.param, tmp_path)
    with found.stack:
        found.stack.up()
        found.stack.exec("keeper", _FILL)
        yield found


def test_data_comes_back_as_it_was(site: Site, tmp_path: Path) -> None:
    folder = str(site.stack.folder / site.stack.name / "folder")
    before = site.look("/x", f"{site.volume}:/x"), site.look("/x", f"{folder}:/x")
    report = site.labtui("backup", site.target, "--to", str(tmp_path / "out"))
    assert report["result"] == "done" and report["remaining"] == [] and site.helpers() == ""
    file = Path(report["file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert {o["source"]: o["why"] for o in report["left_out"]} == {"/mnt": "it is only read here"}
    with tarfile.open(file) as tar:
        env = tar.extractfile(f"files/{site.stack.site}/.env.user")
        manifest = tar.extractfile("manifest.json")
        assert env is not None and SECRET in env.read().decode()
        assert manifest is not None and SECRET not in manifest.read().decode()

    refused = site.labtui("restore", str(file), "--yes", "--dry-run")
    assert all("as in the backup already" in s["title"] for s in refused["plan"]["steps"])
    site.stack.exec("keeper", "echo changed > /data/empty; rm /folder/own")
    assert "runs with" in str(site.labtui("restore", str(file), "--yes", status=3))
    site.stack.down()  # with its volumes
    assert "not empty" in str(site.labtui("restore", str(file), "--yes", status=3))
    report = site.labtui("restore", str(file), "--yes", "--overwrite")
    assert report["result"] == "done" and report["differences"] == [] and site.helpers() == ""
    assert site.look("/x", f"{site.volume}:/x") == before[0]
    assert site.look("/x", f"{folder}:/x") == before[1]
    site.stack.up()
    assert site.stack.exec("keeper", "cat /etc/one.conf; cat /folder/own") == "one = 1\nconf"

    elsewhere = tmp_path / "elsewhere"
    report = site.labtui("restore", str(file), "--to", str(elsewhere), "--yes")
    assert report["differences"] == []
    places = {p["from"]: p["to"] for p in report["places"]}
    assert site.look("/x", f"{places[site.volume]}:/x") == before[0]
    one = places[str(site.stack.folder / site.stack.name / "one.conf")]
    assert (
        docker(
            site.stack.site,
            "run",
            "--rm",
            "--volume",
            f"{one}:/o:ro",
            f"{os.environ['LIVE_REGISTRY']}/busybox:latest",
            "cat",
            "/o",
        )
        == "one = 1"
    )
    docker(
        site.stack.site,
        "run",
        "--rm",
        "--volume",
        f"{tmp_path}:/t",
        f"{os.environ['LIVE_REGISTRY']}/busybox:latest",
        "rm",
        "-r",
        "/t/elsewhere",
    )


def test_killed_in_the_middle_it_leaves_a_part_that_the_next_run_replaces(site: Site, tmp_path: Path) -> None:
    site.stack.exec("keeper", "dd if=/dev/urandom of=/data/large bs=1048576 count=150 2>/dev/null")
    out = tmp_path / "out"
    words = site.command("backup", site.target, "--to", str(out))
    part = out / f"{site.stack.site}-{site.stack.name}.tar.part"
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=site.environ) as running:
        wait_until("it has not begun", lambda: part.exists() and part.stat().st_size > 20_000_000, every=0.01)
        running.send_signal(signal.SIGKILL)
    assert [f.name for f in out.iterdir()] == [part.name]
    assert site.helpers() != "", "its helper is left, too"
    report = site.labtui("backup", site.target, "--to", str(out))
    assert report["result"] == "done"
    assert [f.name for f in out.iterdir()] == [Path(report["file"]).name] and site.helpers() == ""


def test_a_file_that_never_stands_still_is_named(site: Site, tmp_path: Path) -> None:
    site.stack.exec("keeper", "(while :; do date +%s%N >> /data/busy; usleep 1000; done) >/dev/null 2>&1 &")
    report = site.labtui("backup", site.target, "--to", str(tmp_path / "out"))
    assert report["result"] == "done"
    assert any("labtui-data/busy" in line for line in report["remaining"]), report["remaining"]
