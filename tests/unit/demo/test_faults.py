"""Faults: how they are written, and how each shows in a feed, in a question and in an examination."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from labtui.demo import DemoClock, DemoEstate, Fault, parse_faults
from labtui.domain.checks import Verdict
from labtui.domain.errors import Denied, Invalid, LabError, SignedOut, Unreachable
from labtui.domain.resources import Node, Pod
from tests.unit.demo.following import Following, app_ref, frozen

LABELS = ("wroclaw", "kyiv", "cluster", "argocd", "vault")


def test_faults_are_read() -> None:
    assert parse_faults([]) == {}
    assert parse_faults(["kyiv=down", "kubernetes=denied", "Vault=SLOW"]) == {
        "kyiv": Fault.DOWN,
        "cluster": Fault.DENIED,
        "vault": Fault.SLOW,
    }


@pytest.mark.parametrize(
    ("spec", "nearest"),
    [("kiev=down", "kyiv"), ("argo=down", "argocd"), ("vault=denyed", "denied"), ("kyiv=expird", "expired")],
)
def test_an_unknown_word_names_the_nearest(spec: str, nearest: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_faults([spec])
    assert caught.value.hint == f"Did you mean {nearest}?"


@pytest.mark.parametrize("spec", ["kyiv", "kyiv=", "=down", "nonsense=down", "kyiv=xyzzy"])
def test_nonsense_is_refused(spec: str) -> None:
    with pytest.raises(Invalid):
        parse_faults([spec])


BROKEN = [
    (label, fault, kind)
    for label in LABELS
    for fault, kind in ((Fault.DOWN, Unreachable), (Fault.DENIED, Denied), (Fault.EXPIRED, SignedOut))
    if (label, fault) != ("cluster", Fault.DENIED)  # a cluster denies some kinds: see below
]


@pytest.mark.parametrize(("label", "fault", "kind"), BROKEN)
def test_a_source_that_is_broken_from_the_start(label: str, fault: Fault, kind: type[LabError]) -> None:
    world = frozen()
    world.set_fault(label, fault)
    with Following(world.feed(label)) as feed:
        error = feed.failure()
        assert type(error) is kind and error.detail and error.hint
        assert feed.changes == []
    checks = list(world.feed(label).check())
    assert checks[0].name == "connection"
    assert checks[-1].verdict is Verdict.FAIL and checks[-1].remedy
    assert checks[-1].unreachable is (fault is Fault.DOWN)


@pytest.mark.parametrize("label", LABELS)
def test_a_source_breaks_and_heals_while_it_is_followed(label: str) -> None:
    world = frozen()
    with Following(world.feed(label)) as feed:
        feed.until_live()
        begun = time.monotonic()
        world.set_fault(label, Fault.DOWN)
        assert isinstance(feed.failure(), Unreachable)
        assert time.monotonic() - begun < 0.2
        known = dict(feed.resources)
    world.set_fault(label, None)
    with Following(world.feed(label)) as feed:
        feed.until_live()
        assert feed.resources == known


def test_the_others_do_not_notice() -> None:
    world = frozen(kyiv="down", vault="expired")
    for label in ("wroclaw", "cluster", "argocd"):
        with Following(world.feed(label)) as feed:
            feed.until_live()


def test_life_goes_on_behind_broken_connections() -> None:
    world, broken = frozen(), frozen(argocd="down", vault="down", kyiv="down", wroclaw="expired")
    for one in (world, broken):
        one.clock.advance(900)
    for label in ("argocd", "vault", "kyiv", "wroclaw"):
        broken.set_fault(label, None)
        source = world.world.sources[label]
        assert broken.world.of(source) == world.world.of(source)


def test_a_cluster_that_denies_some_kinds_says_which() -> None:
    world = frozen(kubernetes="denied")
    with Following(world.feed("cluster")) as feed:
        feed.until_live()
        assert feed.notes == ("nodes denied", "persistentvolumeclaims denied")
        assert feed.resources and not any(r.kind in ("Node", "PersistentVolumeClaim") for r in feed.resources)
        world.set_fault("cluster", None)
        feed.until("the nodes", lambda: any(isinstance(r, Node) for r in feed.resources.values()))
        feed.until("no notes", lambda: feed.notes == ())
    verdicts = {c.name: c.verdict for c in frozen(kubernetes="denied").feed("cluster").check()}
    assert verdicts["may list nodes"] is Verdict.WARN and verdicts["connection"] is Verdict.OK


def test_a_slow_source_connects_for_some_seconds_and_then_tells_late() -> None:
    world = frozen(kyiv="slow", life=False)
    engine = world.engines["kyiv"]
    with Following(world.feed("kyiv")) as feed:
        world.clock.advance(5)
        assert feed.changes == []
        world.clock.advance(2)
        feed.until_live()
        before = len(feed.changes)
        engine.end(engine.ref("transmission", "transmission"), 1)
        assert len(feed.changes) == before
        world.set_fault("kyiv", None)
        feed.until("the change", lambda: len(feed.changes) == before + 1)


def test_questions_to_a_slow_source_take_their_time() -> None:
    world = DemoEstate(DemoClock(), {"argocd": Fault.SLOW}, life=False, speed=10)
    begun = time.monotonic()
    world.applications.get(app_ref(world, "grafana"))
    assert time.monotonic() - begun >= 0.25


@pytest.mark.parametrize(("fault", "kind"), [("down", Unreachable), ("denied", Denied), ("expired", SignedOut)])
def test_questions_to_a_broken_source_fail(fault: str, kind: type[LabError]) -> None:
    world = frozen(argocd=fault, vault=fault)
    with pytest.raises(kind):
        world.applications.get(app_ref(world, "grafana"))
    with pytest.raises(kind):
        world.secrets.reveal(world.vault.ref("apps/emby"))


def test_signing_in_again_heals_an_expired_argocd() -> None:
    world = frozen(argocd="expired")
    source = world.world.sources["argocd"]
    with pytest.raises(SignedOut):
        world.logins[source].login("admin", "")
    with pytest.raises(SignedOut):
        world.applications.version()
    world.logins[source].login("admin", "secret")
    assert world.applications.version().startswith("v")


def test_closing_ends_a_feed_at_once_and_only_that_one() -> None:
    world = frozen()
    with Following(world.feed("kyiv")) as other, Following(world.feed("kyiv")) as feed:
        other.until_live()
        feed.until_live()
        begun = time.monotonic()
        feed.feed.close()
        assert isinstance(feed.failure(), Unreachable)
        assert time.monotonic() - begun < 0.2
        assert other.error is None


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(Invalid):
        frozen().set_fault("nowhere", Fault.DOWN)


def test_a_denied_kind_stays_hidden_when_it_changes() -> None:
    world = frozen(kubernetes="denied", life=False)
    node = next(r for r in world.world.of(world.cluster.source, ("Node",)) if isinstance(r, Node))
    (pod,) = [p for p in world.world.of(world.cluster.source, ("Pod",)) if p.ref.name == "vault-0"]
    with Following(world.feed("cluster")) as feed:
        feed.until_live()
        world.world.put(replace(node, unschedulable=True))
        assert isinstance(pod, Pod)
        world.world.put(replace(pod, restarts=9))
        feed.until("the pod", lambda: feed.resources[pod.ref] == replace(pod, restarts=9))
        assert node.ref not in feed.resources


def test_what_is_equal_is_no_change() -> None:
    world = frozen(life=False)
    with Following(world.feed("cluster")) as feed:
        feed.until_live()
        said = len(feed.changes)
        (pod,) = [p for p in world.world.of(world.cluster.source, ("Pod",)) if p.ref.name == "vault-0"]
        assert isinstance(pod, Pod)
        world.world.put(replace(pod))
        world.world.put(replace(pod, restarts=9))
        feed.until("the real change", lambda: feed.resources[pod.ref] == replace(pod, restarts=9))
        assert len(feed.changes) == said + 1
