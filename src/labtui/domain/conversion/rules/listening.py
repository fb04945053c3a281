"""Which ports a service listens on, and what is spoken there. Knowledge alone; nothing is decided here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from labtui.domain.compose.stack import Service, port_key
from labtui.domain.conversion.units import whole

# What speaks no HTTP there, by the port's registered or usual name.
OTHER = {
    20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 67: "dhcp", 69: "tftp", 88: "kerberos", 110: "pop3",
    111: "rpcbind", 123: "ntp", 137: "netbios", 139: "smb", 143: "imap", 161: "snmp", 162: "snmptrap", 389: "ldap", 445: "smb",
    465: "smtps", 500: "ipsec", 514: "syslog", 554: "rtsp", 587: "submission", 636: "ldaps", 853: "dns-tls", 873: "rsync",
    993: "imaps", 995: "pop3s", 1080: "socks", 1194: "openvpn", 1433: "mssql", 1521: "oracle", 1883: "mqtt", 1900: "ssdp",
    2049: "nfs", 2055: "netflow", 2181: "zookeeper", 3306: "mysql", 3389: "rdp", 3478: "stun", 4222: "nats", 4317: "otlp-grpc",
    5060: "sip", 5353: "mdns", 5432: "postgres", 5433: "postgres", 5672: "amqp", 5900: "vnc", 6379: "redis", 6380: "redis",
    6881: "bittorrent", 7359: "discovery", 8883: "mqtts", 9092: "kafka", 9094: "kafka", 10051: "zabbix", 11211: "memcached",
    19132: "minecraft", 25565: "minecraft", 26379: "sentinel", 27017: "mongodb", 34197: "factorio", 51413: "bittorrent",
    51820: "wireguard",
}  # fmt: skip
HTTPS = frozenset({443, 4443, 8443, 9443})
_HTTP = frozenset(
    {
        80,
        81,
        591,
        2283,
        3000,
        3001,
        3003,
        3100,
        4000,
        5000,
        5601,
        7474,
        7575,
        8000,
        8096,
        8123,
        8428,
        8888,
        9000,
        9090,
        9091,
    }
)
# What an image of this name listens on, when nothing else tells.
_BY_IMAGE = {
    "redis": 6379, "valkey": 6379, "keydb": 6379, "dragonfly": 6379, "postgres": 5432, "postgresql": 5432, "pgvecto-rs": 5432,
    "postgis": 5432, "pgvector": 5432, "timescaledb": 5432, "mysql": 3306, "mariadb": 3306, "mongo": 27017, "mongodb": 27017,
    "memcached": 11211, "rabbitmq": 5672, "nats": 4222, "eclipse-mosquitto": 1883, "elasticsearch": 9200, "opensearch": 9200,
    "influxdb": 8086, "clickhouse-server": 8123, "minio": 9000, "meilisearch": 7700, "typesense": 8108, "etcd": 2379, "nginx": 80,
    "httpd": 80, "caddy": 80, "traefik": 80, "grafana": 3000, "prometheus": 9090, "victoria-metrics": 8428, "victoria-logs": 9428,
}  # fmt: skip
_HOST_PORT = re.compile(r"([\w.-]+)(?::(\d{1,5})\b)?")
_SHORT = re.compile(
    r"(?:(?P<ip>\[[^\]]*\]|\d+(?:\.\d+){3}):)?(?:(?P<published>[\d-]*):)?(?P<target>\d+)(?:/(?P<protocol>\w+))?"
)


@dataclass(frozen=True, slots=True)
class PortEntry:
    """One entry of `ports`. `published` is None when Docker chooses it anew at each start."""

    key: str
    target: int
    protocol: str  # TCP, UDP or SCTP
    published: int | None = None
    host_ip: str = ""
    name: str = ""
    app_protocol: str = ""

    @property
    def loopback(self) -> bool:
        """Published for programs on the site's host alone."""
        try:
            return ipaddress.ip_address(self.host_ip.strip("[]")).is_loopback
        except ValueError:
            return self.host_ip == "localhost"


def port_entries(service: Service) -> tuple[PortEntry, ...]:
    """The entries of `ports` that can be read; what cannot has no entry here."""
    value = service.raw.get("ports")
    found = (_entry(entry) for entry in value) if isinstance(value, list) else ()
    return tuple(entry for entry in found if entry is not None)


def _entry(entry: Any) -> PortEntry | None:
    key = f"ports.{port_key(entry)}"
    if not isinstance(entry, dict):
        found = _SHORT.fullmatch(str(entry))
        if found is None:
            return None
        entry = {
            "host_ip": found["ip"],
            "published": found["published"],
            "target": found["target"],
            "protocol": found["protocol"],
        }
    target, protocol = whole(entry.get("target")), str(entry.get("protocol") or "tcp").upper()
    if target is None or not 0 < target < 65536 or protocol not in ("TCP", "UDP", "SCTP"):
        return None
    published = whole(entry.get("published") or 0) or None
    return PortEntry(
        key,
        target,
        protocol,
        published if published and published < 65536 else None,
        str(entry.get("host_ip") or ""),
        str(entry.get("name") or ""),
        str(entry.get("app_protocol") or "").lower(),
    )


def port_range(text: Any, limit: int = 100) -> list[tuple[int, str]] | None:
    """`3000`, `3000-3005/udp` as (port, protocol) pairs; None when it is no port, or more than `limit` of them."""
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", str(text).strip().lower())
    if not found:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    if not 0 < first <= last < 65536 or last - first >= limit:
        return None
    return [(port, (found[3] or "tcp").upper()) for port in range(first, last + 1)]


def image_name(reference: str) -> str:
    """The last part of an image's name: `pgvecto-rs` of `docker.io/tensorchord/pgvecto-rs:pg14@sha256:…`."""
    return reference.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0].lower()


def usual_port(image: str) -> int | None:
    """The port that an image of this name is known to listen on; None: not known."""
    return _BY_IMAGE.get(image_name(image))


def speaks_http(service: Service, port: int, protocol: str, published: bool, app_protocol: str = "") -> bool:
    """Is this an HTTP (or HTTPS) port? By what is written; a published TCP port that is not known for anything else counts."""
    if protocol != "TCP":
        return False
    if app_protocol:
        return app_protocol in ("http", "https", "http2", "h2c", "ws", "wss", "kubernetes.io/h2c", "kubernetes.io/ws")
    if re.search(rf"https?://[^\s/\"']*:{port}\b", check_text(service)):
        return True
    if port in OTHER:
        return False
    return published or port in _HTTP or port in HTTPS or 8000 <= port < 9000


def check_text(service: Service) -> str:
    """The health check's command as one text."""
    check = service.raw.get("healthcheck")
    test = check.get("test") if isinstance(check, dict) else None
    return " ".join(map(str, test)) if isinstance(test, list) else str(test or "")


def mentions(services: Iterable[Service]) -> dict[str, dict[str, frozenset[int]]]:
    """Host names as variables and commands have them (`redis:6379`, `//redis/0`): name → service → ports, 0 for none."""
    found: dict[str, dict[str, set[int]]] = {}
    for service in services:
        for text in _texts(service):
            for match in _HOST_PORT.finditer(text):
                port = int(match[2] or 0)
                if port < 65536:
                    found.setdefault(match[1].strip(".-"), {}).setdefault(service.name, set()).add(port)
    return {name: {s: frozenset(ports) for s, ports in users.items()} for name, users in found.items()}


def _texts(service: Service) -> Iterator[str]:
    yield from (e.value for e in service.environment if e.value)
    for key in ("command", "entrypoint"):
        value = service.raw.get(key)
        yield from map(str, value) if isinstance(value, list) else [str(value)] if value else []
