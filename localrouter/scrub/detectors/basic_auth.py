"""HTTP credentials: `Authorization` headers (RFC 7617 Basic, RFC 6750 Bearer and kin), cookies that hold a session, and base64
`user:password` as Docker (`"auth": ...`) and npm (`_auth=`) keep it.

A Basic value is decoded: it counts when it holds `user:password`, so that a word behind "basic" does not.
"""

from __future__ import annotations

import base64
import binascii
import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import decoded, is_uuid, random, wordy

NAME = "basic_auth"
_HEADER = re.compile(
    r"(?i)(?<![\w-])(?P<scheme>bearer|basic|token|digest|apikey|api-key|negotiate|ntlm|hawk|oauth|genie-?key|ssws|key|pve[\w]*token|bot)[ \t]+(?P<v>[\w+/=.~:%!-]{8,4000})"
)
_NAMED = re.compile(r"(?i)(?:proxy-)?authorization[\"'\]]{0,2}[ \t]*(?:=>|[:=,])[ \t]*[\"'\\]{0,3}[fbru]?[\"']?$")
_FLAT = re.compile(
    r"(?i)(?:proxy-)?authorization[\"'\]]{0,2}[ \t]*(?:=>|[:=,])[ \t]*\\?[\"']?(?P<v>[\w+/=.~-]{20,4000})(?![\w ])"
)
_AUTH = re.compile(
    r"[\"']?(?<![\w])(?:_?auth|_password)\\{0,7}[\"']?[ \t]*[:=][ \t]*(?P<s>\\{0,7})(?P<q>[\"'])?(?P<v>[\w+/-]{8,4000}={0,2})"
)
_SASL = re.compile(r"(?i)\bauth(?:enticate)?[ \t]+plain[ \t]+(?P<v>[A-Za-z0-9+/]{8,400}={0,2})")
_COOKIE = re.compile(
    r"(?i)\b(?P<k>[\w.-]*(?:sess(?:ion)?(?:[_-]?id|[_-]?key|[_-]?token)?|sid|auth|token|jwt|remember|credential|phpsessid|jsessionid|csrf)[\w.-]*)=(?P<v>[^;\s\"',]{16,4000})"
)
_COOKIE_LINE = re.compile(r"(?i)(?:set-)?cookie[\"']?[ \t]*[:=]|--cookie[ =]|\s-b[ =][\"']")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    low = text.lower()
    if "auth" in low or "bearer" in low or "basic" in low or "token " in low:
        for m in _HEADER.finditer(text):
            if _credential(m["scheme"].lower(), m["v"], _NAMED.search(text[max(0, m.start() - 48) : m.start()]) is not None):
                out.append(
                    Finding(m.start("v"), m.end("v"), "PASSWORD" if m["scheme"].lower() == "basic" else "TOKEN", 0.95, NAME)
                )
        for m in _SASL.finditer(text):  # RFC 4616: user NUL user NUL password
            if b64_bytes(m["v"]).count(b"\0") == 2:
                out.append(Finding(m.start("v"), m.end("v"), "PASSWORD", 0.95, NAME))
        for m in _FLAT.finditer(text):
            if not placeholder(m["v"]) and random(m["v"], 20, 3.2):
                out.append(Finding(m.start("v"), m.end("v"), "TOKEN", 0.9, NAME))
        for m in _AUTH.finditer(text):
            value = m["v"]
            if not placeholder(value) and (decoded_pair(value) or (m["q"] and random(value, 32, 3.8))):
                out.append(Finding(m.start("v"), m.end("v"), "PASSWORD", 0.95, NAME))
    if "cookie" in low:
        for line in re.finditer(r"[^\n]+", text):
            if _COOKIE_LINE.search(line[0]):
                for m in _COOKIE.finditer(text, line.start(), line.end()):
                    if not placeholder(m["v"]) and random(m["v"], 16, 3.0):
                        out.append(Finding(m.start("v"), m.end("v"), "TOKEN", 0.85, NAME))
    return out


def _credential(scheme: str, value: str, header: bool) -> bool:
    if placeholder(value) or value.endswith((":", "/")):
        return False
    if scheme == "basic":
        return decoded_pair(value)
    if scheme in ("token", "key", "bot", "oauth", "digest", "negotiate", "ntlm", "hawk", "apikey", "api-key") and not header:
        return False
    if is_uuid(value):
        return True
    digits = any(c.isdigit() for c in value)
    if not header:
        return random(value, 16, 3.0)
    return len(value) >= 8 and ((digits and not wordy(value)) or random(value, 16, 3.0))


def b64_bytes(value: str) -> bytes:
    """What base64 text holds; empty when it is none."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def decoded_pair(value: str) -> bool:
    """Whether base64 text decodes to `user:password` (either may be empty, not both) in printable characters."""
    plain = (decoded(value) or "").strip("\n")
    user, colon, password = plain.partition(":")
    return bool(colon) and plain.isprintable() and len(password) >= 3 and not placeholder(password) and " " not in user
