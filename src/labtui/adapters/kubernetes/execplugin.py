"""Exec credential plugins of the kubeconfig (client.authentication.k8s.io: ExecCredential).

The client library can run them too, but it hands the plugin the terminal's standard input, waits for ever and only logs
a failure. Here a plugin has no terminal and a time limit, and its failure is told.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from labtui.adapters.kubernetes.reading import Json, moment, rows, sub, text, words
from labtui.domain.errors import SignedOut
from labtui.domain.text import clean

TIMEOUT = 30.0


def run_plugin(
    spec: Json, folder: Path, cluster: Json, cancelled: Callable[[], bool] = lambda: False, timeout: float = TIMEOUT
) -> tuple[Json, datetime | None]:
    """Run a plugin and return kubeconfig user settings (token or client certificate) and when they expire.

    `spec` is the `exec` block, `folder` that of its kubeconfig, `cluster` the cluster block for `provideClusterInfo`.
    It is ended after `timeout` seconds, or when `cancelled` becomes true.
    Raises SignedOut with the reason; the plugin's output is never in it, only what it wrote to standard error.
    """
    command = text(spec, "command")
    if os.sep in command and not Path(command).is_absolute():
        command = str(folder / command)
    answer = _call([command, *words(spec, "args")], _environment(spec, cluster), folder, cancelled, timeout)
    status = sub(answer, "status")
    if text(answer, "apiVersion") != text(spec, "apiVersion"):
        raise _failed(command, f"it speaks {clean(text(answer, 'apiVersion')) or 'no version'}")
    user: Json = {}
    if text(status, "token"):
        user["token"] = text(status, "token")
    certificate, key = text(status, "clientCertificateData"), text(status, "clientKeyData")
    if certificate and key:
        user["client-certificate-data"], user["client-key-data"] = _base64(certificate), _base64(key)
    if not user:
        raise _failed(command, "it gave neither a token nor a client certificate")
    return user, moment(status, "expirationTimestamp")


def _environment(spec: Json, cluster: Json) -> dict[str, str]:
    info: Json = {"interactive": False}
    if spec.get("provideClusterInfo") is True:
        info["cluster"] = {k: v for k, v in cluster.items() if k != "certificate-authority"}
    request = {"apiVersion": text(spec, "apiVersion"), "kind": "ExecCredential", "spec": info}
    extra = {text(item, "name"): text(item, "value") for item in rows(spec, "env") if text(item, "name")}
    return {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(request)}


def _call(
    command: list[str], environment: dict[str, str], folder: Path, cancelled: Callable[[], bool], timeout: float
) -> object:
    try:
        with subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            out, err = _finish(process, cancelled, timeout)
    except FileNotFoundError as error:
        raise _failed(command[0], "the program is not there") from error
    except subprocess.TimeoutExpired as error:
        raise _failed(command[0], f"no answer for {timeout:.0f} s") from error
    except (OSError, ValueError) as error:
        raise _failed(command[0], clean(str(error), 200)) from error
    if process.returncode:
        said = err.decode(errors="replace").strip().splitlines()
        reason = clean(said[-1], 200) if said else f"exit status {process.returncode}"
        raise _failed(command[0], reason)
    try:
        return json.loads(out)
    except ValueError:
        raise _failed(command[0], "its answer is not an ExecCredential") from None


def _finish(process: subprocess.Popen[bytes], cancelled: Callable[[], bool], timeout: float) -> tuple[bytes, bytes]:
    """What it wrote. Raises TimeoutExpired when it took too long or is not wanted any more; then it is dead."""
    end = time.monotonic() + timeout
    while True:
        try:
            return process.communicate(timeout=0.1)
        except subprocess.TimeoutExpired:
            if cancelled() or time.monotonic() > end:
                # with what it has started: a grandchild would keep the pipes open
                os.killpg(process.pid, signal.SIGKILL)
                raise


def _base64(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def _failed(command: str, reason: str) -> SignedOut:
    name = clean(Path(command).name, 60)
    return SignedOut(
        "No credentials for the cluster", f"{name}: {reason}", "Run `kubectl get nodes` to see what it asks for"
    )
