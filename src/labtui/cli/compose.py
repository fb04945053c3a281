"""`labtui compose SITE/STACK up|stop|restart|pull|logs`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from labtui.cli.argocd import Asking, perform, show_plan
from labtui.cli.output import Exit, print_json
from labtui.core.lab import Lab
from labtui.domain.errors import Invalid
from labtui.domain.text import clean


def split_target(target: str) -> tuple[str, str]:
    """`SITE/STACK` in two. Raises Invalid."""
    site, slash, stack = target.partition("/")
    if not (slash and site and stack) or "/" in stack:
        raise Invalid(
            f"{clean(target, 80)!r} is not of the form SITE/STACK", "", "For example: labtui compose kyiv/monitoring up"
        )
    return site, stack


def verb(lab: Lab, target: str, word: str, services: Sequence[str], dry_run: bool, asking: Asking) -> Exit:
    """Plan, confirm, run; `dry_run` stops after the plan."""
    site, stack = split_target(target)
    operation = lab.compose(site, stack, word, services)
    if dry_run:
        return show_plan(operation.plan(), asking)
    return perform(lab, operation, asking)


def logs(lab: Lab, target: str, services: Sequence[str], *, follow: bool, tail: int, as_json: bool) -> Exit:
    """Print the log lines; with `as_json` one document of them all."""
    site, stack = split_target(target)
    if as_json and follow:
        raise Invalid("--json prints one document, and --follow never ends", "", "Leave one of them out")
    with closing(lab.compose_control().logs(site, stack, services, follow=follow, tail=tail)) as found:
        if as_json:
            print_json({"site": site, "stack": stack, "lines": list(found)})
            return Exit.DONE
        for line in found:
            print(clean(line, 10_000), flush=follow)
    return Exit.DONE
