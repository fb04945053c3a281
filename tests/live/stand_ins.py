"""Images that stand in for those of the reference stacks: the same user, ports, volumes, entrypoint and health check commands.

Where the live tests run, images come from one registry that has no others than `busybox:latest` and `web:1`. A stand-in's program
writes into its volumes as the user that the real one runs as, looks its peers up by their Compose names until each accepts
connections, and only then listens itself. So a health check that succeeds says that all of this has happened.

    with built("immich", "lt-1234") as images: ...     # image of the Compose file → its stand-in; taken away at the end
"""

from __future__ import annotations

import os
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.live.compose_fixture import docker

_SH = "#!/bin/sh\n"
_ANSWERS = 'nc -w 2 127.0.0.1 "$port" -e true'


@dataclass(frozen=True, slots=True)
class StandIn:
    """One image. `peers` are `host:port` as other services know them, `commands` programs by their path."""

    ports: tuple[int, ...]
    peers: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()  # folders that its program writes to
    volumes: tuple[str, ...] = ()  # that the image declares
    user: str = ""  # that the image says
    becomes: str = ""  # the user that its entrypoint changes to, when it was started as root
    entrypoint: str = "/bin/entrypoint"
    command: tuple[str, ...] = ()
    folder: str = "/"
    pages: tuple[str, ...] = ()  # that it answers over HTTP
    commands: Mapping[str, str] = field(default_factory=dict)


def _redis() -> StandIn:
    ping = f'{_SH}[ "$*" = ping ] || exit 2\nport=6379\n{_ANSWERS} && echo PONG\n'
    return StandIn(
        (6379,),
        writes=("/data",),
        volumes=("/data",),
        becomes="redis",
        entrypoint="/bin/docker-entrypoint.sh",
        command=("redis-server",),
        commands={"/bin/redis-cli": ping},
    )


_CURL = f'{_SH}for url; do :; done\nexec wget -q -O - "$url"\n'
_PG_ISREADY = f"""{_SH}for word; do
    case $word in --dbname=?*) name=1 ;; --username=?*) user=1 ;; *) exit 3 ;; esac
done
[ "$name$user" = 11 ] || exit 3
port=5432
{_ANSWERS}
"""
_PYTHON = f'{_SH}[ "$*" = healthcheck.py ] && [ -f healthcheck.py ] || exit 2\nport=3003\n{_ANSWERS}\n'

STAND_INS: Mapping[str, Mapping[str, StandIn]] = {
    "authelia": {
        "authelia": StandIn(
            (9091,),
            ("redis:6379",),
            ("/config",),
            ("/config",),
            entrypoint="/app/entrypoint.sh",
            command=("--config", "/config/configuration.yml"),
            folder="/app",
            commands={"/app/healthcheck.sh": f"{_SH}port=9091\n{_ANSWERS}\n"},
        ),
        "redis": _redis(),
    },
    "immich": {
        "server": StandIn(
            (2283,),
            ("redis:6379", "immich-postgres:5432", "database:5432", "immich-machine-learning:3003"),
            ("/usr/src/app/upload",),
            ("/usr/src/app/upload",),
            command=("start.sh",),
            folder="/usr/src/app",
            pages=("/api/server/ping",),
            commands={"/bin/curl": _CURL},
        ),
        "machine-learning": StandIn(
            (3003,),
            writes=("/cache",),
            folder="/usr/src",
            commands={"/bin/python3": _PYTHON, "/usr/src/healthcheck.py": "# the program's own\n"},
        ),
        "redis": _redis(),
        "database": StandIn(
            (5432,),
            writes=("/var/lib/postgresql/data",),
            volumes=("/var/lib/postgresql/data",),
            becomes="postgres",
            entrypoint="/bin/docker-entrypoint.sh",
            command=("postgres",),
            commands={"/bin/pg_isready": _PG_ISREADY},
        ),
    },
    "monitoring": {
        "alloy": StandIn(
            (12345,),
            ("victoriametrics:8428", "victorialogs:9428", "mikrotik-exporter:49090"),
            ("/var/lib/alloy/data",),
            user="alloy",
            command=("run", "/etc/alloy/config.alloy"),
        ),
        "victoriametrics": StandIn((8428,), (), ("/storage",)),
        "victorialogs": StandIn((9428,), (), ("/storage",)),
        "grafana": StandIn(
            (3000,),
            ("victoriametrics:8428", "victorialogs:9428"),
            ("/var/lib/grafana",),
            user="grafana",
            folder="/usr/share/grafana",
            pages=("/api/health",),
        ),
        "mikrotik-exporter": StandIn((49090,), (), ("/home/mktxp/mktxp",), user="mktxp"),
    },
}

_PASSWD = """\
root:x:0:0:root:/:/bin/sh
grafana:x:472:472::/:/bin/sh
alloy:x:473:473::/:/bin/sh
redis:x:999:1000::/:/bin/sh
postgres:x:998:998::/:/bin/sh
mktxp:x:1000:1000::/:/bin/sh
"""
_PROGRAM = """\
#!/bin/sh
if [ -n "{becomes}" ] && [ "$(id -u)" = 0 ]; then
    for folder in {writes}; do busybox chown -R {becomes} "$folder" || exit 3; done
    exec busybox start-stop-daemon -S -c {becomes} -x {entrypoint} -- "$@"
fi
cat /proc/self/environ > /tmp/environ
for folder in {writes}; do
    id -u > "$folder/written-by" || exit 4
done
for peer in {peers}; do
    until nc -w 2 "${{peer%:*}}" "${{peer#*:}}" -e true; do echo "$peer does not answer"; sleep 1; done
done
for port in {ports}; do httpd -p "$port" -h /www; done
trap 'exit 0' TERM
while :; do sleep 3600 & wait $!; done
"""


def _context(folder: Path, stand_in: StandIn) -> None:
    """The files of `docker build` for one image."""
    program = _PROGRAM.format(
        becomes=stand_in.becomes,
        entrypoint=stand_in.entrypoint,
        writes=" ".join(stand_in.writes),
        peers=" ".join(stand_in.peers),
        ports=" ".join(map(str, stand_in.ports)),
    )
    files = {"/etc/passwd": _PASSWD, stand_in.entrypoint: program, **stand_in.commands}
    files |= {f"/www{page}": "well\n" for page in ("/index.html", *stand_in.pages)}
    for path, text in files.items():
        place = folder / "root" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755)
    words = ", ".join(f'"{word}"' for word in stand_in.command)
    lines = [
        f"FROM {os.environ['LIVE_REGISTRY']}/busybox:latest",
        "COPY root/ /",
        'RUN ["busybox", "chmod", "1777", "/tmp"]',
        f"WORKDIR {stand_in.folder}",
        f'ENTRYPOINT ["{stand_in.entrypoint}"]',
        f"CMD [{words}]",
        *(f"EXPOSE {port}" for port in stand_in.ports),
        *(f"VOLUME {volume}" for volume in stand_in.volumes),
        *([f"USER {stand_in.user}"] if stand_in.user else []),
    ]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")


@contextmanager
def built(stack: str, prefix: str) -> Iterator[dict[str, str]]:
    """Build and push the stand-ins of a stack; answers service → image."""
    images: dict[str, str] = {}
    try:
        for service, stand_in in STAND_INS[stack].items():
            image = f"{os.environ['LIVE_REGISTRY']}/{prefix}-{service}:1"
            with tempfile.TemporaryDirectory() as folder:
                _context(Path(folder), stand_in)
                docker("wroclaw", "build", "--quiet", "--tag", image, folder)
            images[service] = image
            docker("wroclaw", "push", "--quiet", image)
        yield images
    finally:
        for image in images.values():
            _forget(image)


def _forget(image: str) -> None:
    digest = docker("wroclaw", "inspect", "--format", "{{index .RepoDigests 0}}", image).partition("@")[2]
    docker("wroclaw", "rmi", "--force", image)
    name = image.removeprefix(os.environ["LIVE_REGISTRY"]).rpartition(":")[0].strip("/")
    address = f"http://{os.environ['LIVE_REGISTRY']}/v2/{name}/manifests/{digest}"
    with urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=10):
        pass
