"""`labtui secrets diff SITE/STACK`: which secret Compose has, Vault has, the cluster has, and whether they agree."""

from __future__ import annotations

from labtui.cli.output import Exit, print_json, print_table
from labtui.core.lab import Lab
from labtui.core.secrets import SecretsDiff, secrets_diff
from labtui.domain.secretsdiff import SecretLine
from labtui.domain.text import clean

SIGNS = {"same": "●", "unset": "○", "differs": "✗"}


def diff(lab: Lab, name: str, *, as_json: bool) -> Exit:
    """Compare and print. 0: all agree; 1: they do not."""
    found = secrets_diff(lab, name)
    if as_json:
        print_json(document(found))
    else:
        _print(found)
    return Exit.DONE if found.agree else Exit.FAILED


def document(found: SecretsDiff) -> dict[str, object]:
    """The comparison for programs. Fingerprints are keyed anew at each call: they compare within one document alone."""
    return {
        "site": found.site,
        "stack": found.stack,
        "namespace": found.namespace,
        "agree": found.agree,
        "unasked": list(found.unasked),
        "secrets": [
            {
                "path": line.path,
                "key": line.key,
                "variables": list(line.variables),
                "status": line.status,
                "fingerprints": dict(line.fingerprints),
            }
            for line in found.lines
        ],
    }


def _print(found: SecretsDiff) -> None:
    if not found.lines:
        print(f"{clean(found.site)}/{clean(found.stack)} has no secrets")
        return
    places = list(found.lines[0].fingerprints)
    rows = [("", "VAULT PATH", "KEY", *(place.upper() for place in places), "STATUS", "VARIABLES")]
    for line in found.lines:
        cells = (line.fingerprints[place] or "–" for place in places)
        rows.append((_sign(line), line.path, line.key, *cells, line.status, ", ".join(line.variables) or "–"))
    print_table(rows)
    print()
    for place in found.unasked:
        print(f"○ {place} was not asked: this estate does not name it")
    same = sum(line.status == "same" for line in found.lines)
    print(f"{same} of {len(found.lines)} agree. Equal fingerprints mean equal values; they are made anew at each call.")


def _sign(line: SecretLine) -> str:
    return SIGNS.get(line.status, "▲")
