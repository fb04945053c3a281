"""What a conversion says: a verdict for every key, choices for the operator, and the values that come out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_PLACEHOLDER = re.compile(r"\b(?:NAME|SERVER|PATH|SIZE)\b")  # these stand for what only the operator knows


class Verdict(StrEnum):
    """What becomes of a key."""

    CONVERTED = "converted"  # including: needs nothing on Kubernetes, and the detail says why
    CHOICE = "choice"  # the operator decides; there is a proposed answer unless `Choice.proposed` is empty
    REFUSED = "refused"  # this stack cannot move while it has this


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer: what is written, and what it means."""

    answer: str
    meaning: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The words that have to be replaced before this is an answer: SERVER and PATH of `nfs:SERVER:/PATH`."""
        return tuple(dict.fromkeys(_PLACEHOLDER.findall(self.answer)))


@dataclass(frozen=True, slots=True)
class Choice:
    """A question. `proposed` empty: it must be answered before anything moves. `given`: the answer came from the operator."""

    question: str
    options: tuple[Option, ...]
    proposed: str = ""
    given: str = ""
    free: bool = False  # any text is an answer (a size, a host name), the options are examples

    @property
    def answer(self) -> str:
        """What holds: the given answer, else the proposed one."""
        return self.given or self.proposed


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one key of one service; `service` is empty for the stack as a whole. `detail` is one sentence for
    people: what becomes of it, or why it cannot be and which pattern fits instead. It never holds a secret value."""

    service: str
    key: str
    verdict: Verdict
    detail: str
    choice: Choice | None = None

    @property
    def settled(self) -> bool:
        """A choice with an answer given by the operator counts as settled, and so does everything converted."""
        return self.verdict is Verdict.CONVERTED or (self.choice is not None and bool(self.choice.given))


@dataclass(frozen=True, slots=True)
class PlannedSecret:
    """An environment value (or file) that goes to Vault. `keys` are Compose variable names → keys of the Vault secret."""

    service: str
    path: str  # under the KV v2 mount, e.g. apps/immich
    key: str  # the key in that secret
    variable: str  # the environment variable, or the file's path in the container
    reason: str  # why it is taken for a secret: its name, its entropy, its env file …
    value: str | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class PlannedVolume:
    """What becomes of one mount: `becomes` is pvc, nfs, hostPath, configMap, secret, emptyDir, timezone or refused."""

    service: str
    target: str
    source: str
    read_only: bool
    becomes: str
    size: int | None = None  # bytes, as measured on the site; None: not measured
    writer: bool = False  # the container writes to it: one writer only
    kept: bool = False  # the pod has the very same data, in place: nothing is copied


@dataclass(frozen=True, slots=True)
class StackPlan:
    """What the move of a stack would be. `values` are those of the app chart and hold no secret value."""

    site: str
    stack: str
    components: tuple[str, ...]
    findings: tuple[Finding, ...]
    values: Mapping[str, Any] = field(repr=False)
    secrets: tuple[PlannedSecret, ...] = ()
    volumes: tuple[PlannedVolume, ...] = ()
    interruption: str = ""  # what users notice, in words; empty: nothing
    window: int | None = None  # how long nobody is answered, in seconds, by estimate; None: not at all, or not known

    @property
    def verdict(self) -> str:
        """`refused` if any key is, else `choices` while an answer is open or only proposed, else `ready`."""
        if any(f.verdict is Verdict.REFUSED for f in self.findings):
            return "refused"
        return "ready" if all(f.settled for f in self.findings) else "choices"
