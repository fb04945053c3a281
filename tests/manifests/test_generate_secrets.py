"""The script that makes up missing secrets, run as the hook runs it, against a small Vault."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from tests.manifests.charts import APP_CHART
from tests.manifests.vault_fake import JWT, FakeVault, fake_vault

SCRIPT = APP_CHART / "files" / "generate_secrets.py"
PATH = "apps/shop"


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with fake_vault() as found:
        yield found


@pytest.fixture
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("generate_secrets", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder: Path, address: str, wanted: dict[str, Any], jwt: str = JWT) -> subprocess.CompletedProcess[str]:
    (folder / "wanted.json").write_text(json.dumps(wanted))
    (folder / "token").write_text(f"{jwt}\n")
    given = {
        "VAULT_ADDR": address,
        "VAULT_MOUNT": "kv",
        "VAULT_PATH": PATH,
        "VAULT_AUTH_MOUNT": "kubernetes",
        "VAULT_ROLE": "generate-secrets",
        "TOKEN_FILE": str(folder / "token"),
    }
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")} | given
    command = [sys.executable, str(SCRIPT), str(folder / "wanted.json")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


def test_missing_keys_are_made_as_asked(tmp_path: Path, vault: FakeVault) -> None:
    wanted = {
        "DB_PASSWORD": {},
        "SESSION": {"length": 64, "charset": "hex"},
        "ADMIN": {"length": 24, "hash": "argon2id"},
    }
    done = run(tmp_path, vault.address, wanted)
    assert done.returncode == 0, done.stderr
    made = vault.newest(PATH)
    assert set(made) == {"DB_PASSWORD", "SESSION", "ADMIN", "ADMIN_HASH"}
    assert len(made["DB_PASSWORD"]) == 32 and made["DB_PASSWORD"].isalnum()
    assert len(made["SESSION"]) == 64 and int(made["SESSION"], 16)
    assert len(made["ADMIN"]) == 24
    assert PasswordHasher().verify(made["ADMIN_HASH"], made["ADMIN"])
    parameters = extract_parameters(made["ADMIN_HASH"])
    assert parameters.type is Type.ID and parameters.memory_cost == 65536
    for value in (*made.values(), JWT):
        assert value not in done.stdout + done.stderr
    assert "kv/apps/shop ADMIN: written" in done.stdout
    assert vault.calls[-1] == "POST auth/token/revoke-self"


def test_a_second_run_changes_nothing(tmp_path: Path, vault: FakeVault) -> None:
    wanted = {"A": {}, "B": {"hash": "argon2id"}}
    run(tmp_path, vault.address, wanted)
    before = [*vault.versions[PATH]]
    done = run(tmp_path, vault.address, wanted)
    assert done.returncode == 0
    assert vault.versions[PATH] == before
    assert "kv/apps/shop A: there" in done.stdout and "written" not in done.stdout


def test_what_is_there_stays_as_it_is(tmp_path: Path, vault: FakeVault) -> None:
    vault.write(PATH, {"A": "old", "EMPTY": "", "OTHER": "x", "PLAIN": "p4ss", "GONE_HASH": "$argon2id$taken-out"})
    wanted: dict[str, Any] = {"A": {"length": 8}, "EMPTY": {}, "NEW": {}}
    wanted |= {"PLAIN": {"hash": "argon2id"}, "GONE": {"hash": "argon2id"}}
    assert run(tmp_path, vault.address, wanted).returncode == 0
    made = vault.newest(PATH)
    assert {key: made[key] for key in ("A", "EMPTY", "OTHER", "PLAIN", "GONE_HASH")} == vault.versions[PATH][0]
    assert PasswordHasher().verify(made["PLAIN_HASH"], "p4ss")
    assert len(made["NEW"]) == 32
    assert "GONE" not in made  # its plain form was taken out on purpose; a new one would not fit the hash


def test_somebody_else_writes_at_the_same_time(tmp_path: Path, vault: FakeVault) -> None:
    def interfere(found: FakeVault) -> None:
        found.before_write = None
        found.write(PATH, {"A": "theirs"})

    vault.before_write = interfere
    assert run(tmp_path, vault.address, {"A": {}, "B": {}}).returncode == 0
    made = vault.newest(PATH)
    assert made["A"] == "theirs" and len(made["B"]) == 32


def test_somebody_else_writes_all_the_time(tmp_path: Path, vault: FakeVault) -> None:
    vault.before_write = lambda found: found.write(PATH, {"X": "theirs"})
    done = run(tmp_path, vault.address, {"A": {}})
    assert done.returncode == 1 and "changed by somebody else" in done.stderr
    assert vault.newest(PATH) == {"X": "theirs"}


def test_a_deleted_secret_is_not_made_anew(tmp_path: Path, vault: FakeVault) -> None:
    vault.write(PATH, {"A": "old"})
    vault.write(PATH, None)
    done = run(tmp_path, vault.address, {"A": {}})
    assert done.returncode == 1 and "was deleted" in done.stderr
    assert len(vault.versions[PATH]) == 2


def test_a_refused_sign_in(tmp_path: Path, vault: FakeVault) -> None:
    done = run(tmp_path, vault.address, {"A": {}}, jwt="forged")
    assert done.returncode == 1 and "403 permission denied" in done.stderr
    assert "forged" not in done.stderr and not vault.versions


def test_a_vault_that_is_not_there(tmp_path: Path, vault: FakeVault) -> None:
    done = run(tmp_path, "http://127.0.0.1:1", {"A": {}})
    assert done.returncode == 1 and "cannot be reached at http://127.0.0.1:1" in done.stderr


def test_an_image_that_cannot_hash_writes_nothing(
    script: ModuleType, vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "_openssl", lambda: None)
    monkeypatch.setattr(script, "_argon2_cffi", lambda: None)
    client = script.Vault(vault.address, "s.of-this-login")
    with pytest.raises(script.Failed, match="neither OpenSSL"):
        script.ensure(client, "kv", PATH, {"A": {}, "B": {"hash": "argon2id"}})
    assert not vault.versions


def test_openssl_computes_what_argon2_does(script: ModuleType) -> None:
    derive = script._openssl()
    if derive is None:
        pytest.skip("libcrypto.so.3 is not here, or older than 3.2")
    salt = b"0123456789abcdef"
    assert derive(b"hunter2", salt) == script._argon2_cffi()(b"hunter2", salt)
