"""Tool calls and their results, each with its other half: OpenAI's APIs refuse a call without a result and a result without a call.

Source: the API's own errors ("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'",
"messages with role 'tool' must be a response to a preceding message with 'tool_calls'", "No tool output found for function call"). Clients
that shorten their history, or whose user broke a call off, leave such halves; other APIs take some of them.
"""

from __future__ import annotations

from typing import Any

from localrouter.core.chat import Chat, ToolCall, ToolResult

UNANSWERED = "The call was not answered."
"""What a call without a result is said to have returned, so that the model does not wait for it."""
ORPHAN = "What a tool call that is no longer in the conversation returned:"


def notes(chat: Chat) -> list[str]:
    """What was mended, one sentence each."""
    called = [p.id for turn in chat.turns for p in turn.parts if isinstance(p, ToolCall)]
    answered = [p.call_id for turn in chat.turns for p in turn.parts if isinstance(p, ToolResult)]
    out: list[str] = []
    if set(called) - set(answered) - {""}:
        out.append("A tool call without a result was given one that says so.")
    if set(answered) - set(called) - {""}:
        out.append("The result of a tool call that is not there was sent as the user's text.")
    return out


def paired(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Chat messages with the results of a turn's calls right behind it, in the order in which they came. Ids may come again in later turns, so
    a result belongs to the last call of its id before it."""
    owner: dict[int, tuple[int, str]] = {}  # of a result: the assistant's message and the id of the call
    last: dict[str, int] = {}
    for i, message in enumerate(messages):
        for call in message.get("tool_calls") or ():
            last[call["id"]] = i
        if message["role"] == "tool" and message["tool_call_id"] in last:
            owner[i] = last[message["tool_call_id"]], message["tool_call_id"]
    results: dict[tuple[int, str], list[str]] = {}
    for i, key in owner.items():
        results.setdefault(key, []).append(str(messages[i]["content"]))
    out: list[dict[str, Any]] = []
    for i, message in enumerate(messages):
        if message["role"] == "tool":
            if i not in owner:
                out.append({"role": "user", "content": f"{ORPHAN}\n{message['content']}".rstrip()})
            continue
        out.append(message)
        ids = dict.fromkeys(call["id"] for call in message.get("tool_calls") or ())
        known = [call_id for at, call_id in results if at == i]
        for call_id in (*known, *(call_id for call_id in ids if call_id not in known)):
            said = results.get((i, call_id), [UNANSWERED])
            out.append({"role": "tool", "tool_call_id": call_id, "content": "\n".join(said)})
    return out
