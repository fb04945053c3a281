"""Arguments in, exit status out."""

from __future__ import annotations

import argparse
import codecs
import gc
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labtui import __version__
from labtui.cli.backup_options import add_backups
from labtui.cli.output import Exit, exit_of, print_error, print_json, print_table
from labtui.core.paths import config_dir, state_dir
from labtui.domain.errors import Invalid, LabError

if TYPE_CHECKING:
    from labtui.cli.argocd import Asking
    from labtui.core.lab import Lab
    from labtui.estate.bootstrap import Options

EPILOG = """exit status: 0 done; 1 failed; 2 wrong usage or estate file; 3 refused as unsafe or impossible;
4 some source could not be reached"""


Add = Callable[..., argparse.ArgumentParser]  # name, description, parents


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status; argparse itself exits with 2 on wrong usage."""
    _speak_utf8()
    options = parser().parse_args(arguments)
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


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    estate = argparse.ArgumentParser(add_help=False)
    estate.add_argument("--estate", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="the estate file")
    estate.add_argument("--demo", action="store_true", default=argparse.SUPPRESS, help="use the simulated estate")
    estate.add_argument(
        "--fault",
        action="append",
        metavar="SOURCE=FAULT",
        default=argparse.SUPPRESS,
        help="a fault in the demo: SOURCE is argocd, cluster, wroclaw, kyiv or vault; FAULT is down, slow, denied or expired",
    )
    estate.add_argument("--read-only", action="store_true", default=argparse.SUPPRESS, help="refuse every change")
    screen = argparse.ArgumentParser(add_help=False)
    screen.add_argument("--theme", metavar="NAME", default=argparse.SUPPRESS, help="a theme of the screen")
    screen.add_argument(
        "--no-mouse", action="store_true", default=argparse.SUPPRESS, help="leave the mouse to the terminal"
    )
    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("--json", action="store_true", help="print one JSON document")
    output.add_argument("--timeout", type=_seconds, metavar="SECONDS", default=10.0, help="wait this long (default 10)")
    change = argparse.ArgumentParser(add_help=False)
    change.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    change.add_argument("--dry-run", action="store_true", help="show what would be done, change nothing")
    change.add_argument("--prune", action="store_true", help="delete what the wanted revision does not have")

    top = argparse.ArgumentParser(
        prog="labtui",
        description="Operate a hybrid homelab from one terminal. Without a command: the screen.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[estate, screen],
    )
    top.add_argument("--version", action="version", version=f"labtui {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def add(name: str, words: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=words, description=words, parents=[estate, *parents])

    add("demo", "The screen on a simulated estate; nothing needs to be installed", screen)
    init = add("init", "Find clusters, Docker contexts, Argo CD, Vault and Compose folders; write labtui.yaml", output)
    init.add_argument("--force", action="store_true", help="overwrite an existing file")
    init.add_argument("file", nargs="?", type=Path, default=Path("labtui.yaml"), help="default: labtui.yaml")
    add("doctor", "Check every connection, version, permission and clock", output)
    add("status", "Print the estate once", output)
    sync = add("sync", "Sync an Argo CD application", output, change)
    sync.add_argument(
        "--revision", metavar="REV", default="", help="sync to this revision instead of the target revision"
    )
    sync.add_argument(
        "--resource",
        action="append",
        type=_resource,
        metavar="[GROUP:]KIND:[NAMESPACE/]NAME",
        default=[],
        help="sync only this resource (may be given several times)",
    )
    rollback = add("rollback", "Roll an Argo CD application back, also when auto-sync is on", output, change)
    rollback.add_argument("--to", type=int, metavar="ID", help="history entry (default: the newest different one)")
    rollback.add_argument("--history", action="store_true", help="list what it can be rolled back to")
    rollback.add_argument(
        "--finish", action="store_true", help="after a rollback: revert the change in git, then turn auto-sync on again"
    )
    diff = add("diff", "Show what a sync would change", output)
    for command in (sync, rollback, diff):
        command.add_argument("app", metavar="APP", help="NAME or NAMESPACE/NAME")
    promote = add("promote", "Promote an application's values to another environment, as a commit in git", output)
    promote.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    promote.add_argument("--dry-run", action="store_true", help="show what would be committed, change nothing")
    promote.add_argument("app", metavar="APP", help="its name in the app of apps")
    promote.add_argument("source", metavar="FROM", help="the environment that has it, e.g. staging")
    promote.add_argument("target", metavar="TO", help="the environment that gets it, e.g. homelab")
    _compose_options(add("compose", "Run a Compose stack on its site, with its own files", output))
    _add_planning(add, estate)
    add_backups(add, output)
    audit = add("audit", "Show who did what, when, and how it ended", output)
    audit.add_argument(
        "--last", type=int, default=50, metavar="N", help="only the last N entries (default 50, 0 for all)"
    )
    return top


def _compose_options(compose: argparse.ArgumentParser) -> None:
    compose.add_argument("stack", metavar="SITE/STACK")
    compose.add_argument("verb", choices=("up", "stop", "restart", "pull", "logs"))
    compose.add_argument(
        "--service", action="append", metavar="NAME", default=[], help="only this service (may be given several times)"
    )
    compose.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    compose.add_argument("--dry-run", action="store_true", help="show what would be done, change nothing")
    compose.add_argument("--follow", action="store_true", help="logs: go on until interrupted")
    compose.add_argument(
        "--tail",
        type=_count,
        metavar="N",
        default=200,
        help="logs: the last N lines of each container (default 200, 0 for all)",
    )


def _add_planning(add: Add, estate: argparse.ArgumentParser) -> None:
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print one JSON document")
    plan = add("plan", "Plan the move of a Compose stack to Kubernetes, line by line; changes nothing", as_json)
    plan.add_argument("stack", metavar="SITE/STACK")
    plan.add_argument("--out", type=Path, metavar="DIR", help="write the values and the rendered objects there")
    plan.add_argument(
        "--set",
        action="append",
        metavar="SERVICE.KEY=ANSWER",
        default=[],
        help="answer a question of the plan, for this call (may be given several times; an empty answer takes it back)",
    )
    plan.add_argument("--save", action="store_true", help="remember the answers: commit them to git and push")
    plan.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    plan.add_argument("--namespace", metavar="NAME", default="", help="default: the stack's name")
    secrets = add("secrets", "Look at the secrets of a stack; never shows a value")
    looks = secrets.add_subparsers(dest="secrets_command", metavar="COMMAND", title="commands", required=True)
    words = "Compare the secrets of a stack in Compose, Vault and the cluster"
    compared = looks.add_parser("diff", help=words, description=words, parents=[estate, as_json])
    compared.add_argument("stack", metavar="SITE/STACK")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("must be above 0 and at most 3600")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be below 0")
    return value


def _resource(text: str) -> tuple[str, str, str, str]:
    """`apps:Deployment:web/web` → (group, kind, namespace, name); the form of `argocd app sync --resource`."""
    parts = text.split(":")
    if len(parts) == 2:
        parts.insert(0, "")
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise argparse.ArgumentTypeError("write [GROUP:]KIND:[NAMESPACE/]NAME")
    namespace, _, name = parts[2].rpartition("/")
    return parts[0], parts[1], namespace, name


def _run(options: argparse.Namespace) -> int:
    if options.command == "init":
        return _init(options)
    if options.command == "audit":
        return _audit(options)
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


def _audit(options: argparse.Namespace) -> int:
    from labtui.core.audit import JsonLinesAudit, MemoryAudit
    from labtui.estate.bootstrap import audit_path

    # the demo changes nothing real, so it keeps no record beyond its own end
    log = MemoryAudit() if getattr(options, "demo", False) else JsonLinesAudit(audit_path(os.environ, Path.home()))
    entries = list(log.entries())
    shown = entries[-options.last :] if options.last else entries
    if options.json:
        print_json({"entries": shown})
        return Exit.DONE
    rows = [("WHEN", "WHO", "WHAT", "EVENT", "RESULT")]
    for entry in shown:
        if "damaged" in entry:
            rows.append(("?", "", f"line {entry['damaged']} is damaged", "", ""))
            continue
        words = f"{entry.get('result', '')} {entry.get('message', '')}".strip()
        when = str(entry.get("at", ""))[:19].replace("T", " ")
        rows.append((when, str(entry.get("by", "")), str(entry.get("title", "")), str(entry.get("event", "")), words))
    if not shown:
        print(
            "Nothing was done yet"
            if not getattr(options, "demo", False)
            else "The demo keeps no record beyond its own end"
        )
        return Exit.DONE
    print_table(rows)
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
