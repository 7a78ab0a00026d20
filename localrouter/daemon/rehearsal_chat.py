"""The rehearsal host's chat completions: what it reads, what it refuses, and how it says an answer.

Source: OpenAI API reference, "Create chat completion", its stream, and the texts of its errors. `reasoning_content` is the word of the
compatible hosts (DeepSeek, vLLM), which OpenAI's own API neither sends nor asks for.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from localrouter.daemon.rehearsal_seen import Offered, Reply, Seen, call_id, cut, flat, rounds_of, tokens_of
from localrouter.daemon.rehearsal_strict import NAME, Cache, Maker, Refused, closed_schema, need

FIELDS = frozenset(
    {
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
        "messages", "metadata", "modalities", "model", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort", "response_format",
        "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice",
        "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
    }
)  # fmt: skip
_MESSAGE = frozenset(
    {
        "role", "content", "name", "tool_calls", "tool_call_id", "refusal", "audio", "function_call", "annotations",
        "reasoning_content", "reasoning", "reasoning_details",
    }
)  # fmt: skip
_PARTS = {
    "text": {"type", "text"},
    "refusal": {"type", "refusal"},
    "image_url": {"type", "image_url"},
    "input_audio": {"type", "input_audio"},
    "file": {"type", "file"},
}
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_FINISH = {"refusal": "stop", "stop_sequence": "stop", "pause": "stop"}


def read(tree: dict[str, Any], headers: dict[str, str]) -> Seen:
    """Raises AttributeError, TypeError, KeyError or IndexError for what is no chat request."""
    messages = tree.get("messages", [])
    texts: list[str] = []
    for message in messages:
        content = message.get("content")
        if content:
            texts.append(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
    users = [m for m in messages if m.get("role") == "user"]
    last = messages[-1].get("content") if messages else ""
    choice = tree.get("tool_choice")
    named = choice.get("function", {}).get("name", "") if isinstance(choice, dict) else ""
    form = tree.get("response_format") or {}
    schema = form.get("json_schema", {}).get("schema") if form.get("type") == "json_schema" else None
    calls = [[c.get("id", "") for c in m["tool_calls"]] for m in messages if m.get("tool_calls")]
    tools = []
    for tool in tree.get("tools") or []:
        if tool.get("type") == "custom":
            tools.append(Offered(tool["custom"]["name"], {}, custom=True))
        else:
            tools.append(Offered(tool["function"]["name"], tool["function"].get("parameters") or {}))
    return Seen(
        wire="chat",
        tree=tree,
        headers=headers,
        model=str(tree.get("model", "")),
        texts=tuple(texts),
        last_user=flat(users[-1].get("content")) if users else "",
        last=last if isinstance(last, str) else json.dumps(last),
        results=tuple(flat(m.get("content")) for m in messages if m.get("role") == "tool"),
        fresh=bool(messages) and messages[-1].get("role") == "tool",
        tools=tuple(tools),
        forced=named or (tools[0].name if choice == "required" and tools else ""),
        barred=choice == "none",
        single=tree.get("parallel_tool_calls") is False,
        schema={} if form.get("type") == "json_object" else schema,
        rounds=rounds_of(calls),
        limit=int(tree.get("max_completion_tokens") or tree.get("max_tokens") or 0),
        stream=tree.get("stream") is True,
        tokens=tokens_of(tuple(texts)),
    )


def check(tree: dict[str, Any], headers: dict[str, str], maker: Maker, *, lenient: bool) -> None:
    """Raises Refused for what OpenAI's API answers with 400. `lenient`: unknown fields pass, as at many compatible hosts."""
    for key in tree if not lenient else ():
        need(key in FIELDS, f"Unrecognized request argument supplied: {key}")
    messages = tree.get("messages")
    need(isinstance(messages, list) and messages, "[] is too short - 'messages'", param="messages")
    assert isinstance(messages, list)
    _settings(tree, messages)
    _tools(tree)
    open_calls: list[str] = []
    for i, message in enumerate(messages):
        where = f"messages[{i}]"
        need(isinstance(message, dict), f"Invalid type for '{where}': expected an object.", param=where)
        role = message.get("role")
        need(
            role in ("system", "developer", "user", "assistant", "tool", "function"),
            f"Invalid value: '{role}'.",
            param=f"{where}.role",
        )
        for key in message if not lenient else ():
            need(key in _MESSAGE, f"Unknown parameter: '{where}.{key}'.", code="unknown_parameter", param=f"{where}.{key}")
        if role == "tool":
            name = message.get("tool_call_id")
            need(
                name in open_calls,
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                param=f"{where}.role",
            )
            open_calls.remove(name)
        else:
            _answered(open_calls)
        _content(message, role, where, lenient)
        for j, call in enumerate(message.get("tool_calls") or ()):
            at = f"{where}.tool_calls[{j}]"
            need(role == "assistant", f"'tool_calls' is not allowed in a message with role '{role}'.", param=at)
            need(isinstance(call.get("id"), str) and 0 < len(call["id"]) <= 40, f"Invalid '{at}.id': string too long.", param=at)
            part = call.get("function") or call.get("custom") or {}
            need(NAME.fullmatch(part.get("name") or ""), f"Invalid '{at}.function.name'.", param=at)
            words = part.get("arguments") if call.get("type") != "custom" else part.get("input")
            need(isinstance(words, str), f"Invalid type for '{at}.function.arguments': expected a string.", param=at)
            need(call["id"] not in open_calls, f"Duplicate value for 'tool_call_id' of '{call['id']}'.", param=at)
            open_calls.append(call["id"])
    _answered(open_calls)


def _answered(open_calls: list[str]) -> None:
    need(
        not open_calls,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {', '.join(open_calls)}",
        param="messages",
    )


def _content(message: dict[str, Any], role: Any, where: str, lenient: bool) -> None:
    content = message.get("content")
    if content is None:
        spare = role == "assistant" and (message.get("tool_calls") or message.get("refusal") or message.get("function_call"))
        need(spare, f"Invalid value for 'content': expected a string, got null. ({where})", param=f"{where}.content")
        return
    need(isinstance(content, (str, list)), f"Invalid type for '{where}.content'.", param=f"{where}.content")
    need(content != [], f"Invalid '{where}.content': empty array.", param=f"{where}.content")
    for j, part in enumerate(content if isinstance(content, list) else ()):
        at = f"{where}.content[{j}]"
        kind = part.get("type") if isinstance(part, dict) else None
        need(
            kind in _PARTS,
            f"Invalid value: '{kind}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.",
            param=f"{at}.type",
        )
        if kind in ("image_url", "input_audio", "file"):
            need(
                role == "user",
                f"Invalid '{where}'. Image URLs are only allowed for messages with role 'user', but this message with role "
                f"'{role}' contains an image URL.",
                param=where,
            )
        for key in part if not lenient else ():
            need(key in _PARTS[str(kind)], f"Unknown parameter: '{at}.{key}'.", code="unknown_parameter", param=f"{at}.{key}")


def _settings(tree: dict[str, Any], messages: list[Any]) -> None:
    both = tree.get("max_tokens") is not None and tree.get("max_completion_tokens") is not None
    need(
        not both,
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        code="invalid_parameter_combination",
    )
    limit = tree.get("max_completion_tokens") or tree.get("max_tokens") or 1
    need(isinstance(limit, int) and limit > 0, "Invalid 'max_tokens': integer below minimum value.", param="max_tokens")
    options = tree.get("stream_options") is not None and tree.get("stream") is not True
    need(not options, "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    effort = tree.get("reasoning_effort")
    need(effort is None or effort in _EFFORTS, f"Invalid value: '{effort}'.", param="reasoning_effort")
    temperature = tree.get("temperature")
    need(temperature is None or 0 <= temperature <= 2, "Invalid 'temperature': expected a value <= 2.", param="temperature")
    stop = tree.get("stop")
    need(
        not isinstance(stop, list) or len(stop) <= 4,
        "Invalid 'stop': array too long. Expected an array with maximum length 4.",
        param="stop",
    )
    form = tree.get("response_format") or {}
    if form.get("type") == "json_schema":
        schema = form.get("json_schema") or {}
        need(
            NAME.fullmatch(schema.get("name") or ""),
            "Missing required parameter: 'response_format.json_schema.name'.",
            param="response_format.json_schema.name",
        )
        if schema.get("strict"):
            closed_schema(schema.get("schema"), f"Invalid schema for response_format '{schema['name']}'", every=True)
    elif form.get("type") == "json_object":
        words = json.dumps(messages).lower()
        need(
            "json" in words,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )


def _tools(tree: dict[str, Any]) -> None:
    tools = tree.get("tools")
    need(tools is None or (isinstance(tools, list) and tools), "[] is too short - 'tools'", param="tools")
    for key in ("tool_choice", "parallel_tool_calls"):
        need(tree.get(key) is None or tools, f"'{key}' is only allowed when 'tools' are specified.", param=key)
    names = set()
    for i, tool in enumerate(tools or ()):
        at = f"tools[{i}]"
        need(tool.get("type") in ("function", "custom"), f"Invalid value: '{tool.get('type')}'.", param=f"{at}.type")
        part = tool.get(tool["type"])
        need(isinstance(part, dict), f"Missing required parameter: '{at}.{tool['type']}'.", param=f"{at}.{tool['type']}")
        name = part.get("name")
        need(
            isinstance(name, str) and NAME.fullmatch(name),
            f"Invalid '{at}.function.name': string does not match pattern.",
            param=at,
        )
        names.add(name)
        schema = part.get("parameters")
        if tool["type"] == "function" and schema is not None:
            need(
                isinstance(schema, dict) and schema.get("type") == "object",
                f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'.",
                code="invalid_function_parameters",
                param=f"{at}.function.parameters",
            )
            if part.get("strict"):
                closed_schema(schema, f"Invalid schema for function '{name}'", every=True)
    choice = tree.get("tool_choice")
    if isinstance(choice, dict):
        wanted = (choice.get("function") or choice.get("custom") or {}).get("name")
        need(
            wanted in names or choice.get("type") == "allowed_tools",
            f"Tool choice '{wanted}' not found in 'tools' parameter.",
            param="tool_choice",
        )
    else:
        need(choice in (None, "auto", "none", "required"), f"Invalid value: '{choice}'.", param="tool_choice")


def usage(seen: Seen, reply: Reply, size: int, cache: Cache) -> dict[str, Any]:
    """Input includes what was read from the cache, output includes the reasoning. Prefixes of 1 024 tokens and more are cached, by 128."""
    read, _, _ = cache.lookup([orjson.dumps(m) for m in (seen.tree.get("tools") or [], *seen.tree["messages"])])
    cached = min(read, size) // 4 // 128 * 128
    said = sum(len(c.arguments) for c in reply.calls) + len(reply.text)
    out: dict[str, Any] = {
        "prompt_tokens": max(1, size // 4),
        "completion_tokens": max(
            1, len(reply.text) // 4 if not reply.calls and not reply.thought else (said + len(reply.thought)) // 4
        ),
    }
    out["total_tokens"] = out["prompt_tokens"] + out["completion_tokens"]
    if cached >= 1024:
        out["prompt_tokens_details"] = {"cached_tokens": cached, "audio_tokens": 0}
    if reply.thought:
        out["completion_tokens_details"] = {"reasoning_tokens": len(reply.thought) // 4}
    return out


def _finish(reply: Reply) -> str:
    return _FINISH.get(reply.finish, reply.finish) or ("tool_calls" if reply.calls else "stop")


def _call(seen: Seen, reply: Reply, i: int, words: str) -> dict[str, Any]:
    call = reply.calls[i]
    part = {"name": call.name, ("input" if call.custom else "arguments"): words}
    kind = "custom" if call.custom else "function"
    return {"id": call_id(seen, i, call), "type": kind, kind: part}


def whole(seen: Seen, reply: Reply, counts: dict[str, Any], number: int, maker: Maker) -> dict[str, Any]:
    """The answer of a request that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.refusal:
        message |= {"content": None, "refusal": reply.text}
    if reply.thought:
        message["reasoning_content"] = reply.thought
    if reply.calls:
        message["tool_calls"] = [_call(seen, reply, i, c.arguments) for i, c in enumerate(reply.calls)]
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": seen.model,
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(reply)}],
        "usage": counts,
    }


def events(
    seen: Seen, reply: Reply, counts: dict[str, Any], number: int, maker: Maker, pieces: list[str] | None = None
) -> list[tuple[bytes, bool]]:
    """The stream: (bytes of an event, whether it says something). `pieces`: the text, already cut."""
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": seen.model}
    out: list[tuple[bytes, bool]] = []

    def frame(delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        out.append(
            (
                b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n",
                any(delta.values()) and not {"role", "reasoning_content"} & delta.keys(),
            )
        )

    frame({"role": "assistant", "content": ""})
    for piece in cut(reply.thought, 5):
        frame({"reasoning_content": piece})
    for piece in cut(reply.text, len(reply.text)) if pieces is None else pieces:
        frame({"refusal" if reply.refusal else "content": piece})
    for i, call in enumerate(reply.calls):
        frame({"tool_calls": [{"index": i, **_call(seen, reply, i, "")}]})
        for piece in cut(call.arguments, 7 + i):
            part = {"custom": {"input": piece}} if call.custom else {"function": {"arguments": piece}}
            frame({"tool_calls": [{"index": i, **part}]})
    frame({}, _finish(reply))
    if (seen.tree.get("stream_options") or {}).get("include_usage"):
        out.append((b"data: " + orjson.dumps({**head, "choices": [], "usage": counts}) + b"\n\n", False))
    out.append((b"data: [DONE]\n\n", False))
    return out


def refusal(refused: Refused) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    kind = refused.kind or {401: "authentication_error", 429: "rate_limit_error"}.get(
        refused.status, "server_error" if refused.status >= 500 else "invalid_request_error"
    )
    return {"error": {"message": str(refused), "type": kind, "param": refused.param, "code": refused.code}}


def broken(seen: Seen, number: int, how: str) -> bytes:
    """An error in the middle of the stream."""
    event = {"error": {"message": "simulated overload", "type": "server_error", "code": None}}
    return b"data: " + orjson.dumps(event) + b"\n\n"


OVERFLOW = Refused(
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 215000 tokens. "
    "Please reduce the length of the messages.",
    code="context_length_exceeded",
    param="messages",
)
