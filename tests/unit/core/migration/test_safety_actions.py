"""The actions of preflight and backup, as the engine calls them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labtui.core.migration.action import Seen
from labtui.core.migration.backup import SaveStack
from labtui.core.migration.preflight import Preflight, RunPreflight
from labtui.core.migration.safety import random_ports
from labtui.core.operations.backup import BackupParts
from labtui.domain.backup import SourceFile
from labtui.domain.checks import Check, Verdict
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import PlannedSecret, StackPlan
from labtui.domain.errors import Denied, LabError, Refused, Unreachable
from tests.unit.core.backup.trees import ROOT, MemoryData, member, stream
from tests.unit.core.fakes import Clock
from tests.unit.core.migration.test_secret_actions import MemoryVault

OK, FAIL, WARN = Verdict.OK, Verdict.FAIL, Verdict.WARN


class Files:
    """One stack with one volume and one bind mount for reading."""

    def stacks(self, site: str) -> tuple[str, ...]:
        return ("web",)

    def read(self, site: str, stack: str) -> Stack:
        volumes = [
            {"type": "volume", "source": "db", "target": "/db"},
            {"type": "bind", "source": "/mnt/media", "target": "/media", "read_only": True},
        ]
        return Stack(
            site,
            stack,
            (Service("web", {"image": "web:1", "volumes": volumes}),),
            {"volumes": {"db": {"name": "web_db"}}},
        )

    def collect(self, site: str, stack: str) -> tuple[SourceFile, ...]:
        return (SourceFile("wroclaw/web.yaml", b"services: {}"), SourceFile("wroclaw/.env.user", b"P=planted", True))


def parts(stores: MemoryData) -> BackupParts:
    files = Files()
    vault = MemoryVault({"a": 1}, {"a": 2})
    return BackupParts(
        files, files, lambda site: stores, Clock(), "ada", None, vault, lambda site, stack: ("apps/web",)
    )


@pytest.fixture
def stores() -> Iterator[MemoryData]:
    yield MemoryData({"web_db": stream([(member(ROOT, b"5"), b""), (member(f"{ROOT}/x"), b"data")])})


def test_a_backup_is_made_once_and_recognised(tmp_path: Path, stores: MemoryData) -> None:
    action = SaveStack(parts(stores), "wroclaw", "web", tmp_path, "wroclaw-web-1")
    assert action.look({}).seen is Seen.NOT_DONE
    said: list[str] = []
    data = action.do({}, said.append)
    assert "not in the backup: /mnt/media: it is only read here" in said
    assert data["secrets"] == [{"path": "apps/web", "version": 2}]
    assert action.look(data).seen is Seen.DONE
    adopted = action.look({})  # a crash before the journal knew
    assert adopted.seen is Seen.DONE and adopted.data == data
    assert "planted" not in str(data) + str(said)
    action.undo(data, said.append)
    assert action.look(data).seen is Seen.DONE, "it is kept"


def test_a_part_is_no_backup_and_another_file_is_not_touched(tmp_path: Path, stores: MemoryData) -> None:
    action = SaveStack(parts(stores), "wroclaw", "web", tmp_path, "m")
    (tmp_path / "wroclaw-web.tar.part").write_bytes(b"x" * 5000)
    assert action.look({}).seen is Seen.NOT_DONE
    data = action.do({}, lambda line: None)
    assert action.look({**data, "total": "0" * 64}).seen is Seen.CHANGED
    (tmp_path / "m.tar").write_bytes(b"something else")
    looked = action.look(data)
    assert looked.seen is Seen.CHANGED and "move it away" in looked.words
    with pytest.raises(Refused, match="is there already"):
        action.do({}, lambda line: None)


# Preflight


def test_what_fails_is_told_with_what_to_do() -> None:
    checks = [
        Check("git", "clean", FAIL, "3 edits", "commit them"),
        Check("a", "b", OK, "fine"),
        Check("x", "y", WARN, "tight"),
    ]
    said: list[str] = []
    with pytest.raises(Refused) as caught:
        RunPreflight(lambda: checks).do({}, said.append)
    assert caught.value.detail == "git: clean: 3 edits → commit them"
    assert said == ["✗ git: clean: 3 edits", "● a: b: fine", "▲ x: y: tight"]
    with pytest.raises(Unreachable):
        RunPreflight(lambda: [Check("kyiv", "connection", FAIL, "down", "", unreachable=True)]).do({}, said.append)


def test_passed_once_is_passed() -> None:
    action = RunPreflight(lambda: [Check("a", "b", OK, "fine"), Check("x", "y", WARN, "tight")])
    assert action.look({}).seen is Seen.NOT_DONE
    data = action.do({}, lambda line: None)
    assert data == {"passed": 1, "warnings": ["x: y: tight"]}
    assert action.look(data).seen is Seen.DONE


PLAN = StackPlan(
    "wroclaw", "web", ("web",), (), {"components": {}}, (PlannedSecret("web", "apps/web", "K", "K", "name", "v"),)
)


class Broken:
    """Cannot be asked for anything."""

    def __init__(self, error: LabError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        def fail(*words: object, **more: object) -> object:
            raise self._error

        return fail


def test_what_cannot_be_asked_is_a_finding() -> None:
    lost = Unreachable("The cluster does not answer", "refused", "Is it up?")
    broken: object = Broken(lost)
    flight = Preflight(PLAN, Facts(), "web", cluster=broken, vault=Broken(Denied("no", "sealed")))  # type: ignore[arg-type]
    found = {(c.subject, c.name): c for c in flight.checks()}
    asked = found["cluster", "can be asked"]
    assert asked.verdict is FAIL and asked.unreachable and asked.remedy == "Is it up?"
    assert found["vault", "permissions"].verdict is FAIL


def test_git_and_the_lease_are_asked() -> None:
    def checks(obstacles: tuple[str, ...], holder: str) -> dict[str, Check]:
        flight = Preflight(
            PLAN, Facts(), "web", vault=MemoryVault(), obstacles=lambda: obstacles, holder=lambda: holder
        )
        return {c.subject: c for c in flight.checks() if c.subject in ("git", "lease")}

    assert {c.verdict for c in checks((), "").values()} == {OK}
    bad = checks(("The branch has 2 commits that origin has not: git push",), "ada@mini holds it since 12:00")
    assert (bad["git"].verdict, bad["git"].remedy) == (FAIL, "git push")
    assert bad["lease"].verdict is FAIL and "ada@mini" in bad["lease"].detail


@pytest.mark.parametrize(
    ("ports", "random"),
    [
        (["8080:80"], ()),
        (["80"], ("web:80",)),
        (["127.0.0.1::80"], ()),
        ([{"target": 80, "published": "8080"}], ()),
        ([{"target": 80, "protocol": "tcp"}], ("web:80",)),
        ([{"target": 80, "published": "8000-8010"}], ("web:80",)),
        (None, ()),
    ],
)
def test_ports_that_docker_chooses_are_found(ports: object, random: tuple[str, ...]) -> None:
    stack = Stack("shop", "wroclaw", services=(Service("web", {"ports": ports}),))
    assert random_ports(stack) == random
