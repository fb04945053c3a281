"""What the contract suite of Docker feeds needs: an engine that can be driven by hand, beside the feed under test.

Every rig offers stacks of the same three services: `web` (with a health check and a published port), `cache`, and `worker`,
which depends on `cache`.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from labtui.adapters.docker import DockerSource
from labtui.core.clock import SystemClock
from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref
from labtui.domain.resources.docker import DockerService
from labtui.ports import Feed, SiteInspector
from tests.live.compose_fixture import LiveStack, docker

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


class Watcher:
    """Follows a feed in a thread, as the core does but once, and keeps what it said.

    `services` is what there is now, `changes` all that came, `error` what ended `follow`.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.stop = threading.Event()
        self.changes: list[Change] = []
        self.services: dict[Ref, DockerService] = {}
        self.live = False
        self.error: LabError | None = None
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self.feed.close()
        self._thread.join(5)
        assert not self._thread.is_alive(), "follow did not return after stop and close"

    def until(self, what: str, probe: Callable[[Watcher], bool], seconds: float = 20.0) -> None:
        """Wait until `probe` is true of what is known. Fails with `what` after `seconds`, or at once when the feed ended."""
        end = time.monotonic() + seconds
        with self._news:
            while not probe(self):
                left = end - time.monotonic()
                assert left > 0, f"did not see in {seconds:.0f} s: {what}; have {self._short()}"
                assert self._thread.is_alive(), f"the feed ended before: {what}; {self.error!r}"
                self._news.wait(min(left, 0.05))  # the probe may look at something else, too

    def until_live(self) -> None:
        """Wait for `Live`."""
        self.until("live", lambda w: w.live)

    def until_ended(self, seconds: float = 20.0) -> LabError:
        """Wait until `follow` has raised; returns what."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"follow did not end in {seconds:.0f} s"
        assert self.error is not None, "follow returned and did not raise"
        return self.error

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

    def _run(self) -> None:
        try:
            self.feed.follow(self._emit, self.stop)
        except LabError as error:
            self.error = error
        finally:
            with self._news:
                self._news.notify_all()

    def _emit(self, change: Change) -> None:
        with self._news:
            self.changes.append(change)
            match change:
                case Resync(resources=resources):
                    self.services = {r.ref: r for r in resources if isinstance(r, DockerService)}
                case Upsert(resource=DockerService() as one):
                    self.services[one.ref] = one
                case Remove(ref=ref):
                    self.services.pop(ref, None)
                case Live():
                    self.live = True
            self._news.notify_all()

    def _short(self) -> str:
        return ", ".join(f"{r.namespace}/{r.name}={s.worst.state}" for r, s in self.services.items()) or "nothing"
