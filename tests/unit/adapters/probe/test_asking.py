"""One request to a server that behaves or does not: what is answered, and the reason in words when nothing is."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labtui.adapters.probe import NetworkProber
from labtui.domain.errors import Refused, Unreachable
from labtui.domain.migration.edge import judge
from labtui.domain.migration.probes import PREFIX_BYTES, Answer, PodPort, Side, Target
from tests.unit.adapters.probe.servers import BIG, BadServer, certificate, free_port, serving, target


@pytest.fixture
def server() -> Iterator[BadServer]:
    with serving() as found:
        yield found


def test_an_answer_is_told_as_it_came(server: BadServer) -> None:
    answer = NetworkProber().ask(target(server.port))
    assert (answer.status, answer.prefix, answer.size, answer.complete) == (200, b"fine\n", 5, True)
    assert answer.sha256 == hashlib.sha256(b"fine\n").hexdigest()
    assert answer.header("Content-Type") == "text/plain"
    assert 0 < answer.seconds < 5


def test_redirects_are_not_followed(server: BadServer) -> None:
    answer = NetworkProber().ask(target(server.port, "/moved"))
    assert (answer.status, answer.header("location"), server.requests) == (302, "/ok", 1)


def test_the_host_name_is_asked_for_at_the_address(server: BadServer) -> None:
    headers = (("Authorization", "Bearer hush-hush"),)
    asked = target(server.port, host="shop.example.org", headers=headers)
    NetworkProber().ask(asked)
    assert server.headers["Host"] == "shop.example.org"
    assert server.headers["Authorization"] == "Bearer hush-hush"
    assert "hush-hush" not in repr(asked)


def test_of_a_large_body_only_the_beginning_is_kept(server: BadServer) -> None:
    answer = NetworkProber().ask(target(server.port, "/big"))
    assert (len(answer.prefix), answer.size) == (PREFIX_BYTES, BIG)
    assert answer.sha256 == hashlib.sha256(b"x" * BIG).hexdigest()
    assert "xxx" not in repr(answer)


def test_a_server_that_says_that_it_will_close_is_read_to_the_end(server: BadServer) -> None:
    assert NetworkProber().ask(target(server.port, "/last")).size == BIG


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/cut", "the body was cut after 9 of 1000 bytes"),
        ("/cut_chunks", "the body was cut"),
        ("/reset", "connection reset"),
        ("/silent", "closed without an answer"),
        ("/nonsense", "what answers does not speak HTTP"),
        ("/slow", "no answer for 0.3 s"),
        ("/drip", "no answer for 0.3 s"),
    ],
)
def test_the_reason_is_told_in_words(server: BadServer, path: str, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        NetworkProber().ask(target(server.port, path), timeout=0.3)
    assert caught.value.detail == words
    assert time.monotonic() - began < 2


def test_nobody_listens() -> None:
    with pytest.raises(Unreachable) as caught:
        NetworkProber().ask(target(free_port()))
    assert caught.value.detail == "connection refused"


class Pods:
    """A pod proxy that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[PodPort, str, tuple[tuple[str, str], ...]]] = []

    def ask(self, pod: PodPort, path: str, headers: Sequence[tuple[str, str]], timeout: float) -> Answer:
        self.asked.append((pod, path, tuple(headers)))
        return Answer(200, (), b"", 0, "", 0.001)


def test_a_pod_is_asked_through_the_api_server() -> None:
    pod, pods = PodPort("shop", "web-0", 8080), Pods()
    asked = Target(Side.KUBERNETES, "", 0, path="/x", through=pod, headers=(("Host", "a.example"), ("X-Y", "1")))
    assert NetworkProber(pods).ask(asked).status == 200
    # the API server decides the Host header by itself
    assert pods.asked == [(pod, "/x", (("X-Y", "1"),))]
    with pytest.raises(Refused):
        NetworkProber().ask(asked)


class TestTls:
    @pytest.fixture(scope="class")
    def files(self, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
        return certificate(tmp_path_factory.mktemp("tls"), "shop.example.org", days=30)

    @pytest.fixture
    def secure(self, files: tuple[Path, Path]) -> Iterator[BadServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        with serving(context) as found:
            yield found

    def test_a_trusted_certificate_is_read(self, secure: BadServer, files: tuple[Path, Path]) -> None:
        asked = target(secure.port, host="shop.example.org", tls=True, ca_file=str(files[0]))
        assert NetworkProber().ask(asked).status == 200
        found = NetworkProber().certificate(asked)
        assert (found.names, found.issuer) == (("shop.example.org", "*.shop.example.org"), "shop.example.org")
        assert found.verified and not found.problem and len(found.fingerprint) == 64
        assert found.expires is not None and 29 <= (found.expires - datetime.now(UTC)).days <= 30
        assert judge(found, "shop.example.org", datetime.now(UTC)).well
        late = judge(found, "shop.example.org", datetime.now(UTC) + timedelta(days=20))
        assert late.well and "ends soon" in late.sentence

    def test_another_host_name_is_a_problem(self, secure: BadServer, files: tuple[Path, Path]) -> None:
        asked = target(secure.port, host="blog.example.org", tls=True, ca_file=str(files[0]))
        found = NetworkProber().certificate(asked)
        assert "blog.example.org" in found.problem
        assert not judge(found, "blog.example.org", datetime.now(UTC)).well
        with pytest.raises(Unreachable) as caught:
            NetworkProber().ask(asked)
        assert caught.value.detail.startswith("its certificate is not trusted: ")

    def test_an_unknown_issuer_is_a_problem_unless_it_is_not_asked_for(self, secure: BadServer) -> None:
        asked = target(secure.port, host="shop.example.org", tls=True)
        assert "self-signed" in NetworkProber().certificate(asked).problem
        trusting = target(secure.port, host="shop.example.org", tls=True, verify=False)
        found = NetworkProber().certificate(trusting)
        assert (found.problem, found.verified, len(found.fingerprint)) == ("", False, 64)
        assert NetworkProber().ask(trusting).status == 200

    def test_no_tls_at_all(self, server: BadServer) -> None:
        with pytest.raises(Unreachable) as caught:
            NetworkProber().certificate(target(server.port, host="shop.example.org", tls=True))
        assert caught.value.title.endswith("does not speak TLS")
