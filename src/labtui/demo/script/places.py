"""What the simulated hosts have at the places that stacks mount, and what their images say of themselves."""

from __future__ import annotations

from labtui.domain.conversion.facts import ImageFacts, Kind, MountFacts

MIB = 1024**2
GIB = 1024**3
BOTH = ("amd64", "arm64")

_CADDYFILE = "emby.example.org {\n\treverse_proxy 192.168.88.2:8096\n}\n"
_ALLOY = 'prometheus.remote_write "estate" {{\n  endpoint {{\n    url = "http://{}/api/v1/write"\n  }}\n}}\n'
_ALLOY_HERE, _ALLOY_KYIV = _ALLOY.format("victoriametrics:8428"), _ALLOY.format("wroclaw:8428")
_SOURCES = "apiVersion: 1\ndatasources:\n  - name: VictoriaMetrics\n    type: prometheus\n    url: http://victoriametrics:8428\n"
_SEARXNG = (
    "use_default_settings: true\ngeneral:\n  instance_name: search\nserver:\n  limiter: true\n  image_proxy: true\n"
)
_KYIV = "192.168.1.2"


def _folder(size: int, share: str = "", files: dict[str, str] | None = None) -> MountFacts:
    return MountFacts(Kind.FOLDER, size, network_share=share, files=files)


def _file(text: str) -> MountFacts:
    return MountFacts(Kind.FILE, len(text.encode()), text)


# site, then absolute path or the volume's real name
PLACES: dict[str, dict[str, MountFacts]] = {
    "wroclaw": {
        "/etc/localtime": MountFacts(Kind.FILE, 2654, "Europe/Warsaw"),
        "/etc/timezone": MountFacts(Kind.FILE, 14, "Europe/Warsaw\n"),
        "authelia_redis-data": _folder(12 * MIB),
        "/srv/wroclaw/authelia/config": _folder(3 * MIB),
        "caddy_caddy-data": _folder(2 * MIB),
        "caddy_caddy-config": _folder(40 * 1024),
        "/srv/wroclaw/caddy/Caddyfile": _file(_CADDYFILE),
        "/srv/wroclaw/emby/config": _folder(1400 * MIB),
        "/mnt/kyiv/media": _folder(1900 * GIB, f"{_KYIV}:/srv/media"),
        "/mnt/kyiv/photos": _folder(210 * GIB, f"{_KYIV}:/srv/photos"),
        "immich_model-cache": _folder(1100 * MIB),
        "/srv/wroclaw/immich/upload": _folder(38 * GIB),
        "/srv/wroclaw/immich/postgres": _folder(1900 * MIB),
        "monitoring_alloy-data": _folder(210 * MIB),
        "/srv/wroclaw/monitoring/alloy": _folder(8 * 1024, files={"config.alloy": _ALLOY_HERE}),
        "/srv/wroclaw/monitoring/mktxp": _folder(12 * 1024),
        "/srv/wroclaw/monitoring/victoriametrics": _folder(9 * GIB),
        "/srv/wroclaw/monitoring/victorialogs": _folder(4 * GIB),
        "/srv/wroclaw/monitoring/grafana": _folder(96 * MIB),
        "/srv/wroclaw/monitoring/provisioning/datasources.yaml": _file(_SOURCES),
        "/srv/wroclaw/searxng/config": _folder(4 * 1024, files={"settings.yml": _SEARXNG}),
    },
    "kyiv": {
        "/etc/localtime": MountFacts(Kind.FILE, 1996, "Europe/Kyiv"),
        "/etc/timezone": MountFacts(Kind.FILE, 12, "Europe/Kyiv\n"),
        "monitoring_alloy-data": _folder(88 * MIB),
        "/srv/kyiv/monitoring/alloy": _folder(8 * 1024, files={"config.alloy": _ALLOY_KYIV}),
        "/srv/kyiv/monitoring/mktxp": _folder(12 * 1024),
        "/srv/kyiv/transmission/config": _folder(6 * MIB),
        "/srv/downloads": _folder(2400 * GIB),
    },
}

# by repository, without the tag
IMAGES: dict[str, ImageFacts] = {
    "authelia/authelia": ImageFacts(BOTH, ("/app/entrypoint.sh",), (), "", ("9091/tcp",), ("/config",)),
    "redis": ImageFacts(BOTH, ("docker-entrypoint.sh",), ("redis-server",), "", ("6379/tcp",), ("/data",)),
    "caddy": ImageFacts(BOTH, (), ("caddy", "run"), "", ("443/tcp", "443/udp", "80/tcp")),
    "ghcr.io/caddybuilds/caddy-cloudflare": ImageFacts(BOTH, (), ("caddy", "run"), "", ("443/tcp", "80/tcp")),
    "emby/embyserver": ImageFacts(BOTH, ("/init",), (), "", ("1900/udp", "8096/tcp", "8920/tcp"), ("/config",)),
    "ghcr.io/immich-app/immich-server": ImageFacts(
        BOTH, ("tini", "--", "/bin/bash", "-c"), ("start.sh",), "", ("2283/tcp",)
    ),
    "ghcr.io/immich-app/immich-machine-learning": ImageFacts(BOTH, ("tini", "--"), ("python", "-m", "immich_ml"), ""),
    "ghcr.io/immich-app/postgres": ImageFacts(
        BOTH,
        ("docker-entrypoint.sh",),
        ("postgres",),
        "",
        ("5432/tcp",),
        ("/var/lib/postgresql/data",),
        stop_signal="SIGINT",
    ),
    "grafana/alloy": ImageFacts(BOTH, ("/bin/alloy",), ("run",), ""),
    "ghcr.io/akpw/mktxp": ImageFacts(BOTH, ("/usr/local/bin/mktxp",), ("export",), "mktxp", ("49090/tcp",)),
    "victoriametrics/victoria-metrics": ImageFacts(BOTH, ("/victoria-metrics-prod",), (), "", ("8428/tcp",)),
    "victoriametrics/victoria-logs": ImageFacts(BOTH, ("/victoria-logs-prod",), (), "", ("9428/tcp",)),
    "searxng/searxng": ImageFacts(BOTH, ("/usr/local/searxng/entrypoint.sh",), (), "", ("8080/tcp",)),
    "valkey/valkey": ImageFacts(BOTH, ("docker-entrypoint.sh",), ("valkey-server",), "", ("6379/tcp",), ("/data",)),
    "ghcr.io/corentinth/it-tools": ImageFacts(
        BOTH, ("/docker-entrypoint.sh",), ("nginx", "-g", "daemon off;"), "", ("80/tcp",)
    ),
    "grafana/grafana": ImageFacts(BOTH, ("/run.sh",), (), "472", ("3000/tcp",)),
    "qmcgaw/gluetun": ImageFacts(BOTH, ("/gluetun-entrypoint",), (), "", ("8000/tcp", "8388/tcp", "8888/tcp")),
    "lscr.io/linuxserver/transmission": ImageFacts(BOTH, ("/init",), (), "", ("51413/tcp", "51413/udp", "9091/tcp")),
}

REQUESTED_CPU = 2.35  # cores that the pods of the cluster ask for
REQUESTED_MEMORY = 5200 * MIB
STORAGE_CLASS = "local-path"
ISSUER = "letsencrypt"
ADDRESSES = {"wroclaw": "192.168.88.2", "kyiv": _KYIV}
BOOT_IDS = {"wroclaw": "5b8f7a52-3c1e-4f60-9a51-0d8c1c0f6e11", "kyiv": "c2d4e6f8-0a1b-4c3d-8e5f-1a2b3c4d5e6f"}
HOST_NAMES = {"wroclaw": "mac-mini", "kyiv": "raspberrypi"}
KERNELS = {"wroclaw": "6.12.15-orbstack", "kyiv": "6.6.51+rpt-rpi-2712"}
