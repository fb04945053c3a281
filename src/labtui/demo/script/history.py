"""The commits of the simulated repository, and what is special about some applications."""

from __future__ import annotations

from dataclasses import dataclass

from labtui.demo.script.workloads import BROKEN_IMAGE
from labtui.ports import SyncWindow

REPOSITORY = "https://github.com/example/homelab.git"
PARENT = "homelab"  # the app-of-apps application
PARENT_PATH = "manifests/app-of-apps"
FIRST_DAYS = 34.0  # age of the first commit


@dataclass(frozen=True, slots=True)
class Bump:
    """A commit that replaces one image of an application; `env` are settings that it changes with it. `deployed`: Argo CD
    has synced it."""

    days: float
    application: str
    before: str
    after: str
    author: str = "renovate"
    subject: str = ""
    env: tuple[tuple[str, str], ...] = ()
    deployed: bool = True

    @property
    def words(self) -> str:
        """The subject of the commit."""
        return self.subject or f"{self.application}: update image to {self.after.rpartition(':')[2]}"


MINUTE = 1 / 1440

BUMPS: tuple[Bump, ...] = (  # oldest first
    Bump(
        29,
        "victorialogs",
        "victoriametrics/victoria-logs:v1.17.0-victorialogs",
        "victoriametrics/victoria-logs:v1.18.0-victorialogs",
    ),
    Bump(26, "emby", "emby/embyserver:4.8.8.0", "emby/embyserver:4.8.10.0"),
    Bump(22, "alloy", "grafana/alloy:v1.8.1", "grafana/alloy:v1.8.2"),
    Bump(20, "alloy", "grafana/alloy:v1.8.2", "grafana/alloy:v1.8.3"),
    Bump(
        17, "victoriametrics", "victoriametrics/victoria-metrics:v1.114.0", "victoriametrics/victoria-metrics:v1.115.0"
    ),
    Bump(12, "argocd", "quay.io/argoproj/argocd:v3.2.8", "quay.io/argoproj/argocd:v3.2.11", author="olena"),
    Bump(9, "authelia", "authelia/authelia:4.39.1", "authelia/authelia:4.39.4"),
    Bump(8, "grafana", "grafana/grafana:11.5.2", "grafana/grafana:11.6.0"),
    Bump(5, "emby", "emby/embyserver:4.8.10.0", "emby/embyserver:4.8.11.0"),
    Bump(
        13 * MINUTE,
        "grafana",
        "grafana/grafana:11.6.0",
        BROKEN_IMAGE,
        author="olena",
        subject="grafana: move to 12 for the new dashboards",
    ),
    Bump(
        3 * MINUTE,
        "victoriametrics",
        "victoriametrics/victoria-metrics:v1.115.0",
        "victoriametrics/victoria-metrics:v1.116.0",
        author="olena",
        subject="victoriametrics: 1.116, keep two years",
        env=(("retentionPeriod", "24"),),
        deployed=False,
    ),
)

# Vault is not touched while the backup of its storage is being moved.
WINDOWS: dict[str, tuple[SyncWindow, ...]] = {"vault": (SyncWindow("deny", "0 0 * * *", "24h", active=True),)}

# Applications that the scripted life updates now and then.
RELEASED = ("alloy", "victorialogs", "emby", "authelia")
