"""Whatever a server sends, in whatever pieces: an answer, or a reason in words; never another exception, never a wait without end."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from labtui.adapters.probe import NetworkProber
from labtui.domain.errors import Unreachable
from labtui.domain.migration.probes import Kind, Load, Side, Target
from tests.unit.adapters.probe.servers import target

GOOD = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n\x81\x05hello",
)


class Raw:
    """Sends bytes to whoever connects, and closes."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.pieces: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(4096)
                    for piece in self.pieces:
                        connection.sendall(piece)
                except OSError:
                    continue

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture(scope="module")
def raw() -> Iterator[Raw]:
    found = Raw()
    yield found
    found.close()


def mangled(rng: random.Random) -> list[bytes]:
    """A good answer with bytes changed, doubled, left out or cut, in pieces."""
    data = bytearray(rng.choice(GOOD))
    for _ in range(rng.randrange(8)):
        at = rng.randrange(len(data) or 1)
        match rng.randrange(4):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[at : at + rng.randrange(6)]
            case 2:
                data[at:at] = data[: rng.randrange(40)]
            case _:
                data[at:at] = rng.choice([b"\r\n", b"\0", b"-1", b"99999999999999999999", b"\xff", b":", b"\x1b[2J"])
    cut = rng.randrange(len(data) + 1)
    return [bytes(data[:cut]), bytes(data[cut:])]


@pytest.mark.parametrize("seed", range(8))
def test_one_request(raw: Raw, seed: int) -> None:
    rng = random.Random(seed)
    answered = 0
    for _ in range(60):
        raw.pieces = mangled(rng)
        try:
            answer = NetworkProber().ask(target(raw.port), timeout=1)
        except Unreachable as error:
            assert error.detail and error.detail.isprintable(), raw.pieces
        else:
            answered += 1
            assert len(answer.prefix) <= answer.size
    assert answered > 0


@pytest.mark.parametrize("kind", [Kind.HTTP, Kind.WEBSOCKET, Kind.DOWNLOAD])
@pytest.mark.parametrize("keep", [False, True])
def test_all_that_is_sent_is_counted(raw: Raw, kind: Kind, keep: bool) -> None:
    rng = random.Random(f"{kind}{keep}")
    session = NetworkProber().start([Load(target(raw.port, kind=kind), rate=100, keep=keep, timeout=1)])
    end = time.monotonic() + 1
    while time.monotonic() < end:
        raw.pieces = mangled(rng)
        time.sleep(0.005)
    (counts,) = session.stop()
    assert counts.sent > 20
    assert counts.sent == counts.answered + counts.failed


def test_a_name_that_is_none() -> None:
    with pytest.raises(Unreachable):
        NetworkProber().ask(Target(Side.DOCKER, "a" * 70 + ".example.org", 80))
