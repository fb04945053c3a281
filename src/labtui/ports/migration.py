"""What a migration needs beside its actions: one writer for each stack, a journal that outlives the machine, and probes.

The rules of `labtui.ports` hold: any thread, a few seconds at most, only `labtui.domain.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from labtui.domain.migration.comparison import CheckResult, Use
    from labtui.domain.migration.edge import Certificate
    from labtui.domain.migration.probes import Answer, Counts, Load, PodPort, Target


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who holds a lease: `holder` in words for people, since when, and the generation that fences others off."""

    holder: str
    since: datetime | None
    fence: int


class HeldLease(Protocol):
    """A lease that this process holds; renewed in the background until it is released."""

    @property
    def fence(self) -> int:
        """Its generation: larger than that of every earlier holder."""

    def check(self) -> None:
        """Ask the server whether it is still ours, and renew it. Raises Refused with who holds it now and since when, Unreachable."""

    def glance(self) -> None:
        """Like `check`, but asks the server only when the last renewal is too old to rely on. For use in between."""

    def release(self) -> None:
        """Give it back, so that others need not wait until it runs out. Raises nothing: it runs out anyway."""


class Leases(Protocol):
    """One writer for each stack's migration, in the whole cluster."""

    def acquire(self, site: str, stack: str, above: int, report: Callable[[str], None]) -> HeldLease:
        """Take the lease, waiting as long as a dead holder's has to run out; its fence is larger than `above`, too (somebody
        may have deleted the lease). Raises Refused when its holder is alive, saying who and since when; Denied, Unreachable."""

    def holder(self, site: str, stack: str) -> LeaseHolder | None:
        """Who holds it now; None when nobody does."""


@dataclass(frozen=True, slots=True)
class MirrorCopy:
    """The copy of a stack's journal in the cluster. `version` is the server's, for compare-and-swap; empty: not there yet."""

    migration: str
    site: str
    stack: str
    fence: int
    text: str
    version: str = ""


class JournalMirror(Protocol):
    """The journals' copies in the cluster, one a stack (its latest migration), so that another machine can take over."""

    def read(self, site: str, stack: str) -> MirrorCopy | None:
        """The copy, None when there is none. Raises Denied, Unreachable."""

    def write(self, copy: MirrorCopy) -> MirrorCopy:
        """Replace the copy of `copy.version` (make it when that is empty); answers it with its new version.

        Raises Refused when another one is there by now, Denied, Unreachable (then it may or may not have been written).
        """

    def all(self) -> tuple[MirrorCopy, ...]:
        """Every copy."""


class Probing(Protocol):
    """Requests that are being sent, and what was counted so far."""

    def counts(self) -> tuple[Counts, ...]:
        """One for each load, in their order; may be asked at any time, also after the end."""

    def stop(self) -> tuple[Counts, ...]:
        """Send no more, wait for the answers that are still to come (as long as a request may take), and count them."""


class Prober(Protocol):
    """Sends requests to the sides of a migration."""

    def ask(self, target: Target, timeout: float = 5.0) -> Answer:
        """One HTTP request, redirects not followed. Raises Unreachable, with why in words."""

    def certificate(self, target: Target, timeout: float = 5.0) -> Certificate:
        """What a TLS server shows to this host name. Raises Unreachable when it does not speak TLS at all."""

    def start(self, loads: Sequence[Load]) -> Probing:
        """Send requests from now on, in threads of its own."""


class PodProxy(Protocol):
    """Asks a pod through the API server."""

    def ask(self, pod: PodPort, path: str, headers: Sequence[tuple[str, str]], timeout: float) -> Answer:
        """One GET, redirects not followed. Raises Unreachable, Denied, SignedOut."""


class OwnCheck(Protocol):
    """Runs a check of the operator's own."""

    def run(self, argv: Sequence[str], environ: Mapping[str, str], seconds: float) -> CheckResult:
        """Run a program without a shell, with these variables and little else, for so long at most."""


class SideUse(Protocol):
    """What both sides of a stack use now."""

    def docker(self) -> Use:
        """CPU and memory of its containers; what is not measured is None."""

    def kubernetes(self) -> Use:
        """CPU and memory of its pods, and how often their containers were restarted."""
