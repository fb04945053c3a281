"""The actions of retiring a Compose stack: done, undone, half done, and with others about."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.core.clock import SystemClock
from labtui.core.migration.action import Seen
from labtui.core.migration.gitops.retire import MARK, Drain, Mark, RestartOff, StopStack
from labtui.domain.errors import OutcomeUnknown, Refused
from tests.unit.core.fakes import ref
from tests.unit.core.migration.world import APPS, LIST, PLANNED, Estate


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    found = Estate(tmp_path)
    found.cluster.values = {**PLANNED, "workload": True, "traffic": "kubernetes"}
    return found


def drain(estate: Estate, limit: float = 30) -> Drain:
    return Drain("wroclaw", "shop", estate.world, estate.compose, SystemClock(), limit, estate.time.pace())


def stop(estate: Estate) -> StopStack:
    return StopStack("wroclaw", "shop", estate.compose, estate.world, estate.time.pace())


def test_connections_may_end_by_themselves(estate: Estate) -> None:
    estate.compose.left = [3, 3, 1, *[0] * 9]
    action = drain(estate)
    assert action.look({}).seen is Seen.NOT_DONE
    data = action.do({}, estate.report)
    assert data["left"] == 0 and 2 <= estate.time.now < 30
    assert action.look(data).seen is Seen.DONE
    assert any(words.startswith("3 connections to the containers; waiting") for words in estate.said)


def test_the_operators_limit_ends_the_wait(estate: Estate) -> None:
    estate.compose.left = [2]
    assert drain(estate).do({}, estate.report)["left"] == 2
    assert estate.time.now == pytest.approx(30) and "the limit of 30 s is reached: 2 connections" in estate.said[-1]


def test_connections_that_cannot_be_counted_are_waited_for_to_the_limit(estate: Estate) -> None:
    estate.compose.left = [None]
    assert drain(estate, 8).do({}, estate.report)["left"] == -1
    assert estate.time.now == pytest.approx(8)


def test_nothing_is_drained_while_something_leads_to_docker(estate: Estate) -> None:
    estate.cluster.values["traffic"] = "both"
    with pytest.raises(OutcomeUnknown, match="Did not see the traffic go to Kubernetes"):
        drain(estate).do({}, estate.report)
    assert drain(estate).look({"drained": True}).seen is Seen.CHANGED


def test_restart_policies_go_off_and_come_back_as_they_were(estate: Estate) -> None:
    action = RestartOff("wroclaw", "shop", estate.compose)
    former = dict(estate.compose.policies)
    look = action.look({})
    assert look.seen is Seen.NOT_DONE and look.data == {"policies": former}
    data = action.do({}, estate.report)
    assert set(estate.compose.policies.values()) == {"no"} and data == {"policies": former}
    assert action.look(data).seen is Seen.DONE
    assert action.do(data, estate.report) == data  # again, with what the journal has
    action.undo(data, estate.report)
    assert estate.compose.policies == former
    calls = len(estate.compose.calls)
    action.undo(data, estate.report)
    assert len(estate.compose.calls) == calls


def test_a_half_done_change_of_policies_keeps_what_they_were(estate: Estate) -> None:
    action = RestartOff("wroclaw", "shop", estate.compose)
    former = dict(estate.compose.policies)
    begun = action.look({}).data
    estate.compose.policies["shop-web-1"] = "no"  # then it was killed
    assert action.look(begun).seen is Seen.NOT_DONE
    assert action.do(begun, estate.report) == {"policies": former}


def test_the_stack_is_stopped_and_started_again(estate: Estate) -> None:
    action = stop(estate)
    estate.compose.state["once"] = "exited"
    assert action.look({}).data == {"services": ["cache", "web"]}
    data = action.do({}, estate.report)
    assert data == {"services": ["cache", "web"]} and set(estate.compose.state.values()) == {"exited"}
    assert action.look(data).seen is Seen.DONE
    assert action.do(data, estate.report) == data and estate.compose.calls == ["stop"]
    action.undo(data, estate.report)
    assert estate.compose.state == {"web": "running", "cache": "running", "once": "exited"}
    assert action.look(data).seen is Seen.NOT_DONE
    action.undo(data, estate.report)
    assert estate.compose.calls == ["stop", "up cache web"]


def test_a_stack_that_does_not_come_back_is_told(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    action = stop(estate)
    data = action.do({}, estate.report)
    monkeypatch.setattr(estate.compose, "run", lambda *_: None)
    with pytest.raises(OutcomeUnknown, match="Did not see the stack running and healthy") as unknown:
        action.undo(data, estate.report)
    assert "cache exited" in unknown.value.detail


def test_a_stack_that_something_leads_to_is_not_stopped(estate: Estate) -> None:
    estate.cluster.values["traffic"] = "both"
    with pytest.raises(Refused, match="Traffic still goes to Docker"):
        stop(estate).do({}, estate.report)
    assert estate.compose.calls == []


def test_git_says_where_the_stack_went(estate: Estate) -> None:
    estate.run("route")
    before = estate.repo.text(LIST)
    action = Mark("wroclaw", "shop", estate.commits, estate.layout, estate.follow, ref("apps"))
    assert action.look({}).seen is Seen.NOT_DONE
    data = action.do({}, estate.report)
    assert f"{MARK}: from wroclaw/shop by wroclaw-shop-20260101-120000" in estate.repo.text(LIST)
    assert estate.repo.text(LIST).startswith(APPS) and action.look({}).data == data
    assert action.do({}, estate.report) == data and estate.repo.log()[0] == "shop: retired from Docker in wroclaw"
    action.undo({}, estate.report)
    assert estate.repo.text(LIST) == before and action.look(data).seen is Seen.NOT_DONE
    log = estate.repo.log()
    action.undo(data, estate.report)
    assert estate.repo.log() == log


def test_a_mark_in_the_midst_of_later_changes_is_taken_out(estate: Estate) -> None:
    estate.run("route")
    action = Mark("wroclaw", "shop", estate.commits, estate.layout, estate.follow, ref("apps"))
    data = action.do({}, estate.report)
    text = estate.repo.text(LIST)
    line = next(line for line in text.splitlines() if MARK in line)
    estate.repo.somebody({LIST: text.replace(line, f"{line} # see the wiki")})
    action.undo(data, estate.report)
    assert MARK not in estate.repo.text(LIST) and "name: shop" in estate.repo.text(LIST)


def test_another_migrations_mark_is_a_question(estate: Estate) -> None:
    estate.run("route")
    action = Mark("wroclaw", "shop", estate.commits, estate.layout, estate.follow, ref("apps"))
    action.do({}, estate.report)
    estate.repo.somebody({LIST: estate.repo.text(LIST).replace("from wroclaw/shop", "from kyiv/shop")})
    assert action.look({}).seen is Seen.CHANGED
