"""A journal that comes from the cluster may be anything: it is refused in words, and no command or file name comes out of it."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labtui.core.migration.agreement import Agreement, agreement_of
from labtui.core.migration.overview import migration_of
from labtui.core.migration.reporting import report_of
from labtui.core.migration.service import Record
from labtui.domain.errors import Invalid, LabError, Refused
from labtui.domain.migration.history import history
from labtui.domain.migration.lines import decode
from labtui.domain.migration.window import windows_of
from tests.support.migration_fakes import PLACE
from tests.unit.core.migration.test_agreement import AGREED
from tests.unit.core.migration.test_service import Rig, quiet


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def lines_of(rig: Rig) -> list[dict[str, Any]]:
    """A whole migration's journal, as it is in the cluster."""
    rig.machine().migrate(*PLACE, None, quiet)
    return [json.loads(line) for line in rig.mirror.copies[PLACE].text.splitlines()]


def put(rig: Rig, lines: Sequence[object]) -> None:
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    rig.mirror.copies[PLACE] = replace(rig.mirror.copies[PLACE], text=text)


@pytest.mark.parametrize(
    "line",
    [
        '{"left_out": []}',
        '{"left_out": [1, Infinity]}',
        '{"left_out": 7}',
        "[]",
        "7",
        "null",
        "[" * 100_000,
        '{"number": Infinity}',
        json.dumps({"number": "9" * 5000}),
    ],
)
def test_a_line_that_is_no_entry_is_damage(line: str) -> None:
    with pytest.raises(Refused, match="damaged"):
        decode(f"{line}\n{line}\n".encode(), "the copy")


@pytest.mark.parametrize("goal", [{}, {"aim": "sideways"}, {"aim": "undo", "step": "lunch"}, {"aim": [], "step": {}}])
def test_a_goal_that_is_none_is_damage(rig: Rig, goal: object) -> None:
    lines = lines_of(rig)
    lines[0]["data"]["goal"] = goal
    put(rig, lines)
    listed = rig.machine("laptop").list()
    assert not listed.records and "cannot be read" in next(iter(listed.damaged.values()))


@pytest.mark.parametrize(
    ("site", "stack"),
    [
        ("wroclaw", "$(reboot)"),
        ("wroclaw", "a b"),
        ("../x", "shop"),
        ("wroclaw", "-x"),
        ("wroclaw", ""),
        ("kyiv", "other"),
    ],
)
def test_a_journal_of_another_stack_or_of_no_name_is_damage(rig: Rig, site: str, stack: str) -> None:
    lines = lines_of(rig)
    identity = rig.mirror.copies[PLACE].migration
    lines[0]["data"]["about"] = {"site": site, "stack": stack}
    put(rig, lines)
    listed = rig.machine("laptop").list()
    assert not listed.records and list(listed.damaged) == [identity]
    with pytest.raises(Refused, match="damaged"):
        rig.machine("laptop").resume(identity, quiet)
    with pytest.raises(Refused, match="damaged"):
        rig.machine("laptop").undo(identity, None, quiet)
    with pytest.raises(Refused, match="damaged"):
        rig.machine("laptop").migrate(*PLACE, None, quiet)


def test_a_copy_under_the_id_of_another_migration_is_damage(rig: Rig) -> None:
    lines_of(rig)
    rig.mirror.copies[PLACE] = replace(rig.mirror.copies[PLACE], migration="wroclaw-other-20260101-120000")
    assert list(rig.machine("laptop").list().damaged) == ["wroclaw-other-20260101-120000"]


@pytest.mark.parametrize("seed", range(300))
def test_anything_at_all_ends_in_words(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    lines = lines_of(rig)
    lines[1]["data"]["plan"] = AGREED.to_data()
    for _ in range(chance.randint(1, 4)):
        spoil(chance, lines)
    put(rig, lines)
    machine = rig.machine("laptop")
    for record in machine.list().records:
        migration_of(record)
        told(record)


def told(record: Record) -> None:
    """Everything that is made of a journal, for the screen and for the report."""
    makers: tuple[Callable[[], object], ...] = (
        lambda: report_of(record.about, record.entries) if record.entries else None,
        lambda: windows_of(record.entries),
        lambda: history(record.entries),
        lambda: agreement_of(record.entries),
        lambda: record.question,
    )
    for make in makers:
        with contextlib.suppress(LabError):
            make()


def spoil(chance: random.Random, lines: list[Any]) -> None:
    """Put something else in one place of it."""
    place: Any = lines
    key: Any = chance.randrange(len(lines))
    while isinstance(place[key], dict | list) and place[key] and chance.random() < 0.85:
        place = place[key]
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
    if isinstance(place, dict) and chance.random() < 0.3:
        key = chance.choice(
            ["probed", "left", "verified", "soaked", "goal", "asked", "accepted", "about", "reached", "plan"]
        )
    place[key] = copy.deepcopy(
        chance.choice([None, 0, -1, 1e308, "", "x", "../x", [], [1], {}, {"a": 1}, True, [[]], {"aim": 1}])
    )


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", "A", "-a", "x" * 64, "a\n", 7, None])
@pytest.mark.parametrize("key", ["release", "namespace"])
def test_a_name_that_leads_elsewhere_is_refused(key: str, name: object) -> None:
    with pytest.raises(Invalid, match="does not say"):
        Agreement.from_data({**AGREED.to_data(), key: name})


@pytest.mark.parametrize(
    "values", [None, [], "x", {"components": ["web"]}, {"components": {"web": 7}}, {"components": {}, "ingress": "x"}]
)
def test_values_of_another_form_are_refused(values: object) -> None:
    with pytest.raises(Invalid, match="does not say"):
        Agreement.from_data({**AGREED.to_data(), "values": values})
