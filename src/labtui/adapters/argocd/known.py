"""Which applications there are and in which project: Argo CD tells "not there" from "not allowed" only to who names it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

Key = tuple[str, str]  # namespace, name


class Known:
    """The projects of the applications that were seen. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._projects: dict[Key, str] = {}

    def see(self, projects: Mapping[Key, str]) -> None:
        """These exist."""
        with self._lock:
            self._projects |= projects

    def forget(self, key: Key) -> None:
        """This one is gone."""
        with self._lock:
            self._projects.pop(key, None)

    def project(self, key: Key) -> str | None:
        """Its project, None when it was not seen."""
        with self._lock:
            return self._projects.get(key)

    def exists(self, namespace: str, name: str) -> bool:
        """Was it seen?"""
        return self.project((namespace, name)) is not None
