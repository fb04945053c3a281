"""What the reference estate's sites and cluster would say."""

from __future__ import annotations

from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, Kind, MountFacts, NodeFacts

_GIB = 1 << 30
_BOTH = ("amd64", "arm64")
_ADDRESS = {"wroclaw": "192.168.88.2", "kyiv": "192.168.1.2"}
_IMAGES = {
    "authelia/authelia:4.39.4": ImageFacts(
        _BOTH, ("/app/entrypoint.sh",), ("--config", "/config/configuration.yml"), "", ("9091/tcp",)
    ),
    "redis:7.4.2-alpine": ImageFacts(
        _BOTH, ("docker-entrypoint.sh",), ("redis-server",), "", ("6379/tcp",), ("/data",)
    ),
    "caddy:2.10.0": ImageFacts(_BOTH, (), ("caddy", "run"), "", ("80/tcp", "443/tcp", "443/udp", "2019/tcp")),
    "emby/embyserver:4.8.11.0": ImageFacts(
        _BOTH, ("/init",), (), "", ("8096/tcp", "8920/tcp", "1900/udp", "7359/udp"), ("/config",)
    ),
    "grafana/grafana:11.6.0": ImageFacts(_BOTH, ("/run.sh",), (), "472", ("3000/tcp",)),
}


def facts(site: str) -> Facts:
    """Facts of a site: its folders on the site's disk, the media on an NFS share, a cluster of one node."""
    folders = {
        "emby/config": 3 * _GIB, "immich/upload": 120 * _GIB, "immich/postgres": 4 * _GIB, "authelia/config": 1 << 20,
        "monitoring/victoriametrics": 6 * _GIB, "monitoring/victorialogs": 2 * _GIB, "monitoring/grafana": 200 << 20,
        "monitoring/alloy": 20 << 10, "transmission/config": 5 << 20,
    }  # fmt: skip
    mounts = {f"/srv/{site}/{path}": MountFacts(Kind.FOLDER, size) for path, size in folders.items()}
    mounts["/mnt/kyiv/media"] = MountFacts(Kind.FOLDER, 900 * _GIB, network_share="192.168.1.2:/srv/media")
    mounts["/mnt/kyiv/photos"] = MountFacts(Kind.FOLDER, 300 * _GIB, network_share="192.168.1.2:/srv/photos")
    mounts["/srv/downloads"] = MountFacts(Kind.FOLDER, 700 * _GIB)
    caddyfile = "{$DOMAIN} {\n  reverse_proxy emby:8096\n}\n"
    mounts["/srv/wroclaw/caddy/Caddyfile"] = MountFacts(Kind.FILE, len(caddyfile), caddyfile)
    mounts["/etc/localtime"] = MountFacts(Kind.FILE, 2705)
    mounts["/proc"] = mounts["/sys"] = mounts["/"] = mounts["/lib/modules"] = MountFacts(Kind.FOLDER)
    node = NodeFacts("mini", "arm64", 8.0, 12 * _GIB, 16 * _GIB)
    cluster = ClusterFacts((node,), ("local-path",), "local-path")
    return Facts(_ADDRESS[site], "example.org", site == "wroclaw", _IMAGES, mounts, cluster=cluster)
