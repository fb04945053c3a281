"""Secrets read to be compared: their values are in no text."""

from __future__ import annotations

import base64
import traceback

import pytest

from labtui.adapters.kubernetes import kubeconfig, secrets
from labtui.adapters.kubernetes.kubeconfig import Access
from labtui.adapters.kubernetes.secrets import KubernetesSecrets
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, LabError, NotFound
from tests.support.planning import PASSWORD, shows_no_secret
from tests.unit.adapters.kubernetes.test_wire import Pool


def asked(monkeypatch: pytest.MonkeyPatch, pool: Pool) -> KubernetesSecrets:
    """The reader on a cluster that answers from a script."""
    access = Access("https://cluster", {"authorization": "t"}, pool)  # type: ignore[arg-type]
    monkeypatch.setattr(kubeconfig, "load", lambda *_: access)
    return secrets.KubernetesSecrets(KubernetesConnection())


def test_values_are_decoded_and_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"DB": base64.b64encode(PASSWORD.encode()).decode(), "raw": base64.b64encode(b"\xff\x00").decode()}
    found = asked(monkeypatch, Pool((200, {"kind": "Secret", "data": data}))).read("immich", "immich")
    assert dict(found) == {"DB": PASSWORD.encode(), "raw": b"\xff\x00"}
    shows_no_secret(f"{found} {found!r}")


def test_a_secret_without_data_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dict(asked(monkeypatch, Pool((200, {"kind": "Secret"}))).read("immich", "immich")) == {}


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (403, Denied)])
def test_what_is_not_there_or_not_allowed_is_named(
    status: int, error: type[LabError], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(error, match="immich/db"):
        asked(monkeypatch, Pool((status, {"message": "no"}))).read("immich", "db")


def test_a_damaged_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = asked(monkeypatch, Pool((200, {"data": {"DB": f"{PASSWORD}!"}})))
    with pytest.raises(LabError) as caught:
        reader.read("immich", "db")
    shows_no_secret("".join(traceback.format_exception(caught.value)))
