"""The files of a stack for its backup: read here, and through ssh where they are on the site's host alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from labtui.adapters.compose import Place
from labtui.adapters.compose.sources import ComposeSources
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import NotFound

# ssh, played by a shell of this machine
SSH = '#!{python}\nimport os, sys\nos.execvp("sh", ["sh", "-c", sys.argv[-1]])\n'


def folder(top: Path) -> Path:
    site = top / "files" / "kyiv"
    (site / "web" / "sub").mkdir(parents=True)
    (site.parent / "_base").mkdir()
    (site.parent / "_base" / "web.yaml").write_text("services: {}\n")
    (site / "web.yaml").write_bytes("services: {web: {image: żółć}}\r\n".encode())
    (site / ".env.user").write_bytes(b"P='planted \xff'\n".replace(b"\xff", "é".encode()))
    (site / "web" / "sub" / "a.tmpl").write_text("{{P}}")
    (site / "web" / "data").write_text("data is no file of the stack")
    (site / "other.yaml").write_text("services: {}")
    return site


@pytest.mark.parametrize("there", [False, True])
def test_compose_files_env_files_and_templates(tmp_path: Path, there: bool) -> None:
    site = folder(tmp_path)
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH.format(python=sys.executable))
    program.chmod(0o755)
    environ = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    place = Place("kyiv", site)
    if there:
        place = Place("kyiv", None, str(site), DockerConnection("kyiv", "ssh://pi@kyiv"))
    found = {f.path: f for f in ComposeSources([place], environ).collect("kyiv", "web")}
    assert sorted(found) == ["_base/web.yaml", "kyiv/.env.user", "kyiv/web.yaml", "kyiv/web/sub/a.tmpl"]
    assert found["kyiv/web.yaml"].content == (site / "web.yaml").read_bytes()
    assert [f.path for f in found.values() if f.secret] == ["kyiv/.env.user"]
    assert "planted" not in repr(found)
    with pytest.raises(NotFound):
        ComposeSources([place], environ).collect("kyiv", "none")
    with pytest.raises(NotFound):
        ComposeSources([place], environ).collect("lviv", "web")
