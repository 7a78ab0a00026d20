"""Secrets on command lines: `--password x`, `--token=x`, `-u user:pass`, `mysql -pX`, `sshpass -p X`, `docker login -p X`.

Long flags are read by their names, as fields are. Short ones mean a password only behind the commands whose manuals say so.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._fields import names
from localrouter.scrub.detectors._key_names import KIND
from localrouter.scrub.detectors._placeholder import placeholder
from localrouter.scrub.detectors._shape import random, wordy

NAME = "command_line"
_LONG = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z][\w.-]{1,60})(?:[ \t]*(?:[\"'],[ \t]*|\\\r?\n[ \t]*)|[ \t]+|=)(?P<q>\\?[\"'])?(?P<v>(?(q)[^\"'\n\\]{1,300}|[^\s\"'`;|<>)\]},]{1,300}))"
)
_VALUE = r"(?P<q>[\"'])?(?P<v>(?(q)[^\"'\n]{1,200}|[^\s\"'`;|<>)]{1,200}))"
_SHORT: tuple[tuple[str, re.Pattern[str]], ...] = (
    # curl(1) -u, wget-like tools, httpie -a: only what follows the first colon.
    ("curl", re.compile(r"\bcurl\b[^\n|;]{0,300}?\s(?:-[a-zA-Z]*u|--user|--proxy-user|-U)[ =]?(?P<q>[\"'])?[^\s:\"'$]{1,100}:(?P<v>(?(q)[^\"'\n]{1,200}|[^\s\"'`;|<>)]{1,200}))")),
    ("http", re.compile(r"\bhttps?[ \t][^\n|;]{0,200}?(?:\s-a|--auth)[ =](?P<q>[\"'])?[^\s:\"'$/]{1,100}:(?P<v>(?(q)[^\"'\n]{1,200}|[^\s\"'`;|<>)]{1,200}))")),
    # mysql(1): no space between -p and the password.
    ("mysql", re.compile(r"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mysqlimport|mysqlsh)\b[^\n|;]{0,200}?\s-p(?P<q>[\"'])?(?P<v>(?(q)[^\"'\n]{1,200}|[^\s\"'`;|<>)-][^\s\"'`;|<>)]{1,200}))")),
    ("-p", re.compile(rf"\b(?:sshpass|mongo|mongosh|mongodump|mongorestore|docker[ \t]+login|podman[ \t]+login|helm[ \t]+registry[ \t]+login|oc[ \t]+login|az[ \t]+login|az[ \t]+acr[ \t]+login|htpasswd[ \t]+-\w*b\w*|cf[ \t]+login|skopeo[ \t]+login|buildah[ \t]+login|oras[ \t]+login|crane[ \t]+auth[ \t]+login|snowsql|vault[ \t]+login|nexus|rabbitmqadmin|zip|unzip|7z|lftp|sqlcmd|bcp|isql|mosquitto_(?:pub|sub))\b[^\n|;]{{0,200}}?\s-(?:p|P|w)[ =]?{_VALUE}")),
    ("redis-cli", re.compile(rf"\bredis-cli\b[^\n|;]{{0,200}}?\s-a[ =]?{_VALUE}")),
    ("ldap", re.compile(rf"\bldap(?:search|add|modify|passwd|whoami|delete)\b[^\n|;]{{0,200}}?\s-w[ =]?{_VALUE}")),
    ("htpasswd", re.compile(r"\bhtpasswd\b[ \t]+-\w*b\w*[ \t]+(?:-\w+[ \t]+)*\S+[ \t]+[\w.@-]+[ \t]+(?P<q>[\"'])?(?P<v>(?(q)[^\"'\n]{1,200}|[^\s\"'`;|<>)]{1,200}))")),
    ("chpasswd", re.compile(r"\becho[ \t]+(?:-\w[ \t]+)?(?P<q>[\"'])?[\w.-]{1,64}:(?P<v>[^\s\"'|]{4,200})(?P=q)?[ \t]*\|[ \t]*(?:sudo[ \t]+)?chpasswd")),
    ("sudo", re.compile(r"\becho[ \t]+(?:-\w[ \t]+)?(?P<q>[\"'])?(?P<v>[^\s\"'|]{4,200})(?P=q)?[ \t]*\|[ \t]*sudo[ \t]+-\w*S")),
    ("stdin", re.compile(r"\becho[ \t]+(?:-\w[ \t]+)?(?P<q>[\"'])?(?P<v>[^\s\"'|]{4,400})(?P=q)?[ \t]*\|[^\n|]{0,200}--(?:password|token)-stdin")),
    ("net use", re.compile(r"(?i)\bnet[ \t]+user?[ \t]+\S{1,200}[ \t]+(?P<v>[^\s/\"'][^\s\"']{3,100})[ \t]+/(?:user|add)")),
    ("cmdkey", re.compile(r"(?i)\b(?:cmdkey|psexec|winrs|runas)\b[^\n]{0,200}?[/-]p(?:ass)?[: ](?P<v>[^\s\"'/]{4,100})")),
    ("openssl", re.compile(r"\bpass:(?P<v>[^\s\"'$`:]{4,100})(?=[\s\"']|$)")),
    ("swarm", re.compile(r"(?P<v>SWMTKN-\d-[0-9a-z]{40,60}-[0-9a-z]{20,30})")),
)  # fmt: skip
_NEEDS: dict[str, tuple[str, ...]] = {
    "curl": ("curl",), "http": ("http ", "https "), "mysql": (" -p",), "redis-cli": ("redis-cli",), "htpasswd": ("htpasswd",), "chpasswd": ("chpasswd",),
    "-p": (" -p", " -P", " -w"), "net use": ("net ",), "cmdkey": ("sexec", "SEXEC", "xec", "cmdkey", "winrs", "runas"), "openssl": ("pass:",),
    "stdin": ("-stdin",), "sudo": ("sudo",), "ldap": ("ldap",), "swarm": ("SWMTKN",),
}  # fmt: skip
"""One of these must stand in the text; looking for a word is far cheaper than the pattern."""


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for name in names(text) if "-" in text else ():
        dashes = name.start
        while dashes < name.end and text[dashes] == "-":
            dashes += 1
        if dashes == name.start or name.sense == "maybe":
            continue
        m = _LONG.match(text, max(name.start, dashes - 2))
        if m is not None:
            meaning = name.sense
            value = m["v"]
            if value.endswith("=") or (not m["q"] and text[m.start("v") - 1] == "\t"):
                continue  # the next argument of a call, a column
            if value.count(" ") >= 2 and wordy(value):
                continue  # a sentence about the flag
            if _nothing(value) or (meaning in ("token", "key") and not random(value, 12, 2.8)):
                continue
            if meaning in ("password", "phrase", "secret") and not (_hard(value) or m["q"] or len(value) >= 8):
                continue
            if value.isalpha() and text[m.start("v") - 1] != "=" and not random(value, 12, 3.0):
                continue
            out.append(Finding(m.start("v"), m.end("v"), KIND[meaning], 0.9, NAME))
    for command, pattern in _SHORT:
        if not any(need in text for need in _NEEDS[command]):
            continue
        for m in pattern.finditer(text):
            value = m["v"]
            if not _nothing(value) and (_hard(value) or command in ("curl", "sudo", "chpasswd", "cmdkey")):
                out.append(Finding(m.start("v"), m.end("v"), "TOKEN" if command == "swarm" else "PASSWORD", 0.9, NAME))
    return out


def _nothing(value: str) -> bool:
    return placeholder(value) or value.startswith(("-", "$", "<", "{", "@", "/", "%")) or "(" in value


def _hard(value: str) -> bool:
    """Digits or signs in it: a word behind a flag is usually a name."""
    return any(not c.isalpha() and c not in "-_./" for c in value)
