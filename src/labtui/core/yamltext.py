"""Plans as YAML, in the order in which they were made."""

from __future__ import annotations

import re
from typing import Any

import yaml

from labtui.domain.plain import plain

_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# Texts that PyYAML writes as they are, and that helm and kubectl (YAML of Go) then take for a truth value or a number
_AMBIGUOUS = re.compile(
    r"(?i)y|n|[-+]?(0x[0-9a-f_]+|0o[0-7_]+|0b[01_]+|(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[-+]?\d+)?|\.inf)|\.nan"
)


class _Dumper(_SafeDumper):  # type: ignore[misc]
    pass


def _text(dumper: Any, text: str) -> Any:
    style = "'" if _AMBIGUOUS.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(value: Any) -> str:
    """One YAML document in block style, without anchors."""
    return str(yaml.dump(plain(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
