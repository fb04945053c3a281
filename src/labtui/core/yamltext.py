"""Plans as YAML, in the order in which they were made."""

from __future__ import annotations

from typing import Any

import yaml

from labtui.domain.plain import plain

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def to_yaml(value: Any) -> str:
    """One YAML document in block style, without anchors."""
    return str(yaml.dump(plain(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))
