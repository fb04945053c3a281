"""Answers: the file, and what is written after --set."""

from __future__ import annotations

import pytest

from labtui.core.answers import dump_answers, match, parse_answers
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Choice, Finding, Option, StackPlan, Verdict
from labtui.domain.errors import Invalid
from tests.support.planning import STACK, UPLOAD, convert, planner

PLAN = convert(STACK, Facts(), {})


def test_a_file_says_what_was_written_and_each_answer_stands_below_its_question() -> None:
    answers = {("server", UPLOAD): "pvc", ("", "ingress.host"): 'on: "x" # no', ("database", "ports.5432/tcp"): "peers"}
    text = dump_answers("wroclaw", "immich", answers, PLAN.findings)
    assert parse_answers(text, "f") == answers
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if UPLOAD in line)
    assert lines[at - 1] == "  # What becomes of the uploads?"
    services = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert services == sorted(services)


def test_a_question_of_many_lines_stays_a_comment() -> None:
    finding = Finding("server", UPLOAD, Verdict.CHOICE, "", Choice("Which?\nserver: {x: y}", ()))
    text = dump_answers("wroclaw", "immich", {("server", UPLOAD): "pvc"}, [finding])
    assert parse_answers(text, "f") == {("server", UPLOAD): "pvc"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "server:\n", "server: {}\n"])
def test_a_file_without_answers_has_none(text: str) -> None:
    assert parse_answers(text, "f") == {}


def test_words_of_yaml_stay_what_was_typed() -> None:
    assert parse_answers("s: {a: yes, b: 010, c: 2026-01-01}", "f") == {
        ("s", "a"): "yes",
        ("s", "b"): "010",
        ("s", "c"): "2026-01-01",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", "f:1"),
        ("server:\n  - pvc\n", "f:2"),
        ("server:\n  key: [a]\n", "f:2"),
        ("server:\n  key: a\n  key: b\n", "f:3"),
        ("server: {a: [}\n", "f is no YAML"),
        ("a: &a\n  b: *a\n", "f:"),
        ('server: {key: "\\e[2J"}\n', "server.key"),
        ("[" * 5000, "f is no YAML"),
    ],
)
def test_a_file_that_cannot_be_understood_says_where(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words.replace("[", r"\[")):
        parse_answers(text, "f")


def test_the_longest_name_is_meant() -> None:
    asked = tuple(
        Finding("s", key, Verdict.CHOICE, "?", Choice("?", (Option("x", ""),))) for key in ("labels.a", "labels.a=b")
    )
    plan = StackPlan("wroclaw", "x", (), asked, {})
    assert match("s.labels.a=b=x", plan) == (("s", "labels.a=b"), "x")
    assert match("s.labels.a=c", plan) == (("s", "labels.a"), "c")
    assert match("t.labels.a=c", plan) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("serve.image=x", "no service serve.*nearest is server"),
        ("server.volumes./usr/src/app/uploads=pvc", rf"no key volumes./usr/src/app/uploads.*nearest is {UPLOAD}"),
        (f"server.{UPLOAD}=pvcs", "pvcs is no answer.*possible are pvc, keep.*=pvc"),
        ("server.image=x", "server.image is no question: it is converted"),
        (f"server.{UPLOAD}", "has no answer"),
        (f"server.{UPLOAD}=pvc\x1b[2J", "characters that cannot be shown"),
        ("server.size=\x1b[2J", "no key size"),
        ("server.\x1b[2J=x", "no key ·"),
    ],
)
def test_an_answer_that_does_not_fit_names_the_nearest(given: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        planner().plan("wroclaw", "immich", [given])
    import re

    assert re.search(words, str(caught.value)), str(caught.value)
    assert "\x1b" not in str(caught.value)
