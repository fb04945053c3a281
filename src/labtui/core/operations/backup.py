"""Back a stack up, and restore a backup: planned, confirmed and recorded as every operation is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labtui.core.executor import Report
from labtui.core.operations.compose import stack_ref
from labtui.domain.backup import DataPlace, LeftOut, Manifest, SavedSecret, data_places
from labtui.domain.conversion.rules.common import in_words
from labtui.domain.errors import Refused
from labtui.domain.plan import Danger, Outcome, Plan, Result, Step
from labtui.domain.ref import Ref
from labtui.domain.text import clean
from labtui.ports import Clock, ComposeFiles, StackFacts
from labtui.ports.moving import DataStores, SecretWriter, StackSources

if TYPE_CHECKING:
    from labtui.core.backup.archive import Verified
    from labtui.core.backup.saving import Wanted

HOLDS = "The file holds the env files with their secrets: its mode is 0600; keep it where only you can read it"


class BackupParts:
    """What a backup is made from: the ports, and the Vault paths that a stack's plan names."""

    def __init__(
        self,
        compose: ComposeFiles,
        sources: StackSources,
        stores: Callable[[str], DataStores],
        clock: Clock,
        by: str,
        facts: StackFacts | None = None,
        vault: SecretWriter | None = None,
        secret_paths: Callable[[str, str], Sequence[str]] = lambda site, stack: (),
    ) -> None:
        self._compose, self._sources, self.stores = compose, sources, stores
        self._clock, self._by, self._facts = clock, by, facts
        self._vault, self._secret_paths = vault, secret_paths

    def wanted(self, site: str, stack: str) -> Wanted:
        """Ask for everything but the data. Raises NotFound, Invalid, Refused, Unreachable."""
        from labtui.core.backup.saving import Wanted
        from labtui.domain.conversion.facts import Facts

        read = self._compose.read(site, stack)
        places, left_out = data_places(read, self._facts.facts(read) if self._facts else Facts())
        made = self._clock.now().astimezone(UTC).isoformat(timespec="seconds")
        images = tuple(sorted({s.image for s in read.services if s.image}))
        secrets = tuple(self._secret(path) for path in self._secret_paths(site, stack)) if self._vault else ()
        files = self._sources.collect(site, stack)
        return Wanted(site, stack, made, self._by, files, places, left_out, secrets, images)

    def name(self, site: str, stack: str) -> str:
        """`SITE-STACK-YYYYMMDD-hhmmss.tar`."""
        return f"{site}-{stack}-{self._clock.now().astimezone(UTC):%Y%m%d-%H%M%S}.tar"

    def _secret(self, path: str) -> SavedSecret:
        assert self._vault is not None  # the caller has looked
        alive = [v.version for v in self._vault.versions(path) if not (v.deleted or v.destroyed)]
        return SavedSecret(path, max(alive, default=0), tuple(alive))


class Backup:
    """Archive a stack's files, data and the versions of its secrets."""

    action = "stack.backup"

    def __init__(self, parts: BackupParts, site: str, stack: str, folder: Path) -> None:
        self.target: Ref = stack_ref(site, stack)
        self._parts, self._site, self._stack = parts, site, stack
        self._path = folder / parts.name(site, stack)
        self._wanted: Wanted | None = None

    def plan(self) -> Plan:
        """Look at the files and mounts. Raises NotFound, Invalid, Refused, Unreachable."""
        wanted = self._wanted = self._parts.wanted(self._site, self._stack)
        steps = [Step(f"Save {len(wanted.files)} files: {', '.join(f.path for f in wanted.files)}")]
        steps += [Step(f"Save {clean(p.words)}{_size(p)} for {', '.join(p.services)}") for p in wanted.places]
        steps += [Step(f"Note version {s.version} of {s.path} in Vault") for s in wanted.secrets if s.version]
        steps.append(Step("Read everything back and compare the checksums"))
        name = f"{self._site}/{self._stack}"
        return Plan(
            action=self.action,
            title=f"Back {name} up",
            target=self.target,
            steps=tuple(steps),
            warnings=(HOLDS, *(_left(o) for o in wanted.left_out)),
            danger=Danger.CONFIRM,
            facts=(("file", str(self._path)), ("places", ", ".join(p.words for p in wanted.places))),
            summary=(("File", str(self._path)),),
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Write it, verified."""
        from labtui.core.backup.saving import save

        wanted = self._wanted or self._parts.wanted(self._site, self._stack)
        stores = self._parts.stores(self._site)
        found = save(wanted, self._path, stores, lambda line: report("backup", line))
        changed = [f"{clean(p.place.words)}: {clean(c, 200)}" for p in found.manifest.places for c in p.changed]
        words = f"{self._path}: {in_words(found.size)}, {_counted(found.manifest)}"
        remaining = tuple(f"changed while it was read: {c}" for c in changed)
        return Outcome(Result.DONE, words, HOLDS, remaining, verified_json(self._path, found))


class Restore:
    """Bring a backup's data back: to where it was, or into a folder of the site's host."""

    action = "stack.restore"

    def __init__(
        self, stores: Callable[[str], DataStores], file: Path, folder: str = "", *, overwrite: bool = False
    ) -> None:
        from labtui.core.backup.archive import BackupReader

        self._stores, self._file, self._folder, self._overwrite = stores, file, folder, overwrite
        with BackupReader(file) as reader:
            self._site, self._stack = reader.manifest.site, reader.manifest.stack
        self.target: Ref = stack_ref(self._site, self._stack)

    def plan(self) -> Plan:
        """Verify the file, and look at where its data would go."""
        from labtui.core.backup.archive import BackupReader
        from labtui.core.backup.restoring import targets
        from labtui.core.backup.saving import owner_of

        with BackupReader(self._file) as reader:
            checked = reader.verify()
            manifest = checked.manifest
            with self._stores(self._site).open(owner_of(self._file), manifest.images) as store:
                found = targets(reader, store, self._folder, self._overwrite)
        over = [t for t in found if t.there and not t.same]
        warnings = [f"Replaces what is in {clean(t.to.words)}" for t in over]
        warnings += [_left(o) for o in manifest.left_out]
        warnings.append("Compose files stay as they are: tar -xf takes them out of the file, below files/")
        warnings += [f"Secrets are in Vault: {s.path} had version {s.version}" for s in manifest.secrets]
        return Plan(
            action=self.action,
            title=f"Restore {self._site}/{self._stack} as of {clean(manifest.made, 40)}",
            target=self.target,
            steps=tuple(
                Step(f"{clean(t.to.words)} is as in the backup already: leave it")
                if t.same
                else Step(
                    f"Restore {t.words}: {t.saved.entries} entries, {in_words(t.saved.bytes)}; compare every checksum"
                )
                for t in found
            ),
            warnings=tuple(warnings),
            refusals=tuple(t.refusal for t in found if t.refusal) or (() if found else ("the backup has no data",)),
            danger=Danger.HIGH if over else Danger.CONFIRM,
            facts=(
                ("file", checked.total),
                *((t.words, f"exists {t.exists}, filled {t.there}, same {t.same}") for t in found),
            ),
            summary=(("File", str(self._file)), ("Made", f"{manifest.made} by {manifest.by}")),
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Restore, then compare."""
        from labtui.core.backup.archive import BackupReader
        from labtui.core.backup.restoring import restore, targets
        from labtui.core.backup.saving import owner_of

        stores = self._stores(self._site)
        with BackupReader(self._file) as reader:
            with stores.open(owner_of(self._file), reader.manifest.images) as store:
                found = targets(reader, store, self._folder, self._overwrite)
            odd = restore(reader, found, stores, lambda line: report("restore", line))
        places = [{"from": t.saved.place.source, "to": t.to.source, "entries": t.saved.entries} for t in found]
        data: dict[str, object] = {"places": places, "differences": list(odd)}
        if odd:
            words = f"restored, but {len(odd)} things are not as in the backup"
            return Outcome(Result.FAILED, words, "; ".join(odd[:5]), data=data)
        same = sum(t.same for t in found)
        words = f"{len(found) - same} places restored, every checksum agrees" + (
            f"; {same} were right already" if same else ""
        )
        return Outcome(Result.DONE, words, data=data)


def stores_of(stores: Mapping[str, DataStores]) -> Callable[[str], DataStores]:
    """By site. Raises Refused for a site without an engine."""

    def find(site: str) -> DataStores:
        if site not in stores:
            there = ", ".join(sorted(stores)) or "none"
            raise Refused(f"This estate has no Docker engine at {clean(site, 60)}", f"there are: {there}")
        return stores[site]

    return find


def verified_json(path: Path, found: Verified) -> dict[str, Any]:
    """What a backup is, for programs and journals: no content, no secret."""
    return {
        "file": str(path),
        "total": found.total,
        "size": found.size,
        "places": [
            {"source": p.place.source, "entries": p.entries, "bytes": p.bytes, "changed": p.changed_count}
            for p in found.manifest.places
        ],
        "left_out": [{"source": o.source, "why": o.why} for o in found.manifest.left_out],
        "secrets": [{"path": s.path, "version": s.version} for s in found.manifest.secrets],
    }


def _counted(manifest: Manifest) -> str:
    entries = sum(p.entries for p in manifest.places)
    return f"{len(manifest.files)} files, {len(manifest.places)} places of data with {entries} entries"


def _size(place: DataPlace) -> str:
    return f" ({in_words(place.size)})" if place.size is not None else ""


def _left(one: LeftOut) -> str:
    return f"Not in the backup: {clean(one.source, 200)}: {clean(one.why, 200)}"
