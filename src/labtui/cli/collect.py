"""Looking at the estate once: start feeds, wait until each has an answer, stop them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from labtui.core.feeds import start_all, stop_all
from labtui.core.lab import Lab
from labtui.core.mailbox import Mailbox
from labtui.domain.errors import Denied, Invalid, LabError, NotFound, Refused, SignedOut, Unreachable
from labtui.domain.ref import SourceId, SourceKind
from labtui.domain.resources import Application
from labtui.domain.states import FeedState


def look(lab: Lab, seconds: float, wanted: Callable[[SourceId], bool] = lambda source: True) -> None:
    """Fill the inventory. Returns when every wanted source is live or has failed once, or after `seconds`."""
    mailbox = Mailbox()
    feeds = [feed for feed in lab.feeds if wanted(feed.source)]
    runners = start_all(feeds, mailbox.put, lab.clock)
    end = time.monotonic() + seconds
    try:
        while (left := end - time.monotonic()) > 0:
            mailbox.wait(left)
            lab.inventory.apply(mailbox.drain())
            if all(_settled(lab, feed.source) for feed in feeds):
                break
    finally:
        stop_all(runners, 0.5)
    lab.inventory.apply(mailbox.drain())


def _settled(lab: Lab, source: SourceId) -> bool:
    status = lab.inventory.status(source)
    return status is not None and status.state is not FeedState.CONNECTING


def require_live(lab: Lab, sources: Iterable[SourceId]) -> None:
    """Raise the error of the first source that is not live."""
    for source in sources:
        status = lab.inventory.status(source)
        if status is None or status.state is FeedState.CONNECTING:
            hint = "Give it longer with --timeout SECONDS, or ask labtui doctor"
            raise Unreachable(f"{source.label} did not answer in time", "", hint)
        if status.state is not FeedState.LIVE:
            kind: type[LabError] = {FeedState.DENIED: Denied, FeedState.SIGNED_OUT: SignedOut}.get(
                status.state, Unreachable
            )
            raise kind(f"{source.label} is {status.state.value}", status.detail, status.hint)


def find_application(lab: Lab, name: str, seconds: float) -> Application:
    """The application called `NAME` or `NAMESPACE/NAME`. Raises NotFound with near names, Invalid when several fit."""
    lab.argocd()
    look(lab, seconds, lambda source: source.kind is SourceKind.ARGOCD)
    require_live(lab, [s for s in lab.sources if s.kind is SourceKind.ARGOCD])
    namespace, _, bare = name.rpartition("/")
    applications = lab.inventory.applications()
    found = [a for a in applications if a.ref.name == bare and namespace in ("", a.ref.namespace)]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(f"{a.ref.namespace}/{a.ref.name}" for a in found)
        raise Invalid(f"Several applications are called {bare}", places, "Write NAMESPACE/NAME")
    import difflib

    near = difflib.get_close_matches(bare, [a.ref.name for a in applications], n=3)
    if not applications:
        raise Refused("Argo CD shows no application at all", "", "Check what the account may see: labtui doctor")
    hint = f"Did you mean {' or '.join(near)}?" if near else "labtui status lists them"
    raise NotFound(f"There is no application {name}", "", hint)
