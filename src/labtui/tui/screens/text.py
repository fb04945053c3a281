"""A page of text: a diff, a resource tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from labtui.domain.resources.argocd import Application
from labtui.domain.states import Level
from labtui.domain.text import clean, clean_lines
from labtui.ports import TreeNode
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.lines import Lines
from labtui.tui.widgets.page import Page, Row, Spans, Tone, tone_of

Key = tuple[str, str, str, str]
_LEVELS = {
    "Healthy": Level.WELL,
    "Progressing": Level.MOVING,
    "Degraded": Level.BROKEN,
    "Missing": Level.BROKEN,
    "Suspended": Level.OFF,
    "Unknown": Level.UNKNOWN,
}
_DEEPEST = 40


class TextScreen(Dialog[None]):
    """Lines to read and to scroll, with a line above them that says what they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "sideways(-8)", show=False),
        Binding("right,l", "sideways(8)", show=False),
        Binding("q", "close", show=False),
    ]
    tall = True

    def __init__(self, title: str, lines: Sequence[Spans], note: str = "") -> None:
        super().__init__(title)
        self._lines = tuple(lines)
        self._note = note

    def head(self) -> ComposeResult:
        """The note."""
        if self._note:
            yield Page((Row("", self._note, "muted", width=0), Row(width=0)))

    def content(self) -> ComposeResult:
        """The lines."""
        yield Lines(self._lines, css_id="body")

    def action_sideways(self, cells: int) -> None:
        """Scroll to the left or right."""
        self.query_one("#body", Lines).scroll_relative(x=cells, animate=False)


def yaml_lines(text: str) -> list[Spans]:
    """YAML with its keys told from its values by tone."""
    lines: list[Spans] = []
    for line in clean_lines(text, 2_000_000).split("\n"):
        head, colon, rest = line.partition(":")
        if line.lstrip().startswith("#") or line == "---":
            lines.append(((line, "muted"),))
        elif colon and (not rest or rest.startswith(" ")) and '"' not in head and "'" not in head:
            lines.append(((f"{head}:", "muted"), (rest, "")))
        else:
            lines.append(((line, ""),))
    return lines


def table_lines(rows: Sequence[Sequence[str]]) -> list[Spans]:
    """Columns as wide as their widest cell; the first row is the heading."""
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(cells[0]))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    if len(texts) == 1:
        return [(("none", "muted"),)]
    return [((texts[0], "muted"),), *(((text, ""),) for text in texts[1:])]


def tree_lines(app: Application, nodes: Sequence[TreeNode]) -> list[Spans]:
    """The resource tree: children under their owners, each with sign, kind, name, health word and what Argo CD adds.

    A node whose owner is not in the answer stands at the top; owners that own each other end at the first repetition.
    """
    known = {_key(node) for node in nodes}
    children: dict[Key | None, list[TreeNode]] = {}
    for node in nodes:
        above = node.parent if node.parent in known and node.parent != _key(node) else None
        children.setdefault(above, []).append(node)
    sync = {(r.group, r.kind, r.namespace, r.name): r.sync for r in app.resources}
    lines: list[Spans] = []
    seen: set[Key] = set()

    def add(above: Key | None, lead: str, depth: int) -> None:
        below = [n for n in children.get(above, []) if _key(n) not in seen]
        for number, node in enumerate(below):
            seen.add(_key(node))
            last = number == len(below) - 1
            branch = "" if depth == 0 else "└ " if last else "├ "
            lines.append(_node_line(node, lead + branch, sync.get(_key(node), "")))
            if depth < _DEEPEST:
                add(_key(node), lead + ("" if depth == 0 else "  " if last else "│ "), depth + 1)

    add(None, "", 0)
    for node in nodes:  # owners in a circle hang below nothing
        if _key(node) not in seen:
            seen.add(_key(node))
            lines.append(_node_line(node, "", sync.get(_key(node), "")))
    return lines


def _node_line(node: TreeNode, lead: str, sync: str) -> Spans:
    level = _LEVELS.get(node.health)
    sign, tone = (level.sign, tone_of(level)) if level is not None else (" ", "muted")
    drift: tuple[tuple[str, Tone], ...] = (("  OutOfSync", "drifted"),) if sync == "OutOfSync" else ()
    health: tuple[tuple[str, Tone], ...] = ((f"  {clean(node.health)}", tone),) if node.health else ()
    info: tuple[tuple[str, Tone], ...] = ((f"  {clean(node.info)}", "muted"),) if node.info else ()
    return (
        (f"{sign} ", tone),
        (lead, "muted"),
        (f"{clean(node.kind)} ", "muted"),
        (clean(node.name), ""),
        *health,
        *drift,
        *info,
    )


def _key(node: TreeNode) -> Key:
    return node.group, node.kind, node.namespace, node.name
