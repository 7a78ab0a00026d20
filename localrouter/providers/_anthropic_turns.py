"""Turns in neutral form as the messages of the Messages API, which is strict about their order (see `_anthropic_body.py`)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import orjson

from localrouter.core.chat import Document, Image, Part, Text, Thought, ToolCall, ToolResult, Turn
from localrouter.core.claude import Traits
from localrouter.core.errors import CannotCross

REDACTED = "redacted_thinking:"
"""In front of the mark of a redacted thought, which goes back as a block of that kind. The Reader names it so, and the dialect too."""
BEGIN = "(The conversation begins with your words.)"
GO_ON = "Continue."
"""Said for the user where the API wants a user's turn and the request has none: at its beginning, and at its end when the model
does not continue a prefilled answer."""
NO_RESULT = "No result of this call was recorded."

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_BAD_ID = re.compile(r"[^A-Za-z0-9_-]")
_MEDIA = ("image/jpeg", "image/png", "image/gif", "image/webp")
_TTLS = ("5m", "1h")
Block = dict[str, Any]


def name_of(name: str) -> str:
    """A tool's name, if the API takes it. Raises CannotCross."""
    if not _NAME.fullmatch(name):
        raise CannotCross(
            "A tool's name has characters other than letters, digits, '_' and '-', or is too long for the Messages API.",
            "Rename the tool.",
        )
    return name


def cached(block: Block, cache: dict[str, Any] | None) -> Block:
    """The block with its cache mark, when that is one that the API knows."""
    if not isinstance(cache, dict) or cache.get("type") != "ephemeral":
        return block
    mark = {"type": "ephemeral"} | ({"ttl": cache["ttl"]} if cache.get("ttl") in _TTLS else {})
    return {**block, "cache_control": mark}


class Turns:
    """`system`: the blocks in front; `messages`; `called`: names of tools that were called; `loop_without_thought`: the last turns are a
    tool's results for a turn that does not begin with a thought, which forbids a thinking budget."""

    def __init__(self, turns: tuple[Turn, ...], can: Traits) -> None:
        self.system: list[Block] = []
        self.messages: list[dict[str, Any]] = []
        self.called: dict[str, None] = {}
        self._ids: dict[str, str] = {}
        self._can = can
        head = True
        for at, turn in enumerate(turns):
            if turn.role == "system":
                blocks = self._texts(turn.parts)
                if head:
                    self.system += blocks
                elif blocks:
                    self._inside(blocks, turns[at + 1 :])
                continue
            head = False
            blocks = [block for part in turn.parts for block in self._blocks(part, turn.role)]
            if blocks:
                self._add(turn.role, blocks)
        self._settle_ends()
        self._pair()
        self.loop_without_thought = self._loop_without_thought()
        for message in self.messages:
            content = message["content"]
            if len(content) == 1 and content[0]["type"] == "text" and len(content[0]) == 2 and message["role"] != "system":
                message["content"] = content[0]["text"]

    # --- order -----------------------------------------------------------------------------------

    def _add(self, role: str, blocks: list[Block]) -> None:
        if self.messages and self.messages[-1]["role"] == role:
            self.messages[-1]["content"] += blocks
        else:
            self.messages.append({"role": role, "content": blocks})

    def _inside(self, blocks: list[Block], rest: tuple[Turn, ...]) -> None:
        """A system turn in the middle: legal behind a user's turn, when a turn of the model or nothing follows."""
        following = next((turn.role for turn in rest if turn.role != "system"), "assistant")
        after = self.messages[-1]["role"] if self.messages else ""
        if self._can.system_inside and following == "assistant" and after in ("user", "system"):
            self._add("system", blocks)
            return
        said = [{**block, "text": f"<system>\n{block['text']}\n</system>"} for block in blocks]
        self._add("user", said)

    def _settle_ends(self) -> None:
        if not self.messages or self.messages[0]["role"] != "user":
            self.messages.insert(0, {"role": "user", "content": [{"type": "text", "text": BEGIN}]})
        last = self.messages[-1]
        if last["role"] == "assistant":
            if not self._can.prefill or any(block["type"] != "text" for block in last["content"]):
                self.messages.append({"role": "user", "content": [{"type": "text", "text": GO_ON}]})
            else:
                last["content"][-1] = {**last["content"][-1], "text": last["content"][-1]["text"].rstrip()}

    def _pair(self) -> None:
        """Every call has one result in the user's next turn, in front; a result of no call there is told as text."""
        out: list[dict[str, Any]] = []
        for message in self.messages:
            if message["role"] != "user":
                out.append(message)
                continue
            wanted = self._open(out)
            given = {b["tool_use_id"]: b for b in reversed(message["content"]) if b["type"] == "tool_result"}
            results = [given.get(call) or _no_result(call) for call in wanted]
            chosen = {id(block) for block in results}
            rest = [
                block if block["type"] != "tool_result" else _told(block)
                for block in message["content"]
                if id(block) not in chosen
            ]
            out.append({"role": "user", "content": [*results, *rest]})
        self.messages = out

    @staticmethod
    def _open(out: list[dict[str, Any]]) -> list[str]:
        """Calls of the turn before that wait for a result. Behind a turn of the model there is always one of the user."""
        if not out or out[-1]["role"] != "assistant":
            return []
        return [block["id"] for block in out[-1]["content"] if block["type"] == "tool_use"]

    def _loop_without_thought(self) -> bool:
        users = [i for i, m in enumerate(self.messages) if m["role"] == "user"]
        if not users or not any(b["type"] == "tool_result" for b in self.messages[users[-1]]["content"]):
            return False
        before = next((m for m in reversed(self.messages[: users[-1]]) if m["role"] == "assistant"), None)
        return before is not None and before["content"][0]["type"] not in ("thinking", "redacted_thinking")

    # --- blocks ----------------------------------------------------------------------------------

    @staticmethod
    def _texts(parts: tuple[Part, ...]) -> list[Block]:
        return [cached({"type": "text", "text": p.text}, p.cache) for p in parts if isinstance(p, Text) and p.text.strip()]

    def _blocks(self, part: Part, role: str) -> list[Block]:
        match part:
            case Text():
                return self._texts((part,))
            case Thought():
                return _thought(part) if role == "assistant" else []
            case ToolCall():
                return [self._call(part)]
            case ToolResult():
                inner = [block for item in part.parts for block in self._blocks(item, "user")]
                return [cached(self._result(part, inner), part.cache)]
            case Image() | Document() if role == "assistant":
                raise CannotCross("The Messages API takes no pictures and files in the model's own turns.", "Leave them out.")
            case Image():
                return [cached({"type": "image", "source": _picture(part)}, part.cache)]
            case Document():
                title = {"title": part.name} if part.name else {}
                return [cached({"type": "document", "source": _document(part), **title}, part.cache)]

    def _call(self, call: ToolCall) -> Block:
        self.called[name_of(call.name)] = None
        given: Any = {"input": call.arguments}
        if call.kind == "function":
            given = _object(call.arguments)
        return cached({"type": "tool_use", "id": self._id(call.id), "name": call.name, "input": given}, call.cache)

    def _result(self, result: ToolResult, inner: list[Block]) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": self._id(result.call_id)}
        if inner:
            plain = len(inner) == 1 and inner[0]["type"] == "text" and len(inner[0]) == 2
            block["content"] = inner[0]["text"] if plain else inner
        if result.error:
            block["is_error"] = True
        return block

    def _id(self, given: str) -> str:
        """An id that the API takes, the same for a call and its result, and of no other call."""
        found = self._ids.get(given)
        if found is None:
            name = _BAD_ID.sub("_", given) or "toolu_0"
            found, n = name, 1
            while found in self._ids.values():
                n += 1
                found = f"{name}_{n}"
            self._ids[given] = found
        return found


def _no_result(call: str) -> Block:
    return {"type": "tool_result", "tool_use_id": call, "content": NO_RESULT, "is_error": True}


def _told(result: Block) -> Block:
    content = result.get("content", "")
    text = content if isinstance(content, str) else "\n".join(b.get("text", "") for b in content)
    return {"type": "text", "text": f"Result of a call that is not in this conversation:\n{text}"}


def _thought(thought: Thought) -> list[Block]:
    if not thought.opaque:
        return []  # unsigned: this API knows no other
    if thought.opaque.startswith(REDACTED):
        return [{"type": "redacted_thinking", "data": thought.opaque.removeprefix(REDACTED)}]
    return [{"type": "thinking", "thinking": thought.text, "signature": thought.opaque}]


def _object(text: str) -> dict[str, Any]:
    """Arguments; what is no JSON object becomes an empty one (notes on gateways, 6.18)."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _picture(image: Image) -> Block:
    if image.data:
        media = image.media.lower().replace("image/jpg", "image/jpeg")
        if media not in _MEDIA:
            raise CannotCross("The Messages API takes pictures as JPEG, PNG, GIF or WebP only.", "Convert the picture.")
        return {"type": "base64", "media_type": media, "data": image.data}
    if not image.url:
        raise CannotCross("A picture has neither data nor an address.", "Send it as base64.")
    return {"type": "url", "url": image.url}


def _document(document: Document) -> Block:
    if document.text:
        return {"type": "text", "media_type": "text/plain", "data": document.text}
    if document.url:
        return {"type": "url", "url": document.url}
    if document.media == "application/pdf" or not document.media:
        return {"type": "base64", "media_type": "application/pdf", "data": document.data}
    if document.media.startswith("text/") or document.media in ("application/json", "application/xml"):
        try:
            text = base64.b64decode(document.data, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        if text:
            return {"type": "text", "media_type": "text/plain", "data": text}
    raise CannotCross("The Messages API takes files as PDF or text only.", "Send the text of the file.")
