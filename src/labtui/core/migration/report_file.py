"""Keeping the report of a migration: `<state folder>/migrations/<id>.report.json` and `.md`."""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.migration.report import Report, as_json, as_markdown
from labtui.domain.text import clean

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class ReportFiles:
    """The reports in one folder, readable by their owner alone. A report is there whole or not at all."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "migrations"

    def write(self, report: Report) -> tuple[Path, Path]:
        """Keep a report, over an earlier one of the same migration; answers both files. Raises Refused."""
        text = json.dumps(as_json(report), ensure_ascii=False, indent=2) + "\n"
        paths = self._path(report.migration, "json"), self._path(report.migration, "md")
        self._replace(paths[0], text)
        self._replace(paths[1], as_markdown(report))
        return paths

    def read(self, migration: str) -> dict[str, Any]:
        """A report's JSON. Raises NotFound, and Invalid when the file is damaged."""
        path = self._path(migration, "json")
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"There is no report of {clean(migration, 100)}", str(path)) from None
        except (OSError, ValueError) as error:
            raise Invalid("The report cannot be read", f"{path}: {clean(str(error), 120)}") from error
        if not isinstance(found, dict):
            raise Invalid("The report cannot be read", f"{path}: it is no JSON object")
        return found

    def markdown(self, migration: str) -> str:
        """A report as Markdown. Raises NotFound."""
        path = self._path(migration, "md")
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise NotFound(
                f"There is no report of {clean(migration, 100)}", f"{path}: {clean(str(error), 120)}"
            ) from error

    def _path(self, migration: str, ending: str) -> Path:
        if not _ID.fullmatch(migration):
            raise Invalid(f"{clean(migration, 60)!r} is no name of a migration")
        return self.folder / f"{migration}.report.{ending}"

    def _replace(self, path: Path, text: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # mkstemp makes it readable by its owner alone
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Refused(
                "The report cannot be written", f"{path}: {error.strerror}", "Make room or correct the permissions"
            ) from error
