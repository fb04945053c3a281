"""The secret paths of the simulated Vault: names, versions and ages. The values are made up when they are asked for."""

from __future__ import annotations

MOUNT = "kv"

# What the newest versions have in common with the variables of the Compose stacks (`DemoCompose`): the first move finds its
# secrets there. Authelia's third one is not in Vault yet, and the key of WireGuard was changed there alone.
SAME_AS_COMPOSE = {
    "AUTHELIA_JWT_SECRET": "demo-authelia-jwt-secret",
    "AUTHELIA_SESSION_SECRET": "demo-authelia-session-secret",
    "IMMICH_DB_PASSWORD": "demo-immich-db-password",
    "TRANSMISSION_PASSWORD": "demo-transmission-password",
}

# path: keys, number of versions, days since the newest
PATHS: dict[str, tuple[tuple[str, ...], int, float]] = {
    "apps/authelia": (("AUTHELIA_JWT_SECRET", "AUTHELIA_SESSION_SECRET"), 1, 21),
    "apps/emby": (("api_key",), 2, 41),
    "apps/immich": (("IMMICH_DB_PASSWORD",), 4, 3),
    "apps/immich-oauth": (("client_id", "client_secret"), 1, 64),
    "apps/transmission": (("TRANSMISSION_PASSWORD", "WIREGUARD_PRIVATE_KEY"), 3, 9),
    "infrastructure/cert-manager/cloudflare": (("api_token",), 2, 12),
    "infrastructure/ingress-nginx/dhparam": (("dhparam.pem",), 1, 120),
    "infrastructure/nfs/export": (("server", "path"), 1, 120),
    "infrastructure/wireguard/kyiv": (("private_key", "preshared_key"), 2, 33),
    "infrastructure/wireguard/wroclaw": (("private_key", "preshared_key"), 2, 33),
    "platform/alloy/remote-write": (("username", "password"), 1, 57),
    "platform/argocd/admin": (("password",), 3, 21),
    "platform/argocd/github-app": (("app_id", "installation_id", "private_key"), 1, 90),
    "platform/argocd/webhook": (("secret",), 1, 90),
    "platform/authelia/jwt": (("secret",), 1, 21),
    "platform/authelia/oidc": (("hmac_secret", "issuer_private_key"), 2, 14),
    "platform/authelia/session": (("secret",), 1, 21),
    "platform/authelia/smtp": (("username", "password"), 5, 2),
    "platform/authelia/storage": (("encryption_key",), 1, 21),
    "platform/authelia/users": (("users.yaml",), 7, 6),
    "platform/external-secrets/approle": (("role_id", "secret_id"), 2, 45),
    "platform/grafana/admin": (("username", "password"), 2, 30),
    "platform/grafana/oauth": (("client_id", "client_secret"), 1, 30),
    "platform/victorialogs/basic-auth": (("username", "password_hash"), 1, 57),
    "platform/victoriametrics/basic-auth": (("username", "password_hash"), 1, 57),
    "sites/kyiv/mikrotik": (("username", "password"), 2, 70),
    "sites/kyiv/ssh": (("id_ed25519",), 1, 150),
    "sites/wroclaw/backup": (("repository", "password"), 2, 11),
    "sites/wroclaw/mikrotik": (("username", "password"), 2, 70),
    "sites/wroclaw/restic": (("password",), 1, 150),
}
DELETED = frozenset({"sites/wroclaw/restic"})  # its newest version is deleted
DENIED_FOLDER = "personal/"
DENIED_WORDS = "1 error occurred: * permission denied"
