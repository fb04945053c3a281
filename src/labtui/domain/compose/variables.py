"""The ${…} of Compose files, and where the values of a service's environment come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labtui.domain.compose.stack import EnvironmentValue, Origin

_VARIABLE = re.compile(r"\$\$|\$(?:\{\s*(?P<braced>[A-Za-z_]\w*)(?P<rest>:?[-+?])?|(?P<bare>[A-Za-z_]\w*))")
Lookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Reference:
    """A ${…}: `optional` when it says what stands there if the variable is not set."""

    name: str
    optional: bool


def references(text: str) -> tuple[Reference, ...]:
    """The variables of a text of a Compose file, nested ones too; `$$` is none."""
    found = []
    for met in _VARIABLE.finditer(text):
        if name := met["braced"] or met["bare"]:
            found.append(Reference(name, bool(met["rest"]) and met["rest"][-1] in "-+"))
    return tuple(found)


def strings(value: Any) -> Iterator[str]:
    """Every text in a document, its keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def written_environment(environment: Any) -> dict[str, str | None]:
    """`environment` as it stands in a file, a mapping or a list of NAME=VALUE; None for a name alone."""
    if isinstance(environment, Mapping):
        return {str(k): as_text(v) for k, v in environment.items()}
    found: dict[str, str | None] = {}
    for entry in environment or ():
        name, equals, text = str(entry).partition("=")
        found[name] = text if equals else None
    return found


def environment_values(
    merged: Mapping[str, Any], written: Mapping[str, str | None], value_of: Lookup, file_of: Callable[[str], str]
) -> tuple[EnvironmentValue, ...]:
    """The environment of a service: `merged` as docker compose fills it in, `written` as the files have it.

    `value_of` says what a variable stands for (None: it is set nowhere), `file_of` which env file a name comes from.
    """
    return tuple(_value(name, value, written, value_of, file_of) for name, value in merged.items())


def _value(
    name: str, value: Any, written: Mapping[str, str | None], value_of: Lookup, file_of: Callable[[str], str]
) -> EnvironmentValue:
    if name not in written:
        return EnvironmentValue(name, as_text(value), Origin.ENV_FILE, file=file_of(name))
    text = written[name]
    if text is None:
        return EnvironmentValue(name, value_of(name) if value is None else as_text(value), Origin.HOST, (name,))
    used = references(text)
    names = tuple(dict.fromkeys(reference.name for reference in used))
    missing = any(not r.optional and value_of(r.name) is None for r in used)
    return EnvironmentValue(
        name, None if missing else as_text(value), Origin.VARIABLE if used else Origin.LITERAL, names
    )


def as_text(value: Any) -> str | None:
    """A scalar of YAML as the text that a container gets; None stays None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def unset_variables(written: Any, value_of: Lookup) -> tuple[str, ...]:
    """The variables of a document that are set nowhere and have no default, sorted."""
    used = (reference for text in strings(written) for reference in references(text))
    return tuple(sorted({r.name for r in used if not r.optional and value_of(r.name) is None}))
