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


def _each(detail: str) -> StackRule:
    def rule(c: Conversion, key: str, value: Any) -> None:
        if not isinstance(value, dict) or not value:
            c.converted("", key, "Empty: nothing to do.")
            return
        for name in value:
            c.converted("", f"{key}.{name}", detail)

    return rule


STACK_RULES: dict[str, StackRule] = {
    "name": _name,
    "version": _nothing("Means nothing, also to Compose."),
    "x-": _nothing("Read by people and by YAML anchors alone; what it is merged into is converted there."),
    "include": _nothing("Merged by docker compose before the conversion."),
    "networks": _each("The components of an application reach each other by Service name; no network is needed."),
    "volumes": _each("Converted where it is mounted."),
    "configs": _each("Converted where it is mounted."),
    "secrets": _each("Converted where it is mounted."),
}
