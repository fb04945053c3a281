"""Kubernetes: list and watch over the kubernetes client's connection, as raw JSON turned into frozen values.

Importing this package is cheap; the client library is imported when a feed connects.
"""

from __future__ import annotations

from labtui.adapters.kubernetes.source import KubernetesSource

__all__ = ["KubernetesSource"]
