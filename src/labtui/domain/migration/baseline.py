"""What Docker answered before it was stopped, kept so that the pods' answers can be compared with it. Pure.

Nothing of a body is kept but its size and digests, of a cookie its name and attributes, of headers those that a rule names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from labtui.domain.migration.parity import Difference, Form, Identity, PathVerdict, form_of, judged, like_forms
from labtui.domain.migration.parity_rules import HeaderRule, Rules
from labtui.domain.migration.probes import Answer

LONGEST = 500  # characters of a header's value


@dataclass(frozen=True, slots=True)
class Header:
    """One header of an answer."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one answer."""

    path: str
    status: int
    sha256: str
    form: Form
    headers: tuple[Header, ...] = ()
    complete: bool = True


def kept_of(path: str, answer: Answer, rules: Rules, identity: Identity) -> Kept:
    """What is kept of Docker's answer to a path; `identity` is how Docker calls itself."""
    headers = tuple(_headers(answer.headers, rules))
    form = form_of(answer, rules, identity)
    return Kept(path, answer.status, answer.sha256, form, headers, answer.complete)


def compare_with(
    kept: Kept, now: Answer, rules: Rules, identities: tuple[Identity, Identity] = (Identity(), Identity())
) -> PathVerdict:
    """Compare an answer of the pods with what Docker answered; `identities` are Docker's and Kubernetes'."""
    pairs = tuple((header.name, header.value) for header in kept.headers)
    old = Answer(kept.status, pairs, b"", kept.form.size, kept.sha256, 0.0, kept.complete)
    # headers that no rule names may differ anyway, and were not kept
    new = replace(now, headers=tuple((header.name, header.value) for header in _headers(now.headers, rules)))

    def bodies() -> Difference | None:
        if kept.complete and now.complete and kept.sha256 == now.sha256:
            return None
        return like_forms(kept.form, form_of(now, rules, identities[1]))

    return judged(kept.path, old, new, rules, identities, bodies)


def _headers(headers: Iterable[tuple[str, str]], rules: Rules) -> Iterator[Header]:
    for name, value in headers:
        rule = rules.headers.get(name)
        if rule is HeaderRule.COOKIES:
            pair, *attributes = value.split(";")
            yield Header(name, ";".join((f"{pair.partition('=')[0].strip()[:LONGEST]}=", *attributes))[:LONGEST])
        elif rule is HeaderRule.PRESENT:
            yield Header(name, "sent")
        elif rule is not None and rule is not HeaderRule.IGNORE:
            yield Header(name, value[:LONGEST])
