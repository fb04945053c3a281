"""YAML files looked at beside docker compose: where something stands in them, and whether their aliases explode."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from labtui.domain.errors import Invalid

MAX_NODES = 2_000_000  # what a file may come to when its aliases are written out
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def refuse_explosion(file: Path, text: str) -> None:
    """Raises Invalid for a file whose aliases of aliases come to millions of nodes: docker compose would write them out."""
    if "&" not in text or "*" not in text:
        return
    try:
        root = yaml.compose(text, Loader=_Loader)
        if root is not None and _count(root, {}) > MAX_NODES:
            raise Invalid(f"{file} is too large", f"its aliases come to more than {MAX_NODES:,} nodes")
    except (yaml.YAMLError, RecursionError):
        return  # docker compose says what is wrong with it


def syntax_line(file: Path) -> int | None:
    """Where the file is no YAML; None when it is."""
    try:
        yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return int(mark.line) + 1 if mark else 1
    except (yaml.YAMLError, RecursionError):
        return 1
    except (OSError, UnicodeDecodeError):
        return None
    return None


def line_of(file: Path, path: Sequence[str]) -> int | None:
    """The line of the deepest part of a path that the file has, at least two deep; None when it has not even that."""
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None
    line, depth = None, 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if getattr(k, "value", None) == part), None)
            if found is None:
                break
            key, node = found
            line = int(key.start_mark.line) + 1
        elif isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = int(node.start_mark.line) + 1
        else:
            break
        depth += 1
    return line if depth >= min(2, len(path)) else None


def line_with(file: Path, text: str) -> int | None:
    """The line of the first key or value of a file that has `text` in it, as a word of its own; None when none has."""
    word = re.compile(rf"(?<![\w.-]){re.escape(text)}(?![\w.-])")
    scalars = (node for node in _nodes(file) if isinstance(node, yaml.ScalarNode))
    return next((int(node.start_mark.line) + 1 for node in scalars if word.search(node.value)), None)


def misshapen_line(file: Path) -> int | None:
    """Where a file is no mapping, its services are none, or what is merged in (`<<`) is none; 0: the file is empty."""
    roots = _documents(file)
    if roots is None:
        return None
    if not any(isinstance(root, yaml.Node) for root in roots):
        return 0
    for root in roots:
        if not isinstance(root, yaml.MappingNode):
            return int(root.start_mark.line) + 1
        for key, value in root.value:
            if getattr(key, "value", None) == "services" and not isinstance(value, yaml.MappingNode):
                return int(key.start_mark.line) + 1
    for node in _nodes(file):
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if getattr(key, "value", None) == "<<" and isinstance(value, yaml.ScalarNode):
                return int(key.start_mark.line) + 1
    return None


def _documents(file: Path) -> list[yaml.Node] | None:
    try:
        return [root for root in yaml.compose_all(file.read_text(encoding="utf-8"), Loader=_Loader) if root is not None]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None


def _nodes(file: Path) -> Iterator[yaml.Node]:
    """Every node of a file once, in its order; none of a file that is no YAML."""
    waiting, seen = list(reversed(_documents(file) or [])), set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting += [one for pair in reversed(node.value) for one in reversed(pair)]
        elif isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """The nodes of a document with every alias written out; an alias of what it stands in counts once."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = 1
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inner = [one for pair in node.value for one in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = list(node.value)
    total = 1
    for one in inner:
        total += _count(one, known)
        if total > MAX_NODES:
            break
    known[id(node)] = total
    return total
