"""Completion for bash, zsh and fish: what can stand at the cursor, told by the very parser that reads the command line.

The script that a shell loads asks `labtui __complete` at each Tab, so it never knows other commands than the labtui it calls.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labtui.cli.completion_names import Place, names
from labtui.domain.text import clean

_BREAKS = "=:"  # where bash begins a new word inside what other shells take for one


@dataclass(frozen=True, slots=True)
class Offer:
    """What can stand at the cursor: words with what they mean, and `files` or `folders` where a path can."""

    words: tuple[tuple[str, str], ...] = ()
    paths: str = ""


@dataclass
class _State:
    """How far the words before the cursor have brought the parser."""

    parser: argparse.ArgumentParser
    positionals: list[argparse.Action] = field(default_factory=list)
    open: argparse.Action | None = None  # an option that waits for its value
    used: set[argparse.Action] = field(default_factory=set)
    no_options: bool = False  # `--` was given
    lost: bool = False  # a word that the parser does not know: nothing sensible can follow
    demo: bool = False
    estate: str = ""

    def enter(self, parser: argparse.ArgumentParser) -> None:
        """Go on with the parser of a command."""
        self.parser = parser
        self.positionals = [a for a in parser._actions if not a.option_strings]


def offer(parser: argparse.ArgumentParser, words: Sequence[str], current: str) -> Offer:
    """What can stand where `current` is being typed, after `words`."""
    state = _State(parser)
    state.enter(parser)
    for word in words:
        _take(state, word)
    if state.lost:
        return Offer()
    if state.open is not None:
        return _values(state, state.open, current)
    if current.startswith("-") and not state.no_options:
        name, equals, value = current.partition("=")
        if not equals:
            return Offer(tuple(_options(state, current)))
        action = state.parser._option_string_actions.get(name)
        if action is None or not _takes_value(action):
            return Offer()
        found = _values(state, action, value)
        return Offer(tuple((f"{name}={word}", meaning) for word, meaning in found.words), found.paths)
    if state.positionals:
        return _values(state, state.positionals[0], current)
    return Offer(tuple(_options(state, current)) if not current else ())


def _take(state: _State, word: str) -> None:
    if state.open is not None:
        _note(state, state.open, word)
        state.open = None
    elif word == "--":
        state.no_options = True
    elif word.startswith("-") and word != "-" and not state.no_options:
        name, equals, value = word.partition("=")
        action = state.parser._option_string_actions.get(name)
        if action is None:
            return
        state.used.add(action)
        if not _takes_value(action):
            state.demo = state.demo or action.dest == "demo"
        elif equals:
            _note(state, action, value)
        else:
            state.open = action
    elif state.positionals:
        action = state.positionals[0]
        if isinstance(action, argparse._SubParsersAction):
            chosen = action.choices.get(word)
            state.lost = state.lost or chosen is None
            if chosen is not None:
                state.demo = state.demo or word == "demo"
                state.enter(chosen)
        elif action.nargs not in ("*", "+"):
            state.positionals.pop(0)


def _note(state: _State, action: argparse.Action, value: str) -> None:
    if action.dest == "estate":
        state.estate = value


def _takes_value(action: argparse.Action) -> bool:
    return action.nargs != 0


def _options(state: _State, current: str) -> Iterator[tuple[str, str]]:
    for action in state.parser._actions:
        if not action.option_strings or action.help == argparse.SUPPRESS:
            continue
        again = isinstance(action, argparse._AppendAction)
        if action in state.used and not again:
            continue
        longest = max(action.option_strings, key=len)
        shown = [s for s in action.option_strings if s.startswith(current)]
        if shown:
            yield longest if longest in shown else shown[0], _meaning(state.parser, action)


def _meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter = parser._get_formatter()
    return clean(formatter._expand_help(action), 200) if action.help else ""


def _values(state: _State, action: argparse.Action, current: str) -> Offer:
    if isinstance(action, argparse._SubParsersAction):
        words = [(a.dest, clean(a.help or "", 200)) for a in action._choices_actions]
    elif action.choices is not None:
        words = [(str(choice), "") for choice in action.choices]
    elif action.type is Path:
        return Offer(paths="folders" if action.metavar in ("DIR", "FOLDER") else "files")
    elif isinstance(action.metavar, str) and action.type is not int:
        kind = "THEME" if action.dest == "theme" else action.metavar
        estate = Path(state.estate).expanduser() if state.estate else None
        words = [(name, "") for name in names(kind, Place(state.demo, estate))]
    else:
        words = []
    return Offer(tuple((word, meaning) for word, meaning in words if word.startswith(current) and _plain(word)))


def _plain(word: str) -> bool:
    """Can it stand on a line of its own, before a tab?"""
    return bool(word) and clean(word) == word


# From a shell and back to it


def answer(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> str:
    """What `labtui __complete SHELL WORD...` prints: `files`, `folders` or nothing on the first line, then a word, a tab and
    its meaning on each. bash gives the line up to the cursor, the others its words; the last one is being typed."""
    shell, given = (arguments[0], list(arguments[1:])) if arguments else ("", [])
    given = given[1:] if given[:1] == ["--"] else given
    words = split(given[0] if given else "")[1:] if shell == "bash" else given
    current = words.pop() if words else ""
    found = offer(parser, words, current)
    kept = 0
    if shell == "bash":  # it replaces only what comes after the last break
        kept = 1 + max((current.rfind(mark) for mark in _BREAKS), default=-1)
    return "\n".join([found.paths, *(f"{word[kept:]}\t{meaning}" for word, meaning in found.words)]) + "\n"


def split(line: str) -> list[str]:
    """The words of a line that is being typed; the last one is what the cursor stands at, empty after a space. A quote that
    is still open ends there."""
    for closing in ("", '"', "'"):
        try:
            # the letter stands for what is still to be typed: a word that is empty so far is one too
            words = shlex.split(f"{line}x{closing}")
        except ValueError:
            continue
        return [*words[:-1], words[-1][:-1]]
    return line.split(" ")


def commands(parser: argparse.ArgumentParser) -> Iterable[tuple[str, ...]]:
    """Every command of a parser as the words that lead to it, beginning with none."""
    yield ()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from ((name, *rest) for rest in commands(below))
