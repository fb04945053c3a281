"""Who is connected to a container, as the kernel tells (proc_net(5))."""

from __future__ import annotations

import ipaddress

import pytest

from labtui.adapters.docker.containers import (
    EngineContainers,
    _data_users,
    _inside,
    _policy,
    _ports,
    established,
    overlap,
)
from labtui.domain.errors import Invalid, Unreachable
from labtui.ports.stacks import DataUser

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue\n"
PORTS = frozenset({8080})
INSIDE = ((ipaddress.ip_network("172.18.0.0/16"), "172.18.0.1"),)


def line(local: str, remote: str, state: str = "01") -> str:
    return f"   0: {local} {remote} {state} 00000000:00000000\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (line("020012AC:1F90", "0102A8C0:0001"), 1),
        (line("020012AC:1F90", "0158A8C0:D431"), 1),  # 192.168.88.1
        (line("020012AC:1F90", "0158A8C0:D431", "06"), 0),  # TIME_WAIT
        (line("020012AC:1F91", "0158A8C0:D431"), 0),  # another port
        (line("0100007F:1F90", "0100007F:D431"), 0),  # its own health check
        (line("020012AC:1F90", "030012AC:D431"), 0),  # a peer, 172.18.0.3
        (line("020012AC:1F90", "010012AC:D431"), 1),  # by way of the gateway: docker-proxy
        (line("0000000000000000FFFF0000020012AC:1F90", "0000000000000000FFFF00000158A8C0:D431"), 1),  # IPv4 in IPv6
        ("nonsense\n" + line("zz:1F90", "x:1"), 0),
    ],
)
def test_connections_from_outside_are_counted(text: str, count: int) -> None:
    assert established(HEADER + text, PORTS, INSIDE) == count


def test_what_an_inspected_container_says() -> None:
    doc = {
        "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}},
        "NetworkSettings": {
            "Ports": {"8080/tcp": [{"HostPort": "80"}], "9000/tcp": None, "53/udp": [{"HostPort": "53"}]},
            "Networks": {"a": {"IPAddress": "172.18.0.2", "IPPrefixLen": 16, "Gateway": "172.18.0.1"}},
        },
    }
    assert _policy(doc) == "on-failure:3" and _policy({}) == "no" and _ports(doc) == PORTS
    assert _inside(doc) == INSIDE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/srv/shop", "/srv/shop/", True),
        ("/srv/shop", "/srv/shop/pictures", True),
        ("/srv/shop/pictures", "/srv", True),
        ("/srv/shop", "/", True),
        ("/srv/shop", "/srv/shop2", False),
        ("/srv/shop", "/srv/x/../shop", True),
        ("shop_data", "shop_data", True),
        ("shop_data", "shop_data2", False),
        ("shop_data", "/srv/shop_data", False),
        ("/srv/shop", "", False),
    ],
)
def test_who_has_a_folder_has_what_is_in_it(one: str, other: str, same: bool) -> None:
    assert overlap(one, other) is same is overlap(other, one)


def test_who_has_some_data() -> None:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "db"}
    doc = {
        "Name": "/shop-db-1",
        "Config": {"Labels": labels},
        "State": {"Running": False, "Restarting": True},
        "Mounts": [
            {"Type": "bind", "Source": "/srv/shop/data", "RW": True},
            {"Type": "volume", "Name": "shop_cache", "Source": "/var/lib/docker/volumes/shop_cache/_data", "RW": False},
            {"Type": "bind", "Source": "/etc/localtime", "RW": False},
        ],
    }
    found = list(_data_users(doc, ["shop_cache", "/srv/shop/data"]))
    assert found == [
        DataUser("shop-db-1", "shop", "db", "/srv/shop/data", running=True, writes=True),
        DataUser("shop-db-1", "shop", "db", "shop_cache", running=True, writes=False),
    ]
    (by_hand,) = _data_users({"Name": "/x", "Mounts": [{"Source": "/srv"}]}, ["/srv/shop/data"])
    assert by_hand == DataUser("x", "", "", "/srv/shop/data", running=False, writes=True)


def test_nonsense_is_refused_before_anybody_is_asked() -> None:
    containers = EngineContainers([])
    with pytest.raises(Invalid, match="no restart policy"):
        containers.set_restart_policy("wroclaw", "x", "sometimes")
    with pytest.raises(Unreachable, match="has no Docker engine"):
        containers.restart_policies("wroclaw", "x")
