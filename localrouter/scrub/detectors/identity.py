"""The user's own identity, as the machine knows it: login, host, name, address. Looked for as whole words, in any case.

`options["identity"]` has `user`, `host`, `name`, `email` (several values of one are separated by line ends). The name is also looked for
in its everyday forms: each part of four letters and more, `jdoe`, `jane.doe`. A login that is an ordinary word is looked for only where a
login stands (`word@`, `/word/`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localrouter.core.findings import Finding
from localrouter.scrub.common_words import words
from localrouter.scrub.detectors._people import named
from localrouter.scrub.detectors._public import account
from localrouter.scrub.names import common, forms

NAME = "identity"
LEAST = 3
"""Characters. Two letters are initials, and initials are everywhere."""

_KINDS = (("email", "OWN_EMAIL"), ("host", "OWN_HOST"), ("user", "OWN_USER"), ("name", "OWN_NAME"))
_HOSTS = words(
    "localhost main server host desktop laptop pc mac ubuntu debian fedora raspberrypi archlinux nixos computer home dev docker"
)
_own: dict[str, str] = {}
_pattern: list[re.Pattern[str]] = []


def configure(options: Mapping[str, Any]) -> None:
    """Learn who the user is. What is missing, shorter than LEAST or shipped with a system is not looked for."""
    identity: Mapping[str, str] = options.get("identity") or {}
    _own.clear()
    _pattern.clear()
    plain: dict[str, str] = {}
    guarded: dict[str, str] = {}
    for key, kind in _KINDS:
        for value in str(identity.get(key) or "").splitlines():
            value = value.strip()
            if len(value) < LEAST or account(value) or (kind == "OWN_HOST" and value.lower() in _HOSTS):
                continue
            weak = kind in ("OWN_USER", "OWN_HOST") and (common(value) or value.isdigit())
            (guarded if weak else plain).setdefault(value.lower(), kind)
            if kind == "OWN_NAME" and named(value):
                for form in forms(value):
                    if len(form) > LEAST and not account(form):
                        plain.setdefault(form, kind)
    _own.update(guarded | plain)
    parts = [_alternatives(plain, r"(?<![^\W_])", r"(?![^\W_])")] if plain else []
    if guarded:
        parts.append(_alternatives(guarded, r"(?<![^\W_])", r"(?=@)"))
        parts.append(_alternatives(guarded, r"(?:(?<=[/\\~@])|(?<=user )|(?<=login )|(?<=user=))", r"(?=[/\\@:]|$)"))
    if parts:
        _pattern.append(re.compile("|".join(parts), re.I))


def _alternatives(values: Mapping[str, str], before: str, after: str) -> str:
    return f"{before}(?:{'|'.join(re.escape(v) for v in sorted(values, key=len, reverse=True))}){after}"


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if _pattern:
        low = text.lower()
        if any(value in low for value in _own):
            out = [Finding(m.start(), m.end(), _own.get(m[0].lower(), "OWN_USER"), 0.9, NAME) for m in _pattern[0].finditer(text)]
    return out
