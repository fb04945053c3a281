"""What the account that is signed in may do."""

from __future__ import annotations

from urllib.parse import quote

from labtui.adapters.argocd import parse
from labtui.adapters.argocd.api import Api


def may(api: Api, resource: str, action: str, what: str) -> bool:
    """Ask the server (`argocd account can-i`). Raises LabError."""
    path = "/".join(quote(part, safe="") for part in (resource, action))
    data = api.read(f"/api/v1/account/can-i/{path}/{quote(what)}")
    return parse.text(data if isinstance(data, dict) else {}, "value") == "yes"
