"""Workload and cut over through git: each action forward, twice, half done, back, and with others about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.core.migration.action import Seen
from labtui.core.migration.gitops.plan import Moving
from labtui.core.migration.gitops.values import Stand
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.errors import LabError, MustUndo, OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application, AutoSync
from labtui.ports import Commit
from labtui.ports.stacks import PodState, SliceState
from tests.unit.core.migration.world import APPS, HOST, LIST, PLANNED, VALUES, Estate, Repo

ORDER = ("route", "pods", "both", "kubernetes")
MESSAGES = [
    "shop: traffic to Kubernetes",
    "shop: traffic to both sides",
    "shop: pods beside Docker",
    "shop: a route to Docker",
    "the beginning",
]


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return Estate(tmp_path)


def values(repo: Repo) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(repo.text(VALUES))
    return found


def test_a_stack_moves_in_four_small_commits_and_back_by_their_reverts(estate: Estate) -> None:
    done = estate.run(*ORDER)
    assert estate.repo.log() == MESSAGES
    assert values(estate.repo) == {**PLANNED, "workload": True, "traffic": "kubernetes"}
    assert estate.repo.text(LIST).startswith(APPS) and "name: shop" in estate.repo.text(LIST)
    assert {s.manager for s in estate.cluster.slices("shop")} == {"endpointslice-controller.k8s.io"}
    author = estate.repo.git(estate.repo.bare, "log", "-1", "--format=%an|%b", "main")
    assert author == "Ada|Labtui-Migration: wroclaw-shop-20260101-120000\nLabtui-Action: kubernetes"

    for name in reversed(ORDER):
        estate.actions()[name].undo(done[name], estate.report)
        assert estate.actions()[name].look(done[name]).seen is Seen.NOT_DONE
    assert estate.repo.text(LIST) == APPS and not estate.repo.there(VALUES)
    assert estate.cluster.slices("shop") == () and estate.argo.known == {"emby"}
    assert estate.repo.log()[:5] == [
        "shop: no route",
        "shop: nothing left of its route",
        "shop: no pods",
        "shop: traffic to Docker",
        "shop: traffic to both sides",
    ]


def test_doing_and_undoing_twice_changes_nothing_more(estate: Estate) -> None:
    for name in ORDER:
        action = estate.actions()[name]
        first = action.do({}, estate.report)
        log = estate.repo.log()
        assert action.do(first, estate.report) == first == action.do({}, estate.report)
        assert estate.repo.log() == log
    for name in reversed(ORDER):
        action = estate.actions()[name]
        action.undo({}, estate.report)  # the journal was lost: git remembers
        log = estate.repo.log()
        action.undo({}, estate.report)
        assert estate.repo.log() == log
    assert estate.repo.text(LIST) == APPS


def test_three_times_there_and_back(estate: Estate) -> None:
    for _ in range(3):
        done = estate.run(*ORDER)
        for name in reversed(ORDER):
            estate.actions()[name].undo(done[name], estate.report)
    assert estate.repo.text(LIST) == APPS and not estate.repo.there(VALUES)


def test_an_undo_of_what_was_never_done_changes_nothing(estate: Estate) -> None:
    estate.run("route", "pods")
    log = estate.repo.log()
    for name in ("kubernetes", "both"):
        estate.actions()[name].undo({}, estate.report)
    assert estate.repo.log() == log


def test_a_pushed_commit_that_the_cluster_does_not_show_yet_is_half_done(estate: Estate) -> None:
    done = estate.run("route", "pods")
    before = dict(estate.cluster.values)
    both = estate.actions()["both"]
    data = both.do({}, estate.report)
    estate.cluster.values = before  # as if labtui had been killed right after the push
    look = both.look({})
    assert look.seen is Seen.NOT_DONE and look.data["commit"] == data["commit"]
    assert "Service web has no ready pod behind it" in look.words
    log = estate.repo.log()
    assert both.do({}, estate.report)["commit"] == data["commit"] and estate.repo.log() == log
    assert both.look({}).seen is Seen.DONE
    assert done["pods"]["commit"]


def test_a_pushed_revert_that_argo_cd_has_not_seen_is_half_undone(estate: Estate) -> None:
    done = estate.run(*ORDER)
    estate.commits.revert(done["kubernetes"]["commit"], "shop: traffic to both sides", "kubernetes", estate.report)
    action = estate.actions()["kubernetes"]  # labtui was killed here: git is back, the cluster is not
    assert action.look(done["kubernetes"]).seen is Seen.NOT_DONE
    log = estate.repo.log()
    action.undo(done["kubernetes"], estate.report)
    assert estate.repo.log() == log and estate.cluster.values["traffic"] == "both"


def test_what_others_changed_stops_the_next_step_and_not_the_way_back(estate: Estate) -> None:
    done = estate.run("route", "pods", "both")
    estate.repo.somebody({VALUES: estate.repo.text(VALUES).replace("redis:7", "redis:8")}, "newer redis")
    assert estate.actions()["kubernetes"].look({}).seen is Seen.CHANGED
    assert estate.actions()["both"].look(done["both"]).seen is Seen.DONE
    estate.actions()["both"].undo(done["both"], estate.report)
    assert values(estate.repo)["components"]["cache"]["image"] == "redis:8"


def test_an_answer_that_was_asked_for_before_the_limit_is_not_the_last_word(estate: Estate) -> None:
    estate.run("route", "pods")
    estate.cluster.values = {**estate.cluster.values, "traffic": "both"}
    real = estate.cluster.slices

    def slices(namespace: str) -> tuple[SliceState, ...]:
        ready = estate.time.now > 70  # as it was when the question came in; the answer takes 45 s
        estate.time.now += 45
        return tuple(s for s in real(namespace) if ready or s.manager == "labtui.dev")

    estate.cluster.slices = slices  # type: ignore[method-assign]
    estate.time.now = 0
    estate.world.await_traffic(Stand(True, "both"), estate.report)
    assert estate.time.now > 90


def test_an_own_values_file_keeps_its_comments_and_its_words(estate: Estate) -> None:
    text = "# mine\n" + yaml.safe_dump({k: v for k, v in PLANNED.items() if k not in ("workload", "traffic")})
    text = text.replace("image: web:1", "image: web:2 # newer")
    entry = APPS.split("      # another one\n")[1].replace("emby", "shop")
    estate.repo.somebody({VALUES: text + "workload: false # as it was\n", LIST: APPS + entry})
    estate.run(*ORDER)
    now = estate.repo.text(VALUES)
    assert now.startswith("# mine\n") and "image: web:2 # newer" in now and "workload: true # as it was" in now
    assert "traffic: kubernetes" in now
    assert estate.repo.log()[:3] == MESSAGES[:3]  # it had its route


def test_others_may_push_what_is_theirs_meanwhile(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    estate.run("route", "pods")
    real = estate.repo.files.write
    pushed: list[str] = []

    def write(base: str, files: Mapping[str, str | None], message: str) -> Commit:
        if not pushed:
            pushed.append(estate.repo.somebody({"README.md": "hello\n"}))
        return real(base, files, message)

    monkeypatch.setattr(estate.repo.files, "write", write)
    estate.run("both")
    assert estate.repo.log()[:2] == ["shop: traffic to both sides", "something else"]
    assert "somebody pushed to git meanwhile; looking again" in estate.said


def test_others_who_push_the_same_file_meanwhile_stop_it(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    estate.run("route", "pods")
    real = estate.repo.files.write

    def write(base: str, files: Mapping[str, str | None], message: str) -> Commit:
        estate.repo.somebody({VALUES: estate.repo.text(VALUES).replace("web:1", "web:2")}, "newer web")
        return real(base, files, message)

    monkeypatch.setattr(estate.repo.files, "write", write)
    with pytest.raises(Refused, match="Somebody changed") as refused:
        estate.actions()["both"].do({}, estate.report)
    assert "newer web" in refused.value.detail and "Eve" in refused.value.detail
    monkeypatch.undo()
    look = estate.actions()["both"].look({})
    assert look.seen is Seen.CHANGED and '"newer web" by Eve' in look.words
    # a person who has looked goes on
    estate.actions()["both"].do({}, estate.report)
    assert values(estate.repo)["traffic"] == "both" and values(estate.repo)["components"]["web"]["image"] == "web:2"


def test_a_value_that_somebody_turned_is_noticed(estate: Estate) -> None:
    estate.run("route", "pods")
    text = estate.repo.text(VALUES).replace("traffic: docker", "traffic: kubernetes")
    estate.repo.somebody({VALUES: text}, "by hand")
    assert estate.actions()["both"].look({}).seen is Seen.CHANGED


def test_a_slice_that_somebody_took_away_is_noticed(estate: Estate) -> None:
    estate.run("route", "pods")
    estate.cluster.values = {**estate.cluster.values, "traffic": "kubernetes"}
    look = estate.actions()["both"].look({})
    assert look.seen is Seen.CHANGED and "Service web does not lead to Docker" in look.words


def test_later_commits_in_the_way_of_an_undo_say_what_to_do(estate: Estate) -> None:
    done = estate.run("route", "pods", "both")
    text = estate.repo.text(VALUES).replace("traffic: both", "traffic: both # stay")
    estate.repo.somebody({VALUES: text}, "a remark")
    with pytest.raises(Refused, match="later commits changed the same lines") as refused:
        estate.actions()["both"].undo(done["both"], estate.report)
    assert "git revert" in refused.value.hint


def test_an_undo_takes_back_its_own_lines_alone(estate: Estate) -> None:
    done = estate.run("route", "pods", "both")
    estate.repo.somebody({VALUES: estate.repo.text(VALUES).replace("redis:7", "redis:8")}, "newer redis")
    estate.actions()["both"].undo(done["both"], estate.report)
    assert values(estate.repo)["traffic"] == "docker"
    assert values(estate.repo)["components"]["cache"]["image"] == "redis:8"


def test_a_lost_answer_is_looked_for_at_the_remote(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    estate.run("route", "pods")
    real = estate.repo.files.write

    def write(base: str, files: Mapping[str, str | None], message: str) -> Commit:
        real(base, files, message)
        raise OutcomeUnknown("git push got no answer")

    monkeypatch.setattr(estate.repo.files, "write", write)
    data = estate.actions()["both"].do({}, estate.report)
    assert data["commit"] == estate.repo.files.head() and estate.repo.log()[0] == "shop: traffic to both sides"
    monkeypatch.setattr(estate.repo.files, "write", lambda *_: (_ for _ in ()).throw(OutcomeUnknown("no answer")))
    with pytest.raises(OutcomeUnknown):
        estate.actions()["kubernetes"].do({}, estate.report)


def test_pods_that_crash_say_their_last_words(estate: Estate) -> None:
    estate.run("route")
    estate.cluster.sick = PodState("web-1", "web", False, "CrashLoopBackOff", 4, True, "back-off 10s")
    with pytest.raises(MustUndo, match="The pod web-1 does not become ready") as refused:
        estate.actions()["pods"].do({}, estate.report)
    assert "CrashLoopBackOff; back-off 10s; started 5 times" in refused.value.detail
    assert "no such database ·[31m" in refused.value.detail and "\x1b" not in str(refused.value)
    estate.actions()["pods"].undo({}, estate.report)  # what the engine does then
    assert not values(estate.repo)["workload"] and estate.actions()["pods"].look({}).seen is Seen.NOT_DONE


def test_pods_that_are_never_ready_are_given_up_in_time(estate: Estate) -> None:
    estate.run("route")
    estate.cluster.sick = PodState("web-1", "web", False, "Running", 0, False, "readiness probe failed")
    with pytest.raises(MustUndo, match="does not become ready") as refused:
        estate.actions()["pods"].do({}, estate.report)
    assert "not ready within 60 s" in refused.value.detail


def test_the_way_back_does_not_wait_for_pods(estate: Estate) -> None:
    done = estate.run(*ORDER)
    estate.cluster.sick = PodState("web-1", "web", False, "CrashLoopBackOff", 4, True)
    for name in ("kubernetes", "both", "pods"):
        estate.actions()[name].undo(done[name], estate.report)
    found = estate.cluster.slices("shop")
    assert {(s.service, s.manager, s.ready) for s in found} == {
        ("web", "labtui.dev", (HOST,)),
        ("shop-web", "labtui.dev", (HOST,)),
    }


def test_traffic_does_not_move_before_the_pods_are_behind_the_service(estate: Estate) -> None:
    estate.run("route", "pods", "both")
    estate.cluster.sick = PodState("web-1", "web", False, "Running", 0, False)
    with pytest.raises(MustUndo, match="The pod web-1 does not become ready") as caught:
        estate.actions()["kubernetes"].do({}, estate.report)
    assert "Service web has no ready pod behind it" in caught.value.detail and "no such database" in caught.value.detail
    assert estate.repo.log()[0] == "shop: traffic to both sides"


def test_traffic_that_does_not_show_is_taken_back(estate: Estate) -> None:
    estate.run("route", "pods", "both")
    stale = SliceState("web-old", "web", "labtui.dev", (HOST,))  # a controller that is stuck does not take it away
    estate.cluster.extra.append(stale)
    with pytest.raises(MustUndo, match="Did not see the traffic go to Kubernetes in 60 s") as caught:
        estate.actions()["kubernetes"].do({}, estate.report)
    assert caught.value.detail == "Service web still leads to Docker"


def test_nothing_is_taken_back_when_docker_is_not_behind_the_service_before_the_first_move(estate: Estate) -> None:
    estate.run("route", "pods")
    both = estate.actions()["both"]
    estate.cluster.values = {**estate.cluster.values, "traffic": "kubernetes"}  # the cluster is not as git says
    with pytest.raises(Refused, match="does not go to Docker as it should") as caught:
        both.do({}, estate.report)
    assert "Service web does not lead to Docker" in caught.value.detail and "Nothing was moved" in caught.value.hint
    assert estate.repo.log()[0] == "shop: pods beside Docker"


@pytest.mark.parametrize(
    "silent", [Unreachable("no answer", "connection refused"), SignedOut("expired", "token expired")]
)
def test_a_cluster_that_is_silent_to_the_end_leaves_it_unknown(estate: Estate, silent: LabError) -> None:
    estate.run("route", "pods")
    both = estate.actions()["both"]
    real = estate.argo.refresh

    def refresh(ref: Ref, *, hard: bool = False) -> Application:
        found = real(ref)
        if estate.cluster.values["traffic"] == "both":
            estate.cluster.fail = silent
        return found

    estate.argo.refresh = refresh  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown) as caught:
        both.do({}, estate.report)
    assert not isinstance(caught.value, MustUndo) and silent.detail in caught.value.detail
    assert "a resume looks again" in caught.value.hint and estate.time.now >= 90
    estate.cluster.fail, estate.argo.refresh = None, real  # type: ignore[method-assign]
    assert both.do({}, estate.report)["commit"]  # and so it does


def test_a_slow_cluster_is_judged_by_an_answer_after_the_limit(estate: Estate) -> None:
    """Each answer takes 25 s and every second one is lost; the pods are ready after 70 s, the limit is 60."""
    estate.run("route", "pods")
    asked: list[float] = []
    real = estate.cluster.slices

    def slices(namespace: str) -> tuple[SliceState, ...]:
        asked.append(estate.time.now)
        estate.time.now += 25
        if len(asked) % 2:
            raise Unreachable("no answer", "timed out")
        found = real(namespace)
        return found if estate.time.now > 70 else tuple(s for s in found if s.manager == "labtui.dev")

    estate.cluster.slices = slices  # type: ignore[method-assign]
    estate.world.await_traffic(Stand(True, "docker"), estate.report)
    asked.clear()
    estate.time.now = 0
    estate.cluster.values = {**estate.cluster.values, "traffic": "both"}
    estate.world.await_traffic(Stand(True, "both"), estate.report)
    assert estate.time.now > 70


def test_a_sync_that_fails_says_why(estate: Estate) -> None:
    estate.run("route", "pods")
    estate.argo.broken = "one or more objects failed to apply"
    with pytest.raises(MustUndo, match="Argo CD could not sync shop") as refused:
        estate.actions()["both"].do({}, estate.report)
    assert "failed to apply" in refused.value.detail


def test_where_auto_sync_is_off_it_syncs_by_itself(estate: Estate) -> None:
    estate.argo.auto = AutoSync(True, False, True, True)
    estate.run(*ORDER)
    assert estate.argo.calls.count("sync") == 4
    assert any("auto-sync is off" in words for words in estate.said)


def test_a_cluster_that_is_away_for_a_while_is_waited_for(estate: Estate) -> None:
    estate.run("route", "pods")
    both = estate.actions()["both"]
    estate.cluster.fail = Unreachable("no answer", "connection refused")
    estate.time.each.append(
        lambda: setattr(estate.cluster, "fail", None if estate.time.now > 20 else estate.cluster.fail)
    )
    both.do({}, estate.report)
    assert "the cluster does not answer (connection refused); still looking" in estate.said
    assert "the cluster answers again" in estate.said and estate.time.now > 20


@pytest.mark.parametrize("becomes", ["pvc", "hostPath", "nfs"])
def test_a_stack_whose_data_would_have_to_be_copied_is_refused(estate: Estate, becomes: str) -> None:
    volumes = [PlannedVolume("db", "/var/lib/db", "data", False, becomes, writer=True)]
    moving = Moving("shop", PLANNED, volumes, estate.delivery, estate.world)
    (action,) = moving.workload()
    with pytest.raises(Refused, match="cannot be moved yet") as refused:
        action.do({}, estate.report)
    assert "db:/var/lib/db" in refused.value.detail and len(estate.repo.log()) == 1
    read_only = [PlannedVolume("db", "/media", "media", True, becomes, writer=False)]
    assert len(Moving("shop", PLANNED, read_only, estate.delivery, estate.world).workload()) == 2


def test_a_stack_that_writes_goes_over_at_once(estate: Estate) -> None:
    component = {"image": "x:1", "volumes": [{"name": "d", "mountPath": "/d", "pvc": {"size": "1Gi"}}]}
    moving = Moving("shop", {**PLANNED, "components": {"web": component}}, (), estate.delivery, estate.world)
    assert [action.name for action in moving.cut_over()] == ["kubernetes"]
    assert [action.name for action in estate.moving.cut_over()] == ["both", "kubernetes"]
