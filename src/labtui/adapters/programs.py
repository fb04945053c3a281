"""The programs that labtui runs: are they there, in a version that does? Implements `ports.Diagnosable`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from labtui.domain.checks import Check, Verdict
from labtui.domain.errors import LabError
from labtui.domain.text import clean

SUBJECT = "this machine"
SECONDS = 10.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)[\w.+-]*")
_GIT = (2, 17)  # git worktree as labtui uses it


@dataclass(frozen=True)
class Programs:
    """git, helm and docker compose. `git`, `helm`, `compose`: does this estate need it? What is not needed is only told.

    `find_compose` answers how docker compose is called in an environment; raises Refused with what to do where it is missing.
    """

    environ: Mapping[str, str]
    git: bool
    helm: bool
    compose: bool
    find_compose: Callable[[Mapping[str, str]], tuple[str, ...]]

    def check(self) -> Iterator[Check]:
        """One line for each program."""
        yield self._program(
            "git", ("--version",), _GIT, self.git, "Install git 2.17 or later: commits are made with it"
        )
        advice = "Install helm 3 or later (https://helm.sh/docs/intro/install): labtui plan and migrate render charts with it"
        yield self._program("helm", ("version", "--short"), (3, 0), self.helm, advice)
        yield self._compose()

    def _program(self, name: str, words: tuple[str, ...], oldest: tuple[int, int], needed: bool, advice: str) -> Check:
        found = shutil.which(name, path=self.environ.get("PATH"))
        missing = Verdict.FAIL if needed else Verdict.SKIP
        if found is None:
            return Check(SUBJECT, name, missing, "is not in PATH", advice if needed else "")
        try:
            done = subprocess.run(
                [found, *words],
                env=dict(self.environ),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = (
                f"does not end in {SECONDS:.0f} s" if isinstance(error, subprocess.TimeoutExpired) else "cannot be run"
            )
            return Check(SUBJECT, name, missing, f"{clean(found, 200)} {why}", advice)
        said = clean(done.stdout.decode("utf-8", "replace").strip(), 100)
        version = _VERSION.search(said)
        if done.returncode or version is None:
            return Check(SUBJECT, name, missing, f"{clean(found, 200)} does not tell its version", advice)
        if (int(version[1]), int(version[2])) < oldest:
            return Check(SUBJECT, name, missing, f"{version[0]} is too old", advice)
        return Check(SUBJECT, name, Verdict.OK, version[0])

    def _compose(self) -> Check:
        try:
            argv = self.find_compose(self.environ)
        except LabError as error:
            if not self.compose:
                return Check(SUBJECT, "docker compose", Verdict.SKIP, clean(error.cause, 200))
            return Check(SUBJECT, "docker compose", Verdict.FAIL, clean(error.cause, 200), error.hint)
        return Check(SUBJECT, "docker compose", Verdict.OK, clean(" ".join(argv), 200))
