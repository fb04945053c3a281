"""Do two sides answer alike? Answers to the same path are compared by rules; each difference is said and judged. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlsplit

from labtui.domain.compose.stack import Service
from labtui.domain.migration.parity_rules import DEFAULT, HeaderRule, PathRule, Rules
from labtui.domain.migration.probes import Answer
from labtui.domain.text import clean

USUAL_PATHS = ("/", "/health", "/healthz", "/api/health", "/-/healthy")
SHORT = 256  # bytes of a body
SAID, MOST = 5, 50  # differences of one path in a sentence, and at all
VALUE_SHOWN = 80  # characters of a header's value


class Verdict(IntEnum):
    """How two answers compare, best first."""

    SAME = 0
    ACCEPTABLE = 1
    DIFFERS = 2

    @property
    def word(self) -> str:
        """As it is shown."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not equal. `sentence` never holds a part of a body, nor a cookie's value."""

    what: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """How the answers of both sides to a path compare. `docker` and `kubernetes` are the statuses, None without an answer."""

    path: str
    verdict: Verdict
    sentence: str
    docker: int | None = None
    kubernetes: int | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What a side calls itself, which may be in its answers and says nothing: its own addresses (`host:port`), the names of its
    containers or pods, the prefix under which the API server shows a pod."""

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    prefix: str = ""


def worst(verdicts: Iterable[PathVerdict]) -> Verdict:
    """The verdict on all of them together."""
    return max((v.verdict for v in verdicts), default=Verdict.SAME)


def compare(
    path: str,
    docker: Answer,
    kubernetes: Answer,
    rules: Rules = DEFAULT,
    identities: tuple[Identity, Identity] = (Identity(), Identity()),
) -> PathVerdict:
    """Compare both sides' answers to a path; `identities` are Docker's and Kubernetes'."""
    return judged(path, docker, kubernetes, rules, identities, lambda: _bodies(docker, kubernetes, rules, identities))


def judged(
    path: str,
    docker: Answer,
    kubernetes: Answer,
    rules: Rules,
    identities: tuple[Identity, Identity],
    bodies: Callable[[], Difference | None],
) -> PathVerdict:
    """Like `compare`, where `bodies` knows how the bodies compare."""
    rule = rules.paths.get(path, PathRule.COMPARE)
    statuses = (docker.status, kubernetes.status)
    if rule is PathRule.IGNORE:
        return PathVerdict(path, Verdict.ACCEPTABLE, "not compared, by a rule", *statuses)
    found: list[Difference] = []
    if docker.status != kubernetes.status:
        said = f"status {docker.status} on Docker, {kubernetes.status} on Kubernetes"
        found.append(Difference("status", Verdict.DIFFERS, said))
    elif rule is PathRule.COMPARE:
        found.extend(_headers(docker, kubernetes, rules, identities))
        body = bodies()
        if body is not None:
            found.append(body)
    found.sort(key=lambda d: -d.verdict)
    if not found:
        status = f"{docker.status} = {docker.status}"
        sentence = f"status {status}" if rule is PathRule.STATUS else f"status {status}, same headers, same body"
        return PathVerdict(path, Verdict.SAME, sentence, *statuses)
    sentence = clean("; ".join(d.sentence for d in found[:SAID]), 500) + (
        f"; and {len(found) - SAID} more" if len(found) > SAID else ""
    )
    return PathVerdict(path, found[0].verdict, sentence, *statuses, tuple(found[:MOST]))


def unanswered(path: str, docker: str, kubernetes: str) -> PathVerdict:
    """One side, or both, gave no answer: the reasons, empty for a side that answered."""
    parts = [f"no answer from {side}: {why}" for side, why in (("Docker", docker), ("Kubernetes", kubernetes)) if why]
    return PathVerdict(path, Verdict.DIFFERS, "; ".join(parts))


# Headers


def _headers(
    docker: Answer, kubernetes: Answer, rules: Rules, identities: tuple[Identity, Identity]
) -> Iterable[Difference]:
    names = dict.fromkeys(name for name, _ in (*docker.headers, *kubernetes.headers))
    for name in names:
        rule = rules.headers.get(name)
        if rule is HeaderRule.IGNORE:
            continue
        old, new = docker.header(name), kubernetes.header(name)
        shown = clean(name, 60)
        if rule is HeaderRule.COOKIES:
            yield from _cookies(docker, kubernetes)
            continue
        if name == "location":
            old, new = _location(old, identities[0]), _location(new, identities[1])
        verdict = Verdict.ACCEPTABLE if rule is None else Verdict.DIFFERS
        if not old or not new:
            if old != new:
                who = "Docker" if old else "Kubernetes"
                yield Difference(shown, verdict, f"only {who} sends {shown}")
        elif rule is not HeaderRule.PRESENT and _plain(old, rule) != _plain(new, rule):
            values = f"{clean(old, VALUE_SHOWN)} on Docker, {clean(new, VALUE_SHOWN)} on Kubernetes"
            yield Difference(shown, verdict, f"{shown} is {values}")


def _plain(value: str, rule: HeaderRule | None) -> str:
    return re.sub(r"\s+", "", value).lower() if rule is HeaderRule.TYPE else value.strip()


def _cookies(docker: Answer, kubernetes: Answer) -> Iterable[Difference]:
    old, new = _cookie_forms(docker), _cookie_forms(kubernetes)
    for name in sorted(old.keys() | new.keys()):
        shown = clean(name, 60)
        if name not in old or name not in new:
            who = "Docker" if name in old else "Kubernetes"
            yield Difference("set-cookie", Verdict.DIFFERS, f"only {who} sets the cookie {shown}")
        elif old[name] != new[name]:
            other = clean(", ".join(sorted(old[name] ^ new[name])), VALUE_SHOWN)
            yield Difference("set-cookie", Verdict.DIFFERS, f"the cookie {shown} has other attributes: {other}")


def _cookie_forms(answer: Answer) -> dict[str, frozenset[str]]:
    """Each cookie with its attributes, without its value and the moments at which it ends."""
    found = {}
    for header, value in answer.headers:
        if header == "set-cookie":
            pair, *attributes = value.split(";")
            plain = (a.strip().lower() for a in attributes)
            kept = (a for a in plain if a and not a.startswith(("expires=", "max-age=")))
            found[pair.partition("=")[0].strip()] = frozenset(kept)
    return found


def _location(value: str, identity: Identity) -> str:
    """A redirect to the side's own address is one to the same place on whatever address it is reached."""
    path = value
    try:
        parts = urlsplit(value)
    except ValueError:  # no address at all: compared as it is
        return value
    if parts.netloc and parts.netloc in identity.addresses:
        path = parts._replace(scheme="", netloc="").geturl() or "/"
    if identity.prefix and path.startswith(identity.prefix):
        path = path[len(identity.prefix) :] or "/"
    return path


# Bodies


def _bodies(
    docker: Answer, kubernetes: Answer, rules: Rules, identities: tuple[Identity, Identity]
) -> Difference | None:
    if docker.complete and kubernetes.complete and docker.sha256 == kubernetes.sha256:
        return None
    return like_forms(form_of(docker, rules, identities[0]), form_of(kubernetes, rules, identities[1]))


@dataclass(frozen=True, slots=True)
class Form:
    """What of a body is compared, without anything that it says. `masked` and `shape` are digests: of its text without what
    changes with every answer, and of its form if it is JSON; empty where it is no text, or longer than what is kept of it."""

    size: int
    masked: str = ""
    shape: str = ""


def form_of(answer: Answer, rules: Rules, identity: Identity) -> Form:
    """The form of an answer's body."""
    text = _text(answer) if len(answer.prefix) == answer.size else None
    if text is None:
        return Form(answer.size)
    shape = _json_shape(text)
    return Form(answer.size, _digest(masked_text(text, rules, identity)), "" if shape is None else _digest(repr(shape)))


def like_forms(docker: Form, kubernetes: Form) -> Difference:
    """How two bodies compare that are not the same bytes."""
    if docker.masked and docker.masked == kubernetes.masked:
        return Difference("body", Verdict.ACCEPTABLE, "same body but for what changes with every answer")
    if docker.shape and kubernetes.shape:
        if docker.shape == kubernetes.shape:
            return Difference("body", Verdict.ACCEPTABLE, "JSON of the same form with other values")
        return Difference("body", Verdict.DIFFERS, "JSON of another form")
    sizes = f"{docker.size} bytes on Docker, {kubernetes.size} on Kubernetes"
    if _alike(docker.size, kubernetes.size):
        return Difference("body", Verdict.ACCEPTABLE, f"another body of about the same size ({sizes})")
    return Difference("body", Verdict.DIFFERS, f"another body ({sizes})")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def masked_text(text: str, rules: Rules, identity: Identity) -> str:
    """A body without what changes with every answer, and without what the side calls itself."""
    if identity.prefix:
        text = text.replace(identity.prefix, "")
    for name in sorted((*identity.addresses, *identity.names), key=len, reverse=True):
        if name:
            text = text.replace(name, "·")
    for mask in rules.masks:
        text = mask.pattern.sub("·", text)
    return text


def _text(answer: Answer) -> str | None:
    if answer.header("content-encoding") not in ("", "identity"):
        return None
    try:
        return answer.prefix.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _json_shape(text: str) -> object:
    """The keys and types of a JSON document, None when it is none. Of a list, the forms of its items."""
    try:
        return _shape(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return tuple(sorted(((key, _shape(inner)) for key, inner in value.items()), key=repr))
    if isinstance(value, list):
        return ("list", tuple(sorted({repr(_shape(inner)) for inner in value})))
    # whole numbers and fractions are one kind to JSON
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def _alike(old: int, new: int) -> bool:
    """The same size class: within a tenth. What is short says everything by its very words: `ok` is not `no`."""
    return min(old, new) >= SHORT and abs(old - new) <= max(old, new) // 10


# Paths


def paths_to_compare(services: Iterable[Service], own: Sequence[str] = ()) -> tuple[str, ...]:
    """The paths to look at: the operator's first, then those of the Compose health checks, then the usual ones."""
    checks = [path for service in services if (path := healthcheck_path(service))]
    return tuple(dict.fromkeys((*own, *checks, *USUAL_PATHS)))


_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::\d+)?(/[^\s\"'|;&)`$\\]*)?")


def healthcheck_path(service: Service) -> str:
    """The path that a service's own health check asks, empty when it asks none of its own."""
    check = service.raw.get("healthcheck")
    test = check.get("test") if isinstance(check, dict) else None
    words = test if isinstance(test, list) else [test] if isinstance(test, str) else []
    found = _URL.search(" ".join(str(word) for word in words))
    return (found.group(1) or "/") if found else ""
