"""Hardware, the container runtime, building images, hooks, and what is of the Docker engine alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Rule
from labtui.domain.conversion.rules.common import DEVICE_PLUGIN, STAY, drop, is_on, paths, shown, strings
from labtui.domain.conversion.rules.hiding import Hidden

Component = dict[str, Any]


def devices(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """A pod gets no device of its node by its path."""
    names = []
    for entry in value if isinstance(value, list) else strings(value):
        names.append(str(entry.get("source") if isinstance(entry, Mapping) else entry).partition(":")[0])
    if not names:
        conv.converted(service.name, "devices", "Empty: nothing to do.")
        return
    pattern = DEVICE_PLUGIN
    if any(n.startswith("/dev/net/tun") for n in names):
        pattern = f"a VPN belongs to the network of its host; {STAY}"
    elif any(n.startswith(("/dev/dri", "/dev/nvidia", "/dev/kfd")) for n in names):
        pattern = "the device plugin of the graphics card's vendor hands it to pods; without one, " + STAY
    elif any(n.startswith(("/dev/tty", "/dev/serial", "/dev/bus/usb", "/dev/usb")) for n in names):
        pattern = f"what is plugged into one machine stays there; {STAY}"
    conv.refused(service.name, "devices", f"{shown(', '.join(names))} of the host: {pattern}.")


def refuse(key: str, words: str, harmless: tuple[str, ...] = ("", "None", "False")) -> Rule:
    """For a key that nothing on Kubernetes can stand for, unless its value says nothing."""

    def rule(conv: Conversion, service: Service, component: Component, value: Any) -> None:
        for path in paths(service, key):
            if str(value) in harmless or value in ([], {}):
                conv.converted(service.name, path, "As by default: nothing to do.")
            else:
                conv.refused(service.name, path, words)

    return rule


def runtime(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """A RuntimeClass of the cluster, which the app chart does not choose."""
    if str(value or "") in ("", "runc", "io.containerd.runc.v2"):
        conv.converted(service.name, "runtime", "The node's usual runtime.")
    elif str(value) == "nvidia":
        words = f"The NVIDIA runtime: the vendor's device plugin and RuntimeClass do this on Kubernetes; without them, {STAY}."
        conv.refused(service.name, "runtime", words)
    else:
        conv.refused(
            service.name, "runtime", f"The runtime {shown(value)} would need a RuntimeClass of the cluster; {STAY}."
        )


def cgroup_parent(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """The kubelet's own."""
    if value:
        drop(conv, service, "cgroup_parent", "The kubelet decides where a pod's control group is; limits do the rest.")
    else:
        conv.converted(service.name, "cgroup_parent", "Empty: nothing to do.")


def isolation(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Of Windows containers."""
    if str(value or "default") in ("default", "process"):
        conv.converted(service.name, "isolation", "As by default.")
    else:
        conv.refused(service.name, "isolation", f"{shown(value)} is for containers on Windows; {STAY}.")


def build(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """The cluster pulls images; it builds none."""
    first, *others = paths(service, "build") or ("build",)
    if not value:
        conv.converted(service.name, first, "Empty: nothing to do.")
        return
    if service.image:
        words = (
            f"The cluster pulls {shown(service.image)} and cannot build it: push it to a registry that the nodes reach."
        )
        options = [("pushed", "it is there, under this name"), ("no", "it is not there yet")]
        answer = conv.choose(service.name, first, "Can the nodes pull this image?", options, "", words)
        if answer == "no":
            conv.refused(service.name, "build.image", f"Push {shown(service.image)} first, or {STAY}.")
    else:
        words = (
            "The cluster cannot build images, and this one has no name: push it to a registry and name it under image"
        )
        conv.refused(service.name, first, f"{words}, or {STAY}.")
    for path in others:
        conv.converted(service.name, path, "A part of how the image is built, which stays as it is.")


def develop(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """For `docker compose watch`."""
    for path in paths(service, "develop"):
        conv.converted(service.name, path, "For docker compose watch alone: it has no part in what is deployed.")


def hook(key: str, handler: str) -> Rule:
    """`post_start` and `pre_stop`: one command each, run in the container as its user."""

    def rule(conv: Conversion, service: Service, component: Component, value: Any) -> None:
        hooks = value if isinstance(value, list) else []
        if not hooks:
            conv.converted(service.name, key, "Empty: nothing to do.")
            return
        one = hooks[0]
        own = one if isinstance(one, Mapping) else {}
        special = [k for k in ("user", "privileged", "environment", "working_dir") if own.get(k)]
        command = own.get("command")
        if len(hooks) > 1 or special or not command:
            words = "Kubernetes runs one command here, as the container's own user and with its environment"
            conv.refused(service.name, key, f"{words}; put the rest into a script of the image, or {STAY}.")
            return
        argv = [str(a) for a in command] if isinstance(command, list) else ["sh", "-c", str(command)]
        hidden = Hidden(conv, argv)
        when = "right after the start" if handler == "postStart" else "before the stop signal"
        words = f"A lifecycle hook: the same command, {when}."
        if hidden.secrets:
            argv = ["/bin/sh", "-c", hidden.as_shell_words(hidden.keep(service.name, component), expanded=False)]
            words += " A secret in it is kept in Vault and read from the environment by a shell, which the image has to have."
        component.setdefault("lifecycle", {})[handler] = {"exec": {"command": argv}}
        conv.converted(service.name, key, words)

    return rule


def pre_start(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Steps in containers of their own, with all the keys of a service."""
    if value:
        words = "Steps before the start are init containers in Kubernetes, and hold keys that each need a verdict of their own"
        conv.refused(service.name, "pre_start", f"{words}: make them services that this one depends on, or {STAY}.")
    else:
        conv.converted(service.name, "pre_start", "Empty: nothing to do.")


def umask(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Of the first process."""
    if value is None:
        conv.converted(service.name, "umask", "Unset: nothing to do.")
    else:
        words = f"A pod sets no umask ({shown(value)}); the program or a shell before it can, and fsGroup makes files shared"
        drop(conv, service, "umask", f"{words}.")


def use_api_socket(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """docker.sock by another name."""
    if is_on(value):
        words = f"It controls the Docker engine of its host, which the cluster has not; {STAY}."
        conv.refused(service.name, "use_api_socket", words)
    else:
        conv.converted(service.name, "use_api_socket", "Off, as by default.")


RULES: dict[str, Rule] = {
    "devices": devices,
    "device_cgroup_rules": refuse("device_cgroup_rules", f"Rules for devices of the host: {DEVICE_PLUGIN}."),
    "gpus": refuse("gpus", f"Graphics cards are handed out by their vendor's device plugin; without one, {STAY}."),
    "runtime": runtime,
    "cgroup_parent": cgroup_parent,
    "isolation": isolation,
    "credential_spec": refuse("credential_spec", f"Credentials of Windows containers: {STAY}."),
    "build": build,
    "develop": develop,
    "pre_start": pre_start,
    "post_start": hook("post_start", "postStart"),
    "pre_stop": hook("pre_stop", "preStop"),
    "provider": refuse("provider", f"A provider is a program beside Docker that makes this service; {STAY}."),
    "models": refuse(
        "models", f"Models are run by Docker's model runner; run one behind an address of its own, or {STAY}."
    ),
    "use_api_socket": use_api_socket,
    "umask": umask,
}
