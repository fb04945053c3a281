"""Changes of a stack without Argo CD: the chart rendered here, and applied with field manager `labtui`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from labtui.core.migration.action import ACCEPTED, Data, Look, Report, Seen
from labtui.core.migration.gitops.deliver import Change, back_of, elsewhere
from labtui.core.migration.gitops.values import Stand
from labtui.core.operations.watching import Pace
from labtui.domain.errors import MustUndo, OutcomeUnknown, Refused
from labtui.domain.text import clean
from labtui.ports import ChartRenderer
from labtui.ports.stacks import Objects

Json = Mapping[str, Any]
STAND = "labtui.dev/stand"  # annotation of the namespace: which values its objects were rendered from
KEEPS = "PersistentVolumeClaim"  # once made never deleted: as the chart does it under Argo CD
_FIRST = ("ServiceAccount", "ConfigMap", "ExternalSecret", "PersistentVolumeClaim", "NetworkPolicy")
_HOOK = "argocd.argoproj.io/hook"


@dataclass(frozen=True, slots=True)
class ApplyDelivery:
    """The same rendered objects, by server-side apply. What is asked for stands on the namespace, as an annotation."""

    stack: str
    namespace: str
    values: Mapping[str, Any]
    chart: ChartRenderer
    objects: Objects
    pace: Pace = field(default_factory=lambda: Pace(limit=120.0))

    def stand(self) -> Stand | None:
        """See `Delivery`."""
        space = self.objects.find("Namespace", "", self.namespace)
        noted = ((space or {}).get("metadata") or {}).get("annotations") or {}
        return Stand.noted(str(noted.get(STAND, "")))

    def look(self, change: Change, earlier: Data) -> Look:
        """See `Delivery`: the note on the namespace, and whether the objects are as they were applied."""
        stand = self.stand()
        if change.first:
            return Look(Seen.DONE if stand else Seen.NOT_DONE, f"applied: {stand or 'nothing'}", earlier)
        if stand is None or stand == change.before:
            if stand is not None and (changed := self._meddled(stand, earlier)).seen is Seen.CHANGED:
                return changed
            return Look(Seen.NOT_DONE, f"applied: {stand or 'nothing'}", earlier)
        if stand == change.after:
            other = [_shown(found) for found in self._changed(stand)]
            words = f"applied: {stand}" + (f", but {', '.join(other[:4])} is not so" if other else "")
            return Look(Seen.NOT_DONE if other else Seen.DONE, words, earlier)
        if stand.number > change.after.number:
            return Look(Seen.DONE, f"applied already: {stand}", earlier)
        words = f"applied is “{stand}”; expected was “{change.before}”"
        return elsewhere(change, stand, words, stand.note, earlier, earlier)

    def _meddled(self, stand: Stand, earlier: Data) -> Look:
        """Whether objects of the stand are as they were applied; accepted: what labtui applies takes the place of the change."""
        other = self._changed(stand)
        if not other:
            return Look(Seen.NOT_DONE)
        live = {f"{kind} {name}": _bare(self.objects.find(kind, self.namespace, name) or {}) for kind, name in other}
        change = hashlib.sha256(json.dumps(live, sort_keys=True, default=str).encode()).hexdigest()
        data = {name: value for name, value in earlier.items() if name != ACCEPTED}
        words = f"somebody changed {', '.join(_shown(found) for found in list(other)[:4])}"
        if theirs := [found for found, whose in other.items() if whose]:
            why = f"{', '.join(_shown(found) for found in theirs[:4])}: another field manager owns what labtui would apply"
            return Look(Seen.CHANGED, words, data, change, firm=why)
        accept = "labtui applies its own objects over that"
        return Look(Seen.CHANGED, words, data, change, accept=accept).answered(earlier, Seen.NOT_DONE)

    def restore(self, change: Change, report: Report) -> None:
        """See `Delivery`: its objects once more, so that the traffic moves from a place that is known."""
        if self.stand() == change.before:
            self._turn(None, change.before, report)

    def do(self, change: Change, earlier: Data, report: Report) -> Data:
        """See `Delivery`."""
        old = (Stand.noted(str(earlier.get("from", ""))) or change.before) if not change.first else None
        self._turn(old, change.after, report)
        return {"stand": change.after.note, **({"from": earlier["from"]} if earlier.get("from") else {})}

    def undo(self, change: Change, data: Data, report: Report) -> None:
        """See `Delivery`."""
        stand, back = self.stand(), back_of(change, data)
        further_back = stand is not None and stand.number <= back.number and stand != change.after
        # the note is the first thing that is taken back: what it says may not be so yet
        if stand is None or (
            not change.first and further_back and not (stand == back and self._half_back(change, back))
        ):
            report("nothing of it is applied")
            return
        self._turn(change.after, None if change.first else back, report, onward=False)

    def _half_back(self, change: Change, back: Stand) -> bool:
        names = {_key(obj) for obj in self.render(back)}
        gone = (_key(obj) for obj in self.render(change.after) if _key(obj) not in names)
        left = any(kind != KEEPS and self.objects.find(kind, self.namespace, name) for kind, name in gone)
        return left or bool(self._changed(back))

    def _turn(self, old: Stand | None, new: Stand | None, report: Report, *, onward: bool = True) -> None:
        """From one stand to the next: first what is added, then what goes. Every part may be repeated. On the way back (not
        `onward`) nothing waits for Secrets, which may be what is wrong."""
        wanted = self.render(new) if new is not None else ()
        if new is not None:
            self._space(new)
        for rank, group in groupby(sorted(wanted, key=_order), key=_rank):
            for obj in group:
                self._apply(obj)
            if rank == 0 and onward:
                self._await_secrets(wanted, report)
        names = {_key(obj) for obj in wanted}
        for obj in reversed(sorted(self.render(old) if old is not None else (), key=_order)):
            kind, name = _key(obj)
            if (kind, name) not in names and kind != KEEPS:
                self.objects.delete(kind, self.namespace, name)
                report(f"deleted {kind} {clean(name, 80)}")
        if new is None:
            self._space(None)
        report(f"applied with field manager labtui: {new or 'nothing is left'}")

    def render(self, stand: Stand) -> tuple[Json, ...]:
        """The objects of a stand; hooks are Argo CD's."""
        values = {**self.values, "workload": stand.workload, "traffic": stand.traffic}
        found = self.chart.render(values, self.stack, self.namespace)
        hooks = [o for o in found if _HOOK in ((o.get("metadata") or {}).get("annotations") or {})]
        if hooks:
            words = "generateSecrets needs Argo CD, or helm, to run before everything else"
            raise Refused(
                f"{clean(self.stack)} has hooks", words, "Set generateSecrets.enabled to false; write the secrets first"
            )
        return tuple(found)

    def _apply(self, obj: Json) -> None:
        try:
            self.objects.apply(obj)
        except OutcomeUnknown:  # a server-side apply of the same object is the same again: look, then repeat once
            if not self._as_applied(obj):
                self.objects.apply(obj)

    def _await_secrets(self, wanted: Sequence[Json], report: Report) -> None:
        """Wait until External Secrets has made the Secrets: pods that lack one would only fail. Raises MustUndo."""
        names = [name for kind, name in map(_key, wanted) if kind == "ExternalSecret"]
        end, told = self.pace.monotonic() + self.pace.limit, ""
        while waiting := [words for name in names if (words := self._secret_missing(name))]:
            if waiting[0] != told:
                told = waiting[0]
                report(f"waiting: {told}")
            if self.pace.monotonic() > end:
                hint = "Is the External Secrets operator running, and may it read this path of Vault?"
                raise MustUndo("The cluster's Secrets were not made", "; ".join(waiting[:4]), hint)
            self.pace.wait(self.pace.every)

    def _secret_missing(self, name: str) -> str:
        found = self.objects.find("ExternalSecret", self.namespace, name) or {}
        conditions = (found.get("status") or {}).get("conditions") or ()
        ready: Json = next((c for c in conditions if c.get("type") == "Ready"), {})
        if ready.get("status") == "True":
            return ""
        said = clean(str(ready.get("message") or ""), 200)
        return f"ExternalSecret {clean(name, 80)} is not ready" + (f": {said}" if said else "")

    def _space(self, stand: Stand | None) -> None:
        notes = {} if stand is None else {"annotations": {STAND: stand.note}}
        self.objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, **notes}})

    def _changed(self, stand: Stand) -> dict[tuple[str, str], bool]:
        """Objects that are not as they were rendered, each with whether another field manager has taken something over."""
        found = {_key(obj): self._as_applied(obj) for obj in self.render(stand)}
        return {key: same is None for key, same in found.items() if not same}

    def _as_applied(self, obj: Json) -> bool | None:
        """Would applying it change nothing? The API server itself says so, with its own notion of equal values.

        None: it would not be applied at all, because another field manager has taken something over.
        """
        kind, name = _key(obj)
        live = self.objects.find(kind, self.namespace, name)
        if live is None:
            return False
        try:
            return _bare(self.objects.apply(obj, dry_run=True)) == _bare(live)
        except Refused:
            return None


def _bare(obj: Json) -> dict[str, Any]:
    """An object without what the server keeps for itself."""
    found = {key: value for key, value in obj.items() if key != "status"}
    own = ("managedFields", "resourceVersion", "generation")
    found["metadata"] = {k: v for k, v in (obj.get("metadata") or {}).items() if k not in own}
    return found


def _key(obj: Json) -> tuple[str, str]:
    return str(obj.get("kind")), str((obj.get("metadata") or {}).get("name"))


def _rank(obj: Json) -> int:
    """What pods need before the pods; what leads to something last."""
    kind, _ = _key(obj)
    return 0 if kind in _FIRST else 2 if kind == "Ingress" else 1


def _order(obj: Json) -> tuple[int, str, str]:
    return _rank(obj), *_key(obj)


def _shown(key: tuple[str, str]) -> str:
    return f"{key[0]} {clean(key[1], 80)}"
