"""The Response object and the error shapes, as clients read them. Source: OpenAI API reference, "The response object", "Streaming events".

A response repeats what was asked. Where we write it, it repeats the client's own words; where a host wrote it, its copy of the free texts is
the veiled one, and the client's own stands there again (`echoed`).
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from localrouter.core.ask import Ask
from localrouter.core.errors import (
    BudgetExceeded,
    Busy,
    ClientFault,
    HostRateLimited,
    HostRejected,
    NoKey,
    PolicyFault,
    RouterError,
)
from localrouter.core.money import Usage

_ECHO = ("instructions", "metadata", "tools", "tool_choice", "text", "user", "safety_identifier", "prompt_cache_key", "prompt")
"""Fields of a response that repeat free text of the request."""
_FIXED = frozenset({"type", "id", "version", "syntax", "mode"})


def error_body(error: RouterError) -> bytes:
    """`{"error": {message, type, param, code}}`, for an answer that has not begun."""
    body = {"message": error.text, "type": error.type, "param": error.param, "code": error.code}
    return orjson.dumps({"error": body})


def failure(error: RouterError) -> dict[str, Any]:
    """`response.error`, for one that has. Codex asks again after every code but these: `context_length_exceeded`, `insufficient_quota` and
    `invalid_prompt` (codex-rs, the SSE reader), so what cannot be helped by asking again is one of them."""
    if error.code == "context_length_exceeded":
        code = error.code
    elif isinstance(error, BudgetExceeded):
        code = "insufficient_quota"
    elif isinstance(error, (HostRateLimited, Busy)):
        code = "rate_limit_exceeded"
    elif isinstance(error, (ClientFault, PolicyFault, HostRejected, NoKey)):
        code = "invalid_prompt"
    else:
        code = "server_error"
    return {"code": code, "message": error.text}


def usage_tree(usage: Usage) -> dict[str, Any]:
    """The `usage` object: the input with its cached tokens, the output with its reasoning."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write + usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.output,
    }


def blank(ask: Ask, response_id: str) -> dict[str, Any]:
    """A response that has just begun, with the API's defaults for what the client did not say."""
    tree = ask.tree

    def said(key: str, default: Any = None) -> Any:
        return tree[key] if tree.get(key) is not None else default

    reasoning = said("reasoning", {})
    text = said("text", {})
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": said("instructions"),
        "max_output_tokens": said("max_output_tokens"),
        "max_tool_calls": said("max_tool_calls"),
        "model": ask.model,
        "output": [],
        "parallel_tool_calls": said("parallel_tool_calls", True),
        "previous_response_id": said("previous_response_id"),
        "prompt_cache_key": said("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None} | (reasoning if isinstance(reasoning, dict) else {}),
        "safety_identifier": said("safety_identifier"),
        "service_tier": "default",
        "store": said("store", True),
        "temperature": said("temperature", 1.0),
        "text": {"format": {"type": "text"}} | (text if isinstance(text, dict) else {}),
        "tool_choice": said("tool_choice", "auto"),
        "tools": [_tool(t) for t in said("tools", []) if isinstance(t, dict)],
        "top_logprobs": 0,
        "top_p": said("top_p", 1.0),
        "truncation": said("truncation", "disabled"),
        "usage": None,
        "user": said("user"),
        "metadata": said("metadata", {}),
    }


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as the API repeats it: what a client may leave out of a function is there."""
    if tool.get("type") != "function":
        return tool
    return {"type": "function", "description": None, "parameters": None, "strict": True} | tool


def echoed(response: dict[str, Any], tree: dict[str, Any]) -> dict[str, Any]:
    """A host's response with the client's own words where its copy of them was veiled; the same object when nothing differs."""
    out = response
    for key in _ECHO:
        theirs, own = response.get(key), tree.get(key)
        if theirs is None or own is None or theirs == own or (key == "tool_choice" and isinstance(theirs, str)):
            continue  # a word of `tool_choice` is the host's own
        mended = _mend(theirs, own)
        if mended is not theirs:
            if out is response:
                out = dict(response)
            out[key] = mended
    previous = tree.get("previous_response_id")
    if previous is not None and "status" in response and response.get("previous_response_id") != previous:
        out = {**out, "previous_response_id": previous}  # it was written out for the host, which so knows none
    return out


def _mend(theirs: Any, own: Any) -> Any:
    if isinstance(theirs, str) and isinstance(own, str):
        return theirs if theirs == own else own
    if isinstance(theirs, dict) and isinstance(own, dict):
        changed = {}
        for key in theirs.keys() & own.keys():
            mended = theirs[key] if key in _FIXED else _mend(theirs[key], own[key])
            if mended is not theirs[key]:
                changed[key] = mended
        out = {**theirs, **changed} if changed else theirs
        missing = [key for key in theirs if key not in own]
        gone = [key for key in own if key not in theirs]
        if missing and len(missing) == len(gone) and len(theirs) == len(own):
            # The same number of keys, some under another name: free-form keys that were veiled. Their order was kept.
            return own
        return out
    if isinstance(theirs, list) and isinstance(own, list) and len(theirs) == len(own):
        mended_items = [_mend(a, b) for a, b in zip(theirs, own, strict=True)]
        return theirs if all(a is b for a, b in zip(mended_items, theirs, strict=True)) else mended_items
    return theirs
