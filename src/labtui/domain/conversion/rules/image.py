"""The image, when it is pulled, and what it is built for."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass, Rule

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}")
_PULL = {"always": "Always", "missing": "IfNotPresent", "if_not_present": "IfNotPresent", "never": "Never"}


def tag(reference: str) -> str:
    """The tag or digest of an image reference; empty when it has none."""
    if "@" in reference:
        return reference.split("@", 1)[1]
    last = reference.rsplit("/", 1)[-1]
    return last.split(":", 1)[1] if ":" in last else ""


def _image(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    reference = str(value or "")
    if not reference:
        c.refused(service.name, "image", "There is no image: name one that the cluster can pull.")
        return
    if not isinstance(value, str) or not _REFERENCE.fullmatch(reference):
        c.refused(service.name, "image", "This is no image reference: write it as in registry.example.org/name:tag.")
        return
    component["image"] = reference
    moving = tag(reference) in ("", "latest")
    warning = " It has no fixed tag: the pod may get another version than Docker runs today." if moving else ""
    c.converted(service.name, "image", f"Becomes image.{warning}")


def _pull_policy(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    policy = str(value or "")
    if policy in _PULL:
        component["imagePullPolicy"] = _PULL[policy]
        c.converted(service.name, "pull_policy", f"Becomes imagePullPolicy: {_PULL[policy]}.")
    elif policy in ("daily", "weekly") or policy.startswith("every_"):
        component["imagePullPolicy"] = "Always"
        c.converted(
            service.name,
            "pull_policy",
            "Becomes imagePullPolicy: Always; a pod pulls when it starts, not by the clock.",
        )
    elif policy == "build":
        c.refused(service.name, "pull_policy", "A cluster builds nothing: push the image to a registry and name it.")
    elif not policy:
        c.converted(service.name, "pull_policy", "Empty: nothing to do.")
    else:
        c.refused(service.name, "pull_policy", "labtui does not know this policy.")


def _platform(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    parts = str(value or "").split("/")
    if parts == [""]:
        c.converted(service.name, "platform", "Empty: nothing to do.")
    elif parts[0] != "linux" or len(parts) < 2 or not parts[1].isalnum():
        c.refused(service.name, "platform", "Only linux/ARCHITECTURE runs in the cluster.")
    else:
        component.setdefault("nodeSelector", {})["kubernetes.io/arch"] = parts[1]
        c.converted(service.name, "platform", f"Becomes a nodeSelector: {parts[1]} nodes alone.")


def need_images(c: Conversion) -> None:
    """A service without an image cannot become pods; `build` alone has its own finding."""
    for service in c.stack.services:
        if (
            not service.image
            and "image" not in service.raw
            and "build" not in service.raw
            and "provider" not in service.raw
        ):
            c.refused(service.name, "image", "There is no image: name one that the cluster can pull.")


RULES: dict[str, Rule] = {
    "image": _image,
    "pull_policy": _pull_policy,
    "platform": _platform,
    "pull_refresh_after": lambda c, service, component, value: c.converted(
        service.name, "pull_refresh_after", "A pod pulls when it starts, not by the clock: nothing to do."
    ),
}
PASSES: tuple[Pass, ...] = (need_images,)
