"""Asking a pod through the API server (`PodProxy`), where its address cannot be reached from this machine.

The API server writes its own prefix into redirects and into links of HTML pages (`Target.through.prefix` tells it).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import quote

from labtui.adapters.kubernetes.kubeconfig import Access, load
from labtui.adapters.kubernetes.reading import text
from labtui.adapters.kubernetes.wire import CONNECT_TIMEOUT, in_words
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, SignedOut, Unreachable
from labtui.domain.migration.probes import BODY_LIMIT, Answer, Body, PodPort
from labtui.domain.text import clean

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

CHUNK = 64 * 1024


class PodProxyClient:
    """See `PodProxy`. The kubeconfig is read at the first request, and again when its credentials are refused or have ended."""

    def __init__(self, connection: KubernetesConnection) -> None:
        self._load: Callable[[], Access] = lambda: load(connection)
        self._lock = threading.Lock()
        self._access: Access | None = None

    def ask(self, pod: PodPort, path: str, headers: Sequence[tuple[str, str]], timeout: float) -> Answer:
        """See `PodProxy`."""
        from urllib3.exceptions import HTTPError

        with self._lock:
            if self._access is None:
                self._access = self._load()
            access = self._access
        where = f"pod {clean(pod.pod, 80)} through the API server"
        began = time.monotonic()
        try:
            sent = _send(access, pod, path, headers, timeout)
            try:
                answer = _read(sent, began, timeout)
            finally:
                sent.close()
        except (HTTPError, HTTPException, OSError) as error:
            raise Unreachable(f"No answer from {where}", in_words(error, timeout)) from error
        self._demand_the_pods(answer, where, pod.namespace)
        return answer

    def _demand_the_pods(self, answer: Answer, where: str, namespace: str) -> None:
        """The API server's own refusals are Status objects: they are no answer of the pod."""
        if answer.status < 400 or not answer.header("content-type").startswith("application/json"):
            return
        try:
            said = json.loads(answer.prefix)
        except ValueError:
            return
        if text(said, "kind") != "Status" or text(said, "apiVersion") != "v1":
            return
        message = clean(text(said, "message") or f"HTTP status {answer.status}", 200)
        if answer.status == 401:
            with self._lock:
                self._access = None  # the next request reads the kubeconfig anew
            raise SignedOut("The cluster does not take the credentials", "they are wrong or have expired (401)")
        if answer.status == 403:
            hint = f"Ask for a role that may get pods/proxy in {clean(namespace, 60)}"
            raise Denied("Pods may not be asked through the API server", message, hint)
        raise Unreachable(f"No answer from {where}", message)


def _send(
    access: Access, pod: PodPort, path: str, headers: Sequence[tuple[str, str]], timeout: float
) -> BaseHTTPResponse:
    from urllib3.util import Timeout

    # the path is the caller's own: it may hold a query, and its escapes stay as they are
    url = access.host + quote(pod.prefix, safe="/:") + quote(path, safe="/?&=%:+,;@!$'()*~#[]")
    # what signs in to the API server wins, however it is spelled
    own = {"user-agent": "labtui", "accept": "*/*", **{name.lower(): value for name, value in access.headers.items()}}
    return access.pool.request(
        "GET",
        url,
        headers={**{name.lower(): value for name, value in headers}, **own},
        timeout=Timeout(connect=min(timeout, CONNECT_TIMEOUT), read=timeout),
        retries=False,
        redirect=False,
        preload_content=False,
    )


def _read(answer: BaseHTTPResponse, began: float, timeout: float) -> Answer:
    body, complete = Body(), True
    for piece in answer.stream(CHUNK, decode_content=False):
        body.add(piece)
        if time.monotonic() - began > timeout:
            raise TimeoutError
        if body.size >= BODY_LIMIT:
            complete = False
            break
    return body.answer(answer.status, _the_pods(answer.headers.items()), time.monotonic() - began, complete=complete)


def _the_pods(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The pod's headers, without those that the API server adds to every answer (apiserver/pkg/server/filters)."""
    added = ("cache-control", "no-cache, private")
    waiting = True
    for name, value in headers:
        lower = name.lower()
        if waiting and (lower, value) == added:
            waiting = False  # a pod that says the same says it a second time
        elif lower != "audit-id" and not lower.startswith("x-kubernetes-pf-"):
            yield name, value
