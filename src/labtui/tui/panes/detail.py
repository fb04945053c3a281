"""Describes any thing that a pane shows, for the side panel and the detail screen."""

from __future__ import annotations

from datetime import datetime

from labtui.domain.resources import Application, DockerService, Migration, Resource, SecretPath, Workload
from labtui.tui.panes.argocd_detail import describe_application
from labtui.tui.panes.docker_detail import describe_service
from labtui.tui.panes.kubernetes_detail import describe_workload
from labtui.tui.panes.migrations import describe_migration
from labtui.tui.panes.sections import Related, Section, line, section
from labtui.tui.panes.vault_detail import describe_secret

__all__ = ["Related", "Section", "describe"]


def describe(resource: Resource, related: Related, now: datetime) -> tuple[Section, ...]:
    """All that is known about `resource`, in the order in which an operator asks for it. Pure; texts are clean."""
    match resource:
        case Application():
            return describe_application(resource, now)
        case Workload():
            return describe_workload(resource, related, now)
        case DockerService():
            return describe_service(resource, now)
        case SecretPath():
            return describe_secret(resource, now)
        case Migration():
            return describe_migration(resource, now)
        case _:
            place = (line("Name", resource.ref.name), line("Namespace", resource.ref.namespace))
            return section(resource.ref.kind, place)
