"""The plan's screen: what it shows, how questions are answered, how the answers get into git."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from labtui.core.stackplan import StackPlanner
from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Choice, Finding, Option, StackPlan, Verdict
from labtui.domain.errors import Invalid, Refused
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources.docker import Container, DockerService
from labtui.tui.screens.answer import AnswerScreen
from labtui.tui.screens.plan import PlanScreen
from tests.support.planned_immich import DATA, STACK, UPLOAD, convert
from tests.support.planning import ANSWERS_FILE, FakeCharts, FakeCompose, FakeFiles, planner, shows_no_secret
from tests.tui.dialog_fakes import FakeApplications, Host, make_lab, sees, until

pytestmark = pytest.mark.anyio
SITE = SourceId(SourceKind.DOCKER, "wroclaw")
SERVICE = DockerService(
    Ref(SITE, "ComposeService", "immich", "immich-server"),
    (Container("1", "immich_server", "x", "running", created=datetime(2026, 3, 1, tzinfo=UTC)),),
)
STRAY = DockerService(Ref(SITE, "Container", "", "stray"), SERVICE.containers)


def host_with(found: StackPlanner | None = None, read_only: str = "") -> Host:
    lab = make_lab(FakeApplications(), read_only=read_only)
    lab.stacks.planner = found or replace(planner(), convert=convert, compose=FakeCompose(STACK))
    return Host(lab)


def plan_screen(host: Host) -> PlanScreen:
    assert isinstance(host.screen, PlanScreen)
    return host.screen


async def opened(pilot: Pilot[None], host: Host) -> PlanScreen:
    host.flow.start("docker.plan", SERVICE)
    await sees(pilot, "Interruption")
    return plan_screen(host)


async def test_it_opens_on_the_first_key_that_asks() -> None:
    host = host_with()
    async with host.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, host)
        assert screen.chosen is not None
        assert (screen.chosen.service, screen.chosen.key) == ("immich-server", UPLOAD)
        await sees(pilot, "▲ 3 choices open", "10.6G are copied", "What becomes of this folder? Proposed: pvc")
        await pilot.press("n", "n")
        assert screen.chosen is not None
        assert screen.chosen.key == DATA
        await sees(pilot, "It must be answered before anything moves")


async def test_it_opens_on_what_is_refused_when_anything_is() -> None:
    files = FakeFiles([{ANSWERS_FILE: f"database:\n  {DATA}: keep\n"}])
    host = host_with(replace(planner(files), convert=convert, compose=FakeCompose(STACK)))
    async with host.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, host)
        await sees(pilot, "✗ cannot move: 1 key refused", "none: the stack stays where it is")
        assert screen.chosen is not None
        assert (screen.chosen.key, screen.chosen.verdict) == ("placement", Verdict.REFUSED)


async def test_a_choice_is_answered_and_the_cursor_stays() -> None:
    host = host_with()
    async with host.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, host)
        await pilot.press("enter")
        await sees(pilot, "left on the site and mounted over NFS", "proposed")
        await pilot.press("down", "enter")
        await until(pilot, lambda: host.screen is screen)
        assert screen.planned.answers == {("immich-server", UPLOAD): "keep"}
        assert screen.chosen is not None
        assert screen.chosen.key == UPLOAD
        await sees(pilot, "Your answer: keep", "1 answer not saved")
        await pilot.press("enter")
        await sees(pilot, "Take the answer back")
        await pilot.press("x")
        await until(pilot, lambda: screen.planned.answers == {})


async def test_a_text_of_ones_own_is_an_answer() -> None:
    host = host_with()
    async with host.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, host)
        await pilot.press("n", "enter")
        await sees(pilot, "Another answer")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(host.focused, Input))
        await pilot.press(*"/ping", "enter")
        await until(pilot, lambda: host.screen is screen)
        assert screen.planned.answers == {("immich-server", "probe"): "/ping"}


async def test_an_answer_that_is_none_is_told_and_the_plan_stays() -> None:
    def picky(stack: Stack, facts: Facts, answers: Answers) -> StackPlan:
        given = answers.get(("immich-server", "size"), "")
        choice = Choice(
            "How large?", (Option("10Gi", "as now"),), "10Gi", given if given.endswith("Gi") else "", free=True
        )
        finding = Finding("immich-server", "size", Verdict.CHOICE, "How large?", choice)
        return StackPlan(stack.site, stack.name, ("immich-server",), (finding,), {})

    host = host_with(replace(planner(), convert=picky, compose=FakeCompose(STACK)))
    async with host.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, host)
        await pilot.press("enter")
        await sees(pilot, "Another answer")
        await pilot.press("t", *"large", "enter")
        await sees(pilot, "large is no answer to immich-server.size", "10Gi")
        await pilot.press("escape")
        await until(pilot, lambda: host.screen is screen)
        assert screen.planned.answers == {}


async def test_a_form_is_filled_in_before_it_is_an_answer() -> None:
    choice = Choice(
        "Where to?", (Option("copy", "on a claim"), Option("nfs:SERVER:/PATH", "over NFS")), "copy", free=True
    )
    host = host_with()
    answers: list[str | None] = []
    async with host.run_test(size=(80, 24)) as pilot:
        host.push_screen(AnswerScreen(Finding("s", "volumes./x", Verdict.CHOICE, ""), choice), answers.append)
        await sees(pilot, "Where to?")
        await pilot.press("down", "enter", "enter")
        field = host.screen.query_one(Input)
        await until(pilot, lambda: field.value == "nfs:SERVER:/PATH" and host.focused is field)
        assert answers == []
        field.value = "nfs:10.0.0.1:/srv"
        await pilot.press("enter")
        await until(pilot, lambda: answers == ["nfs:10.0.0.1:/srv"])


async def test_a_refusing_answer_comes_first_and_says_what_fits_instead() -> None:
    host = host_with()
    async with host.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, host)
        await pilot.press("n", "n", "enter")
        await sees(pilot, "stays where it is")
        await pilot.press("down", "enter")
        await sees(pilot, "✗ cannot move: 1 key refused")
        await pilot.press("a")
        await until(pilot, lambda: screen.only_open)
        assert "image" not in {f.key for f in screen._rows if f}
        assert {"placement", DATA, UPLOAD} <= {f.key for f in screen._rows if f}


async def test_a_converted_key_has_nothing_to_answer() -> None:
    host = host_with()
    async with host.run_test(size=(80, 24)) as pilot:
        await opened(pilot, host)
        await pilot.press("end", "enter")
        await until(pilot, lambda: any("nothing to answer" in toast for toast in host.toasts()))


async def test_values_objects_secrets_and_volumes_can_be_read() -> None:
    host = host_with()
    async with host.run_test(size=(120, 40)) as pilot:
        await opened(pilot, host)
        for key, words in {
            "y": ("traffic: docker", "they hold no secret"),
            "o": ("kind: Deployment", "4 objects"),
            "e": ("POSTGRES_PASSWORD", "apps/immich"),
            "v": ("/srv/photos", "unknown"),
        }.items():
            await pilot.press(key)
            await sees(pilot, *words)
            shows_no_secret(host.shown())
            await pilot.press("escape")
            await sees(pilot, "Interruption")


async def test_missing_helm_is_told_and_the_plan_stays() -> None:
    error = Refused("The helm program is missing", "the app chart is rendered with it", "Install helm 3")
    host = host_with(replace(planner(), convert=convert, compose=FakeCompose(STACK), charts=FakeCharts(error)))
    async with host.run_test(size=(80, 24)) as pilot:
        await opened(pilot, host)
        await pilot.press("o")
        await sees(pilot, "The helm program is missing", "Install helm 3")
        await pilot.press("escape")
        await sees(pilot, "Interruption")


async def test_answers_are_saved_through_a_plan_that_is_confirmed() -> None:
    files = FakeFiles()
    host = host_with(replace(planner(files), convert=convert, compose=FakeCompose(STACK)))
    async with host.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, host)
        await pilot.press("enter")
        await sees(pilot, "left on the site")
        await pilot.press("enter", "S")
        await sees(pilot, "Save the answers of wroclaw/immich", "Commit and push", ANSWERS_FILE)
        assert files.seen(ANSWERS_FILE) is None
        await until(pilot, lambda: not host.screen.query_one("#confirm", Button).disabled)
        await pilot.press("right", "enter")
        await sees(pilot, "● Done:", "saved in")
        assert files.seen(ANSWERS_FILE) is not None
        await pilot.press("escape")
        await until(pilot, lambda: host.screen is screen and not screen.planned.unsaved)
        assert "not saved" not in host.shown()
    assert [e["event"] for e in host.lab.executor.audit.entries()] == ["intent", "outcome"]


async def test_leaving_with_unsaved_answers_is_asked_once() -> None:
    host = host_with()
    async with host.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, host)
        await pilot.press("enter")
        await sees(pilot, "left on the site")
        await pilot.press("enter")
        await until(pilot, lambda: bool(screen.planned.unsaved))
        await pilot.press("escape")
        await until(pilot, lambda: any("1 answer is not saved" in toast for toast in host.toasts()))
        assert host.screen is screen
        await pilot.press("escape")
        await until(pilot, lambda: host.screen is not screen)


async def test_nothing_is_saved_in_read_only_mode() -> None:
    files = FakeFiles()
    found = replace(planner(files), convert=convert, compose=FakeCompose(STACK))
    host = host_with(found, "labtui was started with --read-only")
    async with host.run_test(size=(80, 24)) as pilot:
        await opened(pilot, host)
        await pilot.press("enter")
        await sees(pilot, "left on the site")
        await pilot.press("enter", "S")
        await until(pilot, lambda: any("--read-only" in toast for toast in host.toasts()))
    assert files.seen(ANSWERS_FILE) is None


async def test_it_says_what_it_waits_for_and_can_be_given_up() -> None:
    hold = threading.Event()

    class Slow(FakeCompose):
        def read(self, site: str, stack: str) -> Stack:
            hold.wait(20)
            return super().read(site, stack)

    host = host_with(replace(planner(), convert=convert, compose=Slow(STACK)))
    try:
        async with host.run_test(size=(80, 24)) as pilot:
            host.flow.start("docker.plan", SERVICE)
            await sees(pilot, "docker compose merges its files")
            await pilot.press("escape")
            await until(pilot, lambda: "docker compose" not in host.shown())
            hold.set()
            await pilot.pause(0.2)
            assert not isinstance(host.screen, PlanScreen)
    finally:
        hold.set()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_what_compose_says_is_shown(size: tuple[int, int]) -> None:
    error = Invalid(
        "The Compose files of immich are wrong", "compose/wroclaw/immich.yaml:12: no such key", "Correct it"
    )
    host = host_with(replace(planner(), compose=FakeCompose(STACK, error)))
    async with host.run_test(size=size) as pilot:
        host.flow.start("docker.plan", SERVICE)
        await sees(pilot, "compose/wroclaw/immich.yaml:12", "Correct it")


async def test_a_stray_container_has_no_plan_and_an_estate_without_files_says_so() -> None:
    host = host_with()
    async with host.run_test(size=(80, 24)) as pilot:
        host.flow.start("docker.plan", STRAY)
        await until(pilot, lambda: any("it belongs to no Compose stack" in toast for toast in host.toasts()))
        host.lab.stacks.planner = None
        host.flow.start("docker.plan", SERVICE)
        await sees(pilot, "This estate names no Compose folder", "sites.NAME.compose")
