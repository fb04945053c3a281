"""`labtui migrate` and `labtui migration` over fakes: what is printed, asked and answered."""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path

import pytest

from labtui.cli.argocd import Asking
from labtui.cli.migrate import run
from labtui.cli.migrate_options import add_migrations
from labtui.cli.output import Exit
from labtui.core.audit import MemoryAudit
from labtui.core.executor import Executor
from labtui.core.lab import Lab
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.operations.watching import Pace
from labtui.domain.errors import BudgetExceeded, Invalid, NotFound, Refused
from tests.support.migration_fakes import FakeLeases, FakeMirror, TestClock, World, always, script


class Cli:
    """The commands on a lab with one stack."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = World(folder / "world.json")
        self.actions = script(self.world)
        self.mirror, self.leases, self.audit = FakeMirror(), FakeLeases(), MemoryAudit()
        clock = TestClock()
        executor = Executor(self.audit, clock, by="ada@desk")
        made = Migrations(
            JournalFolder(folder / "migrations"),
            self.mirror,
            self.leases,
            always(self.actions),
            clock,
            "ada@desk",
            patience=Pace(every=0.0, limit=0.0),
        )
        self.lab = Lab("homelab", clock, (), executor, make_migrations=lambda: made)
        self._capsys = capsys

    def __call__(self, *words: str, answer: str | None = None) -> tuple[Exit, str, str]:
        estate, output = (argparse.ArgumentParser(add_help=False) for _ in range(2))
        output.add_argument("--json", action="store_true")
        top = argparse.ArgumentParser()
        commands = top.add_subparsers(dest="command")
        add_migrations(
            lambda name, words, *parents: commands.add_parser(name, help=words, parents=list(parents)), estate, output
        )
        options = top.parse_args(words)
        asking = Asking(
            options.json, getattr(options, "yes", False), 1.0, lambda words: answer or "", lambda: answer is not None
        )
        status = run(self.lab, options, asking)
        out, err = self._capsys.readouterr()
        return status, out, err

    @property
    def identity(self) -> str:
        (copy,) = self.mirror.all()
        return copy.migration


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def test_a_whole_migration_and_back(cli: Cli) -> None:
    status, out, err = cli("migrate", "wroclaw/emby", "--yes", "--json")
    made = json.loads(out)
    assert (status, made["result"]) == (Exit.DONE, "done")
    assert made["report"]["state"] == "on Kubernetes"
    assert [step["state"] for step in made["report"]["steps"]] == ["done"] * 8
    assert "cut over" in err
    status, out, _ = cli("migration", "undo", cli.identity, "--yes")
    assert status is Exit.DONE
    assert "now: Everything is on Docker, as before" in out
    assert cli.world.state["effects"] == {}
    assert [entry["event"] for entry in cli.audit.entries()] == ["intent", "outcome"] * 2


def test_the_name_is_typed(cli: Cli) -> None:
    status, _, err = cli("migrate", "wroclaw/emby", answer="y")
    assert (status, cli.world.state["effects"]) == (Exit.REFUSED, {})
    assert "preflight: make checks" in err
    status, _, _ = cli("migrate", "wroclaw/emby", answer="emby")
    assert status is Exit.DONE
    with pytest.raises(Invalid, match="no terminal"):
        cli("migration", "undo", cli.identity)


def test_until_a_step_and_on(cli: Cli) -> None:
    status, out, _ = cli("migrate", "wroclaw/emby", "--until", "workload", "--yes")
    assert status is Exit.DONE
    assert f"labtui migration resume {cli.identity}" in out
    assert "cut over/both" not in cli.world.state["effects"]
    assert cli("migration", "resume", cli.identity, "--yes")[0] is Exit.DONE
    assert cli("migration", "undo", cli.identity, "--to", "cut-over", "--yes")[0] is Exit.DONE
    assert "cut over/both" in cli.world.state["effects"]
    with pytest.raises(SystemExit):
        cli("migrate", "wroclaw/emby", "--until", "nowhere")


def test_a_failure_names_the_one_command_to_type(cli: Cli) -> None:
    cli.actions[6].fail = BudgetExceeded("3 requests failed, none may")
    status, out, _ = cli("migrate", "wroclaw/emby", "--yes")
    assert status is Exit.FAILED
    assert "3 requests failed" in out and "It was taken back by itself" in out
    assert out.rstrip().endswith(f"labtui migration resume {cli.identity}")


def test_what_somebody_else_changed_is_shown_and_accepted(cli: Cli) -> None:
    cli.world.change("workload/commit", "theirs")
    status, out, _ = cli("migrate", "wroclaw/emby", "--yes")
    assert status is Exit.REFUSED or status is Exit.FAILED
    command = f"labtui migration resume {cli.identity} --accept commit"
    assert command in out
    _, out, _ = cli("migration", "show", cli.identity)
    assert "? it is theirs" in out and "may be accepted: theirs stays below" in out
    _, out, _ = cli("migration", "list", "--json")
    (row,) = json.loads(out)["migrations"]
    assert row["question"] == {
        "step": "workload",
        "action": "commit",
        "words": "it is theirs",
        "accept": "commit",
        "firm": "",
    }
    status, out, _ = cli("migration", "resume", cli.identity, "--accept", "vault", "--yes")
    assert status is Exit.REFUSED
    status, out, err = cli(*command.split()[1:], answer="emby")
    assert status is Exit.DONE and cli.world.effect("workload/commit") == "ours"
    assert "Somebody else has changed it: it is theirs" in out + err


def test_one_that_is_held_is_refused(cli: Cli) -> None:
    cli.leases.by = "bob@laptop"
    cli.leases.acquire("wroclaw", "emby", 0, lambda words: None)
    status, out, err = cli("migrate", "wroclaw/emby", "--yes")
    assert status is Exit.REFUSED
    assert "bob@laptop holds it since 12:00" in out
    assert "bob@laptop holds the lease" in err


def test_read_only(cli: Cli) -> None:
    cli.lab.executor.read_only = "labtui was started with --read-only"
    status, _, err = cli("migrate", "wroclaw/emby", "--yes")
    assert (status, cli.world.state["effects"]) == (Exit.REFUSED, {})
    assert "--read-only" in err


def test_list_and_show(cli: Cli) -> None:
    assert cli("migration", "list")[1].splitlines()[0].startswith("ID")
    cli("migrate", "wroclaw/emby", "--yes")
    _, out, _ = cli("migration", "list")
    assert cli.identity in out and "on Kubernetes" in out and "here, cluster" in out
    (row,) = json.loads(cli("migration", "list", "--json")[1])["migrations"]
    assert (row["migration"], row["step"]) == (cli.identity, "retire")
    _, out, _ = cli("migration", "show", cli.identity)
    assert "make commit" in out and "Everything is on Kubernetes" in out
    shown = json.loads(cli("migration", "show", cli.identity, "--json")[1])
    assert shown["entries"][0]["number"] == 1
    with pytest.raises(NotFound):
        cli("migration", "show", "nothing")
    cli.mirror.down = 1
    status, out, err = cli("migration", "list")
    assert (status, cli.identity in out) == (Exit.UNREACHABLE, True)
    assert "in the cluster are missing" in err


def test_hostile_words_do_not_reach_the_terminal(cli: Cli) -> None:
    cli.actions[1].fail = Refused("bad \x1b[31mname", "\u202etxt")
    _, out, err = cli("migrate", "wroclaw/emby", "--yes")
    _, shown, _ = cli("migration", "show", cli.identity)
    assert "\x1b" not in out + err + shown and "\u202e" not in out + err + shown


def test_ctrl_c_stops_after_the_action_that_runs(cli: Cli) -> None:
    former = signal.getsignal(signal.SIGINT)
    cli.actions[2].half = lambda where: os.kill(os.getpid(), signal.SIGINT) if where == "before" else None
    status, out, err = cli("migrate", "wroclaw/emby", "--yes")
    assert status is Exit.DONE
    assert "Paused before: make commit" in out
    assert "Ctrl-C again" in err
    assert cli.world.state["order"][-1] == "+secrets/vault"
    assert signal.getsignal(signal.SIGINT) is former


def test_an_estate_without_a_cluster(cli: Cli) -> None:
    cli.lab.make_migrations = None
    with pytest.raises(Refused, match="no cluster"):
        cli("migration", "list")
