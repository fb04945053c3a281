"""What Vault answers to a write, and what is made of it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labtui.adapters.vault.writing import VaultWriter
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Invalid, LabError, OutcomeUnknown, Refused, Unreachable
from tests.unit.adapters.vault.test_client import Clock, answering

VALUE = "planted-secret-value"
TOKEN = "hvs.a-very-secret-token"
LOOKUP = ("/v1/auth/token/lookup-self", (200, '{"data": {"ttl": 0, "policies": ["root"]}}'))


def writer(address: str) -> VaultWriter:
    return VaultWriter(VaultConnection(address, "kv", token=lambda: TOKEN), Clock())


def failed(address: str) -> LabError:
    with pytest.raises(LabError) as caught:
        writer(address).put("apps/web", {"KEY": VALUE}, cas=3)
    text = repr(caught.value) + str(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)
    assert VALUE not in text and TOKEN not in text
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, '{"data": {"version": 4}}', None),
        (200, '{"data": {}}', OutcomeUnknown),
        (400, '{"errors": ["check-and-set parameter did not match the current version"]}', Refused),
        (500, '{"errors": ["1 error occurred: storage"]}', OutcomeUnknown),
        (502, "{}", OutcomeUnknown),
        (503, '{"errors": ["Vault is sealed"]}', Unreachable),
        (429, '{"errors": ["request limit"]}', Unreachable),
    ],
)
def test_what_an_answer_means(status: int, body: str, kind: type[LabError] | None) -> None:
    with answering(dict([LOOKUP, ("/v1/kv/data/apps/web", (status, body))])) as address:
        if kind is None:
            assert writer(address).put("apps/web", {"KEY": VALUE}, cas=3) == 4
        else:
            assert type(failed(address)) is kind


@contextmanager
def hanging_up() -> Iterator[str]:
    """Answers the look at the token, and hangs up on everything else once it has read it."""
    body = json.dumps({"data": {"ttl": 0}}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"

    def serve() -> None:
        while True:
            try:
                wire, _ = listener.accept()
            except OSError:
                return
            asked = wire.recv(65536)
            if b"lookup-self" in asked:
                wire.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            wire.close()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown() -> None:
    with hanging_up() as address:
        assert type(failed(address)) is OutcomeUnknown


def test_a_server_that_is_not_there_has_got_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert type(failed(f"http://127.0.0.1:{taken.getsockname()[1]}")) is Unreachable


def test_the_newest_version_may_be_deleted_or_destroyed() -> None:
    path = "/v1/kv/data/apps/web"
    alive = '{"data": {"data": {"KEY": "x"}, "metadata": {"version": 2, "deletion_time": "", "destroyed": false}}}'
    deleted = '{"data": {"data": null, "metadata": {"version": 3, "deletion_time": "2026-05-01T00:00:00Z", "destroyed": false}}}'
    with answering(dict([LOOKUP, (path, (200, alive))])) as address:
        found = writer(address).newest("apps/web")
        assert (found.version, found.values, found.deleted) == (2, {"KEY": "x"}, False)
        assert "x" not in repr(found).replace("StoredSecret", "")
    with answering(dict([LOOKUP, (path, (404, deleted))])) as address:
        found = writer(address).newest("apps/web")
        assert (found.version, found.values, found.deleted) == (3, {}, True)
    with answering(dict([LOOKUP])) as address:
        assert writer(address).newest("apps/web").version == 0


@pytest.mark.parametrize("path", ["", "a//b", "../x", "folder/"])
def test_a_path_that_would_mean_another_is_refused(path: str) -> None:
    with pytest.raises(Invalid):
        writer("http://127.0.0.1:1").put(path, {}, cas=0)


def test_deleting_no_version_asks_nothing() -> None:
    writer("http://127.0.0.1:1").delete("apps/web", [])
