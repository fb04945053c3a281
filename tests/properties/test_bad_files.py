"""Files that cannot be read: exit status 2, the file and the line in the message, no traceback, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.cli.main import main
from tests.unit.adapters.compose.support import real_environ

SECRET = "Zq7hunterCorrectHorse9Battery"
GOOD = f"services:\n  web: {{image: a, environment: {{DB_PASSWORD: {SECRET}}}}}\n"
LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
ESTATE = (
    "estate: e\nsites: {kyiv: {docker: {host: 'unix:///nowhere.sock'}, address: 192.168.1.2, compose: compose/kyiv}}\n"
)


def web(line: str) -> str:
    """A file whose fifth line is wrong."""
    return f"x-s: {{token: {SECRET}}}\nservices:\n  web:\n    image: a\n    {line}\n"


# what is in s.yaml, the place that is named, and words of the message
CASES: dict[str, tuple[str | bytes, str, str]] = {
    "no YAML": (GOOD + "  : : [\n", "s.yaml:3", "did not find expected key"),
    "a tab": (f"services:\n\tweb: {{image: {SECRET}}}\n", "s.yaml:2", "cannot start any token"),
    "a program": (b"\x7fELF\x02\x01\x00\x00" + SECRET.encode(), "s.yaml:1", "control characters"),
    "a NUL": (GOOD + "# \0\n", "s.yaml", "control characters"),
    "Latin 1": (GOOD.encode() + b"# caf\xe9\n", "s.yaml:3", "not UTF-8"),
    "UTF-16": (GOOD.encode("utf-16"), "s.yaml:1", "not UTF-8"),
    "a byte order mark and a typo": ("\ufeff" + GOOD + "  x: {imgae: b}\n", "s.yaml:3", "imgae"),
    "huge": (GOOD + "#" * (5 << 20), "s.yaml", "too large"),
    "exploding aliases": (LAUGHS + GOOD, "s.yaml", "too large"),
    "deep": (web("labels: " + "[" * 20000 + "]" * 20000), "s.yaml:5", "depth"),
    "a cycle": ("services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [a]}\n", "s.yaml:2", "cycle"),
    "a cycle of one": (web("depends_on: [web]"), "s.yaml:5", "cycle"),
    "a cycle of networks": (
        "services:\n  a: {image: x, network_mode: 'service:b'}\n  b: {image: x, network_mode: 'service:a'}\n", "s.yaml:", "cycle"
    ),
    "extends in a circle": ("services:\n  a: {extends: b}\n  b: {extends: a}\n", "s.yaml:", "Circular"),
    "extends itself": (web("extends: web"), "s.yaml:5", "Circular"),
    "extends a missing file": (web("extends: {file: no.yaml, service: x}"), "s.yaml:5", "no such file"),
    "extends nobody": (web("extends: {service: nobody}"), "s.yaml:3", "not found"),
    "includes itself": ("include: [s.yaml]\n" + GOOD, "s.yaml:1", "include cycle"),
    "includes what is missing": ("include: [no.yaml]\n" + GOOD, "s.yaml:1", "no such file"),
    "a list": (f"- a\n- {SECRET}\n", "s.yaml:1", "mapping"),
    "a word": (f"{SECRET}\n", "s.yaml:1", "mapping"),
    "a second document": (GOOD + "---\n- b\n", "s.yaml:4", "mapping"),
    "empty": ("", "s.yaml", "empty"),
    "a comment": ("# nothing\n", "s.yaml", "empty"),
    "services of nothing": ("services:\n", "s.yaml:1", "mapping"),
    "services as a list": ("services: [a]\n", "s.yaml:1", "mapping"),
    "an empty service": ("services:\n  web:\n  db: {image: a}\n", "s.yaml:2", "mapping"),
    "a service without keys": ("services:\n  web: {}\n", "s.yaml:2", "neither an image"),
    "a service that is a text": (f"services:\n  web: {SECRET}\n", "s.yaml:2", "mapping"),
    "an unknown key": (web("imgae: b"), "s.yaml:5", "imgae"),
    "an unknown key beside services": (GOOD + "servces: {}\n", "s.yaml:3", "servces"),
    "a mapping for a list": (web("ports: {a: 1}"), "s.yaml:5", "array"),
    "a key twice": (web("image: b"), "s.yaml:5", "already defined"),
    "a key that is a truth value": ("services:\n  web: {image: a}\n  true: {image: a}\n", "s.yaml:3", "non-string"),
    "an unknown anchor": (web("labels: *nowhere"), "s.yaml:5", "nowhere"),
    "a merge of a number": (web("<<: 5"), "s.yaml:5", "merge"),
    "an open variable": (web("hostname: ${"), "s.yaml:5", "interpolation"),
    "a required variable": (web("hostname: ${A:?say which}"), "s.yaml:5", "say which"),
    "a port out of range": (web("ports: ['99999999:80']"), "s.yaml:5", "hostPort"),
    "a port that is a word": (web("ports: ['a:bb']"), "s.yaml:5", "containerPort"),
    "no duration": (web("stop_grace_period: soon"), "s.yaml:5", "duration"),
    "no size": (web("mem_limit: lots"), "s.yaml:5", "size"),
    "an undefined volume": (web("volumes: ['nope:/x']"), "s.yaml:3", "nope"),
    "an undefined network": (web("networks: [nope]"), "s.yaml:3", "nope"),
    "an undefined secret": (web("secrets: [nope]"), "s.yaml:3", "nope"),
    "an undefined config": (web("configs: [nope]"), "s.yaml:3", "nope"),
    "a missing env file": (web("env_file: gone.env"), "s.yaml:5", "not found"),
    "a wrong env file": (web("env_file: bad.env"), "bad.env:2", "NAME=VALUE"),
    "an ssh key with a path": (web("build: {context: ., ssh: ['k=/x']}"), "s.yaml:5", "cannot print build.ssh"),
    "a crash of docker compose": (web("build: {context: ., ulimits: {a: {soft: 1, hard: '2'}}}"), "", "docker compose itself crashed"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_told_with_its_place(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real_environ()
    text, place, words = CASES[case]
    folder = tmp_path / "compose" / "kyiv"
    folder.mkdir(parents=True)
    (folder / "s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "bad.env").write_text(f"A=1\nB C={SECRET}\n", encoding="utf-8")
    (tmp_path / "labtui.yaml").write_text(ESTATE, encoding="utf-8")
    status = main(["--estate", str(tmp_path / "labtui.yaml"), "plan", "kyiv/s"])
    shown = "".join(capsys.readouterr())
    assert status == 2, shown
    assert place in shown and words in shown
    for never in (SECRET, "Traceback", "goroutine"):
        assert never not in shown
