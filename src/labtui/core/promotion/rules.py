"""`promote.yaml`: the keys that belong to an environment, and what each environment calls the same thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from labtui.domain.errors import Invalid

Path = tuple[str, ...]
_KEYS = ("environment", "sizes", "applications", "words")


@dataclass(frozen=True, slots=True)
class Rules:
    """`own` and `sizes` are patterns of keys that stay: names from the top, `*` for any one key or item. What the target
    does not have of `own` is missing; of `sizes` it begins with the other environment's. `words` are pairs: what the
    source calls a thing, and what the target calls it."""

    own: tuple[Path, ...] = ()
    sizes: tuple[Path, ...] = ()
    words: tuple[tuple[str, str], ...] = ()

    def stays(self, path: Path) -> bool:
        """Is this a key of an environment, with all that is in it?"""
        return any(_fits(pattern, path) for pattern in (*self.own, *self.sizes))

    def must_be_there(self, path: Path) -> bool:
        """Does the target have to have this key itself?"""
        return any(_fits(pattern, path) for pattern in self.own)

    def translated(self, text: str) -> str:
        """The source's text in the target's words."""
        if not self.words:
            return text
        meaning = dict(self.words)
        longest = sorted(meaning, key=len, reverse=True)
        found = re.compile(rf"(?<![\w-])(?:{'|'.join(re.escape(word) for word in longest)})(?![\w-]|\.\w)")
        return found.sub(lambda match: meaning[match[0]], text)


def _fits(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and all(p in ("*", k) for p, k in zip(pattern, path, strict=True))


def read_rules(text: str, name: str, application: str, source: str, target: str) -> Rules:
    """The rules for one application and two environments; `name` is the file's. Raises Invalid for what is wrong with it."""
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise Invalid(f"{name} is no YAML", str(error)) from error
    if not isinstance(content, dict) or not content.keys() <= set(_KEYS):
        raise Invalid(f"{name} is not understood", f"its keys are {', '.join(_KEYS)}")
    more = _mapping(content, "applications", name).get(application) or ()
    return Rules(
        own=(*_patterns(content.get("environment") or (), name), *_patterns(more, name)),
        sizes=_patterns(content.get("sizes") or (), name),
        words=_words(content.get("words") or (), name, source, target),
    )


def _mapping(content: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    found = content.get(key) or {}
    if not isinstance(found, dict):
        raise Invalid(f"{name}: {key} must be a mapping")
    return found


def _patterns(found: Any, name: str) -> tuple[Path, ...]:
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) and each for each in found):
        raise Invalid(f"{name}: keys are written like components.*.docker, one a line")
    return tuple(tuple(each.split(".")) for each in found)


def _words(found: Any, name: str, source: str, target: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for each in found if isinstance(found, list) else [None]:
        if not isinstance(each, dict) or not all(isinstance(v, str) and v for v in each.values()):
            raise Invalid(f"{name}: a word is written like {{homelab: example.org, staging: staging.example.org}}")
        if source in each and target in each and each[source] != each[target]:
            pairs.append((each[source], each[target]))
    return tuple(pairs)
