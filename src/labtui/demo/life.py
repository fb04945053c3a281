"""The simulated estate moves a little: use drifts, now and then a release is synced, a pod restarts, a secret changes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labtui.demo.build import bumped
from labtui.demo.controller import Controller
from labtui.demo.engine import Engine
from labtui.demo.objects import images
from labtui.demo.script import secrets as script
from labtui.demo.script.history import RELEASED, Bump
from labtui.demo.vault import SimulatedVault
from labtui.domain.ref import Ref
from labtui.domain.resources import DockerService, Pod
from labtui.domain.states import Level

MIB = 1024 * 1024
_PATCH = re.compile(r"(\d+\.\d+\.)(\d+)")
_ROTATED = ("platform/authelia/session", "platform/victorialogs/basic-auth", "apps/immich-oauth")
_RESTLESS = ("argocd-repo-server", "cert-manager-cainjector", "external-secrets")


@dataclass(frozen=True, slots=True)
class _Habit:
    """Something that happens again and again: first after `first` seconds, then every `least` to `most`."""

    first: float
    least: float
    most: float
    act: Callable[[], None]


class Life:
    """What happens when nobody does anything. Deterministic: the seed and the time that passes decide."""

    def __init__(self, controller: Controller, engines: Mapping[str, Engine], vault: SimulatedVault, seed: int) -> None:
        self._controller = controller
        self._cluster = controller.cluster
        self._world = controller.world
        self._engines = engines
        self._vault = vault
        self._random = random.Random(seed)
        self._released = 0
        self._first_use: dict[Ref, tuple[float, int]] = {}

    def begin(self) -> None:
        """Schedule the first of everything."""
        for habit in (
            _Habit(7, 6, 12, self._drift),
            _Habit(20, 70, 110, self._release),
            _Habit(48, 140, 220, self._restart),
            _Habit(75, 110, 190, self._rotate),
        ):
            self._plan(habit, habit.first)

    def _plan(self, habit: _Habit, seconds: float) -> None:
        def work() -> None:
            habit.act()
            self._plan(habit, self._random.uniform(habit.least, habit.most))

        self._world.after(seconds, work, background=True)

    def _drift(self) -> None:
        """One pod or container uses visibly more or less than before; small moves would not be shown anyway."""
        pods = [p for p in self._world.of(self._cluster.source, ("Pod",)) if isinstance(p, Pod) and p.usage]
        services = [
            s
            for engine in self._engines.values()
            for s in self._world.of(engine.source)
            if isinstance(s, DockerService) and s.cpu is not None and s.worst.state == "running"
        ]
        measured: list[Pod | DockerService] = [*pods, *services]
        chosen = self._random.choice(sorted(measured, key=lambda r: str(r.ref)))
        if isinstance(chosen, Pod) and chosen.usage:
            cpu, memory = self._next_use(chosen.ref, chosen.usage.cpu, chosen.usage.memory)
            self._cluster.use(chosen, cpu, memory)
        elif isinstance(chosen, DockerService):
            cpu, memory = self._next_use(chosen.ref, chosen.cpu or 0.01, chosen.memory or 16 * MIB)
            self._engines[chosen.ref.source.scope].use(chosen.ref, cpu, memory)

    def _next_use(self, ref: Ref, cpu: float, memory: int) -> tuple[float, int]:
        """Around what it used first, so that nothing grows for ever."""
        first_cpu, first_memory = self._first_use.setdefault(ref, (cpu, memory))
        return first_cpu * self._random.uniform(0.6, 2.2) + 0.005, int(first_memory * self._random.uniform(0.88, 1.18))

    def _release(self) -> None:
        """Somebody pushes an update of one application, and Argo CD sees it."""
        name = RELEASED[self._released % len(RELEASED)]
        self._released += 1
        app = next((a for a in self._controller.apps.values() if a.name == name), None)
        if app is None or app.operation_runs or app.rollback or not app.auto_sync.on:
            return
        repository, place = self._controller.repository, self._controller.place(app)
        files = repository.files(repository.head(), (place,))
        used = [image for manifest in files.values() for image in images(manifest) if _PATCH.search(image)]
        if not used:
            return
        newer = _PATCH.sub(lambda m: f"{m[1]}{int(m[2]) + 1}", used[0], count=1)
        bump = Bump(0, name, used[0], newer)
        repository.add(bump.words, bump.author, self._world.clock.now(), bumped(files, bump))
        self._controller.compare(app)

    def _restart(self) -> None:
        wanted = self._random.choice(_RESTLESS)
        for pod in self._world.of(self._cluster.source, ("Pod",)):
            well = isinstance(pod, Pod) and pod.level is Level.WELL
            if well and isinstance(pod, Pod) and pod.owner is not None and pod.owner.name == wanted:
                self._cluster.restart(pod, "the container ended with exit status 137 (OOMKilled)")
                return

    def _rotate(self) -> None:
        name = self._random.choice(_ROTATED)
        keys = script.PATHS[name][0]
        self._vault.write(name, {key: f"demo-{self._random.getrandbits(80):020x}" for key in keys})
