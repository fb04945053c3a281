"""`labtui secrets diff`: planted values are in no output, log or error."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping
from dataclasses import replace

import pytest

from labtui.cli.output import Exit
from labtui.cli.secrets import diff
from labtui.core.lab import Lab
from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import PlannedSecret, StackPlan
from labtui.domain.errors import LabError, NotFound, Refused, Unreachable
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.ports import Feed
from tests.support.planning import PASSWORD, TOKEN, convert, make_lab, planner, shows_no_secret

VAULT = SourceId(SourceKind.VAULT, "vault.example.org")


class OnlyASource:
    """A feed that is never followed."""

    source = VAULT

    def follow(self, *arguments: object) -> None:
        raise AssertionError("nothing is followed here")

    def close(self) -> None:
        """Nothing is open."""


class FakeVault:
    """Paths with values; asked for the wrong place it has nothing."""

    def __init__(self, values: Mapping[str, Mapping[str, str]], fail: LabError | None = None) -> None:
        self.values, self.fail = values, fail

    def open(self, ref: Ref) -> None:
        """Nothing to open."""

    def reveal(self, ref: Ref, version: int | None = None) -> Mapping[str, str]:
        """The values."""
        if self.fail is not None:
            raise self.fail
        if (ref.source, ref.kind, ref.namespace) != (VAULT, "Secret", "kv") or ref.name not in self.values:
            raise NotFound("no such secret")
        return self.values[ref.name]

    def keys(self, ref: Ref) -> tuple[str, ...]:
        """The keys."""
        return tuple(self.reveal(ref))


class FakeCluster:
    """Secrets of one namespace."""

    def __init__(self, values: Mapping[tuple[str, str], Mapping[str, bytes]]) -> None:
        self.values = values

    def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """The values."""
        if (namespace, name) not in self.values:
            raise NotFound("no such Secret")
        return self.values[namespace, name]


def converted(stack: Stack, facts: Facts, answers: Answers) -> StackPlan:
    found = convert(stack, facts, answers)
    secrets = (
        found.secrets[0],
        PlannedSecret("server", "apps/immich", "TOKEN", "TOKEN", "random letters", TOKEN),
    )
    values = {
        **found.values,
        "secrets": {"immich": {"path": "apps/immich", "keys": {"DB_PASSWORD": "DB_PASSWORD", "TOKEN": "TOKEN"}}},
    }
    return replace(found, secrets=secrets, values=values)


def lab_with(vault: FakeVault | None, cluster: FakeCluster | None) -> Lab:
    lab = make_lab(replace(planner(), convert=converted))
    feed: Feed = OnlyASource()
    lab.feeds, lab.secrets, lab.cluster_secrets = (feed,), vault, cluster
    return lab


HELD = {"DB_PASSWORD": PASSWORD, "TOKEN": TOKEN}
IN_CLUSTER = {("immich", "immich"): {k: v.encode() for k, v in HELD.items()}}


@pytest.mark.parametrize("as_json", [False, True])
def test_all_agree(as_json: bool, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    lab = lab_with(FakeVault({"apps/immich": HELD}), FakeCluster(IN_CLUSTER))
    assert diff(lab, "wroclaw/immich", as_json=as_json) == Exit.DONE
    shown = capsys.readouterr()
    shows_no_secret(shown.out + shown.err + caplog.text)
    assert "POSTGRES_PASSWORD" in shown.out
    if as_json:
        found = json.loads(shown.out)
        assert found["agree"] is True
        assert [s["status"] for s in found["secrets"]] == ["same", "same"]
        assert set(found["secrets"][0]["fingerprints"]) == {"compose", "vault", "cluster"}


@pytest.mark.parametrize("as_json", [False, True])
def test_what_differs_is_told_and_never_shown(
    as_json: bool, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vault = FakeVault({"apps/immich": {"DB_PASSWORD": PASSWORD + "2"}})
    assert diff(lab_with(vault, FakeCluster({})), "wroclaw/immich", as_json=as_json) == Exit.FAILED
    shown = capsys.readouterr()
    shows_no_secret(shown.out + shown.err + caplog.text)
    assert "differs" in shown.out
    assert "only in compose" in shown.out


def test_an_error_shows_nothing_and_is_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    lab = lab_with(FakeVault({}, Unreachable("Vault does not answer")), FakeCluster(IN_CLUSTER))
    with pytest.raises(Unreachable) as caught:
        diff(lab, "wroclaw/immich", as_json=False)
    shows_no_secret("".join(traceback.format_exception(caught.value)) + capsys.readouterr().out)


def test_a_place_that_the_estate_does_not_have_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(lab_with(FakeVault({"apps/immich": HELD}), None), "wroclaw/immich", as_json=False) == Exit.DONE
    assert "cluster was not asked" in capsys.readouterr().out
    with pytest.raises(Refused, match="nothing to compare"):
        diff(lab_with(None, None), "wroclaw/immich", as_json=False)
