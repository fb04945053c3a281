"""Examining a cluster for `labtui doctor`."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime

from labtui.adapters.kubernetes import metrics
from labtui.adapters.kubernetes.kinds import KINDS, Kind
from labtui.adapters.kubernetes.kubeconfig import load
from labtui.adapters.kubernetes.reading import Json, text, value
from labtui.adapters.kubernetes.wire import CONNECT_TIMEOUT, Expired, Wire
from labtui.domain.checks import Check, Verdict
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import LabError, NotFound, Unreachable
from labtui.domain.ref import SourceId
from labtui.domain.text import clean
from labtui.ports import Clock

OLDEST = (1, 25)
SKEW_WARN, SKEW_FAIL = 5.0, 60.0


def examine(connection: KubernetesConnection, source: SourceId, clock: Clock) -> Iterator[Check]:
    """All findings, the connection first; after a failed connection there are no others."""
    subject = source.label
    wire = Wire(lambda: load(connection))
    try:
        try:
            wire.open()
            asked = time.monotonic()
            version = wire.get("/version", timeout=CONNECT_TIMEOUT)
        except LabError as error:
            yield _failed(subject, "connection", error)
            return
        took = time.monotonic() - asked
        yield Check(subject, "connection", Verdict.OK, f"{clean(wire.host, 100)} answered in {took * 1000:.0f} ms")
        yield _version(subject, version)
        yield _clock(subject, wire.date, clock)
        yield from _permissions(subject, wire)
        yield _metrics(subject, wire)
    finally:
        wire.close()


def _failed(subject: str, name: str, error: LabError) -> Check:
    found = f"{error.title}: {error.detail}" if error.detail else error.title
    return Check(subject, name, Verdict.FAIL, found, error.hint, unreachable=isinstance(error, Unreachable))


def _version(subject: str, version: Json) -> Check:
    words = clean(text(version, "gitVersion"), 60) or "unknown"
    digits = re.match(r"v?(\d+)\.(\d+)", words)
    if digits and (int(digits[1]), int(digits[2])) >= OLDEST:
        return Check(subject, "version", Verdict.OK, words)
    oldest = ".".join(str(part) for part in OLDEST)
    return Check(subject, "version", Verdict.WARN, words, f"labtui is tested with Kubernetes {oldest} and newer")


def _clock(subject: str, date: str, clock: Clock) -> Check:
    try:
        # the header has whole seconds: on average half of one is missing
        skew = (parsedate_to_datetime(date) + timedelta(seconds=0.5) - clock.now()).total_seconds()
    except (ValueError, TypeError):
        return Check(subject, "clock", Verdict.SKIP, "the server did not tell its time")
    if abs(skew) <= SKEW_WARN:
        return Check(subject, "clock", Verdict.OK, "agrees with this machine")
    words = f"the server is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    verdict = Verdict.FAIL if abs(skew) > SKEW_FAIL else Verdict.WARN
    return Check(subject, "clock", verdict, words, "Set both clocks by NTP: tokens and ages depend on them")


def _permissions(subject: str, wire: Wire) -> Iterator[Check]:
    readable = []
    for kind in KINDS:
        try:
            missing = [verb for verb in ("list", "watch") if not _may(wire, kind, verb)]
        except (LabError, Expired) as error:
            detail = error.cause if isinstance(error, LabError) else "the server did not say"
            yield Check(subject, f"may list {kind.plural}", Verdict.WARN, detail)
            continue
        if missing:
            verdict = Verdict.FAIL if kind.essential else Verdict.WARN
            words = f"may not {' or '.join(missing)} {kind.plural} in all namespaces"
            remedy = f"Grant {', '.join(missing)} on {kind.plural} (ClusterRole `view` covers all but nodes)"
            yield Check(subject, f"may list {kind.plural}", verdict, words, remedy)
        else:
            readable.append(kind.plural)
    if readable:
        yield Check(subject, "permissions", Verdict.OK, f"may list and watch {', '.join(readable)}")


def _may(wire: Wire, kind: Kind, verb: str) -> bool:
    """Ask the server (SelfSubjectAccessReview, authorization.k8s.io/v1); an empty namespace means all of them."""
    attributes = {"verb": verb, "group": kind.group, "resource": kind.plural, "namespace": ""}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = wire.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    return value(answer, "status", "allowed") is True


def _metrics(subject: str, wire: Wire) -> Check:
    try:
        wire.get(f"{metrics.PATH}/nodes", {"limit": 1})
    except NotFound:
        return Check(
            subject, "metrics", Verdict.SKIP, "not served: CPU and memory stay empty", "Install metrics-server"
        )
    except (LabError, Expired) as error:
        detail = error.cause if isinstance(error, LabError) else "they cannot be read"
        return Check(subject, "metrics", Verdict.SKIP, f"{detail}: CPU and memory stay empty")
    return Check(subject, "metrics", Verdict.OK, "served")
