"""The two sides of a migration as the later steps see them: where to ask, how each calls itself, what each uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from labtui.domain.errors import LabError, Unreachable
from labtui.domain.migration.comparison import Use, use_of_pods, use_of_services
from labtui.domain.migration.parity import Identity
from labtui.domain.migration.probes import Target
from labtui.domain.ref import SourceId
from labtui.domain.resources import Resource
from labtui.domain.resources.docker import DockerService
from labtui.domain.resources.kubernetes import Pod
from labtui.ports.migration import Prober

Resources = Callable[[SourceId, Sequence[str]], Iterable[Resource]]


@dataclass(frozen=True, slots=True)
class Sides:
    """Where a stack is asked. `ingress` is None for a stack that has no host name. Paths are put in later.

    Give all of them the host name that users type: many applications answer others differently, or not at all.
    """

    docker: Target
    kubernetes: Target
    ingress: Target | None = None
    docker_identity: Identity = field(default_factory=Identity)
    kubernetes_identity: Identity = field(default_factory=Identity)

    @property
    def subject(self) -> str:
        """What was asked, as one text: another one when anything of it changes. Pods come and go, they are not in it."""
        return " ".join(f"{t.side}={t.kind}:{t.name}{t.path}" for t in (self.docker, self.ingress) if t)


def first_that_answers(prober: Prober, candidates: Sequence[Target]) -> Target:
    """The first of several ways to one side that gives any answer at all: a pod's address, the Service's, the API server.

    Raises Unreachable with the reason of each when none does.
    """
    reasons = []
    for target in candidates:
        try:
            prober.ask(target, timeout=2.0)
        except LabError as error:
            way = "the API server" if target.through else f"{target.address}:{target.port}"
            reasons.append(f"{way}: {error.cause}")
        else:
            return target
    raise Unreachable("No way to ask this side", "; ".join(reasons), "Is the application listening on this port?")


def at(target: Target, path: str) -> Target:
    """The same target, another path."""
    return replace(target, path=path)


class InventoryUse:
    """What both sides use, from what the feeds know (`ports.migration.SideUse`). `resources` answers a copy, from any thread."""

    def __init__(
        self,
        resources: Resources,
        docker: SourceId,
        stack: str,
        cluster: SourceId,
        namespace: str,
        stack_label: str = "",
    ) -> None:
        self._resources, self._docker, self._stack = resources, docker, stack
        self._cluster, self._namespace, self._label = cluster, namespace, stack_label or stack

    def docker(self) -> Use:
        """See `ports.migration.SideUse`."""
        found = self._resources(self._docker, ("ComposeService",))
        return use_of_services(r for r in found if isinstance(r, DockerService) and r.stack == self._stack)

    def kubernetes(self) -> Use:
        """See `ports.migration.SideUse`. The pods of the stack are those that the app chart labels so."""
        wanted = ("app.kubernetes.io/part-of", self._label)
        found = self._resources(self._cluster, ("Pod",))
        mine = (r for r in found if isinstance(r, Pod) and r.ref.namespace == self._namespace and wanted in r.labels)
        return use_of_pods(mine)
