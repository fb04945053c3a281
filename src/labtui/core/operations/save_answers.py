"""Remember the answers to a plan's questions: one file, committed and pushed beside the operator's checkout."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping

from labtui.core.answers import Key, address, dump_answers, parse_answers
from labtui.core.executor import Report
from labtui.core.stackplan import PlannedStack, StackPlanner, merged_answers
from labtui.domain.errors import NotFound, Refused
from labtui.domain.plan import Danger, DiffItem, Outcome, Plan, Result, Step
from labtui.domain.planning import short
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.ports import GitFiles


class SaveAnswers:
    """Writes the answers that git does not have yet. Answers of others that were pushed meanwhile stay."""

    action = "docker.save_answers"

    def __init__(self, planner: StackPlanner, planned: PlannedStack) -> None:
        stack = planned.stack
        self.target = Ref(SourceId(SourceKind.DOCKER, stack.site), "ComposeStack", stack.name, stack.name)
        self._planner = planner
        self._planned = planned
        self._path = planner.answers_file(stack.name, stack.site)

    def plan(self) -> Plan:
        """Ask for the branch's head and what it has. Raises Refused without a repository or without anything to save."""
        files, changes = self._files(), self._planned.unsaved
        if not changes:
            raise Refused(f"There is nothing to save for {self._planned.name}", "git has all of its answers already")
        head = files.head()
        old = _read(files, head, self._path)
        new = self._text(old)
        refusals = ("git already has these answers",) if new == old else ()
        return Plan(
            action=self.action,
            title=f"Save the answers of {self._planned.name}",
            target=self.target,
            steps=(Step(f"Commit {self._path} and push it", "git commit; git push"),),
            refusals=refusals,
            danger=Danger.CONFIRM,
            facts=(
                ("head", head),
                ("file", self._path),
                ("text", hashlib.sha256(new.encode()).hexdigest()[:16]),
            ),
            diff=(DiffItem("File", "", self._path, _unified(old or "", new, self._path)),),
            summary=(("Answers", _listed(changes)), ("Branch at", short(head))),
            undo=f"Revert the commit, or answer anew and save again; nothing runs differently because of {self._path}",
            verb="Commit and push",
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Commit on the head that the plan was made for, push, and look at what the branch has then."""
        files, head = self._files(), dict(plan.facts)["head"]
        new = self._text(_read(files, head, self._path))
        report("committing", plan.steps[0].title)
        commit = files.write(head, {self._path: new}, self._message())
        report("reading back", f"{self._path} at {short(commit.revision)}")
        if _read(files, files.head(), self._path) != new:
            return Outcome(
                Result.FAILED,
                f"pushed {short(commit.revision)}, but the branch has another text in {self._path} now",
                "Somebody changed it meanwhile; look at the plan again",
            )
        data: dict[str, object] = {"commit": commit.revision, "file": self._path}
        return Outcome(Result.DONE, f"saved in {self._path}, commit {short(commit.revision)}", data=data)

    def _files(self) -> GitFiles:
        if self._planner.files is None:
            raise Refused(
                "This estate has no repository to save the answers in",
                "",
                "Name it in the estate file (section gitops); until then --set holds for one call",
            )
        return self._planner.files

    def _text(self, old: str | None) -> str:
        stack = self._planned.stack
        there = parse_answers(old, self._path) if old else {}
        merged = merged_answers(there, self._planned.unsaved)
        return dump_answers(stack.site, stack.name, merged, self._planned.plan.findings)

    def _message(self) -> str:
        return f"{self._planned.stack.name}: answer the plan of its move\n\n{_listed(self._planned.unsaved)}\n"


def _read(files: GitFiles, revision: str, path: str) -> str | None:
    try:
        return files.read(revision, path)
    except NotFound:
        return None


def _listed(changes: Mapping[Key, str]) -> str:
    return ", ".join(
        f"{address(*key)}={answer}" if answer else f"{address(*key)} taken back"
        for key, answer in sorted(changes.items())
    )


def _unified(old: str, new: str, path: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    return tuple(lines)
