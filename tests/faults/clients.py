"""Three clients that know nothing but HTTP, and what each saw: one request of each dialect, and the answer or the error in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import legal
from wires import Name

PATHS: dict[Name, str] = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
SCHEMA = {"type": "object"}


@dataclass
class Told:
    """`code`: the error's, in the dialect's own word. `ended`: the last event of a whole answer was seen."""

    text: str = ""
    code: str = ""
    ended: bool = False
    heads: int = 0
    blocks: int = 0


def body(client: Name, model: str, words: str, stream: bool) -> dict[str, Any]:
    """The request."""
    said = {"model": model, "stream": stream}
    if client == "responses":
        return {**said, "input": words, "tools": [{"type": "function", "name": "look", "parameters": SCHEMA}]}
    turns = [{"role": "user", "content": words}]
    if client == "messages":
        return {**said, "messages": turns, "max_tokens": 1024, "tools": [{"name": "look", "input_schema": SCHEMA}]}
    return {**said, "messages": turns, "tools": [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}]}


def whole(client: Name, tree: dict[str, Any]) -> Told:
    """An answer that was not streamed, or an error."""
    if tree.get("error"):
        error = tree["error"]
        assert "Traceback" not in error["message"]
        if client == "messages":
            assert tree["type"] == "error" and set(error) >= {"type", "message"} and "request_id" in tree, (
                "the shape that the SDKs read"
            )
            return Told(code=error["type"])
        assert set(error) >= {"message", "type", "param", "code"}, "the shape that the SDKs read"
        return Told(code=error["code"])
    if client == "chat":
        return Told(tree["choices"][0]["message"]["content"] or "", ended=True)
    if client == "messages":
        return Told("".join(b["text"] for b in tree["content"] if b["type"] == "text"), ended=True)
    return Told(_text(tree), ended=True)


def _text(response: dict[str, Any]) -> str:
    parts = [p for item in response["output"] if item["type"] == "message" for p in item["content"]]
    return "".join(p.get("text", p.get("refusal", "")) for p in parts)


def stream(client: Name, raw: str, *, ours: bool) -> Told:
    """A stream. `ours`: every event of it is written by the daemon, which keeps to the dialect's order whatever the host did."""
    events = _events(raw)
    if ours and client != "chat" and events:
        _lawful(client, events)
    told = Told()
    for tree in events:
        assert not told.ended and not told.code, "nothing comes after the end"
        {"chat": _chat, "messages": _messages, "responses": _responses}[client](tree, told)
    return told


def _lawful(client: Name, events: list[dict[str, Any]]) -> None:
    if client == "messages":
        legal.messages(events)
    else:
        legal.responses(events)


def _events(raw: str) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for line in raw.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line.removeprefix("\ufeff")
        if line.startswith("data: "):
            data = line.removeprefix("data: ")
            out.append({"type": "[DONE]"} if data == "[DONE]" else json.loads(data))
    return out


def _chat(tree: dict[str, Any], told: Told) -> None:
    if tree.get("type") == "[DONE]":
        told.ended = True
        return
    if "error" in tree:
        told.code = tree["error"]["code"]
    for choice in tree.get("choices", ()):
        told.text += choice["delta"].get("content") or ""


def _messages(tree: dict[str, Any], told: Told) -> None:
    match tree["type"]:
        case "message_start":
            told.heads += 1
            assert told.heads == 1, "the SDKs raise on a second one"
        case "content_block_start":
            told.blocks += 1
        case "content_block_stop":
            told.blocks -= 1
            assert told.blocks == 0, "one block at a time, each begun once"
        case "error":
            told.code = tree["error"]["type"]
        case "message_stop":
            told.ended = True
        case "content_block_delta":
            told.text += tree["delta"].get("text", "")


def _responses(tree: dict[str, Any], told: Told) -> None:
    match tree["type"]:
        case "response.failed":
            told.code = tree["response"]["error"]["code"]
        case "response.completed" | "response.incomplete":
            told.ended = True
            assert _text(tree["response"]) == told.text, "the end repeats what was said"
        case "response.output_text.delta" | "response.refusal.delta":
            told.text += tree["delta"]
