"""Every command with its options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from labtui import __version__
from labtui.cli.audit_options import add_audit
from labtui.cli.backup_options import add_backups
from labtui.cli.migrate_options import add_migrations

EPILOG = """exit status: 0 done; 1 failed; 2 wrong usage or estate file; 3 refused as unsafe or impossible;
4 some source could not be reached"""


HIDDEN = "__complete"  # what a shell calls at each Tab (cli/completion.py)
Add = Callable[..., argparse.ArgumentParser]  # name, description, parents


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
        help="a fault in the demo: SOURCE is argocd, cluster, wroclaw, kyiv or vault; FAULT is down, slow, denied or expired; "
        "for migrations also git=down, pods=no-image, pods=crashes, traffic=lossy",
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
    add_migrations(add, estate, output)
    add_audit(add, output)
    words = "Print a script that completes commands, options and names in a shell"
    completion = commands.add_parser("completion", help=words, description=words)
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
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
