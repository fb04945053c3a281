"""From a kubeconfig to a connection: read anew each time, so that a renewed token or a changed file is picked up."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labtui.adapters.kubernetes.execplugin import run_plugin
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Invalid
from labtui.domain.text import clean

if TYPE_CHECKING:
    from urllib3 import PoolManager


@dataclass(frozen=True, slots=True)
class Access:
    """An address, the headers that sign in, and the client library's connection pool."""

    host: str
    headers: Mapping[str, str] = field(repr=False)
    pool: PoolManager = field(repr=False)
    expires: datetime | None = None


def config_files(connection: KubernetesConnection) -> tuple[Path, ...]:
    """The files, in kubectl's order: the given ones, else KUBECONFIG, else ~/.kube/config."""
    if connection.kubeconfig:
        return tuple(path.expanduser() for path in connection.kubeconfig)
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(Path(part).expanduser() for part in named) or (Path.home() / ".kube" / "config",)


def load(connection: KubernetesConnection, cancelled: Callable[[], bool] = lambda: False) -> Access:
    """Read the kubeconfig, run its exec plugin if it has one, and prepare a pool (nothing is connected yet).

    A plugin is ended when `cancelled` becomes true.
    Raises Invalid for a missing or senseless kubeconfig, SignedOut when a plugin fails.
    """
    # The client library takes a quarter of a second to import: only when a connection is made.
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    config = _merge(config_files(connection))
    expires: datetime | None = None
    try:
        context = connection.context or config["current-context"]
        _require_context(config, context)
        user, cluster = _parts(config, context)
        if user is not None and "exec" in user.value:
            spec = user.value["exec"] if isinstance(user.value["exec"], dict) else {}
            folder = Path(user.path).absolute().parent if user.path else Path.cwd()
            given, expires = run_plugin(spec, folder, cluster.value, cancelled)
            del user.value["exec"]
            user.value.update(given)
        settings = Configuration()
        loader: Any = KubeConfigLoader  # the library has no annotations here
        # without a base path, files are found beside the kubeconfig that names them
        loader(config_dict=config, active_context=context, config_base_path=None).load_and_set(settings)
        # one connection a watched kind, and some more
        settings.connection_pool_maxsize = 32
        auth: Any = settings.auth_settings()
        headers = {s["key"]: (s["value"] or "").strip() for s in auth.values() if s["in"] == "header"}
        pool: PoolManager = RESTClientObject(settings).pool_manager
    except ConfigException as error:
        raise Invalid("The kubeconfig cannot be used", clean(str(error), 200), _which(connection)) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        # the library walks the file without checking its shape
        reason = clean(str(error), 200) if isinstance(error, OSError) else f"it is malformed ({type(error).__name__})"
        raise Invalid("The kubeconfig cannot be used", reason, _which(connection)) from error
    return Access(settings.host.rstrip("/"), headers, pool, expires)


def _which(connection: KubernetesConnection) -> str:
    return "Look at " + ", ".join(str(path) for path in config_files(connection))


def _merge(files: tuple[Path, ...]) -> Any:
    import yaml
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import ENV_KUBECONFIG_PATH_SEPARATOR, KubeConfigMerger

    present = [str(path) for path in files if path.exists()]
    if not present:
        missing = ", ".join(str(path) for path in files)
        raise Invalid(
            "There is no kubeconfig", f"{missing} does not exist", "Set KUBECONFIG, or copy the cluster's file there"
        )
    try:
        merger: Any = KubeConfigMerger  # the library has no annotations here
        merged = merger(ENV_KUBECONFIG_PATH_SEPARATOR.join(present)).config
    except (ConfigException, yaml.YAMLError, OSError, AttributeError, TypeError, KeyError, ValueError) as error:
        # YAML errors quote the file, which may hold a token: only the place is told
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark is not None else type(error).__name__
        raise Invalid("The kubeconfig cannot be read", f"{', '.join(present)}: {place}") from None
    return merged


def _require_context(config: Any, context: str) -> None:
    known = [c["name"] for c in config.value.get("contexts") or [] if isinstance(getattr(c, "value", c), dict)]
    if context not in known:
        names = ", ".join(clean(str(name), 60) for name in known) or "none"
        raise Invalid("The kubeconfig has no such context", f"{clean(context, 60)} is missing; there are: {names}")


def _parts(config: Any, context: str) -> tuple[Any, Any]:
    chosen = config["contexts"].get_with_name(context)["context"]
    name = chosen.safe_get("user")
    user = config["users"].get_with_name(name, safe=True) if name and config.safe_get("users") else None
    found = user["user"] if user is not None and user.safe_get("user") else None
    return found, config["clusters"].get_with_name(chosen["cluster"])["cluster"]
