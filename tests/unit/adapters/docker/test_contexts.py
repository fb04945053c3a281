"""The docker client's contexts, from its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from labtui.adapters.docker.contexts import DockerContext, current_context, find_context, load_contexts


def write(config: Path, name: str, host: str, *, tls: bool = False, **extra: object) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = config / "contexts" / "meta" / digest
    folder.mkdir(parents=True)
    meta = {
        "Name": name,
        "Metadata": {"Description": f"the {name} one"},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False} | extra},
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    if tls:
        pem = config / "contexts" / "tls" / digest / "docker"
        pem.mkdir(parents=True)
        for part in ("ca", "cert", "key"):
            (pem / f"{part}.pem").write_text("PEM")
    return folder


def test_all_contexts_by_name_without_a_config_file(tmp_path: Path) -> None:
    write(tmp_path, "wroclaw", "unix:///run/docker.sock")
    write(tmp_path, "kyiv", "ssh://pi@kyiv")
    write(tmp_path, "lab", "tcp://lab:2376", tls=True, SkipTLSVerify=True)
    kyiv, lab, wroclaw = load_contexts(tmp_path)
    assert kyiv == DockerContext("kyiv", "ssh://pi@kyiv", description="the kyiv one")
    assert wroclaw.host == "unix:///run/docker.sock"
    assert lab.skip_verify
    assert lab.client_key is not None and lab.client_key.name == "key.pem"
    assert lab.ca_cert is not None and lab.client_cert is not None


def test_no_folder_is_no_context(tmp_path: Path) -> None:
    assert load_contexts(tmp_path / "nowhere") == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ("[1]", "has no Name"),
        ('{"Name": 5}', "has no Name"),
        ('{"Name": "x", "Endpoints": null}', "no Docker endpoint"),
        (None, "cannot be read"),
    ],
)
def test_a_damaged_file_is_a_warning_and_the_others_are_read(tmp_path: Path, content: str | None, words: str) -> None:
    write(tmp_path, "kyiv", "ssh://kyiv")
    folder = tmp_path / "contexts" / "meta" / hashlib.sha256(b"x").hexdigest()
    folder.mkdir()
    if content is not None:
        (folder / "meta.json").write_text(content)
    found = load_contexts(tmp_path)
    assert [c.name for c in found if not c.warning] == ["kyiv"]
    assert [words in c.warning for c in found if c.warning] == [True]


def test_bytes_that_are_no_text_are_a_warning(tmp_path: Path) -> None:
    folder = write(tmp_path, "kyiv", "ssh://kyiv")
    (folder / "meta.json").write_bytes(b'{"Name": "\xff"}')
    assert "not valid JSON" in load_contexts(tmp_path)[0].warning


def test_a_file_in_another_contexts_folder_is_a_warning(tmp_path: Path) -> None:
    folder = write(tmp_path, "kyiv", "ssh://kyiv")
    (folder / "meta.json").write_text((folder / "meta.json").read_text().replace('"kyiv"', '"prod"'))
    assert "says otherwise" in load_contexts(tmp_path)[0].warning


@pytest.mark.parametrize(
    ("config", "environ", "name"),
    [
        (None, {}, "default"),
        ('{"currentContext": "kyiv"}', {}, "kyiv"),
        ('{"currentContext": ""}', {}, "default"),
        ('{"currentContext": 3}', {}, "default"),
        ("[]", {}, "default"),
        ("{", {}, "default"),
        ('{"currentContext": "kyiv"}', {"DOCKER_CONTEXT": "lab"}, "lab"),
        ('{"currentContext": "kyiv"}', {"DOCKER_CONTEXT": "lab", "DOCKER_HOST": "tcp://x"}, "default"),
    ],
)
def test_the_current_context(tmp_path: Path, config: str | None, environ: dict[str, str], name: str) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    assert current_context(tmp_path, environ) == name


def test_find_knows_default_and_the_files(tmp_path: Path) -> None:
    write(tmp_path, "kyiv", "ssh://kyiv")
    kyiv = find_context(tmp_path, "kyiv", {})
    assert kyiv is not None and kyiv.host == "ssh://kyiv"
    assert find_context(tmp_path, "nope", {}) is None
    default = find_context(tmp_path, "default", {})
    assert default is not None and default.host == "unix:///var/run/docker.sock"


def test_default_takes_its_tls_files_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    environ = {"DOCKER_HOST": "tcp://x:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    default = find_context(Path("/nowhere"), "default", environ)
    assert default == DockerContext("default", "tcp://x:2376", ca_cert=tmp_path / "ca.pem")
