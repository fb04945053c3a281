"""What can be wrong with a source of the simulated estate, and the words in which its server would say so."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from enum import StrEnum

from labtui.domain.errors import Denied, Invalid, LabError, SignedOut, Unreachable


class Fault(StrEnum):
    """`slow` takes seconds longer for everything; `down`, `denied` and `expired` answer nothing. The last three are no faults of a
    source: new pods have an image that is not there, or end as soon as they begin; pods lose a part of what is asked."""

    DOWN = "down"
    SLOW = "slow"
    DENIED = "denied"
    EXPIRED = "expired"
    NO_IMAGE = "no-image"
    CRASHES = "crashes"
    LOSSY = "lossy"


# The names that people write, and the label of the source that they mean.
SOURCES: Mapping[str, str] = {
    "argocd": "argocd",
    "cluster": "cluster",
    "kubernetes": "cluster",
    "wroclaw": "wroclaw",
    "kyiv": "kyiv",
    "vault": "vault",
    "git": "git",
    "pods": "pods",
    "traffic": "traffic",
}
_OF_SOURCES = (Fault.DOWN, Fault.SLOW, Fault.DENIED, Fault.EXPIRED)
_OF_OTHERS: Mapping[str, tuple[Fault, ...]] = {
    "git": (Fault.DOWN, Fault.SLOW),
    "pods": (Fault.NO_IMAGE, Fault.CRASHES),
    "traffic": (Fault.LOSSY,),
}

_KYIV_SSH = "Add your key to the agent (ssh-add), then try: ssh pi@raspberrypi.local docker version"

_ERRORS: Mapping[tuple[str, Fault], LabError] = {
    ("argocd", Fault.DOWN): Unreachable(
        "Argo CD does not answer", "connect to argocd.example.org:443: connection refused", "Is its server running?"
    ),
    ("argocd", Fault.DENIED): Denied(
        "Argo CD does not allow it",
        "permission denied: applications, list, */*",
        "Ask for the right in the AppProject or in argocd-rbac-cm",
    ),
    ("argocd", Fault.EXPIRED): SignedOut(
        "Argo CD no longer takes the token", "invalid session: token expired 3 h ago", "Sign in again"
    ),
    ("cluster", Fault.DOWN): Unreachable(
        "The cluster does not answer", "connect to 127.0.0.1:26443: connection refused", "Is Kubernetes running?"
    ),
    ("cluster", Fault.EXPIRED): SignedOut(
        "The cluster no longer takes the credentials",
        "Unauthorized: token expired 3 h ago",
        "Renew the credentials of the kubeconfig context homelab",
    ),
    ("wroclaw", Fault.DOWN): Unreachable(
        "The Docker engine of wroclaw does not answer",
        "connect to unix:///var/run/docker.sock: connection refused",
        "Is Docker (OrbStack) running?",
    ),
    ("wroclaw", Fault.DENIED): Denied(
        "The Docker engine of wroclaw may not be used",
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        "Join the group of the socket, usually docker",
    ),
    ("wroclaw", Fault.EXPIRED): SignedOut(
        "The Docker engine of wroclaw no longer takes the client certificate",
        "tls: expired certificate: it expired 3 h ago",
        "Renew the client certificate of the docker context",
    ),
    ("kyiv", Fault.DOWN): Unreachable(
        "The host of kyiv does not answer",
        "ssh: connect to host raspberrypi.local port 22: Connection timed out",
        "Is the WireGuard tunnel up? Try: ssh pi@raspberrypi.local",
    ),
    ("kyiv", Fault.DENIED): Denied(
        "The Docker engine of kyiv may not be used",
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        "Add the user pi to the group docker on raspberrypi.local",
    ),
    ("kyiv", Fault.EXPIRED): SignedOut(
        "The host of kyiv does not let you in",
        "pi@raspberrypi.local: Permission denied (publickey); the certificate expired 3 h ago",
        _KYIV_SSH,
    ),
    ("git", Fault.DOWN): Unreachable(
        "git could not reach the remote",
        "connect to github.com:443: Connection refused",
        "Look whether the remote of the GitOps repository answers",
    ),
    ("vault", Fault.DOWN): Unreachable(
        "Vault does not answer", "connect to vault.example.org:443: connection refused", "Is it running and unsealed?"
    ),
    ("vault", Fault.DENIED): Denied(
        "Vault does not allow it",
        "1 error occurred: permission denied (list kv/metadata/)",
        "Ask for a policy with list and read on kv/metadata/*",
    ),
    ("vault", Fault.EXPIRED): SignedOut(
        "Vault no longer takes the token", "permission denied: token expired 3 h ago", "Get a new one: vault login"
    ),
}


def faults_of(source: str) -> tuple[Fault, ...]:
    """What can be wrong with a source, by its label."""
    return _OF_OTHERS.get(source, _OF_SOURCES)


def parse_faults(specs: Sequence[str]) -> dict[str, Fault]:
    """`["kyiv=down", "vault=denied"]` → faults by the label of the source. Raises Invalid, naming the nearest word."""
    found: dict[str, Fault] = {}
    for spec in specs:
        name, equals, word = spec.partition("=")
        if not equals:
            raise Invalid(f"{spec!r} is no fault", "", "Write SOURCE=down, slow, denied or expired")
        source = SOURCES.get(name.strip().lower())
        if source is None:
            raise _unknown("source", name, tuple(SOURCES))
        possible = faults_of(source)
        fault = next((f for f in possible if f == word.strip().lower()), None)
        if fault is None:
            raise _unknown("fault", word, possible)
        found[source] = fault
    return found


def error(label: str, fault: Fault | None) -> LabError | None:
    """A fresh error for a source that does not answer because of `fault`; None where it answers (maybe slowly, or in part)."""
    known = _ERRORS.get((label, fault)) if fault else None
    return type(known)(known.title, known.detail, known.hint) if known else None


def _unknown(what: str, word: str, known: Sequence[str]) -> Invalid:
    near = difflib.get_close_matches(word.strip().lower(), known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else ""
    return Invalid(f"{word!r} is no {what} of the demo", f"known are {', '.join(known)}", hint)
