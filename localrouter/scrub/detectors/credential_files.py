"""Passwords that stand by position: `.netrc`, `.pgpass`, and `login: bob / ...` in prose.

Sources: ftp(1) and curl for netrc; PostgreSQL manual "The Password File" (`host:port:database:user:password`, `\\:` escapes).
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._fields import lower
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import is_digest

NAME = "credential_files"
_NETRC = re.compile(
    r"(?:\bmachine\s+\S{1,200}|(?m:^)[ \t]*default)\s+(?:(?:login|account|port|protocol)\s+\S{1,200}\s+){0,4}password\s+(?P<q>[\"'])?(?P<v>(?(q)[^\"'\n]{1,200}|\S{1,200}))"
)
_PGPASS = re.compile(
    r"(?m)^[ \t]*(?:\*|[\w.-]{1,200}|\[[\da-fA-F:]+\]|/[\w./-]+):(?:\*|\d{1,5}):(?:\*|[\w.-]{1,100}):(?:\*|[\w.@-]{1,100}):(?P<v>(?:[^:\s\\]|\\.){1,200})[ \t]*$"
)

_CISCO = re.compile(
    r"(?im)^[ \t]*(?:enable|username\s+\S{1,64}(?:\s+privilege\s+\d+)?|line\s.{1,40}|neighbor\s+\S{1,64}|snmp-server\s+user\s.{1,60})?[ \t]*(?:password|secret|key)[ \t]+[0-9][ \t]+(?P<v>\S{6,200})[ \t]*$"
)
"""Cisco IOS: a digit says how the password is kept (5 MD5, 7 reversible, 8 PBKDF2, 9 scrypt)."""
_COMMUNITY = re.compile(r"(?im)^[ \t]*snmp-server[ \t]+community[ \t]+(?P<v>\S{4,64})[ \t]+(?:RO|RW)\b")
_PAIR = re.compile(
    r"(?i)(?<![\w-])(?:log-?in|creds?|credentials?|user(?:name)?[ ]?[/&+][ ]?pass(?:word)?|u/p|account)(?: (?:is|are|for [^\s:]{1,40}))?[ ]?[:=]?[ ]{1,3}[\"'`]?(?P<u>[\w.@+-]{2,64})[\"'`]?[ ]{0,2}[/:|][ ]{0,2}[\"'`]?(?P<v>[^\s\"'`]{6,64})"
)
"""`login: bob / pa55word`, as people write it to one another."""


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "password" in text and ("machine" in text or "default" in text):
        out += _of(_NETRC, text)
    if ":" in text:
        # A port or a star as second field tells a password file from `a:b:c:d:e` of other kinds (timestamps, MACs, stack frames).
        out += [f for f in _of(_PGPASS, text) if not text[f.start : f.end].isdigit()]
    low = lower(text)
    if "password " in low or "secret " in low or "key " in low:
        out += _of(_CISCO, text)
    if "snmp-server" in low:
        out += [f for f in _of(_COMMUNITY, text) if text[f.start : f.end].lower() not in ("public", "private")]
    if (
        "login" in low
        or "log-in" in low
        or "cred" in low
        or ("user" in low and "pass" in low)
        or "u/p" in low
        or "account" in low
    ):
        for m in _PAIR.finditer(text):
            value = m["v"].rstrip(".,;)")
            mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
            if mixed and len(value) >= 6 and "/" not in value and not placeholder(value) and not is_digest(value):
                out.append(Finding(m.start("v"), m.start("v") + len(value), "PASSWORD", 0.7, NAME))
    return out


def _of(pattern: re.Pattern[str], text: str) -> list[Finding]:
    return [Finding(m.start("v"), m.end("v"), "PASSWORD", 0.9, NAME) for m in pattern.finditer(text) if not placeholder(m["v"])]
