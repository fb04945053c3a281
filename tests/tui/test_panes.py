"""Rows and descriptions of things, each as an operator would want to read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from labtui.core.inventory import Inventory
from labtui.domain.changes import Upsert
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources import Resource
from labtui.domain.resources.argocd import (
    Application,
    ApplicationSource,
    AutoSync,
    Condition,
    Deployment,
    ManagedResource,
    Operation,
    ResourceResult,
    RollbackRecord,
)
from labtui.domain.resources.docker import Container, DockerService, Port
from labtui.domain.resources.kubernetes import (
    EndpointSlice,
    Ingress,
    KubeEvent,
    PersistentVolumeClaim,
    Pod,
    Service,
    ServicePort,
    Usage,
    Workload,
)
from labtui.domain.resources.vault import SecretPath, SecretVersion
from labtui.domain.states import Level
from labtui.tui.cells import Cell
from labtui.tui.panes import PANES
from labtui.tui.panes.detail import Section, describe
from tests.tui.tables import TableApp

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ARGO = SourceId(SourceKind.ARGOCD, "argocd.example.org")
CLUSTER = SourceId(SourceKind.KUBERNETES, "homelab")
KYIV = SourceId(SourceKind.DOCKER, "kyiv")
VAULT = SourceId(SourceKind.VAULT, "vault.example.org")
OLD, NEW = "3fa1b2c" + "0" * 33, "8c11e0d" + "0" * 33
AUTO = AutoSync(configured=True, prune=True, self_heal=True)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def shown(resource: Resource, now: datetime = NOW) -> dict[str, tuple[str, str]]:
    """Text and style of each column."""
    spec = PANES[resource.ref.source.kind]
    row = spec.to_row(resource, now)
    assert len(row.cells) == len(spec.columns)
    return {column.key: (cell.text, cell.style) for column, cell in zip(spec.columns, row.cells, strict=True)}


def text(sections: tuple[Section, ...]) -> str:
    """Sections as lines `Title/Label: text [style]`."""
    return "\n".join(
        f"{section.title}/{label}: {words}" + (f" [{style}]" if style else "")
        for section in sections
        for label, words, style in section.lines
    )


APP = Application(
    Ref(ARGO, "Application", "argocd", "grafana"),
    "default",
    "OutOfSync",
    "Degraded",
    health_message="pods crash",
    health_since=ago(minutes=12),
    sources=(ApplicationSource("https://git.example.org/lab.git", "charts/grafana", target_revision="main"),),
    revisions=(NEW,),
    auto_sync=AUTO,
    destination_namespace="monitoring",
    external_urls=("https://grafana.example.org",),
    parent=Ref(ARGO, "Application", "argocd", "platform"),
)


def test_an_application_as_a_row() -> None:
    row = shown(APP)
    assert row["name"] == ("grafana", "")
    assert row["sync"] == ("OutOfSync", "drifted")
    assert row["health"] == ("Degraded", "broken")
    assert row["age"] == ("12m", "muted")
    assert row["revision"] == ("8c11e0d", "")
    assert (row["namespace"][0], row["auto"][0]) == ("monitoring", "on")
    assert shown(replace(APP, ref=Ref(ARGO, "Application", "tenants", "grafana")))["name"][0] == "tenants/grafana"


RECORD = RollbackRecord(3, (NEW,), (OLD,), True, None, ago(hours=1), "ops")


@pytest.mark.parametrize(
    ("app", "word", "style"),
    [
        (replace(APP, operation=Operation("Running")), "Syncing", "moving"),
        (replace(APP, operation_queued=True), "Syncing", "moving"),
        (replace(APP, operation=Operation("Running", finished=ago(seconds=3))), "retrying", "moving"),
        (replace(APP, operation=Operation("Terminating")), "terminating", "moving"),
        (replace(APP, operation=Operation("Failed")), "sync failed", "broken"),
        (replace(APP, rollback=RECORD), "rolled back", "drifted"),
        (replace(APP, sync="Synced", auto_sync=replace(AUTO, enabled=False)), "paused", "muted"),
        (replace(APP, sync="Synced", operation=Operation("Succeeded")), "Synced", ""),
        (replace(APP, deleting=True), "deleting", "moving"),
        (replace(APP, sync="Unknown"), "Unknown", "unknown"),
    ],
)
def test_the_sync_column_says_what_goes_on(app: Application, word: str, style: str) -> None:
    assert shown(app)["sync"] == (word, style)


def test_an_application_described() -> None:
    app = replace(
        APP,
        rollback=RECORD,
        auto_sync=replace(AUTO, enabled=False),
        operation=Operation(
            "Failed",
            "one or more objects failed",
            started=ago(minutes=5),
            finished=ago(minutes=4),
            retries=2,
            revisions=(OLD,),
            by="ops",
            results=(ResourceResult("Deployment", "monitoring", "grafana", "SyncFailed", "forbidden"),),
        ),
        history=(Deployment(3, (OLD,), ago(days=2)), Deployment(4, (NEW,), ago(hours=2), by="ci")),
        conditions=(Condition("ComparisonError", "cannot\x1b render"),),
        resources=(
            ManagedResource("apps", "Deployment", "monitoring", "grafana", "OutOfSync", "Degraded", "crash"),
            ManagedResource("", "ConfigMap", "monitoring", "old", "OutOfSync", requires_pruning=True),
            ManagedResource("", "Secret", "monitoring", "fine", "Synced", "Healthy"),
        ),
    )
    words = text(describe(app, Inventory(), NOW))
    for expected in (
        "Application/Sync: OutOfSync · rolled back [drifted]",
        "Application/Health: Degraded · pods crash [broken]",
        "Application/Auto-sync: paused (prune, self-heal) [drifted]",
        "Application/Parent: platform",
        "Application/Address: https://grafana.example.org",
        "Rolled back/To: history 3: 3fa1b2c [drifted]",
        "Rolled back/Git still has: 8c11e0d [drifted]",
        "Conditions/ComparisonError: cannot· render [broken]",
        "Operation/Phase: Failed [broken]",
        "Operation/Message: one or more objects failed",
        "Operation/Took: 1m00s",
        "Operation/Retries: 2",
        "Operation/Deployment: monitoring/grafana · SyncFailed · forbidden [broken]",
        "Not in order/Deployment: monitoring/grafana · OutOfSync · Degraded · crash [broken]",
        "Not in order/ConfigMap: monitoring/old · OutOfSync · git no longer has it [drifted]",
        "Sources/Path: charts/grafana",
        "Sources/Target: main",
        "History/4: 8c11e0d · 2h ago · by ci · deployed now",
        "History/3: 3fa1b2c · 2d ago",
    ):
        assert expected in words.splitlines()
    assert "fine" not in words


WORKLOAD = Workload(
    Ref(CLUSTER, "Deployment", "monitoring", "grafana"),
    ready=0,
    desired=1,
    status="Progressing",
    level=Level.BROKEN,
    restarts=7,
    problem="CrashLoopBackOff",
    created=ago(days=3),
    labels=(("app", "grafana"),),
    selector=(("app", "grafana"),),
    usage=Usage(0.04, 310 << 20),
)


def test_a_workload_as_a_row() -> None:
    row = shown(WORKLOAD)
    assert [
        row[key][0] for key in ("namespace", "name", "kind", "ready", "status", "restarts", "cpu", "memory", "age")
    ] == [*("monitoring", "grafana", "Deploy", "0/1", "CrashLoopBackOff", "7", "4%", "310M", "3d")]
    assert row["ready"][1] == row["status"][1] == "broken"
    well = shown(replace(WORKLOAD, level=Level.WELL, ready=1, problem="", status="Ready", restarts=0, usage=None))
    assert (well["ready"], well["status"], well["restarts"]) == (("1/1", ""), ("", ""), ("0", "muted"))


def test_a_cron_job_shows_its_last_run() -> None:
    cron = Workload(
        Ref(CLUSTER, "CronJob", "backup", "restic"),
        0,
        0,
        level=Level.WELL,
        created=ago(days=30),
        last_scheduled=ago(hours=5),
    )
    assert (shown(cron)["age"][0], shown(cron)["kind"][0]) == ("5h", "Cron")


def test_a_workload_is_found_by_its_labels_and_images() -> None:
    search = PANES[SourceKind.KUBERNETES].to_row(replace(WORKLOAD, images=("grafana/grafana:12",)), NOW).search
    assert "app=grafana" in search and "grafana/grafana:12" in search and "broken" in search


def test_a_workload_described_with_all_that_belongs_to_it() -> None:
    pod = Pod(
        Ref(CLUSTER, "Pod", "monitoring", "grafana-1"),
        "CrashLoopBackOff",
        Level.BROKEN,
        0,
        1,
        restarts=7,
        node="mac",
        created=ago(days=3),
        owner=WORKLOAD.ref,
        labels=(("app", "grafana"),),
    )
    related = (
        WORKLOAD,
        pod,
        Service(
            Ref(CLUSTER, "Service", "monitoring", "grafana"),
            "ClusterIP",
            "10.0.0.7",
            (ServicePort("http", 80, "3000"),),
            (("app", "grafana"),),
        ),
        EndpointSlice(Ref(CLUSTER, "EndpointSlice", "monitoring", "g-1"), "grafana", (), ("10.1.0.9",), (3000,)),
        Ingress(
            Ref(CLUSTER, "Ingress", "monitoring", "grafana"),
            ("grafana.example.org",),
            (("grafana.example.org/", "grafana:80"),),
            tls_hosts=("grafana.example.org",),
        ),
        PersistentVolumeClaim(Ref(CLUSTER, "PersistentVolumeClaim", "monitoring", "data"), "Pending", "5Gi"),
        KubeEvent(
            Ref(CLUSTER, "Event", "monitoring", "e"), pod.ref, "Warning", "BackOff", "back-off", 9, ago(minutes=2)
        ),
    )
    inventory = Inventory()
    inventory.apply([Upsert(resource) for resource in related])
    lines = text(describe(WORKLOAD, inventory, NOW)).splitlines()
    for expected in (
        "Deployment/Status: Progressing · CrashLoopBackOff [broken]",
        "Deployment/Ready: 0 of 1",
        "Deployment/Uses: 4% of a core, 310M",
        "Pods/grafana-1: 0/1 CrashLoopBackOff · 7 restarts · 3d · mac [broken]",
        "Network/Service grafana: ClusterIP · 10.0.0.7 · 80→3000",
        "Network/Endpoints: not ready 10.1.0.9 · port 3000 [broken]",
        "Network/Ingress grafana: grafana.example.org · TLS",
        "Storage of the namespace/data: Pending · 5Gi [drifted]",
        "Events/BackOff: 2m · ×9 · grafana-1 · back-off [drifted]",
    ):
        assert expected in lines


def container(state: str = "running", health: str = "", **more: object) -> Container:
    base = Container(
        "0123456789abcdef",
        "emby",
        "emby/embyserver:4.9",
        state,
        health,
        started=ago(days=3),
        cpu=0.01,
        memory=310 << 20,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def service(*containers: Container, stack: str = "emby") -> DockerService:
    return DockerService(
        Ref(KYIV, "ComposeService" if stack else "Container", stack, "emby"), containers, ("/srv/emby.yaml",)
    )


@pytest.mark.parametrize(
    ("containers", "state"),
    [
        ([container()], ("up 3d", "")),
        ([container(health="healthy")], ("healthy 3d", "")),
        ([container(health="unhealthy")], ("unhealthy 3d", "broken")),
        ([container(health="starting")], ("starting", "moving")),
        ([container("exited", exit_code=1)], ("exited 1", "broken")),
        ([container("exited", exit_code=0)], ("exited", "off")),
        ([container("restarting")], ("restarting", "broken")),
        ([container(), container("exited", exit_code=2, number=2)], ("1/2 exited 2", "broken")),
    ],
)
def test_the_state_of_a_docker_service(containers: list[Container], state: tuple[str, str]) -> None:
    assert shown(service(*containers))["state"] == state


def test_a_docker_service_as_a_row() -> None:
    ports = (Port(8096, host_port=8096, host_ip="0.0.0.0"), Port(8096, host_port=8096, host_ip="::"), Port(1900, "udp"))
    row = shown(service(container(ports=ports)))
    assert [row[key][0] for key in ("stack", "service", "cpu", "memory", "ports")] == [
        *("emby", "emby", "1%", "310M", "8096→8096")
    ]
    stray = PANES[SourceKind.DOCKER].to_row(service(container(), stack=""), NOW)
    assert (stray.cells[0].text, stray.group) == ("–", "")


def test_a_docker_service_described() -> None:
    stopped = container("exited", exit_code=137, finished=ago(hours=1), mounts=("/data",), restarts=2)
    lines = text(describe(service(stopped), Inventory(), NOW)).splitlines()
    for expected in (
        "Service/Site: kyiv",
        "Service/Running: 0 of 1 [off]",
        "Service/Files: /srv/emby.yaml",
        "Container emby/State: exited 137 [off]",
        "Container emby/Exit code: 137 · killed (SIGKILL) [off]",
        "Container emby/Image: emby/embyserver:4.9",
        "Container emby/Ended: 1h ago",
        "Container emby/Mounts: /data",
        "Container emby/Restarts: 2 [drifted]",
    ):
        assert expected in lines


def secret(name: str, **more: object) -> SecretPath:
    return replace(SecretPath(Ref(VAULT, "Secret", "kv", name)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "cells"),
    [
        (secret("apps/immich", version=4, updated=ago(days=3)), ["kv/apps/immich", "v4", "3d"]),
        (secret("private/", folder=True, denied="permission denied"), ["kv/private/", "denied", ""]),
        (secret("apps/", folder=True), ["kv/apps/", "closed", ""]),
        (
            secret("old", version=2, versions=(SecretVersion(2, ago(days=9), ago(days=1)),)),
            ["kv/old", "v2 deleted", ""],
        ),
    ],
)
def test_a_secret_path_as_a_row(path: SecretPath, cells: list[str]) -> None:
    assert [cell for cell, _ in shown(path).values()] == cells


def test_a_secret_described_without_its_values() -> None:
    path = secret(
        "apps/immich",
        version=2,
        versions=(SecretVersion(1, ago(days=9), destroyed=True), SecretVersion(2, ago(days=3))),
        custom_metadata=(("owner", "me"),),
    )
    assert text(describe(path, Inventory(), NOW)).splitlines() == [
        "Secret/Path: kv/apps/immich",
        "Secret/Version: 2",
        "Secret/Values: are shown only when asked for [muted]",
        "Custom metadata/owner: me",
        "Versions/v2: 3d ago",
        "Versions/v1: 9d ago · destroyed [off]",
    ]


def test_rows_change_with_time_in_their_ages_alone() -> None:
    for resource in (APP, WORKLOAD, service(container()), secret("a", version=1, updated=ago(days=1))):
        spec = PANES[resource.ref.source.kind]
        now, soon = spec.to_row(resource, NOW), spec.to_row(resource, NOW + timedelta(seconds=20))
        later = spec.to_row(resource, NOW + timedelta(days=40))
        assert now == soon
        changed = {c.key for c, a, b in zip(spec.columns, now.cells, later.cells, strict=True) if a != b}
        assert changed and changed <= {"age", "state", "updated"}


def test_a_pane_counts_who_needs_the_operator() -> None:
    spec = PANES[SourceKind.ARGOCD]
    assert spec.summary([Level.WELL, Level.BROKEN, Level.DRIFTED, Level.MOVING]) == "4 · 2 need you"
    assert spec.summary([Level.WELL]) == "1"
    assert spec.summary([]) == "0"


def test_a_pane_takes_its_own_kinds_only() -> None:
    spec = PANES[SourceKind.KUBERNETES]
    pod = Pod(Ref(CLUSTER, "Pod", "a", "b"), "Running", Level.WELL, 1, 1)
    assert [row.ref for row in spec.rows([pod, WORKLOAD, APP], NOW)] == [WORKLOAD.ref]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("width", [58, 80, 120])
@pytest.mark.parametrize(
    "resource",
    [
        replace(APP, rollback=RECORD, health="Degraded", auto_sync=replace(AUTO, enabled=False)),
        replace(WORKLOAD, message="x"),
        service(container(health="unhealthy", image="registry.example.org/media/a-long-name:4.9.1")),
        secret("apps/immich", version=4, updated=ago(days=3), denied="permission denied"),
    ],
    ids=["argocd", "kubernetes", "docker", "vault"],
)
async def test_a_changed_row_of_every_pane_costs_at_most_400_bytes(
    resource: Resource, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    spec = PANES[resource.ref.source.kind]
    row = spec.to_row(resource, NOW)
    place = next(i for i, column in enumerate(spec.columns) if not column.quiet and column.priority == 0)
    other = replace(row, cells=(*row.cells[:place], Cell("changed"), *row.cells[place + 1 :]))
    app = TableApp(spec.columns)
    async with app.run_test(headless=False, size=(width, 10)):
        app.table.set_rows([other])
        written = await app.written_by(lambda: app.table.apply([row]))
        assert ";48;2;" in written
        assert 0 < len(written.encode()) <= 400
