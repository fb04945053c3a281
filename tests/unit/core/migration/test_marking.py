"""The note on the namespace, in an estate without Argo CD."""

from __future__ import annotations

from labtui.core.migration.action import ACCEPTED, Seen
from labtui.core.migration.gitops.applying import STAND
from labtui.core.migration.gitops.marking import MarkNamespace
from labtui.core.migration.gitops.retire import MARK
from tests.unit.core.migration.test_applying import Server
from tests.unit.core.migration.world import Cluster

ID = "wroclaw-shop-20260101-120000"
THEIRS = "from kyiv/shop by kyiv-shop-20250101-120000"


def quiet(words: str) -> None:
    """Nobody listens."""


def space(server: Server) -> dict[str, str]:
    found: dict[str, str] = server.objects["Namespace", "shop"]["metadata"].get("annotations", {})
    return found


def marked(**notes: str) -> tuple[Server, MarkNamespace]:
    server = Server(Cluster())
    meta = {"name": "shop", "annotations": {STAND: "workload=true,traffic=kubernetes", **notes}}
    server.objects["Namespace", "shop"] = {"kind": "Namespace", "metadata": meta}
    return server, MarkNamespace("wroclaw", "shop", "shop", ID, server)


def test_it_is_noted_beside_the_other_note_and_taken_away_alone() -> None:
    server, action = marked()
    before = dict(space(server))
    assert action.look({}).seen is Seen.NOT_DONE
    data = action.do({}, quiet)
    assert space(server) == {**before, MARK: f"from wroclaw/shop by {ID}"}
    assert action.look(data).seen is Seen.DONE
    action.undo(data, quiet)
    assert space(server) == before
    action.undo(data, quiet)
    assert space(server) == before


def test_another_note_is_a_question_that_can_be_answered() -> None:
    server, action = marked(**{MARK: THEIRS})
    asked = action.look({})
    assert asked.seen is Seen.CHANGED and THEIRS in asked.words and not asked.firm
    accepted = action.look({ACCEPTED: asked.identity})
    assert accepted.seen is Seen.NOT_DONE
    begun = {**accepted.data, ACCEPTED: asked.identity}
    data = action.do(begun, quiet)
    assert action.look(data).seen is Seen.DONE
    action.undo(data, quiet)
    assert space(server)[MARK] == THEIRS
