"""The estate of the live tests: made once a run, on real servers, and taken away at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.live.estate_fixture import LiveEstate


@pytest.fixture(scope="session")
def live_estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEstate]:
    """Applications, workloads, stacks on both sites, Vault paths, and the labtui.yaml that names them."""
    if os.environ.get("LABTUI_LIVE") != "1":
        pytest.skip("needs LABTUI_LIVE=1 (tests/live/README.md)")
    with LiveEstate(tmp_path_factory.mktemp("live")) as estate:
        estate.deploy()
        yield estate
