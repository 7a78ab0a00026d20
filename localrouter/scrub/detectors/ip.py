"""IP addresses, v4 and v6, parsed by `ipaddress`; port, zone and prefix length stay outside the span.

Left alone: loopback, unspecified, multicast, documentation (RFC 5737, RFC 3849), netmasks, public resolvers, the private blocks as blocks
(`10.0.0.0/8`), the range our own surrogates come from; versions, OIDs, slices, `std::vec`. A v4 address of four small numbers
(`2.4.0.1`) is more often a version: it needs a cue, a port or a URL around it.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from localrouter.core.findings import Finding
from localrouter.scrub.common_words import words
from localrouter.scrub.detectors import _threshold
from localrouter.scrub.detectors._context import Cues
from localrouter.scrub.detectors._digits import LETTER

NAME = "ip"
_V4 = re.compile(rf"\d(?<!{LETTER}\d)(?<!\.\d)\d{{0,2}}(?:\.\d{{1,3}}){{3}}(?!{LETTER}|\.\d|-[A-Za-z])")
_V6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{1,4}(?:(?<=[:.]\d)|(?<=[:.]\d\d)|(?<=[:.]\d{3}))(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4})(?![\w:]|\.\d)"
)
_GATE6 = re.compile(r"[0-9a-fA-F]:(?:[0-9a-fA-F]{1,4}:){4}")
"""An address without `::` has five groups in a row; a clock has three."""
_RESOLVERS = words("8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220 169.254.169.254")
_BLOCKS = words("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 100.64.0.0/10")
_NOBODY = [
    ipaddress.ip_network(n)
    for n in (
        "0.0.0.0/8",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "2001:db8::/32",
        "fec0::/10",
    )
]
_VERSION = re.compile(
    r"(?:(?:\b|_)(?:versions?|ver|v|rev|release[ds]?|build|chrome|firefox|safari|edge|firmware|oid|assembly\w*|since|upgrad\w+|driver|sdk)\b[\w .:=\"'(\[]{0,14}|[=~<>!^]=\s?|\bv|[<>^~]\s?)$",
    re.I,
)
_PORT = re.compile(r":\d{2,5}(?!\d)|/\d{1,2}(?!\d)")
_CUES = Cues(
    "ip, ips, ipv4, ipv6, ip address, addr, address, host, hosts, hostname, server, peer, client, remote, src, dst, source, from, to, ping, ssh, connect, connected, connection, listen, "
    "listening, bind, bound, gateway, dns, nameserver, inet, inet6, subnet, cidr, proxy, forwarded, x forwarded for, real ip, endpoint, adresse, direccion, indirizzo, node, nodes, router"
)
configure = _threshold.configure


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for m in _V4.finditer(text):
        score = _v4(text, m.start(), m.end(), context)
        if score and _threshold.passes("IP", score):
            out.append(Finding(m.start(), m.end(), "IP", score, NAME))
    if "::" in text or _GATE6.search(text):
        for m in _V6.finditer(text):
            score = _v6(m[0], text, m.start(), m.end(), context)
            if score and _threshold.passes("IP", score):
                out.append(Finding(m.start(), m.end(), "IP", score, NAME))
    return out


@lru_cache(maxsize=4096)
def _public(value: str) -> bool:
    """Whether an address is none, or tells nothing about anybody. Logs repeat their addresses, and parsing is what costs."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return True
    if address.is_loopback or address.is_unspecified or address.is_multicast or value in _RESOLVERS:
        return True
    return any(address.version == net.version and address in net for net in _NOBODY)


def _v4(text: str, start: int, end: int, context: str) -> float:
    value = text[start:end]
    if _public(value) or value + text[end : end + 3].rstrip() in _BLOCKS:
        return 0.0
    parts = value.split(".")
    before, after = text[max(0, start - 30) : start], text[end : end + 6]
    prev = before[-1:]
    url = before.endswith(("//", "@", "[")) or bool(_PORT.match(after))
    if prev == "/" and not before.endswith("//") and (before[-2:-1].isalnum() or before[-2:-1] in "_-"):
        return 0.0  # Chrome/120.0.0.0, /opt/app/1.2.3.4/bin
    if prev == "-" and before[-2:-1].isalnum() and not re.search(r"\d\.\d{1,3}-$", before):
        return 0.0  # name-1.2.3.4.tar.gz
    if prev == "@" and int(parts[0]) < 10:
        return 0.0  # pkg@1.2.3.4
    if before and prev != "\n" and _VERSION.search(before) and not before.endswith("//"):
        return 0.0
    if context and re.search(r"(?i)version|\bver\b|release", context.rpartition(".")[2]):
        return 0.0
    if (
        all(int(p) < 32 for p in parts)
        and int(parts[0]) != 10
        and not url
        and not _CUES.near(text, start, end, context, before=40, after=12)
    ):
        return 0.3
    return 0.75


def _v6(value: str, text: str, start: int, end: int, context: str) -> float:
    if _public(value):
        return 0.0
    groups = [g for g in value.split(":") if g]
    if len(groups) == 8 or (len(groups) >= 4 and any(len(g) > 2 for g in groups)):
        return 0.85
    # `a::b` may be a path in C++ or Rust, `1::2` a slice: a short one starts like a routed or a local address, or has a cue.
    routed = (
        len(groups) >= 2
        and len(groups[0]) == 4
        and groups[0][0] in "23fF"
        and groups[0].lower() not in ("face", "feed", "fade", "food")
    )
    marked = (text[start - 1 : start] == "[" and text[end : end + 2] == "]:") or text[end : end + 1] in ("%", "/")
    if routed and (marked or any(c.isalpha() for c in value) or len(groups) >= 3):
        return 0.8
    if (
        len(groups) >= 2
        and any(c.isdigit() for c in value)
        and (marked or _CUES.near(text, start, end, context, before=24, after=0))
    ):
        return 0.6
    return 0.3
