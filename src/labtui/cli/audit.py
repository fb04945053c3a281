"""`labtui audit`: who did what, when, and how it ended."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path

from labtui.cli.output import Exit, print_json, print_table
from labtui.core.audit import JsonLinesAudit, MemoryAudit
from labtui.core.audit_records import READ_MOST, Looked, Record, Wanted, look
from labtui.domain.text import clean
from labtui.estate.bootstrap import audit_path


def audit(options: argparse.Namespace) -> Exit:
    """Print the log, oldest first. Damaged lines are said and skipped."""
    # the demo changes nothing real, so it keeps no record beyond its own end
    demo = bool(getattr(options, "demo", False))
    log = MemoryAudit() if demo else JsonLinesAudit(audit_path(os.environ, Path.home()))
    wanted = Wanted(options.since, options.app, options.target, options.failed, options.last)
    looked = look(log, wanted)
    if options.json:
        print_json(document(looked))
        return Exit.DONE
    if looked.records:
        print_table([("WHEN", "WHO", "WHAT", "RESULT", "HOW"), *(_row(record) for record in reversed(looked.records))])
    elif demo:
        print("The demo keeps no record beyond its own end")
    else:
        print("Nothing was done yet" if wanted == Wanted(last=options.last) else "Nothing that was asked for")
    if looked.damaged:
        lines = "1 line is" if len(looked.damaged) == 1 else f"{len(looked.damaged)} lines are"
        places = ", ".join(str(place) for place in sorted(looked.damaged)[:5])
        more = " …" if len(looked.damaged) > 5 else ""
        print(f"labtui: {lines} damaged and skipped, at byte {places}{more} of {log_name(log)}", file=sys.stderr)
    if not looked.whole:
        print(f"labtui: only the newest {READ_MOST} entries were looked at; --last 0 looks at all", file=sys.stderr)
    return Exit.DONE


def log_name(log: JsonLinesAudit | MemoryAudit) -> str:
    """The file, for people."""
    return clean(str(log.path)) if isinstance(log, JsonLinesAudit) else "the log"


def _row(record: Record) -> tuple[str, ...]:
    words = record.message or ("it runs still, or was cut off" if record.ended is None else "")
    return _time(record.at or record.ended), record.by, record.title, record.result, words.partition("\n")[0]


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else "?"


def document(looked: Looked) -> dict[str, object]:
    """The log for programs, oldest first."""
    return {
        "entries": [
            {
                "id": record.id,
                "at": record.at,
                "ended": record.ended,
                "by": record.by,
                "action": record.action,
                "title": record.title,
                "target": {
                    "source": record.source,
                    "kind": record.kind,
                    "namespace": record.namespace,
                    "name": record.name,
                },
                "result": record.result,
                "message": record.message,
                "state": record.state,
                "steps": list(record.steps),
                "facts": dict(record.facts),
            }
            for record in reversed(looked.records)
        ],
        "damaged": list(looked.damaged),
        "whole": looked.whole,
    }
