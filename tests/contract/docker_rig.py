"""What the contract suite of Docker feeds needs: an engine that can be driven by hand, beside the feed under test.

Every rig offers stacks of the same three services: `web` (with a health check and a published port), `cache`, and `worker`,
which depends on `cache`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from labtui.adapters.docker import DockerSource
from labtui.core.clock import SystemClock
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref
from labtui.domain.resources.docker import DockerService
from labtui.ports import Feed, SiteInspector
from tests.live.compose_fixture import LiveStack, docker
from tests.support.collector import Collector

KINDS = frozenset({"ComposeService", "Container"})


class StackRig(Protocol):
    """A stack of `web`, `cache` and `worker`. Each verb returns when it is done."""

    @property
    def name(self) -> str:
        """The Compose project."""

    def up(self) -> None:
        """Create and start all services."""

    def stop(self, service: str) -> None:
        """Stop a service's container; it stays."""

    def start(self, service: str) -> None:
        """Start it again."""

    def crash(self, service: str, code: int = 3) -> None:
        """The program of `cache` or `worker` ends with this exit status."""

    def sicken(self) -> None:
        """The health check of `web` fails from now on."""

    def heal(self) -> None:
        """The health check of `web` succeeds again."""

    def rm(self, service: str) -> None:
        """Remove a service's container."""


class DockerRig(Protocol):
    """One engine. There may be containers of others on it; the tests look only at what they made."""

    def feed(self) -> Feed:
        """A new feed of this engine, as labtui would have it."""

    def inspector(self) -> SiteInspector:
        """What looks at stacks of this engine."""

    def stack(self, name: str = "") -> StackRig:
        """A stack that is not up yet; without a name, one that no other has."""

    def elsewhere(self) -> DockerRig:
        """The engine of another site."""

    def run_stray(self) -> str:
        """Start a container without Compose; returns its name."""

    def remove_stray(self, name: str) -> None:
        """Remove it, running or not."""

    def close(self) -> None:
        """Remove all that was made, here and elsewhere."""


class LiveRig:
    """A rig on a server of the live estate: `wroclaw` on its socket, `kyiv` over ssh."""

    def __init__(self, site: str, folder: Path) -> None:
        self.site = site
        self._folder = folder
        self._stacks: list[LiveStack] = []
        self._strays: list[str] = []
        self._other: LiveRig | None = None

    def feed(self) -> Feed:
        return self._source()

    def inspector(self) -> SiteInspector:
        return self._source()

    def _source(self) -> DockerSource:
        host = os.environ["LIVE_DOCKER_WROCLAW" if self.site == "wroclaw" else "LIVE_DOCKER_KYIV"]
        return DockerSource(DockerConnection(self.site, host), SystemClock())

    def stack(self, name: str = "") -> StackRig:
        made = LiveStack(self.site, self._folder, name)
        self._stacks.append(made)
        return made

    def elsewhere(self) -> DockerRig:
        if self._other is None:
            self._other = LiveRig("kyiv" if self.site == "wroclaw" else "wroclaw", self._folder)
        return self._other

    def run_stray(self) -> str:
        name = f"lt-stray-{uuid.uuid4().hex[:8]}"
        self._strays.append(name)
        image = f"{os.environ['LIVE_REGISTRY']}/pause:3"
        docker(self.site, "run", "--detach", "--name", name, image)
        return name

    def remove_stray(self, name: str) -> None:
        docker(self.site, "rm", "--force", name)
        self._strays.remove(name)

    def close(self) -> None:
        for name in list(self._strays):
            self.remove_stray(name)
        for stack in self._stacks:
            stack.down()
        if self._other is not None:
            self._other.close()


class Watcher(Collector):
    """A feed of an engine. `services` is what there is now."""

    @property
    def services(self) -> dict[Ref, DockerService]:
        """All that was said, as what it is."""
        return {ref: one for ref, one in self.resources.items() if isinstance(one, DockerService)}

    def until(self, what: str, probe: Callable[[Watcher], object], seconds: float = 20.0) -> None:
        """Wait until `probe` is true of what is known."""
        self.wait(what, lambda: probe(self), seconds)

    def until_live(self) -> None:
        """Wait for `Live`."""
        self.until("live", lambda w: w.live)

    def until_ended(self, seconds: float = 20.0) -> LabError:
        """Wait until `follow` has raised; returns what."""
        return self.failure(seconds)

    def get(self, stack: str, service: str) -> DockerService | None:
        """A service of a stack, None when there is none."""
        return self.services.get(Ref(self.feed.source, "ComposeService", stack, service))

    def stray(self, name: str) -> DockerService | None:
        """A container of its own."""
        return self.services.get(Ref(self.feed.source, "Container", "", name))

    def of(self, stack: str) -> dict[str, DockerService]:
        """All services of a stack, by name."""
        return {ref.name: one for ref, one in self.services.items() if ref.namespace == stack}

    def state(self, stack: str, service: str) -> str:
        """State of a service's worst container, empty when there is none."""
        found = self.get(stack, service)
        return found.worst.state if found else ""

    def health(self, stack: str, service: str) -> str:
        """Health of a service's worst container."""
        found = self.get(stack, service)
        return found.worst.health if found else ""

    def summary(self) -> str:
        return ", ".join(f"{r.namespace}/{r.name}={s.worst.state}" for r, s in self.services.items()) or "nothing"
