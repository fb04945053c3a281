"""Values of any mapping or sequence type as what JSON and YAML have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Mappings as dicts, sequences as lists, texts of any type as texts. Copies, so that nothing occurs twice in it."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value
