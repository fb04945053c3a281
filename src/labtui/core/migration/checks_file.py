"""The operator's settings for looking at a migration, `<stack>.checks.yaml` beside the stack's values, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import yaml

from labtui.core.migration.sides import Sides, at
from labtui.core.migration.soak import SoakPlan
from labtui.core.migration.verify import VerifyPlan
from labtui.core.migration.watching import Limits
from labtui.domain.compose.stack import Service
from labtui.domain.errors import Invalid
from labtui.domain.migration.parity import paths_to_compare
from labtui.domain.migration.probes import Kind, Load, Side
from labtui.domain.migration.settings import CheckSettings, settings_from
from labtui.domain.text import clean

LARGEST = 100_000
FASTEST_BODY = 4 * 1024 * 1024  # bytes a second of a download: it is to last, not to fill the line
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_checks(text: str, name: str) -> CheckSettings:
    """What a file of checks says; an empty one is the usual. Raises Invalid, naming the file and the key."""
    if len(text) > LARGEST:
        raise Invalid(f"{name} is too large for a file of checks", f"{len(text)} letters")
    try:
        raw = yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Invalid(f"{name} is no YAML", clean(str(error), 500)) from error
    if raw is None:
        return CheckSettings()
    if not isinstance(raw, dict):
        raise Invalid(f"{name} holds no mapping")
    try:
        return settings_from(raw)
    except Invalid as error:
        raise Invalid(f"{name}: {error.title}", error.detail, error.hint) from None


def loads_of(settings: CheckSettings, sides: Sides) -> tuple[Load, ...]:
    """What is sent all along: through the Ingress on fresh and kept connections, WebSockets, downloads; straight to both sides."""
    found = [Load(target, settings.rate) for target in (sides.docker, sides.kubernetes)]
    edge = sides.ingress
    if edge is None:
        return tuple(found)
    found.insert(0, Load(edge, settings.rate))
    if edge.kind is Kind.HTTP:
        found.insert(1, Load(edge, settings.rate, keep=True))
    sockets = (replace(at(edge, path), kind=Kind.WEBSOCKET) for path in settings.websockets)
    bodies = (replace(at(edge, path), kind=Kind.DOWNLOAD) for path in settings.downloads)
    found += [Load(target, settings.rate) for target in sockets]
    found += [Load(target, 1.0, throttle=FASTEST_BODY) for target in bodies]
    return tuple(found)


def verify_plan(settings: CheckSettings, sides: Sides, services: Iterable[Service] = ()) -> VerifyPlan:
    """The plan of the step `verify`. Only both sides are asked over time there: no user is on the new one yet."""
    straight = tuple(load for load in loads_of(settings, sides) if load.target.side is not Side.INGRESS)
    return VerifyPlan(
        sides=sides,
        paths=paths_to_compare(services, settings.paths),
        own_paths=settings.paths,
        rules=settings.rules,
        loads=straight,
        seconds=settings.seconds,
        scripts=settings.scripts,
    )


def limits_of(settings: CheckSettings, sides: Sides | None) -> Limits:
    """The limits of cut-over and soak. A stack without an Ingress is judged by the pods' own answers; one that has no port at
    all (`sides` is None) by their restarts."""
    seen = (Side.INGRESS,) if sides is not None and sides.ingress is not None else (Side.KUBERNETES,)
    return Limits(settings.budget, settings.soak_restarts, settings.soak_p95, settings.soak_memory, seen)


def soak_plan(settings: CheckSettings, sides: Sides | None, subject: str) -> SoakPlan:
    """The plan of the step `soak`."""
    loads = loads_of(settings, sides) if sides is not None else ()
    return SoakPlan(loads, settings.soak_seconds, limits_of(settings, sides), subject)
