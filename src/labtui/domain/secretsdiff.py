"""Do Compose, Vault and the cluster have the same secrets? Compared by keyed hash: no value leaves `compare`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labtui.domain.conversion.findings import PlannedSecret

COMPOSE, VAULT, CLUSTER = "compose", "vault", "cluster"
Hasher = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class SecretLine:
    """One key of one Vault secret, and its fingerprint in each place: None where it is not set. `variables` are the
    Compose variables that it fills, as `service.NAME`; none for a key that only Vault or the cluster has."""

    path: str
    key: str
    variables: tuple[str, ...]
    fingerprints: Mapping[str, str | None]
    disagreeing: bool = False  # Compose itself has several values for it

    @property
    def status(self) -> str:
        """`same`, `differs`, `only in …` or `unset`. Same means: in every place that was asked."""
        there = [place for place, found in self.fingerprints.items() if found is not None]
        if not there:
            return "unset"
        if self.disagreeing or len({self.fingerprints[place] for place in there}) > 1:
            return "differs"
        return "same" if len(there) == len(self.fingerprints) else f"only in {' and '.join(there)}"


@dataclass(frozen=True, slots=True)
class Places:
    """The values of each place; in no repr. `vault` is by path, `cluster` by name of the Secret; None: not asked."""

    vault: Mapping[str, Mapping[str, str]] | None = field(default=None, repr=False)
    cluster: Mapping[str, Mapping[str, bytes]] | None = field(default=None, repr=False)


def one_time_hasher() -> Hasher:
    """HMAC-SHA256 with a random key of this call, shortened: equal values are equal in one run, and nothing can be guessed
    from a fingerprint, not even a short value, since nobody has the key."""
    key = secrets.token_bytes(32)
    return lambda value: hmac.new(key, value, hashlib.sha256).hexdigest()[:12]


def secret_names(values: Mapping[str, Any]) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """(Vault path, key) → the (Secret, key) of the cluster that the app chart's values fill from it."""
    found: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    for name, entry in (values.get("secrets") or {}).items():
        path = str(entry.get("path", ""))
        for key, there in (entry.get("keys") or {}).items():
            vault_key = str(there.get("property", key)) if isinstance(there, Mapping) else str(there)
            at = (path, vault_key)
            found[at] = (*found.get(at, ()), (str(name), str(key)))
    return found


def compare(
    planned: Iterable[PlannedSecret], values: Mapping[str, Any], places: Places, hasher: Hasher | None = None
) -> tuple[SecretLine, ...]:
    """A line for every key that any place has, sorted by path and key."""
    fingerprint = hasher or one_time_hasher()
    names = secret_names(values)
    compose: dict[tuple[str, str], list[PlannedSecret]] = {}
    for secret in planned:
        compose.setdefault((secret.path, secret.key), []).append(secret)
    known = set(compose) | set(names)
    for path in {path for path, _ in known}:
        known |= {(path, key) for key in ((places.vault or {}).get(path) or {})}
    lines = []
    for path, key in sorted(known):
        users = compose.get((path, key), [])
        own = {fingerprint(s.value.encode("utf-8", "surrogateescape")) for s in users if s.value is not None}
        there: dict[str, str | None] = {COMPOSE: min(own) if own else None}
        if places.vault is not None:
            value = (places.vault.get(path) or {}).get(key)
            there[VAULT] = None if value is None else fingerprint(value.encode("utf-8", "surrogateescape"))
        several = len(own) > 1
        if places.cluster is not None:
            held = [(places.cluster.get(name) or {}).get(inner) for name, inner in names.get((path, key), ())]
            prints = {fingerprint(value) for value in held if value is not None}
            there[CLUSTER] = min(prints) if prints else None
            several = several or len(prints) > 1
        variables = tuple(f"{s.service}.{s.variable}" for s in users)
        lines.append(SecretLine(path, key, variables, there, several))
    return tuple(lines)
