"""A whole migration on the demo estate: the real engine and the real actions over the simulated world."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from labtui.demo import Fault
from labtui.demo.migration.prober import SimulatedProbing
from labtui.domain.errors import BudgetExceeded, LabError, MustUndo, Refused, Unreachable
from labtui.domain.migration.journal import Mark, State
from labtui.domain.migration.probes import Load, Side
from labtui.domain.migration.progress import Event, MigrationProgress
from labtui.domain.migration.steps import StepName
from labtui.domain.resources.vault import SecretPath
from tests.unit.demo.moving import Moved, Ways, opened

STEPS = ["plan", "preflight", "backup", "secrets", "workload", "verify", "cut over", "soak", "retire"]
DOCKER, PODS = "labtui.dev", "endpointslice-controller.k8s.io"


@pytest.fixture
def moved(tmp_path: Path) -> Moved:
    return opened(tmp_path)


def test_a_stack_of_two_components_goes_to_kubernetes_and_nobody_notices(moved: Moved) -> None:
    ways = Ways(moved.world, "searxng")
    record = moved.migrate("searxng")
    assert record.state is State.KUBERNETES
    assert [s for s in moved.steps(Event.DONE)] == STEPS
    report = moved.report(record)
    assert report["requests"]["sent"] > 300
    assert (report["requests"]["failed"], report["requests"]["answered"]) == (0, report["requests"]["sent"])
    assert report["requests"]["longest_gap_ms"] < 200
    assert [s["step"] for s in report["steps"]] == STEPS
    assert {p["verdict"] for p in report["paths"]} == {"same"}
    assert all(edge["well"] for edge in report["edges"])
    for side in ("docker", "kubernetes"):
        assert report["sides"][side]["latency_ms"]["p95"] > 0 and report["sides"][side]["memory_bytes"]["mean"] > 0
    # what users see at each moment: Docker, both, Kubernetes; never nobody
    assert ways.gaps == []
    assert ways.seen == [(DOCKER,), (PODS, DOCKER), (PODS,)]
    assert moved.running("searxng") == {"searxng": False, "valkey": False}
    took = (moved.told[-1].at - moved.told[0].at).total_seconds()
    assert 15 < took < 45, "long enough to look at, short enough for a demo"


def test_it_goes_back_just_as_well_and_leaves_nothing(moved: Moved) -> None:
    before = moved.world.git_files.below(moved.world.git_files.head(), "manifests")
    record = moved.migrate("searxng")
    ways = Ways(moved.world, "searxng")
    back = moved.undo(record)
    assert (back.state, back.words) == (State.DOCKER, "Everything is on Docker, as before")
    assert ways.gaps == [] and ways.seen == [(PODS, DOCKER), (DOCKER,)]
    assert moved.running("searxng") == {"searxng": True, "valkey": True}
    assert moved.objects("searxng") == set()
    assert moved.ref("searxng") not in moved.world.controller.apps
    assert moved.world.git_files.below(moved.world.git_files.head(), "manifests") == before
    secret = moved.world.world.get(moved.world.vault.ref("apps/searxng"))
    assert isinstance(secret, SecretPath) and secret.versions[-1].deleted
    policies = moved.world.migration.containers.restart_policies("wroclaw", "searxng")
    assert set(policies.values()) == {"unless-stopped"}


def test_it_can_be_moved_again_and_the_other_stack_beside_it(moved: Moved) -> None:
    moved.undo(moved.migrate("searxng"))
    again, other = moved.migrate("searxng"), moved.migrate("tools")
    assert again.state is other.state is State.KUBERNETES
    assert [r.about.stack for r in moved.lab.migrations.list().records] == ["tools", "searxng", "searxng"]
    with pytest.raises(Refused, match="on Kubernetes already"):
        moved.migrate("tools")
    moved.undo(again)
    assert moved.running("tools") == {"it-tools": False}, "its neighbour stays where it is"


def test_sockets_and_downloads_are_sent_too(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack tools has a WebSocket and a download in its checks."""
    prober = moved.world.migration.prober
    kinds: set[str] = set()
    start = prober.start

    def noting(loads: Sequence[Load]) -> SimulatedProbing:
        kinds.update(load.target.kind.value for load in loads if load.target.side is Side.INGRESS)
        return start(loads)

    monkeypatch.setattr(prober, "start", noting)
    record = moved.migrate("tools")
    assert kinds == {"http", "websocket", "download"}
    assert moved.report(record)["requests"]["failed"] == 0


def test_until_a_step_and_on_from_there(moved: Moved) -> None:
    half = moved.migrate("searxng", StepName.WORKLOAD)
    assert (half.state, half.step) == (State.RUNNING, StepName.WORKLOAD)
    assert moved.running("searxng")["searxng"], "its traffic is still on Docker"
    assert ("Deployment", "searxng") in moved.objects("searxng")
    done = moved.resume(half)
    assert (done.about.id, done.state) == (half.about.id, State.KUBERNETES)


def test_back_to_a_step(moved: Moved) -> None:
    record = moved.migrate("searxng")
    back = moved.undo(record, StepName.WORKLOAD)
    assert (back.state, back.step) == (State.RUNNING, StepName.WORKLOAD)
    assert moved.running("searxng") == {"searxng": True, "valkey": True}
    assert ("Deployment", "searxng") in moved.objects("searxng")
    assert ("EndpointSlice", "searxng-docker") in moved.objects("searxng")
    assert moved.resume(back).state is State.KUBERNETES


class _Killed(BaseException):
    """The process is gone: nothing of labtui catches it."""


@pytest.mark.parametrize(
    ("step", "event"),
    [
        (StepName.SECRETS, Event.BEGUN),
        (StepName.WORKLOAD, Event.LINE),
        (StepName.CUT_OVER, Event.LINE),
        (StepName.CUT_OVER, Event.DONE),
        (StepName.RETIRE, Event.LINE),
    ],
)
def test_killed_in_the_middle_it_is_resumed_by_another(moved: Moved, step: StepName, event: Event) -> None:
    """The journal and the world stay; whoever comes next goes on, or back, to one of the two ends."""
    ways = Ways(moved.world, "searxng")

    def kill(progress: MigrationProgress) -> None:
        if (progress.step, progress.event) == (step, event):
            moved.meanwhile = lambda progress: None
            raise _Killed

    moved.meanwhile = kill
    with pytest.raises(_Killed):
        moved.migrate("searxng")
    half = moved.latest("searxng")
    assert half.state is State.RUNNING
    assert moved.resume(half).state is State.KUBERNETES
    assert ways.gaps == []
    assert moved.undo(half).state is State.DOCKER
    assert ways.gaps == []


def test_another_labtui_may_not_work_on_it_meanwhile(moved: Moved) -> None:
    refused: list[LabError] = []

    def other(progress: MigrationProgress) -> None:
        if progress.event is Event.BEGUN and progress.step is StepName.CUT_OVER and not refused:
            with pytest.raises(Refused, match="Another labtui works on this stack") as caught:
                moved.lab.migrations.migrate("wroclaw", "searxng", None, lambda progress: None)
            refused.append(caught.value)

    moved.meanwhile = other
    assert moved.migrate("searxng").state is State.KUBERNETES
    assert re.search(r"you@demo holds it since 2026-03-14", refused[0].detail)


def test_an_image_that_is_not_there_is_taken_back_by_itself(tmp_path: Path) -> None:
    stack, moved = "tools", opened(tmp_path, "pods=no-image")
    with pytest.raises(MustUndo, match="does not become ready") as caught:
        moved.migrate(stack)
    assert "ImagePullBackOff" in caught.value.detail and "not found" in caught.value.detail
    assert "The traffic goes to Docker, as before" in caught.value.detail
    assert "labtui migration resume" in caught.value.hint
    assert moved.objects(stack) == set() and all(moved.running(stack).values())
    moved.world.set_fault("pods", None)
    assert moved.resume(moved.latest(stack)).state is State.KUBERNETES


def test_pods_that_crash_are_taken_back_with_their_last_words(tmp_path: Path) -> None:
    moved = opened(tmp_path, "pods=crashes")
    with pytest.raises(MustUndo) as caught:
        moved.migrate("searxng")
    assert "CrashLoopBackOff" in caught.value.detail
    assert "cannot read the configuration: permission denied" in caught.value.detail
    assert all(moved.running("searxng").values())


def test_lost_requests_take_the_cut_over_back_by_themselves(tmp_path: Path) -> None:
    moved = opened(tmp_path)
    ways = Ways(moved.world, "searxng")

    def lose(progress: MigrationProgress) -> None:
        if progress.step is StepName.CUT_OVER:
            moved.world.set_fault("traffic", Fault.LOSSY)

    moved.meanwhile = lose
    with pytest.raises(BudgetExceeded) as caught:
        moved.migrate("searxng")
    assert "the server closed it before it answered" in str(caught.value)
    left = moved.latest("searxng")
    assert (left.state, left.step) == (State.RUNNING, StepName.VERIFY)
    assert ways.seen[-1] == (DOCKER,) and ways.gaps == []
    assert all(moved.running("searxng").values())
    moved.meanwhile = lambda progress: None
    moved.world.set_fault("traffic", None)
    assert moved.resume(left).state is State.KUBERNETES


@pytest.mark.parametrize("source", ["argocd", "vault", "wroclaw"])
def test_a_source_that_is_down_stops_it_before_anything_is_changed(tmp_path: Path, source: str) -> None:
    moved = opened(tmp_path)
    moved.migrate("searxng", StepName.PLAN)
    moved.world.set_fault(source, Fault.DOWN)
    head = moved.world.repository.head()
    with pytest.raises((Unreachable, Refused), match="Nothing was changed"):
        moved.resume(moved.latest("searxng"))
    assert moved.world.repository.head() == head and moved.objects("searxng") == set()
    moved.world.set_fault(source, None)
    assert moved.resume(moved.latest("searxng")).state is State.KUBERNETES


@pytest.mark.parametrize(
    ("source", "step"),
    [
        ("vault", StepName.SECRETS),
        ("git", StepName.WORKLOAD),
        ("cluster", StepName.CUT_OVER),
        ("argocd", StepName.CUT_OVER),
        ("wroclaw", StepName.RETIRE),
    ],
)
def test_a_source_that_goes_away_midway_and_comes_back(moved: Moved, source: str, step: StepName) -> None:
    """Whether it waits or stops: what is resumed ends on Kubernetes, and no request was without an answer."""
    ways = Ways(moved.world, "searxng")
    broken: list[str] = []

    def break_it(progress: MigrationProgress) -> None:
        if progress.step is step and progress.event is Event.BEGUN and not broken:
            broken.append(source)
            moved.world.set_fault(source, Fault.DOWN)
            moved.world.world.after(30, lambda: moved.world.set_fault(source, None))

    moved.meanwhile = break_it
    try:
        record = moved.migrate("searxng")
    except LabError:
        moved.world.clock.advance(40)
        record = moved.resume(moved.latest("searxng"))
    assert broken == [source]
    assert record.state is State.KUBERNETES
    assert ways.gaps == []


def test_a_slow_cluster_is_only_slow(tmp_path: Path) -> None:
    assert opened(tmp_path, "cluster=slow", "argocd=slow").migrate("tools").state is State.KUBERNETES


@pytest.mark.parametrize(
    ("stack", "why"),
    [
        ("emby", "questions that are not answered"),
        ("authelia", "questions that are not answered"),
        ("immich", "questions that are not answered"),
        ("monitoring", "questions that are not answered"),
        ("caddy", "edge: It is the site's way in"),
    ],
)
def test_every_other_stack_says_why_it_does_not_move(moved: Moved, stack: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        moved.migrate(stack)
    assert why in str(caught.value) and "labtui plan wroclaw/" in caught.value.hint
    assert moved.lab.migrations.latest("wroclaw", stack) is None, "nothing was begun"


@pytest.mark.parametrize("stack", ["transmission", "monitoring"])
def test_what_stays_in_kyiv(moved: Moved, stack: str) -> None:
    with pytest.raises(Refused, match="cannot move to Kubernetes"):
        moved.lab.migrations.migrate("kyiv", stack, None, lambda progress: None)


def test_somebody_else_changes_the_values_midway(moved: Moved) -> None:
    """A second commit on the same file: it stops and asks, and the way back is open."""
    files = moved.world.git_files

    def commit(progress: MigrationProgress) -> None:
        if progress.event is Event.DONE and progress.step is StepName.VERIFY:
            path = "manifests/applications/values/homelab/searxng.yaml"
            text = files.read(files.head(), path).replace("traffic: docker", "traffic: docker # here it stays")
            files.write(files.head(), {path: text}, "olena: a word to it")

    moved.meanwhile = commit
    with pytest.raises(Refused, match="Somebody else has changed") as caught:
        moved.migrate("searxng")
    assert "a word to it" in caught.value.detail
    moved.meanwhile = lambda progress: None
    assert all(moved.running("searxng").values())


def test_no_value_of_a_secret_is_told_or_kept(moved: Moved) -> None:
    record = moved.migrate("searxng")
    value = "demo-searxng-secret"
    assert moved.world.vault.reveal(moved.world.vault.ref("apps/searxng"))["SEARXNG_SECRET"] == value
    copy = moved.world.migration.mirror.read("wroclaw", "searxng")
    assert copy is not None
    texts = [copy.text, str(moved.report(record)), *(p.text for p in moved.told)]
    texts += [str(e.data) for e in record.entries]
    assert any(e.mark is Mark.DONE for e in record.entries)
    assert not [text for text in texts if value in text]


def test_the_life_of_the_estate_goes_on_beside_it(moved: Moved) -> None:
    """Others push meanwhile: the repository of the demo is not labtui's alone."""
    before = moved.world.repository.head()
    moved.migrate("searxng")
    moved.world.clock.advance(600)
    log = [commit for commit, _ in moved.world.repository.log(moved.world.repository.head())]
    since = log[: [c.revision for c in log].index(before)]
    assert {c.author for c in since} >= {"you@demo"}
    assert moved.world.applications.get(moved.ref("searxng")).health == "Healthy"
