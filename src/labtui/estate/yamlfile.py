"""Reading a YAML settings file so that every mistake in it is found at once and named by line and key.

The file is composed to nodes, not constructed to objects: nodes know their lines, aliases cannot multiply, and the words
`no` and `on` stay what the user typed where text is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from labtui.domain.errors import Invalid
from labtui.domain.text import clean

LARGEST_FILE = 1_000_000

Rule = Callable[[str], str]
"""Takes a text, answers what is wrong with it in words (`must be …`), empty when it is well."""

NO_SECRET = "no secret belongs in this file"
_SECRET_KEY = re.compile(r"token|passw|passphrase|secret|credential|private_?key|api_?key|jwt", re.IGNORECASE)
# Vault and OpenBao tokens, JSON Web Tokens, personal access tokens of GitHub and GitLab
_SECRET_VALUE = re.compile(r"hv[sbr]\.\S{8}|[sb]\.\w{24}|eyJ[\w-]{8,}\.[\w-]+\.|gh[a-z]_\w{20}|github_pat_|glpat-")

_STRING = "tag:yaml.org,2002:str"
_BOOL = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"


@dataclass(slots=True)
class Problems:
    """What is wrong with one file, collected while it is read."""

    file: Path
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, key: str, words: str) -> None:
        """Note a problem at a line (counted from 1); `key` is the dotted path of the key, empty for the whole file."""
        where = f"{clean(key)}: " if key else ""
        self.found.append((line, f"{self.file}:{line}: {where}{words}"))

    def error(self) -> Invalid:
        """All problems in the order of their lines, one a line of `detail`."""
        lines = [text for _, text in sorted(self.found)]
        count = "a mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        return Invalid(
            f"The estate file has {count}", "\n".join(lines), "Correct the file; labtui init writes a new one"
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the file whose keys are all known; what was wrong has been noted in `problems`."""

    problems: Problems
    where: str
    line: int
    values: Mapping[str, yaml.Node]

    def at(self, key: str) -> str:
        """The dotted path of a key."""
        return f"{self.where}.{key}" if self.where else key

    def text(self, key: str, default: str = "", rule: Rule | None = None, *, required: bool = False) -> str:
        """The text of a key, `default` if the key is missing or its value was reported."""
        node = self.values.get(key)
        if node is None:
            if required:
                self.problems.add(self.line, self.at(key), "is missing")
            return default
        words = _wrong_text(node, rule)
        if words:
            self.problems.add(_line(node), self.at(key), words)
            return default
        return str(node.value)

    def flag(self, key: str) -> bool:
        """True or false; false when missing."""
        node = self.values.get(key)
        if node is None:
            return False
        if not isinstance(node, yaml.ScalarNode) or node.tag != _BOOL:
            self.problems.add(_line(node), self.at(key), "must be true or false")
            return False
        return node.value.lower() in ("true", "yes", "on")

    def section(self, key: str, known: Iterable[str]) -> Section | None:
        """The section under a key; None when it is missing or is no section."""
        node = self.values.get(key)
        return None if node is None else read_section(self.problems, node, self.at(key), known)


def load_root(path: Path, known: Iterable[str]) -> Section:
    """The file's top section. Raises Invalid when it cannot be read or is no YAML mapping."""
    text = _read(path)
    problems = Problems(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(mark.line + 1 if mark else 1, "", f"no valid YAML: {clean(error.problem or 'syntax error')}")
        raise problems.error() from None
    except yaml.YAMLError as error:
        problems.add(1, "", f"no valid YAML: {clean(str(error))}")
        raise problems.error() from None
    except RecursionError:
        problems.add(1, "", "nested too deeply")
        raise problems.error() from None
    if node is None:
        problems.add(1, "", "the file is empty")
        raise problems.error()
    root = read_section(problems, node, "", known)
    if root is None:
        raise problems.error()
    return root


def read_section(problems: Problems, node: yaml.Node, where: str, known: Iterable[str] | None) -> Section | None:
    """The keys of a mapping; unknown, doubled and secret ones are noted. `known` None takes any key (names)."""
    if not isinstance(node, yaml.MappingNode):
        empty = node.tag == _NULL
        words = "has no value; write {} or leave the key out" if empty else "must be a section of keys and values"
        problems.add(_line(node), where, words)
        return None
    names = None if known is None else tuple(known)
    values: dict[str, yaml.Node] = {}
    for key_node, value in node.value:
        at = f"{where}." if where else ""
        if not isinstance(key_node, yaml.ScalarNode):
            problems.add(_line(key_node), where, "a key must be a single word")
            continue
        key = str(key_node.value)
        if key in values:
            problems.add(_line(key_node), at + key, f"is there twice; first in line {_line(values[key])}")
            continue
        if names is not None and key not in names:
            problems.add(_line(key_node), at + key, _unknown(key, names))
            continue
        values[key] = value
    return Section(problems, where, _line(node), values)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like this one, empty if none is."""
    return next(iter(get_close_matches(word.lower(), list(known), 1, 0.6)), "")


def _unknown(key: str, known: tuple[str, ...]) -> str:
    if _SECRET_KEY.search(key):
        return f"{NO_SECRET}; labtui reads secrets from the environment and from the files of the vault and argocd programs"
    near = nearest(key, known)
    return f'unknown key; the nearest is "{near}"' if near else f"unknown key; known here: {', '.join(known)}"


def _wrong_text(node: yaml.Node, rule: Rule | None) -> str:
    """What is wrong with a value that should be text. Never repeats the value: it may be a secret."""
    if not isinstance(node, yaml.ScalarNode):
        return "must be text"
    if node.tag == _NULL:
        return "has no value"
    if node.tag != _STRING:
        return "must be text: put it in quotes"
    return wrong_value(str(node.value), rule)


def wrong_value(text: str, rule: Rule | None = None) -> str:
    """What is wrong with a text as a value of the file, in words that do not repeat it."""
    if not text.strip():
        return "has no value"
    if _SECRET_VALUE.match(text) or _has_password(text):
        return f"{NO_SECRET}, and this value looks like one"
    if text != text.strip() or any(ord(c) < 32 or ord(c) == 127 for c in text):
        return "must be on one line, without spaces around it or control characters"
    return rule(text) if rule else ""


def _has_password(text: str) -> bool:
    if "://" not in text:
        return False
    try:
        return bool(urlsplit(text).password)
    except ValueError:
        return False


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise Invalid(f"There is no estate file {path}", "", "labtui init writes one; labtui demo needs none") from None
    except OSError as error:
        raise Invalid(f"The estate file {path} cannot be read", error.strerror or "") from None
    if len(data) > LARGEST_FILE:
        raise Invalid(f"The estate file {path} is too large", f"more than {LARGEST_FILE} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Invalid("The estate file has a mistake", f"{path}:{line}: is not UTF-8 text") from None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
