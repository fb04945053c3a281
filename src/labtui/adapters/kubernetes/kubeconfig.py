"""From a kubeconfig to a connection: read anew each time, so that a renewed token or a changed file is picked up.

Tokens, certificates, passwords and exec plugins are read here. The kubernetes client library, which takes longer to import
than all the rest takes to be live (docs/decisions/0003), is asked where it knows more: proxies and `auth-provider` users.
"""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labtui.adapters.kubernetes.execplugin import run_plugin
from labtui.adapters.kubernetes.kubefile import Chosen, choose, config_files
from labtui.adapters.kubernetes.reading import Json, sub, text
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Invalid
from labtui.domain.text import clean

if TYPE_CHECKING:
    from ssl import SSLContext

    from urllib3 import PoolManager

POOL = 32  # one connection a watched kind, and some more
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class Access:
    """An address, the headers that sign in, and a connection pool."""

    host: str
    headers: Mapping[str, str] = field(repr=False)
    pool: PoolManager = field(repr=False)
    expires: datetime | None = None


def load(connection: KubernetesConnection, cancelled: Callable[[], bool] = lambda: False) -> Access:
    """Read the kubeconfig, run its exec plugin if it has one, and prepare a pool (nothing is connected yet).

    A plugin is ended when `cancelled` becomes true.
    Raises Invalid for a missing or senseless kubeconfig, SignedOut when a plugin fails.
    """
    chosen = choose(config_files(connection), connection.context)
    server = text(chosen.cluster, "server").rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise Invalid(
            "The kubeconfig cannot be used", f"the cluster of {clean(chosen.context, 60)} has no server address"
        )
    try:
        if (
            "auth-provider" in chosen.user
            or text(chosen.cluster, "proxy-url")
            or any(os.environ.get(p) for p in _PROXIES)
        ):
            return _by_library(connection, chosen, cancelled)
        user, folder, expires = _signed_in(chosen, cancelled)
        return Access(server, _headers(user, folder), _pool(chosen, user, folder), expires)
    except (OSError, ValueError) as error:
        # a ValueError may quote a key: only what the operating system says is shown
        reason = clean(str(error), 200) if isinstance(error, OSError) else "a certificate or key in it is damaged"
        hint = "Look at " + ", ".join(str(path) for path in config_files(connection))
        raise Invalid("The kubeconfig cannot be used", reason, hint) from error


def _signed_in(chosen: Chosen, cancelled: Callable[[], bool]) -> tuple[Json, Path, datetime | None]:
    """The user's settings, with what its exec plugin gives."""
    if "exec" not in chosen.user:
        return chosen.user, chosen.user_folder, None
    given, expires = run_plugin(sub(chosen.user, "exec"), chosen.user_folder, chosen.cluster, cancelled)
    return {**chosen.user, **given}, chosen.user_folder, expires


def _headers(user: Json, folder: Path) -> dict[str, str]:
    token = text(user, "token")
    if text(user, "tokenFile"):  # it wins over `token` (client-go: AuthInfo)
        token = (folder / text(user, "tokenFile")).read_text(encoding="utf-8")
    if token.strip():
        return {"authorization": f"Bearer {token.strip()}"}
    if text(user, "username"):
        pair = f"{text(user, 'username')}:{text(user, 'password')}".encode()
        return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _pool(chosen: Chosen, user: Json, folder: Path) -> PoolManager:
    import urllib3

    if text(chosen.cluster, "server").startswith("http://"):
        return urllib3.PoolManager(maxsize=POOL)
    name = text(chosen.cluster, "tls-server-name") or None
    skip = chosen.cluster.get("insecure-skip-tls-verify") is True
    return urllib3.PoolManager(
        maxsize=POOL,
        ssl_context=_tls(chosen, user, folder, skip),
        server_hostname=name,
        assert_hostname=False if skip else name,
    )


def _tls(chosen: Chosen, user: Json, folder: Path, skip: bool) -> SSLContext:
    import ssl

    authority = _pem(chosen.cluster, "certificate-authority", chosen.cluster_folder)
    context = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
    if skip:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    certificate, key = _pem(user, "client-certificate", folder), _pem(user, "client-key", folder)
    if certificate and key:
        # Python reads key pairs from files only: one that nobody else can read, for a moment
        with tempfile.TemporaryDirectory(prefix="labtui-") as place:
            pair = Path(place) / "pair.pem"
            pair.touch(mode=0o600)
            pair.write_bytes(certificate + b"\n" + key)
            context.load_cert_chain(pair)
    return context


def _pem(settings: Json, name: str, folder: Path) -> bytes:
    """A certificate or key: `NAME-data` in base64 wins over the file `NAME` (client-go: Cluster, AuthInfo)."""
    data, file = text(settings, f"{name}-data"), text(settings, name)
    try:
        return base64.b64decode(data, validate=True) if data else (folder / file).read_bytes() if file else b""
    except binascii.Error as error:
        raise ValueError(f"{name}-data") from error


def _by_library(connection: KubernetesConnection, chosen: Chosen, cancelled: Callable[[], bool]) -> Access:
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    user, _, expires = _signed_in(chosen, cancelled)
    config = {
        "current-context": "chosen",
        "contexts": [{"name": "chosen", "context": {"cluster": "chosen", "user": "chosen"}}],
        "clusters": [{"name": "chosen", "cluster": _absolute(chosen.cluster, chosen.cluster_folder)}],
        "users": [{"name": "chosen", "user": _absolute({**user, "exec": None}, chosen.user_folder)}],
    }
    settings = Configuration()
    loader: Any = KubeConfigLoader  # the library has no annotations here
    try:
        loader(config_dict=config, active_context="chosen").load_and_set(settings)
    except (ConfigException, TypeError, KeyError, AttributeError) as error:
        raise Invalid("The kubeconfig cannot be used", f"{type(error).__name__} in the client library") from error
    settings.connection_pool_maxsize = POOL
    auth: Any = settings.auth_settings()
    headers = {s["key"]: (s["value"] or "").strip() for s in auth.values() if s["in"] == "header"}
    pool: PoolManager = RESTClientObject(settings).pool_manager
    return Access(settings.host.rstrip("/"), headers, pool, expires)


def _absolute(settings: Json, folder: Path) -> Json:
    """File names as absolute paths, keys without a value left out."""
    files = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    return {
        k: str(folder / v) if k in files and isinstance(v, str) else v for k, v in settings.items() if v is not None
    }
