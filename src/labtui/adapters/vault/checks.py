"""What `labtui doctor` finds out about Vault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from labtui.adapters.vault.access import HINT, Access, time_left
from labtui.adapters.vault.client import Client, Health, Token
from labtui.domain.checks import Check, Verdict
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Denied, LabError, NotFound, SignedOut, Unreachable
from labtui.ports import Clock

LARGEST_SKEW = 10.0  # seconds; the server states whole seconds only
DAY = 86400


def examine(connection: VaultConnection, access: Access, clock: Clock, subject: str) -> Iterator[Check]:
    """One check after the other; after the first that makes the others pointless there are no more."""
    try:
        client = Client(connection)
    except OSError as error:
        detail = f"{connection.ca_cert} cannot be read: {error.strerror or 'no certificates'}"
        yield Check(subject, "connection", Verdict.FAIL, detail, "Correct VAULT_CACERT", unreachable=True)
        return
    try:
        yield from _examine(client, connection, access, clock, subject)
    finally:
        client.close()


def _examine(
    client: Client, connection: VaultConnection, access: Access, clock: Clock, subject: str
) -> Iterator[Check]:
    asked = clock.now()
    try:
        health = client.health()
    except LabError as error:
        detail = f"{error.title}: {error.detail}" if error.detail else error.title
        remedy = error.hint or "Start the server, or correct vault.address or VAULT_ADDR"
        yield Check(subject, "connection", Verdict.FAIL, detail, remedy, unreachable=isinstance(error, Unreachable))
        return
    words = f"{connection.address} answers in {health.seconds * 1000:.0f} ms"
    if connection.skip_verify:
        remedy = "Unset VAULT_SKIP_VERIFY; set VAULT_CACERT to the certificate authority's file"
        yield Check(subject, "connection", Verdict.WARN, f"{words}; its certificate is not checked", remedy)
    else:
        yield Check(subject, "connection", Verdict.OK, words)
    if not health.initialized:
        yield Check(subject, "seal", Verdict.FAIL, "not initialised", "vault operator init")
    elif health.sealed:
        yield Check(subject, "seal", Verdict.FAIL, "sealed", "vault operator unseal")
    else:
        yield Check(subject, "seal", Verdict.OK, "unsealed")
    yield Check(subject, "version", Verdict.OK, health.version or "unknown")
    yield _clock(health, clock, (clock.now() - asked) / 2, subject)
    if health.sealed or not health.initialized:
        return
    try:
        token = access.sign_in(client)
    except SignedOut as error:
        detail = f"{error.title}: {error.detail}" if error.detail else error.title
        yield Check(subject, "token", Verdict.FAIL, detail, error.hint)
        return
    except LabError as error:
        yield Check(subject, "token", Verdict.FAIL, error.cause, error.hint, unreachable=isinstance(error, Unreachable))
        return
    yield _token(token, access, subject)
    yield from _mount(client, connection, subject)


def _clock(health: Health, clock: Clock, half: timedelta, subject: str) -> Check:
    if health.server_time is None:
        return Check(subject, "clock", Verdict.SKIP, "the server does not say what time it is")
    skew = abs((clock.now() - half - health.server_time).total_seconds())
    if skew <= LARGEST_SKEW:
        return Check(subject, "clock", Verdict.OK, "agrees with this machine")
    remedy = "Set both clocks by NTP: tokens and leases end by them"
    return Check(subject, "clock", Verdict.WARN, f"differs from this machine by {skew:.0f} s", remedy)


def _token(token: Token | None, access: Access, subject: str) -> Check:
    if token is None:
        return Check(subject, "token", Verdict.OK, "valid; its policies do not let it ask how long")
    count = len(token.policies)
    policies = f"{count} {'policy' if count == 1 else 'policies'}"
    if not token.ttl:
        return Check(subject, "token", Verdict.OK, f"valid, does not end, {policies}")
    renewable = ", renewable" if token.renewable else ""
    words = f"valid, {time_left(token.ttl)} left{renewable}, {policies}"
    if token.ttl < DAY and not token.renewable and not access.logs_in:
        return Check(subject, "token", Verdict.WARN, words, HINT)
    return Check(subject, "token", Verdict.OK, words)


def _mount(client: Client, connection: VaultConnection, subject: str) -> Iterator[Check]:
    name = f"{connection.mount}/"
    remedy = "Correct vault.mount in the estate file"
    try:
        version = client.mount_version()
    except (Denied, NotFound) as error:
        # the server answers the same for a mount that is not there and one that no policy names
        detail = f"{name} is not there, or the token has no right to it ({error.detail})"
        yield Check(subject, "mount", Verdict.WARN, detail, remedy)
    except LabError as error:
        yield Check(subject, "mount", Verdict.FAIL, error.cause, error.hint, unreachable=isinstance(error, Unreachable))
        return
    else:
        if version != "2":
            what = f"KV version {version}" if version.isdecimal() else f"of type {version}"
            yield Check(subject, "mount", Verdict.FAIL, f"{name} is {what}; labtui needs KV version 2", remedy)
            return
        yield Check(subject, "mount", Verdict.OK, f"{name} is KV version 2")
    try:
        count = len(client.list(""))
    except Denied as error:
        policy = f'path "{connection.mount}/metadata/*" {{ capabilities = ["list", "read"] }}'
        yield Check(
            subject,
            "may list",
            Verdict.WARN,
            f"{name} may not be listed ({error.detail})",
            f"Add to a policy: {policy}",
        )
    except LabError as error:
        yield Check(subject, "may list", Verdict.FAIL, error.cause, remedy, unreachable=isinstance(error, Unreachable))
    else:
        yield Check(
            subject, "may list", Verdict.OK, f"{name} has {count} {'entry' if count == 1 else 'entries'} at the top"
        )
