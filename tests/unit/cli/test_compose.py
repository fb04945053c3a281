"""`labtui compose` on the demo estate, and on an estate file with a docker-compose that writes down how it was called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from labtui.cli.main import main
from tests.unit.adapters.compose.support import SECRET, FakeCompose, config, site, words


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and a home without any settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "ARGOCD_SERVER", "ARGOCD_OPTS", "VAULT_ADDR", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["compose", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_stopped_stack_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "--demo", "wroclaw/caddy", "up", "--yes", "--json")
    report = json.loads(out)
    assert (status, report["result"], report["plan"]["action"]) == (0, "done", "compose.up")
    assert [(s["service"], s["state"]) for s in report["services"]] == [("caddy", "running")]
    assert "Container caddy  Started" in err
    assert report["plan"]["steps"][0]["title"] == "Fill in /srv/wroclaw/caddy/Caddyfile"


def test_one_service_is_stopped_and_the_rest_runs_on(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--demo", "wroclaw/immich", "stop", "--service", "machine-learning", "--yes", "--json")
    status, out, _ = run(capsys, *arguments)
    states = {s["service"]: s["state"] for s in json.loads(out)["services"]}
    assert status == 0 and states.pop("machine-learning") == "exited" and set(states.values()) == {"running"}


def test_a_dry_run_shows_the_command_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "--demo", "kyiv/monitoring", "restart", "--dry-run")
    assert status == 0 and out == ""
    assert "docker compose --project-name monitoring" in err and err.rstrip().endswith("interruption")


def test_logs_have_their_origin(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--demo", "kyiv/transmission", "logs")
    assert status == 0 and [line.split()[0] for line in out.splitlines()] == ["gluetun", "transmission"]
    _, out, _ = run(capsys, "--demo", "kyiv/transmission", "logs", "--service", "gluetun", "--json")
    assert len(json.loads(out)["lines"]) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--demo", "kyiv", "up"], 2, "SITE/STACK"),
        (["--demo", "kyiv/nope", "up", "--yes"], 2, "There are: monitoring, transmission"),
        (["--demo", "lviv/emby", "up", "--yes"], 2, "There are: wroclaw, kyiv"),
        (["--demo", "kyiv/monitoring", "stop", "--service", "x", "--yes"], 2, "no service x"),
        (["--demo", "kyiv/monitoring", "stop", "--yes", "--read-only"], 3, "--read-only"),
        (["--demo", "kyiv/monitoring", "stop", "--yes", "--fault", "kyiv=down"], 4, "kyiv"),
        (["--demo", "kyiv/monitoring", "logs", "--json", "--follow"], 2, "--follow"),
        (["--demo", "kyiv/monitoring", "up"], 2, "--yes"),
    ],
)
def test_exit_statuses_and_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, says: str
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115 - closed with the test's process
    found, _, err = run(capsys, *arguments)
    assert (found, says in err) == (status, True), err


def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCompose:
    """An estate file with one site, whose stack `s` has a secret."""
    fake = FakeCompose(tmp_path / "bin")
    fake.values({"PASSWORD": SECRET})
    state = {"Service": "web", "Name": "s-web-1", "State": "running", "ExitCode": 0}
    fake.replies(
        {"words": ["config"], "out": config({"web": {"image": "a", "environment": {"P": SECRET}}})},
        {"words": ["ps"], "out": json.dumps(state)},
        {"words": ["up"], "out": f"\x1b[31mtold {SECRET}\n"},
        {"words": ["logs"], "out": f"web-1 | \x1b]0;evil\x07 {SECRET}\n"},
    )
    site(
        tmp_path,
        {
            "kyiv/s.yaml": "services: {web: {image: a, environment: {P: $PASSWORD}}}",
            "kyiv/.env.user": f"PASSWORD={SECRET}",
        },
    )
    (tmp_path / "labtui.yaml").write_text(
        "estate: lab\nsites:\n  kyiv: {docker: {host: 'ssh://pi@kyiv.example'}, compose: compose/kyiv, project_dir: /srv/kyiv}\n"
    )
    monkeypatch.setenv("PATH", str(fake.folder))
    ssh = fake.folder / "ssh"  # nothing that is asked for is missing
    ssh.write_text("#!/bin/sh\nexit 0\n")
    ssh.chmod(0o755)
    return fake


def test_the_estate_file_says_which_engine_and_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = estate(tmp_path, monkeypatch)
    status, out, err = run(capsys, "kyiv/s", "up", "--yes")
    assert (status, out.splitlines()) == (0, ["s: done: up of web", "  now: web running"])
    (call,) = fake.calls("up")
    assert (call["env"]["DOCKER_HOST"], call["env"]["PWD"]) == ("ssh://pi@kyiv.example", "/srv/kyiv")
    assert call["cwd"] == str(tmp_path / "compose" / "kyiv")
    assert "DOCKER_HOST=ssh://pi@kyiv.example PWD=/srv/kyiv docker-compose" in err
    status, logs, _ = run(capsys, "kyiv/s", "logs")
    assert status == 0 and logs.startswith("web-1 | ·]0;evil·")
    status, audit, _ = (main(["audit"]), *capsys.readouterr())
    everything = out + err + logs + audit + words(call["argv"])
    assert status == 0 and "Start kyiv/s" in audit
    assert SECRET not in everything and "\x1b" not in everything


def test_without_docker_compose_it_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    estate(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", "")
    status, _, err = run(capsys, "kyiv/s", "up", "--yes")
    assert status == 3 and "docker-compose-plugin" in err
