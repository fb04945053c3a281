"""The comparison of secrets: every status, and no value anywhere."""

from __future__ import annotations

from labtui.domain.conversion.findings import PlannedSecret
from labtui.domain.secretsdiff import Places, compare, one_time_hasher
from tests.support.planning import PASSWORD, shows_no_secret

VALUES = {
    "secrets": {
        "immich": {"path": "apps/immich", "keys": {"DB": "DB", "OTHER": {"property": "long"}}},
    }
}


def planned(value: str | None, key: str = "DB", service: str = "db") -> PlannedSecret:
    return PlannedSecret(service, "apps/immich", key, f"V_{key}", "named as one", value)


def statuses(
    secrets: list[PlannedSecret], vault: dict[str, str] | None, cluster: dict[str, bytes] | None
) -> dict[str, str]:
    places = Places(None if vault is None else {"apps/immich": vault}, None if cluster is None else {"immich": cluster})
    lines = compare(secrets, VALUES, places)
    shows_no_secret(repr(lines) + repr(places))
    return {line.key: line.status for line in lines}


def test_every_status() -> None:
    value = PASSWORD
    same = statuses([planned(value)], {"DB": value}, {"DB": value.encode()})
    assert same["DB"] == "same"
    assert statuses([planned(value)], {"DB": value + "x"}, {"DB": value.encode()})["DB"] == "differs"
    assert statuses([planned(value)], {"DB": value}, {"DB": b"stale"})["DB"] == "differs"
    assert statuses([planned(value)], {}, {})["DB"] == "only in compose"
    assert statuses([planned(value)], {"DB": value}, {})["DB"] == "only in compose and vault"
    assert statuses([planned(None)], {"DB": value}, {})["DB"] == "only in vault"
    assert statuses([planned(None)], {}, {"DB": value.encode()})["DB"] == "only in cluster"
    assert statuses([planned(None)], {}, {})["DB"] == "unset"


def test_two_services_with_two_values_differ() -> None:
    secrets = [planned(PASSWORD), planned("another", service="server")]
    assert statuses(secrets, {"DB": PASSWORD}, {"DB": PASSWORD.encode()})["DB"] == "differs"


def test_keys_of_vault_that_compose_does_not_have_are_listed_and_long_forms_are_understood() -> None:
    found = statuses([], {"long": PASSWORD, "generated": "x" * 9}, {"OTHER": PASSWORD.encode()})
    assert found == {"DB": "unset", "long": "only in vault and cluster", "generated": "only in vault"}


def test_a_place_that_was_not_asked_does_not_count() -> None:
    assert statuses([planned(PASSWORD)], {"DB": PASSWORD}, None)["DB"] == "same"


def test_an_empty_value_is_set() -> None:
    assert statuses([planned("")], {"DB": ""}, {"DB": b""})["DB"] == "same"


def test_bytes_that_are_no_text_compare() -> None:
    raw = b"\xff\xfe"
    assert (
        statuses([planned(raw.decode("utf-8", "surrogateescape"))], {}, {"DB": raw})["DB"]
        == "only in compose and cluster"
    )


def test_fingerprints_are_keyed_anew_each_time() -> None:
    one, other = one_time_hasher(), one_time_hasher()
    assert one(b"1234") == one(b"1234") != one(b"1235")
    assert one(b"1234") != other(b"1234")
