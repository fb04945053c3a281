"""What has to be true before a stack is moved, judged from what was read. Pure: each function answers `Check`s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from labtui.domain.checks import Check, Verdict
from labtui.domain.conversion.facts import ClusterFacts, Facts
from labtui.domain.conversion.findings import StackPlan
from labtui.domain.migration.capacity import added, fit
from labtui.domain.resources.argocd import Application
from labtui.domain.text import clean

IN_CLUSTER = "https://kubernetes.default.svc"
OLDEST_ARGOCD = (3, 1)


@dataclass(frozen=True, slots=True)
class Right:
    """Something to be allowed: a verb on a resource of the API; `namespace` empty: in all of them."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""

    @property
    def words(self) -> str:
        """`create leases.coordination.k8s.io in labtui`."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource}" + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True)
class IngressState:
    """An Ingress: its class, host names, and the addresses that its controller has given it."""

    namespace: str
    name: str
    class_name: str = ""
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


# What pods are made of, for an estate without Argo CD
_RESOURCES = {
    "ConfigMap": ("", "configmaps"),
    "CronJob": ("batch", "cronjobs"),
    "DaemonSet": ("apps", "daemonsets"),
    "Deployment": ("apps", "deployments"),
    "EndpointSlice": ("discovery.k8s.io", "endpointslices"),
    "ExternalSecret": ("external-secrets.io", "externalsecrets"),
    "Ingress": ("networking.k8s.io", "ingresses"),
    "Job": ("batch", "jobs"),
    "NetworkPolicy": ("networking.k8s.io", "networkpolicies"),
    "PersistentVolumeClaim": ("", "persistentvolumeclaims"),
    "Role": ("rbac.authorization.k8s.io", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io", "rolebindings"),
    "Secret": ("", "secrets"),
    "Service": ("", "services"),
    "ServiceAccount": ("", "serviceaccounts"),
    "StatefulSet": ("apps", "statefulsets"),
}


def rights(namespace: str, own: str, objects: Iterable[Mapping[str, Any]] = ()) -> tuple[Right, ...]:
    """What labtui does in the cluster itself. `own` is its namespace; `objects` are those that it applies without Argo CD."""
    found = [Right(v, "leases", "coordination.k8s.io", own) for v in ("get", "create", "update")]
    found += [Right(v, "configmaps", "", own) for v in ("get", "list", "create", "update")]
    found += [Right("get", "secrets", "", namespace), Right("list", "pods", "", namespace)]
    found += [Right("get", "pods/log", "", namespace), Right("list", "endpointslices", "discovery.k8s.io", namespace)]
    applied = tuple(objects)
    if applied:  # the namespace is applied, too: it says what its objects were rendered from
        found += [Right(v, "namespaces") for v in ("get", "create", "patch")]
    for kind in sorted({str(o.get("kind")) for o in applied}):
        group, resource = _RESOURCES.get(kind, ("", ""))
        if resource:
            found += [Right(v, resource, group, namespace) for v in ("get", "create", "patch", "delete")]
    return tuple(found)


def judge_plan(plan: StackPlan, vault_keys: Mapping[str, frozenset[str]] | None) -> Iterator[Check]:
    """Is everything decided, and has every secret a value? `vault_keys`: what each path of Vault has already."""
    if plan.verdict != "ready":
        open_ = sum(not f.settled for f in plan.findings)
        words = f"{open_} keys of the Compose files are refused or not answered"
        yield Check("plan", "decided", Verdict.FAIL, words, f"labtui plan {plan.site}/{plan.stack} shows them")
    else:
        yield Check("plan", "decided", Verdict.OK, f"{len(plan.findings)} keys")
    bare = sorted({(s.path, s.key) for s in plan.secrets if s.value is None})
    known = vault_keys or {}
    if missing := [f"{path}#{key}" for path, key in bare if key not in known.get(path, frozenset())]:
        words = f"no value on this machine, nor in Vault: {clean(', '.join(missing))}"
        yield Check("plan", "secrets", Verdict.FAIL, words, "Set them in .env.user, or write them to Vault")


def judge_ports(random: Sequence[str]) -> Iterator[Check]:
    """Is what is published reached at the same port tomorrow? `random`: what is published on a port that Docker chooses."""
    if not random:
        return
    words = f"Docker chooses the port of {', '.join(random)}, another one at each start: the route would lead nowhere"
    advice = "Give it a port of the host in the Compose file (ports: 8080:80), start it with that, then migrate again"
    yield Check("plan", "ports", Verdict.FAIL, clean(words), advice)


def judge_images(plan: StackPlan, facts: Facts) -> Iterator[Check]:
    """Do the images run on the processors of the nodes?"""
    nodes = {n.architecture for n in facts.cluster.nodes} if facts.cluster else set()
    unknown = []
    for name, component in sorted((plan.values.get("components") or {}).items()):
        image = str(component.get("image", ""))
        known = facts.images.get(image)
        if not nodes or known is None or not known.architectures:
            unknown.append(image)
        elif not nodes & set(known.architectures):
            # the site has pulled the build for its own processor; the registry may have others
            words = (
                f"the site has {image} for {', '.join(known.architectures)}, the nodes are {', '.join(sorted(nodes))}"
            )
            advice = (
                "Check that the registry has a build for the nodes (docker manifest inspect), else use another image"
            )
            yield Check("images", clean(name), Verdict.WARN, clean(words), advice)
        else:
            yield Check(
                "images", clean(name), Verdict.OK, f"runs on {', '.join(sorted(nodes & set(known.architectures)))}"
            )
    if unknown:
        words = f"not known for which processors: {clean(', '.join(unknown))}"
        yield Check(
            "images", "architecture", Verdict.WARN, words, "Look at them, or pull them on the site and try again"
        )


def judge_capacity(plan: StackPlan, facts: Facts, measured: Mapping[str, int], limit: int = 0) -> Check:
    """Does it fit beside what is there, by requests and by measured use?"""
    if facts.cluster is None:
        return Check("cluster", "capacity", Verdict.FAIL, "its nodes could not be read", "labtui doctor says why")
    adds = added(plan.values.get("components") or {}, facts.usage, same_host=facts.same_host is True)
    found = fit(facts.cluster.nodes, measured, adds, limit)
    if not found.fits:
        advice = "Stop what is not needed, lower the stack's requests, or move another stack's weight away first"
        return Check("cluster", "capacity", Verdict.FAIL, found.why, advice)
    return Check("cluster", "capacity", Verdict.WARN if found.tight else Verdict.OK, found.why)


def judge_storage(plan: StackPlan, cluster: ClusterFacts | None) -> Iterator[Check]:
    """Is there a storage class for every claim that is made?"""
    if cluster is None:
        return
    wanted: dict[str, list[str]] = {}
    for name, component in (plan.values.get("components") or {}).items():
        for volume in component.get("volumes") or ():
            claim = volume.get("pvc")
            if claim is not None and not claim.get("existingClaim"):
                wanted.setdefault(str(claim.get("storageClass") or ""), []).append(f"{name}:{volume.get('mountPath')}")
    for storage, users in sorted(wanted.items()):
        there = storage in cluster.storage_classes if storage else bool(cluster.default_storage_class)
        what = f"storage class {storage}" if storage else "default storage class"
        if there:
            words = f"{storage or cluster.default_storage_class} for {len(users)} claims"
            yield Check("cluster", "storage", Verdict.OK, clean(words))
        else:
            names = ", ".join(cluster.storage_classes) or "none"
            advice = f"There are: {names}. Mark one as default, or name one (storageClass)"
            yield Check("cluster", "storage", Verdict.FAIL, clean(f"no {what} for {', '.join(users)}"), clean(advice))


def judge_edge(plan: StackPlan, namespace: str, ingresses: Sequence[IngressState]) -> Iterator[Check]:
    """Does the host name's Ingress have an address, so that requests arrive, and Argo CD calls it healthy?"""
    wanted = plan.values.get("ingress") or {}
    host, cls = str(wanted.get("host") or ""), str(wanted.get("className") or "nginx")
    if not host or wanted.get("enabled") is False:
        return
    holders = [i for i in ingresses if host in i.hosts]
    foreign = [i for i in holders if i.namespace != namespace]
    mine = [i for i in holders if i.namespace == namespace]
    if foreign and mine:
        names = ", ".join(f"{i.namespace}/{i.name}" for i in foreign)
        words = f"{names} claims {host}, too"
        yield Check(
            "cluster",
            "host name",
            Verdict.FAIL,
            clean(words),
            "Take one of them out of git: which one answers is chance",
        )
        return
    peers = [i for i in ingresses if i.class_name == cls]
    if holders and not any(i.addresses for i in holders):
        words = f"the Ingress of {host} has no address: its application never gets healthy"
        advice = f"Is an ingress controller for class {cls} running, and does it publish its Service's address?"
        yield Check("cluster", "host name", Verdict.FAIL, clean(words), clean(advice))
    elif holders:
        where = f"{holders[0].namespace}/{holders[0].name}"
        yield Check("cluster", "host name", Verdict.OK, clean(f"{host} at {', '.join(holders[0].addresses)} ({where})"))
    elif any(i.addresses for i in peers):
        yield Check("cluster", "host name", Verdict.OK, clean(f"{host} is free, and class {cls} gives addresses"))
    else:
        words = f"no Ingress of class {cls} has an address yet: whether {host} gets one is not known"
        yield Check("cluster", "host name", Verdict.WARN, clean(words), "Look at the ingress controller")


def judge_argocd(version: str, apps: Sequence[Application], blocked: Mapping[str, str]) -> Iterator[Check]:
    """The server, and the applications that the move goes through. `blocked`: why a sync may not start now, by name."""
    numbers = version.lstrip("v").split(".")
    old = not all(n.isdecimal() for n in numbers[:2]) or tuple(int(n) for n in numbers[:2]) < OLDEST_ARGOCD
    yield Check("argocd", "version", Verdict.WARN if old else Verdict.OK, clean(version) or "unknown")
    for app in apps:
        name = app.ref.name
        if why := blocked.get(name):
            yield Check(
                "argocd", name, Verdict.FAIL, clean(why), "Wait until the window allows it, or change the window"
            )
        elif app.busy:
            yield Check("argocd", name, Verdict.FAIL, "an operation runs", "Wait until it has ended")
        elif app.health != "Healthy" or app.sync != "Synced":
            words = f"{app.sync}, {app.health}" + (f": {app.health_message}" if app.health_message else "")
            yield Check(
                "argocd",
                name,
                Verdict.FAIL,
                clean(words),
                f"labtui diff {name} shows what differs; make it Synced first",
            )
        else:
            yield Check("argocd", name, Verdict.OK, "Synced, Healthy, may sync now")


def excludes_slices(exclusions: object) -> bool:
    """Does `resource.exclusions` of argocd-cm keep EndpointSlices from Argo CD? (argo-cd, declarative setup: globs)"""
    for rule in exclusions if isinstance(exclusions, list) else ():
        if not isinstance(rule, Mapping):
            continue
        groups, kinds, clusters = (_globs(rule.get(key)) for key in ("apiGroups", "kinds", "clusters"))
        hits = any(fnmatchcase("discovery.k8s.io", g) for g in groups) and any(
            fnmatchcase("EndpointSlice", k) for k in kinds
        )
        if hits and any(fnmatchcase(IN_CLUSTER, c) for c in clusters):
            return True
    return False


def _globs(value: object) -> tuple[str, ...]:
    """No patterns at all mean everything."""
    found = tuple(str(v) for v in value) if isinstance(value, list) else ()
    return found or ("*",)
