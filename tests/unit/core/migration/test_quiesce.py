"""Data that stays in place: which stacks, the guard of the one writer, and every failure taken back by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labtui.core.migration.action import Action, Seen
from labtui.core.migration.baseline import answered_by_pods
from labtui.core.migration.gitops.law import Writers, writers_in_place
from labtui.core.migration.gitops.plan import ON_DOCKER, ON_KUBERNETES, WITH_PODS, Moving
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.errors import LabError, MustUndo, Refused, Unreachable
from labtui.domain.migration.journal import State
from labtui.domain.migration.steps import StepName
from labtui.ports.stacks import DataUser
from tests.unit.core.migration.kept import INGRESS, PLACE, VOLUMES, Host, Kept
from tests.unit.core.migration.test_quiesce_crashes import WHERE, Stage
from tests.unit.core.migration.world import PLANNED

BACKUP = DataUser("backup", "", "", PLACE, running=True, writes=True)


@pytest.fixture
def host() -> Host:
    return Host()


def go(kept: Kept, *names: str) -> None:
    """Do these actions of the step quiesce."""
    for name in names:
        action = kept.named(name)
        action.do(action.look({}).data, kept.host.report)


def test_who_has_what_is_written_in_place() -> None:
    assert writers_in_place(VOLUMES) == Writers((PLACE,), ("db", "reader"))
    copied = [replace(v, kept=False) for v in VOLUMES]
    read = [replace(v, writer=False) for v in VOLUMES]
    assert writers_in_place(copied) == writers_in_place(read) == Writers((), ())


def test_a_stack_with_one_writer_goes_by_way_of_quiesce_as_a_whole(host: Host) -> None:
    moving = Kept(host).moving
    assert moving.in_place and not moving.stateless
    assert [a.name for a in moving.workload()] == ["route"]
    assert [a.name for a in moving.quiesce()] == ["restart policy", "stop", "pods"]
    assert {a.step for a in moving.quiesce()} == {StepName.QUIESCE}
    assert [a.name for a in moving.cut_over()] == ["kubernetes"]


@pytest.mark.parametrize("becomes", ["pvc", "nfs", "hostPath"])
def test_what_would_have_to_be_copied_stays_refused(host: Host, becomes: str) -> None:
    kept = Kept(host)
    moved = PlannedVolume("web", "/copy", "copy", False, becomes, writer=True)
    moving = replace(kept.moving, volumes=(*VOLUMES, moved))
    (refusal,) = moving.workload()
    with pytest.raises(Refused, match="cannot be moved yet") as refused:
        refusal.do({}, host.report)
    assert "web:/copy" in refused.value.detail and "db:/data" not in refused.value.detail
    assert moving.quiesce() == () and not moving.in_place


def test_without_anybody_who_stops_the_containers_it_is_refused(host: Host) -> None:
    moving = replace(Kept(host).moving, docker=None)
    (refusal,) = moving.workload()
    with pytest.raises(Refused, match="cannot be moved yet"):
        refusal.do({}, host.report)


def test_what_is_left_behind_or_only_read_needs_no_quiesce(host: Host) -> None:
    volumes = (
        PlannedVolume("cache", "/cache", "cache", False, "emptyDir"),
        PlannedVolume("web", "/media", "/srv/media", True, "nfs", kept=True),
    )
    kept = Kept(host)
    moving = Moving("shop", PLANNED, volumes, kept.moving.delivery, kept.world, kept.moving.docker)
    assert [a.name for a in moving.workload()] == ["route", "pods"] and moving.quiesce() == ()
    assert [a.name for a in moving.cut_over()] == ["both", "kubernetes"]


def test_pods_do_not_start_while_a_container_has_the_data(host: Host) -> None:
    kept = Kept(host)
    host.stand = ON_DOCKER
    with pytest.raises(MustUndo, match="containers have their data") as refused:
        go(kept, "pods")
    assert "shop-db-1 of shop has /srv/shop/data" in refused.value.detail
    assert host.stand == ON_DOCKER and host.done == []


def test_containers_do_not_start_while_a_pod_may_be_there(host: Host) -> None:
    kept = Kept(host)
    host.stand = ON_DOCKER
    go(kept, "restart policy", "stop", "pods")
    stop = kept.named("stop")
    for stand, leaving in ((WITH_PODS, 0), (ON_KUBERNETES, 0), (ON_DOCKER, 10_000)):
        host.stand, host.leaving = stand, leaving
        with pytest.raises(Refused, match="containers were not started"):
            stop.undo({"ran": ["db"]}, host.report)
        assert host.state["db"] == "exited"
    host.leaving = 3
    stop.undo({"ran": ["db"]}, host.report)
    assert host.state["db"] == "running" and host.leaving == 0 and host.violations == []
    assert any("pod db-0 is there" in line for line in host.said)


def test_a_container_that_is_no_part_of_the_stack_is_told_before_anything_is_touched(host: Host) -> None:
    kept = Kept(host)
    host.others = [BACKUP]
    for name in ("restart policy", "stop"):
        with pytest.raises(Refused, match="Other containers write") as refused:
            go(kept, name)
        assert "backup has /srv/shop/data" in refused.value.detail and not isinstance(refused.value, MustUndo)
    assert host.done == []
    host.others = [replace(BACKUP, writes=False), replace(BACKUP, running=False)]
    go(kept, "restart policy", "stop")
    assert host.state["db"] == "exited"


def test_pods_and_a_container_that_somebody_started_are_not_done(host: Host) -> None:
    kept = Kept(host)
    host.stand = ON_DOCKER
    go(kept, "restart policy", "stop", "pods")
    over = next(a for a in kept.actions() if a.step is StepName.CUT_OVER)
    data = over.do({}, host.report)
    looks = [(kept.named("pods"), {}), (over, data)]
    assert all(action.look(given).seen is Seen.DONE for action, given in looks)
    host.others = [BACKUP]
    for action, given in looks:
        look = action.look(given)
        assert look.seen is Seen.NOT_DONE and "backup has" in look.words  # not CHANGED: the way back stays open
        assert "never have the data both" in look.firm  # and no person can accept it
    assert kept.named("stop").look({}).firm
    kept.named("pods").undo({}, host.report)
    assert host.stand == ON_DOCKER


def test_a_container_that_is_started_while_the_pods_start_takes_them_back(host: Host) -> None:
    kept = Kept(host)
    host.stand = ON_DOCKER
    go(kept, "restart policy", "stop")
    host.tick = lambda where: host.others.append(BACKUP) if where.startswith("after shop: pods") else None
    with pytest.raises(MustUndo, match="have the data that pods write"):
        go(kept, "pods")


def test_an_engine_that_is_away_for_a_moment_is_waited_for_and_then_not_guessed_at(host: Host) -> None:
    kept = Kept(host)
    host.stand = ON_DOCKER
    go(kept, "restart policy", "stop")
    gone = Unreachable("The engine does not answer", "connection refused")
    host.away = [gone] * 3
    go(kept, "pods")
    assert host.stand == WITH_PODS and host.away == []
    host.stand, host.away = ON_DOCKER, [gone] * 1000
    with pytest.raises(MustUndo, match="does not answer"):
        go(kept, "pods")
    assert host.stand == ON_DOCKER


def failing(tmp_path: Path, spoil: str) -> tuple[Stage, LabError]:
    """A migration with something wrong."""
    stage = Stage(tmp_path)
    host = stage.host
    process = stage.process()

    def actions(*_: object) -> tuple[Action, ...]:
        kept = Kept(host)
        if spoil == "answers":
            kept.prober.pods_say = "no shop here"
        return kept.actions()

    process._actions_for = actions
    host.sick = spoil == "sick"
    host.refuses_stop = spoil == "stop"
    with pytest.raises(MustUndo) as failed:
        process.migrate(*WHERE, None, lambda progress: None)
    return stage, failed.value


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("answers", "another body (5 bytes on Docker, 12 on Kubernetes)"),
        ("sick", "no such table"),
        ("stop", "no such thing"),
    ],
)
def test_whatever_goes_wrong_while_users_wait_is_taken_back_by_itself(tmp_path: Path, spoil: str, words: str) -> None:
    stage, error = failing(tmp_path, spoil)
    assert words in error.detail and "taken back by itself" in error.detail
    assert stage.whole() is State.RUNNING  # with its route, all on Docker
    assert stage.host.violations == []
    assert "labtui migration resume" in error.hint


def test_the_way_back_brings_up_what_ran_and_nothing_else(host: Host) -> None:
    kept = Kept(host)
    host.state["reader"] = "exited"
    stop = kept.named("stop")
    data = stop.do(stop.look({}).data, host.report)
    assert data == {"ran": ["cache", "db", "web"]}
    stop.undo(data, host.report)
    assert host.state == {"cache": "running", "db": "running", "reader": "exited", "web": "running"}


def test_the_undo_of_retire_starts_nothing_beside_pods(host: Host) -> None:
    kept = Kept(host)
    host.stand = ON_KUBERNETES
    host.state = dict.fromkeys(host.state, "exited")
    retire = next(a for a in kept.actions() if a.step is StepName.RETIRE and a.name == "stop")
    retire.undo({"services": ["web"]}, host.report)  # docker compose up would start the database with it
    retire.undo({}, host.report)
    assert host.done == [] and "nothing is started" in host.said[-1]


def test_users_are_answered_by_pods_when_the_ingress_has_heard_of_them(host: Host) -> None:
    kept = Kept(host)
    assert answered_by_pods(kept.prober, lambda: None) == ""
    host.stand = ON_KUBERNETES
    assert answered_by_pods(kept.prober, lambda: INGRESS) == ""
    host.sick = True
    assert answered_by_pods(kept.prober, lambda: INGRESS) == "status 502"
    over = next(a for a in kept.actions() if a.step is StepName.CUT_OVER)
    host.state = dict.fromkeys(host.state, "exited")
    with pytest.raises(MustUndo):
        over.do({}, host.report)
