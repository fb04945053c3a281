"""What `labtui doctor` finds out, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `subject` is the source's label (`kyiv`), `name` what was checked (`connection`, `version`, `clock`,
    `may list deployments`), `detail` what was found, `remedy` what to do if it is not ok."""

    subject: str
    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""
    unreachable: bool = False  # the server could not be reached: exit status 4 instead of 1
