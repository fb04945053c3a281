"""What an operator decides about the looking at a migration: paths, rules, own checks, the budget, the soak. All optional.

paths: [/login]                    # compared in any case, beside the usual ones and those of the health checks
rate: 5                            # requests a second, on each way that is asked
seconds: 10                        # how long both sides are measured before the cut-over
websockets: [/ws]                  # one is held open through the Ingress on each of these paths
downloads: [/film.mkv]             # large files that must come whole
compare: {headers: {}, masks: [], paths: {}}     # see parity_rules
scripts: [{run: [./checks/shop, --quick], seconds: 60}]
budget: {failed: 0, gap_seconds: 1}
soak: {seconds: 900, restarts: 0, p95_ms: 500, memory_mib: 512}
drain: 600                         # seconds that connections to the containers may last after the soak, before they are stopped
edge: https://192.168.88.3         # where the Ingress answers this machine, if not at its own address or name
certificate: trusted               # `any`: the Ingress' certificate need not be trusted here (one signed by oneself)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from labtui.domain.errors import Invalid
from labtui.domain.migration.budget import Budget
from labtui.domain.migration.parity_rules import DEFAULT, Rules, overridden
from labtui.domain.migration.probes import MAX_RATE
from labtui.domain.text import clean

DAY = 86_400.0
MOST = 40  # paths of a kind


@dataclass(frozen=True, slots=True)
class OwnScript:
    """A check of the operator's own: the argument list, its variables, and its time limit in seconds."""

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """See the module. Times in seconds, memory in bytes; None is no limit."""

    paths: tuple[str, ...] = ()
    rate: float = 5.0
    seconds: float = 10.0
    websockets: tuple[str, ...] = ()
    downloads: tuple[str, ...] = ()
    rules: Rules = field(default_factory=lambda: DEFAULT)
    scripts: tuple[OwnScript, ...] = ()
    budget: Budget = field(default_factory=Budget)
    soak_seconds: float = 900.0
    soak_restarts: int = 0
    soak_p95: float | None = None
    soak_memory: int | None = None
    drain_seconds: float = 600.0
    edge: str = ""
    trusted: bool = True  # the certificate of the Ingress has to be


def settings_from(raw: Mapping[str, Any]) -> CheckSettings:
    """What a file says. Raises Invalid, naming the key, what is wrong with it and the nearest known one."""
    top = _Part(raw, "", "paths rate seconds websockets downloads compare scripts budget soak drain edge certificate")
    budget = _Part(top.mapping("budget"), "budget.", "failed gap_seconds")
    soak = _Part(top.mapping("soak"), "soak.", "seconds restarts p95_ms memory_mib")
    p95, memory = soak.number("p95_ms", None), soak.number("memory_mib", None)
    scripts = top.list_of("scripts")
    return CheckSettings(
        paths=top.paths("paths"),
        rate=top.number("rate", 5.0, MAX_RATE) or 5.0,
        seconds=top.number("seconds", 10.0, DAY, zero=True) or 0.0,
        websockets=top.paths("websockets"),
        downloads=top.paths("downloads"),
        rules=overridden(top.mapping("compare")),
        scripts=tuple(_script(script, f"scripts[{number}]") for number, script in enumerate(scripts, 1)),
        budget=Budget(budget.whole("failed"), budget.number("gap_seconds", 1.0, DAY) or 1.0),
        soak_seconds=soak.number("seconds", 900.0, 30 * DAY) or 900.0,
        soak_restarts=soak.whole("restarts"),
        soak_p95=None if p95 is None else p95 / 1000,
        soak_memory=None if memory is None else int(memory * 1024 * 1024),
        drain_seconds=top.number("drain", 600.0, DAY, zero=True) or 0.0,
        edge=top.url("edge"),
        trusted=top.word("certificate", ("trusted", "any")) == "trusted",
    )


def _script(raw: object, where: str) -> OwnScript:
    if not isinstance(raw, Mapping):
        raise Invalid(f"{where} is no mapping", hint="run: [program, argument, …] and seconds: 60")
    part = _Part(raw, f"{where}.", "run seconds")
    words = part.list_of("run")
    if not words or not all(isinstance(word, str) for word in words):
        raise Invalid(
            f"{where}.run is no list of texts", hint="A program and its arguments, each by itself: no shell runs it"
        )
    return OwnScript(tuple(words), seconds=part.number("seconds", 60.0, 3600.0) or 60.0)


class _Part:
    """One mapping of the file. `where` is what stands before its keys in messages."""

    def __init__(self, raw: Mapping[str, Any], where: str, known: str) -> None:
        self._raw, self._where = raw, where
        names = known.split()
        for key in raw:
            if key not in names:
                near = get_close_matches(str(key), names, 1)
                hint = f"Did you mean {near[0]}?" if near else f"One of {', '.join(names)}"
                raise Invalid(f"{where}{clean(str(key), 60)} is not known", hint=hint)

    def mapping(self, key: str) -> Mapping[str, Any]:
        found = self._raw.get(key)
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            raise Invalid(f"{self._where}{key} is no mapping")
        return found

    def list_of(self, key: str) -> list[Any]:
        found = self._raw.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise Invalid(f"{self._where}{key} is no list")
        return found

    def paths(self, key: str) -> tuple[str, ...]:
        found = self.list_of(key)
        if len(found) > MOST:
            raise Invalid(f"{self._where}{key} has {len(found)} entries", hint=f"{MOST} at most")
        for path in found:
            if (
                not isinstance(path, str)
                or len(path) > 200
                or not path.startswith("/")
                or not all(32 < ord(c) < 127 for c in path)
            ):
                raise Invalid(
                    f"{self._where}{key}: {_shown(path)} is no path",
                    hint="It begins with /; spaces and letters beyond ASCII as %XX",
                )
        return tuple(dict.fromkeys(found))

    def url(self, key: str) -> str:
        found = self._raw.get(key, "")
        if found == "":
            return ""
        try:
            parts = urlsplit(found) if isinstance(found, str) and len(found) <= 200 else None
            fits = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
            fits = fits and parts is not None and not (parts.path.strip("/") or parts.query or "@" in parts.netloc)
            fits = fits and parts is not None and parts.port != 0
        except ValueError:
            fits = False
        if not fits:
            raise Invalid(f"{self._where}{key} is {_shown(found)}", hint="https://ADDRESS or http://ADDRESS:PORT")
        return str(found)

    def word(self, key: str, words: tuple[str, ...]) -> str:
        """One of these; the first is the usual one."""
        found = self._raw.get(key, words[0])
        if found not in words:
            raise Invalid(f"{self._where}{key} is {_shown(found)}", hint=f"One of {', '.join(words)}")
        return str(found)

    def number(self, key: str, default: float | None, most: float = math.inf, *, zero: bool = False) -> float | None:
        found = self._raw.get(key)
        if found is None:
            return default
        fits = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
        if not fits or not (found > 0 or (zero and found == 0)) or found > most:
            limit = f", {most:g} at most" if most < math.inf else ""
            raise Invalid(f"{self._where}{key} is {_shown(found)}", hint=f"A number above 0{limit}")
        return float(found)

    def whole(self, key: str) -> int:
        found = self._raw.get(key, 0)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise Invalid(f"{self._where}{key} is {_shown(found)}", hint="0 or a whole number above it")
        return found


def _shown(value: object) -> str:
    """A value as it is named in a message. Lists are not written out: a few lines of aliases can make a huge one."""
    return "a list or mapping" if isinstance(value, list | dict) else clean(str(value), 60)
