"""One connection of the feed: read the tree once, then look again and again, cheaply.

Vault has no watch: every open folder is listed each `poll_seconds`, and a sixth of the secrets' metadata is read with it, so
that a new path shows within one interval and a new version within six (60 s by default). Between two polls a heartbeat
asks for the server's health. No value is ever read here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from threading import Event, Lock
from typing import TYPE_CHECKING

from labtui.adapters.vault.access import Access, time_left
from labtui.adapters.vault.parse import secret
from labtui.adapters.vault.tree import MOST_PATHS, Tree
from labtui.adapters.vault.workers import Workers
from labtui.domain.changes import Change, Live
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Denied, LabError, NotFound, Refused, Unreachable
from labtui.domain.resources.vault import SecretPath
from labtui.ports import Clock, Emit

if TYPE_CHECKING:
    from labtui.adapters.vault.client import Client, Token

HEARTBEAT = 3.0
TOKEN_CHECK = 60.0
POLLS_FOR_ALL_METADATA = 6
LARGEST_SHARE = 60  # secrets a poll: a mount of thousands is read more slowly, but never costs more
PARALLEL = 6
DAY = 86400


class Watch:
    """Serves one call of `Feed.follow`; thrown away after it."""

    def __init__(self, connection: VaultConnection, access: Access, clock: Clock, tree: Tree) -> None:
        self.tree = tree
        self._connection = connection
        self._access = access
        self._clock = clock
        self._workers = Workers(PARALLEL, f"vault {connection.mount}")
        self._wake = Event()
        self._lock = Lock()
        self._asked_open: set[str] = set()
        self._closed = False
        self._client: Client | None = None
        self._starts: tuple[str, ...] = ()  # where to begin when the top may not be listed
        self._top_words = ""
        self._answered = 0.0
        self._token_due = 0.0
        self._token = ""
        self._token_note = ""
        self._renewal_helps = True
        self._queue: list[str] = []
        self._notes: tuple[str, ...] | None = None

    # From any thread

    def close(self) -> None:
        """Make `run` raise now."""
        with self._lock:
            self._closed = True
            client = self._client
        self._workers.close()
        if client is not None:
            client.close()
        self._wake.set()

    def open(self, folders: Iterable[str]) -> None:
        """Read these folders from now on."""
        with self._lock:
            new = set(folders) - self._asked_open
            self._asked_open |= new
        if new:
            self._wake.set()

    # In the feed's thread

    def run(self, emit: Emit, stop: Event, former: Tree | None) -> None:
        """Connect and follow until `stop`. Raises LabError."""
        client = self._workers.run(self._connect)
        self._sign_in(client)
        self._look_at_mount(client)
        self._list_all(client)
        if former is not None:
            self.tree.recall(former)
        emit(self.tree.resync())
        for change in self._read_metadata(client, self.tree.secrets[:MOST_PATHS]):
            emit(change)
        next_poll = time.monotonic() + self._connection.poll_seconds
        while not stop.is_set():
            self._announce(emit)
            due = min(next_poll, self._answered + HEARTBEAT, self._token_due)
            # the stop event cannot wake this wait: look at it twice a second
            if not self._wake.wait(min(0.5, max(0.0, due - time.monotonic()))) and time.monotonic() < due:
                continue
            asked = self._wake.is_set()
            self._wake.clear()
            if self._closed:
                raise Unreachable("The connection to Vault was closed")
            now = time.monotonic()
            if now >= self._token_due:
                self._sign_in(client)
            if now >= next_poll or asked:
                for change in self._look(client, share=now >= next_poll):
                    emit(change)
                if now >= next_poll:
                    next_poll = now + self._connection.poll_seconds
            elif now >= self._answered + HEARTBEAT:
                self._workers.run(lambda: _awake(client))
                self._answered = time.monotonic()

    def _connect(self) -> Client:
        # loads hvac and requests, which takes a third of a second: here, beside the other feeds
        from labtui.adapters.vault.client import Client

        try:
            client = Client(self._connection)
        except OSError as error:
            raise Unreachable("Vault's certificate file cannot be read", error.strerror or "") from None
        with self._lock:
            self._client = client
            closed = self._closed
        if closed:
            client.close()
        _awake(client)
        return client

    def _sign_in(self, client: Client) -> None:
        token = self._workers.run(lambda: self._renewed(client))
        self._answered = time.monotonic()
        ttl = token.ttl if token else 0
        self._token_due = self._answered + (min(TOKEN_CHECK, max(1.0, ttl / 3)) if ttl else TOKEN_CHECK)
        ending = 0 < ttl < DAY and not (token and token.renewable and self._renewal_helps)
        words = "token ends in" if ending else "token"
        self._token_note = f"{words} {time_left(ttl)}{'' if ending else ' left'}" if ttl else ""
        if self._access.logs_in:
            self._token_note = ""  # a new one is got in time

    def _renewed(self, client: Client) -> Token | None:
        """The token in use after a renewal if it was time for one."""
        token = self._access.sign_in(client)
        if token is None or not token.ttl or token.ttl * 2 >= token.creation_ttl:
            return token
        if token.renewable and self._renewal_helps:
            try:
                client.renew()
            except (Denied, Refused):
                self._renewal_helps = False
            else:
                longer = client.lookup()
                self._renewal_helps = longer.ttl > token.ttl + 1
                token = longer
        if (
            self._access.logs_in
            and not (token.renewable and self._renewal_helps)
            and token.ttl * 4 < token.creation_ttl
        ):
            self._access.forget()
            self._renewal_helps = True
            return self._access.sign_in(client)
        return token

    def _look_at_mount(self, client: Client) -> None:
        try:
            version = self._workers.run(client.mount_version)
        except (Denied, NotFound):
            return  # the server does not say; the listing will
        if version != "2":
            what = f"KV version {version}" if version.isdecimal() else f"of type {version}"
            hint = "Name a KV version 2 mount in vault.mount of the estate file"
            raise Refused(
                f"{self._connection.mount}/ is no KV version 2 mount", f"{self._connection.mount}/ is {what}", hint
            )

    def _list_all(self, client: Client) -> tuple[list[Change], set[str]]:
        """List all open folders, then what is new below them, level by level. Also answers the folders that have changed."""
        self._use_current_token(client)
        with self._lock:
            level = {"", *self._starts, *self._asked_open, *self.tree.open_folders}
        changes: list[Change] = []
        fresh: set[str] = set()
        done: set[str] = set()
        while level:
            fresh |= self._list(client, sorted(level), changes)
            done |= level
            level = {*self._starts, *self.tree.inviting()} - done
        return changes, fresh

    def _look(self, client: Client, *, share: bool) -> list[Change]:
        """One poll: the folders, the metadata in those that have changed, and the next share of all metadata."""
        changes, fresh = self._list_all(client)
        names = {n for n in self.tree.secrets if n[: n.rfind("/") + 1] in fresh}
        if share:
            names |= self._share()
        return changes + self._read_metadata(client, sorted(names)[:MOST_PATHS])

    def _list(self, client: Client, folders: Iterable[str], changes: list[Change]) -> set[str]:
        """List folders side by side; the ones whose names have changed are answered."""

        def names(folder: str) -> tuple[str, tuple[str, ...] | LabError]:
            try:
                return folder, client.list(folder)
            except (Denied, Refused) as error:
                return folder, error

        answers = self._workers.map(names, folders)
        self._answered = time.monotonic()
        if any(isinstance(a, LabError) and not self._known_denied(f) for f, a in answers):
            self._sign_in(client)  # a token that has ended looks like this: not a matter of folders
        changed: set[str] = set()
        for folder, answer in answers:
            if isinstance(answer, LabError):
                if not folder:
                    self._top_denied(client, answer)
                found = self.tree.refused(folder, answer.cause)
            elif answer or not folder:
                found = self.tree.listed(folder, answer)
                self._top_words = self._top_words if folder else ""
            else:
                found = self.tree.gone(folder)
            if found:
                changed.add(folder)
                changes += found
        return changed

    def _known_denied(self, folder: str) -> bool:
        row = self.tree.rows.get(folder)
        return bool(row.denied if row else (self._top_words and not folder))

    def _top_denied(self, client: Client, error: LabError) -> None:
        """The top may not be listed: begin with the folders that the token's policies name."""
        if self._top_words:
            return
        self._top_words = error.cause
        try:
            self._starts = self._workers.run(client.listable)
        except (Denied, NotFound, Refused):
            self._starts = ()

    def _use_current_token(self, client: Client) -> None:
        """`vault login` elsewhere is noticed here."""
        token = self._workers.run(lambda: self._access.token(client))
        if token != self._token:
            if self._token:
                self._renewal_helps = True
                self._sign_in(client)
            self._token, self._top_words, self._starts = token, "", ()

    def _share(self) -> set[str]:
        """The next part of all secrets, round and round."""
        secrets = self.tree.secrets
        count = min(LARGEST_SHARE, math.ceil(len(secrets) / POLLS_FOR_ALL_METADATA))
        if len(self._queue) < count:
            self._queue += secrets
        share, self._queue = self._queue[:count], self._queue[count:]
        return set(share).intersection(secrets)

    def _read_metadata(self, client: Client, names: Iterable[str]) -> list[Change]:
        def read(name: str) -> tuple[str, SecretPath | LabError]:
            try:
                return name, secret(self.tree.ref(name), client.metadata(name), self._clock.now())
            except (Denied, Refused, NotFound) as error:
                return name, error

        answers = self._workers.map(read, names)
        if answers:
            self._answered = time.monotonic()
        if any(isinstance(a, Denied) and not self._known_denied(n) for n, a in answers):
            self._sign_in(client)
        changes: list[Change] = []
        for name, answer in answers:
            if isinstance(answer, NotFound):
                changes += self.tree.gone(name)
            elif isinstance(answer, LabError):
                changes += self.tree.hidden(name, answer.cause)
            else:
                changes += self.tree.described(answer)
        return changes

    def _announce(self, emit: Emit) -> None:
        """Say that all is read, and again when what is worth knowing has changed."""
        top = f"{self._connection.mount}/ may not be listed" if self._top_words else ""
        notes = tuple(note for note in (self._token_note, top) if note)
        if notes != self._notes:
            self._notes = notes
            emit(Live(self.tree.ref("").source, notes))


def _awake(client: Client) -> None:
    """Raises Unreachable when the server does not answer, is sealed or was never initialised."""
    from labtui.adapters.vault.client import sealed

    health = client.health()
    if not health.initialized:
        raise Unreachable("Vault is not initialised", "", "Initialise it: vault operator init")
    if health.sealed:
        raise sealed()
