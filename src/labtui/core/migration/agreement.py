"""What a migration was agreed on when it began: it stays in the journal, so that going on or back asks no site for it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.gitops.oldroute import OldRoute
from labtui.domain.conversion.findings import PlannedSecret, PlannedVolume, StackPlan
from labtui.domain.errors import Invalid, Refused
from labtui.domain.migration.journal import Entry
from labtui.domain.migration.steps import StepName
from labtui.domain.plain import plain
from labtui.domain.records import from_plain, to_plain
from labtui.domain.ref import Ref, SourceId
from labtui.domain.text import clean

_PACKED = 24 * 1024  # bytes of JSON from which the values are kept compressed: one line of a journal takes 64 KiB
_LARGEST = 56 * 1024
_UNPACKED = 4 * 1024 * 1024
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class AppName:
    """An Argo CD application."""

    namespace: str
    name: str

    def ref(self, source: SourceId) -> Ref:
        """Its identity at a server."""
        return Ref(source, "Application", self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A stack's move. `values` are the app chart's and hold no secret value, `secrets` have none either. `release` is the
    application's name; `application`, `parent` and `old` are None in an estate without Argo CD, or where there is none.
    `answers` are those that were given for this migration alone."""

    release: str
    namespace: str
    values: Mapping[str, Any] = field(repr=False)
    volumes: tuple[PlannedVolume, ...] = ()
    secrets: tuple[PlannedSecret, ...] = ()
    interruption: str = ""
    application: AppName | None = None
    parent: AppName | None = None
    old: AppName | None = None
    route: OldRoute | None = None  # of `old`, which is taken over
    answers: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Short; another one when anything that is deployed changes."""
        text = json.dumps([self.release, self.namespace, plain(self.values)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def host(self) -> str:
        """The host name that users type; empty: the stack has no Ingress."""
        ingress = self.values.get("ingress") or {}
        return "" if ingress.get("enabled") is False else str(ingress.get("host") or "")

    def to_data(self) -> dict[str, Any]:
        """For the journal. Raises Refused for values that are too large for it."""
        found: dict[str, Any] = {
            "release": self.release,
            "namespace": self.namespace,
            "volumes": to_plain(self.volumes),
            "secrets": to_plain(tuple(replace(secret, value=None) for secret in self.secrets)),
            "interruption": self.interruption,
            **{key: to_plain(name) for key in ("application", "parent", "old") if (name := getattr(self, key))},
        }
        if self.answers:
            found["answers"] = list(self.answers)
        if self.route is not None:
            found["route"] = self.route.to_data()
        text = json.dumps(plain(self.values))
        if len(text) <= _PACKED:
            found["values"] = plain(self.values)
        else:
            found["packed"] = base64.b85encode(zlib.compress(text.encode(), 9)).decode("ascii")
        if (size := len(json.dumps(found))) > _LARGEST:
            words = (
                f"its values, with the configuration files in them, are {size:,} bytes even when they are compressed"
            )
            raise Refused(
                f"{self.release} is too large for a migration's journal", words, "Keep large files in volumes"
            )
        return found

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Agreement:
        """From the journal. Raises Invalid when it is not what `to_data` made."""
        try:
            values = data["values"] if "values" in data else json.loads(_unpacked(str(data["packed"])))
            route = data.get("route")
            return cls(
                release=_label(data["release"]),
                namespace=_label(data["namespace"]),
                values=_components(values),
                volumes=tuple(from_plain(PlannedVolume, raw) for raw in data["volumes"]),
                secrets=tuple(from_plain(PlannedSecret, raw) for raw in data["secrets"]),
                interruption=str(data.get("interruption", "")),
                route=OldRoute.from_data(route) if route else None,
                answers=tuple(str(answer) for answer in data.get("answers") or ()),
                **{key: from_plain(AppName, data[key]) for key in ("application", "parent", "old") if data.get(key)},
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, zlib.error) as error:
            raise Invalid("The journal does not say what the migration was agreed on", str(error)) from error


def _label(text: object) -> str:
    """A name of Kubernetes, which becomes the name of a file in git too: what comes from the cluster may be anything."""
    if not isinstance(text, str) or not _LABEL.fullmatch(text):
        raise ValueError(f"{clean(str(text), 80)!r} is no name")
    return text


def _components(values: Any) -> Mapping[str, Any]:
    """Values of a form that can be read: mappings where there have to be some."""
    components = values.get("components") or {}
    parts = [values.get("ingress") or {}, values.get("docker") or {}, components, *components.values()]
    if not all(isinstance(part, Mapping) for part in parts):
        raise ValueError("its values are not those of the app chart")
    found: Mapping[str, Any] = values
    return found


def _unpacked(text: str) -> bytes:
    """Bounded: what comes from the cluster may be made to grow."""
    stream = zlib.decompressobj()
    found = stream.decompress(base64.b85decode(text), _UNPACKED)
    if stream.unconsumed_tail:
        raise ValueError("its values are too large")
    return found


def agreement_of(entries: Sequence[Entry]) -> Agreement | None:
    """What the journal says was agreed on; None before that. Raises Invalid for a damaged record."""
    for entry in reversed(entries):
        if entry.step is StepName.PLAN and "plan" in entry.data:
            return Agreement.from_data(entry.data["plan"])
    return None


def demand_ready(plan: StackPlan) -> None:
    """Raise Refused while a key of the stack is refused or not answered."""
    place = f"{plan.site}/{plan.stack}"
    if plan.verdict == "refused":
        refused = [f for f in plan.findings if f.verdict.value == "refused"]
        words = "; ".join(
            f"{f.service}.{f.key}: {f.detail}" if f.service else f"{f.key}: {f.detail}" for f in refused[:4]
        )
        more = f"; and {len(refused) - 4} more" if len(refused) > 4 else ""
        raise Refused(f"{place} cannot move to Kubernetes", f"{words}{more}", f"labtui plan {place} shows every key")
    if plan.verdict != "ready":
        names = ", ".join(f"{f.service}.{f.key}" if f.service else f.key for f in plan.findings if not f.settled)
        hint = (
            f"labtui plan {place} shows the questions; --set SERVICE.KEY=ANSWER answers one, there with --save to keep the"
            f" answer in git, or in labtui migrate {place} for this migration alone"
        )
        raise Refused(f"{place} has questions that are not answered", names, hint)


class Agree:
    """The step PLAN: what the operator confirmed goes into the journal, whole. `core.migration.action.Action`."""

    step = StepName.PLAN
    name = "agree"
    title = "note what was planned and confirmed"
    lasting = ""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement

    def look(self, earlier: Data) -> Look:
        """Done is what the journal has."""
        agreed = self._agreement
        words = f"{len(agreed.values.get('components') or {})} components, {len(agreed.secrets)} secrets"
        if earlier.get("agreed"):
            return Look(Seen.DONE, words, earlier)
        return Look(Seen.NOT_DONE, words, {"plan": agreed.to_data()})

    def do(self, earlier: Data, report: Report) -> Data:
        """See `Action`."""
        return {**earlier, "plan": self._agreement.to_data(), "agreed": self._agreement.digest}

    def undo(self, data: Data, report: Report) -> None:
        """Nothing was changed."""
