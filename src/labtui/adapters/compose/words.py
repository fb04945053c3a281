"""What docker compose says when it refuses, in words that name file and line and hold no value of an env file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from labtui.adapters.compose.yamlfiles import line_of, line_with, misshapen_line, syntax_line
from labtui.domain.errors import Denied, Invalid, LabError, Refused, Unreachable
from labtui.domain.text import clean

HIDDEN = "•••"
LONG = 4  # from this many letters a value is hidden wherever it stands, shorter ones only as a word
_SECRET_NAME = re.compile(r"(?i)pass|secret|token|key|hash|credential|auth")
_ENV_FILE = re.compile(r"failed to read (?P<file>.+?): line (?P<line>\d+):")
_VALIDATING = re.compile(r"validating (?P<file>/.+?\.ya?ml): (?P<words>.*)", re.DOTALL)
_PARSING = re.compile(r"failed to parse (?P<file>/.+?\.ya?ml): (?P<words>.*)", re.DOTALL)
_YAML = re.compile(r"yaml: (?:line \d+: )?(?P<words>.*)", re.DOTALL)
_MISSING = re.compile(r"required variable (?P<name>\w+) is missing a value(?P<words>:.*)?", re.DOTALL)
_PATH = re.compile(r"(?:services|networks|volumes|configs|secrets)(?:\.[\w-]+|\[[^\]\s]+\])+")
_SERVICE = re.compile(r'service "(?P<name>[^"]+)"')
_CYCLE = re.compile(r"cycle detected: (?P<name>[\w.-]+)")
_SHAPE = re.compile(r"must be a mapping$|empty compose file|map merge requires")
_CIRCLE = re.compile(r"Circular reference:\s*(?P<name>\S+) in ")
# What the words quote where they name no path in the file: a file that is not there or leads in a circle, a value
_QUOTED = (
    re.compile(r"open (?P<it>\S+): "),
    re.compile(r"env file (?P<it>\S+) not found"),
    re.compile(r"include cycle detected:\s*(?P<it>\S+)"),
    re.compile(r": (?P<it>\S+)$"),
)
_CRASH = re.compile(r"panic: (?P<words>[^\n]*)")
_LOG = re.compile(r'time="[^"]*" level=\w+ msg="(?P<words>(?:[^"\\]|\\.)*)".*')


class Redactor:
    """Takes values out of text. `values`: all that must not be seen; names decide nothing here."""

    def __init__(self, values: Iterable[str]) -> None:
        wanted = sorted({v for v in values if v.strip()}, key=len, reverse=True)
        parts = []
        for value in wanted:
            # a value of several lines is hidden line by line: what is printed comes so
            for line in value.splitlines():
                if len(line) >= LONG:
                    parts.append(re.escape(line))
                elif line.strip():
                    parts.append(rf"(?<!line )(?<![\w.]){re.escape(line)}(?![\w.])")
        self._pattern = re.compile("|".join(dict.fromkeys(parts))) if parts else None

    def __repr__(self) -> str:
        return "Redactor()"

    def __call__(self, text: str) -> str:
        """The text with every value replaced."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def of_values(values: Mapping[str, str | None]) -> Redactor:
    """Hides every value: for errors, which quote what they choke on."""
    return Redactor(v for v in values.values() if v)


def of_secrets(values: Mapping[str, str | None]) -> Redactor:
    """Hides what has the name of a secret and is long enough for one: for output and logs, where a time zone may be read."""
    return Redactor(v for k, v in values.items() if v and len(v) >= 6 and _SECRET_NAME.search(k))


def said(err: str) -> str:
    """What a program printed on its error output, without warnings and the frames of log lines."""
    kept = []
    for line in err.splitlines():
        met = _LOG.fullmatch(line.strip())
        if met is None:
            kept.append(line)
        elif "level=warning" not in line:
            kept.append(met["words"].replace('\\"', '"'))
    return "\n".join(kept).strip()


def wrong_files(stack: str, err: str, files: Sequence[Path], hide: Redactor) -> LabError:
    """The error for `docker compose config` that ended with `err`. `files`: the Compose files, base first."""
    words = said(err)
    title = f"The Compose files of {stack} are wrong"
    if met := _CRASH.match(words):
        detail = f"docker compose itself crashed on them: {hide(_one_line(met['words']))}"
        return Invalid(
            title, clean(detail, 400), "Often a number that is written as a text; look at ulimits and at what is new"
        )
    if "types.SSHKey" in words:
        detail = "docker compose cannot print build.ssh with a path in it"
        return Invalid(
            title, f"{_first_with('ssh', files)}{detail}", "Write the key's name alone, or leave build out for the plan"
        )
    if met := _ENV_FILE.search(words):
        # its words quote the line, which holds a value
        place = f"{met['file']}:{met['line']}"
        return Invalid(
            "An env file is wrong", f"{place}: not of the form NAME=VALUE", "Quote a value with a $ or a # in it"
        )
    if met := _MISSING.search(words):
        detail = hide(f"{_place(words, files)}the variable {met['name']} is not set{met['words'] or ''}")
        return Invalid(title, clean(detail, 400), "Set it in .env.user of the site's folder")
    for pattern in (_VALIDATING, _PARSING):
        if met := pattern.search(words):
            file = Path(met["file"])
            line = syntax_line(file) or _path_line(file, met["words"]) or _told(met["words"])
            if line is None and _SHAPE.search(met["words"]):
                line = misshapen_line(file)
            # the parser's own line may be that of another part of the file
            told = _one_line(re.sub(r"^(yaml: )?line \d+: ", r"\1", met["words"])) if line else _one_line(met["words"])
            return Invalid(title, clean(f"{_at(file, line)}: {hide(told)}", 500))
    if met := _YAML.match(words):
        for file in files:
            if line := syntax_line(file):
                return Invalid(title, clean(f"{_at(file, line)}: {hide(_one_line(met['words']))}", 500))
    return Invalid(title, clean(f"{_place(words, files)}{hide(_one_line(words))}", 500))


def failed(command: str, output: Sequence[str], status: int, hide: Redactor) -> LabError:
    """The error for a command that an engine was asked for and that ended with `status`. `output`: its last lines."""
    words = _one_line(said("\n".join(output[-6:]))) or f"it ended with exit status {status} and said nothing"
    words = clean(hide(words), 500)
    low = words.lower()
    title = f"{command} failed"
    if "permission denied" in low and ("docker daemon" in low or "docker.sock" in low or "publickey" in low):
        return Denied(title, words, "labtui doctor says what is missing")
    unreachable = (
        "cannot connect to the docker daemon",
        "error during connect",
        "ssh: ",
        "no such host",
        "dial tcp",
        "dial unix",
    )
    if any(sign in low for sign in unreachable):
        return Unreachable(title, words, "labtui doctor examines the connection")
    return Refused(title, words)


def _one_line(text: str) -> str:
    return " ".join(part.strip() for part in text.splitlines() if part.strip())


def _at(file: Path, line: int | None) -> str:
    return f"{file}:{line}" if line else str(file)


def _place(words: str, files: Sequence[Path]) -> str:
    """`file:line: ` of what the words are about, in the last file that has it; empty when they do not say."""
    path = _path_in(words)
    for file in reversed(files):
        if path and (line := line_of(file, path)):
            return f"{file}:{line}: "
    if _SHAPE.search(words):
        for file in reversed(files):
            if (line := misshapen_line(file)) is not None:
                return f"{_at(file, line)}: "
    met = next((found for pattern in _QUOTED if (found := pattern.search(words))), None)
    return _first_with(met["it"].rsplit("/", 1)[-1], files) if met else ""


def _first_with(text: str, files: Sequence[Path]) -> str:
    for file in reversed(files):
        if line := line_with(file, text):
            return f"{file}:{line}: "
    return ""


def _path_in(words: str) -> list[str]:
    if met := _PATH.search(words):
        return [part for part in re.split(r"[.\[\]]+", met[0]) if part]
    if met := _SERVICE.search(words):
        return ["services", met["name"]]
    if met := _CIRCLE.search(words):
        return ["services", met["name"], "extends"]
    if met := _CYCLE.search(words):
        return ["services", met["name"], "depends_on"]
    return []


def _told(words: str) -> int | None:
    met = re.match(r"(?:yaml: )?line (\d+):", words)
    return int(met[1]) if met else None


def _path_line(file: Path, words: str) -> int | None:
    path = _path_in(words)
    if unknown := re.search(r"additional propert(?:y|ies) '(?P<key>[^']+)'", words):
        path = [*path, unknown["key"]]
    return line_of(file, path) if path else None
