"""`labtui plan --out DIR`: the values and the rendered objects as files, never over a file that somebody else wrote."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from labtui.core.stackplan import Objects, PlannedStack
from labtui.core.yamltext import to_yaml
from labtui.domain.errors import Invalid, Refused
from labtui.domain.text import clean

RECORD = ".labtui-plan.json"  # what labtui wrote here: file → SHA-256 of its text
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


def write_files(out: Path, planned: PlannedStack, objects: Objects) -> list[Path]:
    """Write `<stack>.values.yaml` and `<stack>/<kind>-<name>.yaml` below `out`; answers with their paths.

    A file that is not as labtui left it there is not touched: then nothing is written at all. What an earlier plan of
    this stack left and this one does not have is removed.
    """
    texts = _texts(planned, objects)
    try:
        record = _record(out)
        _check(out, texts, record)
        return _write(out, planned.stack.name, texts, record)
    except OSError as error:
        raise Invalid(f"The plan cannot be written to {out}", f"{error.filename}: {error.strerror}") from error


def _texts(planned: PlannedStack, objects: Objects) -> dict[str, str]:
    stack = _safe(planned.stack.name)
    head = f"# Written by `labtui plan {clean(planned.name)}`.\n"
    texts = {
        f"{stack}.values.yaml": head
        + "# Values of the app chart; they hold no secret.\n"
        + to_yaml(planned.plan.values)
    }
    for found in objects:
        metadata = found.get("metadata")
        name = str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""
        base = f"{stack}/{_safe(str(found.get('kind')).lower())}-{_safe(name)}"
        file, number = f"{base}.yaml", 1
        while file in texts:  # two objects of one kind and name in different groups
            number += 1
            file = f"{base}-{number}.yaml"
        texts[file] = head + to_yaml(found)
    return texts


def _safe(name: str) -> str:
    return _STRANGE.sub("_", name).lstrip(".")[:120] or "_"


def _check(out: Path, texts: Mapping[str, str], record: Mapping[str, str]) -> None:
    foreign = []
    for file, text in texts.items():
        place = out / file
        if place.is_symlink() or place.parent.is_symlink() or (place.exists() and not place.is_file()):
            foreign.append(file)
        elif place.exists():
            there = place.read_bytes()
            if there != text.encode() and _digest(there) != record.get(file):
                foreign.append(file)
    if foreign:
        raise Refused(
            f"{out} has files that labtui did not write, or that were edited since",
            ", ".join(foreign),
            "Nothing was written; choose another folder, or move them away",
        )


def _write(out: Path, stack: str, texts: Mapping[str, str], record: dict[str, str]) -> list[Path]:
    own = (f"{_safe(stack)}.values.yaml", f"{_safe(stack)}/")
    for file in [f for f in record if f.startswith(own) and f not in texts]:
        place = out / file
        if place.is_file() and not place.is_symlink() and _digest(place.read_bytes()) == record[file]:
            place.unlink()
        del record[file]
    written = []
    for file, text in texts.items():
        place = out / file
        place.parent.mkdir(parents=True, exist_ok=True)
        _replace(place, text)
        record[file] = _digest(text.encode())
        written.append(place)
    # last: when it is cut off before, the same plan finds its own texts and goes on
    _replace(out / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return written


def _replace(place: Path, text: str) -> None:
    """Whole or not at all."""
    new = place.with_name(f".{place.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(place)


def _record(out: Path) -> dict[str, str]:
    try:
        found = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        return {}  # damaged: then no file counts as ours
    if not isinstance(found, dict):
        return {}
    return {str(k): str(v) for k, v in found.items() if not Path(k).is_absolute() and ".." not in Path(k).parts}


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
