"""The simulated Vault: one KV v2 mount, its folders read as the real feed reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from labtui.demo.script import secrets as script
from labtui.demo.world import World
from labtui.domain.errors import Denied, Invalid, NotFound, Refused
from labtui.domain.ref import Ref
from labtui.domain.resources.vault import SecretPath, SecretVersion
from labtui.domain.text import clean

DEEPEST = 8  # folders below stay closed until they are opened, as in the real feed
_HINT = "Ask for a policy that allows it"


class Values(dict[str, str]):
    """Keys and values of a secret; its `repr` has neither, so that no log or traceback can."""

    def __repr__(self) -> str:
        return f"<{len(self)} values>"

    __str__ = __repr__


@dataclass
class _Stored:
    versions: list[SecretVersion] = field(default_factory=list)
    values: dict[int, dict[str, str]] = field(default_factory=dict, repr=False)


class SimulatedVault:
    """Implements `ports.Secrets`. Folders are open unless they are very deep, as the real feed has them in a small mount."""

    def __init__(self, world: World, mount: str = script.MOUNT) -> None:
        self.world = world
        self.mount = mount
        self.source = world.sources["vault"]
        self._stored: dict[str, _Stored] = {}
        self._denied: dict[str, str] = {}  # folder that may not be listed: the server's words
        self._secret: dict[str, str] = {}  # folder whose values may not be read: the server's words
        self._opened: set[str] = set()

    def ref(self, name: str) -> Ref:
        """The identity of a path below the mount."""
        return Ref(self.source, "Secret", self.mount, name)

    def fill(self) -> None:
        """What the script says."""
        for name, (keys, count, days) in script.PATHS.items():
            for number in range(1, count + 1):
                created = self.world.began - timedelta(days=days * (count - number + 1))
                known = script.SAME_AS_COMPOSE if number == count else {}
                values = {key: known.get(key) or _made_up(name, key, number) for key in keys}
                self.write(name, values, created)
            if name in script.DELETED:
                self.delete(name, self.world.began - timedelta(days=days / 2))
        self.deny(script.DENIED_FOLDER, script.DENIED_WORDS)

    # What a Vault client can do

    def write(self, name: str, values: Mapping[str, str], at: datetime | None = None) -> int:
        """A new version of a secret; answers its number."""
        with self.world.lock:
            stored = self._stored.setdefault(name, _Stored())
            number = len(stored.versions) + 1
            stored.versions.append(SecretVersion(number, at or self.world.clock.now()))
            stored.values[number] = dict(values)
            self._show(name)
            return number

    def delete(self, name: str, at: datetime | None = None) -> None:
        """The newest version is deleted, and could come back."""
        with self.world.lock:
            versions = self._stored[name].versions
            versions[-1] = replace(versions[-1], deleted=at or self.world.clock.now())
            self._show(name)

    def remove(self, name: str) -> None:
        """The secret is gone with all its versions, and folders that are empty now with it."""
        with self.world.lock:
            del self._stored[name]
            self.world.remove(self.ref(name))
            for folder in _folders(name):
                if not any(other.startswith(folder) for other in self._stored) and folder not in self._denied:
                    self.world.remove(self.ref(folder))

    def put(self, name: str, values: Mapping[str, str], cas: int) -> int:
        """A new version, if `cas` is still the newest one. Raises Refused when it is not, in the server's words."""
        self._demand(name)
        with self.world.lock:
            if cas != len(self._stored[name].versions if name in self._stored else ()):
                words = "check-and-set parameter did not match the current version"
                raise Refused(f"Somebody else has written {clean(name)} meanwhile", words, "Look at it, then try again")
            return self.write(name, values)

    def versions(self, name: str) -> tuple[SecretVersion, ...]:
        """All versions of a path, none where it was never written."""
        self._demand(name)
        with self.world.lock:
            return tuple(self._stored[name].versions) if name in self._stored else ()

    def delete_versions(self, name: str, numbers: Sequence[int]) -> None:
        """Delete these versions; they could come back."""
        self._demand(name)
        with self.world.lock:
            stored = self._stored.get(name)
            if stored is None:
                return
            now = self.world.clock.now()
            stored.versions = [
                replace(v, deleted=now) if v.version in numbers and not v.deleted else v for v in stored.versions
            ]
            self._show(name)

    def closed(self, name: str) -> bool:
        """Has the token no right to a path?"""
        self.world.answer(self.source)
        return any(name.startswith(place) for place in self._denied | self._secret)

    def _demand(self, name: str) -> None:
        if self.closed(name):
            words = next(w for place, w in (self._denied | self._secret).items() if name.startswith(place))
            raise Denied(f"You may not change {clean(name)}", words, _HINT)

    def deny(self, place: str, words: str = script.DENIED_WORDS, *, values_only: bool = False) -> None:
        """The token has no right to what is in a folder, or (`values_only`) only to its names and metadata."""
        with self.world.lock:
            if values_only:
                self._secret[place] = words
                return
            self._denied[place] = words
            for name in list(self._stored):
                if name.startswith(place):
                    for gone in (name, *_folders(name)):
                        self.world.remove(self.ref(gone))
                    self._show(name)
            self.world.put(SecretPath(self.ref(place), folder=True, open=True, denied=words))

    def _show(self, name: str) -> None:
        """Put a secret and the folders above it, as far down as may be seen."""
        for folder in _folders(name):
            words = self._denied.get(folder, "")
            is_open = folder.count("/") <= DEEPEST or folder in self._opened
            self.world.put(SecretPath(self.ref(folder), folder=True, open=is_open, denied=words))
            if words or not is_open:
                return
        stored = self._stored[name]
        newest = stored.versions[-1]
        self.world.put(
            SecretPath(
                self.ref(name),
                version=newest.version,
                updated=newest.deleted or newest.created,
                versions=tuple(stored.versions),
            )
        )

    # ports.Secrets

    def open(self, ref: Ref) -> None:
        """Read a folder from now on."""
        self.world.answer(self.source)
        if not ref.name.endswith("/"):
            raise Invalid(f"{clean(ref.name)} is no folder")
        self._check(ref)
        with self.world.lock:
            self._opened.add(ref.name)
            for name in self._stored:
                if name.startswith(ref.name):
                    self._show(name)

    def reveal(self, ref: Ref, version: int | None = None) -> Mapping[str, str]:
        """Made-up values."""
        stored = self._readable(ref)
        newest = stored.versions[-1]
        number = version or newest.version
        known = next((v for v in stored.versions if v.version == number), None)
        if known is None or known.deleted or known.destroyed or number not in stored.values:
            words = "there is no such secret or version, or it is deleted"
            raise NotFound(f"{clean(self._path(ref))} has nothing to read", words)
        return Values(stored.values[number])

    def keys(self, ref: Ref) -> tuple[str, ...]:
        """The keys of the newest version."""
        return tuple(self.reveal(ref))

    def _readable(self, ref: Ref) -> _Stored:
        self.world.answer(self.source)
        self._check(ref)
        with self.world.lock:
            places = (self._denied | self._secret).items()
            refused = [words for place, words in places if ref.name.startswith(place)]
            if refused:
                raise Denied(f"You may not read {clean(self._path(ref))}", refused[0], _HINT)
            found = self._stored.get(ref.name)
            if found is None:
                words = "there is no such secret or version, or it is deleted"
                raise NotFound(f"{clean(self._path(ref))} has nothing to read", words)
            return found

    def _check(self, ref: Ref) -> None:
        if ref.source != self.source or ref.namespace != self.mount:
            raise NotFound(f"{clean(str(ref))} is not of this Vault")
        if any(part in ("", ".", "..") for part in ref.name.removesuffix("/").split("/")):
            raise Invalid(f"The path {clean(ref.name)} cannot be asked for", "it has an empty, . or .. part")

    def _path(self, ref: Ref) -> str:
        return f"{ref.namespace}/{ref.name}"


def _folders(name: str) -> tuple[str, ...]:
    """All folders above a path: `a/` and `a/b/` for `a/b/c`."""
    parts = name.split("/")[:-1]
    return tuple("/".join(parts[: n + 1]) + "/" for n in range(len(parts)))


def _made_up(name: str, key: str, version: int) -> str:
    """Looks like a value, and is none."""
    return "demo-" + hashlib.sha256(f"{name} {key} {version}".encode()).hexdigest()[:20]
