"""CPU, memory and replicas: `deploy` and the older keys beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass, Rule
from labtui.domain.conversion.rules.labels import restarted, write_label
from labtui.domain.conversion.units import cores, memory, size, whole

_SWARM = "Compose ignores this outside a swarm: nothing to do."
_PIDS = "A pod cannot set it: the node limits the processes of each pod (podPidsLimit)."
_DEVICES = "Devices such as GPUs come from a device plugin on the node: install one, or let this stack stay on Docker."
_UNITS = {"cpu": "CPU", "memory": "memory"}
_QUANTITIES = re.compile(r"(\d+m?)/(\d+(?:Ki|Mi|Gi))")

_Part = Callable[[Conversion, Service, dict[str, Any], str, Any], None]


def _limit(kind: str, unit: str) -> _Part:
    """A rule for one amount: kind is limits or requests, unit is cpu or memory."""

    def part(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
        amount = _cpu(value) if unit == "cpu" else _memory(value)
        _put(c, service, component, key, kind, unit, amount)

    return part


def _cpu(value: Any) -> str | None:
    return "" if value in (None, 0, "0", "") else cores(value)


def _memory(value: Any) -> str | None:
    count = 0 if value in (None, "", -1, "-1") else size(value)
    return None if count is None else memory(count) if count else ""


def _put(
    c: Conversion, service: Service, component: dict[str, Any], key: str, kind: str, unit: str, amount: str | None
) -> None:
    if amount is None:
        c.refused(service.name, key, "labtui cannot read this amount: write it as in 0.5 or 512M.")
    elif not amount:
        c.converted(service.name, key, "Unlimited: nothing to do.")
    else:
        component.setdefault("resources", {}).setdefault(kind, {}).setdefault(unit, amount)
        c.converted(service.name, key, f"Becomes resources.{kind}.{unit}: {amount}.")


def _says(detail: str) -> _Part:
    return lambda c, service, component, key, value: c.converted(service.name, key, detail)


def _refuses(detail: str) -> _Part:
    return lambda c, service, component, key, value: c.refused(service.name, key, detail)


def _without(detail: str) -> _Part:
    def part(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
        if value in (None, False, 0, -1, "", "0", "-1", [], {}):
            c.converted(service.name, key, "Not set: nothing to do.")
        else:
            c.without(service.name, key, detail)

    return part


def _replicas(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
    count = 1 if value is None else whole(value)
    if count is None or not 0 <= count <= 1000:
        c.refused(service.name, key, "labtui cannot read this number of replicas.")
        return
    component["replicas"] = count
    c.converted(service.name, key, f"Becomes replicas: {count}.")


def _mode(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
    if value in (None, "", "replicated"):
        c.converted(service.name, key, "Becomes a Deployment.")
    elif value == "global":
        component["kind"] = "DaemonSet"
        c.converted(service.name, key, "Becomes a DaemonSet: one pod on each node.")
    else:
        c.refused(service.name, key, "It runs to its end: run it as a Job by hand, the application has none.")


def _label(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
    name = key.removeprefix("deploy.labels").removeprefix(".")
    if not name:
        c.converted(service.name, key, "Empty: nothing to do.")
    else:
        write_label(c, service, component, key, name, "" if value is None else str(value), "annotations")


def _condition(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
    policy = str(value or "").lower()
    restarted(c, service, key, "no" if policy == "none" else policy)


_DEPLOY: tuple[tuple[str, _Part], ...] = (
    ("resources.limits.cpus", _limit("limits", "cpu")),
    ("resources.limits.memory", _limit("limits", "memory")),
    ("resources.limits.pids", _without(_PIDS)),
    ("resources.reservations.cpus", _limit("requests", "cpu")),
    ("resources.reservations.memory", _limit("requests", "memory")),
    ("resources.reservations.devices", _refuses(_DEVICES)),
    ("resources.reservations.generic_resources", _refuses(_DEVICES)),
    ("resources.limits.devices", _refuses(_DEVICES)),
    ("resources.limits.generic_resources", _refuses(_DEVICES)),
    ("replicas", _replicas),
    ("mode", _mode),
    ("labels", _label),
    ("restart_policy.condition", _condition),
    (
        "restart_policy",
        _says("A pod that keeps failing is restarted at growing intervals, up to 5 minutes; that is fixed."),
    ),
    ("endpoint_mode", _says("A Service has one address, as vip has.")),
    ("placement", _says(_SWARM)),
    ("update_config", _says(_SWARM)),
    ("rollback_config", _says(_SWARM)),
    ("job", _says(_SWARM)),
    ("x-", _says("Read by people and by YAML anchors alone: nothing to do.")),
)


def _deploy(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if not isinstance(value, Mapping) or not value:
        c.converted(service.name, "deploy", "Empty: nothing to do.")
        return
    for path, inner in _leaves(value):
        key = f"deploy.{path}"
        for prefix, part in _DEPLOY:
            if path == prefix or path.startswith(f"{prefix}." if prefix != "x-" else prefix):
                part(c, service, component, key, inner)
                break
        else:
            if inner == {}:
                c.converted(service.name, key, "Empty: nothing to do.")


def _leaves(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            for path, leaf in _leaves(inner):
                yield f"{key}.{path}", leaf
        else:
            yield str(key), inner


def _legacy(key: str, part: _Part) -> Rule:
    return lambda c, service, component, value: part(c, service, component, key, value)


def _cpu_shares(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
    shares = whole(value or 0)
    _put(c, service, component, key, "requests", "cpu", None if shares is None or shares < 0 else _cpu(shares / 1024))


def _cpu_quota(c: Conversion, service: Service, component: dict[str, Any], key: str, value: Any) -> None:
    quota = int(_micro(value) or 0)
    period = int(_micro(service.raw.get("cpu_period")) or 100_000)
    _put(c, service, component, key, "limits", "cpu", _cpu(quota / period) if quota > 0 else "")


def _micro(value: Any) -> float | None:
    # microseconds as a number, or a duration as a text
    found = whole(value) if value is not None else None
    if found is not None:
        return found
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s)", str(value or ""))
    return float(match[1]) * {"us": 1, "ms": 1000, "s": 1_000_000}[match[2]] if match else None


def propose_requests(c: Conversion) -> None:
    """Kubernetes takes the limits for requests where none are written, which reserves more than Compose does: so the
    requests are asked for, from what is measured."""
    for service in c.stack.services:
        component = c.components[service.name]
        if service.name in c.left_out:
            continue
        limits, requests = (component.get("resources", {}).get(kind, {}) for kind in ("limits", "requests"))
        usage = c.facts.usage.get(service.name)
        measured: dict[str, str] = {}
        if usage and usage.cpu is not None and "cpu" not in requests:
            measured["cpu"] = cores(max(0.01, math.ceil(usage.cpu * 120) / 100)) or "10m"
        if usage and usage.memory is not None and "memory" not in requests:
            measured["memory"] = memory(max(16, math.ceil(usage.memory * 1.2 / (1 << 20))) << 20)
        if measured or set(limits) - set(requests):
            _ask_requests(c, service, component, measured)
        _not_above(component)


def _ask_requests(c: Conversion, service: Service, component: dict[str, Any], measured: dict[str, str]) -> None:
    limits, reserved = (component.get("resources", {}).get(kind, {}) for kind in ("limits", "requests"))
    options = [("none", "nothing more is reserved" if reserved else "nothing is reserved")]
    if missing := [_UNITS[unit] for unit in limits if unit not in reserved]:
        options.insert(0, ("limits", f"its limit of {' and '.join(missing)} is reserved for it"))
    if measured:
        shown = ", ".join(f"{unit} {amount}" for unit, amount in measured.items())
        options.insert(0, ("measured", f"what it uses now and a fifth more: {shown}"))
    what = " ".join(_UNITS[unit] for unit in _UNITS if unit not in reserved) if reserved else ""
    detail = f"Nothing says how much {what} is to be reserved for it.".replace("  ", " ")
    if not limits and not reserved:
        detail = "There are no limits and no reservations."
    asked = "What is reserved for it? CPU/MEMORY, as in 100m/256Mi, is an answer too."
    proposed = options[0][0]
    answer = c.choose(
        service.name,
        "resources",
        asked,
        options,
        proposed,
        detail,
        lambda given: _QUANTITIES.fullmatch(given) is not None,
    )
    resources = component.setdefault("resources", {})
    requests = resources.setdefault("requests", {})
    if answer == "measured":
        requests.update(measured)
    elif answer == "none":
        requests.update({unit: "0" for unit in resources.get("limits", {}) if unit not in requests})
    elif found := _QUANTITIES.fullmatch(answer):
        requests.update(cpu=found[1], memory=found[2])
    if not requests:
        del resources["requests"]
    if not resources:
        del component["resources"]


def _not_above(component: dict[str, Any]) -> None:
    """A request above its limit is refused by Kubernetes; Compose has cpu_shares beside cpus, which say different things."""
    resources = component.get("resources", {})
    for unit, limit in resources.get("limits", {}).items():
        request = resources.get("requests", {}).get(unit)
        if request is not None and quantity(request) > quantity(limit):
            resources["requests"][unit] = limit


def quantity(text: str) -> float:
    """A Kubernetes quantity as written here: cores or bytes."""
    units = {"m": 1e-3, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", text)
    return float(found[1]) * units.get(found[2], 1) if found else 0.0


RULES: dict[str, Rule] = {
    "deploy": _deploy,
    "scale": _legacy("scale", _replicas),
    "cpus": _legacy("cpus", _limit("limits", "cpu")),
    "mem_limit": _legacy("mem_limit", _limit("limits", "memory")),
    "mem_reservation": _legacy("mem_reservation", _limit("requests", "memory")),
    "cpu_shares": _legacy("cpu_shares", _cpu_shares),
    "cpu_quota": _legacy("cpu_quota", _cpu_quota),
    "cpu_period": _legacy("cpu_period", _says("Read together with cpu_quota.")),
    "cpu_count": _legacy("cpu_count", _says("Means something on Windows alone: nothing to do.")),
    "cpu_percent": _legacy("cpu_percent", _says("Means something on Windows alone: nothing to do.")),
    "cpuset": _legacy(
        "cpuset", _without("A pod cannot choose its cores; a node's static CPU manager gives whole ones.")
    ),
    "cpu_rt_period": _legacy("cpu_rt_period", _without("A pod gets no real-time time slices.")),
    "cpu_rt_runtime": _legacy("cpu_rt_runtime", _without("A pod gets no real-time time slices.")),
    "memswap_limit": _legacy(
        "memswap_limit", _without("Pods have no swap of their own: the node decides whether there is any.")
    ),
    "mem_swappiness": _legacy(
        "mem_swappiness", _without("Pods have no swap of their own: the node decides whether there is any.")
    ),
}
PASSES: tuple[Pass, ...] = (propose_requests,)
