"""The pods, volumes, secrets and policies of the app chart."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.manifests.charts import Helm, Object, empty_values, of_kind, one, pod_templates

WEB: dict[str, Any] = {"image": "web:1", "ports": [{"name": "http", "port": 8080}]}


def component(helm: Helm, kind: str = "Deployment", **keys: Any) -> Object:
    """The workload of one component with these keys."""
    values: dict[str, Any] = {"workload": True, "components": {"web": {**WEB, "kind": kind, **keys}}}
    values["components"]["db"] = {"image": "db:1", "ports": [{"name": "db", "port": 5432}]}
    values["secrets"] = {"web": {"path": "apps/web", "keys": {"TOKEN": "TOKEN"}}}
    return one(helm.template(values), kind, "web")


def pod(workload: Object) -> Object:
    found = workload["spec"]["template"]["spec"]
    assert isinstance(found, dict)
    return found


def container(workload: Object) -> Object:
    (found,) = pod(workload)["containers"]
    assert isinstance(found, dict)
    return found


def test_a_stateless_component_is_replaced_without_a_gap(helm: Helm) -> None:
    found = component(helm)
    rolling = {"maxUnavailable": 0, "maxSurge": 1}
    assert found["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    assert container(found)["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert "lifecycle" not in container(component(helm, terminationGracePeriodSeconds=1))
    assert pod(component(helm, terminationGracePeriodSeconds=0))["terminationGracePeriodSeconds"] == 0


def test_a_component_that_writes_has_one_pod_at_a_time(helm: Helm) -> None:
    volume: dict[str, Any] = {"name": "data", "mountPath": "/data", "pvc": {"size": "1Gi"}}
    found = component(helm, volumes=[volume])
    assert found["spec"]["strategy"] == {"type": "Recreate"}
    assert "lifecycle" not in container(found)  # nobody takes over: waiting would only be longer
    for harmless in (
        {**volume, "readOnly": True},
        {**volume, "pvc": {"size": "1Gi", "accessModes": ["ReadWriteMany"]}},
    ):
        assert component(helm, volumes=[harmless])["spec"]["strategy"]["type"] == "RollingUpdate"


def test_selectors_never_change(helm: Helm) -> None:
    wanted = {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "web"}
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        found = component(helm, kind, podLabels={"version": "2"})
        assert found["spec"]["selector"] == {"matchLabels": wanted}
        labels = found["spec"]["template"]["metadata"]["labels"]
        assert labels == {**wanted, "app.kubernetes.io/part-of": "web", "version": "2"}


def test_kinds(helm: Helm) -> None:
    assert component(helm, replicas=0)["spec"]["replicas"] == 0
    stateful = component(helm, "StatefulSet")["spec"]
    assert (stateful["serviceName"], stateful["replicas"]) == ("web", 1)
    daemon = component(helm, "DaemonSet")["spec"]
    assert "replicas" not in daemon and "strategy" not in daemon


def test_environment_has_secrets_by_reference_and_first(helm: Helm) -> None:
    found = component(
        helm,
        env={"URL": "postgres://u:$(TOKEN)@db", "EMPTY": "", "YES": "yes", "LINES": "a\n  b\n"},
        secretEnv={"TOKEN": {"secret": "web", "key": "TOKEN"}},
    )
    first, *rest = container(found)["env"]
    assert first == {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "web", "key": "TOKEN"}}}
    assert {entry["name"]: entry["value"] for entry in rest} == {
        "URL": "postgres://u:$(TOKEN)@db",
        "EMPTY": "",
        "YES": "yes",
        "LINES": "a\n  b\n",
    }


def test_what_is_given_to_the_container(helm: Helm) -> None:
    found = component(
        helm,
        command=["/bin/sh", "-c"],
        args=["exec web --port=8080", "007", "true"],
        workingDir="/srv",
        resources={"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m"}},
        probes={
            "startup": {"tcpSocket": {"port": "http"}, "failureThreshold": 30},
            "readiness": {"httpGet": {"path": "/", "port": 8080}},
            "liveness": {"exec": {"command": ["true"]}},
        },
        securityContext={"readOnlyRootFilesystem": True, "capabilities": {"add": ["NET_BIND_SERVICE"]}},
        imagePullPolicy="Always",
    )
    given = container(found)
    assert given["command"] == ["/bin/sh", "-c"]
    assert given["args"] == ["exec web --port=8080", "007", "true"]
    assert (given["workingDir"], given["imagePullPolicy"]) == ("/srv", "Always")
    assert given["resources"] == {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m"}}
    assert given["startupProbe"] == {"tcpSocket": {"port": "http"}, "failureThreshold": 30}
    assert given["readinessProbe"] == {"httpGet": {"path": "/", "port": 8080}}
    assert given["livenessProbe"] == {"exec": {"command": ["true"]}}
    assert given["securityContext"]["capabilities"] == {"add": ["NET_BIND_SERVICE"]}
    assert given["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]


def test_what_is_empty_is_left_out(helm: Helm) -> None:
    lists = ("command", "args", "volumes", "hostAliases", "tolerations", "waitFor", "initContainers")
    mappings = ("env", "secretEnv", "probes", "lifecycle", "podLabels", "nodeSelector", "annotations")
    keys: dict[str, Any] = {key: [] for key in lists} | {key: {} for key in mappings}
    keys |= {
        "resources": {"limits": {}, "requests": {"cpu": "1"}},
        "securityContext": {"runAsUser": 0, "readOnlyRootFilesystem": False, "capabilities": {"add": [], "drop": []}},
        "podSecurityContext": {"supplementalGroups": [], "sysctls": []},
        **{key: "" for key in ("workingDir", "hostname", "stopSignal")},
    }
    found = component(helm, **keys)
    assert container(found)["resources"] == {"requests": {"cpu": "1"}}
    assert container(found)["securityContext"] == {"runAsUser": 0, "readOnlyRootFilesystem": False}
    assert list(empty_values(found)) == []


def test_one_container_port_behind_two_service_ports(helm: Helm) -> None:
    ports = [{"name": "http", "port": 8080, "servicePort": 80}, {"name": "alt", "port": 8080, "servicePort": 81}]
    assert len(container(component(helm, ports=ports))["ports"]) == 1


def test_what_is_given_to_the_pod(helm: Helm) -> None:
    found = pod(
        component(
            helm,
            hostname="shop",
            hostAliases=[{"ip": "192.168.88.2", "hostnames": ["wroclaw"]}],
            podSecurityContext={"runAsUser": 1000000, "sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]},
            nodeSelector={"kubernetes.io/arch": "arm64"},
            tolerations=[{"key": "x", "operator": "Exists"}],
            shareProcessNamespace=True,
            terminationGracePeriodSeconds=120,
        )
    )
    assert found["hostname"] == "shop"
    assert found["hostAliases"] == [{"ip": "192.168.88.2", "hostnames": ["wroclaw"]}]
    assert found["securityContext"]["runAsUser"] == 1000000
    assert found["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert found["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert found["tolerations"] == [{"key": "x", "operator": "Exists"}]
    assert found["shareProcessNamespace"] is True
    assert found["terminationGracePeriodSeconds"] == 120
    assert found["enableServiceLinks"] is False and found["automountServiceAccountToken"] is False


def test_waiting_for_another_component(helm: Helm) -> None:
    waiting = [{"component": "db", "port": 5432}]
    found = pod(component(helm, waitFor=waiting, initContainers=[{"name": "own", "image": "busybox:1"}]))
    wait, own = found["initContainers"]
    assert wait["name"] == "wait-for-db-5432" and own["name"] == "own"
    assert wait["command"][-2:] == ["db", "5432"]  # arguments, not parts of a script


@pytest.mark.parametrize(
    ("signal", "sent"), [("SIGINT", "INT"), ("QUIT", "QUIT"), ("3", "3"), ("SIGTERM", ""), ("15", ""), ("", "")]
)
def test_another_stop_signal_is_sent_first(helm: Helm, signal: str, sent: str) -> None:
    stop = container(component(helm, "StatefulSet", stopSignal=signal)).get("lifecycle", {}).get("preStop")
    assert (stop["exec"]["command"][-1] if stop else "") == sent


def test_ones_own_lifecycle_wins(helm: Helm) -> None:
    own = {"preStop": {"exec": {"command": ["nginx", "-s", "quit"]}}}
    assert container(component(helm, lifecycle=own, stopSignal="SIGQUIT"))["lifecycle"] == own


VOLUMES: list[dict[str, Any]] = [
    {"name": "upload", "mountPath": "/upload", "pvc": {"size": "10Gi", "storageClass": "fast"}},
    {"name": "upload", "mountPath": "/thumbs", "subPath": "thumbs", "pvc": {"size": "10Gi", "storageClass": "fast"}},
    {"name": "old", "mountPath": "/old", "pvc": {"existingClaim": "old-data"}},
    {"name": "media", "mountPath": "/media", "readOnly": True, "nfs": {"server": "192.168.1.2", "path": "/srv/media"}},
    {"name": "proc", "mountPath": "/host/proc", "readOnly": True, "hostPath": {"path": "/proc", "type": "Directory"}},
    {
        "name": "conf",
        "mountPath": "/etc/x/conf",
        "subPath": "conf",
        "configMap": {"files": {"conf": "a: {{ b }}\n"}, "defaultMode": 0o555},
    },
    {"name": "theirs", "mountPath": "/etc/y", "configMap": {"name": "theirs"}},
    {"name": "key", "mountPath": "/run/key", "subPath": "key", "secret": {"name": "web", "items": {"TOKEN": "key"}}},
    {"name": "tmp", "mountPath": "/tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    {"name": "scratch", "mountPath": "/scratch", "emptyDir": {}},
]


def test_each_kind_of_volume(helm: Helm) -> None:
    found = component(helm, volumes=VOLUMES)
    volumes = {volume.pop("name"): volume for volume in pod(found)["volumes"]}
    assert volumes == {
        "upload": {"persistentVolumeClaim": {"claimName": "web-upload"}},
        "old": {"persistentVolumeClaim": {"claimName": "old-data"}},
        "media": {"nfs": {"server": "192.168.1.2", "path": "/srv/media", "readOnly": True}},
        "proc": {"hostPath": {"path": "/proc", "type": "Directory"}},
        "conf": {"configMap": {"name": "web-conf", "defaultMode": 0o555}},
        "theirs": {"configMap": {"name": "theirs"}},
        "key": {"secret": {"secretName": "web", "items": [{"key": "TOKEN", "path": "key"}]}},
        "tmp": {"emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        "scratch": {"emptyDir": {}},
    }
    mounts = container(found)["volumeMounts"]
    assert [mount["mountPath"] for mount in mounts] == [volume["mountPath"] for volume in VOLUMES]
    assert {m["mountPath"] for m in mounts if m.get("readOnly")} == {"/media", "/host/proc"}
    assert [m.get("subPath") for m in mounts][:2] == [None, "thumbs"]


def test_claims_are_kept_whatever_happens(helm: Helm) -> None:
    values = {"workload": True, "components": {"web": {**WEB, "volumes": VOLUMES[:2]}}}
    claims = of_kind(helm.template(values), "PersistentVolumeClaim")
    assert set(claims) == {"web-upload"}
    spec = claims["web-upload"]["spec"]
    assert spec["resources"] == {"requests": {"storage": "10Gi"}}
    assert (spec["accessModes"], spec["storageClassName"]) == (["ReadWriteOnce"], "fast")
    annotations = claims["web-upload"]["metadata"]["annotations"]
    assert "Prune=false" in annotations["argocd.argoproj.io/sync-options"]
    assert "Delete=false" in annotations["argocd.argoproj.io/sync-options"]
    assert annotations["argocd.argoproj.io/compare-options"] == "IgnoreExtraneous"
    assert annotations["helm.sh/resource-policy"] == "keep"
    # Pending until its first pod, which may come later
    assert annotations["argocd.argoproj.io/ignore-healthcheck"] == "true"
    assert not of_kind(helm.template({**values, "workload": False}), "PersistentVolumeClaim")


def test_a_changed_file_makes_new_pods(helm: Helm) -> None:
    def checksum(text: str) -> str:
        volume = {"name": "conf", "mountPath": "/etc/x", "configMap": {"files": {"conf": text}}}
        values = {"workload": True, "components": {"web": {**WEB, "volumes": [volume]}}}
        objects = helm.template(values)
        assert one(objects, "ConfigMap", "web-conf")["data"] == {"conf": text}
        found = one(objects, "Deployment", "web")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        return str(found)

    assert checksum("a: {{ .Values.b }}\n") == checksum("a: {{ .Values.b }}\n") != checksum("b\n")


def test_secrets(helm: Helm) -> None:
    values = {
        "workload": True,
        "components": {"web": WEB},
        "secrets": {
            "web": {
                "path": "apps/web",
                "keys": {"A": "A", "B": {"property": "b.c"}},
                "template": {"users.yml": "password: {{ .A }}"},
            }
        },
    }
    spec = one(helm.template(values), "ExternalSecret", "web")["spec"]
    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    assert spec["target"]["name"] == "web"
    assert spec["target"]["template"]["data"] == {"users.yml": "password: {{ .A }}"}
    assert spec["target"]["template"]["mergePolicy"] == "Merge"
    found = {entry["secretKey"]: (entry["remoteRef"]["key"], entry["remoteRef"]["property"]) for entry in spec["data"]}
    assert found == {"A": ("apps/web", "A"), "B": ("apps/web", "b.c")}
    assert not of_kind(helm.template({**values, "workload": False}), "ExternalSecret")


def test_the_application_is_closed_to_others(helm: Helm) -> None:
    values: dict[str, Any] = {"workload": True, "components": {"web": WEB}}
    policy = one(helm.template(values, "shop", "shop"), "NetworkPolicy", "shop")["spec"]
    own = {"app.kubernetes.io/instance": "shop"}
    assert policy["podSelector"] == {"matchLabels": own}
    (rule,) = policy["ingress"]
    assert rule["from"] == [
        {"podSelector": {"matchLabels": own}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}},
    ]
    assert not of_kind(helm.template({**values, "networkPolicy": {"enabled": False}}), "NetworkPolicy")


def test_the_hook_that_generates_secrets(helm: Helm) -> None:
    values = {
        "workload": True,
        "components": {"web": WEB},
        "generateSecrets": {"enabled": True, "keys": {"A": {"length": 24, "hash": "argon2id"}}},
    }
    objects = helm.template(values, "shop", "shop")
    name = "shop-generate-secrets"
    for kind in ("ServiceAccount", "ConfigMap", "Job"):
        annotations = one(objects, kind, name)["metadata"]["annotations"]
        assert annotations["argocd.argoproj.io/hook"] == "PreSync"
        assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    waves = [
        int(one(objects, kind, name)["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for kind in ("ServiceAccount", "ConfigMap", "Job")
    ]
    assert max(waves[:2]) < waves[2]
    data = one(objects, "ConfigMap", name)["data"]
    compile(data["generate_secrets.py"], "generate_secrets.py", "exec")
    assert data["wanted.json"] == '{"A":{"hash":"argon2id","length":24}}'
    spec = one(objects, "Job", name)["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == name and spec["automountServiceAccountToken"] is True
    env = {entry["name"]: entry["value"] for entry in spec["containers"][0]["env"]}
    assert env["VAULT_PATH"] == "apps/shop" and env["VAULT_ROLE"] == "generate-secrets"
    assert not of_kind(helm.template({**values, "workload": False}, "shop", "shop"), "Job")


def test_long_names_are_cut_and_stay_apart(helm: Helm) -> None:
    long = "a" * 60
    volume = {"mountPath": "/d", "pvc": {"size": "1Gi"}}
    volumes = [{**volume, "name": "data-one"}, {**volume, "name": "data-two", "mountPath": "/e"}]
    values = {"workload": True, "components": {long: {**WEB, "kind": "StatefulSet", "volumes": volumes}}}
    objects = helm.template(values)
    claims = of_kind(objects, "PersistentVolumeClaim")
    assert len(claims) == 2
    names = [found["metadata"]["name"] for found in objects]
    assert max(len(name) for name in names) <= 63
    (stateful,) = of_kind(objects, "StatefulSet").values()
    assert len(stateful["metadata"]["name"]) <= 52  # its pods carry a label that is longer than the name
    mounted = {v["persistentVolumeClaim"]["claimName"] for v in stateful["spec"]["template"]["spec"]["volumes"]}
    assert mounted == set(claims)


def test_every_object_says_what_it_belongs_to_and_nothing_is_empty(helm: Helm) -> None:
    keys: dict[str, Any] = copy.deepcopy(WEB) | {"volumes": VOLUMES[:-1], "waitFor": [{"component": "db", "port": 1}]}
    values = {
        "workload": True,
        "components": {"web": keys, "db": {"image": "db:1"}},
        "secrets": {"web": {"path": "apps/web", "keys": {"TOKEN": "TOKEN"}}},
        "generateSecrets": {"enabled": True, "keys": {"TOKEN": {}}},
    }
    objects = helm.template(values, "shop-app", "shop")
    for found in objects:
        labels = found["metadata"]["labels"]
        assert found["metadata"]["namespace"] == "shop"
        assert labels["app.kubernetes.io/instance"] == "shop-app"
        assert labels["app.kubernetes.io/part-of"] == "shop"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/name"]
    assert list(empty_values(objects)) == []
    assert {where for where, _ in pod_templates(objects)} == {
        "Deployment/web",
        "Deployment/db",
        "Job/shop-app-generate-secrets",
    }


@pytest.mark.parametrize("name", ["no", "null", "true", "y", "e1"])
def test_names_that_yaml_takes_for_something_else(helm: Helm, name: str) -> None:
    volumes = [{"name": "yes", "mountPath": "/data", "pvc": {"size": "1Gi", "storageClass": "off"}}]
    values = {"workload": True, "components": {name: {**WEB, "volumes": volumes, "hostname": name}}}
    objects = helm.template(values, name, name)
    assert one(objects, "Deployment", name)["spec"]["template"]["spec"]["hostname"] == name
    assert one(objects, "Service", name)["spec"]["selector"]["app.kubernetes.io/name"] == name
    assert all(isinstance(found["metadata"]["namespace"], str) for found in objects)
