"""The reference files: found in both layouts, read as Compose and Helm would, and true to what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import labtui
from labtui.demo.files import data_folder, load_applications, load_stacks
from labtui.demo.script.containers import CONTAINERS
from labtui.demo.script.workloads import WORKLOADS
from labtui.domain.errors import NotFound

PACKAGE = Path(labtui.__file__).parent


def test_the_checkout_has_them_at_its_top() -> None:
    assert data_folder("compose") == PACKAGE.parent.parent / "compose"


def test_an_installed_labtui_has_them_as_data(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "labtui"
    (package / "data" / "compose").mkdir(parents=True)
    (tmp_path / "compose").mkdir()
    assert data_folder("compose", package) == package / "data" / "compose"
    with pytest.raises(NotFound):
        data_folder("manifests", package)


def test_base_and_site_are_merged(tmp_path: Path) -> None:
    for folder in ("_base", "wroclaw"):
        (tmp_path / folder).mkdir()
    (tmp_path / "_base" / "s.yaml").write_text(
        "services: {web: {image: 'a:1', ports: ['1:1'], volumes: ['data:/d'], depends_on: [db]}, db: {image: 'b:2'}}"
    )
    (tmp_path / "wroclaw" / "s.yaml").write_text(
        "services: {web: {image: 'a:2', ports: ['2:2'], volumes: ['${PWD}/s/x:/x:ro', '${M:-/m}:/m']}}"
    )
    web, db = load_stacks("wroclaw", tmp_path)
    assert (web.image, web.ports, web.depends_on) == ("a:2", ("1:1", "2:2"), ("db",))
    assert web.mounts == ("s_data:/d", "/srv/wroclaw/s/x:/x:ro", "/m:/m")
    assert (db.container_name, db.networks, db.health_check) == ("s-db-1", ("s_default",), False)


def test_every_stack_of_the_reference_estate_is_read_and_pinned() -> None:
    found = {
        (site, s.stack, s.name): s for site in ("wroclaw", "kyiv") for s in load_stacks(site, data_folder("compose"))
    }
    assert set(CONTAINERS) == set(found), "the script speaks of what is in the files"
    for service in found.values():
        tag = service.image.rpartition(":")[2]
        assert tag and tag not in ("latest", "stable", "release"), service.image
        assert "${" not in " ".join((service.image, *service.ports, *service.mounts))


def test_no_secret_is_in_the_files() -> None:
    # a name of a Secret, or of a key in one, is no secret
    name = re.compile(r"\s*(- )?(secret|secretName|[A-Z_]+): [A-Za-z_-]+$")
    secret = re.compile(r"(?i)(password|passwd|secret|token|private_key|encryption_key)\w*\s*[:=]\s*(?P<value>\S.*)$")
    for file in (*data_folder("compose").rglob("*"), *data_folder("manifests").rglob("*.yaml")):
        filled = file.name in (".env.user", ".env.generated")  # not in git: the user's own
        if not file.is_file() or file.suffix == ".md" or "templates" in file.parts or filled:
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            found = secret.search(line)
            assert not found or found["value"].startswith(("${", '"{{ .', "{", "'{{")) or name.match(line), (
                f"{file.name}: {line}"
            )


def test_the_applications_of_the_values() -> None:
    defaults, entries = load_applications(data_folder("manifests"))
    assert defaults["repository"].startswith("https://")
    by_name = {entry.name: entry for entry in entries}
    assert len(by_name) == len(entries) == 16
    assert {e.layer for e in entries} == {"infrastructure", "platform", "applications"}
    assert by_name["victoriametrics"].automated is None
    assert by_name["grafana"].automated == {"prune": True, "selfHeal": True}
    assert "ServerSideApply=true" in by_name["grafana"].sync_options
    assert {w.application for w in WORKLOADS} - {""} <= set(by_name)


def test_what_is_enabled_is_there() -> None:
    manifests = data_folder("manifests")
    values = yaml.safe_load((manifests / "app-of-apps" / "values" / "homelab.yaml").read_text(encoding="utf-8"))
    enabled = [a for layer in values["layers"].values() for a in layer["applications"] if a["enabled"]]
    assert enabled
    for entry in enabled:
        assert (manifests.parent / entry["path"] / "Chart.yaml").is_file(), entry["name"]
        for file in entry.get("helm", {}).get("valueFiles", ()):
            assert (manifests.parent / file.lstrip("/")).is_file(), file
