"""A source that the estate names and that cannot even be tried: shown as down with the reason, never left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Event

from labtui.domain.checks import Check, Verdict
from labtui.domain.errors import Invalid
from labtui.domain.ref import SourceId, SourceKind
from labtui.ports import Emit

_KINDS = {"argocd": SourceKind.ARGOCD, "vault": SourceKind.VAULT}


@dataclass(frozen=True)
class UnusableSource:
    """Implements `ports.Feed`. The settings are read at the start, so that only a new start can help."""

    source: SourceId
    why: Check

    def follow(self, emit: Emit, stop: Event) -> None:
        """Raises Invalid."""
        remedy = f"{self.why.remedy or 'Correct them'}. Then start labtui again"
        raise Invalid(f"The settings of {self.why.subject} cannot be used", self.why.detail, remedy)

    def close(self) -> None:
        """There is nothing to free."""


def unusable(problems: Iterable[Check], usable: Iterable[str]) -> Iterator[UnusableSource]:
    """A feed for every source with settings that failed, unless it is among the `usable` ones (by label)."""
    known = {"estate", *usable}
    for check in problems:
        if check.verdict is Verdict.FAIL and check.subject not in known:
            known.add(check.subject)
            kind = _KINDS.get(check.subject, SourceKind.DOCKER)
            yield UnusableSource(SourceId(kind, check.subject), check)
