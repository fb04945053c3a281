"""What a description of a thing is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.kubernetes import (
    EndpointSlice,
    Ingress,
    KubeEvent,
    PersistentVolumeClaim,
    Pod,
    Service,
    Workload,
)
from labtui.domain.text import age, clean
from labtui.tui.cells import Token

Line = tuple[
    str, str, str
]  # label, text, style token (tui.cells.TOKENS or empty); an empty label continues the one above


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines under one title. Texts are clean."""

    title: str
    lines: tuple[Line, ...]


class Related(Protocol):
    """What is known beside the thing itself; the inventory answers it."""

    def pods_of(self, workload: Workload) -> tuple[Pod, ...]:
        """The pods that a workload owns."""

    def services_of(self, workload: Workload) -> tuple[Service, ...]:
        """The Services whose selector picks its pods."""

    def slices_of(self, service: Service) -> tuple[EndpointSlice, ...]:
        """The EndpointSlices behind a Service."""

    def ingresses_of(self, service: Service) -> tuple[Ingress, ...]:
        """The Ingresses that send something to a Service."""

    def claims_in(self, source: SourceId, namespace: str) -> tuple[PersistentVolumeClaim, ...]:
        """The PersistentVolumeClaims of a namespace."""

    def events_about(self, *refs: Ref) -> tuple[KubeEvent, ...]:
        """Events about these objects, newest first."""


def line(label: str, text: str, style: Token = "") -> Line:
    """One line, harmless."""
    return (clean(label), clean(text, 2000), style)


def listed(label: str, texts: Iterable[str], style: Token = "") -> list[Line]:
    """Several texts under one label, one a line."""
    return [line("" if number else label, text, style) for number, text in enumerate(texts)]


def section(title: str, lines: Iterable[Line]) -> tuple[Section, ...]:
    """A section, or nothing if no line has a text."""
    kept = tuple(each for each in lines if each[1])
    return (Section(title, kept),) if kept else ()


def ago(moment: datetime | None, now: datetime) -> str:
    """`3d ago`, or nothing."""
    return f"{age(moment, now)} ago" if moment else ""


def joined(*parts: str) -> str:
    """The parts that are not empty, with a dot between them."""
    return " · ".join(part for part in parts if part)
