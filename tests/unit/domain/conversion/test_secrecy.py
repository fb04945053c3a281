"""Which values are taken for secrets."""

from __future__ import annotations

import pytest

from labtui.domain.compose.stack import EnvironmentValue, Origin
from labtui.domain.conversion.secrecy import Sort, inner_secrets, judge, secret_name

VARIABLE, ENV_FILE = Origin.VARIABLE, Origin.ENV_FILE


@pytest.mark.parametrize(
    ("name", "value", "origin", "sort"),
    [
        # by name
        ("DB_PASSWORD", "hunter2", Origin.LITERAL, Sort.SECRET),
        ("PASS", "hunter2", Origin.LITERAL, Sort.SECRET),
        ("MYSQL_ROOT_PASSWORD", "postgres", Origin.LITERAL, Sort.SECRET),
        ("CLOUDFLARE_API_TOKEN", "x", VARIABLE, Sort.SECRET),
        ("AUTHELIA_STORAGE_ENCRYPTION_KEY", "abc", VARIABLE, Sort.SECRET),
        ("dbPassword", "abc", Origin.LITERAL, Sort.SECRET),
        ("PGPASSWORD", "abc", Origin.LITERAL, Sort.SECRET),
        ("AWS_SECRET_ACCESS_KEY", "abc", Origin.LITERAL, Sort.SECRET),
        # a name about a secret
        ("DB_PASSWORD_FILE", "/run/secrets/db", Origin.LITERAL, Sort.PLAIN),
        ("TOKEN_TTL", "3600", Origin.LITERAL, Sort.PLAIN),
        ("SSH_PUBLIC_KEY", "ed25519", Origin.LITERAL, Sort.PLAIN),
        ("ALLOW_EMPTY_PASSWORD", "yes", Origin.LITERAL, Sort.PLAIN),
        ("REDIS_PASSWORD", "", Origin.LITERAL, Sort.PLAIN),
        ("KEYBOARD", "us", Origin.LITERAL, Sort.PLAIN),
        ("PWD", "/srv", Origin.LITERAL, Sort.PLAIN),
        ("COMPASS", "north", Origin.LITERAL, Sort.PLAIN),
        # by what it is
        ("DATABASE_URL", "postgres://app:s3cr3t@db:5432/app", Origin.LITERAL, Sort.SECRET),
        ("CACHE", "redis://:s3cr3t@redis:6379/0", Origin.LITERAL, Sort.SECRET),
        ("HOOK", "https://example.org/send?token=abc", Origin.LITERAL, Sort.SECRET),
        ("DATABASE_URL", "postgres://db:5432/app", Origin.LITERAL, Sort.PLAIN),
        ("DSN", "host=db user=app password=s3cr3t", Origin.LITERAL, Sort.SECRET),
        ("BASIC_AUTH", "admin:$2a$14$abcdefghijklmnopqrstuv", VARIABLE, Sort.SECRET),
        ("ADMIN", "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA", VARIABLE, Sort.SECRET),
        ("CERT", "-----BEGIN EC PRIVATE KEY-----\nMHc", Origin.LITERAL, Sort.SECRET),
        ("GH", "ghp_0123456789abcdefABCD", Origin.LITERAL, Sort.SECRET),
        ("SESSION", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", Origin.LITERAL, Sort.SECRET),
        # by its look
        ("THING", "k3J9xQ2vLp7RzT5wYb8N", Origin.LITERAL, Sort.LIKELY),
        ("THING", "0123456789abcdef0f1e2d3c4b5a6978", Origin.LITERAL, Sort.LIKELY),
        ("EXTRA", "--user app --with k3J9xQ2vLp7RzT5wYb8N", Origin.LITERAL, Sort.LIKELY),
        ("IMAGE", "ghcr.io/immich-app/immich-server:v1.132.3", Origin.LITERAL, Sort.PLAIN),
        ("HOSTS", "victoriametrics:8428,victorialogs:9428", VARIABLE, Sort.PLAIN),
        ("PLUGINS", "victoriametrics-logs-datasource", Origin.LITERAL, Sort.PLAIN),
        ("OPTIONS", "--storageDataPath=/storage --retentionPeriod=12", Origin.LITERAL, Sort.PLAIN),
        # harmless although it comes from an env file
        ("TZ", "Europe/Warsaw", VARIABLE, Sort.PLAIN),
        ("HTTP_PORT", "8096", ENV_FILE, Sort.PLAIN),
        ("WIREGUARD_ADDRESSES", "10.64.0.2/32", VARIABLE, Sort.PLAIN),
        ("METRICS", "192.168.88.2:8428", VARIABLE, Sort.PLAIN),
        ("WHERE", "fd00::1,10.0.0.1", VARIABLE, Sort.PLAIN),
        ("KEEP", "30d", VARIABLE, Sort.PLAIN),
        ("LOCATION", "/mnt/media", ENV_FILE, Sort.PLAIN),
        ("DB_USER", "immich", VARIABLE, Sort.PLAIN),
        ("FEATURE", "true", ENV_FILE, Sort.PLAIN),
        # says nothing of itself and was kept out of the Compose file
        ("SOMETHING", "hunter2", VARIABLE, Sort.LIKELY),
        ("SOMETHING", "hunter2", ENV_FILE, Sort.LIKELY),
        ("SOMETHING", "hunter2", Origin.HOST, Sort.LIKELY),
        ("SOMETHING", "hunter2", Origin.LITERAL, Sort.PLAIN),
        # no value here
        ("DB_PASSWORD", None, Origin.HOST, Sort.UNSET),
        ("DB_PASSWORD", "", VARIABLE, Sort.UNSET),
    ],
)
def test_a_value_is_judged(name: str, value: str | None, origin: Origin, sort: Sort) -> None:
    judgement = judge(EnvironmentValue(name, value, origin, ("V",) if origin is VARIABLE else ()))
    assert judgement.sort is sort, judgement.reason
    assert not value or len(value) < 4 or value not in judgement.reason


def test_the_reason_names_the_variable_and_the_source() -> None:
    assert "${MY_VAR}" in judge(EnvironmentValue("X", "hunter2", VARIABLE, ("MY_VAR",))).reason
    assert "env file" in judge(EnvironmentValue("X", "hunter2", ENV_FILE, file=".env")).reason


def test_the_password_in_a_url_is_found() -> None:
    assert inner_secrets("postgres://app:s3cr3t@db/x") == ["s3cr3t"]
    assert inner_secrets("host=db password=s3cr3t;x") == ["s3cr3t"]
    assert inner_secrets("http://db:5432/x") == []


def test_flags_have_names_too() -> None:
    assert secret_name("--admin.password")
    assert not secret_name("--token-file")
