"""What is sent, and what answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from labtui.adapters.argocd import failures, records, tokens
from labtui.adapters.argocd.api import Api, is_loopback
from labtui.domain.connections import ArgocdConnection
from labtui.domain.errors import Denied, Invalid, LabError, NotFound, OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.resources.argocd import AutoSync, Deployment, RollbackRecord
from labtui.ports import SyncRequest

from .support import NOW, Server, raw_app, ref, refusal, token

RECORD = RollbackRecord(3, ("b" * 40,), ("c" * 40,), True, None, datetime(2026, 5, 1, tzinfo=UTC), "someone")
APP = "/api/v1/applications/web"
AUTOMATED = {"project": "team", "syncPolicy": {"automated": {"prune": True, "selfHeal": True}}}


@pytest.mark.parametrize(
    ("status", "code", "message", "error"),
    [
        (401, 16, "no session information", SignedOut),
        (403, 7, "permission denied", Denied),
        (403, 7, "cannot sync: blocked by sync window", Refused),
        (404, 5, "applications web not found", NotFound),
        (400, 9, "another operation is already in progress", Refused),
        (400, 3, "does not have deployment with id 9", Refused),
        (500, 2, "something", Refused),
        (500, 2, "etcdserver: request timed out", OutcomeUnknown),
        (503, 14, "transport is closing", OutcomeUnknown),
        (503, 14, "transport: Error while dialing: dial tcp: connection refused", Unreachable),
        (504, 4, "context deadline exceeded", OutcomeUnknown),
        (502, -1, "Bad Gateway", OutcomeUnknown),
        (500, -1, "Internal", Unreachable),
    ],
)
def test_answers_of_a_change(status: int, code: int, message: str, error: type[LabError]) -> None:
    found = failures.of_answer(status, code, message, changing=True)
    assert type(found) is error and message in found.detail


@pytest.mark.parametrize("code", [2, 4, 14])
def test_a_question_has_no_unknown_outcome(code: int) -> None:
    assert type(failures.of_answer(500, code, "timed out", changing=False)) is Unreachable


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (httpx.ConnectError("refused"), Unreachable),
        (httpx.ConnectTimeout("late"), Unreachable),
        (httpx.ReadTimeout("late"), OutcomeUnknown),
        (httpx.WriteError("broken"), OutcomeUnknown),
        (httpx.RemoteProtocolError("Server disconnected"), OutcomeUnknown),
        (httpx.LocalProtocolError("Illegal header value b'Bearer s3cret'"), Invalid),
    ],
)
def test_a_change_without_an_answer_is_sent_once(raised: Exception, error: type[LabError]) -> None:
    server = Server({f"POST {APP}/sync": raised})
    source = server.source()
    with pytest.raises(LabError) as caught:
        source.sync(ref(source), SyncRequest())
    assert type(caught.value) is error and "s3cret" not in str(caught.value)
    assert len(server.bodies("POST")) == 1


def test_sync_leaves_options_and_strategy_to_the_application() -> None:
    server = Server({f"POST {APP}/sync": httpx.Response(200, json={})})
    source = server.source()
    source.sync(ref(source), SyncRequest())
    resources = (("apps", "Deployment", "n", "d"),)
    source.sync(ref(source), SyncRequest(prune=True, dry_run=True, resources=resources))
    scope = {"name": "web", "appNamespace": "argocd", "project": "team"}
    assert server.bodies("POST") == [
        {**scope, "dryRun": False, "prune": False},
        {
            **scope,
            "dryRun": True,
            "prune": True,
            "resources": [{"group": "apps", "kind": "Deployment", "namespace": "n", "name": "d"}],
        },
    ]


def test_one_revision_for_several_sources_is_not_sent() -> None:
    several = raw_app(spec={"project": "team", "sources": [{"repoURL": "a"}, {"repoURL": "b"}]})
    source = Server({f"GET {APP}": httpx.Response(200, json=several)}).source()
    with pytest.raises(Invalid, match="several sources"):
        source.sync(ref(source), SyncRequest(revision="main"))


def test_rollback_and_terminate() -> None:
    server = Server(
        {f"POST {APP}/rollback": httpx.Response(200, json={}), f"DELETE {APP}/operation": httpx.Response(200, json={})}
    )
    source = server.source()
    source.rollback(ref(source), 4, prune=True)
    source.terminate(ref(source))
    expected = {"name": "web", "appNamespace": "argocd", "project": "team", "id": 4, "prune": True, "dryRun": False}
    assert server.bodies("POST") == [expected]
    last = server.asked[-1]
    assert last.headers["content-type"] == "application/json"
    assert dict(last.url.params) == {"appNamespace": "argocd", "project": "team"}


def _patched(server: Server) -> list[Any]:
    bodies = server.bodies("PATCH")
    assert all(b["patchType"] == "merge" and b["appNamespace"] == "argocd" and b["project"] == "team" for b in bodies)
    return [json.loads(b["patch"]) for b in bodies]


@pytest.mark.parametrize(
    ("spec", "paused", "expected"),
    [
        (AUTOMATED, True, {"syncPolicy": {"automated": {"enabled": False}}}),
        (AUTOMATED, False, None),
        ({"project": "team", "syncPolicy": {}}, True, None),  # no such block: none is made
        ({"project": "team"}, True, None),
    ],
)
def test_pause_is_one_patch(spec: dict[str, Any], paused: bool, expected: dict[str, Any] | None) -> None:
    raw = raw_app(spec=spec)
    server = Server({f"GET {APP}": httpx.Response(200, json=raw), f"PATCH {APP}": httpx.Response(200, json=raw)})
    source = server.source()
    record = RollbackRecord(3, (), (), paused, None, RECORD.at)
    source.pause_auto_sync(ref(source), record)
    (patch,) = _patched(server)
    assert patch.pop("metadata") == {"annotations": {"labtui.dev/rollback": records.write(record)}}
    assert patch.get("spec") == expected


@pytest.mark.parametrize(
    ("spec", "former", "expected"),
    [
        (AUTOMATED, AutoSync(True, None, True, True), {"syncPolicy": {"automated": {"enabled": None}}}),
        (AUTOMATED, AutoSync(True, True, True, True), {"syncPolicy": {"automated": {"enabled": True}}}),
        (AUTOMATED, AutoSync(True, False), {"syncPolicy": {"automated": {"enabled": False}}}),
        (AUTOMATED, None, None),
        (AUTOMATED, AutoSync(), None),
        ({"project": "team"}, AutoSync(True, None), None),  # an empty block would switch auto-sync on
    ],
)
def test_resume_is_one_patch(spec: dict[str, Any], former: AutoSync | None, expected: dict[str, Any] | None) -> None:
    raw = raw_app(spec=spec)
    server = Server({f"GET {APP}": httpx.Response(200, json=raw), f"PATCH {APP}": httpx.Response(200, json=raw)})
    source = server.source()
    source.resume_auto_sync(ref(source), former)
    (patch,) = _patched(server)
    assert patch.pop("metadata") == {"annotations": {"labtui.dev/rollback": None}}
    assert patch.get("spec") == expected


def test_the_whole_object_is_put_when_git_is_away() -> None:
    raw = raw_app(spec=AUTOMATED | {"somethingNew": {"kept": True}}, version="77")
    server = Server(
        {
            f"GET {APP}": httpx.Response(200, json=raw),
            f"PATCH {APP}": refusal(400, 3, "application spec for web is invalid: repository not accessible"),
            f"PUT {APP}": httpx.Response(200, json=raw),
        }
    )
    source = server.source()
    source.pause_auto_sync(ref(source), RECORD)
    (whole,) = server.bodies("PUT")
    assert whole["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True, "enabled": False}
    assert whole["spec"]["somethingNew"] == {"kept": True} and whole["metadata"]["resourceVersion"] == "77"
    assert dict(server.asked[-1].url.params) == {"validate": "false", "appNamespace": "argocd", "project": "team"}


def test_another_refusal_of_the_patch_is_final() -> None:
    server = Server(
        {f"GET {APP}": httpx.Response(200, json=raw_app()), f"PATCH {APP}": refusal(403, 7, "permission denied")}
    )
    source = server.source()
    with pytest.raises(Denied, match="permission denied"):
        source.pause_auto_sync(ref(source), RECORD)
    assert server.bodies("PUT") == []


def test_the_project_is_learnt_once_and_again_when_it_has_changed() -> None:
    answers = [httpx.Response(200, json=raw_app()), refusal(404, 5, "not found"), httpx.Response(200, json=raw_app())]
    server = Server({f"GET {APP}": lambda _request: answers.pop(0)})
    source = server.source()
    source.get(ref(source))
    source.get(ref(source))
    assert [r.url.params.get("project") for r in server.asked] == [None, "team", None]


def test_unknown_application_is_not_found_although_argo_cd_says_denied() -> None:
    source = Server({}, apps=[]).source()
    with pytest.raises(NotFound, match="argocd/web"):
        source.get(ref(source))


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_name_leaves_its_place_in_the_path(name: str) -> None:
    server = Server({}, apps=[raw_app(name)])
    source = server.source()
    with pytest.raises((Invalid, NotFound)):
        source.get(ref(source, name))
    assert server.asked == []


def test_names_are_escaped() -> None:
    server = Server(
        {"GET /api/v1/applications/a%2F..%2Fb%3Fc": httpx.Response(200, json=raw_app("a/../b?c"))},
        [raw_app("a/../b?c")],
    )
    source = server.source()
    assert source.get(ref(source, "a/../b?c")).ref.name == "a/../b?c"


def test_a_renewed_token_is_used_until_it_is_refused() -> None:
    version = "GET /api/version"
    renewed = httpx.Response(200, json={}, headers=[("Set-Cookie", "argocd.token=new; path=/; SameSite=lax; HttpOnly")])
    server = Server({version: renewed})
    source = server.source("old")
    source.version()
    server.routes[version] = httpx.Response(200, json={})
    source.version()
    server.routes[version] = refusal(401, 16, "invalid session")
    with pytest.raises(SignedOut):
        source.version()
    server.routes[version] = httpx.Response(200, json={})
    source.version()
    assert [r.headers["authorization"] for r in server.asked] == [
        "Bearer old",
        "Bearer new",
        "Bearer new",
        "Bearer old",
    ]


def test_a_long_renewed_token_comes_in_parts() -> None:
    store = tokens.Tokens(lambda: "old")
    store.renew(["argocd.token=3:aa; path=/", "argocd.token-1=bb; path=/", "argocd.token-2=cc; path=/"])
    assert store.current() == "aabbcc"
    store.renew(["argocd.token=; path=/", "other=1", "bad cookie \x00"])
    assert store.current() == "aabbcc"


def test_a_newly_configured_token_wins_over_a_held_one() -> None:
    configured = ["one"]
    store = tokens.Tokens(lambda: configured[0])
    store.hold("held")
    assert store.current() == "held"
    configured[0] = "two"
    assert store.current() == "two"


def test_a_damaged_token_is_not_sent_or_shown() -> None:
    with pytest.raises(SignedOut) as caught:
        tokens.Tokens(lambda: "s3cret\r\nX-Evil: 1").current()
    assert "s3cret" not in str(caught.value)


def test_login_keeps_the_token_and_says_why_it_fails() -> None:
    server = Server(
        {
            "POST /api/v1/session": httpx.Response(200, json={"token": "mine"}),
            "GET /api/version": httpx.Response(200, json={"Version": "v3.2.11+x"}),
        }
    )
    source = server.source(None)
    source.login("ann", "pass word")
    assert source.version() == "v3.2.11"
    assert "authorization" not in server.asked[0].headers and server.asked[1].headers["authorization"] == "Bearer mine"
    server.routes["POST /api/v1/session"] = refusal(401, 16, "Invalid username or password")
    with pytest.raises(SignedOut, match="Invalid username or password") as caught:
        source.login("ann", "pass word")
    assert "pass word" not in str(caught.value)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (None, ""),
        (timedelta(days=8), ""),
        (timedelta(days=2, hours=5), "2d left"),
        (timedelta(hours=5, minutes=59), "5h left"),
        (timedelta(minutes=59), "less than 1h left"),
        (timedelta(0), "expired"),
    ],
)
def test_time_left(left: timedelta | None, words: str) -> None:
    assert tokens.time_left(token(left), NOW) == words


@pytest.mark.parametrize(
    "text", [None, "", "x", "a.b.c", "a.!!.c", "..", "a.W10.c", "a.eyJleHAiOiJ4In0.c", "a.eyJleHAiOjFlOTl9.c"]
)
def test_time_left_of_what_is_no_token(text: str | None) -> None:
    assert tokens.time_left(text, NOW) == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(200, text="<html>Sign in</html>"), "not Argo CD's API"),
        (
            httpx.Response(307, headers={"location": "https://sso.example.org/login?secret=1"}),
            "redirects to https://sso.example.org.",
        ),
        (httpx.Response(502, text="Bad Gateway"), "HTTP 502"),
    ],
)
def test_something_else_answers(answer: httpx.Response, words: str) -> None:
    with pytest.raises(Unreachable) as caught:
        Server({"GET /api/version": answer}).source().version()
    assert words in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("127.0.0.1:8080", True),
        ("[::1]:80", True),
        ("localhost", True),
        ("argo.example.org", False),
        ("10.0.0.1:80", False),
    ],
)
def test_loopback(server: str, expected: bool) -> None:
    assert is_loopback(server) is expected


@pytest.mark.parametrize(("server", "proxied"), [("127.0.0.1:8080", False), ("argo.example.org", True)])
def test_proxies_never_for_this_machine(monkeypatch: pytest.MonkeyPatch, server: str, proxied: bool) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    with Api(ArgocdConnection(server, plaintext=True)).client() as client:
        assert client.trust_env is proxied


def test_headers_root_path_and_token_go_along() -> None:
    server = Server({"GET /argo/api/version": httpx.Response(200, json={})})
    server.source("tt", root_path="/argo/", headers=(("X-Pass", "1"),)).version()
    assert server.asked[0].headers["x-pass"] == "1" and server.asked[0].headers["authorization"] == "Bearer tt"


def test_manifests_of_several_sources_name_their_positions() -> None:
    server = Server({f"GET {APP}/manifests": httpx.Response(200, json={"manifests": []})})
    source = server.source()
    source.diff_revisions(ref(source), Deployment(1, ("a", "b"), None), Deployment(2, ("c",), None))
    several, one = (r.url.params for r in server.asked[-2:])
    assert several.get_list("revisions") == ["a", "b"] and several.get_list("sourcePositions") == ["1", "2"]
    assert one["revision"] == "c"
