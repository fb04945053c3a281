"""`labtui plan` and `labtui secrets diff` with the real programs: docker compose, helm, Vault, External Secrets, the cluster."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.gitops_fixture import wait_until

pytestmark = pytest.mark.live

COMPOSE = """\
services:
  web:
    image: nginx:1.28.0
    environment:
      GREETING: hello
      DATABASE_URL: postgres://web:${DB_PASSWORD}@db:5432/web
    ports: ["18090:80"]
    depends_on: [db]
  db:
    image: postgres:17.5
    expose: ["5432"]
    environment:
      POSTGRES_PASSWORD: ${DB_PASSWORD}
      API_TOKEN: ${API_TOKEN}
"""


class StackEstate:
    """One site with one stack of a name of its own, a Vault path and a namespace for it, all taken away at the end."""

    def __init__(self, folder: Path) -> None:
        self.stack = f"diff-{secrets.token_hex(4)}"
        self.folder = folder
        self.password, self.token = f"pw-{secrets.token_hex(12)}", f"tok-{secrets.token_hex(12)}"
        site = folder / "compose" / "wroclaw"
        site.mkdir(parents=True)
        (site / f"{self.stack}.yaml").write_text(COMPOSE)
        (site / ".env.user").write_text(f"DB_PASSWORD={self.password}\nAPI_TOKEN={self.token}\n")
        estate: dict[str, Any] = {
            "estate": "diff",
            "domain": "example.org",
            "sites": {
                "wroclaw": {
                    "docker": {"host": os.environ["LIVE_DOCKER_WROCLAW"]},
                    "address": "10.99.0.1",
                    "compose": "compose/wroclaw",
                }
            },
            "cluster": {},
            "vault": {"address": os.environ["VAULT_ADDR"], "mount": "kv"},
        }
        (folder / "labtui.yaml").write_text(yaml.safe_dump(estate))

    def labtui(self, *words: str) -> tuple[int, str, str]:
        """Run it; no planted value may be in what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "labtui", *words],
            cwd=self.folder,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.shows_no_secret(done.stdout + done.stderr)
        for file in (self.folder / "state").rglob("*"):
            if file.is_file():
                self.shows_no_secret(file.read_text(errors="replace"))
        return done.returncode, done.stdout, done.stderr

    def shows_no_secret(self, text: str) -> None:
        """Fail when a planted value is in the text."""
        assert self.password not in text
        assert self.token not in text

    def diff(self) -> tuple[int, dict[str, str]]:
        """Exit status, and the status of each key."""
        status, out, err = self.labtui("secrets", "diff", f"wroclaw/{self.stack}", "--json")
        assert out, err
        return status, {s["key"]: s["status"] for s in json.loads(out)["secrets"]}

    def vault(self, method: str, path: str, body: Mapping[str, object] | None = None) -> None:
        """Call Vault's HTTP API below the mount."""
        request = urllib.request.Request(f"{os.environ['VAULT_ADDR']}/v1/kv/{path}", method=method)
        request.add_header("X-Vault-Token", os.environ["VAULT_TOKEN"])
        with urllib.request.urlopen(request, json.dumps(body).encode() if body else None, timeout=10):
            pass

    def kubectl(self, *words: str, text: str | None = None) -> str:
        """Run kubectl."""
        done = subprocess.run(["kubectl", *words], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def delete(self) -> None:
        """Take everything away."""
        self.vault("DELETE", f"metadata/apps/{self.stack}")
        subprocess.run(
            ["kubectl", "delete", "namespace", self.stack, "--ignore-not-found", "--wait=false"], check=False
        )


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[StackEstate]:
    if os.environ.get("LABTUI_LIVE") != "1":
        pytest.skip("needs LABTUI_LIVE=1 (tests/live/README.md)")
    missing = [p for p in ("helm", "kubectl", "docker") if shutil.which(p) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    made = StackEstate(tmp_path)
    try:
        yield made
    finally:
        made.delete()


def test_the_three_places_come_to_agree(estate: StackEstate) -> None:
    status, out, err = estate.labtui("plan", f"wroclaw/{estate.stack}", "--json")
    assert status in (0, 3), err
    plan = json.loads(out)
    assert plan.get("problem") is None, plan["problem"]
    external = [o for o in plan["objects"] if o["kind"] == "ExternalSecret"]
    assert len(external) == 1
    keys = {s["key"] for s in plan["secrets"]}
    url = f"postgres://web:{estate.password}@db:5432/web"
    values = {k: estate.token if "TOKEN" in k else url if "URL" in k else estate.password for k in keys}
    assert len(keys) >= 2
    assert estate.diff() == (1, dict.fromkeys(keys, "only in compose"))

    estate.vault("POST", f"data/apps/{estate.stack}", {"data": {**values}})
    assert estate.diff() == (1, dict.fromkeys(keys, "only in compose and vault"))

    estate.kubectl("create", "namespace", estate.stack)
    estate.kubectl("apply", "--namespace", estate.stack, "-f", "-", text=json.dumps(external[0]))
    name = external[0]["metadata"]["name"]

    def filled() -> bool:
        done = subprocess.run(
            ["kubectl", "-n", estate.stack, "get", "secret", name], capture_output=True, check=False, timeout=30
        )
        return done.returncode == 0

    wait_until("External Secrets has not made the Secret", filled)
    assert estate.diff() == (0, dict.fromkeys(keys, "same"))

    (estate.folder / "compose/wroclaw/.env.user").write_text(f"DB_PASSWORD={estate.password}\nAPI_TOKEN=another-one\n")
    assert estate.diff() == (1, {k: "differs" if "TOKEN" in k else "same" for k in keys})
