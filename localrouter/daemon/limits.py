"""Rate-limit headers: what a host says of its own limits is passed on to a client that speaks the host's own dialect, and nothing is made up.

They are true of the key that localrouter calls with, which is what a client that paces itself wants to know. Crossing dialects they would be
named after another vendor's counting, so they are left out; localrouter has no rate of its own to state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMES = {
    "openai_chat": re.compile(r"x-ratelimit-(?:limit|remaining|reset)-[a-z0-9-]{1,40}"),
    "openai_responses": re.compile(r"x-ratelimit-(?:limit|remaining|reset)-[a-z0-9-]{1,40}"),
    "anthropic_messages": re.compile(r"anthropic-ratelimit-[a-z0-9-]{1,60}"),
}
"""OpenAI's and Anthropic's documents, "Rate limits": their response headers, by wire."""
_VALUE = re.compile(r"[\x20-\x7e]{1,64}")


def passed_on(headers: Mapping[str, str], host_wire: str, client_wire: str) -> list[tuple[bytes, bytes]]:
    """The headers of a host's answer (lower-case names) that the client may see."""
    names = _NAMES.get(host_wire)
    if names is None or host_wire != client_wire:
        return []
    return [(k.encode(), v.encode()) for k, v in headers.items() if names.fullmatch(k) and _VALUE.fullmatch(v)]
