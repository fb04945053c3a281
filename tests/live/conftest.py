"""The estate of the live tests: made once a run, on real servers, and taken away at the end."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.chart_fixture import ChartApp, kubectl, vault
from tests.live.estate_fixture import LiveEstate


@pytest.fixture(scope="session")
def live_estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEstate]:
    """Applications, workloads, stacks on both sites, Vault paths, and the labtui.yaml that names them."""
    if os.environ.get("LABTUI_LIVE") != "1":
        pytest.skip("needs LABTUI_LIVE=1 (tests/live/README.md)")
    with LiveEstate(tmp_path_factory.mktemp("live")) as estate:
        estate.deploy()
        yield estate


@pytest.fixture(scope="module")
def space() -> Iterator[str]:
    """A namespace of this run."""
    name = f"lt-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def application(tmp_path: Path) -> Iterator[ChartApp]:
    with ChartApp(tmp_path) as app:
        yield app
        vault("DELETE", f"kv/metadata/apps/{app.name}")
