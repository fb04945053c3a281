"""The app chart without helm: what manifests/applications/charts/app renders of a stack's values. A test compares the two.

Generated secrets are left out: they are a hook of Argo CD, and no stack of the demo that is moved has them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from labtui.demo.chart_pod import named, pod, volume_name, writes
from labtui.domain.errors import Invalid, Refused
from labtui.domain.text import clean

Values = Mapping[str, Any]
Manifest = dict[str, Any]
_AUTH = "http://authelia.authelia.svc.cluster.local:9091/api/authz/auth-request"
_NGINX = "nginx.ingress.kubernetes.io/"
_NAMESPACE_NAME = "kubernetes.io/metadata.name"


class DemoChart:
    """Implements `ports.ChartRenderer`."""

    def __init__(self, chart: Path) -> None:
        self._chart = chart

    @cached_property
    def _defaults(self) -> Values:
        loaded = yaml.safe_load((self._chart / "values.yaml").read_text(encoding="utf-8"))
        return loaded if isinstance(loaded, dict) else {}

    def render(self, values: Values, name: str, namespace: str) -> tuple[Manifest, ...]:
        """See `ports.ChartRenderer`: what the chart says with these values, by kind and name."""
        merged = _merged(self._defaults, values)
        if (merged.get("generateSecrets") or {}).get("enabled") is True:
            raise Refused("The demo's chart makes no secrets up", "", "Set generateSecrets.enabled to false")
        release = _Release(name, namespace, merged)
        release.check()
        found = (*release.services(), *release.ingress(), *release.pods(), *release.policies())
        # equal parts are no parts of each other: whoever changes one object changes no other one
        return tuple(copy.deepcopy(obj) for obj in sorted(found, key=lambda o: (o["kind"], o["metadata"]["name"])))


def _merged(under: Values, over: Values) -> dict[str, Any]:
    """As helm merges values: mappings by key, everything else replaced; null takes a key away."""
    found = dict(under)
    for key, value in over.items():
        old = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(old, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(old, value)
        else:
            found[key] = value
    return found


@dataclass(frozen=True)
class _Release:
    name: str
    namespace: str
    values: Values
    components: Mapping[str, Values] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", self.values.get("components") or {})

    def check(self) -> None:
        """What templates/checks.yaml refuses and a move could come to. Raises Invalid."""
        traffic = self.values.get("traffic")
        if traffic not in ("docker", "both", "kubernetes"):
            raise Invalid("The chart refuses the values", f"traffic: {clean(str(traffic), 60)}")
        if traffic != "docker" and not self.values.get("workload"):
            raise Invalid("The chart refuses the values", f"traffic: {traffic} needs workload: true")
        for name, component in self.components.items():
            if traffic == "both" and self._docker(component)[1] and writes(component):
                words = f"components.{clean(name)}: it writes to a volume, so only one side may run it"
                raise Invalid("The chart refuses the values", words)

    def _labels(self, name: str) -> dict[str, str]:
        return {
            **self._selector(name),
            "app.kubernetes.io/part-of": self.namespace,
            "app.kubernetes.io/managed-by": "Helm",
        }

    def _selector(self, name: str) -> dict[str, str]:
        return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": self.name}

    def _object(self, api: str, kind: str, name: str, component: str, **rest: Any) -> Manifest:
        meta = {"name": name, "namespace": self.namespace, "labels": self._labels(component)}
        if notes := rest.pop("annotations", None):
            meta["annotations"] = dict(notes)
        return {"apiVersion": api, "kind": kind, "metadata": meta, **rest}

    # What leads to the stack

    def _docker(self, component: Values) -> tuple[str, dict[str, int]]:
        """Host, and published port by port name, of a component that is (also) on Docker."""
        top, own = self.values.get("docker") or {}, component.get("docker") or {}
        port = own.get("port") or (top.get("port") if len(self.components) == 1 else None)
        ports = {}
        if port and component.get("ports"):
            ports[component["ports"][0]["name"]] = int(port)
        ports |= {name: int(published) for name, published in (own.get("ports") or {}).items()}
        return str(own.get("host") or top.get("host") or ""), ports

    def services(self) -> Iterator[Manifest]:
        """A Service of each name, and its slice to Docker."""
        for name, component in self.components.items():
            service = component.get("service") or {}
            if not component.get("ports") and "service" not in component:
                continue
            host, published = self._docker(component)
            for alias in dict.fromkeys((name, *(service.get("aliases") or ()))):
                yield self._service(name, component, alias, bool(published))
                if published and self.values["traffic"] != "kubernetes":
                    yield self._slice(name, component, alias, host, published)

    def _service(self, name: str, component: Values, alias: str, on_docker: bool) -> Manifest:
        service, ports = component.get("service") or {}, component.get("ports") or ()
        own = alias == name
        spec: Manifest = {}
        if service.get("headless") or not ports:
            spec["clusterIP"] = "None"
        else:
            spec["type"] = "NodePort" if own and any(p.get("nodePort") for p in ports) else "ClusterIP"
        spec["selector"] = self._selector(name)
        if on_docker and self.values["traffic"] == "docker":
            spec["selector"]["labtui.dev/traffic"] = "docker"
        if ports:
            spec["ports"] = [_port(p, own and not service.get("headless")) for p in ports]
        return self._object("v1", "Service", alias, name, spec=spec)

    def _slice(self, name: str, component: Values, alias: str, host: str, published: Mapping[str, int]) -> Manifest:
        ports = [
            {"name": p["name"], "port": published[p["name"]], "protocol": p.get("protocol") or "TCP"}
            for p in component["ports"]
            if p["name"] in published
        ]
        made = self._object("discovery.k8s.io/v1", "EndpointSlice", f"{alias}-docker", name)
        made["metadata"]["labels"] |= {
            "kubernetes.io/service-name": alias,
            "endpointslice.kubernetes.io/managed-by": "labtui.dev",
        }
        made["addressType"] = "IPv6" if ":" in host else "IPv4"
        made["endpoints"] = [{"addresses": [host], "conditions": {"ready": True}}]
        made["ports"] = ports
        return made

    def ingress(self) -> Iterator[Manifest]:
        """The host name's Ingress, where there is one."""
        wanted = self.values.get("ingress") or {}
        if not wanted.get("enabled"):
            return
        name = wanted.get("component") or (next(iter(self.components)) if len(self.components) == 1 else "")
        ports = (self.components.get(name) or {}).get("ports") or ()
        if not ports:
            raise Invalid("The chart refuses the values", "ingress.component: name a component that has ports")
        own = wanted.get("name") or self.name
        rule = {
            "path": "/",
            "pathType": "Prefix",
            "backend": {"service": {"name": name, "port": {"name": wanted.get("port") or ports[0]["name"]}}},
        }
        spec: Manifest = {
            "ingressClassName": wanted.get("className") or "nginx",
            "rules": [{"host": wanted["host"], "http": {"paths": [rule]}}],
        }
        if wanted.get("issuer"):
            spec["tls"] = [{"hosts": [wanted["host"]], "secretName": wanted.get("tlsSecret") or f"{own}-tls"}]
        yield self._object("networking.k8s.io/v1", "Ingress", own, name, annotations=_annotations(wanted), spec=spec)

    def policies(self) -> Iterator[Manifest]:
        """Who may connect to the pods."""
        policy = self.values.get("networkPolicy") or {}
        if not self.values.get("workload") or not policy.get("enabled"):
            return
        mine = {"app.kubernetes.io/instance": self.name}
        sources = [{"podSelector": {"matchLabels": mine}}]
        sources += [{"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: n}}} for n in policy.get("from") or ()]
        yield self._policy(self.name, self.name, mine, {"from": sources})
        for name, component in self.components.items():
            open_ = [p for p in component.get("ports") or () if p.get("nodePort")]
            if open_:
                ports = [{"port": int(p["port"]), "protocol": p.get("protocol") or "TCP"} for p in open_]
                yield self._policy(named(f"{name}-node-ports"), name, self._selector(name), {"ports": ports})

    def _policy(self, name: str, component: str, pods: Mapping[str, str], rule: Manifest) -> Manifest:
        spec = {"podSelector": {"matchLabels": dict(pods)}, "policyTypes": ["Ingress"], "ingress": [rule]}
        return self._object("networking.k8s.io/v1", "NetworkPolicy", name, component, spec=spec)

    # What runs

    def pods(self) -> Iterator[Manifest]:
        """Workloads, with what they need: claims, files, secrets. Nothing without `workload`."""
        if not self.values.get("workload"):
            return
        for name, component in self.components.items():
            yield self._workload(name, component)
            yield from self._volumes(name, component)
        for name, secret in (self.values.get("secrets") or {}).items():
            yield self._secret(name, secret)

    def _workload(self, name: str, component: Values) -> Manifest:
        kind = component.get("kind") or "Deployment"
        spec: Manifest = {} if kind == "DaemonSet" else {"replicas": int(component.get("replicas", 1))}
        spec["revisionHistoryLimit"] = 3
        if kind == "StatefulSet":
            spec["serviceName"] = name
        spec["selector"] = {"matchLabels": self._selector(name)}
        if kind != "Deployment":
            spec["updateStrategy"] = {"type": "RollingUpdate"}
        elif (component.get("strategy") or ("Recreate" if writes(component) else "RollingUpdate")) == "Recreate":
            spec["strategy"] = {"type": "Recreate"}
        else:
            spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        labels = {**self._selector(name), "app.kubernetes.io/part-of": self.namespace}
        spec["template"] = pod(name, component, labels, str(self.values.get("waitImage")))
        most = 52 if kind == "StatefulSet" else 63
        notes = component.get("annotations")
        return self._object("apps/v1", kind, named(name, most), name, annotations=notes, spec=spec)

    def _volumes(self, name: str, component: Values) -> Iterator[Manifest]:
        done = set()
        for volume in component.get("volumes") or ():
            if volume["name"] in done:
                continue
            done.add(volume["name"])
            claim, files = volume.get("pvc"), (volume.get("configMap") or {}).get("files")
            own = volume_name(name, volume["name"])
            if claim and not claim.get("existingClaim"):
                spec: Manifest = {"accessModes": list(claim.get("accessModes") or ("ReadWriteOnce",))}
                if claim.get("storageClass"):
                    spec["storageClassName"] = claim["storageClass"]
                spec["resources"] = {"requests": {"storage": str(claim["size"])}}
                yield self._object("v1", "PersistentVolumeClaim", own, name, annotations=_KEPT, spec=spec)
            elif not claim and files:
                yield self._object("v1", "ConfigMap", own, name, data=dict(files))

    def _secret(self, name: str, secret: Values) -> Manifest:
        target: Manifest = {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"}
        if secret.get("template"):
            target["template"] = {
                "engineVersion": "v2",
                "mergePolicy": "Merge",
                "metadata": {"labels": self._labels(name)},
                "data": dict(secret["template"]),
            }
        data = [
            {
                "secretKey": key,
                "remoteRef": {
                    "key": secret["path"],
                    "property": origin if isinstance(origin, str) else origin["property"],
                    "conversionStrategy": "Default",
                    "decodingStrategy": "None",
                    "metadataPolicy": "None",
                },
            }
            for key, origin in sorted((secret.get("keys") or {}).items())
        ]
        spec = {
            "refreshInterval": secret.get("refreshInterval") or "1h0m0s",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": self.values["vault"]["store"]},
            "target": target,
            "data": data,
        }
        return self._object("external-secrets.io/v1", "ExternalSecret", name, name, annotations=_EARLY, spec=spec)


_EARLY = {"argocd.argoproj.io/sync-wave": "-1"}  # the Secret is there before a pod that needs it
_KEPT = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
    "argocd.argoproj.io/ignore-healthcheck": "true",
    "helm.sh/resource-policy": "keep",
}


def _port(port: Values, of_node: bool) -> Manifest:
    found: Manifest = {
        "name": port["name"],
        "port": int(port.get("servicePort") or port["port"]),
        "targetPort": int(port["port"]),
        "protocol": port.get("protocol") or "TCP",
    }
    if of_node and port.get("nodePort"):
        found["nodePort"] = int(port["nodePort"])
    return found


def _annotations(wanted: Values) -> dict[str, str]:
    found = {}
    if wanted.get("issuer"):
        found["cert-manager.io/cluster-issuer"] = wanted["issuer"]
    if wanted.get("auth"):
        domain = re.sub(r"^[^.]+\.", "", wanted["host"])
        found |= {
            f"{_NGINX}auth-method": "GET",
            f"{_NGINX}auth-url": wanted.get("authUrl") or _AUTH,
            f"{_NGINX}auth-signin": wanted.get("authSignin") or f"https://auth.{domain}?rm=$request_method",
            f"{_NGINX}auth-response-headers": "Remote-User,Remote-Name,Remote-Groups,Remote-Email",
        }
    return found | dict(wanted.get("annotations") or {})
