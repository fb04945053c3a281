"""Which actions a migration has: put together from what was agreed on and from what the estate offers."""

from __future__ import annotations

import logging
import posixpath
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from labtui.core.lab import Lab
from labtui.core.migration.action import Action
from labtui.core.migration.agreement import Agreement, AppName, agreement_of, demand_ready
from labtui.core.migration.fencing import Fence, fenced_tools
from labtui.core.migration.gitops.oldroute import find_route, taken_over
from labtui.core.migration.gitops.values import Layout
from labtui.core.migration.probing import Running
from labtui.core.migration.script import Script
from labtui.core.migration.service import Listing
from labtui.core.migration.watching import Observation
from labtui.core.stackplan import PlannedStack, namespace_of
from labtui.core.stacks import MigrationTools
from labtui.domain.errors import Refused
from labtui.domain.migration.journal import About, Entry
from labtui.domain.resources.argocd import Application

log = logging.getLogger(__name__)

ARGOCD_NAMESPACE = "argocd"


class Assembly:
    """`core.migration.service.ActionsFor` of an opened estate."""

    def __init__(
        self,
        lab: Lab,
        tools: MigrationTools,
        observe: Callable[[Observation], None],
        known: Callable[[], Listing] = lambda: Listing(()),
    ) -> None:
        """`observe` is told what both sides answer and use, from any thread; `known` answers all migrations of the estate."""
        self._lab, self._tools, self._observe, self._known = lab, tools, observe, known
        self._lock = threading.Lock()
        self._running: dict[str, list[Running]] = {}

    def actions(self, about: About, entries: Sequence[Entry], fence: Fence) -> tuple[Action, ...]:
        """All actions of a migration, in their order; they change things behind `fence` alone.

        A new one is planned now, which asks the site and the cluster; a later run takes what was agreed on from the journal.
        Raises Refused for a stack that cannot move, and what the ports raise.
        """
        agreed = agreement_of(entries)
        planned: PlannedStack | None = None
        if agreed is None:
            planned = self._lab.planning().plan(about.site, about.stack, about.answers)
            demand_ready(planned.plan)
            agreed = replace(self._agree(planned), answers=about.answers)
        tools = fenced_tools(self._tools, fence)
        known = self._known
        return Script(
            self._lab, tools, fence, about, agreed, planned, self._observe, self._keep, entries, known
        ).actions()

    def ended(self, about: About) -> None:
        """A run of this migration is over: nothing is sent any more."""
        with self._lock:
            found = self._running.pop(about.id, [])
        for running in found:
            running.close()

    def _keep(self, about: About, running: Running) -> None:
        with self._lock:
            self._running.setdefault(about.id, []).append(running)

    # What is agreed on

    def _agree(self, planned: PlannedStack) -> Agreement:
        plan, release = planned.plan, namespace_of(planned.stack.name)
        agreed = Agreement(release, release, plan.values, plan.volumes, plan.secrets, plan.interruption)
        argocd = self._lab.applications
        if argocd is None:
            return agreed
        if self._tools.history is None:
            words = "it has an Argo CD server, which deploys what is in git"
            raise Refused("The estate file names no GitOps repository", words, "Name it (gitops.repository)")
        applications = argocd.all()
        parent = self._parent(applications)
        place = parent.ref.namespace if parent else ARGOCD_NAMESPACE
        agreed = replace(
            agreed,
            application=AppName(place, release),
            parent=AppName(place, parent.ref.name) if parent else None,
        )
        route = find_route(self._tools.objects, agreed.host, release) if agreed.host else None
        if route is None:
            return agreed
        old = next((a for a in applications if a.ref.name == route.application), None)
        return replace(
            agreed,
            namespace=route.namespace,
            values=taken_over(plan.values, route),
            route=route,
            old=AppName(old.ref.namespace if old else place, route.application),
        )

    def _parent(self, applications: Sequence[Application]) -> Application | None:
        """The application that renders the list of applications; None where somebody else makes them."""
        layout = Layout(self._lab.manifests, self._tools.environment)
        folder = posixpath.dirname(posixpath.dirname(layout.list))
        found = [a for a in applications if a.sources and a.sources[0].path.strip("/") == folder]
        named = [a for a in found if any(f"{layout.environment}.yaml" in f for f in a.sources[0].value_files)]
        found = named or found
        if len(found) > 1:
            names = ", ".join(sorted(a.ref.name for a in found))
            raise Refused(
                f"Several applications deploy {folder}", names, "Which one deploys this environment is not clear"
            )
        return found[0] if found else None
