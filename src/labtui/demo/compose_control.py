"""Running the simulated sites' stacks: `ports.ComposeControl` over the simulated engines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

from labtui.demo.compose import DemoCompose
from labtui.demo.engine import Engine
from labtui.demo.files import ComposeService
from labtui.domain.errors import Invalid
from labtui.domain.resources.docker import Container, DockerService
from labtui.domain.text import clean
from labtui.ports import ComposePreview, ServiceState

STOPPED = 137  # how `docker stop` ends a program that does not catch its signal


class DemoComposeControl:
    """Starts and stops the containers of the simulated engines."""

    def __init__(self, files: DemoCompose, engines: Mapping[str, Engine]) -> None:
        self._files = files
        self._engines = engines

    def preview(self, site: str, stack: str, verb: str, services: Sequence[str]) -> ComposePreview:
        """See `ports.ComposeControl`."""
        touched = self._touched(site, stack, services)
        self._answer(site)
        words = ["up --detach"] if verb == "up" else [verb]
        options = f"--project-name {stack} --env-file .env.generated --env-file .env.user"
        files = f"-f ../_base/{stack}.yaml -f {stack}.yaml"
        command = " ".join([f"cd /srv/{site} && docker compose {options} {files}", *words, *services])
        written = tuple(f"/srv/{site}/{name}" for name in self._files.templates(site, stack)) if verb == "up" else ()
        return ComposePreview((command,), touched, written)

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Callable[[str], None]) -> None:
        """See `ports.ComposeControl`."""
        touched = self._touched(site, stack, services)
        self._answer(site)
        engine = self._engines[site]
        known = {s.name: s for s in self._files.services(site, stack)}
        with engine.world.lock:
            for name in touched:
                report(_VERBS[verb](engine, known[name]))

    def logs(self, site: str, stack: str, services: Sequence[str], *, follow: bool, tail: int) -> Generator[str]:
        """See `ports.ComposeControl`. The simulated programs say when they started, and no more."""
        touched = self._touched(site, stack, services)
        self._answer(site)
        for name in touched:
            for container in self._containers(site, stack, name):
                if container.started is not None:
                    yield f"{container.name}  | {container.started:%Y-%m-%dT%H:%M:%SZ} {container.image} has started"

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        """See `ports.ComposeControl`."""
        self._answer(site)
        found = []
        for service in self._files.read(site, stack).services:
            for c in self._containers(site, stack, service.name):
                found.append(ServiceState(service.name, c.name, c.state, c.health, c.image, c.exit_code))
        return tuple(sorted(found, key=lambda s: (s.service, s.container)))

    def _answer(self, site: str) -> None:
        engine = self._engines[site]
        engine.world.answer(engine.source)

    def _touched(self, site: str, stack: str, services: Sequence[str]) -> tuple[str, ...]:
        known = tuple(service.name for service in self._files.read(site, stack).services)
        for name in services:
            if name not in known:
                there = ", ".join(known)
                raise Invalid(f"{site}/{stack} has no service {clean(name, 60)}", "", f"There are: {there}")
        return tuple(services) or known

    def _containers(self, site: str, stack: str, service: str) -> tuple[Container, ...]:
        engine = self._engines[site]
        found = engine.world.get(engine.ref(stack, service))
        return found.containers if isinstance(found, DockerService) else ()


def _up(engine: Engine, service: ComposeService) -> str:
    ref = engine.ref(service.stack, service.name)
    found = engine.world.get(ref)
    if not isinstance(found, DockerService):
        engine.create(service)
        return f"Container {service.container_name}  Created"
    if found.worst.state == "running":
        return f"Container {service.container_name}  Running"
    engine.start(ref)
    return f"Container {service.container_name}  Started"


def _stop(engine: Engine, service: ComposeService) -> str:
    ref = engine.ref(service.stack, service.name)
    found = engine.world.get(ref)
    if isinstance(found, DockerService) and found.worst.state == "running":
        engine.end(ref, STOPPED)
    return f"Container {service.container_name}  Stopped"


def _restart(engine: Engine, service: ComposeService) -> str:
    if isinstance(engine.world.get(engine.ref(service.stack, service.name)), DockerService):
        _stop(engine, service)
        _up(engine, service)
    return f"Container {service.container_name}  Restarted"


def _pull(engine: Engine, service: ComposeService) -> str:
    return f"{service.name} Pulled {service.image}"


_VERBS = {"up": _up, "stop": _stop, "restart": _restart, "pull": _pull}
