"""The step SECRETS: what the plan found goes to Vault, each path in one write that never goes over what is there unseen.

A path gets one new version: all that it had, and the keys that were missing. What is in Vault already with the same value is
adopted. The journal gets numbers and names of keys, never a value.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from labtui.core.migration.action import LEFT, Data, Look, Report, Seen
from labtui.core.operations.watching import Pace
from labtui.domain.conversion.findings import PlannedSecret, StackPlan
from labtui.domain.errors import Denied, LabError, MustUndo, NotFound, OutcomeUnknown, Refused
from labtui.domain.migration.steps import StepName
from labtui.domain.secretsdiff import Places, compare, one_time_hasher
from labtui.domain.text import clean
from labtui.ports import ClusterSecrets
from labtui.ports.moving import SecretWriter, StoredSecret

log = logging.getLogger(__name__)

_PATIENCE = Pace(every=0.5, limit=120.0)
UNSENT = "unsent"  # what a failed write leaves in the journal when Vault has not got it
Planned = Callable[[], Sequence[PlannedSecret]]


def secret_actions(
    secrets: Iterable[PlannedSecret], writer: SecretWriter, mount: str = "kv", values: Planned | None = None
) -> tuple[WriteSecret, ...]:
    """One action for each path of Vault that the plan puts something into, by path. `values` answers the same secrets with
    their values, where `secrets` come from a journal."""
    paths: dict[str, list[PlannedSecret]] = {}
    for secret in secrets:
        paths.setdefault(secret.path, []).append(secret)
    return tuple(WriteSecret(writer, path, found, mount, values) for path, found in sorted(paths.items()))


class WriteSecret:
    """Writes the keys that a path lacks. `core.migration.action.Action`.

    Its data: `base` (the newest version before), `keys` (those that it adds) and, once written, `version`. The engine has
    `base` and `keys` in the journal before anything is sent: after a crash they tell whose a version is.
    """

    step = StepName.SECRETS
    lasting = ""

    def __init__(
        self,
        writer: SecretWriter,
        path: str,
        secrets: Sequence[PlannedSecret],
        mount: str = "kv",
        values: Planned | None = None,
    ) -> None:
        self._writer = writer
        self._path = path
        self._secrets, self._values = tuple(secrets), values
        self._where = clean(f"{mount}/{path}")
        self.name = f"vault {path}"
        self.title = f"write {_count({s.key for s in secrets}, 'key')} to {self._where}"

    def __repr__(self) -> str:
        return f"<WriteSecret {self._where}>"

    def look(self, earlier: Data) -> Look:
        """See `Action`. What is written is compared by key alone when its values cannot be read from where they are."""
        stored = self._writer.newest(self._path)
        missing, other = self._compare(stored)
        base, added = int(earlier.get("base", -1)), [str(k) for k in earlier.get("keys", ())]
        claimed = bool(added) and base >= 0 and not _unsent(earlier)
        ours = claimed and stored.version == int(earlier.get("version") or base + 1)
        if other:
            words = f"{self._where} has another value for {_names(other)}, version {stored.version}: {_SETTLE}"
            # a version of our own has the others' values as they were before it
            change = f"{_names(other)} in version {base if ours else stored.version}"
            accept = "Vault's values stay, and the pods get those"
            changed = Look(Seen.CHANGED, words, change=change, accept=accept)
            if not changed.accepted(earlier):
                return changed
        if missing:
            words = f"{self._where} lacks {_names(missing)}"
            return Look(Seen.NOT_DONE, words, {"base": stored.version, "keys": sorted(missing)})
        if ours:
            words = f"{self._where} has all keys; version {stored.version} is this migration's"
            return Look(Seen.DONE, words, {"base": base, "keys": added, "version": stored.version})
        if earlier.get("version") and stored.version > int(earlier["version"]):
            words = f"{self._where} has all keys; somebody has written version {stored.version} since"
            return Look(Seen.DONE, words, dict(earlier))
        return Look(Seen.DONE, f"{self._where} has all keys already", {"base": stored.version, "keys": []})

    def do(self, earlier: Data, report: Report) -> Data:
        """See `Action`. Raises Refused where a key has another value, or has none on this machine.

        A failure after which nothing was written says so (`UNSENT`): the next version may be a person's, who did what it advised.
        """
        try:
            return self._write(earlier, report)
        except OutcomeUnknown:
            raise
        except LabError as error:
            error.left = {**error.left, UNSENT: True}
            raise

    def _write(self, earlier: Data, report: Report) -> Data:
        looked = self.look(earlier)
        if looked.seen is Seen.CHANGED:
            raise Refused(f"The secrets of {self._where} are not written", looked.words, "Then run it again")
        if looked.seen is Seen.DONE:
            report(looked.words)
            return looked.data
        stored = self._writer.newest(self._path)
        missing, _ = self._compare(stored)
        values: dict[str, Any] = {**stored.values, **{key: self._value(key) for key in missing}}
        version = self._writer.put(self._path, values, cas=stored.version)
        report(f"{_names(missing)} written to {self._where}, version {version}")
        return {"base": stored.version, "keys": sorted(missing), "version": version}

    def undo(self, data: Data, report: Report) -> None:
        """See `Action`. Deletes the version that it wrote, if that is still the newest; keys of others get a version of
        their own before, since a path without its newest version has nothing at all."""
        try:
            self._take_back(data, report)
        except LabError as error:
            if _unsent(data):
                error.left = {**error.left, UNSENT: True}
            raise

    def _take_back(self, data: Data, report: Report) -> None:
        version, added = int(data.get("version") or 0), {str(k) for k in data.get("keys", ())}
        if not version and added:  # begun, and no end known
            looked = self.look(data)
            version = int(looked.data.get("version") or 0) if looked.seen is Seen.DONE else 0
        if not version:
            report(f"{self._where} was not changed: nothing to take back")
            return
        stored = self._writer.newest(self._path)
        if stored.version == version and stored.deleted:
            report(f"version {version} of {self._where} is deleted already")
            return
        if stored.version == version:
            rest = {key: value for key, value in stored.values.items() if key not in added}
            if rest:
                number = self._writer.put(self._path, rest, cas=version)
                report(f"{_count(rest, 'key')} that {self._where} had before put back, version {number}")
        elif stored.version > version and (stored.deleted or not added & set(stored.values)):
            pass  # it was half undone: the rest is back, or the keys are gone
        else:
            report(
                f"{self._where} is left as it is: version {stored.version} is newer than {version}, and not labtui's"
            )
            return
        self._delete(version)
        report(f"version {version} of {self._where} deleted")

    def _delete(self, version: int) -> None:
        found = {v.version: v for v in self._writer.versions(self._path)}
        if version in found and not (found[version].deleted or found[version].destroyed):
            self._writer.delete(self._path, [version])

    def _compare(self, stored: StoredSecret) -> tuple[list[str], list[str]]:
        """Keys that the newest version lacks, and keys that it has with another value."""
        fingerprint = one_time_hasher()
        missing, other = set(), set()
        known = {s.key: s.value for s in self._known()}
        for secret in self._secrets:
            if secret.key not in stored.values:
                missing.add(secret.key)
            elif (value := known.get(secret.key)) is not None and fingerprint(
                _bytes(stored.values[secret.key])
            ) != fingerprint(_bytes(value)):
                other.add(secret.key)
        return sorted(missing), sorted(other)

    def _known(self) -> Sequence[PlannedSecret]:
        """The secrets of this path with their values, as far as they can be read now."""
        if self._values is None:
            return self._secrets
        try:
            return [s for s in self._values() if s.path == self._path]
        except LabError as error:
            log.warning("the values of the secrets cannot be read now: %s", error.cause)
            return self._secrets

    def _value(self, key: str) -> str:
        values = {s.value for s in self._known() if s.key == key and s.value is not None}
        if len(values) != 1:
            what = "has no value on this machine" if not values else "has several values in the Compose files"
            advice = f"Set it, or write it to {self._where} yourself: what is there is taken as it is"
            raise Refused(f"The secret {clean(key)} {what}", "nothing was written", advice)
        value = values.pop()
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Refused(f"The secret {clean(key)} is not UTF-8", "Vault keeps text alone") from None
        return value


def _unsent(earlier: Data) -> bool:
    left = earlier.get(LEFT)
    return isinstance(left, Mapping) and left.get(UNSENT) is True


_SETTLE = "make both the same (labtui secrets diff shows which differ), or give it another key"


def not_ready(
    plan: StackPlan, cluster: ClusterSecrets, namespace: str, vault: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[str, ...]:
    """What the cluster's Secrets of a stack still lack, in words; empty: pods may start.

    Every key that the plan names has to be there, with the value that Compose (and `vault`, by path, where it is given) has.
    """
    names = sorted(str(name) for name in plan.values.get("secrets") or ())
    found: dict[str, Mapping[str, bytes]] = {}
    for name in names:
        try:
            found[name] = cluster.read(namespace, name)
        except NotFound:
            found[name] = {}
    words = [f"the Secret {namespace}/{name} is not there yet" for name in names if not found[name]]
    planned = [s for s in plan.secrets if s.value is not None]
    for line in compare(planned, plan.values, Places(vault, found)):
        used = [s for s in plan.secrets if (s.path, s.key) == (line.path, line.key)]
        if not used:
            continue  # another key of the same path: no pod of this stack reads it
        if line.fingerprints.get("cluster") is None:
            words.append(f"{clean(line.key)} is not in the cluster yet")
        elif line.status == "differs":
            words.append(f"{clean(line.key)} has another value in the cluster")
    return tuple(words)


class SecretsReady:
    """Pods that are ready read the values that Compose has: the cluster's Secrets are looked at, which External Secrets made of
    Vault. `core.migration.action.Action`."""

    name = "cluster secrets"
    title = "see that the cluster's Secrets have the values that Compose has"
    lasting = ""

    def __init__(
        self,
        plan: Callable[[], StackPlan],
        cluster: ClusterSecrets,
        namespace: str,
        pace: Pace = _PATIENCE,
        step: StepName = StepName.WORKLOAD,
    ) -> None:
        """`step`: in which the pods were started."""
        self.step = step
        self._plan, self._cluster, self._namespace, self._pace = plan, cluster, namespace, pace

    def look(self, earlier: Data) -> Look:
        """Done is what the journal says was seen: later changes are External Secrets' business."""
        if earlier.get("seen"):
            return Look(Seen.DONE, "they have them", earlier)
        return Look(Seen.NOT_DONE, "not looked at yet")

    def do(self, earlier: Data, report: Report) -> Data:
        """Wait for it. Raises MustUndo with the names of the keys that are missing or differ."""
        end, told = self._pace.monotonic() + self._pace.limit, ""
        while words := "; ".join(not_ready(self._plan(), self._cluster, self._namespace)[:6]):
            if words != told:
                report(f"waiting: {words}")
                told = words
            if self._pace.monotonic() > end:
                hint = "Is the External Secrets operator running, and may it read these paths of Vault?"
                raise MustUndo("The cluster's Secrets are not those of Compose", words, hint)
            self._pace.wait(self._pace.every)
        return {"seen": True}

    def undo(self, data: Data, report: Report) -> None:
        """Nothing was changed."""


def may_write(writer: SecretWriter, paths: Iterable[str]) -> dict[str, str]:
    """Path → what the token lacks to write there, in words; none for those that it may write."""
    lacking: dict[str, str] = {}
    for path in paths:
        try:
            allowed = writer.capabilities(path)
        except Denied as error:
            lacking[path] = error.cause
            continue
        wanted = {"create", "read", "update"} if "root" not in allowed else set()
        if missing := sorted(wanted - allowed):
            lacking[path] = f"may not {' or '.join(missing)}"
    return lacking


def _bytes(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def _names(keys: Iterable[str]) -> str:
    return clean(", ".join(sorted(keys)))


def _count(things: Iterable[object], noun: str) -> str:
    number = len(list(things))
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
