"""The reference estate's Compose side: what estate files promise, and that no package and no git carries what is filled in."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = ROOT / "compose"
SITES = ("wroclaw", "kyiv")
FEATURES = {
    "variable with a default": r"\$\{\w+:-[^}]+\}",
    "site's folder": r"\$\{PWD\}/",
    "long volume syntax": r"type: bind",
    "read-only mount": r":ro$",
    "host path /proc": r"- /proc:",
    "host path /sys": r"- /sys:",
    "host path /": r"- /:/",
    "host path /etc/localtime": r"- /etc/localtime:",
    "host path /lib/modules": r"- /lib/modules:",
    "limits": r"limits:",
    "reservations": r"reservations:",
    "CMD": r'test: \["CMD",',
    "CMD-SHELL": r'test: \["CMD-SHELL",',
    "start_period": r"start_period:",
    "numeric user": r'user: "\d+:\d+"',
    "root": r"user: root",
    "command as text": r"command: \w",
    "command as list": r"command:\n\s+- ",
    "folded command with $$": r"command: >-\n(?:\s+.*\n)*?.*\$\$user",
    "container_name": r"container_name: (?P<name>\S+)",
    "own network": r"^networks:\n  \w+:",
    "named volume": r"^volumes:\n  [\w-]+:",
    "expose": r"expose:",
    "extra_hosts": r"extra_hosts:",
    "cap_add": r"cap_add:",
    "devices": r"devices:",
    "network of another service": r"network_mode: service:gluetun",
    "restart": r"restart: unless-stopped",
    "database password": r"POSTGRES_PASSWORD: \$\{",
    "Cloudflare token": r"CLOUDFLARE_API_TOKEN: \$\{",
    "WireGuard key": r"WIREGUARD_PRIVATE_KEY: \$\{",
    "basic-auth hash": r"BASIC_AUTH_HASH: \$\{",
    "Grafana admin password": r"GF_SECURITY_ADMIN_PASSWORD: \$\{",
}
TEXT = "\n".join(f.read_text(encoding="utf-8") for f in sorted(COMPOSE.glob("*/*.yaml")))


@pytest.mark.parametrize("feature", FEATURES)
def test_the_stacks_use_what_the_estate_uses(feature: str) -> None:
    assert re.search(FEATURES[feature], TEXT, re.MULTILINE), feature


def test_a_container_name_is_used_as_a_dns_name() -> None:
    assert "container_name: immich-postgres" in TEXT and "DB_HOSTNAME: immich-postgres" in TEXT


def names(file: Path) -> set[str]:
    return set(re.findall(r"^#? ?([A-Z_][A-Z0-9_]*)=", file.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("site", SITES)
def test_the_examples_name_every_variable_of_files_and_templates(site: str) -> None:
    stacks = [f.name for f in (COMPOSE / site).glob("*.yaml")]
    files = [f for name in stacks for f in (COMPOSE / "_base" / name, COMPOSE / site / name) if f.exists()]
    text = "\n".join(f.read_text(encoding="utf-8") for f in files)
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", text)) - {"PWD"}
    templates = list((COMPOSE / site).rglob("*.tmpl"))
    used |= {name for f in templates for name in re.findall(r"\{\{(\w+)\}\}", f.read_text(encoding="utf-8"))}
    user, generated = names(COMPOSE / site / ".env.user.example"), names(COMPOSE / site / ".env.generated.example")
    assert used == user | generated and not user & generated
    assert templates


@pytest.mark.parametrize("site", SITES)
def test_every_mounted_file_comes_from_the_repository_or_a_template(site: str) -> None:
    """Docker makes an empty folder where a file is missing."""
    for file in (COMPOSE / site).glob("*.yaml"):
        for service in yaml.safe_load(file.read_text(encoding="utf-8"))["services"].values():
            for volume in service.get("volumes", ()):
                source = str(volume).partition(":")[0]
                if (source.startswith("${PWD}/") and Path(source).suffix) or source.endswith("/Caddyfile"):
                    here = COMPOSE / site / source.removeprefix("${PWD}/")
                    assert here.exists() or here.with_name(f"{here.name}.tmpl").exists(), source


def test_generated_secrets_are_random_private_and_kept(tmp_path: Path) -> None:
    shutil.copytree(COMPOSE, tmp_path / "compose", ignore=shutil.ignore_patterns(".env.user", ".env.generated"))
    command = [str(tmp_path / "compose" / "generate"), "wroclaw"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    file = tmp_path / "compose" / "wroclaw" / ".env.generated"
    first = file.read_text()
    values = dict(line.split("=") for line in first.splitlines())
    assert set(values) == names(COMPOSE / "wroclaw" / ".env.generated.example")
    assert len(set(values.values())) == len(values) and all(len(v) == 64 for v in values.values())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(value in done.stdout for value in values.values())
    file.write_text(first.splitlines()[0] + "\n")
    subprocess.run(command, capture_output=True, check=True)
    again = dict(line.split("=") for line in file.read_text().splitlines())
    assert next(iter(again.items())) == next(iter(values.items())) and set(again) == set(values)
    assert subprocess.run([*command[:1], "nowhere"], capture_output=True, check=False).returncode == 2


def test_what_is_filled_in_is_in_no_git_and_no_package() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert "compose" in wheel["only-include"], "what is included so, and not by force, follows .gitignore and `exclude`"
    assert "compose" not in wheel["force-include"]
    assert {".env.user", ".env.generated"} <= set(wheel["exclude"])
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: git cannot be asked")
    filled = ["wroclaw/.env.user", "kyiv/.env.generated", "wroclaw/caddy/Caddyfile", "wroclaw/immich/upload/a.jpg"]
    kept = [
        "wroclaw/caddy/Caddyfile.tmpl",
        "wroclaw/.env.user.example",
        "wroclaw/monitoring/provisioning/datasources.yaml",
    ]
    command = ["git", "-C", str(COMPOSE), "check-ignore", "--no-index", *filled, *kept]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == filled
