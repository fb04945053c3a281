"""Config templates: `{{VAR}}` becomes the value that the env files give VAR. Other `{{…}}` is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labtui.adapters.compose.places import StackFiles, check
from labtui.adapters.compose.variables import Values
from labtui.domain.errors import Invalid

SUFFIX = ".tmpl"
_PLACE = re.compile(r"\{\{ ?([A-Za-z_][A-Za-z0-9_]*) ?\}\}")


@dataclass(frozen=True, slots=True)
class Filled:
    """What a template becomes: `path` is on the site's host. The text may hold secrets: in no repr."""

    path: str
    text: str = field(repr=False)


def targets(files: StackFiles) -> tuple[str, ...]:
    """Where the stack's templates are filled in, on the site's host."""
    return tuple(_target(files, template) for template in files.templates())


def fill(files: StackFiles, values: Values) -> tuple[Filled, ...]:
    """All templates of a stack. Raises Invalid with the file and line of every name that no env file has."""
    filled: list[Filled] = []
    missing: list[str] = []
    for template in files.templates():
        text = check(template)
        missing += _missing(template, text, values)
        filled.append(Filled(_target(files, template), _PLACE.sub(lambda m: values.get(m[1]) or "", text)))
    if missing:
        hint = f"Set them in {files.here / '.env.user'}; .env.user.example names what there is"
        raise Invalid("A template has a name that no env file has", "; ".join(missing), hint)
    return tuple(filled)


def _missing(template: Path, text: str, values: Values) -> Iterable[str]:
    for number, line in enumerate(text.splitlines(), 1):
        for met in _PLACE.finditer(line):
            if met[1] not in values.in_env_files or values.get(met[1]) is None:
                yield f"{template}:{number}: {met[1]}"


def _target(files: StackFiles, template: Path) -> str:
    relative = template.relative_to(files.here)
    return str(PurePosixPath(files.folder, *relative.parts[:-1], relative.name.removesuffix(SUFFIX)))
