"""The user's own identity: the user segment of any home path, the own host name, the git name and address."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding

NAME = "identity"
_HOME = re.compile(r"(?<![\w.])(?:/home/|/Users/|[A-Za-z]:\\{1,2}Users\\{1,2})([A-Za-z0-9_][\w.-]{0,63})")
_PUBLIC = frozenset(
    [
        "root",
        "user",
        "users",
        "runner",
        "ubuntu",
        "debian",
        "admin",
        "administrator",
        "public",
        "shared",
        "default",
        "guest",
        "test",
        "vagrant",
        "node",
        "app",
        "docker",
        "ec2-user",
        "linuxbrew",
        "circleci",
        "vscode",
        "codespace",
        "jenkins",
        "git",
        "www-data",
    ]
)
_INTERNAL = re.compile(
    r"(?<![\w.@-])(?:[a-zA-Z0-9](?:[\w-]*[a-zA-Z0-9])?\.)+(?:internal|corp|lan|intranet|local)\b(?!\.\w)(?![\w(])"
)
_own: list[tuple[re.Pattern[str], str]] = []


def configure(identity: dict[str, str]) -> None:
    """`user`, `host`, `name`, `email`: what is there is looked for as a whole word."""
    _own.clear()
    for key, kind in (("user", "OWN_USER"), ("host", "OWN_HOST"), ("name", "OWN_NAME"), ("email", "OWN_EMAIL")):
        value = identity.get(key, "")
        if len(value) >= 4 and value.lower() not in _PUBLIC and value.lower() not in ("localhost", "main"):
            _own.append((re.compile(rf"(?<![\w]){re.escape(value)}(?![\w])"), kind))


def find(text: str, context: str) -> list[Finding]:
    out = [Finding(m.start(1), m.end(1), "OWN_USER", 0.9, NAME) for m in _HOME.finditer(text) if m[1].lower() not in _PUBLIC]
    out += [
        Finding(m.start(), m.end(), "HOST", 0.8, NAME)
        for m in _INTERNAL.finditer(text)
        if not m[0].startswith(("self.", "this."))
    ]
    for pattern, kind in _own:
        out += [Finding(m.start(), m.end(), kind, 0.9, NAME) for m in pattern.finditer(text)]
    return out
