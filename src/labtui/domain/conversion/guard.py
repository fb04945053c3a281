"""The last gate: no value that goes to Vault is in what a plan shows, whatever the rules above did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.findings import Choice, Finding, Option, Verdict

HIDDEN = "(kept in Vault)"


def distinctive(c: Conversion, value: str | None) -> bool:
    """Is this value so peculiar that finding it inside another text is no accident?

    Short ones and those that the stack uses as names (a database called immich with the password immich) are not.
    """
    if value is None or len(value) < 8:
        return False
    names = {c.stack.name, *(s.name for s in c.stack.services), *(s.image for s in c.stack.services)}
    return not any(value in name for name in names)


def keep_secrets_out(c: Conversion, values: dict[str, Any]) -> dict[str, Any]:
    """A copy of `values` with every text that holds a secret value replaced, each of them a refused finding; findings alike."""
    secrets = {s.value for s in c.secrets if s.value is not None and distinctive(c, s.value)} | set(c.known)

    def holds(text: str) -> bool:
        return any(secret in text for secret in secrets)

    found: list[str] = []

    def walk(value: Any, path: str) -> Any:
        if isinstance(value, str) and holds(value):
            found.append(path)
            return HIDDEN
        if isinstance(value, Mapping):
            return {HIDDEN if holds(str(k)) else k: walk(v, f"{path}.{k}") for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [walk(v, f"{path}.{i}") for i, v in enumerate(value)]
        return value

    safe: dict[str, Any] = walk(values, "values")
    for path in found:
        where = HIDDEN if holds(path) else path
        c.refused(
            "", where, "A value that goes to Vault would be written here; take it out of the Compose file's line."
        )
    c.findings = [_clean(finding, holds) for finding in c.findings]
    return safe


def _clean(finding: Finding, holds: Any) -> Finding:
    choice = finding.choice
    if choice and (holds(choice.proposed) or holds(choice.question) or any(holds(o.meaning) for o in choice.options)):
        options = tuple(Option(o.answer, HIDDEN if holds(o.meaning) else o.meaning) for o in choice.options)
        choice = Choice(HIDDEN if holds(choice.question) else choice.question, options, "", choice.given, choice.free)
    detail = HIDDEN if holds(finding.detail) else finding.detail
    verdict = Verdict.REFUSED if detail == HIDDEN else finding.verdict
    return replace(finding, detail=detail, verdict=verdict, choice=choice)
