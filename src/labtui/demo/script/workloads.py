"""The workloads of the simulated cluster, and the manifests that Argo CD would apply for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DOMAIN = "example.org"
Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scripted:
    """A workload. `days` is its age, `cpu` in cores, `memory` in MiB, `claim` the size of its volume; `application` empty
    means that no Argo CD application manages it; `schedule` is a CronJob's."""

    application: str
    namespace: str
    name: str
    image: str
    kind: str = "Deployment"
    replicas: int = 1
    port: int = 0
    host: str = ""
    claim: str = ""
    cpu: float = 0.01
    memory: int = 40
    days: float = 34
    restarts: int = 0
    schedule: str = ""
    owner: str = ""  # the CronJob of a Job
    service_type: str = "ClusterIP"
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class External:
    """A service on a Docker host that the cluster forwards to, from its ingress where it has a `host`."""

    application: str
    namespace: str
    name: str
    address: str
    port: int
    host: str = ""


WORKLOADS: tuple[Scripted, ...] = (
    Scripted(
        "ingress-nginx",
        "ingress-nginx",
        "ingress-nginx-controller",
        "registry.k8s.io/ingress-nginx/controller:v1.12.1",
        port=443,
        service_type="LoadBalancer",
        cpu=0.03,
        memory=172,
        restarts=1,
    ),
    Scripted(
        "cert-manager", "cert-manager", "cert-manager", "quay.io/jetstack/cert-manager-controller:v1.17.1", memory=44
    ),
    Scripted(
        "cert-manager",
        "cert-manager",
        "cert-manager-cainjector",
        "quay.io/jetstack/cert-manager-cainjector:v1.17.1",
        memory=61,
    ),
    Scripted(
        "cert-manager",
        "cert-manager",
        "cert-manager-webhook",
        "quay.io/jetstack/cert-manager-webhook:v1.17.1",
        port=443,
        memory=23,
    ),
    Scripted(
        "argocd",
        "argocd",
        "argocd-application-controller",
        "quay.io/argoproj/argocd:v3.2.11",
        kind="StatefulSet",
        cpu=0.09,
        memory=412,
        days=12,
    ),
    Scripted(
        "argocd",
        "argocd",
        "argocd-server",
        "quay.io/argoproj/argocd:v3.2.11",
        port=443,
        host="argocd",
        cpu=0.02,
        memory=138,
        days=12,
    ),
    Scripted(
        "argocd",
        "argocd",
        "argocd-repo-server",
        "quay.io/argoproj/argocd:v3.2.11",
        port=8081,
        cpu=0.04,
        memory=203,
        days=12,
        restarts=2,
    ),
    Scripted("argocd", "argocd", "argocd-redis", "redis:7.4.2-alpine", port=6379, memory=14, days=12),
    Scripted(
        "vault",
        "vault",
        "vault",
        "openbao/openbao:2.5.3",
        kind="StatefulSet",
        port=8200,
        host="vault",
        claim="5Gi",
        cpu=0.02,
        memory=121,
    ),
    Scripted(
        "vault",
        "vault",
        "vault-snapshot",
        "openbao/openbao:2.5.3",
        kind="CronJob",
        schedule="15 2 * * *",
        days=33.49,
    ),
    Scripted(
        "external-secrets",
        "external-secrets",
        "external-secrets",
        "oci.external-secrets.io/external-secrets/external-secrets:v2.0.0",
        memory=57,
    ),
    Scripted(
        "external-secrets",
        "external-secrets",
        "external-secrets-webhook",
        "oci.external-secrets.io/external-secrets/external-secrets:v2.0.0",
        port=443,
        memory=33,
    ),
    Scripted(
        "external-secrets",
        "external-secrets",
        "external-secrets-cert-controller",
        "oci.external-secrets.io/external-secrets/external-secrets:v2.0.0",
        memory=48,
    ),
    Scripted(
        "authelia", "authelia", "authelia", "authelia/authelia:4.39.4", port=9091, host="auth", memory=39, days=21
    ),
    Scripted("authelia", "authelia", "authelia-secrets", "openbao/openbao:2.5.3", kind="Job", days=21),
    Scripted(
        "victoriametrics",
        "monitoring",
        "victoriametrics",
        "victoriametrics/victoria-metrics:v1.115.0",
        kind="StatefulSet",
        port=8428,
        claim="40Gi",
        cpu=0.06,
        memory=356,
        env={"retentionPeriod": "12"},
    ),
    Scripted(
        "victorialogs",
        "monitoring",
        "victorialogs",
        "victoriametrics/victoria-logs:v1.18.0-victorialogs",
        kind="StatefulSet",
        port=9428,
        claim="20Gi",
        cpu=0.03,
        memory=184,
    ),
    Scripted(
        "grafana",
        "monitoring",
        "grafana",
        "grafana/grafana:11.6.0",
        port=3000,
        host="grafana",
        claim="2Gi",
        cpu=0.01,
        memory=148,
        env={"GF_DATABASE_WAL": "true"},
    ),
    Scripted(
        "alloy",
        "monitoring",
        "alloy",
        "grafana/alloy:v1.8.3",
        kind="DaemonSet",
        port=12345,
        cpu=0.05,
        memory=226,
    ),
    Scripted(
        "emby",
        "emby",
        "emby",
        "emby/embyserver:4.8.11.0",
        port=8096,
        host="emby",
        claim="10Gi",
        cpu=0.04,
        memory=288,
        days=5,
    ),
    Scripted("", "kube-system", "coredns", "rancher/mirrored-coredns-coredns:1.12.0", port=53, memory=22, days=88),
    Scripted(
        "",
        "kube-system",
        "local-path-provisioner",
        "rancher/local-path-provisioner:v0.0.31",
        memory=13,
        days=88,
        restarts=3,
    ),
    Scripted(
        "",
        "kube-system",
        "metrics-server",
        "registry.k8s.io/metrics-server/metrics-server:v0.7.2",
        port=443,
        memory=29,
        days=88,
    ),
)

EXTERNALS: tuple[External, ...] = (
    External("external-services", "external-services", "router", "192.168.88.1", 80, "router"),
    External("transmission", "transmission", "transmission", "192.168.1.2", 9091, "transmission"),
    External("caddy", "caddy", "caddy", "192.168.88.2", 443),
    External("monitoring-kyiv", "monitoring-kyiv", "alloy", "192.168.1.2", 12345),
    External("monitoring-kyiv", "monitoring-kyiv", "mikrotik-exporter", "192.168.1.2", 49090),
    External("immich", "immich", "immich-server", "192.168.88.2", 2283, "photos"),
)

# This image crashes in the simulated cluster: its last update is why grafana is broken.
BROKEN_IMAGE = "grafana/grafana:12.0.0"
BROKEN_LOG = 'logger=sqlstore level=error msg="failed to migrate" err="database is locked"'


def manifests(workload: Scripted) -> tuple[Manifest, ...]:
    """The objects that git holds for a workload: itself, its Service, Ingress and claim."""
    found = [_workload(workload)]
    if workload.port:
        found.append(_service(workload))
    if workload.host:
        found.append(_ingress(workload.namespace, workload.name, workload.host, workload.port))
    if workload.claim and workload.kind == "Deployment":
        found.append(_claim(workload))
    return tuple(found)


def external_manifests(external: External) -> tuple[Manifest, ...]:
    """Service, EndpointSlice and Ingress of a service that stays on Docker."""
    meta = {"name": external.name, "namespace": external.namespace}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": dict(meta),
        "spec": {"ports": [{"name": "http", "port": external.port, "targetPort": external.port}]},
    }
    labels = {
        "kubernetes.io/service-name": external.name,
        "endpointslice.kubernetes.io/managed-by": "labtui.dev",
    }
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{external.name}-docker", "namespace": external.namespace, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": external.port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [external.address], "conditions": {"ready": True}}],
    }
    if not external.host:
        return service, slice_
    return service, slice_, _ingress(external.namespace, external.name, external.host, external.port)


def _meta(workload: Scripted) -> dict[str, Any]:
    return {
        "name": workload.name,
        "namespace": workload.namespace,
        "labels": {"app.kubernetes.io/name": workload.name},
    }


def _workload(workload: Scripted) -> Manifest:
    labels = {"app.kubernetes.io/name": workload.name}
    container: dict[str, Any] = {"name": workload.name, "image": workload.image}
    if workload.port:
        container["ports"] = [{"containerPort": workload.port}]
    if workload.env:
        container["env"] = [{"name": key, "value": value} for key, value in workload.env.items()]
    container["resources"] = {"requests": {"memory": f"{workload.memory}Mi"}}
    template: dict[str, Any] = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec: dict[str, Any]
    if workload.kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "OnFailure"
        spec = {"template": template}
        if workload.kind == "CronJob":
            spec = {"schedule": workload.schedule, "jobTemplate": {"spec": spec}}
        return {"apiVersion": "batch/v1", "kind": workload.kind, "metadata": _meta(workload), "spec": spec}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    if workload.kind != "DaemonSet":
        spec = {"replicas": workload.replicas, **spec}
    if workload.kind == "Deployment" and workload.claim:
        spec["strategy"] = {"type": "Recreate"}  # one writer for the volume
    if workload.kind == "StatefulSet":
        spec["serviceName"] = workload.name
        if workload.claim:
            claim = {"metadata": {"name": "data"}, "spec": _claim_spec(workload.claim)}
            spec["volumeClaimTemplates"] = [claim]
    return {"apiVersion": "apps/v1", "kind": workload.kind, "metadata": _meta(workload), "spec": spec}


def _service(workload: Scripted) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _meta(workload),
        "spec": {
            "type": workload.service_type,
            "selector": {"app.kubernetes.io/name": workload.name},
            "ports": [{"name": "main", "port": workload.port, "targetPort": workload.port}],
        },
    }


def _ingress(namespace: str, name: str, host: str, port: int) -> Manifest:
    backend = {"service": {"name": name, "port": {"number": port}}}
    rule = {
        "host": f"{host}.{DOMAIN}",
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [rule],
            "tls": [{"hosts": [f"{host}.{DOMAIN}"], "secretName": f"{name}-tls"}],
        },
    }


def _claim(workload: Scripted) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": workload.name, "namespace": workload.namespace},
        "spec": _claim_spec(workload.claim),
    }


def _claim_spec(size: str) -> dict[str, Any]:
    return {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "local-path",
        "resources": {"requests": {"storage": size}},
    }
