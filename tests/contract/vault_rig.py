"""What the Vault contract needs of an estate, the real one's, and a feed to watch."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Protocol
from urllib.parse import quote

import pytest

from labtui.adapters.vault import VaultSource
from labtui.core.clock import SystemClock
from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref
from labtui.domain.resources.vault import SecretPath
from labtui.ports import Diagnosable, Feed, Secrets

PATIENCE = 15.0


class VaultFeed(Feed, Secrets, Diagnosable, Protocol):
    """Everything that a Vault source is."""


class VaultRig(Protocol):
    """A KV v2 mount that the test may write to. Paths are below the mount; folders end in `/`."""

    folder: str  # `apps/…/`, empty at first: the reader may list it and read its metadata, not its values
    closed_folder: str  # a folder at the top: the reader may do nothing in it

    def source(self, who: str = "admin") -> VaultFeed:
        """A new source that polls every half second, as `admin`, `reader` or `nobody` (a token that is not taken)."""

    def ref(self, path: str) -> Ref:
        """The identity of a path."""

    def write(self, path: str, values: Mapping[str, str]) -> None:
        """A new version."""

    def delete(self, path: str) -> None:
        """Delete the newest version; the path stays."""

    def remove(self, path: str) -> None:
        """Take the path away with all its versions."""

    def close(self) -> None:
        """Take everything away."""


class LiveVault:
    """The server that VAULT_ADDR names, with VAULT_TOKEN as its administrator."""

    def __init__(self) -> None:
        unique = uuid.uuid4().hex[:8]
        self.folder = f"apps/contract-{unique}/"
        self.closed_folder = f"contract-{unique}/"
        self.address = os.environ["VAULT_ADDR"]
        self._tokens = {
            "admin": os.environ["VAULT_TOKEN"],
            "reader": os.environ.get("LIVE_VAULT_READER_TOKEN", ""),
            "nobody": "no-such-token",
        }
        self._written: set[str] = set()

    def source(self, who: str = "admin") -> VaultSource:
        token = self._tokens[who]
        if not token:
            pytest.skip("LIVE_VAULT_READER_TOKEN is not set")
        return VaultSource(VaultConnection(self.address, token=lambda: token, poll_seconds=0.5), SystemClock())

    def ref(self, path: str) -> Ref:
        return Ref(self.source().source, "Secret", "kv", path)

    def write(self, path: str, values: Mapping[str, str]) -> None:
        self._written.add(path)
        self.call("POST", f"kv/data/{path}", {"data": dict(values)})

    def delete(self, path: str) -> None:
        self.call("DELETE", f"kv/data/{path}")

    def remove(self, path: str) -> None:
        self._written.discard(path)
        self.call("DELETE", f"kv/metadata/{path}")

    def close(self) -> None:
        for path in tuple(self._written):
            self.remove(path)

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """A request of the administrator."""
        return request(self.address, self._tokens["admin"], method, path, body)


def request(address: str, token: str, method: str, path: str, body: object = None) -> dict[str, object]:
    """One request to a Vault server, past the code under test."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(f"{address}/v1/{quote(path)}", data, {"X-Vault-Token": token}, method=method)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        text = answer.read()
    found = json.loads(text) if text else {}
    assert isinstance(found, dict)
    return found


class Following:
    """Runs a feed in a thread and keeps what it said."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.changes: list[Change] = []
        self.rows: dict[str, SecretPath] = {}
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Following:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> float:
        """Stop it; how many seconds that took."""
        started = monotonic()
        self._stop.set()
        self.feed.close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the feed does not end"
        return monotonic() - started

    def until(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> float:
        """Wait for a condition on what was said; how many seconds that took."""
        started = monotonic()
        with self._changed:
            met = self._changed.wait_for(lambda: condition() or self.error, seconds)
        assert met, f"not within {seconds} s: {what}; rows: {sorted(self.rows)[:40]}"
        assert condition(), f"the feed ended before: {what}: {self.error!r}"
        return monotonic() - started

    def until_live(self) -> None:
        """Wait until the feed says that it has everything."""
        self.until(lambda: self.notes is not None, "live")

    @property
    def notes(self) -> tuple[str, ...] | None:
        """The newest notes; None before it is live."""
        return next((c.notes for c in reversed(self.changes) if isinstance(c, Live)), None)

    def failure(self, seconds: float = PATIENCE) -> LabError:
        """Wait for the feed to fail."""
        with self._changed:
            met = self._changed.wait_for(lambda: self.error is not None, seconds)
        assert met, f"the feed did not fail within {seconds} s"
        assert isinstance(self.error, LabError), repr(self.error)
        return self.error

    def _run(self) -> None:
        try:
            self.feed.follow(self._emit, self._stop)
        except LabError as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()

    def _emit(self, change: Change) -> None:
        with self._changed:
            self.changes.append(change)
            match change:
                case Resync(resources=resources):
                    self.rows = {r.ref.name: r for r in resources if isinstance(r, SecretPath)}
                case Upsert(resource=SecretPath() as row):
                    self.rows[row.ref.name] = row
                case Remove(ref=ref):
                    self.rows.pop(ref.name, None)
            self._changed.notify_all()
