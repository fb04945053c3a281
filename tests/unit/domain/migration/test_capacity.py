"""Does a stack fit on a node."""

from __future__ import annotations

import random
from typing import Any

import pytest

from labtui.domain.conversion.facts import NodeFacts, UsageFacts
from labtui.domain.migration.capacity import Adds, added, fit, quantity

GIB = 1024**3


def node(name: str = "mini", free: int = 8 * GIB, memory: int = 16 * GIB, cpu: float = 4.0) -> NodeFacts:
    return NodeFacts(name, "arm64", cpu, free, memory)


def wants(memory: str = "", cpu: str = "", **more: Any) -> dict[str, Any]:
    requests = {k: v for k, v in (("memory", memory), ("cpu", cpu)) if v}
    return {"resources": {"requests": requests}, **more}


def test_what_pods_add_is_what_they_ask_for_or_what_is_measured() -> None:
    components = {
        "web": wants("1Gi", "500m", replicas=2),
        "db-main": wants(),
        "cache": {"resources": {"limits": {"memory": "64Mi"}}},
    }
    usage = {"web": UsageFacts(0.1, GIB // 2), "db_main": UsageFacts(0.1, 3 * GIB), "gone": UsageFacts(0.1, GIB)}
    found = added(components, usage, same_host=True)
    assert found.cpu_requests == 1.0
    assert found.memory_requests == 2 * GIB + 64 * 1024**2
    assert found.memory == 2 * GIB + 3 * GIB + 64 * 1024**2
    assert found.frees == GIB // 2 + 3 * GIB + GIB
    assert added(components, usage, same_host=False).frees == 0


def test_it_fits_with_the_numbers_in_a_sentence() -> None:
    found = fit((node(),), {"mini": 6 * GIB}, Adds(1, GIB, 2 * GIB, 2 * GIB))
    assert found.fits and not found.tight
    assert found.why == (
        "mini has 16G of memory, 6.0G in use; the move adds 2.0G: 8.0G while both run, 6.0G once the containers are stopped"
    )


@pytest.mark.parametrize(
    ("adds", "used", "words"),
    [
        (Adds(5, 0, 0), 0, "the pods ask for 5 cores, and mini has 4 left to promise"),
        (Adds(0, 9 * GIB, 0), 0, "the pods ask for 9.0G, and mini has 8.0G left to promise"),
        (Adds(0, GIB, 11 * GIB), 6 * GIB, "17G while both run; 1.0G too much"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_numbers(adds: Adds, used: int, words: str) -> None:
    found = fit((node(),), {"mini": used}, adds)
    assert not found.fits and words in found.why


def test_a_limit_counts_below_what_the_node_has() -> None:
    assert fit((node(memory=64 * GIB, free=60 * GIB),), {"mini": 15 * GIB}, Adds(0, GIB, 2 * GIB)).fits
    assert not fit((node(memory=64 * GIB, free=60 * GIB),), {"mini": 15 * GIB}, Adds(0, GIB, 2 * GIB), 16 * GIB).fits


def test_tight_and_unmeasured_are_worth_a_warning() -> None:
    assert fit((node(),), {"mini": 13 * GIB}, Adds(0, GIB, 2 * GIB)).tight
    found = fit((node(),), {}, Adds(0, GIB, 2 * GIB))
    assert found.fits and found.tight and "not measured" in found.why
    assert not fit((), {}, Adds()).fits


def test_any_node_that_has_room_will_do() -> None:
    found = fit((node("full", free=0), node("empty")), {"full": 16 * GIB, "empty": 0}, Adds(0, GIB, GIB))
    assert found.fits and found.node == "empty"


@pytest.mark.parametrize("seed", range(50))
def test_more_use_or_more_wishes_never_make_it_fit(seed: int) -> None:
    rng = random.Random(seed)
    adds = Adds(rng.uniform(0, 6), rng.randrange(10 * GIB), rng.randrange(10 * GIB))
    used = rng.randrange(16 * GIB)
    more = Adds(adds.cpu_requests * 1.1, adds.memory_requests + GIB, adds.memory + GIB)
    if not fit((node(),), {"mini": used}, adds).fits:
        assert not fit((node(),), {"mini": used}, more).fits
        assert not fit((node(),), {"mini": used + GIB}, adds).fits


@pytest.mark.parametrize(
    ("text", "number"),
    [("250m", 0.25), ("1Gi", GIB), ("1.5", 1.5), ("2M", 2e6), (3, 3.0), (None, 0), ("", 0), ("x", 0), ("1Zi", 0)],
)
def test_quantities(text: object, number: float) -> None:
    assert quantity(text) == number
