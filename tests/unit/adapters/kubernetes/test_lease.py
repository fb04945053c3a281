"""The lease: who gets it, when it may be taken over, and what its holder learns when it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from labtui.adapters.kubernetes import lease as module
from labtui.adapters.kubernetes.kubeconfig import Access
from labtui.adapters.kubernetes.lease import KubernetesLeases, Times
from labtui.adapters.kubernetes.mirror import KubernetesMirror
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Refused, Unreachable
from labtui.ports.migration import MirrorCopy
from tests.unit.adapters.kubernetes.api_fake import Api

PLACE = ("wroclaw", "emby")
PATH = "/apis/coordination.k8s.io/v1/namespaces/labtui/leases/labtui-migration-wroclaw-emby"
SLOW = Times(duration=30, renew=60.0, look=0.01)  # nothing happens by itself


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api("labtui")
    access: Any = Access("https://cluster", {}, made)  # type: ignore[arg-type]
    monkeypatch.setattr("labtui.adapters.kubernetes.kubeconfig.load", lambda *_: access)
    return made


def leases(by: str = "ada@desk", times: Times = SLOW) -> KubernetesLeases:
    return KubernetesLeases(KubernetesConnection(""), by, times=times)


def quiet(words: str) -> None:
    """Nobody listens."""


def until(probe: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not probe():
        assert time.monotonic() < end
        time.sleep(0.01)


def renewed(api: Api) -> str:
    return str(api.objects[PATH]["spec"]["renewTime"])


def test_the_namespace_is_made_when_it_is_missing(api: Api) -> None:
    del api.objects["/api/v1/namespaces/labtui"]
    leases().acquire(*PLACE, 0, quiet).release()
    assert "/api/v1/namespaces/labtui" in api.objects


def test_each_holder_has_a_higher_fence(api: Api) -> None:
    fences = []
    for _ in range(3):
        held = leases().acquire(*PLACE, 0, quiet)
        fences.append(held.fence)
        held.release()
        assert leases().holder(*PLACE) is None
    assert fences == [1, 2, 3]
    assert leases().acquire(*PLACE, 10, quiet).fence == 11


def test_a_living_holder_is_named(api: Api) -> None:
    held = leases(times=Times(duration=30, renew=0.05)).acquire(*PLACE, 0, quiet)
    with pytest.raises(Refused) as caught:
        leases("bob@laptop").acquire(*PLACE, 0, quiet)
    assert caught.value.detail.startswith("ada@desk pid ")
    assert " holds it since 20" in caught.value.detail
    held.check()
    held.release()


def test_a_dead_holder_is_outlasted_for_the_whole_duration(api: Api) -> None:
    leases(times=Times(duration=1, renew=60.0)).acquire(*PLACE, 0, quiet)
    said: list[str] = []
    started = time.monotonic()
    # its own clock may say what it likes: only what was watched here counts
    api.change(PATH, renewTime="2001-01-01T00:00:00.000000Z")
    held = leases("bob@laptop", Times(duration=30, renew=60.0, look=0.1)).acquire(*PLACE, 0, said.append)
    assert 1.0 <= time.monotonic() - started < 5
    assert held.fence == 2
    assert "waiting up to 1 s" in said[0] and "has not renewed the lease for 1 s" in said[1]


def test_one_that_is_taken_over_knows_it(api: Api) -> None:
    held = leases(times=Times(duration=1, renew=60.0)).acquire(*PLACE, 0, quiet)
    other = leases("bob@laptop").acquire(*PLACE, 0, quiet)
    with pytest.raises(Refused, match="does no further step") as caught:
        held.check()
    assert caught.value.detail.startswith("bob@laptop pid ")
    with pytest.raises(Refused):
        held.glance()
    held.release()  # leaves the other one's alone
    other.check()


def test_the_thread_notices_by_itself(api: Api) -> None:
    held = leases(times=Times(duration=1, renew=0.05)).acquire(*PLACE, 0, quiet)
    api.change(PATH, holderIdentity="bob@laptop pid 1 x", leaseTransitions=2)
    until(lambda: held._lost is not None)
    before = len(api.requests)
    with pytest.raises(Refused):
        held.glance()
    assert len(api.requests) == before


def test_a_glance_asks_only_when_the_last_renewal_is_old(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    held = leases().acquire(*PLACE, 0, quiet)
    before = len(api.requests)
    held.glance()
    assert len(api.requests) == before
    api.change(PATH, holderIdentity="bob@laptop pid 1 x", leaseTransitions=2)
    held.glance()  # within its duration nobody can have taken over but by force
    now = module._awake()
    monkeypatch.setattr(module, "_awake", lambda: now + 60)  # the process, or the machine, has slept
    with pytest.raises(Refused):
        held.glance()


def test_a_cluster_that_is_away_is_no_loss(api: Api) -> None:
    held = leases(times=Times(duration=1, renew=0.05)).acquire(*PLACE, 0, quiet)
    before = renewed(api)
    api.down = True
    with pytest.raises(Unreachable):
        held.check()
    api.down = False
    held.check()
    until(lambda: renewed(api) != before)
    held.release()


def test_a_renewal_whose_answer_was_lost_is_still_ours(api: Api) -> None:
    held = leases().acquire(*PLACE, 0, quiet)
    api.lost = 1
    with pytest.raises(Unreachable):
        held.check()
    held.check()


def test_an_acquisition_whose_answer_was_lost_runs_out_like_a_dead_holders(api: Api) -> None:
    api.lost = 1
    times = Times(duration=1, renew=60.0, look=0.1)
    with pytest.raises(Unreachable):
        leases(times=times).acquire(*PLACE, 0, quiet)
    assert leases(times=times).acquire(*PLACE, 0, quiet).fence == 2


def test_a_deleted_lease_is_lost(api: Api) -> None:
    held = leases().acquire(*PLACE, 0, quiet)
    del api.objects[PATH]
    with pytest.raises(Refused, match="deleted"):
        held.check()


def test_of_many_that_come_at_once_one_gets_it(api: Api) -> None:
    got, refused = [], []

    def come(number: int) -> None:
        try:
            got.append(leases(f"ada@{number}", Times(duration=30, renew=0.05, look=0.02)).acquire(*PLACE, 0, quiet))
        except Refused as error:
            refused.append(error)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)
    got[0].release()


def test_hostile_holders_are_made_harmless(api: Api) -> None:
    leases(times=Times(duration=1, renew=60.0)).acquire(*PLACE, 0, quiet)
    api.change(PATH, holderIdentity="\x1b[31mbob\u202e x")
    found = leases().holder(*PLACE)
    assert found is not None and "\x1b" not in found.holder and "\u202e" not in found.holder


def test_the_mirror_writes_what_it_read_and_nothing_else(api: Api) -> None:
    mirror = KubernetesMirror(KubernetesConnection(""))
    assert mirror.read(*PLACE) is None
    first = mirror.write(MirrorCopy("m", *PLACE, 3, "text\n"))
    assert mirror.read(*PLACE) == first
    assert (first.fence, first.text, first.version != "") == (3, "text\n", True)
    mirror.write(MirrorCopy("m", *PLACE, 3, "more\n", first.version))
    with pytest.raises(Refused):
        mirror.write(MirrorCopy("m", *PLACE, 3, "late\n", first.version))
    with pytest.raises(Refused):
        mirror.write(MirrorCopy("m", *PLACE, 3, "new\n"))
    api.objects.clear()
    with pytest.raises(Refused):  # gone is changed, too
        mirror.write(MirrorCopy("m", *PLACE, 3, "late\n", first.version))
