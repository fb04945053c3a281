"""The audit log read from its end: what was done, joined with how it ended, whatever else stands in the file."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labtui.core import audit, audit_records
from labtui.core.audit import JsonLinesAudit, MemoryAudit, lines_backwards
from labtui.core.audit_records import Looked, Wanted, look

START = datetime(2026, 3, 14, 14, 0, tzinfo=UTC)


def entry(event: str, identity: str, minute: float, **more: Any) -> dict[str, Any]:
    target = {"source": "docker:kyiv", "kind": "ComposeStack", "namespace": "", "name": "monitoring"}
    common = {"at": (START + timedelta(minutes=minute)).isoformat(), "event": event, "id": identity, "by": "ada@desk"}
    return {**common, "action": "compose.up", "title": f"Start {identity}", "target": target, **more}


def intent(identity: str, minute: float, **more: Any) -> dict[str, Any]:
    return entry("intent", identity, minute, steps=["up"], facts={"files": "abc"}, **more)


def outcome(identity: str, minute: float, result: str = "done", **more: Any) -> dict[str, Any]:
    return entry("outcome", identity, minute, result=result, message="5 containers run", **more)


def memory(*entries: Mapping[str, Any]) -> MemoryAudit:
    log = MemoryAudit()
    for one in entries:
        log.append(one)
    return log


def ids(looked: Looked) -> list[str]:
    return [record.id for record in looked.records]


@pytest.mark.parametrize("block", [1, 2, 7, 64, 1 << 16])
def test_lines_are_the_same_backwards_whatever_the_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BLOCK", block)
    monkeypatch.setattr(audit, "LONGEST_LINE", 50)
    chance = random.Random(block)
    for _ in range(50):
        lines = [
            bytes(chance.choices(b"ab\xc3\xa9 ", k=chance.choice([0, 1, 5, 40, 60])))
            for _ in range(chance.randint(0, 9))
        ]
        data = b"\n".join(lines) + (b"\n" if chance.random() < 0.7 else b"")
        wanted, place = [], 0
        for line in data.split(b"\n"):
            if line:
                wanted.append((place, line if len(line) <= 50 else None))
            place += len(line) + 1
        assert list(lines_backwards(io.BytesIO(data))) == wanted[::-1]


def test_an_intent_and_its_outcome_are_one_record() -> None:
    looked = look(memory(intent("a", 0), outcome("a", 2)), Wanted())
    (record,) = looked.records
    assert (record.at, record.ended, record.result) == (START, START + timedelta(minutes=2), "done")
    assert (record.steps, record.facts, record.message) == (("up",), (("files", "abc"),), "5 containers run")
    assert (record.by, record.title, record.place, record.target) == ("ada@desk", "Start a", "kyiv", "monitoring")


def test_what_has_no_outcome_is_unfinished_and_counts_as_not_well() -> None:
    log = memory(intent("a", 0), outcome("a", 1), intent("b", 2), intent("c", 3), outcome("c", 4, "failed"))
    assert [(r.id, r.result) for r in look(log, Wanted()).records] == [
        ("c", "failed"),
        ("b", "unfinished"),
        ("a", "done"),
    ]
    assert ids(look(log, Wanted(failed=True))) == ["c", "b"]


def test_the_newest_are_found_without_reading_the_rest() -> None:
    class Counted(MemoryAudit):
        read = 0

        def newest(self) -> Iterator[Mapping[str, Any]]:
            for one in super().newest():
                self.read += 1
                yield one

    log = Counted()
    for number in range(5000):
        log.append(intent(f"{number}", number))
        log.append(outcome(f"{number}", number + 0.5))
    assert ids(look(log, Wanted(last=2))) == ["4999", "4998"]
    assert log.read <= 6
    log.read = 0
    since = START + timedelta(minutes=4990)
    assert ids(look(log, Wanted(since=since))) == [str(n) for n in range(4999, 4989, -1)]
    assert log.read < 300


def test_the_intent_of_a_long_operation_is_found_behind_those_that_came_after() -> None:
    log = memory(intent("long", 0))
    for number in range(100):
        log.append(intent(f"{number}", number))
        log.append(outcome(f"{number}", number))
    log.append(outcome("long", 200))
    (record,) = look(log, Wanted(last=1)).records
    assert (record.id, record.at, record.steps) == ("long", START, ("up",))


def test_a_clock_that_was_wrong_once_hides_nothing() -> None:
    log = memory(
        intent("a", 0), outcome("a", 1), intent("odd", -1e6), outcome("odd", -1e6), intent("b", 3), outcome("b", 4)
    )
    assert ids(look(log, Wanted(since=START))) == ["b", "a"]


def test_a_very_long_log_is_said_to_be_longer() -> None:
    log = memory(*(outcome(f"{number}", number, "failed" if number == 0 else "done") for number in range(50)))
    looked = look(log, Wanted(failed=True, last=5), most=20)
    assert (looked.records, looked.whole) == ((), False)
    assert ids(look(log, Wanted(failed=True), most=20)) == ["0"]


def test_things_are_found_by_their_names() -> None:
    def about(kind: str, source: str, namespace: str, name: str) -> dict[str, str]:
        return {"source": source, "kind": kind, "namespace": namespace, "name": name}

    log = memory(
        intent("app", 0, target=about("Application", "argocd:https://x", "argocd", "emby")),
        intent("other", 1, target=about("Application", "argocd:https://x", "team-b", "emby")),
        intent("kyiv", 2, target=about("ComposeStack", "docker:kyiv", "", "emby")),
        intent("wroclaw", 3, target=about("ComposeStack", "docker:wroclaw", "", "emby")),
    )
    assert ids(look(log, Wanted(app="emby"))) == ["other", "app"]
    assert ids(look(log, Wanted(app="team-b/emby"))) == ["other"]
    assert ids(look(log, Wanted(target="kyiv/emby"))) == ["kyiv"]
    assert ids(look(log, Wanted(target="ComposeStack/emby"))) == ["wroclaw", "kyiv"]
    assert len(ids(look(log, Wanted(target="emby")))) == 4
    assert ids(look(log, Wanted(target="mby"))) == []


def test_damaged_lines_are_skipped_and_named_and_hide_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    good = [json.dumps(intent("a", 0)), json.dumps(outcome("a", 1))]
    odd = ['{"at": 3, "id": ["x"], "target": "?", "steps": "no", "facts": [1], "event": "outcome"}']
    path.write_bytes(
        "\n".join([good[0], '{"cut', "[1]", *odd, "nul\x00", "[" * 100_000, good[1]]).encode()
        + b"\n\xff\xfe\n"
        + b"x" * 20
    )
    looked = look(JsonLinesAudit(path), Wanted())
    assert [(r.id, r.result, r.steps) for r in looked.records] == [("a", "done", ("up",)), ("['x']", "unknown", ())]
    assert len(looked.damaged) == 6
    assert path.read_bytes()[min(looked.damaged) :].startswith(b'{"cut')


def test_a_log_of_many_megabytes_and_a_line_without_end_take_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "audit.jsonl"
    with path.open("wb") as file:
        file.write(b"y" * 30_000_000 + b"\n")
        file.write((json.dumps(outcome("old", 0)) + "\n").encode() * 3)
        file.write(b"x" * 30_000_000 + b"\n")
        file.write((json.dumps(intent("a", 1)) + "\n" + json.dumps(outcome("a", 2)) + "\n").encode())
    tracemalloc.start()
    looked = look(JsonLinesAudit(path), Wanted())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ids(looked) == ["a", "old"] and len(looked.damaged) == 2
    assert peak < 8_000_000


def test_no_log_is_no_records(tmp_path: Path) -> None:
    assert look(JsonLinesAudit(tmp_path / "none"), Wanted(last=audit_records.READ_MOST)) == Looked(())
