"""The password component of a URL; scheme, user, host and path stay readable (RFC 3986 section 3.2.1).

A password may hold `@` when its writer did not encode it: the last `@` before the path decides. Secrets in the query
(`?access_token=`, `&sig=`) are the assignment detector's and the rules'.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import entropy

NAME = "url_password"
_USER = re.compile(r"(?<![\w+.-])[a-zA-Z][a-zA-Z0-9+.-]{1,30}://([^\s:/@'\"<>?#`\\]{0,200}):([^\s'\"<>`]{1,300})")
_SIGNED = re.compile(r"[/?#][^@/]{0,64}@[\w.-]+(?::\d+)?(?:[/?]|$)")
_HOST = re.compile(r"[\w\[.%$-]")
_PATTERN = re.compile(r"[()\[\]*+?^|\\]{2}")
_LOGIN = re.compile(r"(?<![\w+.-])https?://([A-Za-z0-9_~.-]{20,200})(?::x-oauth-basic|:x-access-token|:)?@(?=[\w-]+\.)")
_HOSTS = re.compile(r"\d{1,5},")  # `host:123,other:456@`: several hosts, no password
_WORDS = frozenset({"password", "passwd", "pass", "pwd", "pw", "secret", "user", "username", "token", "p@ssword", "port"})


def find(text: str, context: str) -> list[Finding]:
    if "://" not in text or "@" not in text:
        return []
    out: list[Finding] = []
    for m in _USER.finditer(text):
        end = _end(m[2])
        if end <= 0:
            continue
        user, value = m[1], m[2][:end]
        if (
            _HOSTS.match(value)
            or "mailto:" in value
            or placeholder(value)
            or value.lower() in _WORDS
            or value.lower() == user.lower()
            or _PATTERN.search(value)
        ):
            continue
        if not _made_up(user, value):
            out.append(Finding(m.start(2), m.start(2) + end, "PASSWORD", 0.95, NAME))
    for m in _LOGIN.finditer(text):
        if not placeholder(m[1]) and entropy(m[1]) >= 3.5 and any(c.isdigit() for c in m[1]):
            out.append(Finding(m.start(1), m.end(1), "TOKEN", 0.95, NAME))
    return out


def _end(rest: str) -> int:
    """Length of the password in what follows `user:`; 0 when it is a port or there is no host behind it."""
    authority = len(rest)
    for mark in "/?#":
        at = rest.find(mark)
        if 0 <= at < authority:
            authority = at
    at = rest.rfind("@", 0, authority)
    if at <= 0:
        # `/`, `?`, `#` unencoded in the password: believed when what follows still reads like `@host`.
        m = _SIGNED.search(rest)
        if m is None or rest[: m.start()].isdigit():
            return 0
        at = rest.find("@", m.start())
    return at if at + 1 < len(rest) and _HOST.match(rest[at + 1]) else 0


def _made_up(user: str, value: str) -> bool:
    """`proxyuser:proxypass`, `user:userpw`: the pair differs in the word for what it is."""
    value, user = value.lower(), user.lower()
    for word in ("password", "passwd", "pass", "pwd", "pw", "secret"):
        stem = value.removesuffix(word).strip("-_.")
        if value.endswith(word) and stem.isalpha() and (stem in user or user.startswith(stem)):
            return True
    return False
