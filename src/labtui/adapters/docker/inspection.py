"""What an engine knows of one stack: images, mounts, use, names in its networks, and the host that it runs on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from labtui.adapters.docker import inside, peeking
from labtui.adapters.docker.engine import FAILURES, Engine
from labtui.adapters.docker.local_files import look_here
from labtui.adapters.docker.parse import ONE_OFF, PROJECT, SERVICE
from labtui.adapters.docker.usage import Meter, Usage
from labtui.adapters.docker.visit import visit
from labtui.domain.compose.stack import Stack
from labtui.domain.connections import DockerConnection
from labtui.domain.conversion.facts import ImageFacts, Kind, MountFacts, UsageFacts
from labtui.domain.conversion.gathering import HostFacts, SiteFacts, Wanted, architecture
from labtui.domain.conversion.places import wanted

Json = Mapping[str, Any]
T = TypeVar("T")
R = TypeVar("R")

WORKERS = 4  # as the feed: sshd takes 10 sessions a connection by default
LOOK_SECONDS = 25.0
"""After this long nothing more is begun: what is not known by then stays unknown."""
VOLUME_SECONDS = 8.0
MANIFESTS_SINCE = (1, 48)
_PLACES = "/proc/self/mountinfo"
_BOOT = "/proc/sys/kernel/random/boot_id"


def inspect(connection: DockerConnection, stack: Stack) -> SiteFacts:
    """Connect, look, hang up. Raises LabError when the engine cannot be reached."""
    with visit(connection) as engine:
        return _Look(engine, stack, local=connection.host.startswith("unix://")).facts()


class _Look:
    """One look at one stack. A question that fails leaves its answer out; a lost engine ends the look."""

    def __init__(self, engine: Engine, stack: Stack, *, local: bool) -> None:
        self._engine = engine
        self._stack = stack
        self._local = local
        self._end = time.monotonic() + LOOK_SECONDS
        self._containers: dict[str, list[Json]] = {}  # by service, running ones first
        self._info: Json = {}
        self._with_host: set[str] = set()  # containers that are not to be asked for archives

    def facts(self) -> SiteFacts:
        engine, stack = self._engine, self._stack
        documents = self._each(engine.inspect, self._members())
        for found in sorted((d for d in documents if d), key=lambda d: not _running(d)):
            labels = (found.get("Config") or {}).get("Labels") or {}
            if str(labels.get(ONE_OFF, "")).lower() != "true" and labels.get(SERVICE):
                self._containers.setdefault(str(labels[SERVICE]), []).append(found)
        self._info = engine.info()
        folder = str(self._info.get("DockerRootDir") or "/var/lib/docker")
        self._with_host = {str(d["Id"]) for d in documents if d and inside.has_the_host(d, folder)}
        references = sorted({s.image for s in stack.services if s.image})
        images = dict(zip(references, self._each(self._image, references), strict=True))
        mounts, boot_id = self._mounts()
        return SiteFacts(
            images={name: facts for name, facts in images.items() if facts is not None},
            mounts=mounts,
            usage=self._usage(),
            peers={name: _peers(found) for name, found in self._containers.items()},
            host=self._host(boot_id),
        )

    def _members(self) -> list[str]:
        filters = json.dumps({"label": [f"{PROJECT}={self._stack.name}"]})
        found = self._engine.ask("GET", "/containers/json", {"all": "1", "filters": filters}).json()
        return [str(c["Id"]) for c in found]

    def _each(self, question: Callable[[T], R], things: Iterable[T]) -> list[R | None]:
        """Ask for each, several at once; None where the engine refuses, is too slow, or the turn did not come in time."""

        def ask(thing: T) -> R | None:
            if time.monotonic() >= self._end:
                return None
            try:
                return question(thing)
            except (requests.HTTPError, requests.ReadTimeout):
                return None

        with ThreadPoolExecutor(WORKERS, "docker look") as pool:
            return list(pool.map(ask, things))

    # Images

    def _image(self, reference: str) -> ImageFacts | None:
        query = {"manifests": "1"} if self._api_version() >= MANIFESTS_SINCE else {}
        answer = self._engine.ask("GET", f"/images/{quote(reference, safe=':@/')}/json", query)
        return None if answer.status_code == 404 else image_facts(answer.json())

    def _api_version(self) -> tuple[int, ...]:
        text = str(self._engine.version.get("ApiVersion") or "")
        return tuple(int(n) for n in text.split(".") if n.isdecimal())

    # Mounts

    def _mounts(self) -> tuple[dict[str, MountFacts], str]:
        """Facts by place, and the boot id of the host if a container could tell it."""
        places = wanted(self._stack)
        seen: dict[str, tuple[Wanted, str, str]] = {}  # place → (what is wanted, container, path in it)
        for place in places:
            if (at := self._find(place)) is not None:
                seen[place.place] = (place, *at)
        running = {str(d["Id"]) for found in self._containers.values() for d in found if _running(d)}
        by_container: dict[str, list[str]] = {ident: [] for ident in sorted(running)}
        for _, ident, path in seen.values():
            if ident in by_container:
                by_container[ident].append(path)
        told = self._each(self._told, by_container.items())
        shares, sizes, boot_id = {}, {}, ""
        for ident, answer in zip(by_container, told, strict=True):
            if answer is not None:
                shares[ident], sizes[ident] = answer[0], answer[1]
                boot_id = boot_id or answer[2]

        def one(place: Wanted) -> MountFacts | None:
            if place.place not in seen:
                return self._unseen(place)
            _, ident, path = seen[place.place]
            if ident in self._with_host and ident not in running:
                return self._unseen(place)
            share, size = shares.get(ident, {}).get(path, ""), sizes.get(ident, {}).get(path)
            return self._seen(place, ident, path, share, size)

        answers = self._each(one, places)
        facts = {p.place: found for p, found in zip(places, answers, strict=True) if found is not None}
        return self._with_volume_sizes(facts, places), boot_id

    def _find(self, place: Wanted) -> tuple[str, str] | None:
        """The container, and the path in it, where a place can be looked at."""
        for found in self._containers.get(place.service, ()):
            for mount in found.get("Mounts") or ():
                if str(mount.get("Destination", "")).rstrip("/") == place.target.rstrip("/"):
                    return str(found["Id"]), str(mount["Destination"])
        return None

    def _told(self, item: tuple[str, list[str]]) -> tuple[dict[str, str], dict[str, int], str]:
        """What the programs of a running container tell: NFS shares, sizes of these paths, the boot id."""
        ident, paths = item
        ran = peeking.run(self._engine, ident, "cat", _PLACES, _BOOT)
        if ran is None or ran.missing:
            return {}, {}, ""
        last = (ran.out.splitlines() or [""])[-1]
        shares = {point: share for point, share in peeking.shares_in(ran.out).items() if point in paths}
        measurable = [p for p in paths if p not in shares]
        sizes: dict[str, int] = {}
        if measurable:
            du = peeking.run(self._engine, ident, "du", "-skx", *measurable)
            sizes = peeking.sizes_in(du, measurable) if du is not None and not du.missing else {}
        return shares, sizes, last if len(last) == 36 and last.count("-") == 4 else ""

    def _seen(self, place: Wanted, ident: str, path: str, share: str, size: int | None) -> MountFacts | None:
        with_host = ident in self._with_host
        there = (inside if with_host else peeking).stat(self._engine, ident, path)
        if there is None:
            return self._unseen(place) if with_host else None

        def texts() -> Mapping[str, str] | None:
            if with_host:
                return inside.texts(self._engine, ident, path, there)
            return peeking.texts(self._engine, ident, path)

        if there.kind is Kind.FILE:
            found = texts() if there.size <= peeking.TEXT_LIMIT else None
            text = next(iter(found.values()), None) if found else None
            return MountFacts(Kind.FILE, there.size, text, share)
        if there.kind is not Kind.FOLDER:
            return MountFacts(there.kind)
        small = place.read_only and not place.volume and size is not None and size <= peeking.TEXT_LIMIT
        return MountFacts(Kind.FOLDER, size, None, share, texts() or None if small else None)

    def _unseen(self, place: Wanted) -> MountFacts | None:
        """A place that no container has: a volume by its name, a file or folder where this machine is the host."""
        if place.volume:
            answer = self._engine.ask("GET", f"/volumes/{quote(place.place, safe='')}")
            return MountFacts(Kind.MISSING if answer.status_code == 404 else Kind.FOLDER)
        here, folder = self._stack.folder_here, self._stack.folder
        if here and folder and place.place.startswith(folder.rstrip("/") + "/"):
            path = Path(here) / place.place[len(folder.rstrip("/")) + 1 :]
            return look_here(path, read_only=place.read_only)
        return look_here(Path(place.place), read_only=place.read_only) if self._local else None

    def _with_volume_sizes(self, facts: dict[str, MountFacts], places: Iterable[Wanted]) -> dict[str, MountFacts]:
        """Sizes of volumes that no container could measure, by the engine: it measures all that it has, which may be slow."""
        names = {p.place for p in places if p.volume}
        unknown = {n for n in names if n in facts and facts[n].size is None and facts[n].kind is Kind.FOLDER}
        left = min(VOLUME_SECONDS, self._end - time.monotonic())
        if not unknown or left <= 0:
            return facts
        try:
            found = self._engine.ask("GET", "/system/df", {"type": "volume"}, seconds=left).json()
        except FAILURES:
            return facts
        for volume in found.get("Volumes") or ():
            name, size = volume.get("Name"), (volume.get("UsageData") or {}).get("Size")
            if name in unknown and isinstance(size, int) and size >= 0:
                facts[name] = replace(facts[name], size=size)
        return facts

    # Use and host

    def _usage(self) -> dict[str, UsageFacts]:
        """CPU and memory of a service's containers together."""
        running = [(name, str(d["Id"])) for name, found in self._containers.items() for d in found if _running(d)]
        measured = self._each(lambda one: self._measured(one[1]), running)
        totals: dict[str, UsageFacts] = {}
        for (name, _), usage in zip(running, measured, strict=True):
            if usage is not None:
                before = totals.get(name, UsageFacts())
                totals[name] = UsageFacts(_sum(before.cpu, usage.cpu), _sum(before.memory, usage.memory))
        return totals

    def _measured(self, ident: str) -> Usage | None:
        """Two samples, a second apart: the engine takes both for one request that is no stream."""
        answer = self._engine.ask("GET", f"/containers/{ident}/stats", {"stream": "false"})
        if answer.status_code == 404:
            return None
        found = answer.json()
        meter = Meter()
        meter.add(ident, {"read": found.get("preread"), "cpu_stats": found.get("precpu_stats")})
        return meter.add(ident, found)

    def _host(self, boot_id: str) -> HostFacts:
        info = self._info
        return HostFacts(
            name=str(info.get("Name") or ""),
            boot_id=boot_id,
            kernel=str(info.get("KernelVersion") or ""),
            architecture=architecture(str(info.get("Architecture") or "")),
        )


def _sum(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other


def _running(document: Json) -> bool:
    return (document.get("State") or {}).get("Status") == "running"


def _peers(documents: Iterable[Json]) -> tuple[str, ...]:
    """The names by which peers find a service's containers, without their ids."""
    found: dict[str, None] = {}
    for document in documents:
        for network in ((document.get("NetworkSettings") or {}).get("Networks") or {}).values():
            for name in (*(network.get("Aliases") or ()), *(network.get("DNSNames") or ())):
                if not str(document["Id"]).startswith(name):
                    found[str(name)] = None
    return tuple(sorted(found))


def image_facts(document: Json) -> ImageFacts:
    """From an image that was inspected. With `manifests` a store that keeps several platforms tells all that are there."""
    config = document.get("Config") or {}
    platforms = [
        ((m.get("ImageData") or {}).get("Platform") or {}).get("architecture")
        for m in document.get("Manifests") or ()
        if m.get("Kind") == "image" and m.get("Available")
    ]
    found = [str(p) for p in (*platforms, document.get("Architecture")) if p]
    return ImageFacts(
        architectures=tuple(sorted(set(found))),
        entrypoint=_words(config.get("Entrypoint")),
        command=_words(config.get("Cmd")),
        user=str(config.get("User") or ""),
        ports=tuple(sorted(config.get("ExposedPorts") or {})),
        volumes=tuple(sorted(config.get("Volumes") or {})),
        health_check=_words((config.get("Healthcheck") or {}).get("Test")),
        stop_signal=str(config.get("StopSignal") or ""),
        variables=tuple(str(e).partition("=")[0] for e in config.get("Env") or ()),
    )


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list) else ()
