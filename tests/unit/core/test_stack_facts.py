"""Facts put together from a site and the cluster."""

from __future__ import annotations

import pytest

from labtui.core.stack_facts import GatheredFacts
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.facts import ClusterFacts, ImageFacts
from labtui.domain.conversion.gathering import ClusterReading, HostFacts, SiteFacts, Wanted, architecture, same_host
from labtui.domain.conversion.places import wanted
from labtui.domain.errors import LabError, Unreachable

STACK = Stack("wroclaw", "media", (Service("app", {"image": "a:1"}),))
CLUSTER = ClusterReading(ClusterFacts(default_storage_class="local"), (HostFacts("mac", "boot-1"),))


class Site:
    def __init__(self, answer: SiteFacts | LabError) -> None:
        self.answer = answer

    def look(self, stack: Stack) -> SiteFacts:
        if isinstance(self.answer, LabError):
            raise self.answer
        return self.answer


class Cluster:
    def __init__(self, answer: ClusterReading | LabError) -> None:
        self.answer = answer

    def read(self) -> ClusterReading:
        if isinstance(self.answer, LabError):
            raise self.answer
        return self.answer


def test_both_are_put_together() -> None:
    site = SiteFacts(images={"a:1": ImageFacts(user="1")}, host=HostFacts("vm", "boot-1"))
    made = GatheredFacts({"wroclaw": Site(site)}, {"wroclaw": "10.0.0.1"}, Cluster(CLUSTER), "example.org").facts(STACK)
    assert (made.site_address, made.domain, made.same_host, made.problems) == ("10.0.0.1", "example.org", True, ())
    assert made.images["a:1"].user == "1" and made.cluster is CLUSTER.facts


def test_who_cannot_be_asked_is_named_and_the_other_is_not_lost() -> None:
    down = Unreachable("No Docker engine", "connection refused")
    made = GatheredFacts({"wroclaw": Site(down)}, {}, Cluster(CLUSTER)).facts(STACK)
    assert (
        made.problems == ("wroclaw: connection refused",) and made.cluster is CLUSTER.facts and made.same_host is None
    )
    other = GatheredFacts({"wroclaw": Site(SiteFacts())}, {}, Cluster(Unreachable("The cluster is down"))).facts(STACK)
    assert other.problems == ("the cluster: The cluster is down",) and other.cluster is None
    nowhere = GatheredFacts({}, {}, None).facts(STACK)
    assert len(nowhere.problems) == 1 and nowhere.problems[0].startswith("wroclaw: ")


HOST = HostFacts("mac", "boot-1", "6.1", "arm64", ("10.0.0.1",))


@pytest.mark.parametrize(
    ("site", "nodes", "address", "expected"),
    [
        (HOST, (HostFacts("node", "boot-1"),), "", True),
        (HOST, (HostFacts("mac", "boot-2"),), "10.0.0.1", False),
        (HostFacts("mac"), (HOST,), "", True),
        (HostFacts("other"), (HOST,), "10.0.0.1", True),
        (HostFacts("other"), (HOST,), "10.0.0.9", None),
        (HostFacts("mac", "", "6.2", "arm64"), (HOST,), "10.0.0.1", False),
        (HostFacts("mac", "", "6.1", "amd64"), (HOST,), "10.0.0.1", False),
        (HostFacts("pi", "", "6.2"), (HOST, HostFacts("b", "", "6.2")), "", None),
        (HOST, (), "10.0.0.1", None),
        (HostFacts(), (HOST,), "", None),
    ],
)
def test_the_same_host(site: HostFacts, nodes: tuple[HostFacts, ...], address: str, expected: bool | None) -> None:
    assert same_host(site, nodes, address) is expected


def test_architectures_have_two_names() -> None:
    assert (architecture("aarch64"), architecture("x86_64"), architecture("riscv64")) == ("arm64", "amd64", "riscv64")


def test_places_that_a_plan_needs_to_know() -> None:
    mounts = [
        {"type": "bind", "source": "/srv/a", "target": "/a", "read_only": True},
        {"type": "bind", "source": "/proc", "target": "/host/proc", "read_only": True},
        {"type": "bind", "source": "/var/run/docker.sock", "target": "/s"},
        {"type": "bind", "source": "/etc/localtime", "target": "/etc/localtime", "read_only": True},
        {"type": "volume", "source": "data", "target": "/data"},
        {"type": "volume", "source": "disk", "target": "/disk"},
        {"type": "volume", "target": "/anonymous"},
        {"type": "tmpfs", "target": "/t"},
    ]
    other = [{"type": "bind", "source": "/srv/a", "target": "/b"}]
    raw = {
        "volumes": {"data": {"name": "media_data"}, "disk": {"driver_opts": {"device": "/srv/disk", "o": "bind"}}},
        "secrets": {"key": {"file": "/srv/key"}, "env": {"environment": "X"}, "unused": {"file": "/srv/unused"}},
        "configs": {"conf": {"file": "/srv/conf"}},
    }
    services = (
        Service(
            "app", {"volumes": mounts, "secrets": [{"source": "key"}], "configs": [{"source": "conf", "target": "/c"}]}
        ),
        Service("web", {"volumes": other}),
    )
    assert wanted(Stack("s", "media", services, raw)) == (
        Wanted("/srv/a", "web", "/b"),  # the one that writes: what it has is measured as data
        Wanted("/etc/localtime", "app", "/etc/localtime", read_only=True),
        Wanted("media_data", "app", "/data", volume=True),
        Wanted("/srv/disk", "app", "/disk"),
        Wanted("/srv/conf", "app", "/c", read_only=True),
        Wanted("/srv/key", "app", "/run/secrets/key", read_only=True),
        Wanted("/srv/unused", "", "", read_only=True),
    )
