"""Requests sent all along: the counts agree with the server's, and each misbehaviour is counted as what it is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from labtui.adapters.probe import NetworkProber
from labtui.domain.migration.budget import Budget, BudgetExceeded
from labtui.domain.migration.probes import Counts, Kind, Load, Side, demand
from labtui.domain.migration.tally import FAILURES_KEPT
from labtui.ports.migration import Probing
from tests.unit.adapters.probe.servers import BIG, BadServer, free_port, serving, target


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serving() as found:
        yield found


@contextmanager
def probing(*loads: Load) -> Iterator[Probing]:
    session = NetworkProber().start(loads)
    try:
        yield session
    finally:
        session.stop()


def wait_for(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def until(session: Probing, true: Callable[[Counts], bool], seconds: float = 10.0) -> Counts:
    """The first load's counts as soon as they are so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        counts = session.counts()[0]
        if true(counts):
            return counts
        time.sleep(0.01)
    raise AssertionError(f"it did not come to that: {session.counts()[0]}")


def test_the_counts_are_those_of_the_server(server: BadServer) -> None:
    with probing(Load(target(server.port), rate=50), Load(target(server.port), rate=50, keep=True)) as session:
        until(session, lambda c: c.answered >= 40)
        fresh, kept = session.stop()
    assert fresh.sent + kept.sent == fresh.answered + kept.answered == server.requests
    assert fresh.failed == kept.failed == kept.reopened == 0
    assert server.connections == fresh.sent + 1  # all of the kept ones on one connection
    assert fresh.p50 is not None and fresh.p99 is not None and 0 < fresh.p50 <= fresh.p99
    assert 0 < fresh.longest_gap < 1


def test_the_rate_is_kept(server: BadServer) -> None:
    with probing(Load(target(server.port), rate=50)) as session:
        until(session, lambda c: c.seconds >= 1.5)
        (counts,) = session.stop()
    assert counts.sent == pytest.approx(counts.seconds * 50, rel=0.2)


def test_slow_answers_do_not_slow_the_requests(server: BadServer) -> None:
    with probing(Load(target(server.port, "/slow"), rate=40, timeout=0.5)) as session:
        counts = until(session, lambda c: c.failed >= 10)
        assert counts.sent >= counts.failed + 10  # the next ones went out while these waited
        assert counts.failures[0].why == "no answer for 0.5 s"
        assert counts.gap >= 0.5
        server.released.set()
        until(session, lambda c: c.answered > 0)


def test_nothing_is_sent_after_the_end(server: BadServer) -> None:
    with probing(Load(target(server.port), rate=50)) as session:
        until(session, lambda c: c.answered >= 5)
        first = session.stop()[0]
        asked = server.requests
    time.sleep(0.1)
    again = session.stop()[0]
    assert (again.sent, again.open_gap, server.requests) == (first.sent, first.open_gap, asked)


@pytest.mark.parametrize("keep", [False, True], ids=["fresh", "kept"])
def test_failures_are_counted_and_the_first_are_told(server: BadServer, keep: bool) -> None:
    with probing(Load(target(server.port, "/broken"), rate=80, keep=keep)) as session:
        counts = until(session, lambda c: c.failed > FAILURES_KEPT)
    assert len(counts.failures) == FAILURES_KEPT
    assert {f.why for f in counts.failures} == {"status 500"}
    assert counts.answered == 0 and counts.p50 is None


def test_what_is_good_can_be_said(server: BadServer) -> None:
    with probing(Load(target(server.port, "/broken", expect=(500,)), rate=50)) as session:
        assert until(session, lambda c: c.answered >= 3).failed == 0


def test_a_server_that_goes_is_seen_within_a_second_and_back_again() -> None:
    with serving() as server:
        port = server.port
        session = NetworkProber().start([Load(target(port, side=Side.INGRESS), rate=50)])
        try:
            until(session, lambda c: c.answered >= 10)
            gone = time.monotonic()
            server.shutdown()
            server.server_close()
            counts = until(session, lambda c: c.failed > 0, 1.0)
            assert time.monotonic() - gone < 1
            assert counts.failures[0].why in ("connection refused", "connection reset")
            with pytest.raises(BudgetExceeded, match="none may"):
                demand(session.counts(), Budget())
            until(session, lambda c: c.open_gap > 0.3)
            with pytest.raises(BudgetExceeded, match="no good answer for"):
                demand(session.counts(), Budget(failed=10_000, gap_seconds=0.25))
            demand(session.counts(), Budget(failed=10_000, gap_seconds=60))
        finally:
            session.stop()


def test_a_kept_connection_that_the_server_closes_between_two_requests_is_no_failure(server: BadServer) -> None:
    with probing(Load(target(server.port, "/closing"), rate=20, keep=True)) as session:
        counts = until(session, lambda c: c.answered >= 5)
    assert counts.failed == 0
    assert counts.reopened >= 4


def test_a_connection_that_breaks_during_a_request_is_a_failure(server: BadServer) -> None:
    with probing(Load(target(server.port, "/slow"), rate=20, keep=True)) as session:
        until(session, lambda c: c.sent == 1 and server.requests == 1)
        server.drop_all()
        counts = until(session, lambda c: c.failed == 1)
    assert counts.failures[0].why in ("closed without an answer", "connection reset")


_STOPPED = """
import json, sys
from labtui.adapters.probe import NetworkProber
from labtui.domain.migration.probes import Load, Side, Target
load = Load(Target(Side.INGRESS, "127.0.0.1", int(sys.argv[1]), path="/ok"), rate=50)
session = NetworkProber().start([load])
print("started", flush=True)
sys.stdin.readline()
(counts,) = session.stop()
print(json.dumps([counts.sent, counts.failed, counts.gap, counts.stalled]))
"""


def test_time_in_which_this_program_is_stopped_is_nobodys_gap(server: BadServer) -> None:
    command = [sys.executable, "-c", _STOPPED, str(server.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "started\n"
        wait_for(lambda: server.requests > 20)
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)
        before = server.requests
        wait_for(lambda: server.requests > before + 20)
        out, _ = process.communicate("end\n", timeout=20)
    sent, failed, gap, stalled = json.loads(out)
    assert failed == 0 and sent == server.requests
    assert 1.0 < stalled < 5 and gap < 1.0


def test_plain_connections(server: BadServer) -> None:
    with probing(
        Load(target(server.port, kind=Kind.TCP), rate=50), Load(target(free_port(), kind=Kind.TCP), rate=50)
    ) as session:
        until(session, lambda c: c.answered >= 5)
        good, bad = session.stop()
    assert good.failed == 0
    assert bad.answered == 0 and bad.failures[0].why == "connection refused"


class TestDownloads:
    def test_a_whole_body_is_good(self, server: BadServer) -> None:
        load = Load(target(server.port, "/big", Kind.DOWNLOAD), rate=10)
        with probing(load) as session:
            assert until(session, lambda c: c.answered >= 2).failed == 0

    def test_a_cut_body_is_not(self, server: BadServer) -> None:
        with probing(Load(target(server.port, "/big_cut", Kind.DOWNLOAD), rate=10)) as session:
            counts = until(session, lambda c: c.failed >= 1)
        assert counts.failures[0].why == f"the body was cut after {BIG // 2} of {BIG} bytes"

    def test_a_long_one_may_take_longer_than_the_time_limit_while_bytes_come(self, server: BadServer) -> None:
        load = Load(target(server.port, "/big", Kind.DOWNLOAD), rate=10, timeout=0.4, throttle=2_000_000)
        with probing(load) as session:
            counts = until(session, lambda c: c.answered >= 1)
        assert counts.failed == 0
        assert counts.p50 is not None and counts.p50 > 1.2

    def test_one_that_the_end_of_the_probing_cuts_is_not_counted(self, server: BadServer) -> None:
        load = Load(target(server.port, "/big", Kind.DOWNLOAD), rate=10, throttle=200_000)
        with probing(load) as session:
            until(session, lambda c: c.sent == 1)
            began = time.monotonic()
            (counts,) = session.stop()
        assert time.monotonic() - began < 2
        assert (counts.sent, counts.failed) == (0, 0)


class TestWebSockets:
    @pytest.fixture
    def held(self) -> Iterator[tuple[Server, list[ServerConnection]]]:
        connections: list[ServerConnection] = []

        def chat(connection: ServerConnection) -> None:
            connections.append(connection)
            try:
                while True:
                    connection.send("news " * 100)  # what a server sends unasked must not be in the way
                    try:
                        connection.recv(timeout=0.02)
                    except TimeoutError:
                        continue
            except ConnectionClosed:
                return

        with serve(chat, "127.0.0.1", 0) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield server, connections
            for connection in connections:
                connection.close_socket()

    def test_one_connection_is_held_and_answers(self, held: tuple[Server, list[ServerConnection]]) -> None:
        port = held[0].socket.getsockname()[1]
        with probing(Load(target(port, "/chat", Kind.WEBSOCKET), rate=50)) as session:
            counts = until(session, lambda c: c.answered >= 20)
        assert (counts.failed, counts.reopened, len(held[1])) == (0, 0, 1)

    @pytest.mark.parametrize("politely", [True, False])
    def test_a_broken_one_is_a_failure_and_opened_again(
        self, held: tuple[Server, list[ServerConnection]], politely: bool
    ) -> None:
        port = held[0].socket.getsockname()[1]
        with probing(Load(target(port, "/chat", Kind.WEBSOCKET), rate=20)) as session:
            until(session, lambda c: c.answered >= 3)
            held[1][0].close(1012, "restarting") if politely else held[1][0].close_socket()
            counts = until(session, lambda c: c.failed == 1 and c.reopened == 1 and c.answered >= 6)
        assert counts.failures[0].why.startswith(("the WebSocket was c", "connection reset"))
        assert len(held[1]) == 2

    def test_what_is_no_websocket_says_what_it_is(self, server: BadServer) -> None:
        with probing(Load(target(server.port, "/ok", Kind.WEBSOCKET), rate=20)) as session:
            counts = until(session, lambda c: c.failed >= 1)
        assert counts.failures[0].why == "status 200 instead of a WebSocket"
