"""Names of tools on their way: what is sent for them, and the client's own name back again when the model calls one.

Two things change a name. A name that holds a private value (a person's, a machine's) is veiled like any text. And a name that the client's
dialect allows may be too long for a host, or hold what it refuses: OpenAI API reference, "Create chat completion": letters, digits,
underscores and dashes, 64 at most. Anthropic allows 128, and names of MCP tools use them. A name that does not fit is cut and marked with a
hash of the whole, so that it stays the same from turn to turn (a prompt cache depends on it).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from localrouter.core.ask import Leaf, Path
from localrouter.core.chat import Chat, Part, ToolCall

LONGEST = 64
_FITS = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST}}}")
_BAD = re.compile(r"[^A-Za-z0-9_-]")
_HASH = 8
_KEYS = ("name", "namespace", "tool_name")
"""Where the APIs name a tool: `tool_name` is Anthropic's reference to one, `namespace` stands beside the name of OpenAI's Responses."""
_FREE = frozenset({"parameters", "input_schema", "schema", "input_examples", "arguments", "metadata", "configs"})
"""Below these a "name" is the client's own word."""


def fitting(name: str) -> str:
    """The name, or what stands for it."""
    if not name or _FITS.fullmatch(name):
        return name
    mark = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_HASH // 2).hexdigest()
    return f"{_BAD.sub('_', name)[: LONGEST - _HASH - 1]}_{mark}"


def fitted(chat: Chat) -> tuple[Chat, dict[str, str]]:
    """(the request with names that fit, what was sent -> what it stands for)."""
    used = {t.name for t in chat.tools} | set(_called(chat))
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


def _called(chat: Chat) -> list[str]:
    return [p.name for turn in chat.turns for p in turn.parts if isinstance(p, ToolCall)]


# --- names that were veiled ------------------------------------------------------------------------


def names_a_tool(path: Path) -> bool:
    """Whether a leaf of a request is a tool's name, in any dialect."""
    return path[-1] in _KEYS and _FREE.isdisjoint(path) and "input" not in path[1:]


def veiled(leaves: Sequence[Leaf], texts: Sequence[str]) -> tuple[list[tuple[Path, str]], dict[str, str]]:
    """`texts` are the leaves as they leave. (further edits, by which the veiled names fit; what is sent -> the client's own name)."""
    changed = [(leaf, text) for leaf, text in zip(leaves, texts, strict=True) if text != leaf.text and names_a_tool(leaf.path)]
    tools = {leaf.text for leaf, _ in changed if leaf.where in ("tool_schema", "tool_arguments")}
    edits: list[tuple[Path, str]] = []
    back: dict[str, str] = {}
    for leaf, text in changed:
        if leaf.text in tools:
            sent = fitting(text)
            back[sent] = leaf.text
            if sent != text:  # what stands for a host or a mail address has dots
                edits.append((leaf.path, sent))
    return edits, back


def across(there: Chat, own: Chat) -> dict[str, str]:
    """Veiled names in neutral form, where a dialect may have put several into one (`namespace__name`): what is sent -> what the client's
    dialect would call it. `there` and `own` are the same request, veiled and not."""
    pairs = [([t.name for t in there.tools], [t.name for t in own.tools]), (_called(there), _called(own))]
    return {a: b for ours, theirs in pairs if len(ours) == len(theirs) for a, b in zip(ours, theirs, strict=True) if a != b}
