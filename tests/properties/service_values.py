"""A value for every documented key of a service, long or short, as a person may write it; one that docker compose accepts."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.properties.planting import Planted

Maker = Callable[[], Any]
SKIP = object()  # a value that would not be accepted here, with what else is there


@dataclass
class Around:
    """What a service can refer to: the services before it, and names at the top of the file."""

    peers: Sequence[str] = ()
    volumes: Sequence[str] = ()
    networks: Sequence[str] = ()
    configs: Sequence[str] = ()
    secrets: Sequence[str] = ()
    models: Sequence[str] = ()
    files: dict[str, str] = field(default_factory=dict)  # what the stack's folder has beside its Compose files


class ServiceValues:
    """`make(key)` is a new value each time."""

    def __init__(self, r: random.Random, planted: Planted, around: Around) -> None:
        self.r, self.planted, self.around = r, planted, around

    def make(self, key: str) -> Any:
        """A value for a service's key; SKIP where it has none here."""
        made: Any = getattr(self, f"_{key}", None)
        return made() if made is not None else self._simple(key)

    # Small things

    def one(self, *options: Any) -> Any:
        """One of these."""
        return self.r.choice(options)

    def some(self, options: Sequence[Any], least: int = 0) -> list[Any]:
        """A few of these, in any order."""
        return self.r.sample(list(options), self.r.randint(min(least, len(options)), min(len(options), 3)))

    def either(self, number: Any) -> Any:
        """A number, or the same as a text."""
        return self.one(number, str(number).lower() if isinstance(number, bool) else str(number))

    def on(self) -> Any:
        return self.one(True, False, "true", "false", "yes")

    def span(self) -> Any:
        return self.one("30s", "1m30s", "500ms", "1h", "5s", "90s", "0s")

    def size(self) -> Any:
        return self.one("64m", "1g", "512mb", "1GB", 67108864, "268435456", "1.5g")

    def part(self, makers: dict[str, Maker], *always: str) -> dict[str, Any]:
        """A mapping of some of these keys, and all of `always`."""
        return {key: make() for key, make in makers.items() if key in always or self.r.random() < 0.6}

    def pairs(self, pairs: dict[str, Any]) -> Any:
        """A mapping as one, or as a list of NAME=VALUE."""
        if self.r.random() < 0.5 and all(v is not None for v in pairs.values()):
            return [f"{k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in pairs.items()]
        return pairs

    def _simple(self, key: str) -> Any:
        choices: dict[str, tuple[Any, ...]] = {
            "attach": (True, False, "true"),
            "cap_add": (["NET_BIND_SERVICE"], ["NET_ADMIN", "SYS_TIME"], ["ALL"], ["CAP_CHOWN"], []),
            "cap_drop": (["ALL"], ["NET_RAW", "MKNOD"], []),
            "cgroup": ("private", "host"),
            "cgroup_parent": ("m-executor-abcd", "/docker"),
            "cpu_count": (2, "2", 0),
            "cpu_percent": (50, "60"),
            "cpu_period": (50000, "100000"),
            "cpu_quota": (50000, "25000", -1),
            "cpu_rt_period": (1400, "11000"),
            "cpu_rt_runtime": (400, "9500"),
            "cpu_shares": (73, "512"),
            "cpus": (0.5, "1.5", 2, "0.25"),
            "cpuset": ("0,1", "0-2", "1"),
            "device_cgroup_rules": (["c 1:3 mr", "a 7:* rmw"], []),
            "dns": ("8.8.8.8", ["8.8.8.8", "9.9.9.9"], []),
            "dns_opt": (["use-vc", "no-tld-query"],),
            "dns_search": ("example.com", ["dc1.example.com", "dc2.example.com"]),
            "domainname": ("example.com", "lan"),
            "expose": (["3000"], [8000, "9000/udp"], ["3000-3003"], []),
            "external_links": (["redis", "database:mysql"],),
            "group_add": (["mail"], [1000, "2000"], ["0"]),
            "hostname": ("web", "Some.Host", "host_with_underscores", "box.example.com", "h-1"),
            "image": ("nginx", "redis:7", "ghcr.io/a/b:v1.2.3", "localhost:5000/x/y", "nginx@sha256:" + "0" * 64),
            "init": (True, False, "true"),
            "ipc": ("private", "host", "shareable", "none"),
            "isolation": ("default", "process", "hyperv"),
            "mac_address": ("02:42:ac:11:65:43",),
            "mem_limit": ("1g", "512m", 536870912, "2gb"),
            "mem_reservation": ("64m", "128mb", 67108864),
            "mem_swappiness": (0, 60, "100"),
            "memswap_limit": (-1, "4g", "2g"),
            "network_mode": ("host", "none", "bridge", "default"),
            "oom_kill_disable": (True, False, "true"),
            "oom_score_adj": (-500, 0, "300"),
            "pid": ("host", "private"),
            "pids_limit": (100, "10", -1, 0),
            "platform": ("linux/amd64", "linux/arm64/v8", "windows/amd64"),
            "privileged": (True, False, "false"),
            "profiles": (["debug"], ["a", "b-c"], []),
            "pull_policy": ("always", "never", "missing", "if_not_present", "build", "daily", "weekly", "every_12h"),
            "pull_refresh_after": ("24h",),
            "read_only": (True, False, "true"),
            "restart": ("no", "always", "on-failure", "on-failure:3", "unless-stopped"),
            "runtime": ("runc", "nvidia"),
            "scale": (1, "2", 0),
            "security_opt": (["no-new-privileges:true"], ["label:user:USER", "seccomp:unconfined"], ["apparmor=x"]),
            "stdin_open": (True, False, "true"),
            "stop_signal": ("SIGTERM", "SIGINT", "SIGRTMIN+3", "9", "HUP"),
            "tty": (True, False, "false"),
            "use_api_socket": (True, False),
            "user": ("1000:1000", "root", "www-data", "0", "1000", "0:0", "65534:nogroup"),
            "userns_mode": ("host", "private"),
            "uts": ("host", "private"),
            "working_dir": ("/app", "/srv/some where", "/"),
        }  # fmt: skip
        if key == "shm_size":
            return self.size()
        return self.span() if key == "stop_grace_period" else self.one(*choices[key])

    # What may hold secrets

    def _environment(self) -> Any:
        p, r = self.planted, self.r
        kinds: dict[str, Maker] = {
            "DB_PASSWORD": p.written,
            "API_TOKEN": lambda: self.one(p.nasty(), p.value()),
            "DATABASE_URL": lambda: f"postgres://app:{p.written()}@db:5432/app?sslmode=disable",
            "SOME_BLOB": p.value,
            "SMTP_PASSWORD_NUMBER": lambda: 5,
            "PIN": p.number,
            "OPAQUE": lambda: p.variable(p.value()),
            "JDBC": lambda: f"jdbc:sqlserver://db;user=sa;password={p.written()};encrypt=true",
            "WEBHOOK_QUERY": lambda: f"https://hooks.example.com/x?token={p.written()}",
            "TZ": lambda: self.one("Europe/Warsaw", "${TZ:-UTC}"),
            "NUMBER": lambda: self.one(1, "1", 1.50, "0x1F", 10**20, "1e3", 0o17),
            "FLAG": lambda: self.one(True, "true", "off", "y", "null", "~"),
            "EMPTY": lambda: self.one("", None),
            "FROM_SHELL": lambda: None,
            "UNSET": lambda: "${NOWHERE_SET}",
            "COLLIDING": lambda: "$$(API_TOKEN) $$HOME $$$${x}",
            "MULTILINE": lambda: "one\ntwo: three\n# four\n",
            "lower.dotted-name": lambda: "é\t\u202e{{ .Values }} {{ include \"x\" . }}",
            "JSON": lambda: '{"a": [1, "two"], "b": null}',
            "PLAIN": lambda: "hello world",
        }  # fmt: skip
        chosen = {name: kinds[name]() for name in r.sample(sorted(kinds), r.randint(0, 8))}
        return self.pairs({n: v for n, v in chosen.items() if v is not True})

    def _env_file(self) -> Any:
        name = f"env{len(self.around.files)}.env"
        p = self.planted
        lines = [
            f"FILE_SECRET={p.value()}",
            "# nothing",
            "FILE_MODE=fast",
            f'QUOTED="{p.value()}"',
            "export EXPORTED=1",
        ]
        self.around.files[name] = "\n".join(self.some(lines, 1)) + "\n"
        long = self.part({"path": lambda: name, "required": lambda: True, "format": lambda: "raw"}, "path")
        missing = {"path": "nowhere.env", "required": False}
        if "export EXPORTED=1" in self.around.files[name]:
            long.pop("format", None)
        return self.one(name, [name], [long], [long, missing])

    def _label_file(self) -> Any:
        name = f"labels{len(self.around.files)}.txt"
        self.around.files[name] = f"from.file=yes\nother.token={self.planted.value()}\n"
        return self.one(name, [name])

    def _labels(self) -> Any:
        p = self.planted
        kinds: dict[str, Maker] = {
            "com.example.note": lambda: self.one("", "a b", 5, "true"),
            "traefik.http.routers.web.rule": lambda: "Host(`web.example.com`)",
            "traefik.http.middlewares.auth.basicauth.users": lambda: f"me:{p.written()}",
            "app": lambda: "x",
            "Strange Label/with (signs)": lambda: "v",
            "homepage.widget.key": p.written,
            "x" * 80: lambda: "long",
            "prometheus.scrape": lambda: "true",
            "backup.url": lambda: f"s3://key:{p.written()}@bucket/x",
        }
        return self.pairs({name: kinds[name]() for name in self.some(sorted(kinds))})

    _annotations = _labels

    def _command(self) -> Any:
        p = self.planted
        return self.one(
            lambda: ["serve", "--password", p.written(), "--port=80"],
            lambda: f"sh -c 'run --token={p.written()} && exec x'",
            lambda: ["sh", "-c", f"curl -H 'Authorization: Bearer {p.written()}' http://x/ $$(hostname) $${{HOME}}"],
            lambda: f"redis-server --requirepass {p.written()} --save 60 1",
            lambda: ["--dsn", f"mysql://u:{p.written()}@db/x"],
            lambda: "", lambda: [], lambda: ["", "a b", "$$(A)", "é", "-"], lambda: "bundle exec thin -p 3000",
            lambda: "/bin/sh -c \"echo 'a' | sed \\\"s/x/y/\\\"\"", lambda: None,
        )()  # fmt: skip

    _entrypoint = _command

    def _hook(self) -> list[dict[str, Any]]:
        p = self.planted
        makers: dict[str, Maker] = {
            "command": lambda: self.one(["a", "--token", p.written()], "./x.sh --now", f"login -p {p.written()} me"),
            "user": lambda: "root",
            "privileged": self.on,
            "working_dir": lambda: "/x",
            "environment": lambda: self.pairs({"HOOK_PASSWORD": p.written()}),
        }
        only: dict[str, Maker] = {"command": makers["command"]}
        return [self.part(self.one(makers, only), "command") for _ in range(self.one(1, 1, 2))]

    _post_start = _hook
    _pre_stop = _hook

    def _healthcheck(self) -> Any:
        p = self.planted
        tests = (
            lambda: ["CMD", "curl", "-f", "http://localhost:8080/health"],
            lambda: ["CMD-SHELL", f"redis-cli -a '{p.written()}' ping | grep PONG || exit 1"],
            lambda: f"mysqladmin ping -p{p.written()} || exit 1",
            lambda: ["CMD", "pg", "--password", p.written()],
            lambda: f"wget -q --header 'X-Api-Key: {p.written()}' http://127.0.0.1/ || exit 1",
            lambda: ["NONE"],
        )
        makers: dict[str, Maker] = {
            "test": lambda: self.one(*tests)(), "interval": self.span, "timeout": self.span,
            "retries": lambda: self.either(self.one(1, 3, 10)), "start_period": self.span, "start_interval": self.span,
        }  # fmt: skip
        return self.one(lambda: {"disable": self.on()}, *[lambda: self.part(makers, "test")] * 4)()

    def _logging(self) -> Any:
        options = {
            "max-size": "10m",
            "max-file": "3",
            "splunk-token": self.planted.written(),
            "loki-url": f"https://u:{self.planted.written()}@loki/",
        }
        chosen = {k: options[k] for k in self.some(sorted(options))}
        return self.part({"driver": lambda: self.one("json-file", "loki", "none"), "options": lambda: chosen})

    # References

    def _depends_on(self) -> Any:
        def long() -> dict[str, Any]:
            condition = self.one("service_started", "service_healthy", "service_completed_successfully")
            return self.part(
                {"condition": lambda: condition, "restart": self.on, "required": lambda: True}, "condition"
            )

        names = self.some(self.around.peers)
        return self.one(names, {name: long() for name in names})

    def _links(self) -> Any:
        return [
            self.one(name, f"{name}:also-{name.lower().replace('_', '-')}") for name in self.some(self.around.peers)
        ]

    def _volumes_from(self) -> Any:
        return [self.one(name, f"{name}:ro") for name in self.some(self.around.peers)] or ["container:outside:ro"]

    def _container_name(self) -> Any:
        return f"{self.one('Name', 'my_', 'c.', 'box-')}{self.r.randrange(10**6)}"

    def _extra_hosts(self) -> Any:
        found = self.some([("a.lan", "192.168.1.2"), ("gateway", "host-gateway"), ("v6", "::1"), ("b_c", "10.0.0.1")])
        sign = self.one(":", "=")
        return self.one(dict(found), [f"{name}{sign if address != '::1' else '='}{address}" for name, address in found])
