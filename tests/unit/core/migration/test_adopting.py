"""A route is taken over from an older application and given back: its objects stay the same ones, and git is as it was."""

from __future__ import annotations

from pathlib import Path

from labtui.core.migration.action import Seen
from tests.unit.core.migration.adopting import OLD, OLD_VALUES, TEXT, OldEstate
from tests.unit.core.migration.world import LIST, STACK, VALUES


def test_there_and_back_with_the_same_objects(tmp_path: Path) -> None:
    estate = OldEstate(tmp_path)
    before, listed = estate.route.all("Service"), estate.repo.text(LIST)
    protect, adopt = estate.actions()
    kept = protect.do(protect.look({}).data, estate.report)
    assert protect.look(kept).seen is Seen.DONE and adopt.look({}).seen is Seen.NOT_DONE
    moved = adopt.do(adopt.look({}).data, estate.report)
    assert adopt.look(moved).seen is Seen.DONE and protect.look(kept).seen is Seen.DONE
    assert estate.route.owners == {STACK} and estate.route.made == 3
    adopt.undo(moved, estate.report)
    protect.undo(kept, estate.report)
    assert estate.route.owners == {OLD} and estate.route.made == 3
    assert estate.route.all("Service") == before
    assert estate.repo.text(OLD_VALUES) == TEXT and estate.repo.text(LIST) == listed
    assert not estate.repo.there(VALUES)


def test_values_that_were_there_before_come_back_as_they_were(tmp_path: Path) -> None:
    mine = "# my notes\nresources: {}\n"
    estate = OldEstate(tmp_path, mine)
    protect, adopt = estate.actions()
    kept = protect.do(protect.look({}).data, estate.report)
    moved = adopt.do(adopt.look({}).data, estate.report)
    assert estate.repo.text(VALUES) != mine
    adopt.undo(moved, estate.report)
    protect.undo(kept, estate.report)
    assert estate.repo.text(VALUES) == mine
