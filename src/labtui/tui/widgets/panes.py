"""The panes of an estate: one for each source, and the one of what labtui itself does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labtui.core.executor import Ended, Running
from labtui.core.inventory import Delta
from labtui.core.lab import Lab
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources import Application, Resource
from labtui.domain.states import FeedState
from labtui.tui import activity
from labtui.tui.cells import Row
from labtui.tui.panes import PANES, PaneSpec
from labtui.tui.widgets.pane import Pane

ORDER = (SourceKind.ARGOCD, SourceKind.KUBERNETES, SourceKind.DOCKER, SourceKind.VAULT)


class SourcePane(Pane):
    """The resources of one source, as a `PaneSpec` shows them."""

    def __init__(
        self, number: int, lab: Lab, source: SourceId, spec: PaneSpec[Any], *, column: int, alone: bool
    ) -> None:
        """`alone`: there is no other source of its kind, so its kind says enough."""
        title = spec.title if alone else f"{spec.title} · {source.scope}"
        short = source.label
        super().__init__(
            number,
            title,
            short,
            spec.columns,
            lab.clock,
            nothing=spec.empty,
            noun=spec.noun,
            column=column,
            sign_in=source in lab.logins,
        )
        self.lab = lab
        self.spec = spec
        self.source: SourceId = source

    def belongs(self, ref: Ref) -> bool:
        """Is this one of its things?"""
        return ref.source == self.source and ref.kind in self.spec.kinds

    def take(self, delta: Delta) -> None:
        """Rows first, then the state, so that a source is never live before its rows are there."""
        was_live = self.status is not None and self.status.state is FeedState.LIVE
        mine = [resource for resource in delta.changed if self.belongs(resource.ref)]
        changed = [resource for resource in mine if self.spec.shows(resource)]
        removed = [ref for ref in delta.removed if self.belongs(ref)]
        removed += [resource.ref for resource in mine if not self.spec.shows(resource)]
        if (changed or removed) and was_live:
            self.put(self._rows(changed), removed)
        elif changed or removed:  # a first list, or the one after a reconnect, is no news
            self.put(self._rows(self.resources()), whole=True)
        if self.source in delta.sources:
            self.show_status(self.lab.inventory.status(self.source))

    def resources(self) -> list[Resource]:
        """What it shows, as it is known."""
        return [r for r in self.lab.inventory.of(self.source, self.spec.kinds) if self.spec.shows(r)]

    def tick(self) -> None:
        """Ages in view."""
        refs = self.in_view
        self.apply(self._rows(r for ref in refs if (r := self.lab.inventory.get(ref)) is not None))

    def _rows(self, resources: Iterable[Resource]) -> list[Row]:
        now = self.lab.clock.now()
        return [self.spec.to_row(resource, now) for resource in resources]


class ActivityPane(Pane):
    """What labtui does and did, and what remains to be done."""

    def __init__(self, number: int, lab: Lab, *, column: int) -> None:
        super().__init__(
            number, "Activity", "activity", activity.COLUMNS, lab.clock, nothing=activity.EMPTY, column=column
        )
        self.lab = lab

    def take(self, delta: Delta) -> None:
        """A rollback was noted on an application, or made to last."""
        if any(isinstance(resource, Application) for resource in delta.changed) or any(
            ref.kind == "Application" for ref in delta.removed
        ):
            self.refill()

    def refill(self) -> None:
        """Look at everything anew."""
        rows = activity.activity_rows(self.lab.executor, self.lab.inventory.applications(), self.lab.clock.now())
        kept = {row.ref for row in rows}
        gone = [row.ref for row in self.rows if row.ref not in kept]
        if rows or gone:
            self.put(rows, gone)

    def tick(self) -> None:
        """Ages."""
        if self.row_count:
            self.refill()

    def resource_ref(self, ref: Ref) -> Ref:
        """The application that was operated on."""
        if ref.kind == activity.UNFINISHED:
            return Ref(ref.source, "Application", ref.namespace, ref.name)
        operations: tuple[Running | Ended, ...] = (*self.lab.executor.running(), *self.lab.executor.ended())
        for operation in operations:
            if ref.kind == activity.OPERATION and operation.id == ref.namespace:
                return operation.plan.target
        return ref


def make_panes(lab: Lab) -> list[Pane]:
    """Numbered from 1: Argo CD, Kubernetes, the Docker sites, Vault, Activity. Docker and Activity stand on the right."""
    sources = sorted(lab.sources, key=lambda source: ORDER.index(source.kind))
    kinds = [source.kind for source in sources]
    panes: list[Pane] = []
    for number, source in enumerate(sources, 1):
        column = 1 if source.kind is SourceKind.DOCKER else 0
        alone = kinds.count(source.kind) == 1 and source.kind is not SourceKind.DOCKER
        panes.append(SourcePane(number, lab, source, PANES[source.kind], column=column, alone=alone))
    panes.append(ActivityPane(len(panes) + 1, lab, column=1))
    return panes
