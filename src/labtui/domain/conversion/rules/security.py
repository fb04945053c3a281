"""Who a container runs as and what it may do: user, groups, capabilities, file system, kernel settings and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Rule
from labtui.domain.conversion.rules.common import (
    DEVICE_PLUGIN,
    NODE_AGENT,
    STAY,
    drop,
    entries,
    is_on,
    paths,
    shown,
    strings,
)

Component = dict[str, Any]

_NUMBERS = re.compile(r"([0-9]{1,9})(?::([0-9]{1,9}))?\Z")
_GROUPS = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*\Z")
# kubernetes.io, Pod Security Standards (baseline), and a few that reach no further than the pod
_HARMLESS = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "IPC_LOCK", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT", "SYS_NICE", "SYS_PTRACE"),
    )
)
_PATTERNS = {
    "NET_ADMIN": f"it changes the network of its host or is a VPN; {STAY}",
    "SYS_MODULE": f"it loads kernel modules into the node; {STAY}",
    "SYS_RAWIO": f"it talks to hardware; {DEVICE_PLUGIN}",
    "SYS_ADMIN": f"it is as good as root on the node; {NODE_AGENT}",
    "ALL": f"all capabilities are as good as root on the node; name the ones it needs, or {STAY}",
}
# kubernetes.io, Using sysctls in a Kubernetes Cluster: the safe set
_SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)


def user(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Numbers become runAsUser and runAsGroup; a name means nothing outside the image and has to become numbers."""
    text = str(value if value is not None else "").strip()
    if not text:
        conv.converted(service.name, "user", "Empty: the image's own user.")
        return
    if text.partition(":")[0] == "root":
        text = "0" + text[len("root") :].replace(":root", ":0")
    if (found := _NUMBERS.match(text)) is not None:
        _run_as(component, found[1], found[2])
        whom = "root" if found[1] == "0" else f"user {found[1]}" + (f", group {found[2]}" if found[2] else "")
        conv.converted(service.name, "user", f"The pod runs as {whom}.")
        return
    facts = conv.facts.images.get(service.image)
    if facts is not None and facts.user == text:
        conv.converted(service.name, "user", f"{shown(text)} is the image's own user: the pod runs as it by itself.")
        return
    answer = conv.choose(
        service.name,
        "user",
        f"Which number is the user {shown(text)}?",
        [("image", "the user that the image is built for"), ("1000:1000", "a user and group number, for example")],
        detail=f"Kubernetes takes numbers, and what number {shown(text)} has only the image knows "
        f"(docker compose exec {shown(service.name)} id).",
        free=lambda given: _NUMBERS.match(given) is not None,
    )
    if (found := _NUMBERS.match(answer)) is not None:
        _run_as(component, found[1], found[2])


def _run_as(component: Component, uid: str, gid: str | None) -> None:
    context = component.setdefault("podSecurityContext", {})
    context["runAsUser"] = int(uid)
    if gid is not None:
        context["runAsGroup"] = int(gid)
        if int(gid) != 0:
            # a fresh volume belongs to root on many storage classes; what is already right is left alone
            context["fsGroup"] = int(gid)
            context["fsGroupChangePolicy"] = "OnRootMismatch"


def group_add(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Numbers become supplementalGroups; names have to become numbers."""
    groups = strings(value)
    numbers = [g for g in groups if g.isascii() and g.isdecimal() and int(g) < 2**31]
    names = [g for g in groups if g not in numbers]
    if names:
        answer = conv.choose(
            service.name,
            "group_add",
            f"Which numbers are the groups {shown(', '.join(names))}?",
            [("drop", "move without them"), ("44,109", "group numbers, for example")],
            detail="Kubernetes takes numbers; names of groups are known to the image alone (getent group).",
            free=lambda given: _GROUPS.match(given) is not None,
        )
        numbers += [] if answer in ("", "drop") else answer.split(",")
    else:
        conv.converted(service.name, "group_add", f"Further groups of the pod: {', '.join(numbers) or 'none'}.")
    if numbers:
        component.setdefault("podSecurityContext", {})["supplementalGroups"] = [int(n) for n in numbers]


def cap_add(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Capabilities that stay inside the pod are given; the others are why a stack stays on Docker."""
    names = [_capability(n) for n in strings(value)]
    if bad := [n for n in names if n not in _HARMLESS]:
        pattern = next((_PATTERNS[n] for n in bad if n in _PATTERNS), f"it reaches beyond the pod; {STAY}")
        conv.refused(service.name, "cap_add", f"{shown(', '.join(bad))}: {pattern}.")
        return
    if names:
        component.setdefault("securityContext", {}).setdefault("capabilities", {})["add"] = names
    conv.converted(service.name, "cap_add", f"Capabilities added: {', '.join(names) or 'none'}.")


def cap_drop(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Dropped in the pod as well."""
    names = [_capability(n) for n in strings(value)]
    if names:
        component.setdefault("securityContext", {}).setdefault("capabilities", {})["drop"] = names
    conv.converted(service.name, "cap_drop", f"Capabilities dropped: {shown(', '.join(names)) or 'none'}.")


def _capability(name: str) -> str:
    return name.strip().upper().removeprefix("CAP_")


def privileged(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Root on the node, in other words."""
    if is_on(value):
        words = f"A privileged container is root on the node; {NODE_AGENT}."
        conv.refused(service.name, "privileged", words)
    else:
        conv.converted(service.name, "privileged", "Not privileged, as every pod of the app chart.")


def read_only(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """The root file system."""
    if is_on(value):
        component.setdefault("securityContext", {})["readOnlyRootFilesystem"] = True
        words = "The root file system is read-only; volumes and tmpfs stay writable."
    else:
        words = "The root file system is writable, as by default."
    conv.converted(service.name, "read_only", words)


def security_opt(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """no-new-privileges and the switches for seccomp and AppArmor; profiles in files are the node's business."""
    bad: list[str] = []
    words: list[str] = []
    lost: list[str] = []
    context: dict[str, Any] = {}
    for option in strings(value):
        name, _, setting = option.replace("=", ":", 1).partition(":")
        match name.strip(), setting.strip():
            case "no-new-privileges", state:
                if state != "false":
                    context["allowPrivilegeEscalation"] = False
                    words.append("no new privileges")
            case "seccomp", "unconfined":
                context["seccompProfile"] = {"type": "Unconfined"}
                words.append("no seccomp filter")
            case "seccomp", "builtin":
                context["seccompProfile"] = {"type": "RuntimeDefault"}
                words.append("the runtime's seccomp filter")
            case "apparmor", "unconfined":
                lost.append("the runtime's AppArmor profile holds, where the node has AppArmor")
            case "apparmor", ("docker-default" | "runtime/default"):
                words.append("the runtime's AppArmor profile")
            case "label", "disable":
                words.append("SELinux labels are the node's business")
            case _:
                bad.append(option)
    if bad:
        pattern = f"profiles and paths of the host have to be set up on every node first; {STAY}"
        conv.refused(service.name, "security_opt", f"{shown(', '.join(bad))}: {pattern}.")
        return
    if context:
        component.setdefault("securityContext", {}).update(context)
    said = f"{', '.join((*words, *lost)).capitalize() or 'Nothing set'}."
    if lost:
        drop(conv, service, "security_opt", said)
    else:
        conv.converted(service.name, "security_opt", said)


def userns_mode(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Pods use the host's user namespace anyway."""
    if str(value or "host") == "host":
        conv.converted(service.name, "userns_mode", "Pods are in the node's user namespace by default.")
    else:
        drop(conv, service, "userns_mode", f"The app chart knows no user namespace {shown(value)}.")


def sysctls(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """The safe ones become the pod's; the kubelet forbids the others unless its owner allows them."""
    for entry, name, setting in entries(value):
        key = f"sysctls.{entry}"
        if name in _SAFE_SYSCTLS:
            found = component.setdefault("podSecurityContext", {}).setdefault("sysctls", [])
            found.append({"name": name, "value": setting})
            conv.converted(service.name, key, f"Set for the pod: {name} = {shown(setting)}.")
        else:
            words = f"{shown(name)} is none of the sysctls that a kubelet allows pods by default"
            conv.refused(service.name, key, f"{words}; set it on the node itself (sysctl.d), or {STAY}.")
    if not value:
        conv.converted(service.name, "sysctls", "Empty: nothing to set.")


def ulimits(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Kubernetes has none: the limits of the node's runtime hold."""
    for path in paths(service, "ulimits"):
        name = path.removeprefix("ulimits.")
        if not value:
            conv.converted(service.name, path, "Empty: nothing to set.")
        elif name in ("nofile", "nproc", "core", "stack"):
            words = (
                f"Kubernetes sets no limit of {name} for a pod: that of the node's runtime holds, commonly a high one."
            )
            conv.converted(service.name, path, words)
        else:
            words = f"Kubernetes sets no limit of {shown(name)} for a pod: that of the node's runtime holds."
            drop(conv, service, path, words)


def oom_kill_disable(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Cannot be had."""
    if is_on(value):
        words = "Kubernetes always ends a container that uses more than its memory limit; set the limit high enough."
        drop(conv, service, "oom_kill_disable", words)
    else:
        conv.converted(service.name, "oom_kill_disable", "Off, as by default.")


def oom_score_adj(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """The kubelet's own business."""
    words = "The kubelet sets this score itself, by requests and limits: equal ones make a pod the last to be ended."
    drop(conv, service, "oom_score_adj", words)


def pids_limit(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """A setting of the kubelet for all pods."""
    if str(value) in ("-1", "0", "None"):
        conv.converted(service.name, "pids_limit", "Unlimited: the kubelet's own limit for all pods holds.")
        return
    words = "The number of processes is limited for all pods alike, by the kubelet (podPidsLimit), not for one."
    drop(conv, service, "pids_limit", words)


def storage_opt(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """The size of the writable layer, mostly."""
    for path in paths(service, "storage_opt"):
        words = "The size of a container's own layer is limited by ephemeral-storage on Kubernetes, not by the driver."
        if value:
            drop(conv, service, path, words)
        else:
            conv.converted(service.name, path, "Empty: nothing to set.")


def blkio_config(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Kubernetes does not share out disks."""
    for path in paths(service, "blkio_config"):
        if value and isinstance(value, Mapping):
            drop(conv, service, path, "Kubernetes does not share out the bandwidth of disks among pods.")
        else:
            conv.converted(service.name, path, "Empty: nothing to set.")


RULES: dict[str, Rule] = {
    "user": user,
    "group_add": group_add,
    "cap_add": cap_add,
    "cap_drop": cap_drop,
    "privileged": privileged,
    "read_only": read_only,
    "security_opt": security_opt,
    "userns_mode": userns_mode,
    "sysctls": sysctls,
    "ulimits": ulimits,
    "oom_kill_disable": oom_kill_disable,
    "oom_score_adj": oom_score_adj,
    "pids_limit": pids_limit,
    "storage_opt": storage_opt,
    "blkio_config": blkio_config,
}
