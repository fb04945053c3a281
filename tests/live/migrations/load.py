"""The load of a migration, in a process of its own: requests on fresh and on kept connections, WebSockets, downloads.

    python -m tests.live.migrations.load ADDRESS HOST OUT [--light]

Each fresh request starts at its own moment, whether or not earlier ones came back. Lines on its input steer it: `phase NAME`
begins a new part of the report, `stop` ends it. It prints `ready` when it runs, and writes OUT (JSON) at the end: for each phase and
kind what was sent, answered and failed, the longest gap between two good answers, sockets and downloads that broke. For how long it
was stalled itself is measured as well, and told beside each gap.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.live.migrations.served import BLOCK
from tests.live.migrations.wire import Client, Kept, Socket

STALL = 0.01  # seconds that the generator may be late before it counts as stalled
WORTH_NOTING = 0.045  # a gap that is kept with the time at which it was
MOST = 40  # failures and gaps that are kept of a kind


@dataclass
class Kind:
    """What happened to one kind of request in one phase. Times are seconds since the start."""

    sent: int = 0
    good: int = 0
    failed: int = 0
    failures: list[tuple[float, str]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    longest: float = 0.0
    took: list[float] = field(default_factory=list)
    by: dict[str, int] = field(default_factory=dict)
    last: float = -1.0

    def answered(self, at: float, took: float, by: str) -> None:
        """A good answer."""
        self.good += 1
        self.took.append(took)
        self.by[by] = self.by.get(by, 0) + 1
        if self.last >= 0:
            gap = at - self.last
            self.longest = max(self.longest, gap)
            if gap > WORTH_NOTING:
                self.gaps = sorted([*self.gaps, (self.last, at)], key=lambda g: g[0] - g[1])[:MOST]
        self.last = at

    def broke(self, at: float, why: str) -> None:
        """Anything else."""
        self.failed += 1
        if len(self.failures) < MOST:
            self.failures.append((round(at, 3), why))


class Load:
    """Everything that is sent. See the module."""

    def __init__(self, client: Client, light: bool) -> None:
        self.client = client
        self.light = light
        self.begun = time.monotonic()
        self.phases: dict[str, dict[str, Kind]] = {}
        self.stalls: list[tuple[float, float]] = []
        self.over = asyncio.Event()
        self.phase = "first"
        self.random = random.Random(7)
        self.seen: dict[str, float] = {}
        self.under_way: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun

    def kind(self, name: str) -> Kind:
        """The kind in the phase that is now. The gap to the last answer of the former phase belongs to the new one."""
        kinds = self.phases.setdefault(self.phase, {})
        if name not in kinds:
            kinds[name] = Kind(last=self.seen.get(name, -1.0))
        return kinds[name]

    async def attempt(self, name: str, work: Callable[[], Awaitable[str]]) -> bool:
        """One request and what became of it; answers whether it was well."""
        self.kind(name).sent += 1
        begun = self.now()
        try:
            by = await work()
        except (OSError, EOFError, ValueError) as error:
            self.kind(name).broke(self.now(), f"{type(error).__name__}: {error}")
            return False
        self.kind(name).answered(self.now(), self.now() - begun, by)
        self.seen[name] = self.now()
        return True

    # The loads

    async def fresh(self, rate: float) -> None:
        """On connections of their own, one every tick."""
        begun, number = self.now(), 0
        while not self.over.is_set():
            task = asyncio.create_task(self._one())
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)
            number += 1
            await asyncio.sleep(max(0.0, begun + number / rate - self.now()))

    async def _one(self) -> None:
        await self.attempt("fresh", lambda: self.client.get("/"))

    async def kept(self, every: float, offset: float) -> None:
        """One client that keeps its connection. One that was closed between two requests is opened again."""
        await asyncio.sleep(offset)
        connection = Kept(self.client)
        while not self.over.is_set():
            begun = self.now()
            await self.attempt("kept", lambda: connection.get("/"))
            await asyncio.sleep(max(0.0, begun + every - self.now()))
        connection.close()

    async def socket(self, lasting: bool) -> None:
        """A WebSocket after the other, each open for a while; a lasting one for as long as it can."""
        name = "lasting socket" if lasting else "socket"
        while not self.over.is_set():
            seconds = 1e9 if lasting else self.random.uniform(6, 14)
            if not await self.attempt(name, lambda seconds=seconds: self._talk(name, seconds)):  # type: ignore[misc]
                await asyncio.sleep(0.2)

    async def _talk(self, name: str, seconds: float) -> str:
        async with Socket(self.client) as socket:
            begun = last = self.now()
            said = begun
            while not self.over.is_set() and self.now() - begun < seconds:
                await socket.next(2.0)
                frames = self.kind(f"{name}, frames")
                frames.longest = max(frames.longest, self.now() - last)
                frames.good += 1
                last = self.now()
                if last - said > 0.5:
                    said = last
                    socket.say(f"at {last:.3f}")
                    self.kind(f"{name}, echoes").sent += 1
            self.kind(f"{name}, echoes").good += socket.echoed
            await socket.goodbye()
            return socket.by

    async def downloads(self) -> None:
        """A download after the other."""
        while not self.over.is_set():
            seconds = round(self.random.uniform(4, 12), 1)
            if not await self.attempt("download", lambda seconds=seconds: self._download(seconds)):  # type: ignore[misc]
                await asyncio.sleep(0.2)

    async def _download(self, seconds: float) -> str:
        last = self.now()

        def part(_: int) -> None:
            nonlocal last
            parts = self.kind("download, parts")
            parts.longest = max(parts.longest, self.now() - last)
            parts.good += 1
            last = self.now()

        return await self.client.get(f"/download?seconds={seconds}", BLOCK, seconds + 30, part)

    async def watch_itself(self) -> None:
        """How late it is itself."""
        while True:
            before = self.now()
            await asyncio.sleep(0.005)
            late = self.now() - before - 0.005
            if late > STALL:
                self.stalls.append((before, self.now()))

    # The whole

    async def run(self, commands: asyncio.StreamReader) -> None:
        """Until `stop`, or until nobody is there to say it."""
        watch = asyncio.create_task(self.watch_itself())
        loads: list[Awaitable[None]] = [self.fresh(5 if self.light else 50)]
        if not self.light:
            loads += [self.kept(0.5, number * 0.025) for number in range(20)]
            loads += [self.socket(number == 0) for number in range(5)]
            loads += [self.downloads() for _ in range(3)]
        tasks = [asyncio.ensure_future(load) for load in loads]
        print("ready", flush=True)
        while (line := (await commands.readline()).decode().strip()) not in ("", "stop"):
            if line.startswith("phase "):
                self.phase = line.removeprefix("phase ")
                print(line, flush=True)
        self.over.set()
        done, late = await asyncio.wait(tasks, timeout=50)
        for task in late:
            self.kind("end").broke(self.now(), "did not end")
            task.cancel()
        for task in done:
            task.result()
        while self.under_way:
            await asyncio.wait(set(self.under_way))
        watch.cancel()

    def report(self) -> dict[str, Any]:
        """The whole, as JSON."""
        phases = {
            phase: {name: self._told(kind) for name, kind in kinds.items()} for phase, kinds in self.phases.items()
        }
        worst = max((end - begin for begin, end in self.stalls), default=0.0)
        return {"phases": phases, "longest_own_stall_ms": round(1000 * worst, 1), "epoch": time.time() - self.now()}

    def _told(self, kind: Kind) -> dict[str, Any]:
        took = sorted(kind.took)
        gaps = [(begin, end, end - begin - self._stalled(begin, end)) for begin, end in kind.gaps]
        less = max((rest for _, _, rest in gaps), default=kind.longest)
        return {
            "sent": kind.sent,
            "good": kind.good,
            "failed": kind.failed,
            "failures": kind.failures,
            "longest_gap_ms": round(1000 * kind.longest, 1),
            "longest_gap_less_own_stalls_ms": round(1000 * min(kind.longest, less), 1),
            "gaps": [(round(b, 3), round(1000 * (e - b), 1), round(1000 * rest, 1)) for b, e, rest in gaps[:5]],
            "ms": {q: round(1000 * took[min(len(took) - 1, len(took) * q // 100)], 1) for q in (50, 99, 100) if took},
            "by": kind.by,
        }

    def _stalled(self, begin: float, end: float) -> float:
        """For how much of that time the generator itself was not there."""
        return sum(max(0.0, min(end, e) - max(begin, b)) for b, e in self.stalls)


async def main(address: str, host: str, out: Path, light: bool) -> None:
    """Run it."""
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    name, _, port = address.rpartition(":")
    load = Load(Client(name, int(port), host), light)
    with contextlib.suppress(asyncio.CancelledError):
        await load.run(commands)
    out.write_text(json.dumps(load.report(), indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("host")
    parser.add_argument("out", type=Path)
    parser.add_argument("--light", action="store_true")
    given = parser.parse_args()
    asyncio.run(main(given.address, given.host, given.out, given.light))
