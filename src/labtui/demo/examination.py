"""What `labtui doctor` finds out about the simulated sources: the same checks as of the real ones."""

from __future__ import annotations

from collections.abc import Iterator

from labtui.demo.faults import Fault
from labtui.demo.world import World
from labtui.domain.checks import Check, Verdict
from labtui.domain.errors import Denied, LabError, SignedOut, Unreachable
from labtui.domain.ref import SourceId, SourceKind

_OK = Verdict.OK

# name, detail, in the order in which they are found out
_FINDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "wroclaw": (
        ("connection", "unix:///var/run/docker.sock (context wroclaw), 3 ms"),
        ("version", "Docker 28.1.1, API 1.49, linux/arm64"),
        ("clock", "0.0 s apart"),
    ),
    "kyiv": (
        ("connection", "ssh://pi@raspberrypi.local, 48 ms"),
        ("ssh", "OpenSSH_9.9 pi@raspberrypi.local"),
        ("version", "Docker 28.0.4, API 1.48, linux/arm64"),
        ("clock", "0.1 s apart"),
    ),
    "cluster": (
        ("connection", "127.0.0.1:26443 answered in 9 ms"),
        ("version", "v1.33.5+orb1"),
        ("clock", "agrees with this machine"),
        ("permissions", "may list and watch all that labtui shows"),
        ("metrics", "served"),
    ),
    "argocd": (
        ("connection", "https://argocd.example.org"),
        ("version", "v3.2.11"),
        ("clock", "agrees with this machine's"),
        ("signed in", "as admin"),
        ("may list applications", "sees all"),
        ("may sync applications", "in project default"),
        ("may update applications", "in project default"),
    ),
    "vault": (
        ("connection", "https://vault.example.org answers in 6 ms"),
        ("seal", "unsealed"),
        ("version", "2.2.1"),
        ("token", "valid, 2d left, renewable, 2 policies"),
        ("mount", "kv/ is KV version 2"),
        ("may list", "kv/ has 5 entries at the top"),
        ("clock", "agrees with this machine"),
    ),
}
# what fails first when the credentials are no longer taken, and when a right is missing
_FAILING: dict[SourceKind, tuple[str, str]] = {
    SourceKind.DOCKER: ("connection", "connection"),
    SourceKind.KUBERNETES: ("connection", "permissions"),
    SourceKind.ARGOCD: ("signed in", "may list applications"),
    SourceKind.VAULT: ("token", "may list"),
}


def examine(world: World, source: SourceId, denied_kinds: tuple[str, ...]) -> Iterator[Check]:
    """All findings about a source; after the first that fails there are no more."""
    failing, error = _failure(world, source)
    for name, detail in _FINDINGS[source.label]:
        if error is not None and name == failing:
            remedy = error.hint or "Start the server, or correct its address"
            words = f"{error.title}: {error.detail}" if error.detail else error.title
            unreachable = isinstance(error, Unreachable)
            yield Check(source.label, name, Verdict.FAIL, words, remedy, unreachable=unreachable)
            return
        if name == "permissions" and world.fault(source) is Fault.DENIED:
            for kind in denied_kinds:
                words = f"may not list or watch {kind} in all namespaces"
                remedy = f"Grant list, watch on {kind} (ClusterRole `view` covers all but nodes)"
                yield Check(source.label, f"may list {kind}", Verdict.WARN, words, remedy)
            continue
        yield Check(source.label, name, _OK, detail)


def _failure(world: World, source: SourceId) -> tuple[str, LabError | None]:
    signed_out, denied = _FAILING[source.kind]
    try:
        world.answer(source)
    except SignedOut as error:
        return signed_out, error
    except Denied as error:
        return denied, error
    except LabError as error:
        return "connection", error
    return "", None
