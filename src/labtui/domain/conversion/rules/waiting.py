"""depends_on. Compose starts in an order; in a cluster what depends on another waits until that one's Service accepts
connections, which it does once its pod is Ready. What must have run to its end becomes an init container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass, Rule
from labtui.domain.conversion.rules.names import label

COMPLETED = "service_completed_successfully"
_KNOWN = ("service_started", "service_healthy", COMPLETED)
_RUN = (
    ("init", "runs before each start of the pod, so it must bear being run again"),
    ("skip", "it has done its work already"),
)


def dependencies(service: Service) -> dict[str, str]:
    """What a service depends on, and the condition."""
    value = service.raw.get("depends_on")
    if isinstance(value, list):
        return {str(name): "service_started" for name in value}
    if not isinstance(value, dict):
        return {}
    return {
        str(n): str((e.get("condition") if isinstance(e, dict) else "") or "service_started") for n, e in value.items()
    }


def _depends_on(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    # The findings on its entries come from the passes, when all components are known.
    if not value:
        c.converted(service.name, "depends_on", "Empty: nothing to do.")


def _pairs(c: Conversion) -> Iterator[tuple[Service, str, str]]:
    for service in c.stack.services:
        for name, condition in dependencies(service).items():
            yield service, name, condition


def run_once(c: Conversion) -> None:
    """Services that others wait for to end: an init container of each that waits."""
    other = {name for _, name, condition in _pairs(c) if condition != COMPLETED}
    circle = in_circles(c)
    for service, name, condition in _pairs(c):
        key = f"depends_on.{name}"
        if condition != COMPLETED or c.stack.service(name) is None or (service.name, name) in circle:
            continue
        if name in other:
            c.refused(service.name, key, f"Others need {name} to run and this one to have ended: split it in two.")
        elif not c.components[name].get("image"):
            c.refused(service.name, key, f"{name} has to run to its end first, and has no image that could.")
        elif c.components[name].get("volumes"):
            c.refused(
                service.name,
                key,
                f"{name} ends and has volumes of its own: run it by hand as a Job, or let this one do it.",
            )
        else:
            c.left_out.add(name)
            said = f"{name} runs to its end before this one starts."
            answer = c.choose(service.name, key, f"What becomes of {name}?", _RUN, "init", said)
            if answer == "init":
                component = c.components[service.name]
                component.setdefault("initContainers", []).append(
                    _init_container(c.component(name), c.components[name])
                )


def _init_container(name: str, values: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = {"name": label(f"run-{name}"), "image": values.get("image", "")}
    for ours in ("command", "args", "workingDir", "imagePullPolicy", "resources", "securityContext"):
        if values.get(ours):
            container[ours] = values[ours]
    env: list[dict[str, Any]] = [{"name": n, "value": v} for n, v in values.get("env", {}).items()]
    for variable, source in values.get("secretEnv", {}).items():
        env.append({"name": variable, "valueFrom": {"secretKeyRef": {"name": source["secret"], "key": source["key"]}}})
    if env:
        container["env"] = env
    return container


def in_circles(c: Conversion) -> set[tuple[str, str]]:
    """The pairs (service, dependency) that lie on a circle. Without recursion: a stack may have hundreds in a row."""
    after = {service.name: [n for n in dependencies(service) if c.stack.service(n)] for service in c.stack.services}
    before: dict[str, list[str]] = {name: [] for name in after}
    for name, needed in after.items():
        for other in needed:
            before[other].append(name)
    # Kosaraju's two walks: backwards, in the order in which the first one left the services for good
    group: dict[str, str] = {}
    for name in reversed(_left_in_order(after)):
        todo = [name]
        while todo:
            at = todo.pop()
            if at not in group:
                group[at] = name
                todo.extend(before[at])
    return {(name, other) for name, needed in after.items() for other in needed if group[name] == group[other]}


def _left_in_order(after: dict[str, list[str]]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    for start in after:
        if start in seen:
            continue
        seen.add(start)
        walk = [(start, iter(after[start]))]
        while walk:
            name, rest = walk[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                order.append(name)
                walk.pop()
            else:
                seen.add(following)
                walk.append((following, iter(after[following])))
    return order


def wait(c: Conversion) -> None:
    """The verdict on each dependency, and the waits."""
    circle = in_circles(c)
    for service, name, condition in _pairs(c):
        key = f"depends_on.{name}"
        if (service.name, name) in circle:
            c.refused(
                service.name, key, f"{service.name} and {name} wait for each other, in a circle: take one of them out."
            )
        elif c.stack.service(name) is None:
            c.converted(
                service.name, key, f"{name} is not in this stack (not required, or its profile is off): no wait."
            )
        elif condition not in _KNOWN:
            c.refused(service.name, key, "labtui does not know this condition.")
        elif condition != COMPLETED:
            _wait_for(c, service, name, condition)


def _wait_for(c: Conversion, service: Service, name: str, condition: str) -> None:
    key, component = f"depends_on.{name}", c.components[service.name]
    target = c.components[name]
    port = next((p["port"] for p in target.get("ports", ()) if p["protocol"] == "TCP"), None)
    if str(service.raw.get("network_mode") or "") == f"service:{name}":
        c.converted(service.name, key, f"It is in the network of {name}: see network_mode.")
    elif name in c.left_out or service.name in c.left_out:
        c.converted(service.name, key, "No wait: one of them runs once, before another starts.")
    elif port is not None:
        component.setdefault("waitFor", []).append({"component": c.component(name), "port": port})
        ready = "is Ready by its health check and accepts" if _is_checked(c, name) else "accepts"
        c.converted(service.name, key, f"Waits until {c.component(name)} {ready} connections on port {port}.")
    elif condition == "service_healthy":
        detail = f"{name} has no TCP port that could be waited for."
        c.choose(
            service.name,
            key,
            "What then?",
            (("start", "both start together, and this one tries again"),),
            "start",
            detail,
        )
    else:
        c.converted(
            service.name,
            key,
            f"{name} has no TCP port to wait for: both start together, and Compose does not wait either.",
        )


def _is_checked(c: Conversion, name: str) -> bool:
    service = c.stack.service(name)
    image = c.facts.images.get(service.image) if service else None
    own = bool(service and service.raw.get("healthcheck")) or bool(image and image.health_check)
    return own and bool(c.components[name].get("probes"))


RULES: dict[str, Rule] = {"depends_on": _depends_on}
PASSES_ONCE: tuple[Pass, ...] = (run_once,)
PASSES: tuple[Pass, ...] = (wait,)
