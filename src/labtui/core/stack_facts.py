"""Facts for a conversion, put together from a stack's site and the cluster. What cannot be asked is left out, and named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.gathering import SiteFacts, host_node, same_host
from labtui.domain.errors import LabError
from labtui.ports import ClusterInspector, SiteInspector

T = TypeVar("T")


class GatheredFacts:
    """`ports.StackFacts`. `sites` are the inspectors and `addresses` the addresses for pods, by site."""

    def __init__(
        self,
        sites: Mapping[str, SiteInspector],
        addresses: Mapping[str, str],
        cluster: ClusterInspector | None,
        domain: str = "",
    ) -> None:
        self._sites = sites
        self._addresses = addresses
        self._cluster = cluster
        self._domain = domain

    def facts(self, stack: Stack) -> Facts:
        """See `ports.StackFacts`. The site and the cluster are asked at the same time."""
        site = self._sites.get(stack.site)
        problems: list[str] = []
        with ThreadPoolExecutor(2, "stack facts") as pool:
            looking = pool.submit(_asked, (lambda: site.look(stack)) if site else None, stack.site, problems)
            reading = pool.submit(_asked, self._cluster.read if self._cluster else None, "the cluster", problems)
            looked, read = looking.result(), reading.result()
        if site is None:
            problems.append(f"{stack.site}: the estate has no Docker engine there that can be asked")
        found = looked or SiteFacts()
        address = self._addresses.get(stack.site, "")
        node = host_node(found.host, read.hosts, address) if looked and read else None
        return Facts(
            site_address=address,
            domain=self._domain,
            same_host=same_host(found.host, read.hosts, address) if looked and read else None,
            host_node=node.name if node else "",
            images=found.images,
            mounts=found.mounts,
            usage=found.usage,
            networks_peers=found.peers,
            cluster=read.facts if read else None,
            problems=tuple(sorted(problems)),
        )


def _asked(question: Callable[[], T] | None, whom: str, problems: list[str]) -> T | None:
    if question is None:
        return None
    try:
        return question()
    except LabError as error:
        problems.append(f"{whom}: {error.cause}")
        return None
