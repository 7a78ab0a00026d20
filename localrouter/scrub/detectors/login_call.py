"""A user and a password as neighbouring arguments: `login("bob", "...")`, `NetworkCredential(...)`, `mysqli_connect(host, user, "...")`.

The callable's name says that one of its string arguments is a password; the first argument is a user, a host or a connection.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._fields import lower
from localrouter.scrub.detectors._placeholder import placeholder

NAME = "login_call"
_CALL = re.compile(
    r"(?i)(?:\b(?P<two>log_?in|sign_?in|authenticate|logon|basic_?auth|set_?basic_?auth|http_?basic_?auth|digest_?auth|network_?credential|username_?password_?credentials?|password_?authentication|"
    r"plain_?text_?auth_?provider|simple_?bind(?:_s)?|set_?credentials|auth)|\b(?P<three>mysqli?_connect|mysqli|pdo|directory_?entry|ftp_login|imap_open|ldap_bind|ssh2_auth_password|get_?connection|password_?auth)"
    r")\s{0,2}[=]?\s{0,2}\(\s{0,40}"
)
_ARGUMENT = re.compile(
    r"\s{0,40}(?:[rbfu@$]{0,2}(?P<q>[\"'])(?P<v>(?:[^\"'\\\n]|\\.){0,200})(?P=q)|(?P<name>[\w.$>:\[\]\"'()-]{1,80}))\s{0,40}(?P<end>[,)])"
)


_STEMS = (
    "login",
    "log_in",
    "logon",
    "sign",
    "authenticat",
    "basic",
    "digest",
    "credential",
    "auth(",
    "auth =",
    "auth=",
    "password",
    "plain",
    "bind",
    "connect",
    "mysqli",
    "pdo",
    "directory",
    "imap_open",
)


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    low = lower(text)
    if "(" not in text or not any(stem in low for stem in _STEMS):
        return out
    for m in _CALL.finditer(text):
        at = m.end()
        arguments: list[re.Match[str]] = []
        while len(arguments) < 4 and (a := _ARGUMENT.match(text, at)) is not None:
            arguments.append(a)
            at = a.end()
            if a["end"] == ")":
                break
        place = 2 if m["three"] else 1
        if len(arguments) <= place and not (m["three"] and len(arguments) == 3):
            continue
        value = arguments[place]["v"]
        if value and _password(value) and (arguments[0]["v"] is None or len(arguments[0]["v"]) > 1):
            out.append(Finding(arguments[place].start("v"), arguments[place].end("v"), "PASSWORD", 0.85, NAME))
    return out


def _password(value: str) -> bool:
    return (
        len(value) >= 5
        and " " not in value
        and "/" not in value[:1]
        and not placeholder(value)
        and (any(c.isdigit() for c in value) or len(value) >= 14)
    )
