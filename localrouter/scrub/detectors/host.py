"""Hosts that only the inside knows: names under private zones (.internal, .corp, .lan, .local ...), under a `corp` label, cloud-internal names,
and machines that are called after their owner or by Windows (`Janes-MacBook-Pro`, `DESKTOP-4F7K2QL`).

`threading.local` and `org.acme.internal` are code: a dotted name without a digit or a hyphen needs a URL, a port or a cue around it.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._context import Cues
from localrouter.scrub.detectors._public import HOSTS
from localrouter.scrub.detectors._tlds import known

NAME = "host"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?"
_ZONE = re.compile(
    rf"(?<![\w.-])(?:{_LABEL}\.){{1,6}}(?:internal|corp|lan|intranet|intra|local|localdomain|home\.arpa|private)(?![\w(-]|\.\w|\s*=[^=])"
)
_INSIDE = re.compile(
    rf"(?<![\w.-])(?:{_LABEL}\.){{1,4}}(?:corp|internal|intranet|intra)(?:\.{_LABEL}){{1,3}}\.[a-z]{{2,12}}(?![\w(-]|\.\w)"
)
_CLOUD = re.compile(
    rf"(?<![\w.-])(?:ec2-\d{{1,3}}(?:-\d{{1,3}}){{3}}(?:\.{_LABEL}){{0,2}}\.amazonaws\.com|{_LABEL}(?:\.{_LABEL}){{1,3}}\.(?:rds|cache|redshift)\.amazonaws\.com|"
    rf"{_LABEL}\.(?:database|redis\.cache|postgres\.database|mysql\.database)\.windows\.net|ip-\d{{1,3}}(?:-\d{{1,3}}){{3}})(?![\w-])"
)
_MACHINE = re.compile(
    r"(?<![\w.-])(?:[A-Za-z][\w]{1,30}-(?:MacBook(?:-(?:Pro|Air))?|iMac|Mac-mini|Mac-Studio|iPhone|iPad|mbp|macbook|laptop|thinkpad|desktop|pc)(?:-\d{1,3})?|(?:DESKTOP|LAPTOP|WIN)-[A-Z0-9]{7,11})(?![\w-])"
)
_SHARE = re.compile(
    r"(?<![\w\\:/])\\{2}(?P<h>(?=[\w.-]*\d)[A-Za-z][\w.-]{1,62})\\[\w$]|(?<![\w\\:/])\\{4}(?P<g>(?=[\w.-]*\d)[A-Za-z][\w.-]{1,62})\\\\[\w$]"
)
_NEEDLES = (
    ".internal", ".corp", ".lan", ".intra", ".local", ".home.arpa", ".private", "amazonaws", "windows.net", "-mac", "-imac", "-mbp", "-laptop", "-thinkpad", "-desktop", "-pc", "-iphone", "-ipad",
    "desktop-", "laptop-", "win-", "ip-1",
)  # fmt: skip
_CUES = Cues(
    "host, hosts, hostname, server, servers, ssh, scp, rsync, ping, curl, dns, fqdn, domain, node, endpoint, url, connect, connected, connecting, machine, peer, upstream, proxy, smtp, ldap, nslookup, dig, broker, cluster"
)
_CODE = (
    "self.",
    "this.",
    "threading.",
    "super.",
    "window.",
    "cls.",
    "com.",
    "org.",
    "io.",
    "net.",
    "settings.",
    "config.",
    "env.",
    "@",
    "java.",
    "sun.",
    "jdk.",
    "std.",
)
_LOOSE = (".local", ".internal", ".private")


def find(text: str, context: str) -> list[Finding]:
    shares = (
        [Finding(m.start(g), m.end(g), "HOST", 0.7, NAME) for m in _SHARE.finditer(text) for g in "hg" if m[g]]
        if "\\\\" in text
        else []
    )
    low = text.lower()
    if not any(needle in low for needle in _NEEDLES):
        return shares
    out = shares
    for pattern, score in ((_ZONE, 0.8), (_INSIDE, 0.75), (_CLOUD, 0.8), (_MACHINE, 0.7)):
        for m in pattern.finditer(text):
            if _inside(m[0], pattern is _MACHINE, text, m.start(), m.end(), context):
                out.append(Finding(m.start(), m.end(), "HOST", score, NAME))
    return out


def _inside(name: str, machine: bool, text: str, start: int, end: int, context: str) -> bool:
    low = name.lower()
    if low in HOSTS or low.startswith("www."):
        return False
    if machine:
        # `acme-laptop` may be a product; a personal machine has its owner's possessive, a digit, or a cue beside it.
        return (
            name.startswith(("DESKTOP-", "LAPTOP-", "WIN-"))
            or "-MacBook" in name
            or "-iP" in name
            or "-mbp" in low
            or _CUES.near(text, start, end, context, before=24, after=12)
        )
    around = text[max(0, start - 3) : start].endswith(("//", "@")) or bool(re.match(r":\d{2,5}\b|/", text[end : end + 6]))
    if low.startswith(_CODE) and not around:
        return False
    if not known(low.rpartition(".")[2]) or ("-" not in name and not around and _code(text, start)):
        return False
    if not low.endswith(_LOOSE):
        return True
    marked = any(c.isdigit() for c in name) or "-" in name
    return around or marked or _CUES.near(text, start, end, context, before=32, after=12)


def _code(text: str, start: int) -> bool:
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return bool(re.search(r"\b(?:import|from|package|require|include|using|module)\b[^:]*$", line))
