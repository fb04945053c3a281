"""Asks Vault and the cluster for the secrets of a stack, and compares them with Compose's. Values stay in this module."""

from __future__ import annotations

from dataclasses import dataclass

from labtui.core.lab import Lab
from labtui.core.stackplan import namespace_of
from labtui.domain.errors import NotFound, Refused
from labtui.domain.ref import Ref, SourceKind
from labtui.domain.secretsdiff import Places, SecretLine, compare, secret_names


@dataclass(frozen=True, slots=True)
class SecretsDiff:
    """How the secrets of a stack compare. `unasked` names the places that this estate does not have."""

    site: str
    stack: str
    namespace: str
    lines: tuple[SecretLine, ...]
    unasked: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        """Every place that was asked has every key with the same value."""
        return all(line.status == "same" for line in self.lines)


def secrets_diff(lab: Lab, name: str) -> SecretsDiff:
    """Compare the secrets of `SITE/STACK`. Raises Refused when the estate has neither Vault nor a cluster to compare with."""
    planner = lab.planning()
    site, stack = planner.find(name)
    planned = planner.plan(site, stack)
    plan, namespace = planned.plan, namespace_of(stack)
    if lab.secrets is None and lab.cluster_secrets is None:
        advice = "Name Vault (vault.address) or the cluster in the estate file"
        raise Refused("There is nothing to compare the secrets with", "", advice)
    names = secret_names(plan.values)
    paths = {s.path for s in plan.secrets} | {path for path, _ in names}
    places = Places(
        None if lab.secrets is None else {path: _vault(lab, path) for path in sorted(paths)},
        None if lab.cluster_secrets is None else {n: _cluster(lab, namespace, n) for n in _secrets(names)},
    )
    unasked = (*(("vault",) if lab.secrets is None else ()), *(("cluster",) if lab.cluster_secrets is None else ()))
    return SecretsDiff(site, stack, namespace, compare(plan.secrets, plan.values, places), unasked)


def _secrets(names: dict[tuple[str, str], tuple[tuple[str, str], ...]]) -> list[str]:
    return sorted({name for filled in names.values() for name, _ in filled})


def _vault(lab: Lab, path: str) -> dict[str, str]:
    source = next(s for s in lab.sources if s.kind is SourceKind.VAULT)
    assert lab.secrets is not None  # the caller has looked
    try:
        return dict(lab.secrets.reveal(Ref(source, "Secret", lab.vault_mount, path)))
    except NotFound:
        return {}


def _cluster(lab: Lab, namespace: str, name: str) -> dict[str, bytes]:
    assert lab.cluster_secrets is not None  # the caller has looked
    try:
        return dict(lab.cluster_secrets.read(namespace, name))
    except NotFound:
        return {}
