"""`labtui plan`: the page, the document, the files, the exit status."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.cli.argocd import Asking
from labtui.cli.main import main
from labtui.cli.output import Exit
from labtui.cli.plan import Wanted, plan
from labtui.core.lab import Lab
from labtui.domain.errors import Invalid, LabError, Refused
from tests.support.planning import (
    ANSWERS_FILE,
    UPLOAD,
    FakeCharts,
    FakeCompose,
    FakeFiles,
    make_lab,
    planner,
    shows_no_secret,
)

ASKING = Asking(as_json=False, yes=True, seconds=1)
JSON = replace(ASKING, as_json=True)
NAME = "wroclaw/immich"
ANSWER = f"server.{UPLOAD}=pvc"
KEEP = f"server.{UPLOAD}=keep"


def planned_json(lab: Lab, wanted: Wanted, capsys: pytest.CaptureFixture[str]) -> tuple[Exit, dict[str, Any]]:
    status = plan(lab, wanted, JSON)
    shown = capsys.readouterr()
    shows_no_secret(shown.out + shown.err)
    return status, json.loads(shown.out)


def test_the_document_has_what_programs_count_on(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = planned_json(make_lab(), Wanted(NAME), capsys)
    assert status == Exit.DONE
    assert (found["stack"], found["verdict"], found["components"]) == ("immich", "choices", ["server", "database"])
    assert {
        "service": "server",
        "key": "image",
        "verdict": "converted",
        "detail": "The image stays as it is.",
    } in found["findings"]
    choice = next(f["choice"] for f in found["findings"] if f["key"] == UPLOAD)
    assert (choice["proposed"], choice["given"], choice["options"][0]["answer"]) == ("pvc", "", "pvc")
    assert found["secrets"][0] == {
        "service": "database",
        "variable": "POSTGRES_PASSWORD",
        "path": "apps/immich",
        "key": "DB_PASSWORD",
        "reason": "named as one",
    }
    assert found["volumes"][0]["size"] == 9_400_000_000
    assert [o["kind"] for o in found["objects"]] == ["Deployment"]
    assert found["objects"][0]["metadata"]["namespace"] == "immich"


def test_the_page_has_every_key_each_choice_and_the_command_that_answers_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert plan(make_lab(), Wanted(NAME), ASKING) == Exit.DONE
    shown = capsys.readouterr().out
    shows_no_secret(shown)
    for words in (
        "▲ it can move; 2 choices to make",
        "The stack stands still while 8.8G are copied.",
        "● image",
        f"▲ {UPLOAD}",
        "● pvc   copied to a volume of the cluster  (proposed)",
        f"labtui plan wroclaw/immich --set server.{UPLOAD}=pvc",
        "POSTGRES_PASSWORD  apps/immich  DB_PASSWORD  named as one",
        "8.8G  writes",
        "1 question must be answered",
    ):
        assert words in shown, f"{words!r} is not in\n{shown}"


def test_a_refused_stack_ends_with_3_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(make_lab(), Wanted(NAME, answers=(KEEP,)), ASKING) == Exit.REFUSED
    assert "✗ placement" in capsys.readouterr().out


def test_answers_hold_for_one_call_unless_they_are_saved(capsys: pytest.CaptureFixture[str]) -> None:
    files = FakeFiles()
    lab = make_lab(planner(files))
    _, found = planned_json(lab, Wanted(NAME, answers=(ANSWER,)), capsys)
    assert next(f["choice"]["given"] for f in found["findings"] if f["key"] == UPLOAD) == "pvc"
    assert files.seen(ANSWERS_FILE) is None
    status, found = planned_json(lab, Wanted(NAME, answers=(ANSWER,), save=True), capsys)
    assert (status, found["saved"]["result"], found["saved"]["commit"]) == (Exit.DONE, "done", files.head())
    _, found = planned_json(lab, Wanted(NAME), capsys)
    assert next(f["choice"]["given"] for f in found["findings"] if f["key"] == UPLOAD) == "pvc"


@pytest.mark.parametrize("asking", [ASKING, JSON])
def test_what_cannot_be_saved_ends_with_3(asking: Asking, capsys: pytest.CaptureFixture[str]) -> None:
    files = FakeFiles()
    lab = make_lab(planner(files), read_only="no changes today")
    assert plan(lab, Wanted(NAME, answers=(ANSWER,), save=True), asking) == Exit.REFUSED
    assert "no changes today" in capsys.readouterr().out
    unsure = replace(asking, yes=False, ask=lambda question: "n", interactive=lambda: True)
    assert plan(make_lab(planner(files)), Wanted(NAME, answers=(ANSWER,), save=True), unsure) == Exit.REFUSED
    assert files.seen(ANSWERS_FILE) is None


def test_without_helm_the_plan_says_how_to_get_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    error = Refused("The helm program is missing", "the app chart is rendered with it", "Install helm")
    lab = make_lab(planner(charts=FakeCharts(error)))
    status, found = planned_json(lab, Wanted(NAME), capsys)
    assert (status, found["objects"], found["problem"]["hint"]) == (Exit.DONE, None, "Install helm")
    assert plan(lab, Wanted(NAME), ASKING) == Exit.DONE
    assert "not rendered: The helm program is missing" in capsys.readouterr().out
    with pytest.raises(Refused):
        plan(lab, Wanted(NAME, tmp_path / "out"), ASKING)
    assert not (tmp_path / "out").exists()


def test_what_was_just_saved_is_not_called_unsaved(capsys: pytest.CaptureFixture[str]) -> None:
    files = FakeFiles()
    lab = make_lab(planner(files))
    plan(lab, Wanted(NAME, answers=(ANSWER,)), ASKING)
    assert "1 answer not saved in git" in capsys.readouterr().out
    assert plan(lab, Wanted(NAME, answers=(ANSWER,), save=True), ASKING) == Exit.DONE
    shown = capsys.readouterr().out
    assert "not saved" not in shown and "Answers: done" in shown


def test_an_error_of_compose_is_passed_on() -> None:
    error = Invalid("compose/wroclaw/immich.yaml:3 is wrong")
    with pytest.raises(LabError) as caught:
        plan(make_lab(planner(compose=FakeCompose(fail=error))), Wanted(NAME), ASKING)
    assert caught.value is error


# --out


def test_files_are_written_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan"
    lab = make_lab()
    _, found = planned_json(lab, Wanted(NAME, out), capsys)
    assert [Path(p).relative_to(out).as_posix() for p in found["written"]] == [
        "immich.values.yaml",
        "immich/deployment-server.yaml",
    ]
    values = yaml.safe_load((out / "immich.values.yaml").read_text())
    assert values == found["values"]
    assert yaml.safe_load((out / "immich/deployment-server.yaml").read_text()) == found["objects"][0]
    for file in out.rglob("*.yaml"):
        shows_no_secret(file.read_text())
    plan(lab, Wanted(NAME, out, namespace="other"), ASKING)  # its own files may be replaced
    assert yaml.safe_load((out / "immich/deployment-server.yaml").read_text())["metadata"]["namespace"] == "other"


@pytest.mark.parametrize("file", ["immich.values.yaml", "immich/deployment-server.yaml"])
def test_no_file_of_somebody_else_is_touched(file: str, tmp_path: Path) -> None:
    place = tmp_path / file
    place.parent.mkdir(exist_ok=True)
    place.write_text("mine")
    with pytest.raises(Refused, match=str(tmp_path)) as caught:
        plan(make_lab(), Wanted(NAME, tmp_path), ASKING)
    assert file in caught.value.detail
    assert place.read_text() == "mine"
    assert [f for f in tmp_path.rglob("*") if f.is_file()] == [place]


def test_an_edited_file_and_a_link_are_refused_and_equal_text_is_not(tmp_path: Path) -> None:
    lab, wanted = make_lab(), Wanted(NAME, tmp_path)
    plan(lab, wanted, ASKING)
    (tmp_path / ".labtui-plan.json").unlink()
    plan(lab, wanted, ASKING)  # the same texts
    values = tmp_path / "immich.values.yaml"
    values.write_text("edited")
    with pytest.raises(Refused):
        plan(lab, wanted, ASKING)
    values.unlink()
    target = tmp_path / "elsewhere"
    values.symlink_to(target)
    with pytest.raises(Refused):
        plan(lab, wanted, ASKING)
    assert not target.exists()


def test_what_the_plan_no_longer_has_is_removed_unless_it_was_edited(tmp_path: Path) -> None:
    lab, wanted = make_lab(), Wanted(NAME, tmp_path)
    plan(lab, wanted, ASKING)
    kept = tmp_path / "immich/deployment-server.yaml"

    class Nothing(FakeCharts):
        def render(self, *arguments: Any) -> tuple[Any, ...]:
            return ()

    plan(make_lab(planner(charts=Nothing())), wanted, ASKING)
    assert not kept.exists()
    plan(lab, wanted, ASKING)
    kept.write_text("edited")
    plan(make_lab(planner(charts=Nothing())), wanted, ASKING)
    assert kept.read_text() == "edited"


def test_names_of_objects_lead_nowhere_else(tmp_path: Path) -> None:
    class Hostile(FakeCharts):
        def render(self, *arguments: Any) -> tuple[Any, ...]:
            return ({"kind": "../../Kind", "metadata": {"name": "../../x/../y"}}, {"kind": "A", "metadata": None})

    out = tmp_path / "a" / "b"
    plan(make_lab(planner(charts=Hostile())), Wanted(NAME, out), ASKING)
    assert all(f.is_relative_to(out) for f in tmp_path.rglob("*") if f.is_file())
    assert len(list((out / "immich").iterdir())) == 2


# On the demo


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests is read or written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def on_demo(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status = main(["--demo", *words, "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "name",
    [
        "wroclaw/authelia",
        "wroclaw/caddy",
        "wroclaw/emby",
        "wroclaw/immich",
        "wroclaw/monitoring",
        "kyiv/monitoring",
        "kyiv/transmission",
    ],
)
def test_every_stack_of_the_demo_has_a_plan(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = on_demo(capsys, "plan", name)
    assert (status == Exit.REFUSED) == (found["verdict"] == "refused")
    assert found["findings"]
    assert len({(f["service"], f["key"]) for f in found["findings"]}) == len(found["findings"])
    assert found["components"]
    if name == "kyiv/transmission":
        assert status == Exit.REFUSED
        assert any("NET_ADMIN" in f["detail"] for f in found["findings"] if f["verdict"] == "refused")


@pytest.mark.usefixtures("home")
def test_an_answer_is_saved_in_the_demos_git(capsys: pytest.CaptureFixture[str]) -> None:
    _, before = on_demo(capsys, "plan", "wroclaw/immich")
    asked = next(f for f in before["findings"] if "choice" in f and f["choice"]["options"])
    answer = asked["choice"]["options"][0]["answer"]
    name = f"{asked['service']}.{asked['key']}".removeprefix(".")
    _, found = on_demo(capsys, "plan", "wroclaw/immich", "--set", f"{name}={answer}", "--save", "--yes")
    assert found["saved"]["result"] == "done"
    assert found["saved"]["file"] == ANSWERS_FILE
    assert next(f["choice"]["given"] for f in found["findings"] if f["key"] == asked["key"]) == answer


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "wroclaw/imich"), "Did you mean wroclaw/immich?"),
        (("plan", "wroclav/immich"), "the nearest is wroclaw"),
        (("plan", "wroclaw/immich", "--set", "servr.image=x"), "the nearest is server"),
    ],
)
def test_wrong_names_end_with_2(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = on_demo(capsys, *words)
    assert status == Exit.USAGE
    assert said in " ".join(found["error"].values())


@pytest.mark.usefixtures("home")
def test_the_demo_compares_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    # prepared in Vault; the pods that would have it are not in the cluster yet
    status, found = on_demo(capsys, "secrets", "diff", "wroclaw/immich")
    assert status == Exit.FAILED
    assert [s["status"] for s in found["secrets"]] == ["only in compose and vault"]
    _, moved = on_demo(capsys, "secrets", "diff", "wroclaw/authelia")
    assert [s["status"] for s in moved["secrets"]] == ["same", "same", "only in compose"]
    _, changed = on_demo(capsys, "secrets", "diff", "kyiv/transmission")
    assert "differs" in {s["status"] for s in changed["secrets"]}


def test_a_choice_that_is_made_needs_nobody_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    plan(make_lab(), Wanted(NAME), ASKING)
    assert f"  ▲ {UPLOAD}\n" in capsys.readouterr().out
    plan(make_lab(), Wanted(NAME, answers=(ANSWER,)), ASKING)
    shown = capsys.readouterr().out
    assert f"▲ {UPLOAD}" not in shown and f"--set {ANSWER}" not in shown
    line = next(line for line in shown.splitlines() if UPLOAD in line and "●" in line)
    assert "pvc (your answer). " in line


def test_a_terminal_breaks_lines_between_words_and_a_pipe_does_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(make_lab(), Wanted(NAME), ASKING)
    piped = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    plan(make_lab(), Wanted(NAME), ASKING)
    shown = capsys.readouterr().out
    assert shown.split() != piped.splitlines() and len(shown.splitlines()) > len(piped.splitlines())
    # commands are to be copied: they stay whole
    commands = [line for line in piped.splitlines() if "--set" in line]
    assert commands and set(commands) <= set(shown.splitlines())
    assert all(len(line) <= 50 for line in shown.splitlines() if "--set" not in line and "from" not in line)
