"""Names of tools that every host takes: a name that the client's dialect allows may be too long, or hold what another refuses.

OpenAI API reference, "Create chat completion": a function's name has letters, digits, underscores and dashes, 64 at most. Anthropic
allows 128, and names of MCP tools use them. A name that does not fit is cut and marked with a hash of the whole, so that it stays the
same from turn to turn (a prompt cache depends on it), and is given back when the model calls it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from localrouter.core.chat import Chat, Part, ToolCall

LONGEST = 64
_FITS = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST}}}")
_BAD = re.compile(r"[^A-Za-z0-9_-]")
_HASH = 8


def fitting(name: str) -> str:
    """The name, or what stands for it."""
    if not name or _FITS.fullmatch(name):
        return name
    mark = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_HASH // 2).hexdigest()
    return f"{_BAD.sub('_', name)[: LONGEST - _HASH - 1]}_{mark}"


def fitted(chat: Chat) -> tuple[Chat, dict[str, str]]:
    """(the request with names that fit, what was sent -> what the client calls it)."""
    used = {t.name for t in chat.tools} | {p.name for turn in chat.turns for p in turn.parts if isinstance(p, ToolCall)}
    back = {short: name for name in used if (short := fitting(name)) != name}
    if not back:
        return chat, {}
    there = {name: short for short, name in back.items()}

    def part(own: Part) -> Part:
        return replace(own, name=there.get(own.name, own.name)) if isinstance(own, ToolCall) else own

    return replace(
        chat,
        turns=tuple(replace(t, parts=tuple(part(p) for p in t.parts)) for t in chat.turns),
        tools=tuple(replace(t, name=there.get(t.name, t.name)) for t in chat.tools),
        choice=replace(chat.choice, name=there.get(chat.choice.name, chat.choice.name)) if chat.choice is not None else None,
    ), back
