"""What holds for any stack: one finding for each key, no secret anywhere, the same result twice, no crash."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from labtui.domain.compose.stack import EnvironmentValue, Origin, Service, Stack, key_paths, stack_key_paths
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, Kind, MountFacts, NodeFacts, UsageFacts
from labtui.domain.conversion.findings import StackPlan
from tests.unit.domain.conversion.test_registry import SERVICE_KEYS

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3.5, "", "0", "true", "x", "1m30s", "512m", "a:b:c", "ü\u202e\x1b[31m", "a" * 300),
    *([], {}, [None], [[]], ["a", 1, None, True], {"a": None}, {"a": {"b": ["c"]}}, [{}], [{"target": None}], {"": ""}),
    *([{"target": "x", "source": 3}], ["a=b", "a=c"], "service:other", "host", ["CMD"], float("nan"), 10**30),
    [{"target": 80, "published": "99999"}],
)


def _secret(r: random.Random) -> str:
    return "Zq" + "".join(r.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(22))


class _Maker:
    """Makes services as docker compose prints them, from one seed."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.secrets: list[str] = []

    def secret(self) -> str:
        self.secrets.append(_secret(self.r))
        return self.secrets[-1]

    def stack(self) -> Stack:
        count = self.r.choice((1, 2, 3, 5))
        names = [
            self.r.choice(("web", "db", "my_db", "Cache", "9lives", "a.b", "x" * 70)) + str(i) for i in range(count)
        ]
        top = {
            key: self.r.choice(ODD)
            for key in ("networks", "volumes", "configs", "secrets", "x-a", "odd", "models")
            if self.r.random() < 0.4
        }
        return Stack(
            "wroclaw", self.r.choice(("media", "m_x", "9")), tuple(self.service(name, names) for name in names), top
        )

    def service(self, name: str, names: list[str]) -> Service:
        usual: dict[str, Callable[[], Any]] = {
            "image": lambda: self.r.choice(("redis:7", "ghcr.io/a/b@sha256:" + "0" * 64, "nginx")),
            "command": lambda: self.r.choice(
                (None, [], ["run", "--password", self.secret()], ["sh", "-c", f"x --token={self.secret()} $(y)"])
            ),
            "entrypoint": lambda: self.r.choice((None, [], [""], ["/x", "$$HOME"])),
            "depends_on": lambda: {
                n: {"condition": f"service_{self.r.choice(('started', 'healthy', 'completed_successfully'))}"}
                for n in names
                if self.r.random() < 0.5
            },
            "ports": lambda: [self.port() for _ in range(3)],
            "healthcheck": lambda: {
                "test": self.r.choice(
                    (
                        ["CMD-SHELL", f"redis-cli -a '{self.secret()}' ping"],
                        ["CMD", "x", "--password", self.secret()],
                        ["NONE"],
                        "curl x",
                    )
                ),
                "interval": self.r.choice(("30s", "x", 5, None)),
            },
            "deploy": lambda: {
                "replicas": self.r.choice((0, 1, "2", "x")),
                "labels": {"api.token": self.secret()},
                "resources": {"limits": {"cpus": "0.5", "memory": "1g", "odd": 1}},
            },
            "labels": lambda: {"a/b": "c", "!": "x", "traefik.http.auth": f"u:{self.secret()}"},
            "restart": lambda: self.r.choice(("no", "always", "on-failure:3", False)),
            "networks": lambda: {"default": self.r.choice((None, {"aliases": ["alias", "UPPER", names[0]]}))},
        }
        raw: dict[str, Any] = {}
        keys = [*SERVICE_KEYS, "x-1", "x-2", "unknown"]
        self.r.shuffle(keys)
        for key in keys:
            if key in ("environment", "x-") or self.r.random() < 0.4:
                continue
            raw[key] = usual[key]() if key in usual and self.r.random() < 0.7 else self.r.choice(ODD)
        raw["environment"] = {}
        return Service(name, raw, self.environment())

    def port(self) -> dict[str, Any]:
        return {
            "target": self.r.choice((80, 443, 53)),
            "published": self.r.choice(("8080", "", "30080", "80-90")),
            "protocol": self.r.choice(("tcp", "udp")),
            "host_ip": self.r.choice(("", "127.0.0.1", "::1", "10.0.0.1")),
        }

    def environment(self) -> tuple[EnvironmentValue, ...]:
        found = (
            EnvironmentValue("DB_PASSWORD", self.secret()),
            EnvironmentValue("DSN_OF_IT", f"postgres://u:{self.secret()}@db/x"),
            EnvironmentValue("THING", self.secret(), Origin.VARIABLE, ("THING",)),
            EnvironmentValue("THE_SAME", f"host=db;with {self.secrets[-1]}"),
            EnvironmentValue("TZ", "Europe/Warsaw", Origin.VARIABLE, ("TZ",)),
            EnvironmentValue("GONE", None, Origin.HOST),
            EnvironmentValue("BAD NAME=", "x"),
            EnvironmentValue("LOUD", "$(DB_PASSWORD) $$ ${X}"),
        )
        return tuple(e for e in found if self.r.random() < 0.7)

    def facts(self) -> Facts:
        if self.r.random() < 0.3:
            return Facts()
        image = ImageFacts(
            ("amd64",),
            ("/e",),
            ("c",),
            "1000",
            ("6379/tcp", "1-60000/udp", "x"),
            ("/data",),
            self.r.choice(((), ("CMD", "ok"), ("NONE",))),
            "SIGINT",
        )
        node = NodeFacts("n", "arm64", 1.0, 1 << 30, 1 << 31)
        return Facts(
            "192.168.88.2", self.r.choice(("", "example.org")), self.r.choice((None, True, False)), {"redis:7": image, "nginx": image},
            {"a": MountFacts(Kind.FOLDER, 5)}, {"web0": UsageFacts(0.2, 10**8)}, {"web0": ("abc", "media-web0-1")},
            ClusterFacts((node,), ("local-path",), "local-path", {"media.example.org": "other/x"}, {30080: "other/y"}),
        )  # fmt: skip


def _said(plan: StackPlan) -> str:
    findings = [(f.service, f.key, f.detail, repr(f.choice)) for f in plan.findings]
    return json.dumps([dict(plan.values), findings, repr(plan), plan.interruption], ensure_ascii=False)


@pytest.mark.parametrize("seed", range(120))
def test_any_stack(seed: int) -> None:
    maker = _Maker(seed)
    stack, facts = maker.stack(), maker.facts()
    answers = (
        {("web0", "image"): "x", (stack.services[0].name, "restart"): "keep", ("", "ingress"): "none"}
        if seed % 3 == 0
        else {}
    )

    made = convert(stack, facts, answers)

    counted = Counter((f.service, f.key) for f in made.findings)
    assert not [at for at, times in counted.items() if times > 1]
    wanted = {("", path) for path in stack_key_paths(stack)}
    wanted |= {(service.name, path) for service in stack.services for path in key_paths(service)}
    assert wanted <= set(counted)
    assert not [f for f in made.findings if "labtui failed" in f.detail]
    said = _said(made)
    assert not [secret for secret in maker.secrets if secret in said]
    assert _said(convert(stack, facts, answers)) == said
