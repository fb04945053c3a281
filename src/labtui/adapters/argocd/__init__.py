"""Argo CD through its REST API and its event stream."""

from labtui.adapters.argocd.source import ArgocdSource

__all__ = ["ArgocdSource"]
