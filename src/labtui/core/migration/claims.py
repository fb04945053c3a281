"""Is a stack's place in the cluster its own? What others have there would be taken over, and an undo would take it away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labtui.core.migration.agreement import Agreement
from labtui.core.migration.gitops.oldroute import application_of
from labtui.core.migration.service import Listing
from labtui.core.stackplan import namespace_of
from labtui.domain.checks import Check, Verdict
from labtui.domain.errors import Denied
from labtui.domain.migration.journal import About, Entry, Mark, last_entries, touched
from labtui.domain.migration.steps import ORDER, StepName
from labtui.domain.text import clean
from labtui.ports.stacks import Objects

_HELM = "meta.helm.sh/release-name"  # on what helm itself has installed, and never on what Argo CD renders with it
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def judge_namesakes(known: Listing, about: About, release: str) -> Check:
    """Does another stack move to the same place? Two of one name on two sites do. Raises what kept the list from being whole."""
    if known.problem is not None:
        raise known.problem
    for record in known.records:
        other = record.about
        same = (other.site, other.stack) == (about.site, about.stack)
        if not same and namespace_of(other.stack) == release and _claims(record.entries):
            words = f"{other.site}/{other.stack} moves to {release}, too ({other.id}: {record.words})"
            advice = f"Give one of them another name, or bring that one back first: labtui migration undo {other.id}"
            return Check("cluster", "its own place", Verdict.FAIL, clean(words, 400), advice)
    return Check("cluster", "its own place", Verdict.OK, f"no other stack moves to {release}")


def _claims(entries: tuple[Entry, ...]) -> bool:
    """Has it come past the checks of its preflight, or is it there now, and was not taken back since?"""
    last, first = last_entries(entries), ORDER.index(StepName.PREFLIGHT)
    return any(
        ORDER.index(key.step) > first or (key.step is StepName.PREFLIGHT and last[key].mark is not Mark.FAILED)
        for key in touched(entries)
    )


def judge_objects(objects: Objects, agreed: Agreement) -> Check:
    """Is something there already, under the names that the stack brings, that is not the stack's own?"""
    try:
        foreign = list(_foreign(objects, agreed))
    except Denied as error:
        words = f"what is in {agreed.namespace} cannot be listed: {error.cause}"
        advice = "See that nothing of these names is there: an undo would take it away"
        return Check("cluster", "names", Verdict.WARN, clean(words), advice)
    if foreign:
        words = f"{agreed.namespace} has {', '.join(foreign[:5])} already, which is not labtui's"
        advice = "Delete it, or bring it into git, first: it would be taken over, and an undo would take it away"
        return Check("cluster", "names", Verdict.FAIL, clean(words, 400), advice)
    return Check("cluster", "names", Verdict.OK, f"nothing of others is in the way in {agreed.namespace}")


def _foreign(objects: Objects, agreed: Agreement) -> Iterator[str]:
    components: Mapping[str, Any] = agreed.values.get("components") or {}
    services = set(components)
    for component in components.values():
        services |= {str(alias) for alias in (component.get("service") or {}).get("aliases") or ()}
    mine = {agreed.release, *((agreed.old.name,) if agreed.old is not None else ())}
    for kind, names in (("Service", services), *((kind, set(components)) for kind in _WORKLOADS)):
        for obj in objects.all(kind, agreed.namespace):
            if str((obj.get("metadata") or {}).get("name")) in names and not _own(obj, mine):
                yield _shown(kind, obj)
    for obj in objects.all("Ingress", agreed.namespace) if agreed.host else ():
        rules = (obj.get("spec") or {}).get("rules") or ()
        if any(rule.get("host") == agreed.host for rule in rules) and not _own(obj, mine):
            yield _shown("Ingress", obj)


def _own(obj: Mapping[str, Any], mine: set[str]) -> bool:
    notes = (obj.get("metadata") or {}).get("annotations") or {}
    return application_of(obj) in mine and _HELM not in notes


def _shown(kind: str, obj: Mapping[str, Any]) -> str:
    owner = application_of(obj)
    name = clean(str((obj.get("metadata") or {}).get("name")), 80)
    return f"{kind} {name}" + (f" of {clean(owner, 60)}" if owner else "")
