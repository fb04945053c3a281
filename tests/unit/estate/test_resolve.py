"""From the estate file and the environment to connections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from labtui.domain.checks import Verdict
from labtui.estate.file import load_estate
from labtui.estate.resolve import Connections, resolve

CONFIG = """\
current-context: main
contexts:
- {name: main, server: argocd.example.org, user: main}
- {name: other, server: "other.example.org:8080", user: other}
servers:
- {server: argocd.example.org, grpc-web-root-path: argo}
- {server: "other.example.org:8080", plain-text: true}
users:
- {name: main, auth-token: main-token}
- {name: other, auth-token: other-token}
"""


class Place:
    """A home folder and an estate file."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.file = folder / "labtui.yaml"

    def resolve(self, text: str, environ: Mapping[str, str] | None = None) -> Connections:
        self.file.write_text("estate: x\n" + text)
        return resolve(load_estate(self.file), environ or {}, self.home)

    def argocd_config(self, mode: int = 0o600) -> Path:
        file = self.home / ".config/argocd/config"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CONFIG)
        file.chmod(mode)
        return file

    def docker_context(self, name: str, host: str) -> None:
        folder = self.home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_nothing_named_is_nothing_followed(place: Place) -> None:
    place.argocd_config()
    (place.home / ".vault-token").write_text("t")
    found = place.resolve("")
    assert (found.kubernetes, found.argocd, found.docker, found.vault) == (None, None, (), None)
    assert [p.verdict for p in found.problems] == [Verdict.WARN]


def test_kubernetes(place: Place) -> None:
    found = place.resolve("cluster: {context: homelab}\n").kubernetes
    assert found is not None
    assert (found.context, found.kubeconfig) == ("homelab", (place.home / ".kube/config",))
    found = place.resolve("", {"KUBECONFIG": "/a::/b"}).kubernetes
    assert found is not None
    assert (found.context, found.kubeconfig) == ("", (Path("/a"), Path("/b")))


def test_docker_contexts_and_hosts(place: Place) -> None:
    place.docker_context("kyiv", "ssh://pi@kyiv")
    found = place.resolve(
        "sites:\n  k: {docker: {context: kyiv}}\n  w: {docker: {host: 'unix:///run/d.sock'}}\n  d: {docker: {context: default}}\n"
    )
    assert [(d.site, d.host, d.context) for d in found.docker] == [
        ("k", "ssh://pi@kyiv", "kyiv"),
        ("w", "unix:///run/d.sock", ""),
        ("d", "unix:///var/run/docker.sock", "default"),
    ]
    assert found.problems == ()


def test_a_missing_docker_context_does_not_stop_the_others(place: Place) -> None:
    place.docker_context("lviv", "ssh://lviv")
    found = place.resolve("sites: {k: {docker: {context: kyiv}}, l: {docker: {context: lviv}}}\n")
    assert [d.site for d in found.docker] == ["l"]
    (problem,) = found.problems
    assert (problem.subject, problem.verdict) == ("k", Verdict.FAIL)
    assert "no docker context kyiv" in problem.detail and "default, lviv" in problem.detail


def test_a_docker_context_with_a_dangerous_endpoint(place: Place) -> None:
    place.docker_context("kyiv", "ssh://-oProxyCommand=touch")
    found = place.resolve("sites: {k: {docker: {context: kyiv}}}\n")
    assert found.docker == () and found.problems[0].verdict is Verdict.FAIL


def test_docker_config_says_where_contexts_are(place: Place, tmp_path: Path) -> None:
    place.docker_context("kyiv", "ssh://kyiv")
    text = "sites: {k: {docker: {context: kyiv}}}\n"
    assert place.resolve(text, {"DOCKER_CONFIG": str(place.home / ".docker")}).docker
    assert not place.resolve(text, {"DOCKER_CONFIG": str(tmp_path / "empty")}).docker


def test_argocd_from_the_file_with_the_programs_token(place: Place) -> None:
    place.argocd_config()
    found = place.resolve("argocd: {server: argocd.example.org, insecure: true}\n")
    argocd = found.argocd
    assert argocd is not None
    assert (argocd.server, argocd.plaintext, argocd.insecure, argocd.root_path) == (
        "argocd.example.org",
        False,
        True,
        "argo",
    )
    assert argocd.token() == "main-token"
    assert "main-token" not in repr(argocd)
    assert found.problems == ()


def test_argocd_token_is_read_at_each_use(place: Place) -> None:
    file = place.argocd_config()
    argocd = place.resolve("argocd: {}\n").argocd
    assert argocd is not None and argocd.server == "argocd.example.org"
    file.write_text(CONFIG.replace("main-token", "new-token"))
    assert argocd.token() == "new-token"
    file.unlink()
    assert argocd.token() is None


def test_a_token_never_goes_to_another_server(place: Place) -> None:
    place.argocd_config()
    argocd = place.resolve("argocd: {server: new.example.org}\n").argocd
    assert argocd is not None and argocd.token() is None
    other = place.resolve("", {"ARGOCD_SERVER": "other.example.org:8080"}).argocd
    assert other is not None
    assert (other.plaintext, other.token()) == (True, "other-token")


def test_the_environment_wins_over_the_file(place: Place) -> None:
    place.argocd_config()
    text = "argocd: {server: argocd.example.org, insecure: true, plaintext: true}\n"
    environ = {"ARGOCD_SERVER": "env.example.org", "ARGOCD_AUTH_TOKEN": "env-token"}
    argocd = place.resolve(text, environ).argocd
    assert argocd is not None
    # the file's leniency is about the file's server
    assert (argocd.server, argocd.insecure, argocd.plaintext) == ("env.example.org", False, False)
    assert argocd.token() == "env-token"


def test_argocd_opts(place: Place) -> None:
    opts = (
        "--server opts.example.org --plaintext --insecure=false --auth-token 'a b' --grpc-web-root-path /argo "
        "--client-crt /c.pem --client-crt-key /k.pem -H 'X-A: 1,X-B: 2' --header X-C:3 --grpc-web"
    )
    environ = {"ARGOCD_OPTS": opts, "ARGOCD_SERVER": "env.example.org", "ARGOCD_AUTH_TOKEN": "env-token"}
    found = place.resolve("argocd: {server: argocd.example.org}\n", environ)
    argocd = found.argocd
    assert argocd is not None
    assert (argocd.url, argocd.insecure, argocd.token()) == ("http://opts.example.org/argo", False, "a b")
    assert (argocd.client_cert, argocd.client_key) == (Path("/c.pem"), Path("/k.pem"))
    assert argocd.headers == (("X-A", "1"), ("X-B", "2"), ("X-C", "3"))
    assert found.problems == ()


@pytest.mark.parametrize("opts", ["stray-token", "--server 'open", "--header nocolon"])
def test_bad_argocd_opts_are_named_but_never_repeated(place: Place, opts: str) -> None:
    found = place.resolve("argocd: {server: argocd.example.org}\n", {"ARGOCD_OPTS": opts})
    assert found.argocd is not None
    assert found.problems and "ARGOCD_OPTS" in found.problems[0].detail
    assert "stray" not in repr(found.problems)


def test_where_the_argocd_program_keeps_its_file(place: Place, tmp_path: Path) -> None:
    from labtui.estate.argocd_cli import config_path

    home = place.home
    assert config_path({}, home) == home / ".config/argocd/config"
    assert config_path({"XDG_CONFIG_HOME": "/x"}, home) == Path("/x/argocd/config")
    (home / ".argocd").mkdir()
    assert config_path({"XDG_CONFIG_HOME": "/x"}, home) == home / ".argocd/config"
    assert config_path({"ARGOCD_CONFIG_DIR": str(tmp_path)}, home) == tmp_path / "config"


def test_a_token_file_that_others_may_read_is_warned_of(place: Place) -> None:
    place.argocd_config(0o644)
    found = place.resolve("argocd: {}\n")
    assert found.argocd is not None
    (problem,) = found.problems
    assert problem.verdict is Verdict.WARN and "0644" in problem.detail and "chmod 600" in problem.detail


def test_a_broken_argocd_file_is_a_problem_without_its_text(place: Place) -> None:
    place.argocd_config().write_text("users: [{auth-token: main-token\n")
    found = place.resolve("argocd: {}\n")
    assert found.argocd is None
    assert [p.verdict for p in found.problems] == [Verdict.WARN, Verdict.FAIL]
    assert "main-token" not in repr(found.problems)


def test_core_mode_has_no_server(place: Place) -> None:
    place.argocd_config().write_text(
        "current-context: k\ncontexts: [{name: k, server: kubernetes, user: k}]\nservers: [{server: kubernetes, core: true}]\n"
    )
    found = place.resolve("argocd: {}\n")
    assert found.argocd is None and "core mode" in found.problems[0].detail


def test_vault_token_and_its_file(place: Place) -> None:
    vault = place.resolve("vault: {address: 'https://v.example.org/', mount: secret/lab}\n").vault
    assert vault is not None
    assert (vault.address, vault.mount, vault.auth, vault.token()) == (
        "https://v.example.org",
        "secret/lab",
        "token",
        None,
    )
    (place.home / ".vault-token").write_text("from-file\n")
    assert vault.token() == "from-file"
    assert "from-file" not in repr(vault)


def test_vault_environment_wins(place: Place) -> None:
    environ = {
        "VAULT_ADDR": "http://env:8200",
        "VAULT_TOKEN": "env-token",
        "VAULT_NAMESPACE": "team",
        "VAULT_CACERT": "/ca.pem",
        "VAULT_SKIP_VERIFY": "true",
    }
    text = "vault: {address: 'https://v.example.org', auth: kubernetes, role: labtui, namespace: lab}\n"
    vault = place.resolve(text, environ).vault
    assert vault is not None
    assert (vault.address, vault.namespace, vault.ca_cert, vault.skip_verify) == (
        "http://env:8200",
        "team",
        Path("/ca.pem"),
        True,
    )
    assert (vault.auth, vault.token()) == ("token", "env-token")
    assert "env-token" not in repr(vault)
    alone = place.resolve("", {"VAULT_ADDR": "http://env:8200", "VAULT_SKIP_VERIFY": "0"}).vault
    assert alone is not None and (alone.mount, alone.skip_verify) == ("kv", False)


def test_vault_logins(place: Place) -> None:
    vault = place.resolve("vault: {address: 'http://v', auth: kubernetes, role: labtui}\n").vault
    assert vault is not None
    assert (vault.auth, vault.role, vault.auth_mount) == ("kubernetes", "labtui", "kubernetes")
    environ = {"VAULT_ROLE_ID": "rid", "VAULT_SECRET_ID": "sid"}
    vault = place.resolve("vault: {address: 'http://v', auth_mount: robots}\n", environ).vault
    assert vault is not None
    assert (vault.auth, vault.role, vault.auth_mount, vault.secret_id()) == ("approle", "rid", "robots", "sid")
    assert "sid" not in repr(vault)


@pytest.mark.parametrize("environ", [{}, {"VAULT_ADDR": "ftp://v"}, {"VAULT_ADDR": "http://"}])
def test_vault_without_a_usable_address(place: Place, environ: dict[str, str]) -> None:
    found = place.resolve("vault: {}\n", environ)
    assert found.vault is None
    assert (found.problems[0].subject, found.problems[0].verdict) == ("vault", Verdict.FAIL)
    assert found.problems[0].remedy
