"""A WebSocket connection that is held: the library does the protocol (RFC 6455), the link the reading and the time."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from labtui.adapters.probe.failures import Failed
from labtui.adapters.probe.link import Deadline, Link
from labtui.domain.migration.probes import Target
from labtui.domain.text import clean

if TYPE_CHECKING:
    from websockets.client import ClientProtocol

MESSAGE_LIMIT = 1024 * 1024  # of one message that the server sends; it is thrown away


class WebSocket:
    """An open WebSocket. All methods raise OSError or Failed; it is of no use then."""

    def __init__(self, target: Target, deadline: Deadline) -> None:
        """Connect and shake hands."""
        from websockets.client import ClientProtocol
        from websockets.uri import parse_uri

        name = f"[{target.name}]" if ":" in target.name else target.name
        port = "" if target.host else f":{target.port}"
        # the link does TLS: for the protocol it only decides the address's first letters and the usual port
        uri = parse_uri(f"{'wss' if target.tls else 'ws'}://{name}{port}{target.path}")
        self.link = Link(target, deadline)
        try:
            self._protocol: ClientProtocol = ClientProtocol(uri, max_size=MESSAGE_LIMIT)
            self._shake_hands(target)
        except BaseException:
            self.link.close()
            raise

    def _shake_hands(self, target: Target) -> None:
        from websockets.exceptions import InvalidStatus

        request = self._protocol.connect()
        request.headers["User-Agent"] = "labtui"
        for key, value in target.headers:
            request.headers[key] = value
        self._protocol.send_request(request)
        self._flush()
        while self._protocol.state.name == "CONNECTING" and self._protocol.handshake_exc is None:
            self._read()
        error = self._protocol.handshake_exc
        if isinstance(error, InvalidStatus):
            raise Failed(f"status {error.response.status_code} instead of a WebSocket")
        if error is not None:
            raise Failed(f"no WebSocket: {clean(str(error), 120)}")
        self._protocol.events_received()

    def ping(self, deadline: Deadline) -> None:
        """Send a ping and wait for its answer. What else the server sends is thrown away."""
        from websockets.frames import Frame, Opcode

        self.link.deadline = deadline
        payload = secrets.token_bytes(8)
        if self._protocol.state.name != "OPEN":
            raise Failed("the WebSocket was closed")
        self._protocol.send_ping(payload)
        self._flush()
        while True:
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.PONG and bytes(event.data) == payload:
                    return
            if self._protocol.state.name != "OPEN":
                raise Failed(f"the WebSocket was closed{self._why()}")
            self._read()

    def _why(self) -> str:
        code = self._protocol.close_code
        reason = clean(self._protocol.close_reason or "", 80)
        return f" ({code}{', ' + reason if reason else ''})" if code else ""

    def _read(self) -> None:
        data = self.link.recv(64 * 1024)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()
        if not data and self._protocol.handshake_exc is None:
            raise Failed("the WebSocket was cut")

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.link.sendall(data)

    def close(self) -> None:
        """Say good-bye and close."""
        try:
            if self._protocol.state.name == "OPEN":
                self.link.deadline = Deadline(1.0)
                self._protocol.send_close(1000)
                self._flush()
        except OSError:
            pass  # it is gone already
        finally:
            self.link.close()
