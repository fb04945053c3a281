"""Certificates, judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from labtui.domain.migration.edge import Certificate, covers, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "host", "well"),
    [
        (("shop.example.org",), "shop.example.org", True),
        (("SHOP.example.org",), "shop.Example.org.", True),
        (("*.example.org",), "shop.example.org", True),
        (("*.example.org",), "a.shop.example.org", False),
        (("*.example.org",), "example.org", False),
        (("*",), "localhost", False),
        ((), "shop.example.org", False),
    ],
)
def test_names(names: tuple[str, ...], host: str, well: bool) -> None:
    assert covers(names, host) is well


@pytest.mark.parametrize(
    ("certificate", "well", "words"),
    [
        (Certificate(problem="self-signed"), False, "is not trusted: self-signed"),
        (Certificate(), True, "was not checked, as asked"),
        (Certificate(("b.org",), "CA", NOW, verified=True), False, "is for b.org, not for a.org, issued by CA"),
        (Certificate(("a.org",), "CA", NOW - timedelta(1), verified=True), False, "has expired on 2025-12-31"),
        (Certificate(("a.org",), "CA", NOW + timedelta(9), verified=True), True, "ends soon, on 2026-01-10"),
        (
            Certificate(("a.org",), "CA", NOW + timedelta(60), verified=True),
            True,
            "trusted until 2026-03-02, issued by CA",
        ),
    ],
)
def test_verdicts(certificate: Certificate, well: bool, words: str) -> None:
    found = judge(certificate, "a.org", NOW)
    assert found.well is well
    assert words in found.sentence
