"""Docker engines on a unix socket, on TCP with TLS, or behind ssh. Importing this package loads no client library."""

from __future__ import annotations

from labtui.adapters.docker.source import DockerSource

__all__ = ["DockerSource"]
