"""The rules by which two answers are compared: data that an operator can read and override.

headers:                 # name: same | present | type | cookies | ignore
  X-Powered-By: ignore
masks:                   # what is taken out of texts before they are compared: regular expressions
  - 'build [0-9a-f]+'
paths:                   # path: compare | status | ignore
  /metrics: status
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from labtui.domain.errors import Invalid
from labtui.domain.text import clean


class HeaderRule(StrEnum):
    """How a header is compared."""

    SAME = "same"  # the values are equal
    PRESENT = "present"  # both have it or neither; the values may differ
    TYPE = "type"  # a media type: equal but for case and spaces
    COOKIES = "cookies"  # the same cookies with the same attributes; their values differ
    IGNORE = "ignore"


class PathRule(StrEnum):
    """How much of a path's answers is compared."""

    COMPARE = "compare"
    STATUS = "status"  # the status alone
    IGNORE = "ignore"


Rule = TypeVar("Rule", HeaderRule, PathRule)


@dataclass(frozen=True, slots=True)
class Mask:
    """What is taken out of a text before it is compared, and what that is in words."""

    pattern: re.Pattern[str]
    words: str


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules. Headers by their lower-case names; a header without a rule may differ, and that is said."""

    headers: Mapping[str, HeaderRule]
    masks: tuple[Mask, ...]
    paths: Mapping[str, PathRule]

    def sentences(self) -> tuple[str, ...]:
        """The rules as an operator reads them."""
        words = {
            HeaderRule.SAME: "Headers that have to be equal",
            HeaderRule.PRESENT: "Headers that both or neither have to have",
            HeaderRule.TYPE: "Headers that have to name the same media type",
            HeaderRule.COOKIES: "Headers that have to set the same cookies, whatever their values",
            HeaderRule.IGNORE: "Headers that are not compared",
        }
        found = []
        for rule, said in words.items():
            names = sorted(name for name, have in self.headers.items() if have is rule)
            if names:
                found.append(f"{said}: {', '.join(names)}")
        found.append("Any other header may differ, and that is said")
        if self.masks:
            found.append(f"Taken out of texts before they are compared: {', '.join(m.words for m in self.masks)}")
        found.extend(f"{path}: {rule}" for path, rule in sorted(self.paths.items()))
        return tuple(found)


_SAME = (
    "allow cache-control content-disposition content-encoding content-language content-security-policy cross-origin-embedder-policy "
    "cross-origin-opener-policy cross-origin-resource-policy location permissions-policy referrer-policy strict-transport-security "
    "www-authenticate x-content-type-options x-frame-options access-control-allow-origin access-control-allow-methods "
    "access-control-allow-headers access-control-allow-credentials access-control-expose-headers access-control-max-age"
)
_PRESENT = "accept-ranges last-modified retry-after vary"
_IGNORE = (
    "age alt-svc audit-id connection content-length date etag expires keep-alive server server-timing transfer-encoding via "
    "x-cache x-correlation-id x-powered-by x-ratelimit-remaining x-ratelimit-reset x-request-id x-response-time x-runtime x-trace-id "
    "traceparent x-envoy-upstream-service-time x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip"
)

_MASKS = (
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", "moments"),
    (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "dates of HTTP"),
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "UUIDs"),
    (r"\b1\d{9}(?:\d{3})?(?:\.\d+)?\b", "seconds since 1970"),
    (
        r"""(?i)\b(?:nonce|csrf[\w-]*|xsrf[\w-]*|[\w-]*token)["']?\s*[=:]\s*["'][^"']{1,200}["']""",
        "nonces and CSRF tokens",
    ),
    (r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,64}\b", "identifiers of 12 to 64 hexadecimal digits"),
    (r"""(?i)\b(?:uptime|elapsed|duration|took|latency)[\w-]*["']?\s*[=:]\s*["']?[\d.]+""", "running times"),
)

DEFAULT = Rules(
    headers={
        **{name: HeaderRule.SAME for name in _SAME.split()},
        **{name: HeaderRule.PRESENT for name in _PRESENT.split()},
        **{name: HeaderRule.IGNORE for name in _IGNORE.split()},
        "content-type": HeaderRule.TYPE,
        "set-cookie": HeaderRule.COOKIES,
    },
    masks=tuple(Mask(re.compile(pattern), words) for pattern, words in _MASKS),
    paths={},
)


def overridden(raw: Mapping[str, Any], base: Rules = DEFAULT) -> Rules:
    """`base` with an operator's own rules on top. Raises Invalid, naming the key and what is possible."""
    known = ("headers", "masks", "paths")
    for key in raw:
        if key not in known:
            raise Invalid(
                f"{clean(str(key), 60)} is no part of the comparison's rules", hint=f"One of {', '.join(known)}"
            )
    headers = {
        str(name).lower(): _choice(HeaderRule, value, f"headers.{name}")
        for name, value in _mapping(raw, "headers").items()
    }
    paths = {str(path): _choice(PathRule, value, f"paths.{path}") for path, value in _mapping(raw, "paths").items()}
    masks = [] if raw.get("masks") is None else raw["masks"]
    if not isinstance(masks, list):
        raise Invalid("masks is no list", hint="A list of regular expressions")
    own = tuple(_mask(mask) for mask in masks)
    return Rules({**base.headers, **headers}, (*base.masks, *own), {**base.paths, **paths})


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = {} if raw.get(key) is None else raw[key]
    if not isinstance(found, Mapping):
        raise Invalid(f"{key} is no mapping", hint="A name and a rule on each line")
    return found


def _choice(kind: type[Rule], value: object, where: str) -> Rule:
    known = {k.value: k for k in kind}
    if isinstance(value, str) and value in known:
        return known[value]
    # only a text is written out: a few lines of YAML aliases can make a huge list
    shown = clean(value, 40) if isinstance(value, str) else "what stands there"
    raise Invalid(f"{clean(where, 80)}: {shown} is no rule", hint=f"One of {', '.join(known)}")


def _mask(value: object) -> Mask:
    if not isinstance(value, str) or not value:
        raise Invalid("masks holds something that is no text", hint="A list of regular expressions, in quotes")
    try:
        return Mask(re.compile(value), clean(value, 60))
    except re.error as error:
        raise Invalid(f"masks: {clean(value, 60)} is no regular expression", clean(str(error), 120)) from None
