"""Mounts one by one: what is proposed, what each answer makes, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, Kind, MountFacts, NodeFacts
from labtui.domain.conversion.findings import StackPlan, Verdict
from labtui.domain.conversion.rules.placing import claim_size, is_answer, nfs_of
from labtui.domain.conversion.rules.sharing import claim_name
from tests.unit.domain.conversion.stacks import FOLDER, component, finding, plan, service, stack

GIB = 1024**3
STAY = "leave this stack on Docker, behind the same Ingress"
NODE = NodeFacts("orbstack", "arm64", 4, 8 * GIB)


def bind(source: str, target: str, read_only: bool = False) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": read_only}


def named(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": target, **more}


def one(mount: dict[str, Any], facts: Facts | None = None, answer: str = "", **more: Any) -> StackPlan:
    key = f"volumes.{mount['target']}"
    return plan({"volumes": [mount]}, facts, {key: answer} if answer else None, **more)


def volume(made: StackPlan) -> dict[str, Any]:
    found = component(made).get("volumes", [])
    assert len(found) == 1, found
    first: dict[str, Any] = found[0]
    return first


def proposed(made: StackPlan, target: str) -> str | None:
    choice = finding(made, f"volumes.{target}").choice
    return choice.proposed if choice else None


def known(source: str, kind: Kind = Kind.FOLDER, same_host: bool | None = None, **facts: Any) -> Facts:
    return Facts(site_address="192.168.88.2", same_host=same_host, mounts={source: MountFacts(kind, **facts)})


REFUSED = [
    (bind("/var/run/docker.sock", "/var/run/docker.sock", True), STAY),
    (bind("/run/containerd/containerd.sock", "/c.sock"), STAY),
    (bind("/run/dbus/system_bus.sock", "/d.sock"), "over the network"),
    (bind("/tmp/.X11-unix", "/tmp/.X11-unix"), "over the network"),
    (bind("/dev/dri", "/dev/dri"), "device plugin"),
    (bind("/proc", "/host/proc"), "DaemonSet"),
    (bind("/", "/host"), "DaemonSet"),
    (bind("/etc/cron.d", "/etc/cron.d"), "DaemonSet"),
    (bind("/var/lib/docker", "/d", True), "DaemonSet"),
    ({"type": "npipe", "source": "x", "target": "/p"}, STAY),
    ({"type": "image", "source": "x", "target": "/p"}, STAY),
    ({"type": "cluster", "source": "x", "target": "/p"}, STAY),
    ({"type": "what", "source": "x", "target": "/p"}, STAY),
]


@pytest.mark.parametrize(("mount", "pattern"), REFUSED)
def test_is_refused_with_the_pattern_that_fits(mount: dict[str, Any], pattern: str) -> None:
    made = one(mount)
    found = finding(made, f"volumes.{mount['target']}")
    assert found.verdict is Verdict.REFUSED and pattern in found.detail, found.detail
    assert made.volumes[0].becomes == "refused"
    assert "volumes" not in component(made)


def test_a_named_volume_is_copied_to_a_claim_with_headroom() -> None:
    top = {"volumes": {"data": {"name": "media_data"}}}
    made = one(named("data", "/data"), known("media_data", size=9 * GIB), top=top)
    assert volume(made) == {"name": "data", "mountPath": "/data", "pvc": {"size": "12Gi"}}
    assert proposed(made, "/data") == "copy" and made.verdict == "choices"
    assert component(made)["strategy"] == "Recreate"
    line = made.volumes[0]
    assert (line.becomes, line.size, line.writer) == ("pvc", 9 * GIB, True)
    assert "app writes to volumes" in made.interruption and "9.0G" in made.interruption
    assert finding(one(named("data", "/data"), answer="copy"), "volumes./data").settled


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("copy:20Gi", {"pvc": {"size": "20Gi"}}),
        ("empty", {"emptyDir": {}}),
        ("claim:old-data", {"pvc": {"existingClaim": "old-data"}}),
        ("nfs:192.168.1.2:/srv/media", {"nfs": {"server": "192.168.1.2", "path": "/srv/media"}}),
    ],
)
def test_an_answer_decides(answer: str, expected: dict[str, Any]) -> None:
    made = one(named("data", "/data"), answer=answer)
    assert volume(made) == {"name": "data", "mountPath": "/data", **expected}
    assert finding(made, "volumes./data").settled


@pytest.mark.parametrize("answer", ["copy:much", "nfs:here", "claim:No!", "keep", "nfs:a:/x/../y"])
def test_a_wrong_answer_is_asked_anew(answer: str) -> None:
    made = one(named("data", "/data"), answer=answer)
    assert not finding(made, "volumes./data").settled
    assert volume(made)["pvc"] == {"size": "10Gi"}


def test_what_is_dropped_leaves_no_volume() -> None:
    made = one(named("data", "/data"), answer="drop")
    assert "volumes" not in component(made) and made.volumes[0].becomes == "dropped" and not made.interruption


@pytest.mark.parametrize(
    ("top", "pattern"),
    [
        ({"driver": "rclone"}, STAY),
        ({"driver_opts": {"type": "cifs", "o": "username=x,password=hunter22", "device": "//nas/share"}}, "SMB driver"),
        ({"driver_opts": {"type": "ext4", "device": "/dev/sdb1"}}, STAY),
        ({"driver_opts": {"type": "nfs", "device": ":/srv"}}, "nfs:SERVER:/PATH"),
    ],
)
def test_a_volume_of_another_kind_is_refused_until_a_claim_is_named(top: dict[str, Any], pattern: str) -> None:
    file = {"volumes": {"data": top}}
    found = finding(one(named("data", "/data"), top=file), "volumes./data")
    assert found.verdict is Verdict.REFUSED and pattern in found.detail and "hunter22" not in found.detail
    made = one(named("data", "/data"), answer="claim:nas", top=file)
    assert volume(made)["pvc"] == {"existingClaim": "nas"} and finding(made, "volumes./data").settled


def test_an_nfs_volume_stays_on_its_share() -> None:
    top = {"volumes": {"m": {"driver_opts": {"type": "nfs4", "o": "addr=192.168.1.2,ro", "device": ":/srv/media"}}}}
    made = one(named("m", "/media", read_only=True), top=top)
    assert volume(made)["nfs"] == {"server": "192.168.1.2", "path": "/srv/media"} and volume(made)["readOnly"]
    assert finding(made, "volumes./media").verdict is Verdict.CONVERTED and "strategy" not in component(made)


def test_a_bind_by_driver_options_is_a_bind() -> None:
    top = {"volumes": {"m": {"driver_opts": {"type": "none", "o": "bind", "device": f"{FOLDER}/m"}}}}
    assert one(named("m", "/m"), answer="keep", top=top).volumes[0].source == f"{FOLDER}/m"


def test_an_anonymous_volume_begins_empty() -> None:
    made = one(named("", "/var/cache"))
    assert volume(made)["emptyDir"] == {} and proposed(made, "/var/cache") == "empty"


def test_a_sub_folder_of_a_volume_stays_one() -> None:
    assert volume(one(named("data", "/data", volume={"subpath": "a/b"})))["subPath"] == "a/b"


FOLDERS = [
    (f"{FOLDER}/config", False, {}, None, "copy"),
    ("/srv/archive", False, {"size": 3 * GIB}, None, "copy"),
    ("/srv/archive", False, {"size": 900 * GIB}, True, "keep"),
    ("/srv/archive", False, {"size": 900 * GIB}, None, ""),
    ("/srv/archive", True, {"size": 900 * GIB}, False, ""),
    ("/mnt/kyiv/media", True, {"network_share": "192.168.1.2:/srv/media"}, None, "nfs"),
    (f"{FOLDER}/alloy", True, {"files": {"config.alloy": "logging {}"}}, None, "configmap"),
    (f"{FOLDER}/alloy", True, {"files": {"config.alloy": "password = hunter22"}}, None, "copy"),
    (f"{FOLDER}/alloy", False, {"files": {"config.alloy": "logging {}"}}, None, "copy"),
]


@pytest.mark.parametrize(("source", "read_only", "facts", "same_host", "expected"), FOLDERS)
def test_a_folder_is_proposed_to(
    source: str, read_only: bool, facts: dict[str, Any], same_host: bool | None, expected: str
) -> None:
    made = one(bind(source, "/x", read_only), known(source, same_host=same_host, **facts))
    assert proposed(made, "/x") == expected


def test_media_over_nfs() -> None:
    source = "/mnt/kyiv/media"
    made = one(bind(source, "/media", True), known(source, network_share="192.168.1.2:/srv/media"))
    assert volume(made) == {
        "name": "media",
        "mountPath": "/media",
        "readOnly": True,
        "nfs": {"server": "192.168.1.2", "path": "/srv/media"},
    }
    assert "strategy" not in component(made) and not made.interruption


def test_a_folder_is_kept_only_on_the_same_host() -> None:
    source = f"{FOLDER}/config"
    here = one(bind(source, "/config"), known(source, same_host=True), answer="keep")
    assert volume(here)["hostPath"] == {"path": source, "type": "Directory"}
    assert "container stops before the pods start" in here.interruption
    there = one(bind(source, "/config"), known(source, same_host=False), answer="keep")
    assert not finding(there, "volumes./config").settled


def test_storage_of_another_host_stays_there() -> None:
    source = "/srv/downloads"
    facts = known(source, same_host=False, size=900 * GIB)
    found = finding(one(bind(source, "/downloads"), facts), "volumes./downloads")
    assert found.verdict is Verdict.REFUSED and "storage-local" in found.detail and STAY in found.detail
    moved = one(bind(source, "/downloads"), facts, answer="nfs:192.168.1.2:/srv/downloads")
    assert finding(moved, "volumes./downloads").settled and volume(moved)["nfs"]["server"] == "192.168.1.2"


def test_an_unknown_place_without_proposal_makes_no_volume() -> None:
    made = one(bind("/srv/archive", "/archive"))
    assert "volumes" not in component(made) and made.volumes[0].becomes == "undecided"


def test_a_small_folder_of_text_becomes_a_config_map() -> None:
    source = f"{FOLDER}/alloy"
    made = one(bind(source, "/etc/alloy", True), known(source, files={"config.alloy": "logging {}"}))
    assert volume(made)["configMap"] == {"files": {"config.alloy": "logging {}"}}


def test_a_text_file_becomes_a_config_map() -> None:
    source = f"{FOLDER}/Caddyfile"
    facts = known(source, Kind.FILE, size=12, text="respond 200\n")
    made = one(bind(source, "/etc/caddy/Caddyfile", True), facts)
    assert volume(made) == {
        "name": "caddyfile",
        "mountPath": "/etc/caddy/Caddyfile",
        "readOnly": True,
        "subPath": "Caddyfile",
        "configMap": {"files": {"Caddyfile": "respond 200\n"}},
    }


def test_a_file_with_a_secret_goes_to_vault() -> None:
    source = f"{FOLDER}/conf.yaml"
    text = "host: db\npassword: 'correct-horse-battery'\n"
    made = one(bind(source, "/conf.yaml", True), known(source, Kind.FILE, size=40, text=text))
    assert proposed(made, "/conf.yaml") == "secret"
    assert volume(made)["secret"]["name"] == "media" and volume(made)["subPath"] == "conf.yaml"
    assert made.secrets[0].value == text and made.secrets[0].variable == "/conf.yaml"
    assert list(made.values["secrets"]["media"]["keys"]) == [made.secrets[0].key]
    assert "correct-horse" not in repr(made) and "correct-horse" not in str(made.values)
    assert "line 2 sets password" in finding(made, "volumes./conf.yaml").detail


@pytest.mark.parametrize(
    "text", ["token: ${TOKEN}", "# password: x", "password:", 'password: "{{ X }}"', "token_ttl: 5"]
)
def test_a_reference_to_a_secret_is_none(text: str) -> None:
    source = f"{FOLDER}/conf.yaml"
    assert proposed(one(bind(source, "/c", True), known(source, Kind.FILE, text=text)), "/c") == "configmap"


def test_a_binary_file_is_data() -> None:
    source = f"{FOLDER}/db.sqlite"
    made = one(bind(source, "/db.sqlite"), known(source, Kind.FILE, same_host=True, size=5))
    assert proposed(made, "/db.sqlite") == "keep"
    assert volume(made)["hostPath"]["type"] == "File"


@pytest.mark.parametrize("kind", [Kind.SOCKET, Kind.DEVICE])
def test_a_socket_or_device_found_on_the_host_is_refused(kind: Kind) -> None:
    found = finding(one(bind("/srv/thing", "/thing"), known("/srv/thing", kind)), "volumes./thing")
    assert found.verdict is Verdict.REFUSED and STAY in found.detail


@pytest.mark.parametrize("path", ["/proc", "/sys", "/", "/lib/modules", "/var/log", "/etc/machine-id"])
def test_the_host_is_looked_at_read_only(path: str) -> None:
    made = one(bind(path, "/host", True))
    assert volume(made)["hostPath"] == {"path": path} and volume(made)["readOnly"]
    agent = one(bind(path, "/host", True), answer="daemonset")
    assert component(agent)["kind"] == "DaemonSet"


def test_the_stack_s_own_folder_holds_data_wherever_it_is() -> None:
    made = convert(replace(stack(service("app", {"volumes": [bind("/etc/media/conf", "/c")]})), folder="/etc/media"))
    assert proposed(made, "/c") == "copy"
    assert proposed(one(bind("/var/lib/emby", "/c"), known("/var/lib/emby", size=1)), "/c") == "copy"
    assert proposed(one(bind("/tmp/cache", "/c")), "/c") == "empty"


def test_the_time_zone_is_a_variable() -> None:
    mount = bind("/etc/localtime", "/etc/localtime", True)
    assert proposed(one(mount), "/etc/localtime") == ""
    site = Facts(mounts={"/etc/timezone": MountFacts(Kind.FILE, text="Europe/Kyiv\n")})
    made = one(mount, site)
    assert component(made)["env"] == {"TZ": "Europe/Kyiv"} and made.volumes[0].becomes == "timezone"
    assert one(mount, answer="timezone:UTC").values["components"]["app"]["env"]["TZ"] == "UTC"
    assert volume(one(mount, answer="hostpath"))["hostPath"] == {"path": "/etc/localtime"}
    set_already = plan({"volumes": [mount]}, TZ="Europe/Warsaw")
    assert finding(set_already, "volumes./etc/localtime").verdict is Verdict.CONVERTED


def test_a_neighbour_s_time_zone_is_proposed() -> None:
    mount = bind("/etc/localtime", "/etc/localtime", True)
    made = convert(stack(service("app", {"volumes": [mount]}), service("other", {}, TZ="Europe/Warsaw")))
    assert proposed(made, "/etc/localtime") == "timezone:Europe/Warsaw"


def test_memory() -> None:
    made = plan({"tmpfs": ["/run:size=64m,mode=1777", "/tmp"], "shm_size": "256m"})
    assert component(made)["volumes"] == [
        {"name": "run", "mountPath": "/run", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": "tmp", "mountPath": "/tmp", "emptyDir": {"medium": "Memory"}},
        {"name": "shm", "mountPath": "/dev/shm", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
    ]
    long = one({"type": "tmpfs", "target": "/t", "tmpfs": {"size": 1048576}})
    assert volume(long)["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Mi"}
    assert finding(plan({"shm_size": "big"}), "shm_size").verdict is Verdict.REFUSED
    assert finding(plan({"tmpfs": "relative"}), "tmpfs").verdict is Verdict.REFUSED


def two(first: dict[str, Any], second: dict[str, Any], facts: Facts | None = None, **answers: str) -> StackPlan:
    given = {("web", k): v for k, v in answers.items()}
    return convert(stack(service("app", {"volumes": [first]}), service("web", {"volumes": [second]})), facts, given)


def test_two_services_share_one_claim() -> None:
    one_node = Facts(cluster=ClusterFacts(nodes=(NODE,)))
    made = two(named("data", "/data"), named("data", "/srv", read_only=True), one_node)
    assert component(made, "web")["volumes"][0]["pvc"] == {"existingClaim": "app-data"}
    assert finding(made, "volumes./srv.sharing", "web").verdict is Verdict.CONVERTED
    nodes = Facts(cluster=ClusterFacts(nodes=(NODE, NODE)))
    asked = finding(two(named("data", "/data"), named("data", "/srv"), nodes), "volumes./srv.sharing", "web")
    assert asked.choice is not None and asked.choice.answer == ""
    many = two(named("data", "/data"), named("data", "/srv"), nodes, **{"volumes./srv.sharing": "many"})
    assert component(many, "app")["volumes"][0]["pvc"]["accessModes"] == ["ReadWriteMany"]


def test_a_folder_inside_of_another_is_a_part_of_its_claim() -> None:
    made = two(bind(f"{FOLDER}/d/done", "/done"), bind(f"{FOLDER}/d", "/d"))
    assert component(made, "app")["volumes"][0]["pvc"] == {"existingClaim": "web-d"}
    assert component(made, "app")["volumes"][0]["subPath"] == "done"


def test_one_service_mounts_a_volume_twice() -> None:
    mounts = [named("data", "/a", volume={"subpath": "x"}), named("data", "/b")]
    volumes = component(plan({"volumes": mounts}))["volumes"]
    assert volumes[0]["name"] == volumes[1]["name"] and volumes[0]["pvc"] == volumes[1]["pvc"]


def test_two_volumes_of_one_name_are_told_apart() -> None:
    made = plan({"volumes": [named("one", "/a/data"), named("two", "/b/data")]})
    assert [v["name"] for v in component(made)["volumes"]] == ["data", "data-2"]


def test_a_file_of_the_compose_configs() -> None:
    top = {
        "configs": {
            "conf": {"content": "a = 1"},
            "own": {"file": f"{FOLDER}/own"},
            "key": {"content": "password: hunter22"},
        }
    }
    raw = {"configs": [{"source": "conf", "target": "/etc/conf", "mode": "0440"}, {"source": "own"}, {"source": "key"}]}
    made = plan(raw, top=top)
    volumes = component(made)["volumes"]
    assert volumes[0]["configMap"] == {"files": {"conf": "a = 1"}, "defaultMode": 0o440}
    assert finding(made, "configs./etc/conf").verdict is Verdict.CONVERTED
    unread = finding(made, "configs.own").choice
    assert unread is not None and unread.answer == ""
    assert volumes[1]["secret"]["name"] == "media" and "hunter22" not in str(made.values)
    read = plan(raw, known(f"{FOLDER}/own", Kind.FILE, text="b = 2"), top=top)
    assert component(read)["volumes"][1]["configMap"] == {"files": {"own": "b = 2"}}


def test_compose_secrets_go_to_vault() -> None:
    top = {
        "secrets": {
            "db": {"file": f"{FOLDER}/db.txt"},
            "env": {"environment": "TOKEN"},
            "out": {"external": True, "name": "elsewhere"},
        }
    }
    raw = {
        "secrets": [
            {"source": "db", "uid": "1000", "mode": 0o400},
            {"source": "env", "target": "/token"},
            {"source": "out"},
        ]
    }
    made = plan(raw, known(f"{FOLDER}/db.txt", Kind.FILE, text="correct-horse"), top=top)
    volumes = component(made)["volumes"]
    assert [v["mountPath"] for v in volumes] == ["/run/secrets/db", "/token", "/run/secrets/out"]
    assert volumes[0]["secret"] == {"name": "media", "items": {"db": "db"}, "defaultMode": 0o400}
    assert [(s.key, s.value) for s in made.secrets] == [("db", "correct-horse"), ("env", None), ("out", None)]
    assert "could not be read" in finding(made, "secrets./token").detail
    assert "Owner and group are not kept" in finding(made, "secrets.db").detail
    assert "correct-horse" not in repr(made) and "correct-horse" not in str(made.values)


def test_a_daemon_set_has_no_one_claim() -> None:
    nodes = Facts(cluster=ClusterFacts(nodes=(NODE, NODE)))
    raw = {"volumes": [named("data", "/data"), bind("/proc", "/host/proc", True)]}
    made = plan(raw, nodes, {"volumes./host/proc": "daemonset"})
    assert finding(made, "volumes.daemonset").verdict is Verdict.REFUSED


@pytest.mark.parametrize("value", [[], None, "x", [{"type": "bind"}], ["./a:/b:ro", "/c"], [{"target": 5}]])
def test_nothing_crashes(value: Any) -> None:
    made = plan({"volumes": value, "configs": value, "secrets": value, "tmpfs": value})
    assert not [f for f in made.findings if "labtui failed" in f.detail]


@pytest.mark.parametrize(
    ("count", "expected"), [(None, "10Gi"), (0, "1Gi"), (GIB, "2Gi"), (9 * GIB, "12Gi"), (10 * GIB, "14Gi")]
)
def test_claims_have_a_third_more(count: int | None, expected: str) -> None:
    assert claim_size(count) == expected


def test_answers_with_a_place() -> None:
    assert nfs_of("[fd00::2]:/x") == ("fd00::2", "/x") and nfs_of("x") is None and nfs_of("a b:/x") is None
    assert is_answer("copy:1Ti") and not is_answer("copy:") and not is_answer("claim:") and not is_answer("what:1")


def test_the_claim_s_name_is_the_chart_s() -> None:
    assert claim_name("server", "upload") == "server-upload"
    long = claim_name("a" * 40, "b" * 40)
    assert len(long) == 63 and long.startswith("a" * 40 + "-" + "b" * 13 + "-")


def test_a_volume_that_the_image_declares() -> None:
    facts = Facts(images={"busybox:1.37.0": ImageFacts(volumes=("/data", "/mounted/deep"))})
    raw = {"volumes": [named("m", "/mounted")]}
    made = plan(raw, facts)
    kept_by_compose = finding(made, "image.volumes./data")
    assert kept_by_compose.choice and kept_by_compose.choice.answer == "empty" and not kept_by_compose.settled
    assert not [f for f in made.findings if "deep" in f.key]
    assert len(component(made)["volumes"]) == 1
    kept = plan(raw, facts, {"image.volumes./data": "copy:2Gi"})
    assert component(kept)["volumes"][1]["pvc"] == {"size": "2Gi"}


def test_a_refused_stack_interrupts_nobody() -> None:
    assert not plan({"volumes": [named("d", "/d")], "privileged": True}).interruption


def test_many_containers_and_one_volume() -> None:
    made = plan({"volumes": [named("d", "/d")], "scale": 3})
    assert component(made)["replicas"] == 1 and finding(made, "volumes.replicas").choice is not None


def test_an_agent_of_another_host_watches_nothing_in_the_cluster() -> None:
    mount = {**bind("/proc", "/host/proc"), "read_only": True}
    there = one(mount, known("/proc", same_host=False))
    assert finding(there, "volumes./host/proc").verdict is Verdict.REFUSED
    assert "volumes" not in component(there)
    wanted = one(mount, known("/proc", same_host=False), answer="daemonset")
    assert finding(wanted, "volumes./host/proc").settled and component(wanted)["kind"] == "DaemonSet"
    here = one(mount, known("/proc", same_host=True))
    assert volume(here)["hostPath"] == {"path": "/proc"}


@pytest.mark.parametrize("answer", ["claim:NAME", "nfs:SERVER:/PATH"])
def test_a_placeholder_is_no_answer(answer: str) -> None:
    made = one(bind(f"{FOLDER}/config", "/config"), answer=answer)
    found = finding(made, "volumes./config")
    assert not found.settled and "none of these" in found.detail
    assert volume(made)["pvc"] == {"size": "10Gi"}
