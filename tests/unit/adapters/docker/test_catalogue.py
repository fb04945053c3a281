"""Grouping, changes and quiet figures."""

from __future__ import annotations

import pytest

from labtui.adapters.docker.catalogue import KINDS, Catalogue
from labtui.adapters.docker.parse import placed
from labtui.adapters.docker.usage import Meter, Usage, memory, steady
from labtui.domain.changes import Remove, Upsert
from labtui.domain.ref import Ref
from labtui.domain.resources.docker import DockerService
from tests.unit.adapters.docker.documents import SITE, inspected, sampled

WEB = Ref(SITE, "ComposeService", "media", "web")


def catalogue(*docs: dict[str, object]) -> Catalogue:
    made = Catalogue(SITE)
    for doc in docs:
        made.put(placed(doc, SITE))
    return made


def upserted(made: Catalogue) -> list[DockerService]:
    found = []
    for change in made.changes():
        assert isinstance(change, Upsert) and isinstance(change.resource, DockerService)
        found.append(change.resource)
    return found


def test_two_containers_of_a_service_are_one_service() -> None:
    made = catalogue(
        inspected("b", "media-web-2", container_number="2"), inspected("a", "media-web-1", container_number="1")
    )
    resync = made.resync()
    assert resync.kinds == KINDS
    (service,) = resync.resources
    assert isinstance(service, DockerService)
    assert service.ref == WEB
    assert [c.name for c in service.containers] == ["media-web-1", "media-web-2"]


def test_one_service_name_in_two_stacks_is_two_services() -> None:
    made = catalogue(inspected("a", "one-web-1", project="one"), inspected("b", "two-web-1", project="two"))
    assert [r.ref.namespace for r in made.resync().resources] == ["one", "two"]


def test_no_change_is_told_twice() -> None:
    made = catalogue(inspected())
    made.resync()
    made.put(placed(inspected(), SITE))
    assert list(made.changes()) == []
    made.put(placed(inspected(state="exited"), SITE))
    assert [s.worst.state for s in upserted(made)] == ["exited"]
    assert list(made.changes()) == []


def test_a_service_is_removed_with_its_last_container() -> None:
    made = catalogue(inspected("a", "media-web-1"), inspected("b", "media-web-2"))
    made.resync()
    made.drop("a")
    assert [len(s.containers) for s in upserted(made)] == [1]
    made.drop("b")
    made.drop("never there")
    assert list(made.changes()) == [Remove(WEB)]


def test_a_renamed_stray_is_removed_and_added() -> None:
    made = catalogue(inspected("a", "old", project="", service=""))
    made.resync()
    made.put(placed(inspected("a", "new", project="", service=""), SITE))
    first, second = made.changes()
    assert isinstance(first, Upsert) and first.resource.ref.name == "new"
    assert second == Remove(Ref(SITE, "Container", "", "old"))


def test_what_came_and_went_between_two_looks_is_not_told() -> None:
    made = catalogue()
    made.resync()
    made.put(placed(inspected(), SITE))
    made.drop("c1")
    assert list(made.changes()) == []


def test_figures_are_shown_while_it_runs_and_summed() -> None:
    made = catalogue(inspected("a", "media-web-1"), inspected("b", "media-web-2"))
    made.resync()
    assert made.running() == {"a", "b"}
    made.measure("a", Usage(0.5, 1000))
    made.measure("b", Usage(0.25, 500))
    made.measure("gone", Usage(1, 1))
    (service,) = upserted(made)
    assert (service.cpu, service.memory) == (0.75, 1500)
    made.put(placed(inspected("a", "media-web-1", state="exited"), SITE))
    (service,) = upserted(made)
    assert (service.cpu, service.memory) == (0.25, 500)
    assert made.running() == {"b"}
    made.measure("a", Usage(0.9, 900))
    assert list(made.changes()) == []


def test_a_restart_forgets_the_figures() -> None:
    made = catalogue(inspected())
    made.measure("c1", Usage(0.5, 1000))
    made.resync()
    made.put(placed(inspected(started="2026-01-02T05:00:00Z"), SITE))
    (service,) = upserted(made)
    assert service.cpu is None


def test_small_moves_are_not_told() -> None:
    made = catalogue(inspected())
    made.measure("c1", Usage(0.01, 1000))
    made.resync()
    for cpu, used in ((0.02, 1010), (0.0, 960), (0.029, 1049)):
        made.measure("c1", Usage(cpu, used))
        assert list(made.changes()) == []
    made.measure("c1", Usage(0.03, 1049))
    assert [s.cpu for s in upserted(made)] == [0.03]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (None, 0.0, 0.0),
        (0.0, 0.019, 0.0),
        (0.0, 0.02, 0.02),
        (1.0, 1.1, 1.0),  # more than 2 points, less than 20 %
        (1.0, 1.2, 1.2),
        (1.0, 0.8, 0.8),
        (0.5, None, 0.5),
    ],
)
def test_cpu_moves_by_two_points_and_a_fifth(old: float | None, new: float | None, shown: float | None) -> None:
    assert steady(Usage(cpu=old), Usage(cpu=new)).cpu == shown


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [(None, 0, 0), (1000, 1049, 1000), (1000, 1050, 1050), (1000, 950, 950), (1000, None, 1000), (0, 1, 1)],
)
def test_memory_moves_by_a_twentieth(old: int | None, new: int | None, shown: int | None) -> None:
    assert steady(Usage(memory=old), Usage(memory=new)).memory == shown


def test_cpu_is_a_share_of_one_core_between_two_samples() -> None:
    meter = Meter()
    assert meter.add("a", sampled("2026-01-01T00:00:00Z", 1_000_000_000)).cpu is None
    assert meter.add("b", sampled("2026-01-01T00:00:01Z", 0)).cpu is None
    assert meter.add("a", sampled("2026-01-01T00:00:02.000000000Z", 4_000_000_000)).cpu == pytest.approx(1.5)


def test_a_counter_that_fell_or_a_time_that_stood_gives_no_figure() -> None:
    meter = Meter()
    meter.add("a", sampled("2026-01-01T00:00:00Z", 5_000_000_000))
    assert meter.add("a", sampled("2026-01-01T00:00:01Z", 1_000_000)).cpu is None
    assert meter.add("a", sampled("2026-01-01T00:00:01Z", 2_000_000)).cpu is None
    assert meter.add("a", sampled("2026-01-01T00:00:02Z", 502_000_000)).cpu == pytest.approx(0.5)
    meter.forget("a")
    assert meter.add("a", sampled("2026-01-01T00:00:03Z", 600_000_000)).cpu is None


def test_a_stopped_container_has_no_figures() -> None:
    # what the engine answers for one that does not run
    stats = {"read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}
    assert Meter().add("a", stats) == Usage()


def test_memory_is_without_the_inactive_file_cache() -> None:
    assert memory(sampled("", 0, 1000, total_inactive_file=300, inactive_file=200)) == 700  # cgroup v1
    assert memory(sampled("", 0, 1000, inactive_file=200)) == 800  # cgroup v2
    assert memory(sampled("", 0, 1000)) == 1000
    assert memory(sampled("", 0, 100, inactive_file=200)) == 100
    assert memory({}) is None
