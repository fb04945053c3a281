"""The simulated Docker engine of one site."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta

from labtui.demo.files import ComposeService
from labtui.demo.script.containers import Running
from labtui.demo.world import World
from labtui.domain.ref import Ref
from labtui.domain.resources.docker import Container, DockerService, Port

MIB = 1024 * 1024
STARTS = 0.7  # seconds until a container is healthy, or its use is measured


@dataclass
class _Member:
    service: ComposeService | None  # None: a stray container
    container: Container


class Engine:
    """Containers by their service, or by their name where no service has them."""

    def __init__(self, world: World, site: str) -> None:
        self.world = world
        self.site = site
        self.source = world.sources[site]
        self._members: dict[Ref, _Member] = {}
        self._created = 0

    def ref(self, stack: str, service: str) -> Ref:
        """The identity of a Compose service."""
        return Ref(self.source, "ComposeService", stack, service)

    def stray_ref(self, name: str) -> Ref:
        """The identity of a container without Compose."""
        return Ref(self.source, "Container", "", name)

    # Containers come and go

    def install(self, service: ComposeService, script: Running) -> None:
        """A service that has been there for a while."""
        health = script.health if service.health_check and script.exit_code is None else ""
        container = self._container(
            self.ref(service.stack, service.name), service.container_name, service.image, script
        )
        container = replace(
            container,
            health=health,
            ports=tuple(port for text in service.ports for port in _ports(text, script.exit_code is None)),
            networks=service.networks,
            mounts=service.mounts,
        )
        self._put(self.ref(service.stack, service.name), _Member(service, container))

    def install_stray(self, name: str, image: str, script: Running) -> None:
        """A container without Compose that has been there for a while."""
        ref = self.stray_ref(name)
        self._put(ref, _Member(None, replace(self._container(ref, name, image, script), networks=("bridge",))))

    def create(self, service: ComposeService) -> None:
        """`docker compose up` of one service."""
        with self.world.lock:
            self.install(service, Running(days=0, health="starting"))
            self.start(self.ref(service.stack, service.name))

    def run_stray(self, name: str, image: str) -> None:
        """`docker run`."""
        with self.world.lock:
            self.install_stray(name, image, Running(days=0))

    def remove(self, ref: Ref) -> None:
        """`docker rm --force`."""
        with self.world.lock:
            if self._members.pop(ref, None) is not None:
                self.world.remove(ref)

    def _container(self, ref: Ref, name: str, image: str, script: Running) -> Container:
        now = self.world.clock.now()
        self._created += 1
        digest = hashlib.sha256(f"{self.site} {ref.namespace} {ref.name} {self._created}".encode()).hexdigest()
        ran = script.exit_code is None
        began = now - timedelta(days=script.days)
        return Container(
            digest,
            name,
            image,
            "running" if ran else "exited",
            created=began - timedelta(days=script.days / 5) if script.days else began,
            started=began - (timedelta() if ran else timedelta(days=2)),
            finished=None if ran else began,
            exit_code=script.exit_code,
            restarts=script.restarts,
            cpu=script.cpu if ran and script.days else None,
            memory=script.memory * MIB if ran and script.days else None,
        )

    # What happens to them

    def start(self, ref: Ref) -> None:
        """It runs again; its health check begins anew, and soon it is measured."""
        with self.world.lock:
            member = self._members[ref]
            checked = member.service is not None and member.service.health_check
            self._change(
                ref,
                state="running",
                health="starting" if checked else "",
                started=self.world.clock.now(),
                finished=None,
                exit_code=None,
            )
            started = self._members[ref].container.started

            def settled() -> None:
                found = self._members.get(ref)
                if found is not None and found.container.started == started and found.container.state == "running":
                    self._change(ref, health="healthy" if checked else "", cpu=0.01, memory=24 * MIB)

            self.world.after(STARTS, settled)

    def end(self, ref: Ref, exit_code: int) -> None:
        """It ends: by its own will, or as `docker stop` ends it (137)."""
        with self.world.lock:
            now = self.world.clock.now()
            self._change(ref, state="exited", health="", finished=now, exit_code=exit_code, cpu=None, memory=None)

    def judge(self, ref: Ref, *, healthy: bool) -> None:
        """Its health check says so from now on."""
        with self.world.lock:
            self._change(ref, health="healthy" if healthy else "unhealthy")

    def use(self, ref: Ref, cpu: float, memory: int) -> None:
        """It was measured."""
        with self.world.lock:
            self._change(ref, cpu=round(cpu, 3), memory=memory)

    def _change(self, ref: Ref, **fields: object) -> None:
        member = self._members[ref]
        self._put(ref, _Member(member.service, replace(member.container, **fields)))  # type: ignore[arg-type]

    def _put(self, ref: Ref, member: _Member) -> None:
        self._members[ref] = member
        service = member.service
        folder = f"/srv/compose/{self.site}"
        files = (f"/srv/compose/_base/{ref.namespace}.yaml", f"{folder}/{ref.namespace}.yaml") if service else ()
        self.world.put(
            DockerService(
                ref,
                (member.container,),
                config_files=files,
                working_dir="/srv/compose/_base"
                if service
                else "",  # the folder of the first file, as Compose notes it
                depends_on=service.depends_on if service else (),
            )
        )


def _ports(text: str, published: bool) -> tuple[Port, ...]:
    """`8080:80/udp` published, `80` only exposed. A stopped container publishes nothing."""
    numbers, _, protocol = text.partition("/")
    host, _, inside = numbers.rpartition(":")
    host_port = int(host) if host and published else None
    return (Port(int(inside), protocol or "tcp", host_port, "0.0.0.0" if host_port else ""),)
