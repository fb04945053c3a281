"""What `labtui doctor` asks an Argo CD server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from labtui.adapters.argocd import parse
from labtui.adapters.argocd.api import CONNECT, Answer, Api
from labtui.adapters.argocd.tokens import time_left
from labtui.domain.checks import Check, Verdict
from labtui.domain.connections import ArgocdConnection
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.ref import SourceId
from labtui.ports import Clock

OLDEST = (3, 1)
SKEW = 30.0
_PROJECTS = 10


class Examination:
    """One run of all checks; each may fail by itself."""

    def __init__(self, api: Api, source: SourceId, clock: Clock) -> None:
        self._api = api
        self._source = source
        self._clock = clock

    def run(self) -> Iterator[Check]:
        """The first is `connection`; without it there are no others."""
        try:
            with self._api.client() as client:
                answer = self._api.ask(client, "/api/version")
        except LabError as error:
            lost = isinstance(error, Unreachable)
            detail = f"{error.title}: {error.detail}" if error.detail else error.title
            remedy = (self._other_scheme() if lost else "") or error.hint
            yield self._check("connection", Verdict.FAIL, detail, remedy, unreachable=lost)
            return
        url = self._api.connection.url
        insecure = self._api.connection.insecure and not self._api.connection.plaintext
        words = f"{url} (its certificate is not checked)" if insecure else url
        yield self._check("connection", Verdict.OK, words)
        yield self._version(answer)
        yield self._skew(answer)
        try:
            signed_in = self._signed_in()
            yield signed_in
            if signed_in.verdict is not Verdict.FAIL:
                yield from self._permissions()
        except LabError as error:
            lost = isinstance(error, Unreachable)
            yield self._check("permissions", Verdict.FAIL, error.cause, error.hint, unreachable=lost)

    def _other_scheme(self) -> str:
        """Does it answer with https on or off? Asked without the token, which must not go out in plain text."""
        connection = self._api.connection
        other = ArgocdConnection(connection.server, not connection.plaintext, True, connection.root_path)
        try:
            Api(other, self._api.transport).read("/api/version", seconds=CONNECT)
        except LabError:
            return ""
        if connection.plaintext:
            return "It speaks https: set plaintext: false (argocd: without --plaintext)"
        return "It speaks plain http: set plaintext: true (argocd: --plaintext)"

    def _version(self, answer: Answer) -> Check:
        version = parse.text(answer.data if isinstance(answer.data, dict) else {}, "Version")
        found = re.match(r"v?(\d+)\.(\d+)", version)
        if not found:
            hint = "Is argocd.server the address of an Argo CD API server?"
            return self._check("version", Verdict.WARN, "the server does not say its version", hint)
        if (int(found[1]), int(found[2])) >= OLDEST:
            return self._check("version", Verdict.OK, version)
        return self._check(
            "version",
            Verdict.WARN,
            f"{version} is older than 3.1: it does not know spec.syncPolicy.automated.enabled",
            "A rollback of an application with auto-sync needs a git revert there; update Argo CD",
        )

    def _skew(self, answer: Answer) -> Check:
        try:
            there = parsedate_to_datetime(answer.date)
        except (ValueError, TypeError):
            return self._check("clock", Verdict.SKIP, "the server does not say its time")
        seconds = (there - self._clock.now()).total_seconds()
        if abs(seconds) <= SKEW:
            return self._check("clock", Verdict.OK, "agrees with this machine's")
        words = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
        return self._check(
            "clock", Verdict.WARN, words, "Synchronise both clocks (NTP): tokens and windows depend on it"
        )

    def _signed_in(self) -> Check:
        data = self._api.read("/api/v1/session/userinfo")
        info = data if isinstance(data, dict) else {}
        if info.get("loggedIn") is not True:
            has = self._api.tokens.current() is not None
            words = "the server does not take the token" if has else "no token is configured"
            server = self._api.connection.server
            remedy = f"Run argocd login {server}, or set ARGOCD_AUTH_TOKEN"
            return self._check("signed in", Verdict.FAIL, words, remedy)
        left = time_left(self._api.tokens.current(), self._clock.now())
        words = f"as {parse.text(info, 'username') or 'somebody'}" + (f", token {left}" if left else "")
        if left and not left.endswith("d left"):
            return self._check(
                "signed in", Verdict.WARN, words, "Sign in again soon, or use an account with an API key"
            )
        return self._check("signed in", Verdict.OK, words)

    def _permissions(self) -> Iterator[Check]:
        data = self._api.read("/api/v1/applications")
        raws = [raw for raw in parse.items(data if isinstance(data, dict) else {}, "items") if parse.named(raw)]
        apps = [parse.application(raw, self._source) for raw in raws]
        if apps:
            yield self._check("may list applications", Verdict.OK, f"sees {len(apps)}")
        else:
            remedy = "If there are any, the account lacks the right: p, ACCOUNT, applications, get, */*, allow"
            yield self._check("may list applications", Verdict.WARN, "sees none", remedy)
        # a right is held for PROJECT/APPLICATION: one application of each project stands for it
        samples = {app.project: f"{app.project}/{app.ref.name}" for app in apps} or {"*": "*/*"}
        for action, needed in (("sync", "sync and roll back"), ("update", "roll back with auto-sync on (the pause)")):
            yield self._may(action, needed, dict(sorted(samples.items())[:_PROJECTS]))

    def _may(self, action: str, needed: str, samples: dict[str, str]) -> Check:
        denied = []
        for project, sample in samples.items():
            data = self._api.read(f"/api/v1/account/can-i/applications/{action}/{quote(sample)}")
            if parse.text(data if isinstance(data, dict) else {}, "value") != "yes":
                denied.append(project)
        name = f"may {action} applications"
        if not denied:
            return self._check(name, Verdict.OK, "in " + _projects(list(samples)))
        remedy = f"Needed to {needed}: p, ACCOUNT, applications, {action}, */*, allow"
        return self._check(name, Verdict.WARN, f"not in {_projects(denied)}", remedy)

    def _check(self, name: str, verdict: Verdict, detail: str, remedy: str = "", *, unreachable: bool = False) -> Check:
        return Check(self._source.label, name, verdict, detail, remedy, unreachable)


def _projects(names: list[str]) -> str:
    if names == ["*"]:
        return "all projects"
    return f"project {names[0]}" if len(names) == 1 else f"projects {', '.join(names)}"
