"""From a key to an action: what every screen with a chosen resource shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from labtui.core.actions import ACTIONS, BY_ID, Action, meant, offered
from labtui.domain.ref import SourceId
from labtui.domain.resources import Application, DockerService, Migration, Pod, Resource, SecretPath, Workload
from labtui.domain.states import FeedState
from labtui.domain.text import clean
from labtui.tui import keymap
from labtui.tui.widgets.footer import Hint

if TYPE_CHECKING:
    from labtui.core.inventory import Delta
    from labtui.tui.app import LabApp


class LabScreen(Screen[None]):
    """A screen on which a resource is chosen, so that actions can be run on it."""

    @property
    def lab_app(self) -> LabApp:
        """The app, as what it is."""
        return cast("LabApp", self.app)

    def chosen_resource(self) -> Resource | None:
        """What an action would be run on."""
        return None

    def other_marks(self, resource: Resource) -> int:
        """How many rows are marked, 0 when it is none or this one alone. No action is run on several rows yet."""
        return 0

    def chosen_source(self) -> SourceId | None:
        """The source of what is chosen, or of the pane when nothing is."""
        resource = self.chosen_resource()
        return resource.ref.source if resource else None

    def take(self, delta: Delta) -> None:
        """The inventory has changed."""

    def operations_changed(self) -> None:
        """An operation has begun, has got on or has ended."""

    def tick(self) -> None:
        """Time has passed: ages may read differently."""

    def action_run(self, identity: str) -> None:
        """Run an action on what is chosen, or say why not. Of actions that share its key, the one that is for the row."""
        app, resource = self.lab_app, self.chosen_resource()
        if identity == "argocd.refresh" and self._reconnect():
            return
        action = self._meant(identity, resource)
        if resource is not None and action.changes and (marked := self.other_marks(resource)):
            words = f"{marked} marked, and this is for the row under the cursor alone; esc takes the marks away"
            app.notify(words, title=f"{action.title}: not now", severity="warning")
            return
        reason = self._not_live() if resource is None else ""
        reason = reason or why_not(action, resource, app.lab.executor.read_only)
        if reason or resource is None:
            app.notify(reason, title=f"{action.title}: not now", severity="warning")
            return
        app.start_action(action.id, resource)

    def _meant(self, identity: str, resource: Resource | None) -> Action:
        """Textual runs the first binding of a key, and knows nothing of rows."""
        if resource is None or BY_ID[identity].why_not(resource) is not None:
            return BY_ID[identity]
        keys = self.lab_app.keymap.keys(identity)
        sharing = [action for action in ACTIONS if keys & self.lab_app.keymap.keys(action.id)]
        return meant(sharing, resource) or BY_ID[identity]

    def _reconnect(self) -> bool:
        """Refresh on a source that is not live means: connect now."""
        source = self.chosen_source()
        status = self.lab_app.lab.inventory.status(source) if source else None
        if source is None or status is None or status.state is FeedState.LIVE:
            return False
        self.lab_app.connect_again(source)
        return True

    def _not_live(self) -> str:
        """Why there is no row to choose: the state of the pane's source. Empty when it is live."""
        source = self.chosen_source()
        status = self.lab_app.lab.inventory.status(source) if source else None
        if source is None or status is None or status.state is FeedState.LIVE:
            return ""
        return f"{clean(source.label)} is {status.state.value}; {self.lab_app.keymap.of('estate.source')} says why"

    def action_source(self) -> None:
        """Why the source is as it is."""
        source = self.chosen_source()
        if source is None:
            self.lab_app.notify("Choose a pane that shows a source, or click a source in the first line")
        else:
            self.lab_app.show_source(source)

    async def run_hint(self, identity: str) -> None:
        """A footer entry was clicked: do what its key does."""
        if identity in BY_ID:
            self.action_run(identity)
        elif identity == "table.open":
            self.action_open_chosen()
        else:
            actions = {key.id: key.action for key in (*keymap.ESTATE_KEYS, *keymap.APP_KEYS)}
            place = "app" if identity.startswith("app.") else "screen"
            await self.run_action(f"{place}.{actions[identity]}")

    def action_open_chosen(self) -> None:
        """Open what is chosen."""

    def hints(self) -> list[Hint]:
        """Footer entries of the actions that make sense for what is chosen."""
        resource, app = self.chosen_resource(), self.lab_app
        if resource is None:
            return []
        return [
            Hint(app.keymap.of(action.id), action.title, action.id, reason)
            for action, reason in offered(resource, app.lab.executor.read_only)
        ]


_FOR: dict[type, str] = {
    Application: "an Argo CD application",
    DockerService: "a service of a Compose stack",
    Migration: "a migration",
    Pod: "a pod",
    SecretPath: "a secret",
    Workload: "a workload of Kubernetes",
}


def why_not(action: Action, resource: Resource | None, read_only: str) -> str:
    """The reason why an action cannot be run on this now, empty when it can."""
    if resource is None:
        return "Choose a row first"
    for found, reason in offered(resource, read_only):
        if found.id == action.id:
            return reason
    kind = " or ".join(_FOR[kind] for kind in action.on)
    if action.id == "argocd.refresh":
        return "This source is live: what changes there shows by itself"
    return f"This is for {kind}; the chosen row is something else"
