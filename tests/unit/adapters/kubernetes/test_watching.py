"""The list and watch loop of one kind, against scripted answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from labtui.adapters.kubernetes.kinds import KINDS, Fact
from labtui.adapters.kubernetes.watching import Watch
from labtui.adapters.kubernetes.wire import Busy, Expired
from labtui.domain.errors import Denied, LabError, SignedOut, Unreachable
from labtui.domain.ref import Ref
from tests.unit.adapters.kubernetes.examples import SOURCE, Answers, Json, deployment, event, listing, meta

DEPLOYMENTS = next(kind for kind in KINDS if kind.name == "Deployment")
GONE = event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})


class Notes:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def replace(self, kind: str, facts: Sequence[Fact]) -> None:
        self.told.append(("replace", [f.ref.name for f in facts]))

    def upsert(self, kind: str, fact: Fact) -> None:
        self.told.append(("upsert", fact.ref.name))

    def remove(self, ref: Ref) -> None:
        self.told.append(("remove", ref.name))

    def absent(self, kind: str, note: str, error: LabError) -> None:
        self.told.append(("absent", note))


class Waits:
    """A pause that takes no time and notes how long it should have been; from the `end`-th long one on, all is over."""

    def __init__(self, end: int = 1000) -> None:
        self.seconds: list[float] = []
        self._end = end

    def __call__(self, seconds: float | None, /) -> bool:
        if seconds:
            self.seconds.append(seconds)
        return len(self.seconds) >= self._end


def run(*script: Json | list[bytes | Exception] | Exception, end: int = 1000) -> tuple[Notes, Answers, Waits]:
    """Follow deployments until the script is at its end (then the connection is refused)."""
    notes, answers, waits = Notes(), Answers(*script), Waits(end)
    watch = Watch(DEPLOYMENTS, SOURCE, answers, notes, waits)
    if end < 1000:
        watch.run()
    else:
        with pytest.raises(Unreachable, match="refused"):
            watch.run()
    return notes, answers, waits


def watched(answers: Answers) -> list[str]:
    """The resource versions that watches were started from."""
    return [str(q["resourceVersion"]) for _, q in answers.asked if q.get("watch")]


def test_a_list_then_changes() -> None:
    lines: list[bytes | Exception] = [
        event("ADDED", deployment("immich"), "101"),
        event("MODIFIED", deployment("emby"), "102"),
        event("DELETED", deployment("immich"), "103"),
    ]
    notes, answers, _ = run(listing(deployment("emby")), lines)
    assert notes.told == [("replace", ["emby"]), ("upsert", "immich"), ("upsert", "emby"), ("remove", "immich")]
    assert answers.asked[1][1]["allowWatchBookmarks"] == "true"


def test_a_long_list_comes_in_pages() -> None:
    notes, answers, _ = run(listing(deployment("a"), more="t1"), listing(deployment("b"), version="7"), [])
    assert notes.told == [("replace", ["a", "b"])]
    assert answers.asked[1][1]["continue"] == "t1"
    assert watched(answers)[0] == "7"


def test_an_expired_continue_token_lists_all_at_once() -> None:
    notes, answers, _ = run(listing(deployment("a"), more="t1"), Expired(), listing(deployment("b")), [])
    assert notes.told == [("replace", ["b"])]
    assert answers.asked[2][1] == {}


def test_a_clean_close_resumes_from_the_last_version() -> None:
    notes, answers, waits = run(listing(), [event("ADDED", deployment("a"), "105")], [])
    assert watched(answers) == ["100", "105", "105"]
    assert [word for word, _ in notes.told] == ["replace", "upsert"]
    assert not waits.seconds


def test_a_bookmark_moves_the_version_on() -> None:
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "200"}})
    notes, answers, _ = run(listing(), [bookmark], [])
    assert watched(answers)[:2] == ["100", "200"]
    assert notes.told == [("replace", [])]


def test_gone_in_the_stream_lists_again() -> None:
    notes, answers, waits = run(listing(version="1"), [GONE], listing(deployment("a"), version="900"), [])
    assert notes.told == [("replace", []), ("replace", ["a"])]
    assert watched(answers)[:2] == ["1", "900"]
    assert not waits.seconds


def test_gone_as_status_lists_again() -> None:
    notes, _, _ = run(listing(), Expired("too old"), listing(deployment("a")), [])
    assert notes.told == [("replace", []), ("replace", ["a"])]


def test_another_error_event_lists_again_after_a_pause() -> None:
    failure = event("ERROR", {"kind": "Status", "code": 500, "message": "etcd"})
    notes, _, waits = run(listing(), [failure], listing(), [])
    assert [word for word, _ in notes.told] == ["replace", "replace"]
    assert waits.seconds[0] >= 1


def test_a_line_that_is_not_json_lists_again() -> None:
    notes, _, _ = run(listing(), [b'{"type": "MODI'], listing(deployment("a")), [])
    assert notes.told == [("replace", []), ("replace", ["a"])]


def test_objects_that_make_no_sense_are_left_out() -> None:
    lines: list[bytes | Exception] = [
        b"",
        b"[]",
        b'{"type": "ADDED"}',
        b'{"type": "ADDED", "object": {"metadata": {}}}',
        event("DELETED", {"metadata": {}}),
        event("MODIFIED", {"metadata": meta("bare")}, "108"),
    ]
    notes, answers, _ = run(listing({}, {"metadata": None}), lines)
    assert notes.told == [("replace", []), ("upsert", "bare")]
    assert watched(answers)[-1] == "108"


def test_a_broken_stream_resumes_while_the_server_is_there() -> None:
    lost = Unreachable("The cluster does not answer", "connection lost")
    first: list[bytes | Exception] = [event("ADDED", deployment("a"), "105"), lost]
    notes, answers, _ = run(listing(), first, [event("ADDED", deployment("b"), "106")])
    assert notes.told[1:] == [("upsert", "a"), ("upsert", "b")]
    assert watched(answers)[:2] == ["100", "105"]


def test_a_server_that_closes_at_once_is_not_asked_in_a_tight_loop() -> None:
    _, _, waits = run(listing(), [], [], [], [], [])
    assert waits.seconds == sorted(waits.seconds)
    assert waits.seconds[-1] >= 1


def test_a_server_that_turns_away_is_asked_again_but_not_for_ever() -> None:
    busy = Busy("The cluster does not answer", "it turns requests away")
    notes, _, _ = run(busy, listing(deployment("a")), [])
    assert notes.told == [("replace", ["a"])]
    waits = Waits()
    with pytest.raises(Busy):
        Watch(DEPLOYMENTS, SOURCE, Answers(*[busy] * 9), Notes(), waits).run()
    assert sum(waits.seconds) < 2


def test_denied_is_a_note_and_asked_again_later() -> None:
    notes, _, waits = run(Denied("Not allowed", "forbidden"), listing(deployment("a")), [])
    assert notes.told == [("absent", "deployments denied"), ("replace", ["a"])]
    assert waits.seconds[0] >= 30


def test_signed_out_ends_it() -> None:
    with pytest.raises(SignedOut):
        Watch(DEPLOYMENTS, SOURCE, Answers(SignedOut("Signed out")), Notes(), Waits()).run()


def test_it_ends_when_all_is_over() -> None:
    notes, _, _ = run(Denied("Not allowed"), end=1)
    assert notes.told == [("absent", "deployments denied")]
