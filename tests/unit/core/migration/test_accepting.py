"""What each action makes of a change of somebody else that a person has accepted: on top of it, left as it is, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.core.clock import SystemClock
from labtui.core.migration.action import ACCEPTED, Action, Data, Look, Seen
from labtui.core.migration.gitops.retire import MARK, Drain, Mark, StopStack
from labtui.core.migration.gitops.values import Layout, Stand, find_entry, with_entry
from labtui.domain.errors import Refused
from tests.unit.core.fakes import ref
from tests.unit.core.migration.test_applying import Bench, _object
from tests.unit.core.migration.test_secret_actions import BOTH, TOKEN, MemoryVault, act
from tests.unit.core.migration.world import LIST, PLANNED, VALUES, Estate


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path)


def accept(action: Action, then: Seen = Seen.NOT_DONE) -> tuple[Look, dict[str, Any]]:
    """Look, and look again once just that is accepted; the data that `do` is given."""
    asked = action.look({})
    assert asked.seen is Seen.CHANGED and asked.accept and not asked.firm, asked
    assert action.look({ACCEPTED: "another change"}).seen is Seen.CHANGED
    answered = action.look({ACCEPTED: asked.identity})
    assert answered.seen is then, answered
    return asked, {ACCEPTED: asked.identity, **answered.data}


def turned(estate: Estate, **values: Any) -> None:
    """Somebody commits other values, and Argo CD deploys them."""
    text = estate.repo.text(VALUES)
    now = yaml.safe_load(text)
    for name, value in values.items():
        text = text.replace(f"{name}: {str(now[name]).lower()}", f"{name}: {str(value).lower()}")
    estate.repo.somebody({VALUES: text}, "by hand")
    estate.cluster.values = yaml.safe_load(text)


def test_a_commit_of_somebody_else_stays_below(estate: Estate) -> None:
    estate.run("route", "pods")
    estate.repo.somebody({VALUES: estate.repo.text(VALUES).replace("redis:7", "redis:8")}, "newer redis")
    both = estate.actions()["both"]
    asked, given = accept(both)
    assert "newer redis" in asked.words and asked.identity == estate.repo.files.head()
    done = both.do(given, estate.report)
    assert both.look(done).seen is Seen.DONE
    estate.repo.somebody({VALUES: estate.repo.text(VALUES).replace("redis:8", "redis:9")}, "newest redis")
    assert estate.actions()["kubernetes"].look({ACCEPTED: asked.identity}).seen is Seen.CHANGED  # it is another one
    both.undo(done, estate.report)
    values = yaml.safe_load(estate.repo.text(VALUES))
    assert values["traffic"] == "docker" and values["components"]["cache"]["image"] == "redis:9"


def test_a_stand_that_somebody_turned_is_what_the_way_back_leads_to(estate: Estate) -> None:
    estate.run("route", "pods")
    turned(estate, workload=False)
    both = estate.actions()["both"]
    asked, given = accept(both)
    assert "no pods, traffic to Docker" in asked.words and "by hand" in asked.words
    done = both.do(given, estate.report)
    assert estate.cluster.values["workload"] and estate.cluster.values["traffic"] == "both"
    both.undo(done, estate.report)
    assert (estate.cluster.values["workload"], estate.cluster.values["traffic"]) == (False, "docker")


def test_a_stand_that_is_further_already_is_left_as_it_is(estate: Estate) -> None:
    estate.run("route", "pods")
    turned(estate, traffic="kubernetes")
    both = estate.actions()["both"]
    assert both.look({}).seen is Seen.CHANGED
    accept(both, Seen.DONE)
    log = estate.repo.log()
    assert estate.actions()["kubernetes"].look({}).seen is Seen.DONE and estate.repo.log() == log


def test_users_are_not_sent_over_at_once_from_docker(estate: Estate) -> None:
    estate.run("route", "pods", "both")
    turned(estate, traffic="docker")
    look = estate.actions()["kubernetes"].look({})
    assert look.seen is Seen.CHANGED and "nobody has seen that the pods answer" in look.firm
    assert estate.actions()["kubernetes"].look({ACCEPTED: look.identity}).seen is Seen.CHANGED


def test_a_cluster_that_is_not_as_git_says_is_not_built_upon(estate: Estate) -> None:
    estate.run("route", "pods")
    estate.cluster.values = {**estate.cluster.values, "traffic": "kubernetes"}
    look = estate.actions()["both"].look({})
    assert look.seen is Seen.CHANGED and "place that is known" in look.firm


def test_an_undo_of_what_somebody_has_turned_back_already_reverts_nothing(estate: Estate) -> None:
    done = estate.run("route", "pods", "both")
    turned(estate, traffic="docker")
    log = estate.repo.log()
    both = estate.actions()["both"]
    both.undo(done["both"], estate.report)
    assert estate.repo.log() == log and "git is back already: pods, traffic to Docker" in estate.said


# Without Argo CD


def test_objects_that_somebody_took_away_are_applied_again_before_the_traffic_moves() -> None:
    bench = Bench()
    bench.run("route", "pods")
    del bench.server.objects[("EndpointSlice", "web-docker")]
    bench.server._show()
    both = bench.actions["both"]
    asked, given = accept(both)
    assert asked.words == "somebody changed EndpointSlice web-docker" and "labtui applies its own" in asked.accept
    bench.server.calls.clear()
    done = both.do(given, bench.said.append)
    applied = [call for call in bench.server.calls if call == "apply EndpointSlice web-docker"]
    assert len(applied) == 2  # for the stand before, then for this one
    assert both.look(done).seen is Seen.DONE


def test_another_change_of_the_same_object_is_another_question() -> None:
    bench = Bench()
    bench.run("route", "pods")
    spec = bench.server.objects[("Deployment", "web")]["spec"]
    spec["image"] = "web:hacked"
    asked, _ = accept(bench.actions["both"])
    spec["image"] = "web:worse"
    again = bench.actions["both"].look({ACCEPTED: asked.identity})
    assert again.words == asked.words and again.seen is Seen.CHANGED


def test_what_another_field_manager_owns_is_not_applied_over() -> None:
    bench = Bench()
    bench.run("route", "pods")
    bench.server.objects[("Service", "web")] = _object("Service", "web", {"selector": "theirs"})
    bench.server.refuse = "web"
    look = bench.actions["both"].look({})
    assert look.seen is Seen.CHANGED and "another field manager owns" in look.firm


def test_a_noted_stand_of_somebody_else_is_the_new_before() -> None:
    bench = Bench()
    bench.run("route", "pods")
    space = bench.server.objects[("Namespace", "shop")]["metadata"]["annotations"]
    space["labtui.dev/stand"] = "workload=false,traffic=docker"
    both = bench.actions["both"]
    _, given = accept(both)
    assert given["from"] == "workload=false,traffic=docker"
    done: Data = both.do(given, bench.said.append)
    both.undo(done, bench.said.append)
    assert bench.note() == "workload=false,traffic=docker" and ("Deployment", "web") not in bench.server.objects


# Secrets, and what is retired


def test_a_value_of_somebody_else_stays_in_vault_and_the_missing_key_is_added() -> None:
    vault = MemoryVault({"DB_PASSWORD": "theirs"})
    action = act(vault, BOTH)
    asked = action.look({})
    assert asked.seen is Seen.CHANGED and "DB_PASSWORD" in asked.words and "theirs" not in repr(asked)
    _, given = accept(action)
    done = action.do(given, lambda words: None)
    assert vault.alive == {"DB_PASSWORD": "theirs", "API_TOKEN": TOKEN}
    assert action.look({**done, ACCEPTED: asked.identity}).seen is Seen.DONE
    assert action.look(done).identity == asked.identity  # labtui's own version is not another change
    action.undo({**done, ACCEPTED: asked.identity}, lambda words: None)
    assert vault.alive == {"DB_PASSWORD": "theirs"}
    vault.kept.append({"DB_PASSWORD": "other again"})
    assert action.look({ACCEPTED: asked.identity}).seen is Seen.CHANGED


def test_a_note_of_another_migration_is_replaced_and_comes_back(estate: Estate) -> None:
    estate.run("route", "pods")
    text = with_entry(estate.repo.text(LIST), Layout(), "shop", "shop", {MARK: "from kyiv/shop by another"})
    estate.repo.somebody({LIST: text}, "another one's note")
    mark = Mark("wroclaw", "shop", estate.commits, estate.layout, estate.follow, ref("apps"))
    _, given = accept(mark)
    done = mark.do(given, estate.report)
    assert mark.look(done).seen is Seen.DONE
    mark.undo(done, estate.report)
    entry = find_entry(estate.repo.text(LIST), LIST, "shop")
    assert entry is not None and entry.annotations[MARK] == "from kyiv/shop by another"


def test_containers_that_users_are_sent_to_again_are_not_stopped(estate: Estate) -> None:
    estate.cluster.values = {**PLANNED, "workload": True, "traffic": "both"}
    pace = estate.time.pace()
    drain = Drain("wroclaw", "shop", estate.world, estate.compose, SystemClock(), 5, pace)
    assert "not stopped" in drain.look({"drained": True}).firm
    stop = StopStack("wroclaw", "shop", estate.compose, estate.world, pace)
    assert "labtui compose wroclaw/shop stop" in stop.look({"services": ["web"]}).firm  # they run again
    with pytest.raises(Refused, match="Traffic still goes to Docker"):
        stop.do({ACCEPTED: "anything"}, estate.report)


@pytest.mark.parametrize("stand", [Stand(w, t) for w in (True, False) for t in ("docker", "both", "kubernetes")])
def test_a_stand_is_noted_as_one_word(stand: Stand) -> None:
    assert Stand.noted(stand.note) == stand
    assert Stand.noted("traffic=elsewhere") is None is Stand.noted("")
