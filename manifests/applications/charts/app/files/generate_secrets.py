"""Make up the secrets that an application needs and Vault does not have yet.

    generate_secrets.py WANTED.json      {"KEY": {"length": 32, "charset": "alnum", "hash": "argon2id"}, …}

A key that is in Vault is never changed; with `hash`, the hash of KEY is kept beside it as KEY_HASH. Signs in with the pod's service
account. Needs VAULT_ADDR, VAULT_MOUNT (KV v2), VAULT_PATH, VAULT_AUTH_MOUNT and VAULT_ROLE. Only the standard library, and OpenSSL 3.2
or argon2-cffi for hashes. Prints the names of keys, never a value. Exit status 1 says, in one line, what went wrong.
"""

import base64
import ctypes
import json
import os
import secrets
import string
import sys
import urllib.error
import urllib.parse
import urllib.request

TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"
ATTEMPTS = 5
CHARSETS = {
    "alnum": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "symbols": string.ascii_letters + string.digits + "!#%*+-.:=?@^_~",
}
LIBCRYPTO = "libcrypto.so.3"
PASSES, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES = 3, 65536, 4, 32, 16


class Failed(Exception):
    """What went wrong, in words that hold no secret."""


class Vault:
    """The few calls of Vault's HTTP API that are needed."""

    def __init__(self, address, token=""):
        self.address = address.rstrip("/")
        self.token = token

    def call(self, method, path, body=None, accept=()):
        """The status and the answer as JSON. Raises Failed for a status that is neither good nor in `accept`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1/{urllib.parse.quote(path)}", data, method=method)
        if self.token:
            request.add_header("X-Vault-Token", self.token)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return answer.status, _parsed(answer.read())
        except urllib.error.HTTPError as error:
            found = _parsed(error.read())
            if error.code in accept:
                return error.code, found
            raise Failed(f"Vault refuses {method} {path}: {error.code} {_errors(found)}") from None
        except OSError as error:
            raise Failed(f"Vault cannot be reached at {self.address}: {getattr(error, 'reason', error)}") from None


def _parsed(raw):
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _errors(answer):
    return "; ".join(map(str, answer.get("errors") or []))


def sign_in(vault, auth_mount, role, token_file):
    """Get a token for the pod's service account."""
    with open(token_file, encoding="utf-8") as file:
        jwt = file.read().strip()
    _, answer = vault.call("POST", f"auth/{auth_mount}/login", {"role": role, "jwt": jwt})
    vault.token = answer["auth"]["client_token"]


def ensure(vault, mount, path, wanted):
    """Write what is missing; answers the names of the keys written. Begins again when somebody else wrote meanwhile."""
    for _ in range(ATTEMPTS):
        status, answer = vault.call("GET", f"{mount}/data/{path}", accept=(404,))
        found = answer.get("data") or {}
        version = int((found.get("metadata") or {}).get("version") or 0)
        if status == 404 and version:
            raise Failed(f"{mount}/{path} was deleted: undelete it, or delete its metadata to have new values made")
        present = found.get("data") or {}
        missing = make(present, wanted)
        if not missing:
            return []
        body = {"options": {"cas": version}, "data": {**present, **missing}}
        status, answer = vault.call("POST", f"{mount}/data/{path}", body, accept=(400,))
        if status != 400:
            return sorted(missing)
        if "check-and-set" not in _errors(answer):
            raise Failed(f"Vault refuses to write {mount}/{path}: {_errors(answer)}")
    raise Failed(f"{mount}/{path} is being changed by somebody else all the time")


def make(present, wanted):
    """The keys that are missing in `present`, with values. A key whose hash alone is there was taken out on purpose."""
    made = {}
    for key, how in sorted(wanted.items()):
        hash_key = f"{key}_HASH"
        hashed = how.get("hash") == "argon2id"
        if key not in present and not (hashed and hash_key in present):
            letters = CHARSETS[how.get("charset") or "alnum"]
            made[key] = "".join(secrets.choice(letters) for _ in range(int(how.get("length") or 32)))
        if hashed and hash_key not in present:
            made[hash_key] = argon2id(str(made.get(key, present.get(key))).encode())
    return made


def argon2id(password):
    """The argon2id hash of `password`, in the form $argon2id$v=19$m=…"""
    salt = secrets.token_bytes(SALT_BYTES)
    derive = _openssl() or _argon2_cffi()
    if derive is None:
        raise Failed("this image cannot hash with argon2id: it has neither OpenSSL 3.2 or newer nor argon2-cffi")
    encoded = (base64.b64encode(part).decode().rstrip("=") for part in (salt, derive(password, salt)))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$" + "$".join(encoded)


class Parameter(ctypes.Structure):
    """OSSL_PARAM: how values are handed to OpenSSL's algorithms."""

    _fields_ = (
        ("key", ctypes.c_char_p),
        ("type", ctypes.c_uint),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("written", ctypes.c_size_t),
    )


UNSIGNED, OCTETS = 2, 5  # OSSL_PARAM_UNSIGNED_INTEGER, OSSL_PARAM_OCTET_STRING


def _openssl(library=LIBCRYPTO):
    """argon2id of the libcrypto that Python itself uses, or None when it has none."""
    try:
        crypto = ctypes.CDLL(library)
        fetch, new, run = crypto.EVP_KDF_fetch, crypto.EVP_KDF_CTX_new, crypto.EVP_KDF_derive
    except (OSError, AttributeError):
        return None
    fetch.restype = new.restype = ctypes.c_void_p
    fetch.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
    new.argtypes = (ctypes.c_void_p,)
    run.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(Parameter))
    algorithm = fetch(None, b"ARGON2ID", None)
    if not algorithm:
        return None

    def derive(password, salt):
        context = new(algorithm)
        numbers = {b"iter": PASSES, b"memcost": MEMORY_KIB, b"lanes": LANES, b"threads": 1}
        held = [(key, UNSIGNED, ctypes.c_uint32(number)) for key, number in numbers.items()]
        texts = {b"pass": password, b"salt": salt}
        held += [(key, OCTETS, ctypes.create_string_buffer(text, len(text))) for key, text in texts.items()]
        given = [Parameter(key, kind, ctypes.addressof(value), ctypes.sizeof(value), 0) for key, kind, value in held]
        parameters = (Parameter * (len(given) + 1))(*given)  # ends in one that is all zero
        result = ctypes.create_string_buffer(HASH_BYTES)
        if not context or run(context, result, HASH_BYTES, parameters) != 1:
            raise Failed("OpenSSL could not compute an argon2id hash")
        return result.raw

    return derive


def _argon2_cffi():
    """argon2id of the library argon2-cffi, or None when it is not installed."""
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        return None
    return lambda password, salt: hash_secret_raw(password, salt, PASSES, MEMORY_KIB, LANES, HASH_BYTES, Type.ID)


def main(arguments, environ):
    """Do it all; answers the exit status."""
    try:
        with open(arguments[0], encoding="utf-8") as file:
            wanted = json.load(file)
        vault = Vault(environ["VAULT_ADDR"])
        mount, path = environ["VAULT_MOUNT"], environ["VAULT_PATH"]
        sign_in(vault, environ["VAULT_AUTH_MOUNT"], environ["VAULT_ROLE"], environ.get("TOKEN_FILE") or TOKEN_FILE)
        try:
            written = ensure(vault, mount, path, wanted)
        finally:
            vault.call("POST", "auth/token/revoke-self", accept=(403, 404))
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyError as error:
        print(f"the variable or key {error} is missing", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 1
    for key in sorted(wanted):
        print(f"{mount}/{path} {key}: {'written' if key in written or f'{key}_HASH' in written else 'there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
