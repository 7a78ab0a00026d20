"""Whose is a key: a key belongs to one origin, and no other origin is ever given it (DESIGN section 2, threat T7).

A stored key carries its origin in its name. A variable or a systemd credential carries none, so the shipped catalogue says whose
it is: OPENAI_API_KEY is for OpenAI's own origin, and a config.toml that points `openai` elsewhere, or that names OPENAI_API_KEY
for a host of its own, does not get it. It does not know where keys lie.
"""

from __future__ import annotations

import functools
import re

from localrouter.config.catalogue import load_catalogue
from localrouter.core.catalogue import Host

_PLAIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?P<port>:[0-9]{1,5})?(?P<path>(?:/[a-z0-9._~:+=,-]+)*)/?",
    re.ASCII | re.IGNORECASE,
)
_OWN_PORT = {"https": ":443", "http": ":80"}
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


def bound(origin: str) -> str | None:
    """The name that a key of this origin has: `localrouter:` and the origin with its base path, scheme and host in lower case,
    without the scheme's own port and a closing slash. None for what no key is given to: not https (http only to a literal
    loopback address), a user or a query in it, or any character that two parsers could read differently."""
    found = _PLAIN.fullmatch(origin)
    if found is None:
        return None
    scheme, host, port = found["scheme"].lower(), found["host"].lower(), found["port"] or ""
    if scheme == "http" and host not in _LOOPBACK:
        return None
    return f"localrouter:{scheme}://{host}{'' if port == _OWN_PORT[scheme] else port}{found['path']}"


@functools.cache
def _shipped() -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """(variable -> the origins it is for, host name -> its origin), from the shipped catalogue alone."""
    hosts = load_catalogue().hosts.values()
    variables: dict[str, frozenset[str]] = {}
    for host in hosts:
        if host.key_env:
            variables[host.key_env] = variables.get(host.key_env, frozenset()) | {bound(host.origin) or ""}
    return variables, {h.name: bound(h.origin) or "" for h in hosts}


def variable_is_for(host: Host) -> bool:
    """Whether the variable that this host names may be given to its origin."""
    name = bound(host.origin)
    return name is not None and name in _shipped()[0].get(host.key_env, {name})


def credential_is_for(host: Host) -> bool:
    """Whether the credential that is called after this host may be given to its origin."""
    name = bound(host.origin)
    return name is not None and name == _shipped()[1].get(host.name, name)
