"""The keys of a service that have keys of their own, and those beside the services."""

from __future__ import annotations

from typing import Any

from tests.properties.service_values import SKIP, Around, Maker, ServiceValues


class Values(ServiceValues):
    """See `ServiceValues`."""

    def _blkio_config(self) -> Any:
        def rates() -> list[dict[str, Any]]:
            return [{"path": "/dev/sda", "rate": self.one("1mb", 1024, "100")}]

        makers: dict[str, Maker] = {f"device_{what}": rates for what in ("read_bps", "write_bps")}
        makers |= {
            f"device_{what}": lambda: [{"path": "/dev/sda", "rate": 120}] for what in ("read_iops", "write_iops")
        }
        makers |= {"weight": lambda: 300, "weight_device": lambda: [{"path": "/dev/sda", "weight": 400}]}
        return self.part(makers)

    def _build(self) -> Any:
        p = self.planted
        makers: dict[str, Maker] = {
            "context": lambda: self.one(".", f"https://me:{p.value()}@github.com/x/y.git#main"),
            "dockerfile": lambda: "Dockerfile.x",
            "args": lambda: self.pairs({"NPM_TOKEN": p.written(), "N": 1}),
            "additional_contexts": lambda: self.pairs({"one": "https://example.com/x.git"}),
            "cache_from": lambda: ["alpine:latest", f"type=gha,token={p.value()}"],
            "cache_to": lambda: ["type=local,dest=/x"],
            "entitlements": lambda: ["network.host"],
            "extra_hosts": lambda: self.one({"a": "1.2.3.4"}, ["a=1.2.3.4"]),
            "isolation": lambda: "default",
            "labels": lambda: self.pairs({"a": p.value()}),
            "network": lambda: "host",
            "no_cache": self.on,
            "platforms": lambda: ["linux/amd64", "linux/arm64"],
            "privileged": self.on,
            "provenance": lambda: self.one(True, "mode=max"),
            "sbom": lambda: self.one(True, "generator=x"),
            "pull": self.on,
            "secrets": lambda: self._mounted(self.around.secrets),
            "shm_size": self.size,
            "ssh": lambda: ["default"],
            "tags": lambda: ["a:1", "b:2"],
            "target": lambda: "prod",
            "ulimits": self._ulimits,
        }  # fmt: skip
        made = self.part(makers, "context")
        if "platforms" not in made and self.r.random() < 0.2:
            made = {"context": ".", "dockerfile_inline": f"FROM x\nRUN --token={p.value()}\n"}
        return self.one(".", made, made)

    def _mounted(self, names: Any) -> Any:
        def long(name: str) -> dict[str, Any]:
            makers: dict[str, Maker] = {
                "source": lambda: name, "target": lambda: self.one("/run/x/" + name, name), "uid": lambda: "103", "gid": lambda: "103",
                "mode": lambda: self.one(0o440, "0440", 288),
            }  # fmt: skip
            return self.part(makers, "source")

        chosen = self.some(names)
        return [self.one(name, long(name)) for name in chosen]

    def _configs(self) -> Any:
        return self._mounted(self.around.configs)

    def _secrets(self) -> Any:
        return self._mounted(self.around.secrets)

    def _credential_spec(self) -> Any:
        options: list[dict[str, Any]] = [{"file": "my-spec.json"}, {"registry": "my-spec"}]
        if self.around.configs:
            options.append({"config": self.around.configs[0]})
        return self.one(*options)

    def _devices(self) -> Any:
        long = {"source": "/dev/dri", "target": "/dev/dri", "permissions": "rwm"}
        return self.some(["/dev/ttyUSB0:/dev/ttyUSB0", "/dev/net/tun", "vendor1.com/device=gpu", long])

    def _device(self) -> Any:
        makers: dict[str, Maker] = {
            "capabilities": lambda: self.one(["gpu"], ["nvidia", "compute"]), "driver": lambda: "nvidia",
            "options": lambda: self.pairs({"virtualization": "false"}),
        }  # fmt: skip
        how = self.one({"count": self.one(1, "2", "all")}, {"device_ids": ["0", "3"]}, {})
        return self.part(makers, "capabilities") | how

    def _gpus(self) -> Any:
        return self.one("all", [self._device()])

    def _deploy(self) -> Any:
        def update() -> dict[str, Any]:
            makers: dict[str, Maker] = {
                "parallelism": lambda: self.either(2), "delay": self.span, "failure_action": lambda: "rollback", "monitor": self.span,
                "max_failure_ratio": lambda: 0.5, "order": lambda: self.one("start-first", "stop-first"),
            }  # fmt: skip
            return self.part(makers)

        def resources() -> dict[str, Any]:
            limits: dict[str, Maker] = {
                "cpus": lambda: self.one("0.50", 1, "2", 0.001),
                "memory": lambda: str(self.size()),
                "pids": lambda: self.either(50),
            }
            asked: dict[str, Maker] = {
                "cpus": lambda: self.one("0.25", 0.1),
                "memory": lambda: self.one("20M", "32m"),
                "generic_resources": lambda: [{"discrete_resource_spec": {"kind": "gpu", "value": 2}}],
                "devices": lambda: [self._device()],
            }
            return self.part({"limits": lambda: self.part(limits), "reservations": lambda: self.part(asked)})

        makers: dict[str, Maker] = {
            "endpoint_mode": lambda: self.one("vip", "dnsrr"),
            "labels": self._labels,
            "mode": lambda: self.one("replicated", "global"),
            "placement": lambda: self.part(
                {
                    "constraints": lambda: ["node.labels.region==east", "node.role == manager"],
                    "preferences": lambda: [{"spread": "node.labels.zone"}],
                    "max_replicas_per_node": lambda: self.either(1),
                }
            ),
            "replicas": lambda: self.either(self.one(0, 1, 1, 1, 3)),
            "resources": resources,
            "restart_policy": lambda: self.part(
                {
                    "condition": lambda: self.one("on-failure", "any", "none"), "delay": self.span,
                    "max_attempts": lambda: self.either(3), "window": self.span,
                }
            ),
            "rollback_config": update,
            "update_config": update,
        }  # fmt: skip
        return self.part(makers)

    def _develop(self) -> Any:
        watch = {
            "path": "./x",
            "action": "sync",
            "target": "/x",
            "ignore": ["a/"],
            "include": ["b"],
            "initial_sync": True,
        }
        run = {"path": "./y", "action": "sync+exec", "target": "/y", "exec": self._hook()[0]}
        return {"watch": self.some([watch, run, {"path": "package.json", "action": "rebuild"}])}

    def _env_name(self) -> str:
        return self.one("MODEL_URL", "AI_URL")  # type: ignore[no-any-return]

    def _models(self) -> Any:
        names = self.some(self.around.models, 1)
        long = {n: self.part({"endpoint_var": self._env_name, "model_var": lambda: "M"}) for n in names}
        return (self.one(names, long)) if names else SKIP

    def _networks(self) -> Any:
        def long(number: int) -> Any:
            makers: dict[str, Maker] = {
                "aliases": lambda: self.some(["alias1", "other-name", "Upper.Case", "x_y"]),
                "driver_opts": lambda: {"com.docker.network.endpoint.sysctls": "a=1"},
                "gw_priority": lambda: 1,
                "interface_name": lambda: f"eth{number}",
                "ipv4_address": lambda: f"172.16.238.{number + 10}",
                "ipv6_address": lambda: f"2001:3984:3989::{number + 10}",
                "link_local_ips": lambda: ["57.123.22.11"],
                "mac_address": lambda: f"02:42:ac:11:65:{number + 10}",
                "priority": lambda: 1000,
            }
            return self.one(None, self.part(makers))

        names = self.some(self.around.networks)
        return self.one(names, {name: long(number) for number, name in enumerate(names)})

    def _mode_of_peer(self) -> str:
        return f"service:{self.r.choice(list(self.around.peers))}" if self.around.peers else "private"

    def _ipc(self) -> Any:
        return self.one("private", "host", "shareable", "none", self._mode_of_peer())

    def _pid(self) -> Any:
        return self.one("private", "host", self._mode_of_peer())

    def _network_mode(self) -> Any:
        return self.one("host", "none", "bridge", self._mode_of_peer() if self.around.peers else "default")

    def _ports(self) -> Any:
        def port() -> Any:
            makers: dict[str, Maker] = {
                "target": lambda: self.one(80, 8080, "443", 53), "published": lambda: self.either(self.r.randrange(2000, 60000)),
                "protocol": lambda: self.one("tcp", "udp"), "host_ip": lambda: self.one("127.0.0.1", "::1", "0.0.0.0"),
                "mode": lambda: self.one("host", "ingress"), "name": lambda: self.one("web", "Main Port", "metrics-endpoint-for-all"),
                "app_protocol": lambda: self.one("http", "kubernetes.io/h2c"),
            }  # fmt: skip
            base = self.r.randrange(2000, 60000)
            short = (
                *(
                    "3000",
                    3000,
                    f"{base}:80",
                    f"127.0.0.1:{base}:8001",
                    f"{base}-{base + 2}:9090-9092",
                    f"{base}:53/udp",
                ),
                *("3000-3005", f"[::1]:{base}:6001", f"{base}:5060/sctp", f"{base}-{base + 5}:7000"),
            )
            return self.part(makers, "target") if self.r.random() < 0.5 else self.one(*short)

        return [port() for _ in range(self.one(0, 1, 2, 3))]

    def _provider(self) -> Any:
        options = {"type": "mysql", "token": self.planted.written(), "list": ["a", 1]}
        return self.one({"type": "x"}, {"type": "awesome", "options": options})

    def _storage_opt(self) -> Any:
        return {"size": self.one("1G", "20g")}

    def _sysctls(self) -> Any:
        return self.pairs(
            dict(self.some([("net.core.somaxconn", 1024), ("net.ipv4.tcp_syncookies", 0), ("kernel.msgmax", "65536")]))
        )

    def _tmpfs(self) -> Any:
        return self.one("/run", ["/run", "/tmp:mode=755,size=1048576,uid=1009"], ["/a:size=64m"])

    def _ulimits(self) -> Any:
        return dict(self.some([("nproc", 65535), ("nofile", {"soft": 20000, "hard": 40000}), ("memlock", -1)]))

    def _volumes(self) -> Any:
        def long() -> dict[str, Any]:
            kind = self.one("bind", "volume", "tmpfs", "image", "volume")
            target = f"/long{self.r.randrange(1000)}"
            common: dict[str, Maker] = {
                "read_only": self.on,
                "consistency": lambda: self.one("cached", "consistent"),
            }
            own: dict[str, Maker] = {
                "bind": lambda: self.part(
                    {
                        "create_host_path": self.on, "propagation": lambda: self.one("rprivate", "rshared"),
                        "recursive": lambda: "enabled", "selinux": lambda: "z",
                    }
                ),
                "volume": lambda: self.part(
                    {"nocopy": self.on, "subpath": lambda: "a/b", "labels": lambda: self.pairs({"a": self.planted.value()})}
                ),
                "tmpfs": lambda: self.part({"size": self.size, "mode": lambda: self.one(0o1777, 755)}),
                "image": lambda: self.part({"subpath": lambda: "x"}),
            }  # fmt: skip
            source = {
                "bind": f"./s/{target[1:]}",
                "image": "alpine:3",
                "volume": self.r.choice([*self.around.volumes, ""]),
            }
            made = {"type": kind, "target": target, **self.part(common), **self.part({kind: own[kind]})}
            if source.get(kind):
                made["source"] = source[kind]
            if kind == "volume" and not made.get("source") and isinstance(made.get("volume"), dict):
                made["volume"].pop("subpath", None)
            return made

        named = self.r.choice(list(self.around.volumes)) if self.around.volumes else "./data"
        short = (
            *(f"{named}:/var/lib/x", "./conf.yaml:/etc/app/conf.yaml:ro", "/proc:/host/proc:ro"),
            *("/var/run/docker.sock:/var/run/docker.sock", "/dev/net/tun:/dev/net/tun"),
            *("/anonymous", "${PWD}/media/lib:/media:ro", "/etc/localtime:/etc/localtime:ro", "./f d:/with blank:z", "~/.x:/root/.x"),
            *("/dev/shm:/dev/shm", "./b:/b:rw,Z", "/lib/modules:/lib/modules:ro", "/:/host:ro,rslave"),
        )  # fmt: skip
        chosen = self.some(short)
        return [*chosen, *(long() for _ in range(self.one(0, 0, 1, 2)))]


def top_level(values: Values, around: Around) -> dict[str, Any]:
    """Everything beside the services, and the names of it put into `around`."""
    r, p = values.r, values.planted
    label: Maker = lambda: values.pairs({"a.b": p.value()})  # noqa: E731
    subnet = {"subnet": "172.16.238.0/24", "gateway": "172.16.238.1", "ip_range": "172.16.238.0/25"}
    networks = {
        "front": lambda: None, "back-net": lambda: {"internal": True, "name": "real", "labels": label()},
        "lan": lambda: {
            "driver": values.one("bridge", "macvlan"), "driver_opts": {"parent": "eth0", "n": 1}, "attachable": True,
            "enable_ipv6": True, "enable_ipv4": True,
            "ipam": {
                "driver": "default", "options": {"a": "b"},
                "config": [{**subnet, "aux_addresses": {"h": "172.16.238.5"}}],
            },
        },
        "others": lambda: {"external": True, "name": "other_stack"},
    }  # fmt: skip
    share = {"type": "cifs", "device": "//192.168.1.2/share", "o": f"username=u,password={p.value()},uid=0"}
    nfs = {"type": "nfs", "device": ":/srv/x", "o": "addr=192.168.1.2,rw"}
    memory = {"type": "tmpfs", "device": "tmpfs"}
    volumes = {
        "data": lambda: None, "db_data": lambda: {}, "shared": lambda: {"external": True, "name": "real_name"},
        "opts": lambda: {"driver": "local", "driver_opts": values.one(share, nfs, memory), "labels": label()},
    }  # fmt: skip
    configs = {
        "inline": lambda: {"content": f"user = me\npassword = {p.written()}\n"},
        "plain_conf": lambda: {"content": "a: 1\nb: [x, y]\n", "labels": label(), "template_driver": "golang"},
        "from_env": lambda: {"environment": p.variable(p.value()).strip("${}").split(":")[0].split("?")[0]},
        "from_file": lambda: {"file": "./conf.ini", "name": "real-config"},
        "elsewhere": lambda: {"external": True},
    }  # fmt: skip
    secrets = {
        "tls.key": lambda: {"file": "./tls.key", "labels": label(), "template_driver": "golang"},
        "api_token": lambda: {"environment": p.variable(p.value()).strip("${}").split(":")[0].split("?")[0]},
        "ext": lambda: {"external": True, "name": "real_secret"},
        "driven": lambda: {"file": "./tls.key", "driver": "custom", "driver_opts": {"token": p.value()}, "name": "drv"},
    }  # fmt: skip
    models = {
        "llm": lambda: {
            "model": "ai/smollm2",
            "context_size": 1024,
            "runtime_flags": ["--hf-token", p.value()],
            "name": "m",
        }
    }
    top: dict[str, Any] = {}
    known: dict[str, Maker]
    for key, known, names in (
        ("networks", networks, "networks"), ("volumes", volumes, "volumes"), ("configs", configs, "configs"),
        ("secrets", secrets, "secrets"), ("models", models, "models"),
    ):  # fmt: skip
        made = {name: known[name]() for name in values.some(sorted(known))} if r.random() < 0.7 else {}
        if made:
            top[key] = made
        setattr(around, names, list(made))
    if any(str(c.get("file", "")).endswith("conf.ini") for c in top.get("configs", {}).values()):
        around.files["conf.ini"] = f"[a]\npassword = {p.value()}\n"
    if top.get("secrets"):
        around.files["tls.key"] = f"{p.value()}\n"
    return top
