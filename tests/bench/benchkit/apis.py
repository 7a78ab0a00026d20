"""The same request in each API: a body of chat completions as Messages and as Responses, in the shape in which agents send them.

What goes with it is what the recorded clients send (Claude Code and Codex): blocks with `cache_control` on the last of the tools, of the system
prompt and of the newest turn; items with ids, `store: false`, encrypted reasoning asked for.
"""

from __future__ import annotations

import json
from typing import Any

Tree = dict[str, Any]

_CACHED = {"cache_control": {"type": "ephemeral"}}


def convert(tree: Tree, api: str) -> Tree:
    """`tree` is a body of chat completions without a model. Raises KeyError for an unknown API."""
    return {"chat": _same, "messages": _messages, "responses": _responses}[api](tree)


def streamed(tree: Tree, api: str) -> Tree:
    """The same, to be streamed."""
    return {**tree, "stream": True} | ({"stream_options": {"include_usage": True}} if api == "chat" else {})


def _same(tree: Tree) -> Tree:
    return tree


def _last_cached(blocks: list[Tree]) -> list[Tree]:
    return [*blocks[:-1], {**blocks[-1], **_CACHED}] if blocks else blocks


def _messages(tree: Tree) -> Tree:
    system: list[Tree] = []
    turns: list[Tree] = []
    for message in tree["messages"]:
        role, text = message["role"], message["content"]
        if role == "system":
            system.append({"type": "text", "text": text})
        elif role == "tool":
            result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": text}
            turns.append({"role": "user", "content": [result]})
        else:
            blocks: list[Tree] = [{"type": "text", "text": text}]
            for call in message.get("tool_calls", ()):
                said = call["function"]
                blocks.append(
                    {"type": "tool_use", "id": call["id"], "name": said["name"], "input": json.loads(said["arguments"])}
                )
            turns.append({"role": role, "content": blocks})
    turns[-1] = {**turns[-1], "content": _last_cached(turns[-1]["content"])}
    out: Tree = {"messages": turns, "max_tokens": tree["max_tokens"], "system": _last_cached(system)}
    if tree.get("tools"):
        functions = [tool["function"] for tool in tree["tools"]]
        tools = [{"name": f["name"], "description": f["description"], "input_schema": f["parameters"]} for f in functions]
        out["tools"] = _last_cached(tools)
    return out


def _responses(tree: Tree) -> Tree:
    instructions: list[str] = []
    items: list[Tree] = []
    for i, message in enumerate(tree["messages"]):
        role, text = message["role"], message["content"]
        if role == "system":
            instructions.append(text)
        elif role == "tool":
            items.append({"type": "function_call_output", "call_id": message["tool_call_id"], "output": text})
        elif role == "user":
            items.append({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]})
        else:
            part = {"type": "output_text", "text": text, "annotations": []}
            items.append({"type": "message", "id": f"msg_{i:08}", "role": role, "status": "completed", "content": [part]})
            for call in message.get("tool_calls", ()):
                said = call["function"]
                items.append(
                    {"type": "function_call", "call_id": call["id"], "name": said["name"], "arguments": said["arguments"]}
                )
    out: Tree = {
        "instructions": "\n\n".join(instructions),
        "input": items,
        "max_output_tokens": tree["max_tokens"],
        "store": False,
    }
    if tree.get("tools"):
        out["tools"] = [{"type": "function", "strict": False, **tool["function"]} for tool in tree["tools"]]
        out |= {"tool_choice": "auto", "parallel_tool_calls": True, "include": ["reasoning.encrypted_content"]}
    return out
