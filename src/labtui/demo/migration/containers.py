"""The containers of a simulated Compose stack: restart policies, and who is connected to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from labtui.demo.compose import DemoCompose
from labtui.demo.engine import Engine
from labtui.domain.errors import NotFound
from labtui.domain.resources.docker import DockerService
from labtui.domain.text import clean
from labtui.ports.stacks import DataUser

NEVER = "no"  # what Docker does where nothing is asked for


class SimulatedContainers:
    """`ports.stacks.StackContainers`. `connected` counts the connections to the containers of a site by their names."""

    def __init__(
        self, files: DemoCompose, engines: Mapping[str, Engine], connected: Callable[[str, frozenset[str]], int]
    ) -> None:
        self._files, self._engines, self._connected = files, engines, connected
        self._changed: dict[tuple[str, str], str] = {}  # site and container: a policy that was set by hand

    def restart_policies(self, site: str, stack: str) -> Mapping[str, str]:
        """See `ports.stacks.StackContainers`."""
        self._answer(site)
        asked = {s.name: str(s.raw.get("restart", NEVER)) for s in self._files.read(site, stack).services}
        return {
            name: self._changed.get((site, name), asked.get(service, NEVER))
            for name, service in sorted(self._containers(site, stack).items())
        }

    def set_restart_policy(self, site: str, container: str, policy: str) -> None:
        """See `ports.stacks.StackContainers`."""
        self._answer(site)
        engine = self._engines[site]
        there = (c.name for s in engine.world.of(engine.source) if isinstance(s, DockerService) for c in s.containers)
        if container not in there:
            raise NotFound(f"{site} has no container {clean(container, 60)}")
        self._changed[site, container] = policy

    def connections(self, site: str, stack: str) -> int | None:
        """See `ports.stacks.StackContainers`."""
        self._answer(site)
        return self._connected(site, frozenset(self._containers(site, stack)))

    def data_users(self, site: str, places: Sequence[str]) -> tuple[DataUser, ...]:
        """See `ports.stacks.StackContainers`: here all containers are of stacks that have files."""
        self._answer(site)
        found = []
        for stack in self._files.stacks(site):
            names = self._containers(site, stack)
            for service in self._files.read(site, stack).services:
                for volume in service.raw.get("volumes") or ():
                    place = str(volume.get("source") or "")
                    if not any(_same(place, other) for other in places):
                        continue
                    writes = not volume.get("read_only", False)
                    found += [
                        DataUser(name, stack, service.name, place, self._runs(site, name), writes)
                        for name, of in names.items()
                        if of == service.name
                    ]
        return tuple(found)

    def _runs(self, site: str, container: str) -> bool:
        engine = self._engines[site]
        services = (s for s in engine.world.of(engine.source) if isinstance(s, DockerService))
        states = {c.name: c.state for s in services for c in s.containers}
        return states.get(container) in ("running", "paused", "restarting")

    def _containers(self, site: str, stack: str) -> dict[str, str]:
        """Name → service."""
        engine = self._engines[site]
        found = (s for s in engine.world.of(engine.source) if isinstance(s, DockerService) and s.stack == stack)
        return {container.name: service.service for service in found for container in service.containers}

    def _answer(self, site: str) -> None:
        if site not in self._engines:
            raise NotFound(f"There is no site {clean(site, 60)}", "", f"There are: {', '.join(self._engines)}")
        engine = self._engines[site]
        engine.world.answer(engine.source)


def _same(place: str, other: str) -> bool:
    """The same place, or one in the other."""
    return place == other or place.startswith(f"{other}/") or other.startswith(f"{place}/")
