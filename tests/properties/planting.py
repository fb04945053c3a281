"""Recognisable secret values, and where they are looked for."""

from __future__ import annotations

import base64
import html
import json
import random
from collections.abc import Iterable
from urllib.parse import quote

_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Planted:
    """The secrets of one generated stack: the values as a container would get them, and the variables of its env files."""

    def __init__(self, r: random.Random) -> None:
        self._r = r
        self.values: list[str] = []
        self.variables: dict[str, str] = {}

    def value(self) -> str:
        """A new secret of 24 characters."""
        self.values.append("Zq" + "".join(self._r.choice(_LETTERS) for _ in range(22)))
        return self.values[-1]

    def number(self) -> int:
        """A secret that YAML takes for a number."""
        number = self._r.randrange(10**11, 10**12)
        self.values.append(str(number))
        return number

    def written(self) -> str:
        """A secret as it stands in a Compose file: itself, or the ${…} that an env file has it for."""
        return self.value() if self._r.random() < 0.5 else self.variable(self.value())

    def nasty(self) -> str:
        """One with quotes, a dollar, blanks and a backslash in it, as a ${…}."""
        value = f"Zq{self._r.randrange(10**9)}$x '\"#\\ {self._r.randrange(10**9)}é"
        self.values.append(value)
        return self.variable(value)

    def variable(self, value: str) -> str:
        """A ${…} for a value, in one of the forms that Compose knows."""
        name = f"PLANTED_{len(self.variables)}"
        self.variables[name] = value
        return self._r.choice(("${%s}", "$%s", "${%s:-nothing}", "${%s:?say it}", "${%s?say it}")) % name

    def env_file(self) -> str:
        """The text of the site's env file."""
        return "".join(f"{name}={_quoted(value)}\n" for name, value in self.variables.items())


def _quoted(value: str) -> str:
    # double quotes: what stands in single ones cannot hold a single one
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") + '"'


def shown(values: Iterable[str], text: str) -> list[str]:
    """The secrets that `text` holds, plain or in a form in which they may have been printed."""
    return [value for value in values if any(form in text for form in _forms(value))]


def _forms(value: str) -> set[str]:
    coded = base64.b64encode(value.encode()).decode().rstrip("=")[:-1]
    as_json = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    return {
        value,
        repr(value)[1:-1],
        *as_json,
        coded,
        quote(value, safe=""),
        html.escape(value),
        value.replace("$", "$$"),
    }
