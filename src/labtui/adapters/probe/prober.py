"""The prober over the network (`ports.migration.Prober`)."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from labtui.adapters.probe.failures import in_words
from labtui.adapters.probe.link import Deadline, Link
from labtui.adapters.probe.runs import NETWORK_ERRORS, Run, run_of
from labtui.adapters.probe.web import Page
from labtui.domain.errors import LabError, Refused, Unreachable
from labtui.domain.migration.edge import Certificate
from labtui.domain.migration.probes import Answer, Counts, Load, Target
from labtui.domain.text import clean
from labtui.ports.migration import PodProxy, Probing


class NetworkProber:
    """Asks over the network, and through `proxy` the pods that it cannot reach. Nothing is ever asked twice by itself."""

    def __init__(self, proxy: PodProxy | None = None) -> None:
        self._proxy = proxy

    def ask(self, target: Target, timeout: float = 5.0) -> Answer:
        """See `ports.migration.Prober`."""
        try:
            return self._once(target, timeout)
        except LabError:
            raise
        except NETWORK_ERRORS as error:
            where = f"{clean(target.address, 60)}:{target.port}"
            raise Unreachable(f"{where} does not answer", in_words(error, timeout)) from error

    def _once(self, target: Target, timeout: float) -> Answer:
        if target.through is not None:
            if self._proxy is None:
                raise Refused("Pods cannot be asked through the API server here", "no cluster is configured")
            headers = [(n, v) for n, v in target.headers if n.lower() != "host"]
            return self._proxy.ask(target.through, target.path, headers, timeout)
        deadline = Deadline(timeout)
        page = Page(target, deadline, keep=False)
        try:
            return page.get(target.path, deadline)
        finally:
            page.close()

    def certificate(self, target: Target, timeout: float = 5.0) -> Certificate:
        """See `ports.migration.Prober`."""
        try:
            link = Link(target, Deadline(timeout))
        except ssl.SSLCertVerificationError as error:
            return Certificate(problem=clean(error.verify_message, 200))
        except OSError as error:
            where = f"{clean(target.address, 60)}:{target.port}"
            raise Unreachable(f"{where} does not speak TLS", in_words(error, timeout)) from error
        try:
            tls = link.tls
            if tls is None:
                raise Refused(f"{clean(target.name, 60)} is not asked over TLS")
            return _read(tls.getpeercert() or {}, tls.getpeercert(binary_form=True) or b"", target.verify)
        finally:
            link.close()

    def start(self, loads: Sequence[Load]) -> Probing:
        """See `ports.migration.Prober`."""
        session = Session([run_of(load, self._once, number) for number, load in enumerate(loads)])
        session.start()
        return session


class Session:
    """Loads that are being sent (`ports.migration.Probing`)."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = tuple(runs)

    def start(self) -> None:
        """Begin."""
        for run in self._runs:
            run.start()

    def counts(self) -> tuple[Counts, ...]:
        """See `ports.migration.Probing`."""
        return tuple(run.counts() for run in self._runs)

    def stop(self) -> tuple[Counts, ...]:
        """See `ports.migration.Probing`. May be called twice."""
        for run in self._runs:
            run.end()
        for run in self._runs:
            run.join()
        return self.counts()


def _read(found: dict[str, Any], raw: bytes, verified: bool) -> Certificate:
    names = tuple(value for kind, value in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address"))
    issuer = {key: value for part in found.get("issuer", ()) for key, value in part}
    ends = found.get("notAfter")
    return Certificate(
        names=names,
        issuer=str(issuer.get("commonName") or issuer.get("organizationName") or ""),
        expires=datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None,
        fingerprint=hashlib.sha256(raw).hexdigest(),
        verified=verified,
    )
