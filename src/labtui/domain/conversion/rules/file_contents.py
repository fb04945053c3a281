"""Files that go into a ConfigMap or a Secret: single bind mounts, and Compose's own `configs` and `secrets`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labtui.domain.compose.stack import Service, mount_key
from labtui.domain.conversion import secrecy
from labtui.domain.conversion.context import Conversion, Rule
from labtui.domain.conversion.facts import Kind, MountFacts
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.conversion.rules.common import in_words, shown
from labtui.domain.conversion.rules.placing import Mount, add_volume, is_answer, place, plan
from labtui.domain.conversion.rules.secrets import keep, secret_name, vault_path

BIGGEST = 512 * 1024
"""Bytes of text that a ConfigMap takes: it may hold 1 MiB in all (kubernetes.io, ConfigMaps)."""
_LINE = re.compile(r"[ \t]*(?:export[ \t]+|[-][ \t]+)?[\"']?([A-Za-z][\w.-]*)[\"']?[ \t]*[:=][ \t]*(\S.*?)?[ \t]*\Z")
_REFERENCE = re.compile(r"[\"']?(?:\$|\{\{|<|%|file:|/|env:|\[|\{|null\b|true\b|false\b)|[\"']{2}", re.IGNORECASE)


def secret_in(text: str) -> str:
    """Why this text should not be in git: what secret it looks to hold, and in which line; empty: none was seen."""
    if kind := secrecy.certain(text[:BIGGEST]):
        return f"it holds {kind}"
    for number, line in enumerate(text[:BIGGEST].splitlines(), 1):
        found = _LINE.match(line)
        if found is None or not found[2] or line.lstrip().startswith(("#", "//", ";")):
            continue
        if secrecy.secret_name(found[1]) and not _REFERENCE.match(found[2]):
            return f"line {number} sets {shown(found[1])}"
    return ""


def file_name(path: str) -> str:
    """The key of a file in a ConfigMap or Secret: its name, in the characters that are allowed there."""
    return re.sub(r"[^-._a-zA-Z0-9]", "_", path.rstrip("/").rsplit("/", 1)[-1])[:200].strip(".") or "file"


def bind_of_file(
    conv: Conversion, service: Service, component: dict[str, Any], mount: Mount, facts: MountFacts
) -> None:
    """One file of the host: text goes into a ConfigMap or, where it looks secret, into Vault; all else is data."""
    text = facts.text
    options = []
    proposed = ""
    why = secret_in(text) if text is not None else ""
    if text is not None and len(text.encode()) <= BIGGEST:
        options = [
            ("configmap", "its text in the stack's values, in git, read-only in the pod"),
            ("secret", f"its text in Vault ({vault_path(conv)}), as a file of a Secret"),
        ]
        proposed = "secret" if why else "configmap"
    options += [("copy", "on a volume of its own, written to by the pod"), ("drop", "move without it")]
    if conv.facts.same_host is not False:
        options.insert(-1, ("keep", "where it is: the node is the site's host (hostPath)"))
        proposed = proposed or ("keep" if conv.facts.same_host else "")
    described = f"A file of {in_words(facts.size) or 'unknown size'}"
    if why:
        described += f" that should not be in git: {why}"
    if text is None:
        described += ", which is no small text that could be read"
    if proposed in ("configmap", "secret") and not mount.read_only:
        described += "; a ConfigMap or Secret is read-only, so choose copy if the program writes to it"
    question = f"What becomes of the file {shown(mount.source)}?"
    detail = f"{described}."
    answer = conv.choose(service.name, mount.key, question, options, proposed, detail, free=is_answer)
    if text is not None and answer == "configmap":
        _as_config(component, mount.target, text)
        plan(conv, service, mount, "configMap")
    elif text is not None and answer == "secret":
        _as_secret(conv, service, component, mount.target, text, why or "the operator's choice")
        plan(conv, service, mount, "secret")
    else:
        place(conv, service, component, mount, answer)


def bind_of_files(component: dict[str, Any], target: str, files: Mapping[str, str]) -> None:
    """A small folder of text files as one ConfigMap."""
    add_volume(component, target, {"configMap": {"files": dict(files)}}, readOnly=True)


def _as_config(component: dict[str, Any], target: str, text: str, mode: int | None = None) -> None:
    name = file_name(target)
    what: dict[str, Any] = {"files": {name: text}}
    if mode is not None:
        what["defaultMode"] = mode
    add_volume(component, target, {"configMap": what}, readOnly=True, subPath=name)


def _as_secret(
    conv: Conversion,
    service: Service,
    component: dict[str, Any],
    target: str,
    text: str | None,
    reason: str,
    names: tuple[str, ...] = (),
    mode: int | None = None,
) -> str:
    name = file_name(target)
    key = keep(conv, service.name, target, text, reason, names or (name,))
    what: dict[str, Any] = {"name": secret_name(conv), "items": {key: name}}
    if mode is not None:
        what["defaultMode"] = mode
    add_volume(component, target, {"secret": what}, readOnly=True, subPath=name)
    return f"{vault_path(conv)}#{key}"


def _entry(conv: Conversion, kind: str, entry: Any) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """Source name, the mount's own settings, and the entry of the file's top level."""
    own: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {"source": str(entry)}
    source = str(own.get("source") or "")
    top = conv.stack.raw.get(kind)
    found = top.get(source) if isinstance(top, Mapping) else None
    return source, own, found if isinstance(found, Mapping) else {}


def _target(own: Mapping[str, Any], source: str, folder: str) -> str:
    target = str(own.get("target") or source)
    return target if target.startswith("/") else f"{folder}/{target}"


def _mode(own: Mapping[str, Any]) -> int | None:
    """`0400`, 256 or "0o400"; None where nothing sensible is asked for."""
    raw = own.get("mode")
    try:
        mode = raw if isinstance(raw, int) else int(str(raw).removeprefix("0o"), 8)
    except ValueError:
        return None
    return mode if 0 < mode <= 0o777 else None


def _ownership(own: Mapping[str, Any]) -> str:
    if own.get("uid") or own.get("gid"):
        return " Owner and group are not kept: the pod's group (fsGroup) can read it."
    return ""


def secrets(conv: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    """Every Compose secret goes to Vault, wherever its value comes from, and comes back as a file."""
    if not isinstance(value, list) or not value:
        conv.converted(service.name, "secrets", "Empty: nothing to do.")
        return
    for key, entry in {f"secrets.{mount_key(e)}": e for e in value}.items():
        source, own, top = _entry(conv, "secrets", entry)
        target = _target(own, source, "/run/secrets")
        text: str | None = None
        reason = "a secret of the Compose file"
        if top.get("file"):
            facts = conv.facts.mounts.get(str(top["file"]))
            text = facts.text if facts else None
            reason += ", from a file"
        elif top.get("environment"):
            reason += f", from the variable {shown(top['environment'])}"
        elif isinstance(top.get("content"), str):
            text = top["content"]
        elif top.get("external"):
            reason += ", kept outside of it"
        where = _as_secret(conv, service, component, target, text, reason, (source,), _mode(own))
        unread = (
            ""
            if text is not None
            else " Its value could not be read here: it has to be put there by hand or be there already."
        )
        conv.converted(
            service.name, key, f"In Vault at {shown(where)}, as the file {shown(target)}.{unread}{_ownership(own)}"
        )
        conv.volumes.append(PlannedVolume(service.name, target, source, True, "secret"))


def configs(conv: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    """Text becomes a ConfigMap; what looks secret in it goes to Vault unless the operator says otherwise."""
    if not isinstance(value, list) or not value:
        conv.converted(service.name, "configs", "Empty: nothing to do.")
        return
    for key, entry in {f"configs.{mount_key(e)}": e for e in value}.items():
        source, own, top = _entry(conv, "configs", entry)
        _config(conv, service, component, key, source, own, top)


def _config(
    conv: Conversion,
    service: Service,
    component: dict[str, Any],
    key: str,
    source: str,
    own: Mapping[str, Any],
    top: Mapping[str, Any],
) -> None:
    target = _target(own, source, "")
    mount = Mount(key, "bind", str(top.get("file") or source), target, True, str(top.get("file") or source), None)
    text = top["content"] if isinstance(top.get("content"), str) else None
    if text is None and top.get("file"):
        facts = conv.facts.mounts.get(str(top["file"]))
        text = facts.text if facts and facts.kind is Kind.FILE else None
    if text is None or len(text.encode()) > BIGGEST:
        words = "Its text could not be read here" if text is None else "Its text is too long for a ConfigMap"
        options = [("drop", "move without it"), ("claim:NAME", "an existing claim that holds it")]
        detail = f"{words}; write it into the Compose file as content, or make its file readable from here."
        question = f"What becomes of the config {shown(source)}?"
        place(conv, service, component, mount, conv.choose(service.name, key, question, options, "", detail, is_answer))
        return
    why = secret_in(text)
    options = [("configmap", "in the stack's values, in git"), ("secret", f"in Vault ({vault_path(conv)})")]
    if why:
        detail = f"It should not be in git: {why}.{_ownership(own)}"
        question = f"Where does the config {shown(source)} go?"
        answer = conv.choose(service.name, key, question, options, "secret", detail)
    else:
        detail = f"A ConfigMap, as the file {shown(target)}.{_ownership(own)}"
        answer = conv.settle(
            service.name, key, f"Where does the config {shown(source)} go?", options, "configmap", detail
        )
    if answer == "secret":
        _as_secret(conv, service, component, target, text, why or "the operator's choice", (source,), _mode(own))
        plan(conv, service, mount, "secret")
    else:
        _as_config(component, target, text, _mode(own))
        plan(conv, service, mount, "configMap")


RULES: dict[str, Rule] = {"secrets": secrets, "configs": configs}
