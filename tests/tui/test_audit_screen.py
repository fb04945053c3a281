"""The Audit screen: what is in the log, newest first; filter, details, and what is done while it is open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from labtui.core.audit import JsonLinesAudit
from labtui.domain.plan import Outcome, Plan, Result
from labtui.domain.ref import Ref
from labtui.tui.screens.audit import AuditScreen, RecordScreen
from tests.tui.fakes import ARGOCD, NOW, FakeLab
from tests.tui.waiting import running, screen_text, until

pytestmark = pytest.mark.anyio
HOSTILE = "web\x1b[31m[b]\u202e"


def entries(
    name: str, minutes: float, result: str = "done", message: str = "synced", **more: Any
) -> list[Mapping[str, Any]]:
    target = {"source": "argocd:https://x", "kind": "Application", "namespace": "argocd", "name": name}
    common = {"id": f"id-{name}", "by": "ada@desk", "action": "argocd.sync", "title": f"Sync {name}", "target": target}
    at, end = NOW - timedelta(minutes=minutes), NOW - timedelta(minutes=minutes - 1)
    begun = {
        "at": at.isoformat(),
        "event": "intent",
        **common,
        "steps": ["Ask Argo CD"],
        "facts": {"revision": "1234567"},
    }
    if not result:
        return [begun]
    return [begun, {"at": end.isoformat(), "event": "outcome", **common, "result": result, "message": message, **more}]


def with_log(*given: list[Mapping[str, Any]]) -> FakeLab:
    fake = FakeLab()
    for some in given:
        for entry in some:
            fake.executor.audit.append(entry)
    return fake


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "Sync" in line]


async def test_records_stand_newest_first_with_how_they_ended() -> None:
    fake = with_log(entries("old", 60), entries("bad", 30, "failed", "no such revision"), entries("cut", 10, ""))
    async with running(fake, seen="connecting") as (app, pilot):
        await pilot.press("A")
        await until(lambda: "Sync old" in screen_text(app))
        cut, bad, old = lines(screen_text(app))
        assert "▲ 2026-03-14 13:58:00" in cut and "unfinished" in cut
        assert "✗ 2026-03-14 13:38:00" in bad and "failed" in bad and "no such revision" in bad and "ada@desk" in bad
        assert "● 2026-03-14 13:08:00" in old and "done" in old
        assert "Audit  3 · 2 not done" in screen_text(app)
        await pilot.press("O")
        await until(lambda: "Sync old" in lines(screen_text(app))[0])
        await pilot.press("escape")
        await until(lambda: app.screen is app.estate)


async def test_a_filter_looks_in_everything_and_esc_takes_it_away_first() -> None:
    fake = with_log(entries("emby", 60), entries("grafana", 30, "failed", "timeout"))
    async with running(fake, seen="connecting") as (app, pilot):
        await pilot.press("A")
        await until(lambda: "Sync emby" in screen_text(app))
        await pilot.press("slash", *"argocd/gra")
        await until(lambda: "Sync emby" not in screen_text(app) and "Sync grafana" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: not app.screen.query(Input))
        assert "1 of 2" in screen_text(app) and "filter: argocd/gra" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: "Sync emby" in screen_text(app))
        assert isinstance(app.screen, AuditScreen)


async def test_enter_opens_all_that_the_log_says() -> None:
    fake = with_log(entries("emby", 60, "unknown", "no answer\nafter 30 s", state="look before you do it again"))
    async with running(fake, seen="connecting") as (app, pilot):
        await pilot.press("A")
        await until(lambda: "Sync emby" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, RecordScreen) and "1234567" in screen_text(app))
        text = screen_text(app)
        for wanted in ("unknown", "ada@desk", "13:09:00 after 1m00s", "argocd/emby", "after 30 s", "1.  Ask Argo CD"):
            assert wanted in text, wanted
        assert "look before you do it again" in text
        await pilot.press("escape", "escape")
        await until(lambda: app.screen is app.estate)


async def test_what_is_done_while_it_is_open_shows() -> None:
    fake = FakeLab()
    async with running(fake, seen="connecting") as (app, pilot):
        await pilot.press("A")
        await until(lambda: "Nothing was done yet" in screen_text(app))
        wanted = Plan("argocd.sync", "Sync emby", Ref(ARGOCD, "Application", "argocd", "emby"), ())

        class Done:
            action, target = wanted.action, wanted.target

            def plan(self) -> Plan:
                return wanted

            def run(self, plan: Plan, report: Any) -> Outcome:
                return Outcome(Result.DONE, "all well")

        fake.executor.run(Done(), fake.executor.confirm(wanted), lambda phase, text: None)
        await until(lambda: "all well" in screen_text(app))


async def test_hostile_names_and_damaged_lines_are_harmless(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    good = [json.dumps(entry) for entry in entries(HOSTILE, 5, "failed", HOSTILE, state=HOSTILE)]
    path.write_text("\n".join([good[0], '{"cut', good[1]]) + "\n")
    fake = FakeLab()
    fake.executor.audit = JsonLinesAudit(path)
    async with running(fake, seen="connecting") as (app, pilot):
        await pilot.press("A")
        await until(lambda: "1 line of the log is damaged and skipped" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, RecordScreen) and "1234567" in screen_text(app))
        assert "web·[31m[b]·" in screen_text(app)
        assert "\x1b" not in screen_text(app) and "\u202e" not in screen_text(app)


async def test_a_log_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    fake = FakeLab()
    fake.executor.audit = JsonLinesAudit(tmp_path)  # a folder
    async with running(fake, seen="connecting") as (app, pilot):
        await pilot.press("A")
        await until(lambda: "The audit log cannot be read" in screen_text(app))
        assert "Is a directory" in " ".join(screen_text(app).split())
