"""Whose home a path leads to: Linux, macOS, Windows, WSL, Git Bash, `~jane`, also escaped, URL-encoded or with dashes for slashes.

Only the user's segment is the value, so that the path stays a path.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._public import account

NAME = "home_path"
_SEP = r"(?:\\{0,4}/|\\{1,8}|%2[fF]|%5[cC])"
_WORD = r"[^\W][\w.+@-]{0,63}"
_SLASHED = re.compile(
    rf"(?:(?<=[hH][oO][mM][eE])|(?<=[uU]sers)|(?<=and Settings)){_SEP}(?P<user>{_WORD}(?:\\? {_WORD}){{0,2}}(?=[\\/])|{_WORD})"
)
_HEAD = re.compile(
    r"(?:(?:^|[^\w.%\\/-]|(?<=[\s\"'=(:,]))(?:file:/{2,3}(?:[A-Za-z]:)?)?|\\{1,4}[nrt]|[A-Za-z](?::|%3[aA])|/mnt/[a-z]|/[a-z]|/(?:var|usr|export|nfs|data|srv|mnt|media|net|host|System/Volumes/Data|private|rootfs|chroot)|\\\\[\w.$-]{1,63}|wsl\$\\\\?[\w.-]{1,40}|wsl\.localhost\\\\?[\w.-]{1,40}|%3[aA]|(?:[A-Za-z][\w+.-]*:)/{2}[\w.+@-]{0,100})"
    rf"{_SEP}(?:home|Users|users|HOME|Documents and Settings)$"
)
_TILDE = re.compile(r"(?<![\w~/.\\)\]}\"'-])~([a-z_][a-z0-9_.-]{1,31})(?=[/\s:'\"`]|$)")
_COMMAND = re.compile(r"\b(?:cd|ls|cp|mv|cat|rm|du|find|tree|chown|rsync|scp|tar|in|from|under)\s(?:-\w+\s|[^\s|;&]+\s){0,2}\Z")
"""A shell's word before `~jane` alone: elsewhere a tilde negates bits, rounds numbers, or is a sign of its own."""
_DASHED = re.compile(r"(?<![\w-])-(?:home|Users)-([A-Za-z0-9_.]{2,40})(?=-|[/\s\"'`]|$)")
_WEB = re.compile(r"(?i)\.(?:html?|php|aspx?|jsx?|tsx?|py|css|json|svg|png|md|vue|rb|go|rs)$")
_WEB_URL = re.compile(r"(?i)^(?:https?|wss?|ftp)://|[^\w]?(?:https?|wss?)://")
_DRIVE = re.compile(r"(?i)(?:[a-z]:|/mnt/[a-z]|/[a-z])/users$")
BACK = 160
"""Characters before the user's segment that are looked at to tell a path's start from a web route's middle."""


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    if "ome" in text or "OME" in text or "sers" in text or "Settings" in text:
        for m in _SLASHED.finditer(text):
            if _private(m["user"]) and _path(text[max(0, m.start() - BACK) : m.start()]):
                out.append(Finding(m.start("user"), m.start("user") + len(m["user"].rstrip(".")), "OWN_USER", 0.9, NAME))
        for m in _DASHED.finditer(text):
            if _private(m[1]):
                out.append(Finding(m.start(1), m.end(1), "OWN_USER", 0.8, NAME))
    if "~" in text:
        for m in _TILDE.finditer(text):
            if _private(m[1]) and (
                text[m.end() : m.end() + 1] == "/" or _COMMAND.search(text[max(0, m.start() - 24) : m.start()])
            ):
                out.append(Finding(m.start(1), m.end(1), "OWN_USER", 0.8, NAME))
    return out


def _path(head: str) -> bool:
    """Whether what stands before the user's segment begins a path of a disk. `/users/7` and `https://host/Users/list` are web routes."""
    m = _HEAD.search(head)
    if m is None or _WEB_URL.search(m[0]):
        return False
    return not head.endswith("/users") or bool(_DRIVE.search(head))


def _private(name: str) -> bool:
    return not account(name) and not _WEB.search(name) and not name.startswith("~")
