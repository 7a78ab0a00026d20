"""IP addresses, parsed by `ipaddress`. Loopback, unspecified and documentation addresses are public; versions are none."""

from __future__ import annotations

import ipaddress
import re

from localrouter.core.findings import Finding

NAME = "ip"
_V4 = re.compile(r"(?<![\w.=@/v-])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d|-\w)")
_V6 = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:{1,2}){2,7}[0-9a-fA-F]{1,4}(?![\w:])")
_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})
_VERSION = re.compile(r"(version|ver|v|release|==|~=|>=|chrome|oid)[\s:=/\"']*$", re.I)


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for pattern in (_V4, _V6):
        for m in pattern.finditer(text):
            value = m[0]
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                continue
            if address.is_loopback or address.is_unspecified or address.is_multicast or value in _RESOLVERS:
                continue
            if value.startswith(("198.18.", "198.19.")) or value.lower().startswith("2001:db8:") or value == "255.255.255.255":
                continue
            if _VERSION.search(text[max(0, m.start() - 16) : m.start()]):
                continue
            out.append(Finding(m.start(), m.end(), "IP", 0.7, NAME))
    return out
