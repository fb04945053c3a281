"""Leases of coordination.k8s.io: one writer for each stack's migration, with a generation that fences former ones off.

As client-go's leader election does, nobody trusts another machine's clock: a lease is taken over only when its record has
stayed the same for its whole duration as measured here. `leaseTransitions` grows with each holder and is the fence.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from labtui.adapters.kubernetes.own_objects import LABELS, OwnObjects
from labtui.adapters.kubernetes.reading import Json, moment, number, sub, text
from labtui.adapters.kubernetes.wire import Conflict
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import LabError, Refused, Unreachable
from labtui.domain.migration.names import NAMESPACE, object_name
from labtui.domain.text import clean
from labtui.ports.migration import LeaseHolder

log = logging.getLogger(__name__)

_API = "/apis/coordination.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Times:
    """How long a lease lasts without renewal, how often it is renewed, how often a foreign one is looked at, in seconds."""

    duration: int = 15
    renew: float = 5.0
    look: float = 1.0


def _awake() -> float:
    """Seconds that a holder counts: those of a suspended machine are among them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class KubernetesLeases:
    """`ports.migration.Leases`. `by` is the operator, `user@host`; each lease has an identity of its own beside it."""

    def __init__(
        self, connection: KubernetesConnection, by: str, namespace: str = NAMESPACE, times: Times | None = None
    ) -> None:
        self._objects = OwnObjects(connection, _API, "leases", namespace)
        self._by = by
        self._namespace = namespace
        self._times = times or Times()

    def holder(self, site: str, stack: str) -> LeaseHolder | None:
        """See `ports.migration.Leases`. A holder that has died is named until its lease is taken over."""
        found = self._objects.get(object_name(site, stack))
        return _holder(found) if found is not None and text(found, "spec", "holderIdentity") else None

    def acquire(self, site: str, stack: str, above: int, report: Callable[[str], None]) -> Lease:
        """See `ports.migration.Leases`."""
        name = object_name(site, stack)
        identity = f"{self._by} pid {os.getpid()} {uuid.uuid4().hex[:12]}"
        while True:
            asked = _awake()
            found = self._objects.get(name)
            if found is not None and text(found, "spec", "holderIdentity"):
                self._outlast(name, found, report)
                asked = _awake()
            try:
                taken = self._take(name, found, identity, above)
            except Conflict:
                continue  # another one was quicker: see who it is
            return Lease(self._objects, name, identity, number(taken, "spec", "leaseTransitions"), self._times, asked)

    def close(self) -> None:
        """End its connections."""
        self._objects.close()

    def _take(self, name: str, found: Json | None, identity: str, above: int) -> Json:
        now = _stamp()
        spec: Json = {
            "holderIdentity": identity,
            "leaseDurationSeconds": self._times.duration,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": max(number(found, "spec", "leaseTransitions"), above) + 1,
        }
        metadata: Json = {"name": name, "namespace": self._namespace, "labels": LABELS}
        body: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        if found is None:
            return self._objects.create(body)
        metadata["resourceVersion"] = text(found, "metadata", "resourceVersion")
        return self._objects.replace(name, body)

    def _outlast(self, name: str, found: Json, report: Callable[[str], None]) -> None:
        """Wait until the record has not changed for its whole duration. Raises Refused as soon as it does change."""
        who = _holder(found)
        seconds = max(number(found, "spec", "leaseDurationSeconds", default=self._times.duration), 1)
        report(f"{who.holder} holds the lease; waiting up to {seconds} s to see whether that one is alive")
        # a clock that stands still while this machine sleeps: what was not watched does not count
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(self._times.look, left))
            fresh = self._objects.get(name)
            if fresh is None or sub(fresh, "spec") != sub(found, "spec"):
                if fresh is None or not text(fresh, "spec", "holderIdentity"):
                    raise Refused(
                        "The migration was held until just now", f"{who.holder} has let go of it", "Try again"
                    )
                raise _held(_holder(fresh))
        report(f"{who.holder} has not renewed the lease for {seconds} s; it is taken over")


class Lease:
    """`ports.migration.HeldLease`. Its thread renews it until `release`, and goes on trying while the server does not answer."""

    def __init__(self, objects: OwnObjects, name: str, identity: str, fence: int, times: Times, renewed: float) -> None:
        """`renewed`: when the request that took it was sent, by `_awake`."""
        self._objects, self._name, self._identity, self._fence = objects, name, identity, fence
        self._times = times
        self._renewed = renewed
        self._lock = threading.Lock()  # one renewal at a time
        self._over = threading.Event()
        self._lost: Refused | None = None
        self._thread = threading.Thread(target=self._keep, name=f"lease {name}", daemon=True)
        self._thread.start()

    @property
    def fence(self) -> int:
        """See `ports.migration.HeldLease`."""
        return self._fence

    def check(self) -> None:
        """See `ports.migration.HeldLease`."""
        with self._lock:
            if self._lost is None:
                self._renew()
            if self._lost is not None:
                raise self._lost

    def glance(self) -> None:
        """See `ports.migration.HeldLease`."""
        if self._lost is not None:
            raise self._lost
        # a renewal before the duration ran out is proof: until then nobody can have taken over
        if _awake() - self._renewed > self._times.duration * 0.8:
            self.check()

    def release(self) -> None:
        """See `ports.migration.HeldLease`."""
        self._over.set()
        self._thread.join()
        try:
            with self._lock:
                found = self._objects.get(self._name)
                if self._lost is None and found is not None and self._ours(found):
                    spec = {**sub(found, "spec"), "holderIdentity": None, "renewTime": _stamp()}
                    self._objects.replace(self._name, {**found, "spec": spec})
        except LabError as error:
            log.warning("the lease %s was not given back, it runs out by itself: %s", self._name, error)

    def _keep(self) -> None:
        while not self._over.wait(self._times.renew):
            try:
                self.check()
            except Refused:
                return  # lost for good: `check` and `glance` say so
            except LabError as error:
                log.warning("the lease %s could not be renewed: %s", self._name, error)

    def _renew(self) -> None:
        """Renew it, or note that it is lost. Raises Unreachable, SignedOut, Denied."""
        for _ in range(3):
            asked = _awake()
            found = self._objects.get(self._name)
            if found is None or not self._ours(found):
                self._lost = _lost(found)
                return
            try:
                spec = {**sub(found, "spec"), "renewTime": _stamp()}
                self._objects.replace(self._name, {**found, "spec": spec})
            except Conflict:
                continue
            self._renewed = asked
            return
        raise Unreachable("The lease could not be renewed", f"{self._name} changes all the time")

    def _ours(self, found: Json) -> bool:
        same = text(found, "spec", "holderIdentity") == self._identity
        return same and number(found, "spec", "leaseTransitions") == self._fence


def _holder(found: Json) -> LeaseHolder:
    # the identity ends in a random word that tells nobody anything
    words = clean(text(found, "spec", "holderIdentity"), 120).rpartition(" ")[0]
    holder = words or clean(text(found, "spec", "holderIdentity"), 120)
    return LeaseHolder(holder, moment(found, "spec", "acquireTime"), number(found, "spec", "leaseTransitions"))


def _held(who: LeaseHolder) -> Refused:
    since = f" since {who.since:%Y-%m-%d %H:%M:%S} UTC" if who.since else ""
    return Refused(
        "Another labtui works on this stack",
        f"{who.holder} holds it{since}",
        "Wait until it has ended, or end it there; a dead one's lease runs out by itself",
    )


def _lost(found: Json | None) -> Refused:
    if found is None:
        why = "somebody has deleted the lease"
    elif text(found, "spec", "holderIdentity"):
        who = _holder(found)
        why = f"{who.holder} holds it" + (f" since {who.since:%Y-%m-%d %H:%M:%S} UTC" if who.since else "")
    else:
        why = "another labtui has taken it over and given it back"
    return Refused("This labtui no longer holds the migration, so it does no further step", why)


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
