"""The simulated sites' stacks are what docker compose makes of the reference files."""

from __future__ import annotations

import pytest

from labtui.adapters.compose import ComposeReader, Place
from labtui.demo.compose import DemoCompose
from labtui.demo.files import SITES, data_folder
from labtui.domain.compose.stack import Origin
from labtui.domain.errors import NotFound
from tests.unit.adapters.compose.support import real_environ

VALUES = {"IMMICH_DB_PASSWORD": "pa$word", "MEDIA": "/elsewhere", "GRAFANA_ADMIN_PASSWORD": "a b"}


@pytest.mark.parametrize("site", SITES)
def test_the_demo_reads_every_stack_as_docker_compose_does(site: str) -> None:
    compose = data_folder("compose")
    demo = DemoCompose(compose, values=VALUES)
    environ = {k: v for k, v in real_environ().items() if k not in ("TZ", "DOMAIN")} | VALUES
    real = ComposeReader([Place(site, compose / site, f"/srv/{site}")], environ)
    assert demo.stacks(site) == real.stacks(site)
    for stack in demo.stacks(site):
        ours, theirs = demo.read(site, stack), real.read(site, stack)
        for mine, right in zip(ours.services, theirs.services, strict=True):
            assert dict(mine.raw) == dict(right.raw), f"{stack} {mine.name}"
            assert mine.environment == right.environment
        assert dict(ours.raw) == dict(theirs.raw)
        assert (ours.files, ours.folder, ours.folder_here, ours.unset) == (
            theirs.files,
            theirs.folder,
            theirs.folder_here,
            theirs.unset,
        )


def test_without_anything_the_demo_has_secrets_and_says_where_they_come_from() -> None:
    database = DemoCompose(data_folder("compose")).read("wroclaw", "immich").service("database")
    assert database
    (password,) = [e for e in database.environment if e.name == "POSTGRES_PASSWORD"]
    assert (password.value, password.origin) == ("demo-immich-db-password", Origin.VARIABLE)
    assert database.raw["command"][4] == 'search_path="$user", public, vectors'


def test_what_is_not_there() -> None:
    demo = DemoCompose(data_folder("compose"))
    for site, stack in (("wroclaw", "../kyiv/monitoring"), ("lviv", "immich")):
        with pytest.raises(NotFound):
            demo.read(site, stack)
