"""The three wires as a scripted host speaks them: what was asked, and an answer in each one's own form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Call:
    """A tool call of the model. Arguments: an object, or bare text for a custom (freeform) tool."""

    name: str
    arguments: dict[str, Any] | str

    @property
    def text(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments, ensure_ascii=False)


@dataclass(frozen=True)
class Reply:
    """What the model says, and the tools that it calls."""

    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A request: offered tools by name ("custom" or "function"), all texts of the conversation, the tool results in order, and whether
    the answer must be JSON."""

    model: str
    stream: bool
    tools: dict[str, str]
    texts: tuple[str, ...]
    results: tuple[str, ...]
    json_form: bool
    usage: bool = True


class Wire(Protocol):
    NAME: Literal["openai_chat", "anthropic_messages", "openai_responses"]

    def asked(self, tree: dict[str, Any]) -> Asked: ...
    def whole(self, asked: Asked, reply: Reply) -> dict[str, Any]: ...
    def events(self, asked: Asked, reply: Reply) -> Iterator[bytes]: ...
    def content(self, event: bytes) -> bool: ...
    def terminal(self, event: bytes) -> bool: ...
    def error_event(self) -> bytes: ...
    def fault(self, status: int) -> dict[str, Any]: ...
    def overflow(self) -> dict[str, Any]: ...


def of(path: str) -> Wire | None:
    """The wire of a path."""
    from clientkit.wires import chat, messages, responses

    if path.endswith("/chat/completions"):
        return chat
    if path.endswith(("/messages", "/messages/count_tokens")):
        return messages
    return responses if path.endswith("/responses") else None


def pieces(text: str, size: int = 7) -> list[str]:
    """Odd pieces, so that a placeholder is cut somewhere."""
    return [text[i : i + size] for i in range(0, len(text), size)]


def flat(content: Any) -> str:
    """The text of a content field: a string, or parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(
            flat(p.get("text", p.get("content", p.get("output", "")))) if isinstance(p, dict) else str(p) for p in content
        )
    return ""


def tokens(asked: Asked, reply: Reply) -> tuple[int, int]:
    """(input, output), roughly."""
    said = len(reply.text) + sum(len(c.text) for c in reply.calls)
    return max(1, sum(map(len, asked.texts)) // 4), max(1, said // 4)
