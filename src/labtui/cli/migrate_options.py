"""The options of `labtui migrate` and `labtui migration`, without what they need to run: every start of labtui reads them."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from labtui.domain.migration.steps import ORDER, StepName

Add = Callable[..., argparse.ArgumentParser]


def add_migrations(add: Add, estate: argparse.ArgumentParser, output: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    migrate = add("migrate", "Move a Compose stack to Kubernetes, or go on with its migration", output)
    migrate.add_argument("stack", metavar="SITE/STACK")
    migrate.add_argument("--until", type=step, metavar="STEP", help=f"stop after this step: {_steps()}")
    migrate.add_argument(
        "--set",
        action="append",
        metavar="SERVICE.KEY=ANSWER",
        default=[],
        help="answer a question of its plan, for this migration (may be given several times); kept in its journal",
    )
    migrate.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    migration = add("migration", "Look at migrations, go on with one, or undo one")
    verbs = migration.add_subparsers(dest="verb", metavar="list|show|resume|undo", required=True)
    verbs.add_parser("list", help="every migration, here and in the cluster", parents=[estate, output])
    for name, words in (
        ("show", "the journal of one"),
        ("resume", "go on where it was cut off, from this machine or another one"),
        ("undo", "take it back"),
    ):
        verb = verbs.add_parser(name, help=words, description=words, parents=[estate, output])
        verb.add_argument("id", metavar="ID", help="as `labtui migration list` shows it")
        if name != "show":
            verb.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        if name == "resume":
            verb.add_argument(
                "--accept",
                default="",
                metavar="ACTION",
                help="go on from what somebody else has changed there, as the stopped run asked",
            )
        if name == "undo":
            verb.add_argument(
                "--to", type=step, metavar="STEP", help=f"leave this step and those before it: {_steps()}"
            )


def step(text: str) -> StepName:
    """A step by its name; `cut-over` is `cut over`."""
    try:
        return StepName(text.replace("-", " ").lower())
    except ValueError:
        raise argparse.ArgumentTypeError(f"is none of {_steps()}") from None


def _steps() -> str:
    return ", ".join(name.value.replace(" ", "-") for name in ORDER)
