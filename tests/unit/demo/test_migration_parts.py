"""What the simulated ports of a migration say where a whole migration does not come to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from labtui.core.backup.archive import verify
from labtui.demo import DemoEstate, Fault, parse_faults
from labtui.demo.migration.parts import DemoMigration
from labtui.domain.backup import DataPlace, PlaceKind, PlaceState
from labtui.domain.errors import Denied, Invalid, NotFound, Refused, Unreachable
from labtui.domain.migration.preflight import Right, excludes_slices
from labtui.domain.migration.probes import Kind, Load, PodPort, Side, Target
from labtui.domain.plan import Result
from tests.unit.demo.following import frozen
from tests.unit.demo.moving import opened

EDGE, WROCLAW = "198.19.249.2", "192.168.88.2"


@pytest.fixture
def world() -> DemoEstate:
    return frozen(life=False)


@pytest.fixture
def parts(world: DemoEstate) -> DemoMigration:
    return world.migration


def edge(host: str, kind: Kind = Kind.HTTP) -> Target:
    return Target(Side.INGRESS, EDGE, 443, kind, f"{host}.example.org", tls=True)


# Requests


def test_every_way_ends_at_the_same_program(parts: DemoMigration) -> None:
    through = parts.prober.ask(edge("photos"))
    straight = parts.prober.ask(Target(Side.DOCKER, WROCLAW, 2283, host="photos.example.org"))
    assert (through.status, through.sha256) == (200, straight.sha256)
    assert through.seconds > straight.seconds
    (pod,) = _pods(parts, "emby")
    by_address = parts.prober.ask(Target(Side.KUBERNETES, pod[1], 8096))
    proxied = parts.prober.ask(Target(Side.KUBERNETES, "", 0, through=PodPort("emby", pod[0], 8096)))
    assert by_address.sha256 == proxied.sha256 != through.sha256


def _pods(parts: DemoMigration, namespace: str) -> list[tuple[str, str]]:
    from labtui.domain.resources import Pod

    found = parts.resources(parts.routing._cluster.source, ("Pod",))
    return [(p.ref.name, p.ip) for p in found if isinstance(p, Pod) and p.ref.namespace == namespace]


@pytest.mark.parametrize("target", [Target(Side.DOCKER, WROCLAW, 1), Target(Side.KUBERNETES, "10.9.9.9", 80)])
def test_where_nobody_listens(parts: DemoMigration, target: Target) -> None:
    with pytest.raises(Unreachable, match="Connection refused"):
        parts.prober.ask(target)


def test_a_host_name_that_the_ingress_does_not_know(parts: DemoMigration) -> None:
    assert parts.prober.ask(edge("nothing")).status == 404
    assert parts.prober.certificate(edge("nothing")).names == ()
    assert parts.prober.certificate(edge("photos")).names == ("photos.example.org",)
    with pytest.raises(Unreachable, match="TLS"):
        parts.prober.certificate(Target(Side.DOCKER, WROCLAW, 2283))


def test_requests_that_nobody_answers_are_failures_and_a_gap(world: DemoEstate, parts: DemoMigration) -> None:
    ref = world.engines["wroclaw"].ref("immich", "server")
    probing = parts.prober.start([Load(edge("photos"), rate=10), Load(edge("photos", Kind.WEBSOCKET), rate=10)])
    world.clock.advance(2)
    assert [(c.sent, c.failed) for c in probing.counts()] == [(21, 0), (21, 0)]
    assert parts.containers.connections("wroclaw", "immich") == 1
    world.engines["wroclaw"].end(ref, 137)
    world.clock.advance(1)
    world.engines["wroclaw"].start(ref)
    world.clock.advance(3)
    counts = probing.stop()
    world.clock.advance(60)
    assert probing.counts() == counts, "nothing is sent any more"
    for one in counts:
        assert 15 <= one.failed <= 20 and 1.6 < one.longest_gap < 2
        assert one.answered == one.sent - one.failed
    assert counts[1].failures[0].why == "the server closed it without a word"
    assert counts[1].reopened == 1
    assert parts.containers.connections("wroclaw", "immich") == 0


def test_a_download_that_is_under_way_at_the_end_is_not_counted(world: DemoEstate, parts: DemoMigration) -> None:
    probing = parts.prober.start([Load(edge("photos", Kind.DOWNLOAD), rate=1)])
    world.clock.advance(8)
    (counts,) = probing.stop()
    assert (counts.sent, counts.answered, counts.failed) == (2, 2, 0)


def test_what_is_lost_is_lost_on_the_way_to_pods_alone(world: DemoEstate, parts: DemoMigration) -> None:
    world.set_fault("traffic", Fault.LOSSY)
    probing = parts.prober.start([Load(edge("photos"), rate=10), Load(edge("emby"), rate=10)])
    world.clock.advance(4)
    docker, pods = probing.stop()
    assert docker.failed == 0 and pods.failed == 10


# Data


def test_a_backup_of_the_demo_is_whole_and_can_be_restored(tmp_path: Path) -> None:
    moved = opened(tmp_path)
    operation = moved.lab.backup("wroclaw", "authelia", tmp_path)
    done = operation.run(operation.plan(), lambda phase, words: None)
    assert done.result is Result.DONE
    (file,) = tmp_path.glob("*.tar")
    manifest = verify(file).manifest
    assert {p.place.source for p in manifest.places} == {"/srv/wroclaw/authelia/config", "authelia_redis-data"}
    assert all(p.entries > 3 and p.bytes > 1000 for p in manifest.places)
    assert "files/wroclaw/.env.generated" in manifest.files
    with moved.world.migration.stores["wroclaw"].open("me", ()) as store:
        place = DataPlace(PlaceKind.BIND, "/srv/wroclaw/authelia/config")
        before = _content(store, place)
        assert store.state(place) == PlaceState(True, in_use=("authelia",), running=("authelia",))
    back = moved.lab.restore(file, "/srv/wroclaw/elsewhere")
    assert back.run(back.plan(), lambda phase, words: None).result is Result.DONE
    with moved.world.migration.stores["wroclaw"].open("me", ()) as store:
        (copy,) = (p for p in store._content if p.startswith("/srv/wroclaw/elsewhere") and "config" in p)
        assert _content(store, DataPlace(PlaceKind.BIND, copy)) == before


def _content(store: object, place: DataPlace) -> bytes:
    with store.read(place) as read:  # type: ignore[attr-defined]
        return b"".join(iter(lambda: read(4096), b""))


def test_volumes_are_made_and_removed(parts: DemoMigration) -> None:
    with parts.stores["wroclaw"].open("me", ()) as store:
        volume = DataPlace(PlaceKind.VOLUME, "fresh")
        assert store.state(volume) is None
        with pytest.raises(NotFound), store.read(volume):
            pass
        store.make_volume("fresh", PlaceState(labels={"a": "b"}))
        found = store.state(volume)
        assert found is not None and (found.driver, found.labels) == ("local", {"a": "b"})
        with pytest.raises(Refused):
            store.make_volume("fresh", PlaceState())
        with pytest.raises(Refused, match="in use"):
            store.remove_volume("authelia_redis-data")
        with pytest.raises(Invalid):
            store.write(volume, PlaceState(), iter([b"no tar stream" * 100]))
        store.remove_volume("fresh")
        assert store.state(volume) is None


def test_the_files_of_a_stack_are_those_that_are_there(parts: DemoMigration) -> None:
    found = {f.path: f for f in parts.sources.collect("wroclaw", "searxng")}
    assert set(found) == {"_base/searxng.yaml", "wroclaw/searxng.yaml", "wroclaw/.env.generated"}
    assert found["wroclaw/.env.generated"].content == b"SEARXNG_SECRET=demo-searxng-secret\n"
    assert found["wroclaw/.env.generated"].secret and not found["_base/searxng.yaml"].secret
    with pytest.raises(NotFound):
        parts.sources.collect("wroclaw", "nothing")


# Secrets


def test_secrets_are_written_with_check_and_set(parts: DemoMigration) -> None:
    vault = parts.vault
    assert (vault.newest("apps/new").version, vault.versions("apps/new")) == (0, ())
    assert vault.put("apps/new", {"k": "one"}, cas=0) == 1
    with pytest.raises(Refused, match="meanwhile"):
        vault.put("apps/new", {"k": "two"}, cas=0)
    assert vault.put("apps/new", {"k": "two"}, cas=1) == 2
    assert vault.newest("apps/new").values == {"k": "two"}
    vault.delete("apps/new", [2])
    newest = vault.newest("apps/new")
    assert (newest.version, dict(newest.values), newest.deleted) == (2, {}, True)
    assert "update" in vault.capabilities("apps/new")


def test_what_is_closed_is_not_written(world: DemoEstate, parts: DemoMigration) -> None:
    world.vault.deny("closed/")
    assert parts.vault.capabilities("closed/x") == {"deny"}
    with pytest.raises(Denied):
        parts.vault.put("closed/x", {"k": "v"}, cas=0)
    with pytest.raises(Denied):
        parts.vault.newest("closed/x")


# Questions


def test_what_the_cluster_is_asked(world: DemoEstate, parts: DemoMigration) -> None:
    import yaml

    rights = (Right("create", "leases"),)
    assert parts.questions.lacking(rights) == ()
    config = parts.questions.config("argocd", "argocd-cm")
    assert not excludes_slices(yaml.safe_load(config["resource.exclusions"]))
    assert {i.hosts[0] for i in parts.questions.ingresses()} >= {"emby.example.org", "auth.example.org"}
    assert parts.questions.memory_in_use()["mac-mini"] > 1e9
    with pytest.raises(NotFound):
        parts.questions.config("argocd", "other")
    world.set_fault("cluster", Fault.DENIED)
    assert parts.questions.lacking(rights) == rights


def test_objects_say_whose_they_are(parts: DemoMigration) -> None:
    found = parts.cluster.find("Ingress", "emby", "emby")
    assert found is not None
    assert found["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].startswith("emby:networking.k8s.io/")
    assert found["status"]["loadBalancer"]["ingress"] == [{"ip": EDGE}]
    with pytest.raises(Refused, match="Another manager"):
        parts.cluster.apply({**found, "spec": {}})
    own = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own", "namespace": "x"}, "data": {"a": "1"}}
    parts.cluster.apply(own, dry_run=True)
    assert parts.cluster.find("ConfigMap", "x", "own") is None
    parts.cluster.apply(own)
    assert [o["metadata"]["name"] for o in parts.cluster.all("ConfigMap", "x")] == ["own"]
    parts.cluster.delete("ConfigMap", "x", "own")
    assert parts.cluster.find("ConfigMap", "x", "own") is None
    with pytest.raises(Invalid):
        parts.cluster.find("Gadget", "x", "y")


@pytest.mark.parametrize(
    ("specs", "found"),
    [
        (["git=down"], {"git": Fault.DOWN}),
        (["pods=no-image", "traffic=lossy"], {"pods": "no-image", "traffic": "lossy"}),
    ],
)
def test_faults_that_are_of_no_source_of_the_screen(specs: Sequence[str], found: dict[str, str]) -> None:
    assert parse_faults(specs) == found


@pytest.mark.parametrize("spec", ["pods=down", "argocd=lossy", "git=denied", "traffic=no-image"])
def test_a_fault_that_a_thing_cannot_have(spec: str) -> None:
    with pytest.raises(Invalid, match="no fault of the demo"):
        parse_faults([spec])


def test_it_leaves_nothing_on_the_machine(tmp_path: Path) -> None:
    """Journals, reports and backups are in a folder that goes with the estate."""
    import gc

    moved = opened(tmp_path)
    record = moved.migrate("tools")
    report = moved.report(record)
    (file, *_) = report["files"]
    assert json.loads(Path(file).read_text())["id"] == record.about.id
    assert list(tmp_path.iterdir()) == []
    del moved
    gc.collect()
    assert not Path(file).parent.parent.exists()
