"""Secrets inside commands and health checks: taken out into the environment, and referred to by name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.rules.secrets import keep_variable
from labtui.domain.conversion.secrecy import certain, looks_random, secret_name
from labtui.domain.conversion.units import no_expansion

_MARK = "\ue000"  # fences the number of a secret in a text; no command has this character
_FLAG = re.compile(
    r"""(?P<flag>(?<![\w-])-{1,2}[A-Za-z][\w.-]*|\b[A-Za-z_]\w*(?==))(?P<between>=|\s+)(?P<value>"[^"]*"|'[^']*'|[^\s"';|&]+)"""
)
_PLAIN_VALUE = re.compile(r"[$-].*|\.{0,2}/.*|true|false|yes|no|on|off|\d{1,2}", re.DOTALL)
_WORD = re.compile(r"[^\s\"'`;|&()]+")
_ALSO = frozenset({"requirepass", "masterauth"})  # names of one word that Redis has


class Hidden:
    """The words of a command with the secrets in them replaced by marks."""

    def __init__(self, c: Conversion, words: Sequence[str]) -> None:
        self._c = c
        self.secrets: list[tuple[str, str]] = []  # (value, what it was given to)
        self.words: list[str] = []
        before = ""
        for word in words:
            self.words.append(self._hide(word, before))
            before = word

    def _hide(self, word: str, before: str) -> str:
        while value := self._c.needles.first(word):
            word = word.replace(value, self._mark(value, self._c.known[value]))
        if re.fullmatch(r"-{1,2}[A-Za-z][\w.-]*", before) and _names_secret(before) and self._is_value(word):
            return self._mark(word, before)
        word = _FLAG.sub(self._flag, word)
        return _WORD.sub(lambda m: self._mark(m[0], "") if _MARK not in m[0] and _tells(m[0]) else m[0], word)

    def _flag(self, found: re.Match[str]) -> str:
        value = found["value"]
        bare = value[1:-1] if value[0] in "\"'" else value
        if not _names_secret(found["flag"]) or not self._is_value(bare):
            return found[0]
        return found["flag"] + found["between"] + value.replace(bare, self._mark(bare, found["flag"]))

    def _is_value(self, text: str) -> bool:
        return bool(text) and _MARK not in text and not _PLAIN_VALUE.fullmatch(text)

    def _mark(self, value: str, given_to: str) -> str:
        if (value, given_to) not in self.secrets:
            self.secrets.append((value, given_to))
        return f"{_MARK}{self.secrets.index((value, given_to))}{_MARK}"

    def plain(self) -> list[str]:
        """The words as they were, safe from expansion by Kubernetes."""
        return [no_expansion(self._fill(word, lambda i: self.secrets[i][0])) for word in self.words]

    def as_references(self, variables: Sequence[str]) -> list[str]:
        """The words with `$(NAME)` for the secrets: Kubernetes fills them in before the program starts."""
        return [self._fill(no_expansion(word), lambda i: f"$({variables[i]})") for word in self.words]

    def as_shell(self, text: str, variables: Sequence[str]) -> str:
        """A shell command with `${NAME}` for the secrets, quoted as its place needs it."""
        out, quote, position = [], "", 0
        while position < len(text):
            char = text[position]
            if char == _MARK:
                end = text.index(_MARK, position + 1)
                name = "${" + variables[int(text[position + 1 : end])] + "}"
                out.append(f"'\"{name}\"'" if quote == "'" else name)
                position = end + 1
                continue
            if char == "\\" and quote != "'":
                out.append(text[position : position + 2])
                position += 2
                continue
            if char in "\"'" and quote in ("", char):
                quote = "" if quote else char
            out.append(char)
            position += 1
        return no_expansion("".join(out))

    def as_shell_words(self, variables: Sequence[str], expanded: bool = True) -> str:
        """An argument list as one shell command: each word quoted, the secrets as `${NAME}`.

        `expanded` False: for a place in which Kubernetes leaves `$(X)` alone, as in lifecycle hooks.
        """
        quoted = []
        for word in self.words:
            parts = word.split(_MARK)
            shown = [
                f'"${{{variables[int(p)]}}}"' if i % 2 else shlex.quote(p) if p else "" for i, p in enumerate(parts)
            ]
            quoted.append("".join(shown) or "''")
        command = "exec " + " ".join(quoted)
        return no_expansion(command) if expanded else command

    def _fill(self, word: str, what: Any) -> str:
        return re.sub(f"{_MARK}(\\d+){_MARK}", lambda m: what(int(m[1])), word)

    def keep(self, service: str, component: dict[str, Any]) -> list[str]:
        """Plan the secrets for Vault, those that the component has already only once; answers their variables."""
        names: list[str] = []
        for value, given_to in self.secrets:
            have = {s.variable for s in self._c.secrets if s.service == service and s.value == value}
            held = next((v for v in component.get("secretEnv", {}) if v in have), "")
            names.append(held or self._new(service, component, value, given_to))
        return names

    def _new(self, service: str, component: dict[str, Any], value: str, given_to: str) -> str:
        stem = "ARG_" + (re.sub(r"[^A-Za-z0-9]+", "_", given_to).strip("_").upper() or "1")
        taken = {*component.get("env", {}), *component.get("secretEnv", {})}
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        shared = (self._c.known[value],) if value in self._c.known else ()
        keep_variable(self._c, service, component, name, value, "it is given to a command", shared)
        return name


def _names_secret(flag: str) -> bool:
    name = flag.strip("-")
    return secret_name(name) or name.lower() in _ALSO


def _tells(word: str) -> bool:
    value = word.split("=", 1)[-1]
    return bool(certain(word)) or looks_random(value)
