"""How a change of a stack's values gets into the cluster: as a commit that Argo CD deploys, or applied by labtui itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from labtui.core.migration.action import ACCEPTED, Data, Look, Report, Seen
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.commits import Commits, Texts, in_words, settle_unknown
from labtui.core.migration.gitops.values import (
    Layout,
    Stand,
    emptied,
    find_entry,
    new_text,
    stand_of,
    whole,
    with_entry,
    with_stand,
    with_values,
    without_entry,
)
from labtui.domain.planning import short
from labtui.domain.ref import Ref
from labtui.ports.stacks import GitHistory


@dataclass(frozen=True, slots=True)
class Change:
    """From one stand of the values to the next. `subject` and `back` are the messages of its commit and of its undo."""

    action: str
    before: Stand
    after: Stand
    subject: str
    back: str
    first: bool = False  # the stack has no route before it


class Delivery(Protocol):
    """Brings a change into the cluster, and back out of it."""

    def look(self, change: Change, earlier: Data) -> Look:
        """What is asked for now, whether or not the cluster shows it yet."""

    def stand(self) -> Stand | None:
        """What is asked for now; None: nothing of this stack."""

    def restore(self, change: Change, report: Report) -> None:
        """Before it is done on top of what somebody else has changed: what `change.before` has and they took away."""

    def do(self, change: Change, earlier: Data, report: Report) -> Data:
        """Ask for it, and wait until it is taken up."""

    def undo(self, change: Change, data: Data, report: Report) -> None:
        """Take it back, and wait until that is taken up."""


def back_of(change: Change, data: Data) -> Stand:
    """Where an undo leads: to the stand before, or to that of somebody else on top of which it was done."""
    return Stand.noted(str(data.get("from", ""))) or change.before


def elsewhere(change: Change, stand: Stand, words: str, where: str, data: Data, earlier: Data) -> Look:
    """The look at a stand that is neither before nor after the change: somebody else has turned it."""
    if stand.number > change.after.number and stand.workload:
        look = Look(Seen.CHANGED, words, data, where, accept="it is further already, and stays so")
        return look.answered(earlier, Seen.DONE)
    if change.after.traffic == "kubernetes":
        why = f"users would go from “{stand}” to Kubernetes at once, and nobody has seen that the pods answer behind the Service"
        return Look(Seen.CHANGED, words, data, where, firm=why)
    accept = f"it becomes “{change.after}”; the way back leads to “{stand}”"
    return Look(Seen.CHANGED, words, {**data, "from": stand.note}, where, accept=accept).answered(
        earlier, Seen.NOT_DONE
    )


@dataclass(frozen=True, slots=True)
class GitDelivery:
    """One commit a change. `values` are the plan's, for a stack that has no values file, or half of one.

    `application` is the stack's own; `parent` the one that renders it from the list, None where somebody else makes it.
    """

    commits: Commits
    layout: Layout
    stack: str
    namespace: str
    values: Mapping[str, Any]
    argo: Argo
    application: Ref
    parent: Ref | None = None

    def look(self, change: Change, earlier: Data) -> Look:
        """See `Delivery`: the branch at the remote, its history, and the two deciding values."""
        head = self.commits.files.head()
        path, texts = self._texts(head)
        text = texts[path]
        own = self.commits.own(head, [path], change.action)
        data = {"commit": own.commit.revision, "file": path} if own.commit else {}
        enabled = self._enabled(texts)
        stand = stand_of(text, path) if text is not None else None
        if change.first:
            done = stand is not None and enabled
            return Look(Seen.DONE if done else Seen.NOT_DONE, f"{path} is {'' if done else 'not '}in use", data)
        if stand == change.after and enabled:
            return Look(Seen.DONE, f"git says: {stand}", data)
        here = stand is None or stand == change.before or not enabled
        if here and own.foreign is not None and not set(earlier) - {ACCEPTED}:
            # nothing more is built upon it unasked; what was done can still be undone
            words = f"{in_words(own.foreign)} changed {path} since labtui's own commit"
            accept = "that commit stays, and labtui's next one goes on top"
            foreign = Look(Seen.CHANGED, words, data, own.foreign.revision, accept=accept)
            if not foreign.accepted(earlier):
                return foreign
        if here or stand is None:
            return Look(Seen.NOT_DONE, f"git says: {stand or 'nothing of this stack'}", data)
        if stand.number > change.after.number and (own.commit or earlier.get("commit")):
            return Look(Seen.DONE, f"git is further: {stand}", data or earlier)
        newest = next(iter(self.commits.files.touched(head, [path], 1)), None)
        by = f", by {in_words(newest)}" if newest else ""
        words = f"{path} says “{stand}”{by}; expected was “{change.before}”"
        return elsewhere(change, stand, words, f"{stand.note} {newest.revision if newest else ''}", data, earlier)

    def restore(self, change: Change, report: Report) -> None:
        """See `Delivery`: what is in git stays there."""

    def do(self, change: Change, earlier: Data, report: Report) -> Data:
        """See `Delivery`. A lost answer of a push is settled by looking at the remote."""
        head = self.commits.files.head()
        path, _ = self._texts(head)
        paths = [path, self.layout.list]

        def make() -> str:
            return self.commits.make(
                paths, lambda old: self._rewritten(path, old, change), change.subject, change.action, report
            )

        revision = settle_unknown(make, lambda: self._own(change, path), report) or self._own(change, path)
        if not revision:
            report(f"git has it already: {change.after}")
        self.settle(revision or self.commits.files.head(), report)
        left = {"from": earlier["from"]} if earlier.get("from") else {}
        return {"commit": revision, "file": path, **left}

    def undo(self, change: Change, data: Data, report: Report) -> None:
        """See `Delivery`: a `git revert` of that commit; where the stand was set by others, the former values again."""
        head = self.commits.files.head()
        path, texts = self._texts(head)
        own = self._own(change, path)
        text = texts[path]
        revision = ""
        if change.first:
            if own:
                self._take_away(change, path, own, report)
            elif data.get("commit"):  # it was half undone
                self.settle(head, report)
            return
        stand, back = (stand_of(text, path) if text is not None else None), back_of(change, data)
        if own and stand is not None and stand.number <= back.number:
            report(f"git is back already: {stand}")
        elif own:

            def landed() -> str:
                return "" if self._own(change, path) else self.commits.files.head()

            revision = settle_unknown(
                lambda: self.commits.revert(own, change.back, change.action, report), landed, report
            )
        elif text is not None and stand == change.after:
            revision = self.commits.make(
                [path],
                lambda old: {path: with_stand(old[path] or "", path, back)},
                change.back,
                f"undo of {change.action}",
                report,
            )
        else:
            report(f"git has nothing of it: {change.back}")
        self.settle(revision or self.commits.files.head(), report)

    def _take_away(self, change: Change, path: str, own: str, report: Report) -> None:
        """No application again: first nothing in it, so that Argo CD prunes it, then the files as they were before."""
        empty = f"{self.stack}: nothing left of its route"
        head = self.commits.files.head()
        _, texts = self._texts(head)
        if self._enabled(texts):
            self.commits.make(
                [path],
                lambda old: {path: emptied(old[path] or "", path)},
                empty,
                f"emptying of {change.action}",
                report,
            )
            self.settle(self.commits.files.head(), report)
        values, listed = (self._before(own, name) for name in (path, self.layout.list))
        known = find_entry(listed or "", self.layout.list, self.stack)

        def restored(old: Texts) -> Texts:
            found: dict[str, str | None] = {path: values}
            now = old[self.layout.list]
            if now is not None and listed is not None:
                keep = known is not None
                if not (known is not None and known.enabled):
                    found[self.layout.list] = without_entry(now, self.layout, self.stack, keep=keep)
            return found

        subject = f"{change.back}\n\nThis reverts commit {own}."
        self.commits.make([path, self.layout.list], restored, subject, change.action, report)
        self.settle(self.commits.files.head(), report)

    def _before(self, revision: str, path: str) -> str | None:
        """A file as it was before a commit."""
        found = self.commits.files.touched(revision, [path], 2)
        if not found or found[0].revision != revision:  # that commit did not touch it
            return self.commits.texts(revision, [path])[path]
        return self.commits.texts(found[1].revision, [path])[path] if len(found) > 1 else None

    def settle(self, revision: str, report: Report) -> None:
        """Wait until Argo CD has taken up a commit; the list first, if it is ours to refresh."""
        head = self.commits.files.head()
        _, texts = self._texts(head)
        if self.parent is not None:
            self.argo.settled(self.parent, revision, report)
        if self._enabled(texts):
            self.argo.settled(self.application, revision, report)
        elif self.parent is not None:
            self.argo.gone(self.parent, self.application, report)

    def stand(self) -> Stand | None:
        """See `Delivery`."""
        path, texts = self._texts(self.commits.files.head())
        text = texts[path]
        return stand_of(text, path) if text is not None and self._enabled(texts) else None

    def _texts(self, head: str) -> tuple[str, Texts]:
        """The path of the stack's values, and the texts of it and of the list."""
        listed = self.commits.texts(head, [self.layout.list])
        entry = find_entry(listed[self.layout.list] or "", self.layout.list, self.stack)
        path = entry.values if entry and entry.values else self.layout.values(self.stack)
        return path, {**listed, **self.commits.texts(head, [path])}

    def _enabled(self, texts: Texts) -> bool:
        """Does the list deploy the stack? Where there is no list somebody else does."""
        listed = texts[self.layout.list]
        if listed is None:
            return self.parent is None
        entry = find_entry(listed, self.layout.list, self.stack)
        return entry.enabled if entry else False

    def _own(self, change: Change, path: str) -> str:
        found = self.commits.own(self.commits.files.head(), [path], change.action).commit
        return found.revision if found else ""

    def _rewritten(self, path: str, old: Texts, change: Change) -> Texts:
        text, listed = old[path], old[self.layout.list]
        stand = {"workload": change.after.workload, "traffic": change.after.traffic}
        if text is None:
            new = new_text(
                {**stand, **{k: v for k, v in self.values.items() if k not in stand}}, f"The stack {self.stack}"
            )
        elif whole(text, path):
            new = with_stand(text, path, change.after)
        else:
            new = with_values(text, path, {**self.values, **stand})
        found: dict[str, str | None] = {path: new}
        if listed is not None:
            entry = find_entry(listed, self.layout.list, self.stack)
            if entry is None or not entry.enabled:
                found[self.layout.list] = with_entry(listed, self.layout, self.stack, self.namespace, {})
        return found


def contains(files: GitHistory) -> Callable[[str, str], bool]:
    """Does a revision have a commit in it? Asked of git once for each pair."""
    known: dict[tuple[str, str], bool] = {}

    def ask(revision: str, commit: str) -> bool:
        pair = (revision, commit)
        if pair not in known:
            known[pair] = bool(revision and commit) and files.contains(revision, commit)
        return known[pair]

    return ask


def words_of(data: Data) -> str:
    """What a commit's data says to people."""
    return f"commit {short(str(data['commit']))}" if data.get("commit") else "git had it already"
