"""Arguments in, exit status out."""

from __future__ import annotations

import argparse
import codecs
import gc
import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labtui.cli.output import Exit, exit_of, print_error, print_json
from labtui.cli.parser import HIDDEN, parser
from labtui.core.paths import config_dir, state_dir
from labtui.domain.errors import Invalid, LabError

if TYPE_CHECKING:
    from labtui.cli.argocd import Asking
    from labtui.core.lab import Lab
    from labtui.estate.bootstrap import Options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status; argparse itself exits with 2 on wrong usage."""
    _speak_utf8()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [HIDDEN]:  # the shell asks at each Tab; no command, so it stands in no help
        from labtui.cli.completion import answer

        sys.stdout.write(answer(parser(), given[1:]))
        return int(Exit.DONE)
    options = parser().parse_args(given)
    as_json = getattr(options, "json", False)
    try:
        _log_to_file()
        return int(_run(options))
    except LabError as error:
        print_error(error, as_json=as_json)
        return int(exit_of(error))
    except KeyboardInterrupt:
        print("labtui: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _drop_output()
        return int(Exit.FAILED)
    except OSError as error:
        # the disk is full, the current folder is gone: nothing that labtui can mend
        logging.getLogger(__name__).exception("%s failed", options.command)
        _drop_output()
        place = f"{error.filename}: " if error.filename else ""
        print_error(LabError(f"The system refused: {place}{error.strerror or error}"), as_json=False)
        return int(Exit.FAILED)


def _drop_output() -> None:
    """What reads our output has gone, or has no room: nothing more is to be flushed at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_utf8() -> None:
    """Signs and names need more letters than an old locale has, and an ssh session easily comes with a wrong one.

    Terminals understand UTF-8 whatever the locale says; half a screen of escapes, or a traceback, helps nobody."""
    for stream in (sys.stdout, sys.stderr):
        encoding = str(getattr(stream, "encoding", None) or "utf-8")
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(encoding).name != "utf-8":
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _run(options: argparse.Namespace) -> int:
    if options.command == "init":
        return _init(options)
    if options.command == "completion":
        from labtui.cli.completion_scripts import SCRIPTS

        print(SCRIPTS[options.shell], end="")
        return int(Exit.DONE)
    if options.command == "audit":
        from labtui.cli.audit import audit

        return int(audit(options))
    if options.command in (None, "demo"):
        return _screen(options)
    from labtui.estate.bootstrap import open_lab

    lab = open_lab(_estate_options(options), os.environ)
    try:
        return int(_run_in(lab, options))
    finally:
        lab.close()


def _run_in(lab: Lab, options: argparse.Namespace) -> int:
    if options.command == "status":
        from labtui.cli.status import status

        return status(lab, as_json=options.json, seconds=options.timeout)
    if options.command == "doctor":
        from labtui.cli.doctor import doctor

        return doctor(lab, as_json=options.json, seconds=options.timeout)
    if options.command == "promote":
        from labtui.cli.promote import promote

        return promote(lab, options.app, options.source, options.target, options.dry_run, _asking(options))
    if options.command == "compose":
        return _compose(lab, options)
    if options.command in ("backup", "restore"):
        from labtui.cli.backup import run

        return run(lab, options, _asking(options))
    if options.command in ("migrate", "migration"):
        from labtui.cli import migrate

        return migrate.run(lab, options, _asking(options))
    if options.command == "plan":
        from labtui.cli.plan import Wanted, plan

        answers = tuple(options.set)
        wanted = Wanted(options.stack, options.out, answers, options.save, options.namespace)
        return plan(lab, wanted, _asking(options))
    if options.command == "secrets":
        from labtui.cli.secrets import diff

        return diff(lab, options.stack, as_json=options.json)
    return _argocd(lab, options)


def _compose(lab: Lab, options: argparse.Namespace) -> int:
    from labtui.cli import compose

    if options.verb == "logs":
        return compose.logs(
            lab, options.stack, options.service, follow=options.follow, tail=options.tail, as_json=options.json
        )
    return compose.verb(lab, options.stack, options.verb, options.service, options.dry_run, _asking(options))


def _argocd(lab: Lab, options: argparse.Namespace) -> int:
    from labtui.cli import argocd
    from labtui.ports import SyncRequest

    asking = _asking(options)
    if options.command == "diff":
        return argocd.diff(lab, options.app, asking)
    if options.command == "sync":
        request = SyncRequest(options.revision, options.prune, options.dry_run, tuple(options.resource))
        return argocd.sync(lab, options.app, request, asking)
    if options.history and (options.finish or options.to is not None or options.prune):
        raise Invalid("--history only lists", "", "Leave the other options out, or leave --history out")
    if options.history:
        return argocd.history(lab, options.app, asking)
    if options.finish:
        if options.to is not None or options.prune:
            raise Invalid("--finish goes with neither --to nor --prune", "", "It makes the last rollback last")
        return argocd.finish_rollback(lab, options.app, options.dry_run, asking)
    return argocd.rollback(lab, options.app, options.to, options.prune, options.dry_run, asking)


def _asking(options: argparse.Namespace) -> Asking:
    from labtui.cli.argocd import Asking

    return Asking(options.json, getattr(options, "yes", False), getattr(options, "timeout", 0.0))


def _estate_options(options: argparse.Namespace) -> Options:
    from labtui.estate.bootstrap import Options

    given = vars(options)
    demo = bool(given.get("demo")) or options.command == "demo"
    if given.get("fault") and not demo:
        raise Invalid("--fault works on the demo alone", "", "Add --demo")
    return Options(given.get("estate"), demo, given.get("fault") or (), bool(given.get("read_only")))


def _screen(options: argparse.Namespace) -> int:
    # Imports make a hundred thousand objects that stay: collecting among them is a quarter of the time to the first frame.
    # The screen turns the collector on again once everything is live.
    gc.disable()
    from labtui.estate.bootstrap import prepare

    # a stream that was closed before the start is None
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        raise Invalid("The screen needs a terminal", "", "labtui status prints the estate once")
    prepared = prepare(_estate_options(options), os.environ, dial=True)
    # read when textual is imported: fewer frames a second are enough here, and kind to a slow line
    os.environ.setdefault("TEXTUAL_FPS", "30")
    from labtui.tui.app import Opening, run

    return run(
        Opening(prepared.name, prepared.open, prepared.theme_dirs),
        theme=getattr(options, "theme", None),
        keys_file=config_dir(os.environ, Path.home()) / "keys.yaml",
        mouse=not getattr(options, "no_mouse", False),
    )


def _init(options: argparse.Namespace) -> int:
    from labtui.estate.init import init

    demo = bool(getattr(options, "demo", False))
    report = init(options.file, force=options.force, environ=os.environ, home=Path.home(), demo=demo)
    if options.json:
        print_json({"file": str(report.path), "found": list(report.found), "missing": list(report.missing)})
        return Exit.DONE
    print(f"wrote {report.path}")
    for line in report.found:
        print(f"  ● {line}")
    for line in report.missing:
        print(f"  ○ {line}")
    print("Look at it, then run: labtui doctor")
    return Exit.DONE


def _log_to_file() -> None:
    """Warnings of labtui and its libraries go to a file: the terminal belongs to the screen."""
    from logging.handlers import RotatingFileHandler

    folder = state_dir(os.environ, Path.home())
    handler: logging.Handler
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = RotatingFileHandler(folder / "labtui.log", maxBytes=1_000_000, backupCount=1, delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
