"""The data of one site's stacks. Loads the SDK only when it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labtui.domain.connections import DockerConnection

if TYPE_CHECKING:
    from labtui.ports.moving import DataStore


class EngineStores:
    """Implements `ports.moving.DataStores` for the engine of one site."""

    def __init__(self, connection: DockerConnection) -> None:
        self._connection = connection

    @contextmanager
    def open(self, owner: str, images: Sequence[str]) -> Iterator[DataStore]:
        """See `ports.moving.DataStores`."""
        from labtui.adapters.docker.data import open_session

        with open_session(self._connection, owner, images) as session:
            yield session
