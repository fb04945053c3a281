"""Identity. Two things of one name in two places are two things: nothing is ever looked up by its bare name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SourceKind(StrEnum):
    """The kinds of server that labtui follows."""

    ARGOCD = "argocd"
    KUBERNETES = "kubernetes"
    DOCKER = "docker"
    VAULT = "vault"


@dataclass(frozen=True, slots=True, order=True)
class SourceId:
    """One server that labtui follows.

    `scope` tells servers of one kind apart: the site of a Docker engine (`kyiv`), the kubeconfig context of a
    cluster (`homelab`), the address of an Argo CD or Vault server.
    """

    kind: SourceKind
    scope: str

    @property
    def label(self) -> str:
        """The short name that people see: the site for Docker, else `cluster`, `argocd`, `vault`."""
        if self.kind is SourceKind.DOCKER:
            return self.scope
        return "cluster" if self.kind is SourceKind.KUBERNETES else self.kind.value

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.scope}"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The identity of one thing in one place; equal only if every part is.

    `kind` is the field's own word (`Application`, `Deployment`, `Pod`, `ComposeService`, `Container`, `Secret`).
    `namespace` is the Kubernetes namespace, the Compose project (stack) or the Vault mount; empty where there is none.
    `name` is exactly what the server calls it, untrusted: clean it with `domain.text` before it is shown.
    """

    source: SourceId
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.source.scope} {self.kind} {place}{self.name}"
