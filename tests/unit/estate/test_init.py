"""What `labtui init` finds and writes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labtui.domain.errors import Invalid, Refused
from labtui.estate.discovery import Found, FoundRepository, FoundSite, discover, site_name
from labtui.estate.file import ArgocdSettings, ClusterSettings, GitopsSettings, Site, VaultSettings, load_estate
from labtui.estate.init import init, render_estate

HOSTILE = (
    "a: b",
    "x}, evil: {y",
    "#comment",
    "'quoted\" \\back",
    "yes",
    "null",
    "1.5",
    "*alias",
    "&anchor",
    "!!python/object:os.system",
    "- item",
    "line\nestate: evil",
    "\x1b[31mred",
    "next\x85line\u2028separated",
    "‮override",
    "żółw 日本 🚢",
    " spaces ",
    "{}",
    "%TAG",
    "@at",
    "",
)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def docker_context(home: Path, name: str, host: str) -> None:
    folder = home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "homelab"
    folder.mkdir()
    return folder


def environ(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DOCKER_HOST": "", **more}


def furnish(home: Path, lab: Path) -> dict[str, str]:
    """A machine with everything."""
    (home / ".kube").mkdir()
    (home / ".kube/config").write_text("current-context: homelab\ncontexts: [{name: other}, {name: homelab}]\n")
    docker_context(home, "kyiv", "ssh://pi@192.168.1.2")
    docker_context(home, "wroclaw", "unix:///run/wroclaw.sock")
    config = home / ".config/argocd/config"
    config.parent.mkdir(parents=True)
    config.write_text(
        "current-context: a\ncontexts: [{name: a, server: argocd.example.org, user: a}]\n"
        "servers: [{server: argocd.example.org, insecure: true}]\nusers: [{name: a, auth-token: secret-token}]\n"
    )
    (home / ".vault-token").write_text("secret-token")
    for site in ("_base", "wroclaw", "kyiv"):
        (lab / "compose" / site).mkdir(parents=True)
    (lab / "manifests/applications/values/homelab").mkdir(parents=True)
    git(lab, "init", "-q", "-b", "trunk")
    git(lab, "remote", "add", "origin", "https://git.example.org/lab.git")
    return environ(VAULT_ADDR="https://vault.example.org", VAULT_TOKEN="secret-token")


def test_everything_is_found_and_written(home: Path, lab: Path) -> None:
    settings = furnish(home, lab)
    report = init(lab / "labtui.yaml", force=False, environ=settings, home=home)
    text = (lab / "labtui.yaml").read_text()
    assert "secret-token" not in text
    estate = load_estate(lab / "labtui.yaml")
    assert estate.name == "homelab"
    assert {s.name: s for s in estate.sites} == {
        "kyiv": Site("kyiv", "kyiv", "", "192.168.1.2", "compose/kyiv"),
        "wroclaw": Site("wroclaw", "wroclaw", "", "", "compose/wroclaw"),
    }
    assert estate.cluster == ClusterSettings("homelab")
    assert estate.argocd == ArgocdSettings("argocd.example.org", False, True)
    assert estate.vault == VaultSettings("https://vault.example.org", "kv")
    assert estate.gitops == GitopsSettings(".", "origin", "trunk", "manifests", "homelab")
    assert report.missing == ()
    assert len(report.found) == 6
    assert list(lab.glob(".*.new")) == []


def test_nothing_is_found(home: Path, lab: Path) -> None:
    text = render_estate(Found(lab))
    (lab / "labtui.yaml").write_text(text)
    estate = load_estate(lab / "labtui.yaml")
    assert (estate.sites, estate.cluster, estate.argocd, estate.vault, estate.gitops) == ((), None, None, None, None)


def test_the_commented_examples_are_right(home: Path, lab: Path) -> None:
    """Taking the comment signs away gives a file that loads."""
    examples = ("domain", "sites", "kyiv", "docker", "address", "cluster", "argocd", "vault", "gitops")
    active = []
    for line in render_estate(Found(lab)).splitlines():
        bare = line.removeprefix("# ") if line.startswith("# ") else line.removeprefix("#")
        if not line.startswith("#") or bare.split(":")[0].strip() in examples:
            active.append(bare)
    (lab / "labtui.yaml").write_text("\n".join(active))
    estate = load_estate(lab / "labtui.yaml")
    assert estate.sites and estate.cluster and estate.argocd and estate.vault and estate.gitops and estate.domain


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(lab: Path, name: str) -> None:
    found = Found(
        lab / (name.replace("/", "") or "x"),
        kube_contexts=(name, "second"),
        kube_current=name,
        sites=(FoundSite("a", name, "unix:///run/a.sock", name), FoundSite("b", "", "", name)),
        compose_folders=(name,),
        argocd_servers=(name, name),
        argocd_server=name,
        vault_address=name,
        repository=FoundRepository(name, name, name, "manifests", (name,)),
    )
    (lab / "labtui.yaml").write_text(render_estate(found), encoding="utf-8")
    estate = load_estate(lab / "labtui.yaml")
    assert estate.cluster in (None, ClusterSettings(name))
    assert [s.context for s in estate.sites] in ([], [name])
    assert estate.domain == ""


def test_a_repository_named_with_a_hyphen_is_left_out(lab: Path) -> None:
    text = render_estate(Found(lab, repository=FoundRepository(".", "origin", "--force")))
    (lab / "labtui.yaml").write_text(text)
    assert load_estate(lab / "labtui.yaml").gitops is None


def test_an_existing_file_is_not_overwritten(home: Path, lab: Path) -> None:
    file = lab / "labtui.yaml"
    file.write_text("mine")
    with pytest.raises(Refused, match="there already") as caught:
        init(file, force=False, environ=environ(), home=home)
    assert "--force" in caught.value.hint
    assert file.read_text() == "mine"
    init(file, force=True, environ=environ(), home=home)
    assert load_estate(file).name == "homelab"
    dangling = lab / "link.yaml"
    dangling.symlink_to(lab / "nowhere")
    with pytest.raises(Refused):
        init(dangling, force=False, environ=environ(), home=home)


def test_places_that_cannot_be_written(home: Path, lab: Path) -> None:
    with pytest.raises(Invalid, match="is a folder"):
        init(lab, force=True, environ=environ(), home=home)
    with pytest.raises(Invalid, match="no folder"):
        init(lab / "no/labtui.yaml", force=False, environ=environ(), home=home)


def test_contexts_without_a_folder_are_sites_and_one_engine_is_one_site(home: Path, lab: Path) -> None:
    docker_context(home, "OrbStack", "unix:///orb.sock")
    docker_context(home, "same", "unix:///orb.sock")
    docker_context(home, "vault", "ssh://elsewhere")
    found = discover(environ(DOCKER_HOST="unix:///orb.sock"), home, lab)
    assert [(s.name, s.context) for s in found.sites] == [("local", "default"), ("vault-site", "vault")]
    found = discover(environ(DOCKER_CONTEXT="OrbStack"), home, lab)
    assert next((s.name, s.context) for s in found.sites) == ("orbstack", "OrbStack")


def test_a_compose_folder_without_a_context_is_an_example(home: Path, lab: Path) -> None:
    for site in ("_base", "kyiv"):
        (lab / "stacks" / site).mkdir(parents=True)
    report = init(lab / "labtui.yaml", force=False, environ=environ(), home=home)
    assert any("kyiv" in line for line in report.missing)
    text = (lab / "labtui.yaml").read_text()
    assert "#    compose: stacks/kyiv" in text
    assert load_estate(lab / "labtui.yaml").sites == ()


def test_loose_compose_files_are_pointed_out(home: Path, lab: Path) -> None:
    (lab / "web").mkdir()
    (lab / "web/compose.yaml").touch()
    (lab / ".hidden").mkdir()
    (lab / ".hidden/compose.yaml").touch()
    found = discover(environ(), home, lab)
    assert found.compose_folders == ("web",)
    assert "# Compose files were found in: web" in render_estate(found)


def test_a_folder_that_may_not_be_entered_holds_nothing(home: Path, lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database's data folder beside the Compose files is its own user's alone."""
    (lab / "postgres").mkdir()
    (lab / "stack").mkdir()
    (lab / "stack" / "compose.yaml").write_text("services: {}\n")
    real = os.stat

    def guarded(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if isinstance(path, str | Path) and Path(path).parent == lab / "postgres":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", guarded)
    assert discover(environ(), home, lab).compose_folders == ("stack",)


def test_a_damaged_kubeconfig_is_passed_over(home: Path, lab: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("contexts: [{name: 5}, 7, {}]\ncurrent-context: [x]\n")
    (tmp_path / "worse").write_text("}{")
    (tmp_path / "good").write_text("contexts: [{name: a}]\ncurrent-context: gone\n")
    paths = os.pathsep.join(str(tmp_path / name) for name in ("bad", "worse", "missing", "good"))
    found = discover(environ(KUBECONFIG=paths), home, lab)
    assert (found.kube_contexts, found.kube_current) == (("a",), "")


def test_site_names() -> None:
    taken: set[str] = set()
    names = [site_name(text, taken) for text in ("Kyiv", "kyiv", "cluster", "日本", "a_b c", "x" * 90)]
    assert names == ["kyiv", "kyiv-2", "cluster-site", "site", "a-b-c", "x" * 40]
