"""Where the stack went, in an estate without Argo CD: an annotation of its namespace, beside the note of what is applied there."""

from __future__ import annotations

from dataclasses import dataclass

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.gitops.applying import STAND
from labtui.core.migration.gitops.retire import MARK
from labtui.domain.migration.steps import StepName
from labtui.domain.text import clean
from labtui.ports.stacks import Objects


@dataclass(frozen=True, slots=True)
class MarkNamespace:
    """See the module."""

    site: str
    stack: str
    namespace: str
    migration: str
    objects: Objects
    step: StepName = StepName.RETIRE
    name: str = "mark"
    title: str = "note on the namespace where the stack came from"
    lasting: str = ""

    @property
    def _note(self) -> str:
        return f"from {self.site}/{self.stack} by {self.migration}"

    def look(self, earlier: Data) -> Look:
        """The namespace's annotation."""
        note = self._notes().get(MARK)
        if note is None:
            return Look(Seen.NOT_DONE, "not noted")
        if note != self._note:
            accept = "this migration's note takes its place; the way back puts theirs there again"
            words = f"the namespace {self.namespace} says {clean(note, 100)}"
            return Look(Seen.CHANGED, words, {"former": note}, accept=accept).answered(earlier, Seen.NOT_DONE)
        return Look(Seen.DONE, f"noted: {note}")

    def do(self, earlier: Data, report: Report) -> Data:
        """One server-side apply: what is not in it would be taken away, so the other note goes with it."""
        self._apply({MARK: self._note}, report)
        return {"former": earlier["former"]} if earlier.get("former") else {}

    def undo(self, data: Data, report: Report) -> None:
        """The other note alone, and what somebody else had noted there before."""
        if self._notes().get(MARK) == self._note:
            self._apply({MARK: str(data["former"])} if data.get("former") else {}, report)

    def _apply(self, mark: dict[str, str], report: Report) -> None:
        stand = self._notes().get(STAND)
        notes = {**({STAND: stand} if stand is not None else {}), **mark}
        report(f"annotating the namespace {self.namespace}")
        self.objects.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "annotations": notes}}
        )

    def _notes(self) -> dict[str, str]:
        space = self.objects.find("Namespace", "", self.namespace) or {}
        return {k: str(v) for k, v in ((space.get("metadata") or {}).get("annotations") or {}).items()}
