"""Host name and TLS at the edge: what a certificate says, and whether that will do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from labtui.domain.text import clean

SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a TLS server showed. Without verification Python tells nothing of a certificate but its bytes: then `names`, `issuer`
    and `expires` are empty. `problem`: why it is not trusted, in the TLS library's words; empty when it is, or was not checked."""

    names: tuple[str, ...] = ()
    issuer: str = ""
    expires: datetime | None = None
    fingerprint: str = ""  # SHA-256 of the certificate, hexadecimal
    problem: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class EdgeVerdict:
    """Is the edge ready for this host name? `sentence` says why (not)."""

    host: str
    well: bool
    sentence: str


def judge(certificate: Certificate, host: str, now: datetime) -> EdgeVerdict:
    """Trusted, for this name, and not about to end."""
    shown = clean(host, 100)
    if certificate.problem:
        return EdgeVerdict(host, False, f"the certificate of {shown} is not trusted: {clean(certificate.problem, 200)}")
    if not certificate.verified:
        return EdgeVerdict(host, True, f"{shown} speaks TLS; its certificate was not checked, as asked")
    by = f", issued by {clean(certificate.issuer, 100)}" if certificate.issuer else ""
    if not covers(certificate.names, host):
        names = clean(", ".join(certificate.names[:5]), 200) or "no name at all"
        return EdgeVerdict(host, False, f"the certificate is for {names}, not for {shown}{by}")
    if certificate.expires is None:
        return EdgeVerdict(host, True, f"the certificate of {shown} is trusted{by}")
    left = certificate.expires - now
    day = f"{certificate.expires:%Y-%m-%d}"
    if left <= timedelta(0):
        return EdgeVerdict(host, False, f"the certificate of {shown} has expired on {day}{by}")
    if left < SOON:
        return EdgeVerdict(host, True, f"the certificate of {shown} is trusted but ends soon, on {day}{by}")
    return EdgeVerdict(host, True, f"the certificate of {shown} is trusted until {day}{by}")


def covers(names: tuple[str, ...], host: str) -> bool:
    """Does one of a certificate's names match a host name? `*` stands for exactly one label, the first (RFC 6125)."""
    host = host.lower().rstrip(".")
    _, _, parent = host.partition(".")
    return any(
        name == host or (name.startswith("*.") and bool(parent) and name[2:] == parent)
        for name in (n.lower().rstrip(".") for n in names)
    )
