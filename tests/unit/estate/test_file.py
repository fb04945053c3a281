"""The estate file: what it says, and every way it can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.domain.errors import Invalid
from labtui.estate.file import (
    ArgocdSettings,
    ClusterSettings,
    Estate,
    GitopsSettings,
    Site,
    VaultSettings,
    find_estate_file,
    load_estate,
)

WHOLE = """\
estate: homelab
domain: example.org
sites:
  wroclaw:
    docker: {context: wroclaw}
    address: 192.168.88.2
    compose: compose/wroclaw
    project_dir: /srv/wroclaw
  kyiv: {docker: {host: "ssh://pi@raspberrypi.local"}, address: 192.168.1.2, compose: compose/kyiv}
cluster: {context: homelab}
argocd: {server: argocd.example.org, plaintext: false, insecure: true}
vault: {address: "https://vault.example.org", mount: kv, auth: kubernetes, role: labtui, auth_mount: k8s, namespace: lab}
gitops: {repository: ".", remote: origin, branch: main, manifests: manifests, environment: homelab}
"""


def load(folder: Path, text: str | bytes) -> Estate:
    file = folder / "labtui.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_estate(file)


def mistakes(folder: Path, text: str | bytes) -> list[str]:
    """The lines of the error, without the file's path, which each of them has to begin with."""
    with pytest.raises(Invalid) as caught:
        load(folder, text)
    start = f"{folder / 'labtui.yaml'}:"
    lines = caught.value.detail.splitlines()
    assert all(line.startswith(start) for line in lines), lines
    return [line.removeprefix(start) for line in lines]


def test_a_whole_file(tmp_path: Path) -> None:
    estate = load(tmp_path, WHOLE)
    assert estate == Estate(
        name="homelab",
        path=tmp_path / "labtui.yaml",
        domain="example.org",
        sites=(
            Site("wroclaw", "wroclaw", "", "192.168.88.2", "compose/wroclaw", "/srv/wroclaw"),
            Site("kyiv", "", "ssh://pi@raspberrypi.local", "192.168.1.2", "compose/kyiv"),
        ),
        cluster=ClusterSettings("homelab"),
        argocd=ArgocdSettings("argocd.example.org", False, True),
        vault=VaultSettings("https://vault.example.org", "kv", "kubernetes", "labtui", "k8s", "lab"),
        gitops=GitopsSettings(".", "origin", "main", "manifests", "homelab"),
    )
    assert estate.local("compose/kyiv") == tmp_path / "compose/kyiv"
    assert estate.local("/srv") == Path("/srv")


def test_only_the_name_is_needed(tmp_path: Path) -> None:
    estate = load(tmp_path, "estate: x\n")
    assert (estate.sites, estate.cluster, estate.argocd, estate.vault, estate.gitops) == ((), None, None, None, None)
    assert load(tmp_path, "estate: x\ncluster: {}\nvault: {}\n").vault == VaultSettings()
    assert load(tmp_path, b"\xef\xbb\xbfestate: x\n").name == "x"


def test_all_mistakes_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = """\
estat: x
sites:
  kyiv: {docker: {context: a, host: "ssh://b"}, adress: 1.2.3.4}
  lviv: {docker: {}}
cluster: {context: a}
argocd: {insecure: 1, server: "https://argocd.example.org"}
cluster: {}
"""
    assert mistakes(tmp_path, text) == [
        '1: estat: unknown key; the nearest is "estate"',
        "1: estate: is missing",
        '3: sites.kyiv.adress: unknown key; the nearest is "address"',
        "3: sites.kyiv.docker: has both context and host; keep one",
        "4: sites.lviv.docker: needs a context or a host",
        "6: argocd.insecure: must be true or false",
        "6: argocd.server: must be host or host:port, without https://",
        "7: cluster: is there twice; first in line 5",
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("- a\n", 1, "must be a section of keys and values"),
        ("estate: x\nvault: [\n", 3, "no valid YAML"),
        ("estate: x\n\tvault: {}\n", 2, "no valid YAML"),
        ("estate: x\n---\nestate: y\n", 2, "no valid YAML"),
        ("estate: x\nvault: *nowhere\n", 2, "no valid YAML"),
        ("estate: 5\n", 1, "estate: must be text: put it in quotes"),
        ("estate: [x]\n", 1, "estate: must be text"),
        ("estate:\n", 1, "estate: has no value"),
        ("estate: ' '\n", 1, "estate: has no value"),
        ("estate: x\ngitops: {branch: 1.0}\n", 2, "gitops.branch: must be text: put it in quotes"),
        ("estate: x\nsites: []\n", 2, "sites: must be a section"),
        ("estate: x\nvault:\n", 2, "vault: has no value; write {}"),
        ("estate: x\nzebra: 1\n", 2, "zebra: unknown key; known here: estate, domain"),
        ("estate: x\n[a]: 1\n", 2, "a key must be a single word"),
        ("estate: x\n<<: {domain: a}\n", 2, "<<: unknown key"),
        ("estate: x\nsites: {Kyiv: {docker: {context: a}}}\n", 2, "sites.Kyiv: the name of a site has only small"),
        ("estate: x\nsites: {-k: {docker: {context: a}}}\n", 2, "sites.-k: the name of a site"),
        ("estate: x\nsites: {vault: {docker: {context: a}}}\n", 2, "this name belongs to another source"),
        ("estate: x\nsites: {kyiv: {address: a}}\n", 2, "sites.kyiv.docker: is missing"),
        ("estate: x\nsites: {a: {docker: {host: kyiv}}}\n", 2, "must be unix:///path, tcp://host:port or ssh://"),
        ("estate: x\nsites: {a: {docker: {host: 'ssh://-oProxyCommand=x'}}}\n", 2, "must be unix:///path"),
        ("estate: x\nsites: {a: {docker: {host: 'ssh://-l@b'}}}\n", 2, "must be unix:///path"),
        ("estate: x\nsites: {a: {docker: {host: 'tcp://b'}}}\n", 2, "must be unix:///path"),
        ("estate: x\nsites: {a: {docker: {context: a}, project_dir: srv}}\n", 2, "must be an absolute path"),
        ("estate: x\nvault: {auth: kubernets}\n", 2, "must be token, kubernetes or approle; the nearest is kubernetes"),
        ("estate: x\nvault: {auth: kubernetes}\n", 2, "vault.role: is missing"),
        ("estate: x\nvault: {mount: ../sys}\n", 2, "vault.mount: must be a mount path"),
        ("estate: x\nvault: {address: vault.example.org}\n", 2, "must be http://host:port or https://host:port"),
        ("estate: x\nargocd: {server: 'a:b'}\n", 2, "argocd.server: must be host or host:port"),
        ("estate: x\ngitops: {branch: --force}\n", 2, "gitops.branch: must not start with a hyphen"),
        ('estate: "a\\x1b[31m"\n', 1, "estate: must be on one line"),
    ],
)
def test_a_mistake_names_line_and_key(tmp_path: Path, text: str, line: int, words: str) -> None:
    found = mistakes(tmp_path, text)
    assert any(f.startswith(f"{line}: {words}") or (f.startswith(f"{line}: ") and words in f) for f in found), found


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("estate: x\nvault: {token: hunter22}\n", "hunter22"),
        ("estate: x\nargocd: {server: a, password: hunter22}\n", "hunter22"),
        ("estate: x\nvault: {secret_id: hunter22}\n", "hunter22"),
        ("estate: x\nvault: {address: 'https://ada:hunter22@vault.example.org'}\n", "hunter22"),
        ("estate: x\ngitops: {repository: 'https://ada:hunter22@git.example.org/lab'}\n", "hunter22"),
        ("estate: x\nvault: {role: hvs.CAESIJ0123456789}\n", "CAESIJ"),
        ("estate: x\ndomain: eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhcmdvY2QifQ.sig\n", "eyJhb"),
    ],
)
def test_a_secret_is_refused_and_never_repeated(tmp_path: Path, text: str, secret: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(tmp_path, text)
    assert "no secret belongs in this file" in caught.value.detail
    assert secret not in str(caught.value) + repr(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="mistake") as caught:
        load(tmp_path, b"estate: x\ndomain: \xff\xfe\n")
    assert ":2: " in caught.value.detail


def test_aliases_cannot_multiply(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join(f'*{old}' for _ in range(9))}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert len(mistakes(tmp_path, "estate: x\n" + bomb)) == 9
    loop = "estate: x\nsites: &s {kyiv: *s}\n"
    assert mistakes(tmp_path, loop)
    assert mistakes(tmp_path, "estate: x\nsites: " + "[" * 20_000)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    for place in (tmp_path / "labtui.yaml", tmp_path):
        with pytest.raises(Invalid) as caught:
            load_estate(place)
        assert str(place) in caught.value.title
    with pytest.raises(Invalid) as caught:
        find_estate_file(None, tmp_path, {}, tmp_path)
    assert "labtui init" in caught.value.hint


def test_which_file_is_used(tmp_path: Path) -> None:
    here, home, config = tmp_path / "here", tmp_path / "home", tmp_path / "config"
    for folder in (here, home / ".config/labtui", config / "labtui"):
        folder.mkdir(parents=True)
    in_home = home / ".config/labtui/estate.yaml"
    in_config = config / "labtui/estate.yaml"
    for file in (in_home, in_config):
        file.touch()
    environ = {"XDG_CONFIG_HOME": str(config)}
    assert find_estate_file(None, here, {}, home) == in_home
    assert find_estate_file(None, here, environ, home) == in_config
    (here / "labtui.yaml").touch()
    assert find_estate_file(None, here, environ, home) == here / "labtui.yaml"
    assert find_estate_file(Path("other.yaml"), here, environ, home) == here / "other.yaml"
