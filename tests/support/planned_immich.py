"""A plan of the size that real ones have, for pictures and for keys: four services, choices of every sort, long sentences."""

from __future__ import annotations

from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import (
    Choice,
    Finding,
    Option,
    PlannedSecret,
    PlannedVolume,
    StackPlan,
    Verdict,
)

IMAGES = {
    "immich-server": "ghcr.io/immich-app/immich-server:v1.132.3",
    "immich-machine-learning": "ghcr.io/immich-app/immich-machine-learning:v1.132.3",
    "redis": "docker.io/valkey/valkey:8.1-bookworm",
    "database": "ghcr.io/immich-app/postgres:14-vectorchord0.3.0",
}
STACK = Stack("wroclaw", "immich", tuple(Service(name, {"image": image}) for name, image in IMAGES.items()))
UPLOAD = "volumes./usr/src/app/upload"
DATA = "volumes./var/lib/postgresql/data"
_FOLDER = (
    ("pvc", "copied to a volume of the cluster while the container stands still"),
    ("keep", "stays where it is; the pod is bound to that host"),
    ("nfs", "left on the site and mounted over NFS"),
)


def _ask(
    answers: Answers, key: tuple[str, str], question: str, detail: str, proposed: str, free: bool = False
) -> Finding:
    options = tuple(Option(*o) for o in _FOLDER) if not free else (Option("/api/server/ping", "answers on port 2283"),)
    return Finding(*key, Verdict.CHOICE, detail, Choice(question, options, proposed, answers.get(key, ""), free))


def convert(stack: Stack, facts: Facts, answers: Answers) -> StackPlan:
    """The same plan each time, but for what was answered."""
    findings = [
        Finding("", "networks.default", Verdict.CONVERTED, "All pods of a cluster reach each other; nothing is needed.")
    ]
    for name in IMAGES:
        findings += [
            Finding(name, "image", Verdict.CONVERTED, "The same image, pinned by its tag; it is there for arm64."),
            Finding(name, "container_name", Verdict.CONVERTED, "A Service of this name, so that peers still find it."),
            Finding(name, "restart", Verdict.CONVERTED, "Pods are always started again."),
            Finding(name, "environment.TZ", Verdict.CONVERTED, "An environment variable of the container."),
            Finding(
                name, "healthcheck.test", Verdict.CONVERTED, "Startup, liveness and readiness probes run the command."
            ),
            Finding(
                name, "deploy.resources.limits.memory", Verdict.CONVERTED, "A limit of 2Gi; requests follow from use."
            ),
        ]
    findings += [
        _ask(
            answers,
            ("immich-server", UPLOAD),
            "What becomes of this folder?",
            "9.4G in /srv/wroclaw/immich/upload; the container writes to it, so only one may run at a time.",
            "pvc",
        ),
        _ask(
            answers,
            ("immich-server", "probe"),
            "Which path answers when the service is well?",
            "There is no healthcheck, but the port 2283 speaks HTTP.",
            "/api/server/ping",
            free=True,
        ),
        _ask(
            answers,
            ("database", DATA),
            "What becomes of this folder?",
            "1.2G in the volume immich_pgdata; the container writes to it.",
            "",
        ),
    ]
    if answers.get(("database", DATA)) == "keep":
        words = "The cluster's node is another host: choose pvc, or leave the stack on Docker behind the same Ingress."
        findings.append(Finding("database", "placement", Verdict.REFUSED, words))
    secret = PlannedSecret
    values = {
        "workload": False,
        "traffic": "docker",
        "docker": {"host": "192.168.88.2"},
        "components": {name: {"image": image, "env": {"TZ": "Europe/Warsaw"}} for name, image in IMAGES.items()},
    }
    return StackPlan(
        "wroclaw",
        "immich",
        tuple(IMAGES),
        tuple(findings),
        values,
        (
            secret("immich-server", "apps/immich", "DB_PASSWORD", "DB_PASSWORD", "its name says so", "x"),
            secret("database", "apps/immich", "DB_PASSWORD", "POSTGRES_PASSWORD", "from .env.user", "x"),
        ),
        (
            PlannedVolume(
                "immich-server", "/usr/src/app/upload", "/srv/wroclaw/immich/upload", False, "pvc", 9_400_000_000, True
            ),
            PlannedVolume("immich-server", "/mnt/photos", "/srv/photos", True, "nfs", 210_000_000_000),
            PlannedVolume("immich-server", "/etc/localtime", "/etc/localtime", True, "timezone", 0),
            PlannedVolume("database", "/var/lib/postgresql/data", "immich_pgdata", False, "pvc", None, True),
        ),
        "The stack stands still while 10.6G are copied, about 4 minutes.",
    )
