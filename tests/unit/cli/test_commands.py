"""The command line on the demo estate: what it prints, and its exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labtui.cli.main import main
from labtui.estate.file import load_estate
from tests.support.terminal import Terminal


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and a home without any settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "ARGOCD_SERVER", "ARGOCD_OPTS", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_status_is_one_json_document_with_everything(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "status", "--demo", "--json")
    found = json.loads(out)
    assert status == 0
    assert set(found) == {"estate", "sources", "apps", "workloads", "services", "secrets"}
    assert {s["name"] for s in found["sources"]} == {"wroclaw", "kyiv", "cluster", "argocd", "vault"}
    assert {s["state"] for s in found["sources"]} == {"live"}
    wanted = {
        "apps": {"name", "namespace", "sync", "health", "revision", "auto_sync", "operation"},
        "workloads": {"kind", "namespace", "name", "ready", "desired", "status", "restarts", "images"},
        "services": {"site", "stack", "service", "state", "health", "image", "ports", "runs_on"},
        "secrets": {"path", "version", "updated"},
    }
    for section, keys in wanted.items():
        assert found[section] and all(set(entry) == keys for entry in found[section]), section
    assert {s["site"] for s in found["services"]} == {"wroclaw", "kyiv"}


def test_status_for_people_says_what_needs_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "status", "--demo")
    assert status == 0
    assert "victoriametrics" in out and "OutOfSync" in out and "▲" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("source", ["argocd", "cluster", "wroclaw", "kyiv", "vault"])
def test_a_source_that_is_down_is_exit_status_4_and_the_rest_is_there(
    capsys: pytest.CaptureFixture[str], source: str
) -> None:
    status, out, _ = run(capsys, "status", "--demo", "--json", "--fault", f"{source}=down")
    states = {s["name"]: s["state"] for s in json.loads(out)["sources"]}
    assert status == 4
    assert states.pop(source) == "down" and set(states.values()) == {"live"}


def test_sync_of_the_drifted_application(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "sync", "victoriametrics", "--demo", "--yes", "--json")
    report = json.loads(out)
    assert (status, report["result"], report["phase"]) == (0, "done", "Succeeded")
    assert report["plan"]["diff"] and "Succeeded" in err


def test_rollback_pauses_auto_sync_and_says_what_remains(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "rollback", "grafana", "--demo", "--yes", "--json")
    report = json.loads(out)
    assert (status, report["result"]) == (0, "done")
    assert "git" in report["remaining"][0] and "auto-sync" in report["remaining"][1]


def test_a_dry_run_of_a_rollback_is_its_plan(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "rollback", "grafana", "--demo", "--dry-run", "--json")
    assert status == 0 and next(s["title"] for s in json.loads(out)["plan"]["steps"]).startswith("Pause auto-sync")


def test_history_and_diff(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "rollback", "grafana", "--demo", "--history", "--json")
    assert len(json.loads(out)["history"]) >= 2
    status, out, _ = run(capsys, "diff", "victoriametrics", "--demo")
    assert status == 0 and any(line.startswith("+") for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["sync", "grafna", "--demo", "--yes"], 2, "Did you mean grafana"),
        (["sync", "vault", "--demo", "--yes"], 3, "sync window"),
        (["sync", "grafana", "--demo"], 2, "--yes"),
        (["sync", "victoriametrics", "--demo", "--yes", "--read-only"], 3, "--read-only"),
        (["rollback", "grafana", "--demo", "--yes", "--to", "999"], 2, "no deployment 999"),
        (["rollback", "grafana", "--demo", "--yes", "--finish"], 3, "not rolled back by labtui"),
        (["rollback", "grafana", "--demo", "--finish", "--prune"], 2, "neither"),
        (["sync", "x", "--demo", "--yes", "--fault", "argocd=down"], 4, "argocd"),
        (["status", "--demo", "--fault", "kiev=down"], 2, "kyiv"),
        (["status", "--fault", "kyiv=down"], 2, "--demo"),
        (["status"], 2, "labtui init"),
        (["demo"], 2, "terminal"),
    ],
)
def test_exit_statuses_and_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, words: str
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115 - closed with the test's process
    found, _, err = run(capsys, *arguments)
    assert (found, words in err) == (status, True), err


def test_errors_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "sync", "grafna", "--demo", "--yes", "--json")
    assert status == 2 and "grafana" in json.loads(out)["error"]["hint"]


def test_doctor_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "doctor", "--demo", "--json", "--fault", "vault=expired")
    checks = json.loads(out)["checks"]
    bad = [c for c in checks if c["verdict"] == "fail"]
    assert status in (1, 4) and bad and all(c["subject"] == "vault" and c["remedy"] for c in bad)
    assert run(capsys, "doctor", "--demo")[0] == 0


def test_a_bad_estate_file_names_line_key_and_the_nearest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "labtui.yaml").write_text("estate: lab\nsites:\n  kyiv:\n    dokcer: {host: ssh://pi@kyiv}\n")
    status, _, err = run(capsys, "status")
    assert status == 2 and "labtui.yaml" in err and "4" in err and "dokcer" in err and "docker" in err


def test_init_of_the_demo_writes_a_file_that_loads(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "init", "--demo")
    assert status == 0 and "kyiv" in out
    assert [site.name for site in load_estate(tmp_path / "labtui.yaml").sites] == ["wroclaw", "kyiv"]
    status, _, err = run(capsys, "init", "--demo")
    assert status == 3 and "--force" in err


def test_the_name_is_typed_where_data_or_traffic_is_at_risk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from labtui.cli.argocd import Asking, confirmed
    from labtui.domain.plan import Danger, Plan
    from tests.unit.core.fakes import ref

    plan = Plan("argocd.rollback", "Roll back web", ref("web"), (), danger=Danger.HIGH)

    def answer(text: str) -> bool:
        return confirmed(plan, Asking(False, False, 1, ask=lambda prompt: text, interactive=lambda: True))

    assert answer("web") and not answer("y") and not answer("")


def test_json_stays_alone_on_stdout_when_the_operator_is_asked(tmp_path: Path) -> None:
    """`labtui sync APP --json > file` at a terminal: plan and question are seen, the file has one document."""
    command = f"{sys.executable} -m labtui sync emby --demo --json > out.json"
    with Terminal(["sh", "-c", command], 100, 30) as terminal:
        terminal.wait_for("Go on? [y/N]", 20)
        assert "Sync all resources to main" in terminal.text()
        terminal.press("y", "enter")
        terminal.wait_for_exit(20)
        assert terminal.exit_status == 0
    assert json.loads((tmp_path / "out.json").read_text())["result"] == "done"


def test_a_resource_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Argo CD calls the sync of nothing a success."""
    status, _, err = run(capsys, "sync", "emby", "--demo", "--yes", "--resource", "apps:Deployment:nosuch")
    assert status == 3 and "no resource apps:Deployment:nosuch" in err
    status, _, err = run(capsys, "sync", "emby", "--demo", "--yes", "--resource", "Deployment:emby/emby")
    assert status == 3 and "do you mean apps:Deployment:emby/emby?" in err
    status, _, _ = run(capsys, "sync", "emby", "--demo", "--yes", "--resource", "apps:Deployment:emby")
    assert status == 0


def test_a_dry_run_needs_no_way_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert "to get back" in run(capsys, "--read-only", "sync", "emby", "--demo")[2]
    status, _, err = run(capsys, "sync", "emby", "--demo", "--dry-run")
    assert status == 0 and "to get back" not in err


@pytest.mark.parametrize("other", [("--finish",), ("--to", "1"), ("--prune",)])
def test_history_goes_with_nothing_that_changes(capsys: pytest.CaptureFixture[str], other: tuple[str, ...]) -> None:
    status, out, err = run(capsys, "rollback", "emby", "--demo", "--history", *other)
    assert (status, out) == (2, "") and "--history" in err


def test_an_empty_audit_log_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "audit") == (0, "Nothing was done yet\n", "")


def labtui(script: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """A shell script in which `labtui` is this one."""
    run_it = f'labtui() {{ {sys.executable} -m labtui "$@"; }}\n{script}'
    return subprocess.run(["bash", "-c", run_it], capture_output=True, env={**os.environ, **environ}, timeout=60)


def test_a_locale_without_utf8_gets_utf8_and_no_traceback() -> None:
    done = labtui("labtui doctor --demo", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0 and "●" in done.stdout.decode() and done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_line() -> None:
    done = labtui("labtui status --demo > /dev/full")
    assert done.returncode == 1
    assert done.stderr.decode() == "labtui: The system refused: No space left on device\n"


def test_without_stdin_a_change_is_not_made_and_nothing_breaks() -> None:
    done = labtui("labtui sync emby --demo <&-")
    assert done.returncode == 2 and b"Add --yes" in done.stderr and b"Traceback" not in done.stderr
    done = labtui("labtui demo <&-")
    assert done.returncode == 2 and b"needs a terminal" in done.stderr and b"Traceback" not in done.stderr


def test_a_folder_that_is_gone_is_said_in_one_line() -> None:
    done = labtui("mkdir gone && cd gone && rmdir ../gone && labtui status")
    assert done.returncode == 1 and b"No such file" in done.stderr and b"Traceback" not in done.stderr


def test_the_demo_starts_in_a_terminal_and_quits() -> None:
    """As the README has it: one command, nothing else."""
    with Terminal([sys.executable, "-m", "labtui", "demo"], 80, 24) as terminal:
        terminal.wait_for("victoriametrics", 20)
        terminal.press("q")
        assert terminal.wait_for_exit(5) < 1.0
        assert terminal.exit_status == 0


def test_letters_typed_right_after_the_filter_key_are_never_commands() -> None:
    """`/q` in one burst, as a fast typist or a slow line sends it, must not quit."""
    with Terminal([sys.executable, "-m", "labtui", "demo"], 100, 30) as terminal:
        terminal.wait_for("victoriametrics", 20)
        os.write(terminal.fd, b"/xq/sR")
        terminal.wait_for("xq/sR", 5)
