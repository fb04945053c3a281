"""Docker's answers, kept without anything that they say, and compared with the pods' later."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from labtui.domain.migration.baseline import Kept, compare_with, kept_of
from labtui.domain.migration.parity import Identity, Verdict, compare
from labtui.domain.migration.parity_rules import DEFAULT
from labtui.domain.migration.probes import Answer, Body
from labtui.domain.records import from_plain, to_plain


def answer(text: str, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    body = Body()
    body.add(text.encode())
    return body.answer(status, headers, 0.01)


LONG = "<p>" + "word " * 200 + "</p>"
PAIRS = [
    (answer("hello"), answer("hello")),
    (answer("hello"), answer("bye")),
    (answer("hello"), answer("hello", 500)),
    (answer(LONG), answer(LONG.replace("word", "wort"))),
    (answer(LONG), answer(LONG + "x" * 500)),
    (answer("at 2026-01-01T10:00:00Z"), answer("at 2026-01-01T11:30:00Z")),
    (answer('{"a": 1, "b": [1]}'), answer('{"b": [2, 3], "a": 7}')),
    (answer('{"a": 1}'), answer('{"a": 1, "c": 2}')),
    (answer("served by docker-1"), answer("served by pod-1")),
    (answer("x", headers=[("content-type", "text/html")]), answer("x", headers=[("content-type", "text/plain")])),
    (answer("x", headers=[("location", "http://10.0.0.1:80/a")]), answer("x", headers=[("location", "/a")])),
    (
        answer("x", headers=[("set-cookie", "id=s3cret; Path=/; Secure")]),
        answer("x", headers=[("set-cookie", "id=other; Path=/; Secure")]),
    ),
    (
        answer("x", headers=[("set-cookie", "id=s3cret; Path=/")]),
        answer("x", headers=[("set-cookie", "id=other; Path=/; HttpOnly")]),
    ),
    (answer("x", headers=[("last-modified", "today")]), answer("x")),
    (answer("x", headers=[("last-modified", "today")]), answer("x", headers=[("last-modified", "now")])),
]


@pytest.mark.parametrize("pair", range(len(PAIRS)))
def test_a_kept_answer_compares_as_the_answer_itself(pair: int) -> None:
    docker, pods = PAIRS[pair]
    names = Identity(("10.0.0.1:80",), ("docker-1",)), Identity((), ("pod-1",))
    kept = from_plain(Kept, json.loads(json.dumps(to_plain(kept_of("/", docker, DEFAULT, names[0])))))
    whole = compare("/", docker, pods, DEFAULT, names)
    assert compare_with(kept, pods, DEFAULT, names) == whole


def test_headers_without_a_rule_are_not_kept_and_not_compared() -> None:
    kept = kept_of("/", answer("x", headers=[("x-own", "1"), ("etag", "2")]), DEFAULT, Identity())
    assert kept.headers == ()
    assert compare_with(kept, answer("x", headers=[("x-own", "9")]), DEFAULT).verdict is Verdict.SAME


def test_nothing_that_was_said_is_kept() -> None:
    said = answer("the words of the page", headers=[("set-cookie", "id=s3cret; Path=/"), ("last-modified", "today")])
    text = json.dumps(to_plain(kept_of("/", said, DEFAULT, Identity())))
    assert "words" not in text and "s3cret" not in text and "today" not in text and "Path=/" in text
