"""The page that is read before anything is done, and the pages of text."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from textual.widgets import Button, Input

from labtui.domain.plan import Danger, DiffItem, Plan, Step
from labtui.ports import TreeNode
from labtui.tui.screens.confirm import LINES_SHOWN, ConfirmScreen
from labtui.tui.screens.text import TextScreen, tree_lines
from labtui.tui.widgets.lines import count, diff_lines
from tests.tui.dialog_fakes import DIFF, WEB, FakeApplications, Host, application, make_lab, sees, until

pytestmark = pytest.mark.anyio

PLAN = Plan(
    "argocd.rollback",
    "Roll back web",
    WEB,
    (Step("Pause auto-sync", "PATCH /api/v1/applications/web"), Step("Roll back to history 4")),
    ("Sync hooks do not run",),
    danger=Danger.HIGH,
    diff=DIFF,
    summary=(("Application", "argocd/web"), ("Back to", "4: 4b1c9e2")),
    undo="sync it again",
)


def host_now() -> Host:
    """A host."""
    return Host(make_lab(FakeApplications()))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_buttons_are_in_view_whatever_the_plan_is(size: tuple[int, int]) -> None:
    long = tuple(DiffItem("ConfigMap", "web", f"c-{n}", ("+ a",) * 50) for n in range(50))
    plan = replace(PLAN, warnings=("a warning that goes on and on " * 20,) * 5, diff=long)
    host = host_now()
    async with host.run_test(size=size) as pilot:
        host.push_screen(ConfirmScreen(plan))
        await sees(pilot, "Cancel", "Roll back", "type web", "Whole diff")
        assert host.focused is not None and host.focused.id == "cancel"
        before = host.shown()
        await pilot.press("pagedown")
        await until(pilot, lambda: host.shown() != before)
        await sees(pilot, "Cancel", "type web")
        await pilot.press("end")
        await sees(pilot, "more lines")


async def test_what_to_mind_is_in_view_on_a_small_screen_however_many_steps_there_are() -> None:
    steps = tuple(Step(f"Step {n}", f"PATCH /api/v1/applications/web/{n}") for n in range(12))
    host = host_now()
    async with host.run_test(size=(80, 24)) as pilot:
        host.push_screen(ConfirmScreen(replace(PLAN, steps=steps)))
        await sees(pilot, "Mind", "Sync hooks do not run", "What will be done", "type web")


async def test_a_name_is_typed_at_once_where_cancel_has_the_focus() -> None:
    host = host_now()
    answers: list[bool | None] = []
    async with host.run_test() as pilot:
        host.push_screen(ConfirmScreen(replace(PLAN, diff=())), answers.append)
        await sees(pilot, "type web")
        assert host.focused is not None and host.focused.id == "cancel"
        await pilot.press("w", "e", "b", "enter")
        await until(pilot, lambda: answers == [True])


async def test_the_name_is_typed_exactly_and_enter_on_it_confirms() -> None:
    host = host_now()
    answers: list[bool | None] = []
    async with host.run_test() as pilot:
        host.push_screen(ConfirmScreen(PLAN), answers.append)
        await sees(pilot, "type web")
        confirm, field = host.screen.query_one("#confirm", Button), host.screen.query_one("#name", Input)
        for wrong in ("", "we", "Web", "web ", "webb"):
            field.value = wrong
            await pilot.pause()
            assert confirm.disabled, wrong
            field.focus()
            await pilot.press("enter")
        assert answers == []
        field.value = "web"
        await pilot.press("enter")
        await until(pilot, lambda: answers == [True])


async def test_another_name_may_be_wanted() -> None:
    host = host_now()
    async with host.run_test() as pilot:
        host.push_screen(ConfirmScreen(PLAN, "wroclaw/[b]web"))
        await sees(pilot, "To confirm, type wroclaw/[b]web:")


async def test_a_click_works_as_a_key_does() -> None:
    host = host_now()
    answers: list[bool | None] = []
    async with host.run_test() as pilot:
        host.push_screen(ConfirmScreen(replace(PLAN, danger=Danger.CONFIRM)), answers.append)
        await until(pilot, lambda: not host.screen.query_one("#confirm", Button).disabled)
        await pilot.click("#confirm")
        await until(pilot, lambda: answers == [True])
        host.push_screen(ConfirmScreen(PLAN), answers.append)
        await sees(pilot, "type web")
        await pilot.click("#cancel")
        await until(pilot, lambda: answers == [True, False])


async def test_refusals_replace_the_button_and_the_name() -> None:
    host = host_now()
    answers: list[bool | None] = []
    async with host.run_test() as pilot:
        host.push_screen(
            ConfirmScreen(replace(PLAN, refusals=("[b]its ApplicationSet[/b] would undo it",))), answers.append
        )
        await sees(pilot, "It cannot be done now", "✗ [b]its ApplicationSet[/b] would undo it", "What would be done")
        assert not host.screen.query_one("#confirm").display and not host.screen.query_one("#typing").display
        host.screen.query_one("#name", Input).value = "web"
        await pilot.pause()
        assert isinstance(host.screen, ConfirmScreen) and not host.screen.ready
        host.screen.query_one("#confirm", Button).press()
        await pilot.press("enter")
        await until(pilot, lambda: answers == [False])


async def test_everything_from_outside_is_shown_as_text() -> None:
    evil = "a\x1b[31m\u202eb[/][@click=app.quit]c"
    plan = replace(
        PLAN,
        title=evil,
        steps=(Step(evil, evil),),
        warnings=(evil,),
        summary=((evil, evil),),
        undo=evil,
        diff=(DiffItem(evil, evil, evil, (f"+{evil}",), evil),),
    )
    host = host_now()
    async with host.run_test(size=(200, 60)) as pilot:
        host.push_screen(ConfirmScreen(plan, evil))
        await sees(pilot, "type a·[31m·b[/][@click=app.quit]c:", "+a·[31m·b[/][@click=app.quit]c")
        assert host.shown().count("a·[31m·b[/][@click=app.quit]c") >= 9
        assert "\x1b" not in host.shown() and "\u202e" not in host.shown()


async def test_a_diff_of_20000_lines_opens_at_once_and_says_what_is_missing() -> None:
    item = DiffItem("ConfigMap", "web", "big", tuple(f"+line {n} " + "x" * 150 for n in range(30_000)))
    host = host_now()
    async with host.run_test(size=(120, 40)) as pilot:
        started = time.perf_counter()
        host.push_screen(TextScreen("big", diff_lines((item,), 20_000)))
        await sees(pilot, "+line 0 ")
        assert time.perf_counter() - started < 20  # all of it drawn would take minutes
        await pilot.press("end")
        await sees(pilot, "… 10002 more lines", "+line 19998 ")
        await pilot.press("home", "right", "right")
        await until(pilot, lambda: "+line 0 " not in host.shown())


async def test_the_confirmation_cuts_long_diffs_and_opens_all_of_them() -> None:
    item = DiffItem("ConfigMap", "web", "big", tuple(f"+line {n}" for n in range(2000)))
    host = host_now()
    async with host.run_test(size=(120, 40)) as pilot:
        host.push_screen(ConfirmScreen(replace(PLAN, diff=(item,))))
        await sees(pilot, "type web")
        await pilot.press("end")
        await sees(pilot, f"… {2002 - LINES_SHOWN} more lines")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(host.screen, TextScreen))
        await pilot.press("end")
        await sees(pilot, "+line 1999")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(host.screen, ConfirmScreen))


def test_file_names_of_a_unified_diff_are_not_counted() -> None:
    assert count(DiffItem("git", "", "x", ("--- a/x", "+++ b/x", "@@", "-1", "+2", "+3"))) == (2, 1)


def test_a_tree_with_circles_and_lost_owners_shows_every_node_once() -> None:
    a, b = ("", "A", "n", "a"), ("", "B", "n", "b")
    nodes = (
        TreeNode(*a, parent=b),
        TreeNode(*b, parent=a),
        TreeNode("", "C", "n", "c", parent=("", "gone", "n", "x")),
        TreeNode("", "D", "n", "d", parent=("", "D", "n", "d")),
    )
    text = ["".join(part for part, _ in line) for line in tree_lines(application(), nodes)]
    assert sorted(line.split()[-2:] for line in text) == [["A", "a"], ["B", "b"], ["C", "c"], ["D", "d"]]


def test_a_very_deep_tree_ends() -> None:
    keys = [("", "K", "n", f"k{n}") for n in range(3000)]
    nodes = tuple(TreeNode(*key, parent=keys[n - 1] if n else None) for n, key in enumerate(keys))
    assert len(tree_lines(application(), nodes)) == 3000
