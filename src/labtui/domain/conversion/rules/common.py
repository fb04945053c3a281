"""Small things that several rules need: entries of a list or mapping, sizes, names, and sentences that come back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from labtui.domain.compose.stack import Service, key_paths
from labtui.domain.conversion.context import Conversion
from labtui.domain.text import clean
from labtui.domain.text import size as bytes_shown

STAY = "leave this stack on Docker, behind the same Ingress"
DEVICE_PLUGIN = "a device plugin on the node hands devices to pods; without one, " + STAY
NODE_AGENT = "an agent of the node belongs into a DaemonSet of its own chart; else " + STAY

GIB = 1024**3
_QUANTITY = re.compile(r"[1-9][0-9]{0,8}(?:Mi|Gi|Ti)\Z")


def paths(service: Service, key: str) -> tuple[str, ...]:
    """The paths under `key` that need a verdict each."""
    return tuple(p for p in key_paths(service) if p == key or p.startswith(f"{key}."))


def entries(value: Any) -> Iterator[tuple[str, str, str]]:
    """What a mapping or a list of `name=value` holds: the entry as `key_paths` names it, the name and the value."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name), str(name), "" if inner is None else str(inner)
    elif isinstance(value, list):
        for entry in dict.fromkeys(str(e) for e in value):
            name, _, inner = entry.partition("=")
            yield entry, name, inner


def strings(value: Any) -> tuple[str, ...]:
    """The texts of a list, or of what stands alone where a list may."""
    if value is None or isinstance(value, Mapping):
        return ()
    return tuple(str(v) for v in value) if isinstance(value, list) else (str(value),)


def is_on(value: Any) -> bool:
    """A boolean, also as text: Compose files with variables have those."""
    return value is True or str(value).strip().lower() in ("true", "yes", "on", "1")


def drop(conv: Conversion, service: Service, key: str, detail: str) -> None:
    """Nothing on Kubernetes does the same, and the stack may well live without it: the operator decides."""
    question = "Move without it?"
    conv.choose(service.name, key, question, [("drop", "move without it")], proposed="drop", detail=detail)


def quantity(count: int) -> str:
    """Bytes as a Kubernetes quantity, rounded up to MiB or, where it is whole, in GiB."""
    mib = max(1, -(-count // 1024**2))
    return f"{mib // 1024}Gi" if mib % 1024 == 0 else f"{mib}Mi"


def in_words(count: int | None) -> str:
    """Bytes for people, never a bare number: `54 bytes`, `1.4G`; empty when not known."""
    text = bytes_shown(count)
    return f"{text} bytes" if text.isdecimal() else text


def is_quantity(text: str) -> bool:
    """A size that an answer may hold: `500Mi`, `20Gi`, `2Ti`."""
    return _QUANTITY.match(text) is not None


def dns_label(text: str, taken: Collection[str] = ()) -> str:
    """`text` as a DNS label that is not in `taken`: lower case letters, digits and dashes, 63 at most."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-") or "x"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def shown(text: object) -> str:
    """External text inside a sentence."""
    return clean(str(text), 120)
