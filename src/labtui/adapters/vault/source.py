"""Vault as labtui's ports see it: a feed of paths, the few things that can be asked, and its examination."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from labtui.adapters.vault.access import Access
from labtui.adapters.vault.parse import askable
from labtui.adapters.vault.tree import Tree
from labtui.adapters.vault.watch import Watch
from labtui.domain.checks import Check
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Denied, Invalid, LabError, NotFound, Unreachable
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.text import clean
from labtui.ports import Clock, Emit

if TYPE_CHECKING:
    from labtui.adapters.vault.client import Client


class Values(dict[str, str]):
    """Keys and values of a secret; its `repr` has neither, so that no log or traceback can."""

    def __repr__(self) -> str:
        return f"<{len(self)} values>"

    __str__ = __repr__


class VaultSource:
    """One KV v2 mount of one Vault or OpenBao server. Implements Feed, Secrets and Diagnosable.

    Its SourceId is the server's host and port; the mount is the namespace of each Ref.
    """

    def __init__(self, connection: VaultConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._access = Access(connection)
        self._source = SourceId(SourceKind.VAULT, urlsplit(connection.address).netloc or connection.address)
        self._lock = Lock()
        self._watch: Watch | None = None
        self._tree: Tree | None = None
        self._opened: set[str] = set()

    @property
    def source(self) -> SourceId:
        """The server."""
        return self._source

    # The feed

    def follow(self, emit: Emit, stop: Event) -> None:
        """See `ports.Feed`. A path that may not be read is a row that says so; only a bad token ends the feed."""
        watch = Watch(self._connection, self._access, self._clock, Tree(self._source, self._connection.mount))
        with self._lock:
            self._watch = watch
            watch.open(self._opened)
        try:
            watch.run(emit, stop, self._tree)
        except LabError:
            if not stop.is_set():
                raise
        finally:
            with self._lock:
                self._watch = None
                if watch.tree.rows:
                    self._tree = watch.tree
            watch.close()

    def close(self) -> None:
        """End a running `follow` now."""
        with self._lock:
            watch = self._watch
        if watch is not None:
            watch.close()

    # What can be asked

    def open(self, ref: Ref) -> None:
        """Read a folder from now on, also after a reconnection."""
        if not ref.name.endswith("/"):
            raise Invalid(f"{clean(ref.name)} is no folder")
        self._path_of(ref)
        with self._lock:
            self._opened.add(ref.name)
            if self._watch is not None:
                self._watch.open((ref.name,))

    def reveal(self, ref: Ref, version: int | None = None) -> Mapping[str, str]:
        """The keys and values of a secret; a value that is no text is given as JSON."""
        path = self._path_of(ref)
        with self._asking("read", ref) as client:
            data = client.read(path, version)
        return Values({k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in data.items()})

    def keys(self, ref: Ref) -> tuple[str, ...]:
        """The keys of the newest version. Asks for the keys alone where the server and the policies allow it."""
        path = self._path_of(ref)
        with self._asking("read", ref) as client:
            try:
                return client.subkeys(path)
            except (Denied, NotFound):
                return tuple(client.read(path, None))

    def check(self) -> Iterator[Check]:
        """Connection, seal, token, mount, permission to list, clock."""
        from labtui.adapters.vault.checks import examine

        yield from examine(self._connection, self._access, self._clock, self._source.label)

    def _path_of(self, ref: Ref) -> str:
        if ref.source != self._source or ref.namespace != self._connection.mount:
            raise NotFound(f"{clean(str(ref))} is not of this Vault")
        if not askable(ref.name):
            raise Invalid(f"The path {clean(ref.name)} cannot be asked for", "it has an empty, . or .. part")
        return ref.name

    @contextmanager
    def _asking(self, verb: str, ref: Ref) -> Iterator[Client]:
        """A connection of its own for one question, and errors that name the path."""
        from labtui.adapters.vault.client import Client

        path = clean(f"{ref.namespace}/{ref.name}")
        try:
            client = Client(self._connection)
        except OSError as error:
            raise Unreachable("Vault's certificate file cannot be read", error.strerror or "") from None
        try:
            self._access.sign_in(client)
            yield client
        except Denied as error:
            raise Denied(f"You may not {verb} {path}", error.detail, "Ask for a policy that allows it") from None
        except NotFound as error:
            words = error.detail or "there is no such secret or version, or it is deleted"
            raise NotFound(f"{path} has nothing to {verb}", words) from None
        finally:
            client.close()
