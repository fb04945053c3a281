"""What is written on a container, how it is kept running and logged, and what only Compose reads."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.compose.stack import EnvironmentValue, Service
from labtui.domain.conversion.context import Conversion, Rule
from labtui.domain.conversion.secrecy import Sort, judge
from labtui.domain.conversion.units import whole

# Programs that read the labels of Docker's containers, which nothing in the cluster does.
_READERS = {
    "traefik.": ("Traefik", "the Ingress takes its place"),
    "caddy": ("caddy-docker-proxy", "the Ingress takes its place"),
    "com.centurylinklabs.watchtower.": ("Watchtower", "images change by a commit there"),
    "diun.": ("Diun", "it reads the cluster by annotations of its own"),
    "wud.": ("What's Up Docker", "images change by a commit there"),
    "homepage.": ("Homepage", "it reads the cluster by annotations of its own"),
    "ofelia.": ("Ofelia", "write a CronJob for it"),
    "autoheal": ("autoheal", "the liveness probe takes its place"),
    "docker-volume-backup.": ("docker-volume-backup", "plan the backup anew"),
    "deunhealth.": ("deunhealth", "the liveness probe takes its place"),
    "com.docker.": ("Docker itself", "nothing there needs it"),
    "desktop.docker.": ("Docker itself", "nothing there needs it"),
}
_ASKED = ("ofelia.", "docker-volume-backup.")  # their work stops unless someone plans it anew
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_KEY = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LONGEST = 4096  # all annotations of an object share 256 KiB


def annotation_key(text: str) -> str:
    """`text` as the key of an annotation: as it is where that is valid, else made valid."""
    prefix, slash, name = text.rpartition("/")
    if _KEY.fullmatch(name) and (not slash or (_PREFIX.fullmatch(prefix) and len(prefix) < 254)):
        return text
    return re.sub(r"[^-A-Za-z0-9_.]+", "-", text).strip("-_.")[:63].strip("-_.")


def _entries(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(k): "" if v is None else str(v) for k, v in value.items()}
    pairs = (str(entry).partition("=") for entry in value) if isinstance(value, list) else ()
    return {name: text for name, _, text in pairs}


def _path(value: Any, name: str) -> str:
    # docker compose prints mappings; a list that is not merged yet is named by its whole entry
    return name if isinstance(value, dict) else next(str(e) for e in value if str(e).partition("=")[0] == name)


def write_label(
    c: Conversion,
    service: Service,
    component: dict[str, Any],
    at: str,
    name: str,
    text: str,
    field: str = "podAnnotations",
) -> None:
    """One label of a container as an annotation, with the finding on `at`."""
    read = next((prefix for prefix in _READERS if name.startswith(prefix)), "")
    if read in _ASKED:
        who, then = _READERS[read]
        detail = f"Read by {who}, which does not see pods: {then}."
        c.choose(service.name, at, "Who does its work in the cluster?", (("done", "that is seen to"),), "", detail)
    elif read:
        who, then = _READERS[read]
        c.converted(service.name, at, f"Read by {who}, which does not see pods: {then}.")
    elif _secret(c, name, text):
        c.converted(service.name, at, "Not carried over: it looks like a secret, and everyone may read annotations.")
    elif not annotation_key(name) or len(text) > _LONGEST:
        c.refused(service.name, at, "No annotation can hold this: shorten it.")
    else:
        component.setdefault(field, {})[annotation_key(name)] = text
        c.converted(service.name, at, "Becomes an annotation.")


def _secret(c: Conversion, name: str, text: str) -> bool:
    return bool(c.needles.first(text)) or judge(EnvironmentValue(name, text)).sort in (Sort.SECRET, Sort.LIKELY)


def _labels(key: str) -> Rule:
    def rule(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
        entries = _entries(value)
        if not entries:
            c.converted(service.name, key, "Empty: nothing to do.")
        for name, text in entries.items():
            write_label(c, service, component, f"{key}.{_path(value, name)}", name, text)

    return rule


def _logging(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if not isinstance(value, dict) or not value:
        c.converted(service.name, "logging", "Empty: nothing to do.")
        return
    driver = str(value.get("driver") or "json-file")
    for key in value:
        if key != "options":
            _logging_one(c, service, f"logging.{key}", driver)
            continue
        options = value["options"] if isinstance(value["options"], dict) else {}
        for path in [f"logging.options.{name}" for name in options] or ["logging.options"]:
            _logging_one(c, service, path, driver)


def _logging_one(c: Conversion, service: Service, path: str, driver: str) -> None:
    if driver in ("json-file", "local", "journald"):
        c.converted(
            service.name,
            path,
            "The node keeps and rotates the logs of its pods; kubectl logs and the log collector read them.",
        )
    elif driver == "none":
        c.converted(service.name, path, "Logs cannot be switched off for a pod; the node keeps and rotates them.")
    else:
        detail = f"Docker sends the logs to {driver}; in the cluster a log collector on each node does that for all."
        c.choose(
            service.name, path, "Does the cluster's collector do it?", (("collector", "it does"),), "collector", detail
        )


def _restart(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    policy = str(value).lower() if not isinstance(value, bool) else ("always" if value else "no")
    restarted(c, service, "restart", policy)


def restarted(c: Conversion, service: Service, key: str, policy: str) -> None:
    """The verdict on a restart policy."""
    if policy in ("always", "unless-stopped", "any", "", "none"):
        c.converted(service.name, key, "Pods are always restarted.")
        return
    kind, _, count = policy.partition(":")
    if kind not in ("no", "on-failure") or (count and whole(count) is None):
        c.refused(service.name, key, "labtui does not know this policy.")
        return
    detail = "A Deployment restarts its pods however they ended, also when they are done."
    options = (
        ("keep", "it runs for ever, and is started again should it end"),
        ("leave-out", "it is no part of the application"),
    )
    serves = bool(service.raw.get("ports") or service.raw.get("expose") or service.raw.get("healthcheck"))
    proposed = "keep" if kind == "on-failure" or serves else ""
    answer = c.choose(service.name, key, "Does it run for ever?", options, proposed, detail)
    if answer == "leave-out":
        c.left_out.add(service.name)


def _profiles(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    c.converted(service.name, "profiles", "Its profile is on here, so it is a part of the application, always.")


def _extension(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    for key in service.raw:
        if key.startswith("x-"):
            c.converted(service.name, key, "Read by people and by YAML anchors alone: nothing to do.")


def _only_compose(key: str, detail: str) -> Rule:
    def rule(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
        c.converted(service.name, key, detail)

    return rule


RULES: dict[str, Rule] = {
    "labels": _labels("labels"),
    "annotations": _labels("annotations"),
    "logging": _logging,
    "restart": _restart,
    "profiles": _profiles,
    "label_file": _only_compose("label_file", "Its lines are among the labels, each with its own verdict."),
    "extends": _only_compose("extends", "Merged by docker compose before the conversion."),
    "attach": _only_compose("attach", "Says what docker compose up prints: nothing to do."),
    "x-": _extension,
}
