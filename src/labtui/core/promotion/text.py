"""Making a YAML text say something else and nothing more: comments, order and spelling of what does not change stay.

Only the entries that differ are written anew, with the other environment's own lines (and comments) where it has them. The
result is read again and compared: it says exactly what was wanted, or nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from labtui.core.promotion.merge import named, same
from labtui.domain.errors import Invalid, Refused


def read_values(text: str, name: str) -> Any:
    """A value file; an empty one is a mapping without keys. Raises Invalid with file, line and reason."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None and _size(root, {}) > LIMIT:
            raise Invalid(
                f"{name} is too large", f"more than {LIMIT:,} values, with everything that its anchors repeat"
            )
        found = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Invalid(f"{name}{line} is no YAML", error.problem or "") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(f"{name} is no YAML", str(error)) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Invalid(f"{name} is no mapping of values")
    return found


def _size(node: Node, known: dict[int, int]) -> int:
    """How many values a node stands for, each alias counted as often as it is used. Raises ValueError for one in itself."""
    if isinstance(node, ScalarNode):
        return 1
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError("a value contains itself")
        return known[id(node)]
    known[id(node)] = 0
    parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def rewrite(old: str, wanted: Any, source: str, name: str) -> str:
    """`old` changed so that it reads as `wanted`; new lines are taken from `source` where they say the same there.

    Raises Refused when that cannot be done line by line.
    """
    if not old.endswith("\n"):
        old += "\n"
    root = yaml.compose(old, Loader=yaml.SafeLoader)
    if root is None:  # comments alone
        return old + source
    other = yaml.compose(source, Loader=yaml.SafeLoader)
    for lines in (other, None):  # the source's lines may use an anchor that is not here: then in our own words
        try:
            text = _Writer(old, source).written(root, wanted, lines)
            found = yaml.safe_load(text)
        except (_WholeError, yaml.YAMLError):
            continue
        if same({} if found is None else found, wanted):
            return text
    raise _cannot(name)


def _cannot(name: str) -> Refused:
    return Refused(f"{name} cannot be changed line by line", "", "Promote it by hand, or write it in block style first")


LIMIT = 100_000  # values of one file


class _WholeError(Exception):
    """This cannot be changed in parts: the entry around it has to be written anew."""


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


class _Writer:
    def __init__(self, old: str, source: str) -> None:
        self._old = _Lines(old)
        self._source = _Lines(source)

    def written(self, root: Node, wanted: Any, other: Node | None) -> str:
        text = self._old.text
        found = dict.fromkeys(self._edits(root, wanted, other, top=True))  # what is meant in two places is written once
        edits = sorted(found, key=lambda e: (e.start, e.end))
        for edit in reversed(edits):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    # What to change

    def _edits(self, old: Node, wanted: Any, other: Node | None, *, top: bool = False) -> list[_Edit]:
        """The edits that make `old` read as `wanted`. Raises _WholeError when its parts cannot be changed one by one."""
        if same(_value(old), wanted):
            return []
        flow = isinstance(old, CollectionNode) and bool(old.flow_style)
        if isinstance(old, MappingNode) and isinstance(wanted, Mapping) and old.value and (wanted or top):
            return self._mapping(old, wanted, other, flow)
        if isinstance(old, SequenceNode) and isinstance(wanted, list) and wanted and old.value:
            return self._sequence(old, wanted, other, flow)
        raise _WholeError

    def _mapping(self, old: MappingNode, wanted: Mapping[str, Any], other: Node | None, flow: bool) -> list[_Edit]:
        known = {_value(key): (key, value) for key, value in old.value}
        others = _entries(other)
        if flow and known.keys() != wanted.keys():
            raise _WholeError
        edits: list[_Edit] = []
        for key, (key_node, value_node) in known.items():
            if key not in wanted:
                edits.append(self._without(key_node, value_node))
            else:
                edits += self._entry(key_node, value_node, wanted[key], others.get(key), flow)
        # what stood first goes on standing first: the comment above it may be about the whole file
        before = old.value[0]
        for key, value in wanted.items():
            if key in known:
                before = known[key]
            else:
                edits.append(self._inserted(before, key, value, others.get(key)))
        return edits

    def _entry(self, key: Node, value: Node, wanted: Any, other: tuple[Node, Node] | None, flow: bool) -> list[_Edit]:
        """The edits of one entry: in its parts, else its value where it stands, else all its lines."""
        try:
            return self._edits(value, wanted, other[1] if other else None)
        except _WholeError:
            if value.start_mark.index < key.end_mark.index:  # an alias: its value stands somewhere else
                raise
        inline = _inline(value, self._old) and (flow or value.start_mark.line == key.start_mark.line)
        text = _flow(wanted) if flow else self._scalar(wanted, other)
        if inline and text is not None:
            gap = "" if value.start_mark.index > key.end_mark.index + 1 else " "  # `key:` without any value
            return [_Edit(value.start_mark.index, value.end_mark.index, gap + text)]
        if flow:
            raise _WholeError
        column = key.start_mark.column
        start = self._old.starts[key.start_mark.line] + column
        lines = self._lines(_value(key), wanted, other, column)
        return [_Edit(start, self._old.after(_last_line(value, self._old)), lines[column:])]

    def _without(self, key: Node, value: Node) -> _Edit:
        line = key.start_mark.line
        if self._old.line(line)[: key.start_mark.column].strip() or value.start_mark.index < key.start_mark.index:
            raise _WholeError  # `- key: value`, with the dash on its line; or an alias, whose value stands elsewhere
        start = self._old.starts[self._old.first_comment(line, key.start_mark.column)]
        return _Edit(start, self._old.after(_last_line(value, self._old)), "")

    def _inserted(self, before: tuple[Node, Node], key: Any, wanted: Any, other: tuple[Node, Node] | None) -> _Edit:
        place = self._old.after(_end(*before, self._old))
        return _Edit(place, place, self._lines(key, wanted, other, before[0].start_mark.column, comments=True))

    def _sequence(self, old: SequenceNode, wanted: list[Any], other: Node | None, flow: bool) -> list[_Edit]:
        values, others = [_value(item) for item in old.value], _items(other)
        if named(values) and named(wanted) and not flow:
            return self._named(old, {v["name"]: n for v, n in zip(values, old.value, strict=True)}, wanted, others)
        if len(values) != len(wanted):
            raise _WholeError
        edits = []
        for item, each in zip(old.value, wanted, strict=True):
            if isinstance(item, ScalarNode) and not same(_value(item), each):
                text = _flow(each) if flow else self._scalar(each, None)
                if text is None or not _inline(item, self._old):
                    raise _WholeError
                edits.append(_Edit(item.start_mark.index, item.end_mark.index, text))
            else:
                edits += self._edits(item, each, others.get(_label(each)))
        return edits

    def _named(
        self, old: SequenceNode, known: Mapping[str, Node], wanted: list[Any], others: Mapping[Any, Node]
    ) -> list[_Edit]:
        names = [item["name"] for item in wanted]
        if [n for n in known if n in names] != [n for n in names if n in known] or not set(known) & set(names):
            raise _WholeError  # another order
        column = old.start_mark.column
        edits: list[_Edit] = []
        after: Node | None = None
        for name, node in known.items():
            if name not in names:
                start = self._old.starts[self._old.first_comment(node.start_mark.line, column)]
                edits.append(_Edit(start, self._old.after(_last_line(node, self._old)), ""))
        for item in wanted:
            here = known.get(item["name"])
            if here is not None:
                edits += self._edits(here, item, others.get(item["name"]))
                after = here
                continue
            if after is not None:
                place = self._old.after(_last_line(after, self._old))
            else:
                place = self._old.starts[self._old.first_comment(old.start_mark.line, column)]
            edits.append(_Edit(place, place, self._item(item, others.get(item["name"]), column)))
        return edits

    # What to write

    def _scalar(self, wanted: Any, other: tuple[Node, Node] | None) -> str | None:
        """A value that fits behind its key on one line, as the source spells it; None when it does not fit."""
        if isinstance(wanted, dict | list) and wanted:
            return None
        if other and _same(other[1], wanted) and _inline(other[1], self._source):
            return self._source.text[other[1].start_mark.index : other[1].end_mark.index]
        text = _flow(wanted)
        return None if isinstance(wanted, str) and "\n" in wanted else text

    def _lines(
        self, key: Any, wanted: Any, other: tuple[Node, Node] | None, column: int, *, comments: bool = False
    ) -> str:
        """All lines of an entry at this column: the source's own where they say what is wanted."""
        if other and _same(other[1], wanted):
            first, base = other[0].start_mark.line, other[0].start_mark.column
            start = self._source.first_comment(first, base) if comments else first
            found = [self._source.line(n) for n in range(start, _last_line(other[1], self._source) + 1)]
            if not found[first - start][:base].strip():
                return _moved(found, base, column)
        text = yaml.safe_dump({key: wanted}, sort_keys=False, allow_unicode=True, width=120)
        return _moved(text.splitlines(), 0, column)

    def _item(self, wanted: Any, other: Node | None, column: int) -> str:
        if other is not None and _same(other, wanted):
            first = other.start_mark.line
            base = len(self._source.line(first)) - len(self._source.line(first).lstrip())
            start = self._source.first_comment(first, base)
            found = [self._source.line(n) for n in range(start, _last_line(other, self._source) + 1)]
            return _moved(found, base, column)
        text = yaml.safe_dump([wanted], sort_keys=False, allow_unicode=True, width=120)
        return _moved(text.splitlines(), 0, column)


class _Lines:
    """A text and where its lines begin."""

    def __init__(self, text: str) -> None:
        self.text = text if text.endswith("\n") else text + "\n"
        self.starts = [0]
        for index, char in enumerate(self.text):
            if char == "\n":
                self.starts.append(index + 1)

    def line(self, number: int) -> str:
        return self.text[self.starts[number] : self.after(number)].rstrip("\r\n")

    def after(self, number: int) -> int:
        """Where the line after this one begins."""
        return self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)

    def first_comment(self, line: int, column: int) -> int:
        """The first of the comment lines that stand right above a line and at its column; the line itself without any.

        What the text begins with is about all of it.
        """
        first = line
        while first > 0:
            above = self.line(first - 1)
            if not above.strip().startswith("#") or len(above) - len(above.lstrip()) != column:
                return first
            first -= 1
        return line


def _value(node: Node) -> Any:
    """What a node reads as."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _same(node: Node, wanted: Any) -> bool:
    return same(_value(node), wanted)


def _entries(node: Node | None) -> dict[Any, tuple[Node, Node]]:
    return {_value(key): (key, value) for key, value in node.value} if isinstance(node, MappingNode) else {}


def _items(node: Node | None) -> dict[Any, Node]:
    return {_label(_value(item)): item for item in node.value} if isinstance(node, SequenceNode) else {}


def _label(item: Any) -> Any:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) else None


def _inline(node: Node, lines: _Lines) -> bool:
    """Does its text begin and end on one line, so that it can be put elsewhere?"""
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return False
    if isinstance(node, CollectionNode) and not node.flow_style:
        return False
    return "\n" not in lines.text[node.start_mark.index : node.end_mark.index]


def _last_line(node: Node, lines: _Lines) -> int:
    """The last line that belongs to a node; comments and empty lines after it do not."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if not isinstance(last, tuple):
            return _last_line(last, lines)
        return _end(last[0], last[1], lines)
    end: int = node.end_mark.line
    if isinstance(node, ScalarNode) and node.style in ("|", ">") and node.end_mark.column == 0:
        end -= 1
    while end > node.start_mark.line and not lines.line(end).strip():
        end -= 1
    return end


def _end(key: Node, value: Node, lines: _Lines) -> int:
    """The last line of an entry. The value of an alias stands where its anchor is."""
    alias = value.start_mark.index < key.start_mark.index
    return int(key.end_mark.line) if alias else _last_line(value, lines)


def _moved(lines: list[str], base: int, column: int) -> str:
    """Lines that stand at one column, at another."""
    found = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        found.append(" " * column + line[min(base, indent) :] if line.strip() else "")
    return "".join(f"{line}\n" for line in found)


def _flow(wanted: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(wanted, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...").strip()
