"""Following a feed of the demo in a thread, and waiting for what it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from labtui.demo import DemoClock, DemoEstate
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application
from tests.support.collector import Collector

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PATIENCE = 5.0


def frozen(*, life: bool = True, seed: int = 7, **faults: str) -> DemoEstate:
    """An estate whose clock stands at noon; `kyiv="down"` breaks a source."""
    from labtui.demo import parse_faults

    broken = parse_faults([f"{name}={fault}" for name, fault in faults.items()])
    return DemoEstate(DemoClock(NOON), broken, life=life, seed=seed)


def app_ref(world: DemoEstate, name: str) -> Ref:
    """An application of the demo by its name."""
    return Ref(world.world.sources["argocd"], "Application", "argocd", name)


def app(world: DemoEstate, name: str) -> Application:
    """An application of the demo as the server describes it."""
    return world.applications.get(app_ref(world, name))


class Following(Collector):
    """A feed of the demo, which does nothing slowly."""

    @property
    def notes(self) -> tuple[str, ...] | None:
        """The newest notes; None before it is live."""
        return self.live.notes if self.live else None

    def until(self, what: str, probe: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for something that is said."""
        self.wait(what, probe, seconds)

    def until_live(self) -> None:
        """Wait for `Live`."""
        self.until("live", lambda: self.live)
