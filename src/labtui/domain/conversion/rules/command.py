"""What runs in the container, and how it is stopped."""

from __future__ import annotations

import re
import shlex
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Rule
from labtui.domain.conversion.rules.hiding import Hidden
from labtui.domain.conversion.units import whole_seconds

_MOVE = (
    ("secret", "kept in Vault, given to the program through its environment"),
    ("plain", "written into the values, in git"),
)


def words(value: Any) -> list[str] | None:
    """A command as its words: a list as it is, a text split as a shell does. None: not overridden."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [_text(word) for word in value]
    try:
        return shlex.split(_text(value))
    except ValueError:  # an open quote: docker compose refuses it; here it stays one word
        return [_text(value)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def without_secrets(
    c: Conversion, service: str, component: dict[str, Any], key: str, given: list[str], becomes: str
) -> list[str]:
    """The words for the values; what is a secret among them is referred to as `$(NAME)`. Leaves the finding on `key`."""
    hidden = Hidden(c, given)
    if not hidden.secrets:
        c.converted(service, key, becomes)
        return hidden.plain()
    detail = f"{becomes} A secret in it is kept in Vault and referred to as $(NAME)."
    if c.settle(service, key, "Is there a secret in the command?", _MOVE, "secret", detail) == "plain":
        return hidden.plain()
    return hidden.as_references(hidden.keep(service, component))


def _entrypoint(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    given = words(value)
    if given is None:
        c.converted(service.name, "entrypoint", "The image's own: nothing to do.")
        return
    if [word for word in given if word]:
        component["command"] = without_secrets(c, service.name, component, "entrypoint", given, "Becomes command.")
        return
    command = words(service.raw.get("command"))
    if command:
        # Docker then runs the command alone; Kubernetes only does so when it is called the entrypoint
        component["command"] = without_secrets(
            c,
            service.name,
            component,
            "entrypoint",
            command,
            "The image's entrypoint is switched off: command runs alone.",
        )
    else:
        c.refused(
            service.name,
            "entrypoint",
            "The image's entrypoint is switched off and there is no command: nothing would run.",
        )


def _command(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    given = words(value)
    entrypoint = words(service.raw.get("entrypoint"))
    if given is None:
        c.converted(service.name, "command", "The image's own: nothing to do.")
    elif given and entrypoint is not None and not [word for word in entrypoint if word]:
        c.converted(
            service.name, "command", "Runs alone, since the image's entrypoint is switched off: becomes command."
        )
    elif given:
        component["args"] = without_secrets(c, service.name, component, "command", given, "Becomes args.")
    elif entrypoint:
        c.converted(service.name, "command", "No arguments, as Kubernetes does when the entrypoint is set.")
    else:
        _empty_command(c, service, component)


def _empty_command(c: Conversion, service: Service, component: dict[str, Any]) -> None:
    # Kubernetes reads empty args as "the image's"; only a command of our own keeps the image's arguments away
    image = c.facts.images.get(service.image)
    if image is None:
        detail = (
            "The image's arguments are switched off, which needs the image's entrypoint, and that is not known here."
        )
        asked = "Which program starts the container?"
        answer = c.choose(
            service.name, "command", asked, (("image", "as the image says, with its arguments"),), "", detail, True
        )
        if answer and answer != "image":
            component["command"] = words(answer)
    elif image.entrypoint:
        component["command"] = list(image.entrypoint)
        c.converted(service.name, "command", "No arguments: becomes command with the image's entrypoint.")
    else:
        c.refused(
            service.name, "command", "The command is switched off and the image has no entrypoint: nothing would run."
        )


def _working_dir(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if value:
        component["workingDir"] = str(value)
    c.converted(service.name, "working_dir", "Becomes workingDir." if value else "The image's own: nothing to do.")


def _init(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if value in (True, "true") and service.raw.get("stop_signal"):
        # the signal goes to the container's first process, which it is not in a shared namespace
        c.without(service.name, "init", "Beside stop_signal it cannot be had: nothing collects ended processes.")
    elif value in (True, "true"):
        component["shareProcessNamespace"] = True
        c.converted(service.name, "init", "Becomes shareProcessNamespace: the pod's first process collects ended ones.")
    else:
        c.converted(service.name, "init", "Off, as in Kubernetes.")


def _tty(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    c.converted(service.name, "tty", "The pods have no terminal; kubectl exec -t gives one to who needs it.")


def _stdin_open(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if value not in (True, "true"):
        c.converted(service.name, "stdin_open", "Off, as in Kubernetes.")
        return
    detail = "The pods have no standard input: a program that waits for it (a console, a shell) ends at once."
    c.choose(
        service.name, "stdin_open", "Does it run without standard input?", (("without", "it does"),), "without", detail
    )


def _stop_signal(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    signal = str(value or "").upper()
    signal = signal if signal.startswith("SIG") or signal.isdigit() or not signal else f"SIG{signal}"
    image = c.facts.images.get(service.image)
    if signal in ("", "SIGTERM", "15") and not (image and image.stop_signal):
        c.converted(service.name, "stop_signal", "SIGTERM, as in Kubernetes.")
    elif image and image.stop_signal.upper() == signal:
        c.converted(service.name, "stop_signal", "The image's own, which the node follows.")
    elif re.fullmatch(r"SIG[A-Z0-9+-]+|\d{1,2}", signal):
        component["stopSignal"] = signal
        c.converted(service.name, "stop_signal", f"{signal} is sent before the pod is stopped.")
    else:
        c.refused(service.name, "stop_signal", "This is no signal: write its name, as in SIGINT.")


def _stop_grace_period(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if value is None:
        c.converted(service.name, "stop_grace_period", "Unset: nothing to do.")
        return
    length = whole_seconds(value)
    if length is None:
        c.refused(service.name, "stop_grace_period", "This is no duration: write it as in 1m30s.")
        return
    component["terminationGracePeriodSeconds"] = length
    c.converted(service.name, "stop_grace_period", f"Becomes terminationGracePeriodSeconds: {length}.")


RULES: dict[str, Rule] = {
    "entrypoint": _entrypoint,
    "command": _command,
    "working_dir": _working_dir,
    "init": _init,
    "tty": _tty,
    "stdin_open": _stdin_open,
    "stop_signal": _stop_signal,
    "stop_grace_period": _stop_grace_period,
}
