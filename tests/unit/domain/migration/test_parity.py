"""Two answers compared: what is the same, what may differ, what must not."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.compose.stack import Service
from labtui.domain.errors import Invalid
from labtui.domain.migration.parity import (
    USUAL_PATHS,
    Identity,
    PathVerdict,
    Verdict,
    compare,
    healthcheck_path,
    paths_to_compare,
    worst,
)
from labtui.domain.migration.parity_rules import DEFAULT, overridden
from labtui.domain.migration.probes import Answer, Body

DOCKER = Identity(("192.168.88.2:8096",), ("4f5e8c1d2b3a",))
KUBERNETES = Identity(("10.244.0.7:8096",), ("web-0",), "/api/v1/namespaces/shop/pods/web-0:8096/proxy")


def answer(body: str | bytes = "hello", code: int = 200, **headers: Any) -> Answer:
    kept = Body()
    kept.add(body.encode() if isinstance(body, str) else body)
    pairs = [
        (name.replace("_", "-"), value)
        for name, given in headers.items()
        for value in (given if isinstance(given, list) else [given])
    ]
    return kept.answer(code, pairs, 0.01)


def judged(docker: Answer, kubernetes: Answer, path: str = "/") -> PathVerdict:
    return compare(path, docker, kubernetes, identities=(DOCKER, KUBERNETES))


def test_the_same() -> None:
    found = judged(answer(Content_Type="text/html"), answer(Content_Type="text/html"))
    assert (found.verdict, found.sentence) == (Verdict.SAME, "status 200 = 200, same headers, same body")
    assert (found.docker, found.kubernetes, found.differences) == (200, 200, ())


def test_another_status_differs() -> None:
    found = judged(answer(), answer("no", 503))
    assert (found.verdict, found.sentence) == (Verdict.DIFFERS, "status 200 on Docker, 503 on Kubernetes")


HEADERS: list[tuple[dict[str, Any], dict[str, Any], Verdict]] = [
    # what comes and goes says nothing
    ({"Date": "Mon"}, {"Date": "Tue"}, Verdict.SAME),
    ({"Server": "nginx"}, {}, Verdict.SAME),
    ({"X_Request_Id": "1"}, {"X_Request_Id": "2"}, Verdict.SAME),
    ({"ETag": '"1-a"'}, {"ETag": 'W/"2-b"'}, Verdict.SAME),
    ({"Content_Type": "text/html; charset=UTF-8"}, {"Content_Type": "text/html;charset=utf-8"}, Verdict.SAME),
    ({"Last_Modified": "Mon"}, {"Last_Modified": "Tue"}, Verdict.SAME),
    # what matters
    ({"Content_Type": "text/html"}, {"Content_Type": "application/json"}, Verdict.DIFFERS),
    ({"Content_Security_Policy": "default-src 'self'"}, {}, Verdict.DIFFERS),
    ({}, {"Access_Control_Allow_Origin": "*"}, Verdict.DIFFERS),
    ({"Last_Modified": "Mon"}, {}, Verdict.DIFFERS),
    ({"WWW_Authenticate": "Basic"}, {"WWW_Authenticate": "Bearer"}, Verdict.DIFFERS),
    # what no rule knows
    ({"X_Feature": "a"}, {"X_Feature": "b"}, Verdict.ACCEPTABLE),
    ({"X_Feature": "a"}, {}, Verdict.ACCEPTABLE),
    # cookies: their values differ, their names and attributes do not
    ({"Set_Cookie": "sid=1; Path=/; HttpOnly"}, {"Set_Cookie": "sid=2; HttpOnly; path=/"}, Verdict.SAME),
    ({"Set_Cookie": "sid=1; Max-Age=5"}, {"Set_Cookie": "sid=2; Expires=Mon, 01 Jan"}, Verdict.SAME),
    ({"Set_Cookie": "sid=1; Secure"}, {"Set_Cookie": "sid=1"}, Verdict.DIFFERS),
    ({"Set_Cookie": ["sid=1", "theme=dark"]}, {"Set_Cookie": "sid=1"}, Verdict.DIFFERS),
    # a redirect to itself, whatever it calls itself
    ({"Location": "http://192.168.88.2:8096/web"}, {"Location": "http://10.244.0.7:8096/web"}, Verdict.SAME),
    ({"Location": "/web"}, {"Location": f"{KUBERNETES.prefix}/web"}, Verdict.SAME),
    ({"Location": "/web"}, {"Location": "/login"}, Verdict.DIFFERS),
    ({"Location": "https://auth.example.org/"}, {"Location": "https://evil.example.org/"}, Verdict.DIFFERS),
    ({"Location": "http://[::1"}, {"Location": "http://[::2"}, Verdict.DIFFERS),
]


@pytest.mark.parametrize(("docker", "kubernetes", "verdict"), HEADERS)
def test_headers(docker: dict[str, Any], kubernetes: dict[str, Any], verdict: Verdict) -> None:
    assert judged(answer(**docker), answer(**kubernetes)).verdict is verdict


def test_no_value_of_a_cookie_is_told() -> None:
    found = judged(answer(Set_Cookie="sid=hush-hush; Secure"), answer(Set_Cookie="sid=hush-hush"))
    assert "hush-hush" not in repr(found) and "the cookie sid has other attributes: secure" in found.sentence


BODIES = [
    ("at 2026-01-02T03:04:05Z", "at 2026-02-03T04:05:06.789+01:00", Verdict.ACCEPTABLE),
    ("host 4f5e8c1d2b3a says hi", "host web-0 says hi", Verdict.ACCEPTABLE),
    ('<meta name="x" nonce="abc">', '<meta name="x" nonce="defgh">', Verdict.ACCEPTABLE),
    ('{"ok": true, "count": 3}', '{"count": 4.5, "ok": false}', Verdict.ACCEPTABLE),
    ('[{"id": 1}, {"id": 2}]', '[{"id": 7}]', Verdict.ACCEPTABLE),
    ('{"ok": true}', '{"error": "no database"}', Verdict.DIFFERS),
    ('{"ok": true}', '{"ok": null}', Verdict.DIFFERS),
    ("ok", "no", Verdict.DIFFERS),
    ("fine", "", Verdict.DIFFERS),
    ("a" * 1000, "b" * 1040, Verdict.ACCEPTABLE),
    ("a" * 1000, "b" * 1500, Verdict.DIFFERS),
    (b"\xff\xfe" * 600, b"\xff\xfd" * 600, Verdict.ACCEPTABLE),
    ("[" * 5000, "[" * 5001, Verdict.ACCEPTABLE),
    (f'<a href="{KUBERNETES.prefix}/x">', '<a href="/x">', Verdict.DIFFERS),  # that prefix is Kubernetes' alone
    ('<a href="/x">', f'<a href="{KUBERNETES.prefix}/x">', Verdict.ACCEPTABLE),
]


@pytest.mark.parametrize(("docker", "kubernetes", "verdict"), BODIES)
def test_bodies(docker: str | bytes, kubernetes: str | bytes, verdict: Verdict) -> None:
    found = judged(answer(docker), answer(kubernetes))
    assert found.verdict is verdict
    assert "hi" not in found.sentence and "database" not in found.sentence  # no part of a body is told


def test_a_large_body_is_compared_by_its_hash() -> None:
    large = b"x" * 200_000
    assert judged(answer(large), answer(large)).verdict is Verdict.SAME
    assert judged(answer(large), answer(large[:-1] + b"y")).verdict is Verdict.ACCEPTABLE


def test_the_worst_comes_first() -> None:
    found = judged(
        answer("ok", X_Feature="a", Content_Type="text/plain"), answer("no", X_Feature="b", Content_Type="text/html")
    )
    assert found.verdict is Verdict.DIFFERS
    assert [d.verdict for d in found.differences] == sorted((d.verdict for d in found.differences), reverse=True)
    assert worst([judged(answer(), answer()), found]) is Verdict.DIFFERS
    assert worst([]) is Verdict.SAME


def test_hostile_headers_are_made_harmless() -> None:
    hostile: dict[str, Any] = {"X_\x1b[31m": "\x1b]0;title\x07"}
    found = judged(answer(**hostile), answer())
    assert found.verdict is Verdict.ACCEPTABLE and "\x1b" not in found.sentence and "\x07" not in found.sentence


class TestRules:
    def test_an_operator_overrides_them(self) -> None:
        rules = overridden(
            {
                "headers": {"X-Feature": "same", "Content-Security-Policy": "ignore"},
                "masks": ["build [0-9]+"],
                "paths": {"/metrics": "status", "/debug": "ignore"},
            }
        )
        assert compare("/", answer(X_Feature="a"), answer(X_Feature="b"), rules).verdict is Verdict.DIFFERS
        assert compare("/", answer(Content_Security_Policy="a"), answer(), rules).verdict is Verdict.SAME
        assert compare("/", answer("build 7"), answer("build 12"), rules).verdict is Verdict.ACCEPTABLE
        assert compare("/metrics", answer("one"), answer("two and more"), rules).verdict is Verdict.SAME
        assert compare("/metrics", answer(), answer(code=500), rules).verdict is Verdict.DIFFERS
        assert compare("/debug", answer(), answer(code=500), rules).verdict is Verdict.ACCEPTABLE
        assert DEFAULT.headers.get("x-feature") is None  # the defaults stay what they are

    def test_they_can_be_read(self) -> None:
        said = "\n".join(overridden({"masks": ["build [0-9]+"], "paths": {"/metrics": "status"}}).sentences())
        assert "Headers that are not compared: " in said and "etag" in said
        assert "moments" in said and "build [0-9]+" in said
        assert "/metrics: status" in said

    @pytest.mark.parametrize(
        ("raw", "words"),
        [
            ({"header": {}}, "header is no part"),
            ({"headers": []}, "headers is no mapping"),
            ({"headers": {"X": "maybe"}}, "headers.X: maybe is no rule"),
            ({"masks": "a"}, "masks is no list"),
            ({"masks": ["("]}, "is no regular expression"),
            ({"paths": {"/": "yes"}}, "paths./: yes is no rule"),
        ],
    )
    def test_wrong_ones_are_named(self, raw: dict[str, object], words: str) -> None:
        with pytest.raises(Invalid, match=words.replace("(", r"\(").replace(".", r"\.")):
            overridden(raw)


class TestPaths:
    @pytest.mark.parametrize(
        ("test", "path"),
        [
            (["CMD", "curl", "-f", "http://localhost:8096/health"], "/health"),
            (["CMD-SHELL", "wget -q -O- http://127.0.0.1:3000/api/health?full=1 || exit 1"], "/api/health?full=1"),
            ("curl -f 'http://localhost/' || exit 1", "/"),
            (["CMD-SHELL", "curl http://localhost:80; true"], "/"),
            (["CMD", "pg_isready"], ""),
            (["CMD", "curl", "http://example.org/health"], ""),  # that is somebody else
            (["NONE"], ""),
            (None, ""),
        ],
    )
    def test_of_a_health_check(self, test: object, path: str) -> None:
        assert healthcheck_path(Service("web", {"healthcheck": {"test": test}})) == path

    def test_the_operators_own_come_first(self) -> None:
        web = Service("web", {"healthcheck": {"test": ["CMD", "curl", "http://localhost:1/ready"]}})
        found = paths_to_compare([web, Service("db", {})], ("/login", "/"))
        assert found == ("/login", "/", "/ready", *USUAL_PATHS[1:])
