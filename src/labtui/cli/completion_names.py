"""The names that the shell completes: read from files where files know them, asked of the server for a second where not.

A completion is quick or empty: whatever is wrong is said by the command itself, once it is run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labtui.core.paths import config_dir, state_dir
from labtui.domain.errors import LabError

if TYPE_CHECKING:
    from labtui.estate.file import Estate

ASK = 1.0  # seconds that a server has for its answer
LIMIT = 1.5  # seconds after which there are no names, whatever is still going on


@dataclass(frozen=True, slots=True)
class Place:
    """Which estate is meant by the words before the cursor."""

    demo: bool = False
    estate: Path | None = None


def names(kind: str, place: Place) -> list[str]:
    """The names of one kind (a metavar of the parser), sorted; none when it knows none or they do not come in time."""
    find = FINDERS.get(kind)
    if find is None:
        return []
    found: list[str] = []

    def work() -> None:
        try:
            found.extend(find(place))
        except (LabError, OSError):
            return

    thread = threading.Thread(target=work, name=f"names of {kind}", daemon=True)
    thread.start()
    thread.join(LIMIT)
    return sorted(set(found))


def _stacks(place: Place) -> Iterable[str]:
    from labtui.estate import names as files

    if not place.demo:
        return files.stacks(_estate(place))
    from labtui.domain.ref import SourceKind
    from labtui.estate.bootstrap import Options, open_lab

    lab = open_lab(Options(demo=True), os.environ)
    sites = [source.scope for source in lab.sources if source.kind is SourceKind.DOCKER]
    return [f"{site}/{stack}" for site in sites for stack in lab.compose_files().stacks(site)]


def _applications(place: Place) -> Iterable[str]:
    from labtui.estate import names as files

    return (not place.demo and files.applications(_estate(place))) or _asked(place, "argocd")


def _vault_paths(place: Place) -> Iterable[str]:
    return _asked(place, "vault")


def _asked(place: Place, kind: str) -> Iterable[str]:
    """What a source lists, within `ASK` seconds."""
    from labtui.cli.collect import look
    from labtui.domain.resources import SecretPath
    from labtui.estate.bootstrap import Options, open_lab

    lab = open_lab(Options(place.estate, place.demo, read_only=True), os.environ)
    look(lab, ASK, lambda source: source.kind.value == kind)
    for source in lab.sources:
        if source.kind.value == kind:
            for resource in lab.inventory.of(source):
                if not (isinstance(resource, SecretPath) and resource.denied):
                    yield resource.ref.name


def _environments(place: Place) -> Iterable[str]:
    from labtui.estate import names as files

    return files.environments(_estate(place))


def _migrations(place: Place) -> Iterable[str]:
    folder = state_dir(os.environ, Path.home()) / "migrations"
    return [file.stem for file in folder.glob("*.jsonl")]


def _themes(place: Place) -> Iterable[str]:
    import labtui

    package = Path(labtui.__file__).resolve().parent
    folders = (
        package / "data" / "themes",
        package.parents[1] / "themes",
        config_dir(os.environ, Path.home()) / "themes",
    )
    return [file.stem for folder in folders for file in folder.glob("*.toml")]


def _steps(place: Place) -> Iterable[str]:
    from labtui.domain.migration.steps import ORDER

    return [name.value.replace(" ", "-") for name in ORDER]


def _faults(place: Place) -> Iterable[str]:
    from labtui.demo.faults import SOURCES, faults_of

    return [f"{name}={fault.value}" for name, source in SOURCES.items() for fault in faults_of(source)]


def _estate(place: Place) -> Estate:
    from labtui.estate.file import find_estate_file, load_estate

    return load_estate(find_estate_file(place.estate, Path.cwd(), os.environ, Path.home()))


FINDERS: dict[str, Callable[[Place], Iterable[str]]] = {
    "SITE/STACK": _stacks,
    "APP": _applications,
    "PATH": _vault_paths,
    "FROM": _environments,
    "TO": _environments,
    "ID": _migrations,
    "STEP": _steps,
    "SOURCE=FAULT": _faults,
    "THEME": _themes,
}
