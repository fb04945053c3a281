"""docs/kompose.md says what is true of labtui today; its other column is of the kompose that it names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plans.against_kompose import labtui_cell, labtui_stack
from tests.plans.features import FEATURES, Feature
from tests.plans.making import stacks

ROWS = {
    cells[1].strip(): cells[3].strip()
    for line in (Path(__file__).parents[2] / "docs/kompose.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and len(cells := line.split("|")) == 5
}
needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is missing")


def test_the_page_has_every_feature_and_stack_and_no_other() -> None:
    wanted = {feature.title for feature in FEATURES} | {f"{site}/{name}" for site, name in stacks()}
    assert set(ROWS) - {"in the Compose file", "stack"} == wanted


@needs_helm
@pytest.mark.parametrize("feature", FEATURES, ids=[feature.title for feature in FEATURES])
def test_the_page_says_what_labtui_makes_of_a_feature(feature: Feature) -> None:
    assert ROWS[feature.title] == labtui_cell(feature)


@needs_helm
@pytest.mark.parametrize(("site", "name"), stacks())
def test_the_page_says_what_labtui_makes_of_a_stack(site: str, name: str) -> None:
    assert ROWS[f"{site}/{name}"] == labtui_stack(site, name)
