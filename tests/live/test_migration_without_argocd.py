"""A whole migration by the command in an estate that has no Argo CD: the same objects, applied as field manager `labtui`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.gitops_fixture import wait_until
from tests.live.migration_fixture import answers
from tests.live.migrations.crowd import Crowd
from tests.live.migrations.image import served_image
from tests.live.migrations.stack import MigratedStack
from tests.live.migrations.standing import MARK, World

pytestmark = [pytest.mark.live, pytest.mark.sampled]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[MigratedStack]:
    with served_image() as image, MigratedStack(tmp_path, image, route="none") as found:
        found.argocd = False
        found.checks |= {"drain": 1, "soak": {"seconds": 2}}
        found.deploy()
        yield found


def mark(stack: MigratedStack) -> str:
    """Where the namespace says that the stack came from."""
    space = json.loads(stack.kubectl("get", "namespace", stack.name, "-o", "json"))
    return str(space["metadata"].get("annotations", {}).get(MARK, ""))


def test_there_and_back_without_a_lost_request(stack: MigratedStack) -> None:
    """Up to the first route nobody can ask through the Ingress; from then on all are answered, there and back."""
    world = World(stack)
    before = stack.git("ls-remote", "origin", "refs/heads/main")
    status, document, said = stack.labtui("migrate", stack.place, "--until", "secrets", "--yes")
    assert status == 0, (document.get("message"), said)
    status, document, said = stack.labtui("migrate", stack.place, "--until", "verify", "--yes")
    assert status == 0, (document.get("message"), said)
    wait_until("the route", lambda: answers(stack.host), 60)
    with Crowd(stack.host, stack.home, light=True) as crowd:
        crowd.phase("all")
        status, document, said = stack.labtui("migrate", stack.place, "--yes")
        assert status == 0, (document.get("message"), said)
        assert {service: state for service, (state, _) in world.containers().items()} == dict.fromkeys(
            stack.services, "exited"
        )
        pods = {p["status"]["podIP"] for p in world.objects("pods", "-l", "app.kubernetes.io/name=web")}
        assert world.behind() == pods and len(pods) == 1
        assert world.secret() == stack.secrets
        assert stack.place in mark(stack)
        for obj in world.objects("deployments,services,ingresses", "--show-managed-fields"):
            owners = [m["manager"] for m in obj["metadata"]["managedFields"] if m["operation"] == "Apply"]
            assert owners == ["labtui"], (obj["kind"], owners)
            assert "argocd.argoproj.io/tracking-id" not in obj["metadata"].get("annotations", {})

        status, document, said = stack.labtui("migration", "undo", stack.migration(), "--to", "verify", "--yes")
        assert status == 0, (document.get("message"), said)
        assert world.behind() == {stack.address}
    assert crowd.lost("all") == [] and crowd.count("all", "fresh")[0] > 50

    status, document, said = stack.labtui("migration", "undo", stack.migration(), "--yes")
    assert status == 0, (document.get("message"), said)
    assert world.not_on_docker() == []
    assert mark(stack) == ""
    assert stack.git("ls-remote", "origin", "refs/heads/main") == before, (
        "an estate without Argo CD is not deployed by commits"
    )
