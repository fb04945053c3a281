"""Keys of a Compose file beside its services."""

from __future__ import annotations

from typing import Any

from labtui.domain.conversion.context import Conversion, StackRule


def _name(c: Conversion, key: str, value: Any) -> None:
    c.converted("", key, f"The application and its namespace: {c.stack.name}.")


def _nothing(detail: str) -> StackRule:
    def rule(c: Conversion, key: str, value: Any) -> None:
        c.converted("", key, detail)

    return rule


def _mounted(c: Conversion, key: str, value: Any) -> None:
    if not isinstance(value, dict) or not value:
        c.converted("", key, "Empty: nothing to do.")
        return
    for name in value:
        users = [service.name for service in c.stack.services if name in _sources(service.raw.get(key))]
        c.converted(
            "",
            f"{key}.{name}",
            f"Converted where it is mounted: {', '.join(users)}." if users else "Nothing mounts it.",
        )


def _sources(mounts: Any) -> set[str]:
    entries = mounts if isinstance(mounts, list) else []
    return {str(e.get("source")) if isinstance(e, dict) else str(e).split(":")[0] for e in entries}


def _networks(c: Conversion, key: str, value: Any) -> None:
    if not isinstance(value, dict) or not value:
        c.converted("", key, "Empty: nothing to do.")
        return
    for name in value:
        c.converted("", f"{key}.{name}", "The components reach each other by Service name; no network is needed.")


def _models(c: Conversion, key: str, value: Any) -> None:
    if value:
        c.refused("", key, "Models are run by Docker's model runner, which the cluster has not.")
    else:
        c.converted("", key, "Empty: nothing to do.")


def _jobs(c: Conversion, key: str, value: Any) -> None:
    if value:
        c.refused(
            "",
            key,
            "What runs on a schedule or by hand is a CronJob or Job of its own chart, which the app chart has not.",
        )
    else:
        c.converted("", key, "Empty: nothing to do.")


STACK_RULES: dict[str, StackRule] = {
    "name": _name,
    "version": _nothing("Means nothing, also to Compose."),
    "x-": _nothing("Read by people and by YAML anchors alone; what it is merged into is converted there."),
    "include": _nothing("Merged by docker compose before the conversion."),
    "networks": _networks,
    "volumes": _mounted,
    "configs": _mounted,
    "secrets": _mounted,
    "models": _models,
    "jobs": _jobs,
}
