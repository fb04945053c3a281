"""What the shell completes: told by the parser, names from files, nothing that takes long."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from labtui.cli import completion, completion_names
from labtui.cli.completion import answer, commands, offer, split
from labtui.cli.parser import parser


@pytest.fixture(autouse=True)
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an estate file, Compose folders, an app of apps; a home with journals."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "KUBECONFIG", "ARGOCD_SERVER", "ARGOCD_OPTS", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "labtui.yaml").write_text(
        "estate: lab\nsites:\n  kyiv: {docker: {host: 'unix:///none'}, compose: stacks}\n"
        "gitops: {repository: '.', environment: homelab}\n"
    )
    (tmp_path / "stacks").mkdir()
    for name in ("monitoring.yaml", "transmission.yaml", "Not A Stack.yaml", "notes.txt"):
        (tmp_path / "stacks" / name).write_text("services: {}\n")
    values = tmp_path / "manifests" / "app-of-apps" / "values"
    values.mkdir(parents=True)
    (values / "homelab.yaml").write_text(
        "layers:\n  x:\n    applications: [{name: emby}, {name: grafana}, {nam: 1}, 3]\n"
    )
    (values / "staging.yaml").write_text("layers:\n  x:\n    applications: [{name: other}]\n")
    journals = tmp_path / ".local" / "state" / "labtui" / "migrations"
    journals.mkdir(parents=True)
    (journals / "kyiv-monitoring-20260314-140800.jsonl").touch()
    return tmp_path


def words(line: str) -> list[str]:
    """What bash would be offered at the end of the line."""
    return [word.partition("\t")[0] for word in answer(parser(), ["bash", line]).splitlines()[1:]]


def every_option(of: argparse.ArgumentParser) -> set[str]:
    return {max(action.option_strings, key=len) for action in of._actions if action.option_strings}


@pytest.mark.parametrize("path", list(commands(parser())), ids=" ".join)
def test_every_command_and_option_of_the_parser_is_offered(path: tuple[str, ...]) -> None:
    at = parser()
    for word in path:
        (below,) = [action for action in at._actions if isinstance(action, argparse._SubParsersAction)]
        assert word in {name for name, _ in offer(parser(), path[: path.index(word)], "").words}
        at = below.choices[word]
    offered = {name: meaning for name, meaning in offer(parser(), path, "-").words}
    assert set(offered) == every_option(at)
    assert all(offered.values()) and not any("%" in meaning for meaning in offered.values())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("labtui aud", ["audit"]),
        ("labtui __", []),
        ("labtui nosuch ", []),
        ("labtui compose ", ["kyiv/monitoring", "kyiv/transmission"]),
        ("labtui compose kyiv/m", ["kyiv/monitoring"]),
        ("labtui compose kyiv/monitoring st", ["stop"]),
        ("labtui migrate --yes 'kyiv/t", ["kyiv/transmission"]),
        ("labtui sync g", ["grafana"]),
        ("labtui sync --revision main e", ["emby"]),
        ("labtui sync --revision ", []),
        ("labtui audit --app ", ["emby", "grafana"]),
        ("labtui promote grafana ", ["homelab", "staging"]),
        ("labtui migration show ", ["kyiv-monitoring-20260314-140800"]),
        ("labtui migration ", ["list", "show", "resume", "undo"]),
        ("labtui secrets d", ["diff"]),
        ("labtui migrate kyiv/monitoring --until cut", ["cut-over"]),
        ("labtui migrate kyiv/monitoring --until=cut", ["cut-over"]),
        ("labtui migrate kyiv/monitoring --yes --y", []),
        ("labtui --demo --fault kyiv=", ["denied", "down", "expired", "slow"]),
        ("labtui --theme labtui-contrast", ["labtui-contrast", "labtui-contrast-light"]),
        ("labtui completion ", ["bash", "zsh", "fish"]),
        ("labtui compose -- kyiv/m", ["kyiv/monitoring"]),
        ("labtui rollback emby --to ", []),
        ("labtui compose --estate nosuch.yaml ", []),
    ],
)
def test_what_stands_at_the_cursor(line: str, wanted: list[str]) -> None:
    assert words(line) == wanted


def test_the_demo_has_its_own_names() -> None:
    assert "wroclaw/immich" in words("labtui compose --demo wro")
    assert "victoriametrics" in words("labtui sync --demo vic")


def test_vault_paths_come_from_vault() -> None:
    made = argparse.ArgumentParser()
    made.add_argument("--demo", action="store_true")
    made.add_argument("path", metavar="PATH")
    found = [word for word, _ in offer(made, ["--demo"], "apps/em").words]
    assert found == ["apps/emby"]


def test_paths_are_left_to_the_shell() -> None:
    assert answer(parser(), ["bash", "labtui restore "]) == "files\n"
    assert answer(parser(), ["bash", "labtui plan kyiv/monitoring --out "]) == "folders\n"
    assert answer(parser(), ["zsh", "--", "--estate", ""]) == "files\n"


def test_other_shells_get_whole_words_with_their_meaning() -> None:
    assert answer(parser(), ["zsh", "--", "migrate", "x/y", "--until=cut"]) == "\n--until=cut-over\t\n"
    assert "audit\tShow who did what, when, and how it ended\n" in answer(parser(), ["fish", "--", "aud"])
    assert answer(parser(), ["fish"]).startswith("\ndemo\t")
    assert answer(parser(), []).startswith("\ndemo\t")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("labtui ", ["labtui", ""]),
        ("labtui a", ["labtui", "a"]),
        ("labtui 'a b", ["labtui", "a b"]),
        ('labtui "a b" c', ["labtui", "a b", "c"]),
        ('labtui "', ["labtui", ""]),
        ("labtui a\\ b", ["labtui", "a b"]),
        ("", [""]),
    ],
)
def test_a_line_is_split_as_the_shell_does(line: str, wanted: list[str]) -> None:
    assert split(line) == wanted


def test_names_that_would_break_a_line_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = ["a\nb", "a\tb", "a\x1b[31m", "", "a b", "a$(x)"]
    monkeypatch.setitem(completion_names.FINDERS, "APP", lambda place: odd)
    assert words("labtui sync ") == ["a b", "a$(x)"]


def test_a_server_that_does_not_answer_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(place: completion_names.Place) -> list[str]:
        release.wait()
        return ["late"]

    monkeypatch.setitem(completion_names.FINDERS, "APP", hang)
    monkeypatch.setattr(completion_names, "LIMIT", 0.1)
    began = time.monotonic()
    assert words("labtui sync ") == []
    assert time.monotonic() - began < 1
    release.set()


def test_a_wrong_estate_file_means_no_names(estate: Path) -> None:
    (estate / "labtui.yaml").write_text("estat: lab\n")
    assert words("labtui compose ") == []
    (estate / "labtui.yaml").unlink()
    assert words("labtui compose ") == []


def test_it_loads_no_library_of_a_server_and_makes_no_log(estate: Path) -> None:
    code = (
        "import sys; from labtui.cli.main import main; main(['__complete', 'bash', 'labtui compose kyiv/']);"
        "print(sorted({'kubernetes', 'docker', 'hvac', 'httpx', 'textual', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "\nkyiv/monitoring\t\nkyiv/transmission\t\n"
    assert done.stderr == "[]\n"
    assert not (estate / ".local" / "state" / "labtui" / "labtui.log").exists()


def test_every_kind_of_name_belongs_to_an_argument() -> None:
    """A metavar that is written differently would silently complete nothing."""
    known = {"THEME", "PATH"}  # by its dest; for commands of other places
    for path in commands(parser()):
        at = parser()
        for word in path:
            at = next(a for a in at._actions if isinstance(a, argparse._SubParsersAction)).choices[word]
        known |= {action.metavar for action in at._actions if isinstance(action.metavar, str)}
    assert set(completion_names.FINDERS) <= known
    assert completion.Offer() == offer(parser(), ["sync", "emby"], "x")
