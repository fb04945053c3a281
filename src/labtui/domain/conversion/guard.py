"""The last gate: no value that goes to Vault is in what a plan shows, whatever the rules above did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.findings import Choice, Finding, Option, Verdict
from labtui.domain.conversion.needles import SHORTEST, Needles
from labtui.domain.conversion.secrecy import Sort, judge

HIDDEN = "(kept in Vault)"
UNWRITABLE = "(cannot be written)"
_UNWRITABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")


def distinctive(c: Conversion, value: str | None) -> bool:
    """Is this value so peculiar that finding it inside another text is no accident?

    Short ones and those that the stack uses as names (a database called immich with the password immich) are not.
    """
    if value is None or len(value) < SHORTEST:
        return False
    if not c.words:
        c.words = frozenset(_words(c))
    return value not in c.words


def _words(c: Conversion) -> Iterator[str]:
    yield c.stack.name
    for service in c.stack.services:
        yield from (service.name, service.image, *re.split(r"[/:@]", service.image))
        for variable in service.environment:
            if variable.value and variable.value.isalpha() and judge(variable).sort is Sort.PLAIN:
                yield variable.value


def keep_secrets_out(c: Conversion, values: dict[str, Any]) -> dict[str, Any]:
    """A copy of `values` with every text that holds a secret value replaced, each of them a refused finding; findings alike."""
    secrets = {s.value for s in c.secrets if s.value is not None and distinctive(c, s.value)} | set(c.known)

    needles = Needles(sorted(secrets))

    def holds(text: str) -> bool:
        return bool(needles.first(text))

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
    safe = _writable(c, safe, "values")
    for path in found:
        where = HIDDEN if holds(path) else path
        c.refused(
            "", where, "A value that goes to Vault would be written here; take it out of the Compose file's line."
        )
    c.needles = needles
    c.findings = [replace(_clean(finding, holds), key=masked(c, finding.key)) for finding in c.findings]
    c.volumes = [replace(v, target=masked(c, v.target), source=masked(c, v.source)) for v in c.volumes]
    return safe


def masked(c: Conversion, text: str) -> str:
    """A key or path without the secrets in it: somebody may have named a folder like a password."""
    while secret := c.needles.first(text):
        text = text.replace(secret, HIDDEN)
    return text


def _writable(c: Conversion, value: Any, path: str) -> Any:
    """The same without texts that helm drops or changes without a word; each is a refused finding."""
    if isinstance(value, str) and _UNWRITABLE.search(value):
        c.refused("", path, "It has a control character that YAML has no place for: take it out of the Compose file.")
        return UNWRITABLE
    if isinstance(value, dict):
        return {key: _writable(c, inner, f"{path}.{key}") for key, inner in value.items()}
    if isinstance(value, list):
        return [_writable(c, inner, f"{path}.{number}") for number, inner in enumerate(value)]
    return value


def _clean(finding: Finding, holds: Any) -> Finding:
    choice = finding.choice
    if choice and (holds(choice.proposed) or holds(choice.question) or any(holds(o.meaning) for o in choice.options)):
        options = tuple(Option(o.answer, HIDDEN if holds(o.meaning) else o.meaning) for o in choice.options)
        choice = Choice(HIDDEN if holds(choice.question) else choice.question, options, "", choice.given, choice.free)
    detail = HIDDEN if holds(finding.detail) else finding.detail
    verdict = Verdict.REFUSED if detail == HIDDEN else finding.verdict
    return replace(finding, detail=detail, verdict=verdict, choice=choice)
