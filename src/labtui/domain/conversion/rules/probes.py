"""Health checks. Docker knows one state, healthy; Kubernetes asks three questions: has it started, may it get traffic,
must it be restarted. A health check answers all three; it must fail longer before the pod is restarted."""

from __future__ import annotations

import math
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass, Rule
from labtui.domain.conversion.rules.hiding import Hidden
from labtui.domain.conversion.rules.listening import port_entries
from labtui.domain.conversion.units import no_expansion, seconds, whole, whole_seconds

INTERVAL, TIMEOUT, RETRIES, START_INTERVAL = 30, 30, 3, 5  # Docker's defaults, in seconds
# Seconds a program gets to start when start_period says less. Docker never restarts what is unhealthy, so nobody had to write
# down how long a recovery or a migration of its data takes; a probe that ends it in the midst of one would never let it start.
_LEAST_START = 300
_KEYS = ("test", "disable", "interval", "timeout", "retries", "start_period", "start_interval")


def _healthcheck(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if not isinstance(value, dict) or not value:
        c.converted(service.name, "healthcheck", "Empty: nothing to do.")
        return
    test = _test(c, service, value)
    command = None
    if test is None or test[:1] == ["NONE"] or value.get("disable") in (True, "true"):
        _off(c, service, value)
        return
    made = probes({}, value)
    if test:
        command = _command(c, service, component, test, made, "healthcheck.test" if "test" in value else "")
    if command is None:
        return
    wrong = _timings(c, service, value, made)
    if wrong:
        return
    component["probes"] = probes({"exec": {"command": command}}, value)


def _test(c: Conversion, service: Service, value: dict[str, Any]) -> list[str] | None:
    """The test's words: the one written here, else the image's; None when there is none."""
    test = value.get("test")
    if isinstance(test, str):
        return ["CMD-SHELL", test]
    if isinstance(test, list) and test:
        return [str(word) for word in test]
    image = c.facts.images.get(service.image)
    return list(image.health_check) if image and image.health_check else None


def _off(c: Conversion, service: Service, value: dict[str, Any]) -> None:
    image_has = bool((image := c.facts.images.get(service.image)) and image.health_check)
    asked = "test" in value or "disable" in value
    words = "Switched off: no probe." if asked else "There is no test it could apply to: no probe."
    if not asked and service.image not in c.facts.images:
        words = "The test is the image's, which is not known here: no probe."
    for key in value:
        if key in _KEYS:
            c.converted(
                service.name, f"healthcheck.{key}", words + (" The image has one." if image_has and asked else "")
            )


def _command(
    c: Conversion, service: Service, component: dict[str, Any], test: list[str], made: dict[str, Any], key: str
) -> list[str] | None:
    """The probe's command, secrets in it taken from the environment. None: refused."""
    kind, rest = test[0].upper(), test[1:]
    if kind not in ("CMD", "CMD-SHELL"):
        kind, rest = "CMD", test
    if not [word for word in rest if word]:
        if key:
            c.refused(service.name, key, "There is no command in it.")
        return None
    hidden = Hidden(c, rest)
    variables = hidden.keep(service.name, component)
    if kind == "CMD-SHELL":
        command = ["/bin/sh", "-c", hidden.as_shell(hidden.words[0], variables)]
    elif variables:
        # Kubernetes fills secrets into the command of a container, not of a probe; a shell does
        command = ["/bin/sh", "-c", hidden.as_shell_words(variables)]
    else:
        command = [no_expansion(word) for word in rest]
    if key:
        note = " The secret in it is read from the environment." if variables else ""
        after = made["liveness"]["failureThreshold"] * made["liveness"]["periodSeconds"]
        words = "Becomes the startup, readiness and liveness probe. Docker only marks what fails it; such a pod gets no traffic"
        c.converted(service.name, key, f"{words}, and is restarted after {after} seconds.{note}")
    return command


def _timings(c: Conversion, service: Service, value: dict[str, Any], made: dict[str, Any]) -> bool:
    wrong = False
    tries, apart = made["startup"]["failureThreshold"], made["startup"]["periodSeconds"]
    words = {
        "interval": "Becomes periodSeconds.",
        "timeout": "Becomes timeoutSeconds.",
        "retries": "Becomes failureThreshold; the pod is restarted after twice as many.",
        "start_period": f"The startup probe gives it {tries * apart} seconds to start: {tries} tries, {apart} seconds apart.",
        "start_interval": "Becomes the startup probe's periodSeconds.",
        "disable": "Not disabled: nothing to do.",
    }
    for key, becomes in words.items():
        if key not in value:
            continue
        read = whole(value[key]) if key == "retries" else seconds(value[key])
        if key != "disable" and read is None and value[key] is not None:
            c.refused(
                service.name,
                f"healthcheck.{key}",
                "labtui cannot read this: write a duration as in 30s, a count as in 3.",
            )
            wrong = True
        else:
            c.converted(service.name, f"healthcheck.{key}", becomes)
    return wrong


def probes(handler: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """The three probes around one handler, timed as a Compose health check `value` says."""
    interval = whole_seconds(value.get("interval")) or INTERVAL
    timeout = whole_seconds(value.get("timeout")) or TIMEOUT
    retries = max(1, whole(value.get("retries") or 0) or RETRIES)
    period = whole_seconds(value.get("start_interval")) or min(START_INTERVAL, interval)
    start = max(whole_seconds(value.get("start_period"), 0) or 0, _LEAST_START) + retries * interval
    return {
        "startup": {
            **handler,
            "periodSeconds": period,
            "timeoutSeconds": timeout,
            "failureThreshold": math.ceil(start / period),
        },
        "readiness": {**handler, "periodSeconds": interval, "timeoutSeconds": timeout, "failureThreshold": retries},
        "liveness": {**handler, "periodSeconds": interval, "timeoutSeconds": timeout, "failureThreshold": 2 * retries},
    }


def propose_probes(c: Conversion) -> None:
    """Without a health check: the image's own, else a proposed probe of the HTTP port."""
    for service in c.stack.services:
        component = c.components[service.name]
        if service.name in c.left_out or service.raw.get("healthcheck"):
            continue
        image = c.facts.images.get(service.image)
        if image and image.health_check and image.health_check[0].upper() != "NONE":
            command = _command(c, service, component, list(image.health_check), probes({}, {}), "")
            if command:
                component["probes"] = probes({"exec": {"command": command}}, {})
                c.converted(service.name, "healthcheck", "The image has one: it becomes the probes.")
            continue
        port = _web_port(service, component)
        if port:
            _propose(c, service, component, port)


def _web_port(service: Service, component: dict[str, Any]) -> dict[str, Any] | None:
    published = {entry.target for entry in port_entries(service)}
    web = [p for p in component.get("ports", ()) if p["name"].startswith("http") and p["protocol"] == "TCP"]
    return next((p for p in web if p["port"] in published), web[0] if web else None)


def _propose(c: Conversion, service: Service, component: dict[str, Any], port: dict[str, Any]) -> None:
    name = port["name"]
    options = (
        ("tcp", f"port {name} accepts connections"),
        ("http", f"port {name} answers GET / with 200 to 399; write a path, as in /health, for another one"),
        ("none", "it gets traffic as soon as its process runs"),
    )
    detail = "There is no health check, so nothing says when it may get traffic."

    def is_path(text: str) -> bool:
        return text.startswith("/") and text.isprintable() and " " not in text

    answer = c.choose(service.name, "healthcheck", "What says that it is ready?", options, "tcp", detail, is_path)
    if answer == "none":
        return
    if answer == "tcp":
        handler: dict[str, Any] = {"tcpSocket": {"port": name}}
    else:
        handler = {"httpGet": {"path": answer if answer.startswith("/") else "/", "port": name}}
        if name.startswith("https"):
            handler["httpGet"]["scheme"] = "HTTPS"
    component["probes"] = probes(handler, {"interval": "10s", "timeout": "5s"})


RULES: dict[str, Rule] = {"healthcheck": _healthcheck}
PASSES: tuple[Pass, ...] = (propose_probes,)
