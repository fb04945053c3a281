"""Is a value a secret? By its name, by its look, by where it comes from. Pure, and quick to be wrong on the safe side.

Rules, first match holds:
1. a truth value, or nothing, is plain (`ALLOW_EMPTY_PASSWORD=yes`);
2. what no one mistakes is secret: a private key, a password hash, a JWT, a token with a known prefix, a URL or a
   connection string with a password in it;
3. a name that says so is secret (`DB_PASSWORD`, `API_KEY`), unless its last word says that it is about one
   (`TOKEN_TTL`, `PASSWORD_FILE`, `PUBLIC_KEY`);
4. what looks random (16 characters and more) is taken for one, and asked;
5. a harmless name or look is plain (`TZ`, `PORT`, a number, an address, a path);
6. the rest is plain when it is written in the Compose file, and taken for a secret, and asked, when it was kept out of it
   (`${…}`, an env file, the shell).
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from labtui.domain.compose.stack import EnvironmentValue, Origin


class Sort(StrEnum):
    """What a value is taken for, and how surely."""

    SECRET = "secret"
    LIKELY = "likely secret"
    PLAIN = "plain"
    UNSET = "unset"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The sort of a value and why, in words that hold nothing of it."""

    sort: Sort
    reason: str


def _these(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SECRET_WORDS = _these(
    "password passwd passphrase passwort pass pw pwd secret secrets token tokens apikey apitoken credential credentials "
    "creds jwt salt pepper privatekey secretkey accesskey key keys hash htpasswd basicauth webhook dsn psk otp pin"
)
_ENDS = ("password", "passwd", "secret", "token", "apikey", "passphrase", "privatekey", "secretkey")
_ABOUT = _these(
    "file path dir directory ttl expiry expiration expires lifetime length size min max enabled enable disabled timeout "
    "algorithm alg type policy prefix header name id count rotation interval method mode format cost rounds iterations "
    "memory parallelism days hours minutes seconds age required url uri host port user username"
)
_PLAIN_WORDS = _these(
    "tz port host hostname hostnames url uri dir directory path folder user username uid gid puid pgid umask level mode "
    "name db database domain domains email mail lang language locale version enabled debug timeout interval size limit "
    "count threads workers region country countries city cities provider type address addresses subnet network ip ips "
    "schedule cron format theme ttl retention timezone verbose scheme protocol driver env environment file"
)
_TRUTH = frozenset({"", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"})
_CERTAIN = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"), "a private key"),
    (re.compile(r"\$(2[abxy]?|argon2(id|i|d)|5|6|y|scrypt|pbkdf2[-a-z0-9]*|apr1)\$"), "a password hash"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), "a signed token (JWT)"),
    (
        re.compile(
            r"\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_|rk_live_|hv[sbr]\.|AKIA|ASIA|AIza|dop_v1_|tskey-|glsa_|SG\.)"
            r"[\w.-]{8,}"
        ),
        "a token of a known kind",
    ),
)
_ASSIGNED = re.compile(r"(?i)\b(?:password|passwd|pwd|secret|token|api_?key|access_?key)\s*=\s*([^\s;&,\"']+)")
_URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]*:[^\s/?#]*@")
_RANDOM = re.compile(r"[A-Za-z0-9+/=_.~!@#%^&*-]{16,}")
_PATH = re.compile(r"(\.{0,2}|~)/[^\0]*")
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(:\d+)?")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?\s*(%|[kmgtKMGT]i?[bB]?|ns|us|ms|s|m|h|d|w|y)?(\d+[smhdw])*")
_ZONE = re.compile(r"[A-Z][A-Za-z_]+/[A-Z][A-Za-z_/+-]+|UTC|GMT|[a-z]{2}_[A-Z]{2}(\.UTF-?8)?")


def judge(value: EnvironmentValue) -> Judgement:
    """What a variable of a service is taken for."""
    text = value.value
    if text is None:
        return Judgement(Sort.UNSET, "it has no value on this machine")
    if text == "" and value.origin is not Origin.LITERAL:
        return Judgement(Sort.UNSET, "it is empty on this machine")
    if text.strip().lower() in _TRUTH:
        return Judgement(Sort.PLAIN, "a truth value")
    look = certain(text)
    if look:
        return Judgement(Sort.SECRET, f"it is {look}")
    if secret_name(value.name):
        return Judgement(Sort.SECRET, "by its name")
    if any(looks_random(word) for word in words_of(text)):
        return Judgement(Sort.LIKELY, "it looks random")
    if _words(value.name)[-1:] and _words(value.name)[-1] in _PLAIN_WORDS:
        return Judgement(Sort.PLAIN, "by its name")
    if looks_harmless(text):
        return Judgement(Sort.PLAIN, "by its look")
    if value.origin is Origin.LITERAL:
        return Judgement(Sort.PLAIN, "written in the Compose file")
    return Judgement(Sort.LIKELY, f"its value is kept out of the Compose file ({_origin(value)})")


def _origin(value: EnvironmentValue) -> str:
    if value.origin is Origin.ENV_FILE:
        return "an env file"
    if value.origin is Origin.HOST:
        return "the shell"
    return ", ".join(f"${{{name}}}" for name in value.variables) or "a variable"


def secret_name(name: str) -> bool:
    """Does a name say that its value is a secret?"""
    words = _words(name)
    if not words or name == "PWD" or words[-1] in _ABOUT:
        return False
    if {"public", "pub"} & set(words):
        return False
    if any(word in _SECRET_WORDS - {"key", "keys", "hash", "pin", "salt", "pw"} for word in words):
        return True
    return words[-1] in _SECRET_WORDS or words[-1].rstrip("0123456789").endswith(_ENDS)


def _words(name: str) -> list[str]:
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return [word for word in re.split(r"[^A-Za-z0-9]+", split.lower()) if word]


def certain(text: str) -> str:
    """What kind of secret this text holds beyond doubt; empty: none."""
    for pattern, kind in _CERTAIN:
        if pattern.search(text):
            return kind
    if _assigned(text):
        return "a connection string with a password in it"
    if url_with_password(text):
        return "a URL with a password in it"
    return ""


def _assigned(text: str) -> list[str]:
    """The values in `password=…; token=…` that are written out."""
    found = (match[1] for match in _ASSIGNED.finditer(text))
    return [
        value
        for value in found
        if value.lower() not in _TRUTH and not value.startswith("$") and not _PATH.fullmatch(value)
    ]


def url_with_password(text: str) -> bool:
    """Is there a URL in `text` with a password in its authority, or in its query?"""
    if _URL_PASSWORD.search(text):
        return True
    if "://" not in text or "?" not in text:
        return False
    try:
        query = parse_qsl(urlsplit(text).query)
    except ValueError:
        return False
    return any(secret_name(name) and value.lower() not in _TRUTH for name, value in query)


def words_of(text: str) -> list[str]:
    """`text` itself, and the words in it that could be a secret each."""
    return [text, *(word for word in re.split(r"[\s;,&|\"'()=:]+", text) if word != text)]


def inner_secrets(text: str) -> list[str]:
    """The passwords inside of URLs and connection strings: they may be written elsewhere, too."""
    found = [match[1] for match in re.finditer(r"://[^\s/?#@:]*:([^\s/?#]*)@", text)]
    found += _assigned(text)
    return [secret for secret in found if secret]


def looks_random(text: str) -> bool:
    """One word of 16 characters and more, of mixed kinds, that spells nothing."""
    if "://" in text or not _RANDOM.fullmatch(text) or _PATH.fullmatch(text):
        return False
    kinds = sum(bool(re.search(kind, text)) for kind in (r"[a-z]", r"[A-Z]", r"\d"))
    if kinds < 2 or _reads_as_words(text):
        return False
    return entropy(text) >= (3.0 if re.fullmatch(r"[0-9a-fA-F-]+", text) else 3.5)


def _reads_as_words(text: str) -> bool:
    # host names, image references, lists and versions: parts of letters alone or digits alone, as people write them
    parts = [part for part in re.split(r"[-_./:,=@+]+", text) if part]
    plain = [
        part for part in parts if re.fullmatch(r"[A-Za-z]{1,14}\d{0,3}|[A-Z][a-z]+([A-Z][a-z]+)*|\d{1,5}|v\d+", part)
    ]
    return len(parts) > 1 and len(plain) == len(parts)


def entropy(text: str) -> float:
    """Bits for a character, by how often each occurs."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values()) if text else 0.0


def looks_harmless(text: str) -> bool:
    """A number, a size, an address, a host name with a dot, a path, a time zone, a URL without credentials, or a list."""
    parts = [part.strip() for part in text.split(",")]
    return all(_harmless(part) for part in parts)


def _harmless(text: str) -> bool:
    if _NUMBER.fullmatch(text) or _PATH.fullmatch(text) or _ZONE.fullmatch(text):
        return True
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        return "?" not in text and len(text.split("/", 3)[-1]) < 40
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return ("." in text or ":" in text) and _HOST.fullmatch(text) is not None and not looks_random(text)
    return True
