"""The panes of an estate: one for each source, and the one of what labtui itself does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from labtui.core.executor import Ended, Running
from labtui.core.inventory import Delta
from labtui.core.lab import Lab
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources import Application, Migration, Resource
from labtui.domain.resources.migration import KIND
from labtui.domain.states import FeedState, Level
from labtui.domain.text import clean
from labtui.tui import activity
from labtui.tui.cells import Row
from labtui.tui.migration.board import Reading
from labtui.tui.panes import PANES, PaneSpec, migrations
from labtui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from labtui.tui.app import LabApp
    from labtui.tui.migration.board import MigrationBoard

LATEST = 3.0  # seconds after the start that the journals are read, also while a source has not answered
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


class MigrationsPane(Pane):
    """Migrations, from the journals of this machine and from the cluster. Read when all else is there, and when asked."""

    def __init__(self, number: int, lab: Lab, *, column: int) -> None:
        super().__init__(
            number, "Migrations", "moves", migrations.COLUMNS, lab.clock, nothing=migrations.EMPTY, column=column
        )
        self.lab = lab

    @property
    def board(self) -> MigrationBoard:
        """What is known of migrations."""
        return cast("LabApp", self.app).board

    def on_mount(self) -> None:
        """The journals are read after all else, but in any case."""
        self.set_empty(self.words())
        self.set_timer(LATEST, self.board.ask_once)

    def take(self, delta: Delta) -> None:
        """Migrations have changed; or every source has answered, so that the journals may be read."""
        changed = [resource for resource in delta.changed if isinstance(resource, Migration)]
        removed = [ref for ref in delta.removed if ref.kind == KIND]
        if changed or removed:
            now = self.lab.clock.now()
            self.put([migrations.to_row(found, now) for found in changed], removed)
        if delta.sources:
            statuses = [self.lab.inventory.status(source) for source in self.lab.sources]
            if all(status is not None and status.state is not FeedState.CONNECTING for status in statuses):
                self.board.ask_once()

    def belongs(self, ref: Ref) -> bool:
        """Is this a migration?"""
        return ref.kind == KIND

    def resources(self) -> list[Resource]:
        """What it shows."""
        found = (self.lab.inventory.get(row.ref) for row in self.rows)
        return [resource for resource in found if resource is not None]

    def read_anew(self) -> None:
        """How well they are known may have changed, too."""
        self.set_empty(self.words())
        self.reframe()

    def tick(self) -> None:
        """Ages in view."""
        now = self.lab.clock.now()
        found = [self.lab.inventory.get(ref) for ref in self.in_view]
        self.apply([migrations.to_row(each, now) for each in found if isinstance(each, Migration)])

    @property
    def known(self) -> bool:
        """Do the rows say what is?"""
        return self.row_count > 0 or (self.board.reading is Reading.KNOWN and not self.board.problem)

    def words(self) -> str:
        """Why there are no rows."""
        board = self.board
        if board.problem:
            return f"? Not known: the cluster could not be asked for its copies of the journals.\n{board.problem}\n" + (
                f"{self.key_of('argocd.refresh')} asks again."
            )
        return migrations.EMPTY if board.reading is Reading.KNOWN else "◌ reading the journals …"

    def frame_title(self) -> str:
        """How many run."""
        running = sum(1 for row in self.rows if row.level is Level.MOVING)
        return super().frame_title() + (f" · {running} running" if running else "")

    def frame_note(self) -> str:
        """What may be missing."""
        board = self.board
        if board.problem and self.row_count:
            return f"? those in the cluster may be missing: {clean(board.problem, 120)}"
        if board.damaged:
            return f"▲ journals that cannot be read: {len(board.damaged)}; labtui migration list says why"
        return ""


def make_panes(lab: Lab) -> list[Pane]:
    """Numbered from 1: Argo CD, Kubernetes, the Docker sites, Vault, Migrations where there is a cluster to migrate to,
    Activity. Docker, Migrations and Activity stand on the right."""
    sources = sorted(lab.sources, key=lambda source: ORDER.index(source.kind))
    kinds = [source.kind for source in sources]
    panes: list[Pane] = []
    for number, source in enumerate(sources, 1):
        column = 1 if source.kind is SourceKind.DOCKER else 0
        alone = kinds.count(source.kind) == 1 and source.kind is not SourceKind.DOCKER
        panes.append(SourcePane(number, lab, source, PANES[source.kind], column=column, alone=alone))
    if lab.make_migrations is not None:
        panes.append(MigrationsPane(len(panes) + 1, lab, column=1))
    panes.append(ActivityPane(len(panes) + 1, lab, column=1))
    return panes
