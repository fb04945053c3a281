"""Vault and OpenBao: the paths of a KV v2 mount. Importing this package loads no client library."""

from __future__ import annotations

from labtui.adapters.vault.source import VaultSource

__all__ = ["VaultSource"]
