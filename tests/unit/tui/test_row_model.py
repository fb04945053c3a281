"""Order, groups, marks and filter of a table's rows."""

from __future__ import annotations

import random

import pytest

from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.states import Level
from labtui.tui.cells import Cell, Column, Row, row
from labtui.tui.widgets.row_filter import RowFilter
from labtui.tui.widgets.row_model import RowModel

SITE = SourceId(SourceKind.DOCKER, "kyiv")
COLUMNS = (Column("stack", "STACK", group=True), Column("name", "NAME"), Column("memory", "MEM", 5))


def service(name: str, level: Level = Level.WELL, *, stack: str = "", memory: float | None = None) -> Row:
    cells = (Cell(stack), Cell(name), Cell("" if memory is None else f"{memory:.0f}M", sort=memory))
    return row(Ref(SITE, "ComposeService", stack, name), level, cells, sort_key=(stack, name), group=stack)


def names(model: RowModel) -> list[str]:
    return [ref.name for ref in model.shown]


def filled(*rows: Row) -> RowModel:
    model = RowModel(COLUMNS)
    model.replace(rows)
    return model


def test_what_needs_the_operator_is_first_then_by_name_whatever_the_case() -> None:
    model = filled(
        service("b"), service("A"), service("off", Level.OFF), service("bad", Level.BROKEN), service("mv", Level.MOVING)
    )
    assert names(model) == ["bad", "mv", "A", "b", "off"]
    model.reverse = True
    model.reorder()
    assert names(model) == ["off", "b", "A", "mv", "bad"]


def test_a_stack_stays_together_where_its_worst_service_belongs() -> None:
    model = filled(
        service("web", stack="shop"),
        service("db", Level.BROKEN, stack="shop"),
        service("app", stack="blog"),
        service("stray", Level.DRIFTED),
    )
    assert names(model) == ["db", "web", "stray", "app"]
    assert [model.follows_group(place) for place in range(4)] == [False, True, False, False]
    model.update([service("db", stack="shop")], [])
    assert names(model) == ["stray", "app", "db", "web"]
    model.update([service("app", Level.BROKEN, stack="blog")], [])
    assert names(model) == ["app", "stray", "db", "web"]


def test_a_group_begins_with_its_worst_row() -> None:
    model = filled(service("db", stack="shop"), service("web", stack="shop"), service("app", stack="blog"))
    model.update([service("web", Level.BROKEN, stack="shop")], [])
    assert names(model) == ["web", "db", "app"]
    assert [model.follows_group(place) for place in range(3)] == [False, True, False]
    model.update([service("web", stack="shop")], [])
    assert names(model) == ["app", "db", "web"]


def test_a_column_is_sorted_by_its_values_and_rows_without_one_are_last_both_ways() -> None:
    model = filled(service("a", memory=9), service("b", memory=100), service("c"), service("d", memory=20))
    model.sort_column = "memory"
    model.reorder()
    assert names(model) == ["a", "d", "b", "c"]
    model.reverse = True
    model.reorder()
    assert names(model) == ["b", "d", "a", "c"]


def test_an_equal_row_with_another_hidden_value_moves_but_is_not_different() -> None:
    model = RowModel(COLUMNS)
    one = service("a", memory=10.1)
    model.replace([one, service("b", memory=10.2)])
    model.sort_column = "memory"
    model.reorder()
    assert model.update([service("a", memory=10.3)], []) == ()
    assert names(model) == ["b", "a"]


def test_only_real_differences_are_reported() -> None:
    model = filled(service("a"), service("b"))
    different = model.update([service("a"), service("b", Level.OFF), service("c")], [])
    assert [(old.level if old else None, new.ref.name) for old, new in different] == [(Level.WELL, "b"), (None, "c")]


def test_many_random_changes_end_in_the_same_order_as_a_fresh_list() -> None:
    chance = random.Random(7)
    for column in (None, "memory", "name"):
        model = RowModel(COLUMNS)
        model.sort_column = column
        for _ in range(300):
            stack = chance.choice(["", "s", "t"])
            name = str(chance.randrange(20))
            changed = [service(name, chance.choice(list(Level)), stack=stack, memory=chance.choice([None, 1.0, 5.0]))]
            removed = [chance.choice(model.shown)] if model.shown and chance.random() < 0.3 else []
            model.update(changed, removed)
            fresh = RowModel(COLUMNS)
            fresh.sort_column = column
            fresh.replace(model.rows.values())
            assert model.shown == fresh.shown
            assert model.index == {ref: place for place, ref in enumerate(model.shown)}


def test_marks_are_forgotten_with_their_rows() -> None:
    model = filled(service("a"), service("b"), service("c"), service("d"))
    refs = list(model.shown)
    model.toggle_mark(refs[0])
    model.mark_up_to(refs[2])
    assert model.marked == set(refs[:3])
    model.update([], [refs[1]])
    model.replace([service("a"), service("d")])
    assert model.marked == {refs[0]}
    kept = model.marked
    model.toggle_mark(refs[0])
    assert kept == {refs[0]} and model.marked == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["emby", "grafana", "immich"]),
        ("GRAF", ["grafana"]),
        ("m emby", ["emby"]),
        ("!emby", ["grafana", "immich"]),
        ("i !immich", []),
        ("/^(emby|imm)/", ["emby", "immich"]),
        ("broken", ["grafana"]),
        ("-l app=immich", ["immich"]),
        ("!", ["emby", "grafana", "immich"]),
        ("/", []),
        ("[", []),
    ],
)
def test_filters(text: str, found: list[str]) -> None:
    searches = {"emby": "emby well", "grafana": "grafana broken", "immich": "immich well app=immich"}
    parsed = RowFilter.parse(text)
    assert [name for name, search in searches.items() if parsed.matches(search)] == found
    assert parsed.problem == ""


def test_a_wrong_expression_says_so_and_hides_nothing() -> None:
    parsed = RowFilter.parse("/(/")
    assert parsed.problem.startswith("not a regular expression: ")
    assert parsed.passes_all and parsed.matches("anything")
