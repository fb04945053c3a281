"""What the reference estate's sites and cluster would say: what the demo has, and numbers that do not move."""

from __future__ import annotations

from labtui.demo.script import places
from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, NodeFacts, UsageFacts
from labtui.domain.conversion.places import wanted

_MIB = 1 << 20
_USAGE = {  # cores and MiB
    "authelia": {"authelia": (0.01, 48), "redis": (0.003, 9)},
    "caddy": {"caddy": (0.01, 22)},
    "emby": {"emby": (0.04, 310)},
    "immich": {"server": (0.02, 610), "machine-learning": (0.01, 880), "redis": (0.004, 11), "database": (0.02, 402)},
    "monitoring": {
        "alloy": (0.06, 160), "victoriametrics": (0.05, 420), "victorialogs": (0.02, 190), "grafana": (0.01, 140),
        "mikrotik-exporter": (0.01, 70),
    },
}  # fmt: skip


def facts(stack: Stack) -> Facts:
    """Facts of a stack: its folders on the site's disk, the media on an NFS share, a cluster of one node. Wrocław's host is
    that node; in Kyiv nothing was measured."""
    here = stack.site == "wroclaw"
    asked = {place.place for place in wanted(stack)} | {"/etc/timezone"}
    used = _USAGE[stack.name] if here else {}
    return Facts(
        site_address=places.ADDRESSES[stack.site],
        domain="example.org",
        same_host=here,
        images={service.image: _image(service.image) for service in stack.services},
        mounts={place: known for place, known in places.PLACES[stack.site].items() if place in asked},
        usage={name: UsageFacts(cpu, memory * _MIB) for name, (cpu, memory) in used.items()},
        cluster=ClusterFacts(
            (NodeFacts("mac-mini", "arm64", 5.65, 11184 * _MIB, 16384 * _MIB),),
            ("local-path",),
            "local-path",
            issuers=(places.ISSUER,),
        ),
    )


def _image(reference: str) -> ImageFacts:
    """By its repository: the reference estate pins tags."""
    return places.IMAGES[reference.rpartition(":")[0]]
