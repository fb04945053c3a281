"""A sample of generated stacks, chosen anew each time by a printed seed; tests/properties/run.py takes thousands."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.live.chart_fixture import kubectl
from tests.live.conftest import space
from tests.manifests.helm import helm
from tests.properties.keys import DOCUMENTED, YOUNG
from tests.properties.pipeline import Pipeline, Seen, accepted
from tests.properties.stacks import Made, make, smaller
from tests.unit.adapters.compose.support import real_environ, real_reader, site

__all__ = ["space"]  # a fixture
SAMPLE = int(os.environ.get("LABTUI_PROPERTY_STACKS", "25"))


def seeds() -> list[int]:
    """Of this run: LABTUI_SEED, or any."""
    first = int(os.environ.get("LABTUI_SEED") or random.randrange(10**6))
    print(f"\n{SAMPLE} generated stacks, LABTUI_SEED={first}", flush=True)
    return list(range(first, first + SAMPLE))


def broken(pipeline: Pipeline, seen: Seen) -> str:
    """What is wrong with a stack, and its files made as small as they can be; empty: nothing."""
    if not seen.problems:
        return ""
    small = smaller(seen.made, lambda made: problem_kinds(pipeline.run(made)) == problem_kinds(seen))
    files = "\n".join(f"--- {name}\n{text}" for name, text in small.texts().items() if "parts/" not in name)
    return f"seed {seen.made.seed}: {seen.problems[:3]}\n{files}"


def problem_kinds(seen: Seen) -> set[str]:
    """The beginnings of the sentences: the rest changes with what is taken away."""
    return {problem[:24] for problem in seen.problems}


def test_any_documented_stack_has_all_verdicts_and_shows_no_secret(tmp_path: Path) -> None:
    real_environ()
    helm()
    pipeline = Pipeline(tmp_path)
    assert not [words for seed in seeds() if (words := broken(pipeline, pipeline.run(make(seed))))]


@pytest.mark.live
def test_the_api_server_takes_every_object(tmp_path: Path, space: str) -> None:
    pipeline = Pipeline(tmp_path, space)
    seen = [pipeline.run(make(seed)) for seed in seeds()]
    objects = [found for one in seen for found in one.objects]
    assert len(objects) > 5 * len(seen)
    assert accepted(objects, space) == ""
    assert kubectl("get", "deployments,services,externalsecrets", "-n", space, "-o", "name") == "", "only asked for"


def test_the_generator_comes_to_every_documented_key() -> None:
    found: set[str] = set()
    for seed in range(400):
        found |= set(make(seed).keys())
    assert set(DOCUMENTED) - set(YOUNG) - found == set()


def test_a_failing_stack_is_made_smaller() -> None:
    def fails(made: Made) -> bool:
        return any("image" in keys for keys in made.services.values())

    small = smaller(make(3), fails)
    assert [list(keys) for keys in small.services.values()] == [["image"]]
    assert small.top == {} and small.included == {}


def test_three_hundred_services_take_their_share_of_time_and_not_its_square(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    real_environ()

    def seconds(count: int) -> float:
        made = make(11)
        (keys,) = [{"image": "nginx:1", "environment": {"DB_PASSWORD": made.planted.value(), "N": 1}, "ports": ["80"]}]
        names = [f"s{number}" for number in range(count)]
        # not more: docker compose itself looks for cycles on every path, in time that doubles with every service of a dense graph
        services = {
            name: {**keys, "depends_on": sorted({names[0], names[n // 2]} - {name}), "container_name": f"c{n}"}
            for n, name in enumerate(names)
        }
        big = Made(count, services, {}, {}, made.planted)
        began = time.process_time()
        seen = pipeline.run(big, render=False)
        assert seen.problems == []
        return time.process_time() - began

    seconds(30)  # imports
    few, many = seconds(30), seconds(300)
    assert many < 10 * few * 4, f"30 services: {few:.2f} s, 300 services: {many:.2f} s"


def test_a_long_chain_of_services_is_read(tmp_path: Path) -> None:
    chain = "services:\n" + "".join(
        f"  s{n}: {{image: 'x:1', depends_on: [{f's{n - 1}' if n else ''}]}}\n" for n in range(300)
    )
    here = site(tmp_path, {"kyiv/s.yaml": chain})
    assert len(real_reader(here).read("kyiv", "s").services) == 300
