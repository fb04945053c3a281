"""One connection to Vault or OpenBao through hvac: what labtui asks of it, its answers and its errors in labtui's terms.

Only this module and `transport` import hvac and requests; they are imported themselves where a server is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from urllib.parse import quote

import hvac
import hvac.exceptions
import requests.exceptions

from labtui.adapters.vault.parse import mapping, whole
from labtui.adapters.vault.transport import TIMEOUT, open_session, unreachable, was_sent
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Denied, Invalid, LabError, NotFound, OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.text import clean

T = TypeVar("T")

NO_TOKEN_HINT = "Run: vault login, or set VAULT_TOKEN"


@dataclass(frozen=True, slots=True)
class Health:
    """What the server says of itself without a token. `seconds` is how long the answer took."""

    sealed: bool
    initialized: bool
    version: str
    server_time: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Token:
    """What the server says of the token. `ttl` and `creation_ttl` in seconds; 0 means that it never ends."""

    ttl: int = 0
    creation_ttl: int = 0
    renewable: bool = False
    policies: tuple[str, ...] = ()


class Client:
    """Blocks for `TIMEOUT` seconds at most a call. Calls may be made from several threads."""

    def __init__(self, connection: VaultConnection) -> None:
        self._connection = connection
        self._session, self._breakable = open_session(connection)
        # an empty token: None would make hvac look for one itself
        self._hvac = hvac.Client(
            connection.address,
            token="",
            verify=self._session.verify,
            timeout=TIMEOUT,
            session=self._session,
            namespace=connection.namespace or None,
        )

    def close(self) -> None:
        """Make calls under way fail, close all connections. From any thread."""
        self._breakable.break_off()
        self._session.close()

    # Without a token

    def health(self) -> Health:
        """Is it there, and is it open? Raises Unreachable."""
        # not through hvac: in a Vault namespace this path does not exist, and no token is needed
        always = {"standbyok": "true", "sealedcode": "200", "uninitcode": "200", "standbycode": "200"}
        url = f"{self._connection.address}/v1/sys/health"
        started = time.monotonic()
        try:
            # verify said again: without it requests prefers REQUESTS_CA_BUNDLE to the session's own setting
            verify = self._session.verify
            headers = {"X-Vault-Request": "true"}
            answer = self._session.get(url, params=always, timeout=TIMEOUT, headers=headers, verify=verify)
            body = answer.json()
        except requests.exceptions.JSONDecodeError:
            raise self._not_vault() from None
        except (requests.exceptions.RequestException, OSError) as error:
            raise unreachable(error, self._connection.address) from None
        if not isinstance(body, dict) or "sealed" not in body:
            raise self._not_vault()
        seconds = time.monotonic() - started
        stamp = body.get("server_time_utc")
        server_time = datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int) else None
        version = clean(str(body.get("version", "")), 40)
        return Health(body["sealed"] is True, body.get("initialized") is not False, version, server_time, seconds)

    def login(self) -> str:
        """A new token by the connection's auth method. Raises SignedOut."""
        connection = self._connection
        method = connection.auth
        try:
            if method == "kubernetes":
                jwt = connection.jwt()
                if not jwt:
                    raise SignedOut("There is no service account token to sign in to Vault with", "", NO_TOKEN_HINT)
                call: Callable[[], Any] = lambda: self._hvac.auth.kubernetes.login(  # noqa: E731
                    connection.role, jwt, use_token=False, mount_point=connection.auth_mount or method
                )
            else:
                secret_id = connection.secret_id()
                if not (connection.role and secret_id):
                    hint = "Set VAULT_ROLE_ID and VAULT_SECRET_ID"
                    raise SignedOut("There is no AppRole to sign in to Vault with", "", hint)
                call = lambda: self._hvac.auth.approle.login(  # noqa: E731
                    connection.role, secret_id, use_token=False, mount_point=connection.auth_mount or method
                )
            answer = self._ask(call)
        except (Denied, NotFound, Refused) as error:
            hint = "Look at the role, and at where the auth method is mounted (vault.auth_mount in the estate file)"
            raise SignedOut(f"Vault refused the {method} login", error.detail, hint) from None
        token = mapping(answer, "auth").get("client_token")
        if not isinstance(token, str) or not token:
            raise SignedOut(f"Vault answered the {method} login without a token")
        return token

    # With a token

    def use(self, token: str) -> None:
        """Make all further calls with this token."""
        self._hvac.token = token

    def lookup(self) -> Token:
        """What the token is worth. Raises Denied: it may be bad, or its policies forbid the question."""
        data = mapping(self._ask(self._hvac.auth.token.lookup_self), "data")
        policies = data.get("policies")
        ttl, creation_ttl = whole(data.get("ttl")), whole(data.get("creation_ttl"))
        return Token(
            max(ttl, 1) if creation_ttl else ttl,  # whole seconds, rounded down: the last one reads 0
            creation_ttl,
            data.get("renewable") is True,
            tuple(str(p) for p in policies) if isinstance(policies, list) else (),
        )

    def renew(self) -> None:
        """Renew the token for as long as it was made for."""
        self._ask(self._hvac.auth.token.renew_self)

    def mount_version(self) -> str:
        """`2` for KV v2, `1`, or the mount's type if it is no KV. Raises NotFound or Denied (the server does not tell which)."""
        path = f"/v1/sys/internal/ui/mounts/{quote(self._connection.mount)}"
        data = mapping(self._ask(lambda: self._hvac.adapter.get(path)), "data")
        if data.get("type") not in ("kv", "generic"):
            return clean(str(data.get("type")), 40)
        return str(mapping(data, "options").get("version", "1"))

    def list(self, folder: str) -> tuple[str, ...]:
        """The names in a folder (empty: the top), folders with a `/` at the end; nothing if it is not there."""
        kv = self._hvac.secrets.kv.v2
        try:
            answer = self._ask(lambda: kv.list_secrets(folder, mount_point=self._connection.mount))
        except NotFound as error:
            if error.detail:  # Vault gives a reason when the mount is missing, none when the folder is empty
                hint = "Correct vault.mount in the estate file"
                raise NotFound(f"There is no mount {self._connection.mount}/", error.detail, hint) from None
            return ()
        names = mapping(answer, "data").get("keys")
        return tuple(n for n in names if isinstance(n, str) and n) if isinstance(names, list) else ()

    def metadata(self, path: str) -> dict[str, Any]:
        """Versions and times of a secret; no value. Raises NotFound, Denied."""
        kv = self._hvac.secrets.kv.v2
        return mapping(self._ask(lambda: kv.read_secret_metadata(path, mount_point=self._connection.mount)), "data")

    def read(self, path: str, version: int | None) -> dict[str, Any]:
        """The keys and values of a secret. Raises NotFound when it is deleted."""
        kv = self._hvac.secrets.kv.v2
        answer = self._ask(
            lambda: kv.read_secret_version(
                path, version, mount_point=self._connection.mount, raise_on_deleted_version=True
            )
        )
        return mapping(mapping(answer, "data"), "data")

    def subkeys(self, path: str) -> tuple[str, ...]:
        """The keys alone (Vault 1.10, OpenBao). Raises Denied or NotFound where the server or a policy has no such thing."""
        url = f"/v1/{quote(self._connection.mount)}/subkeys/{quote(path)}"
        data = mapping(self._ask(lambda: self._hvac.adapter.get(url, params={"depth": 1})), "data")
        return tuple(mapping(data, "subkeys"))

    def listable(self) -> tuple[str, ...]:
        """The folders of the mount that the token's policies name as listable."""
        data = mapping(self._ask(lambda: self._hvac.adapter.get("/v1/sys/internal/ui/resultant-acl")), "data")
        top = f"{self._connection.mount}/metadata/"
        found = set()
        for rules in (mapping(data, "exact_paths"), mapping(data, "glob_paths")):
            for path, rule in rules.items():
                allowed = rule.get("capabilities") if isinstance(rule, dict) else None
                if path.startswith(top) and path.endswith("/") and isinstance(allowed, list) and "list" in allowed:
                    found.add(path.removeprefix(top))
        return tuple(sorted(found - {""}))

    def newest(self, path: str) -> tuple[int, dict[str, Any], bool]:
        """Number and values of the newest version, and whether it is deleted (then without values). Raises NotFound."""
        kv = self._hvac.secrets.kv.v2
        answer = self._ask(
            lambda: kv.read_secret_version(path, mount_point=self._connection.mount, raise_on_deleted_version=False)
        )
        data = mapping(answer, "data")
        about = mapping(data, "metadata")
        gone = about.get("destroyed") is True or (bool(about.get("deletion_time")) and data.get("data") is None)
        return whole(about.get("version")), mapping(data, "data"), gone

    def capabilities(self, path: str) -> frozenset[str]:
        """What the token may do with an API path (`kv/data/apps/web`)."""
        answer = self._ask(lambda: self._hvac.adapter.post("/v1/sys/capabilities-self", json={"paths": [path]}))
        found = mapping(answer, "data").get(path) or answer.get("capabilities")
        return frozenset(str(word) for word in found) if isinstance(found, list) else frozenset()

    # Changing

    def put(self, path: str, values: Mapping[str, Any], cas: int) -> int:
        """Write a version after version `cas`, and answer its number. Raises Refused when another one is the newest."""
        body = {"data": dict(values), "options": {"cas": cas}}
        answer = self._change(f"data/{quote(path)}", body)
        number = whole(mapping(answer, "data").get("version"))
        if not number:
            raise OutcomeUnknown("Vault does not say which version it wrote", "", "Look at the path's versions")
        return number

    def delete(self, path: str, versions: Sequence[int]) -> None:
        """Delete these versions; `vault kv undelete` brings them back."""
        self._change(f"delete/{quote(path)}", {"versions": list(versions)})

    def _change(self, where: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a change once. Raises OutcomeUnknown when it may have arrived and no answer came."""
        url = f"/v1/{quote(self._connection.mount)}/{where}"

        def send() -> Any:
            try:
                return self._hvac.adapter.post(url, json=dict(body))
            except (requests.exceptions.RequestException, OSError) as error:
                if was_sent(error):
                    raise _unknown(unreachable(error, self._connection.address)) from None
                raise
            except (hvac.exceptions.InternalServerError, hvac.exceptions.BadGateway) as error:
                raise _unknown(self._words(error)) from None

        return self._ask(send)

    def _ask(self, call: Callable[[], T]) -> dict[str, Any]:
        """The answer of a call; every way it can fail becomes one of labtui's errors. None of them repeats an answer's body."""
        try:
            answer = call()
        except hvac.exceptions.VaultError as error:
            raise self._words(error) from None
        except (requests.exceptions.RequestException, OSError) as error:
            raise unreachable(error, self._connection.address) from None
        if isinstance(answer, dict):
            return cast("dict[str, Any]", answer)
        if getattr(answer, "status_code", 0) == 204:
            return {}
        raise self._not_vault()

    def _words(self, error: hvac.exceptions.VaultError) -> LabError:
        detail = _detail(error.errors)
        match error:
            case hvac.exceptions.Forbidden() | hvac.exceptions.Unauthorized():
                return Denied("Vault denies this", detail or "permission denied")
            case hvac.exceptions.InvalidPath():
                return NotFound("Vault has nothing there", detail)
            case hvac.exceptions.InvalidRequest():
                return Refused("Vault refuses the request", detail)
            case hvac.exceptions.RateLimitExceeded():
                return Unreachable("Vault answers no more requests for now", detail or "too many requests")
            case hvac.exceptions.VaultDown() if "sealed" in detail.lower():
                return sealed()
            case _:
                return Unreachable("Vault cannot answer", detail or type(error).__name__)

    def _not_vault(self) -> LabError:
        where = clean(self._connection.address)
        return Invalid(f"What answers at {where} is no Vault", "its answer is of another kind", "Check the address")


def _unknown(why: LabError) -> OutcomeUnknown:
    return OutcomeUnknown("Vault did not say whether it has written this", why.cause, "Look at the path's versions")


def sealed() -> Unreachable:
    """The error of a server that is there but sealed."""
    return Unreachable("Vault is sealed", "", "Unseal it: vault operator unseal")


def _detail(errors: Any) -> str:
    """The server's own words on one line: `1 error occurred:\\n\\t* permission denied` is kept recognisable."""
    if not isinstance(errors, list):
        return ""
    return clean("; ".join(" ".join(str(e).split()) for e in errors), 300)
