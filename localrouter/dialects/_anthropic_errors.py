"""Errors as Messages clients read them. Source: Anthropic API reference, "Errors"; the SDK's `ErrorType`.

A prompt that is too long is said in Anthropic's own words with both numbers: Claude Code and opencode look for them, and shorten the
conversation by themselves (notes on clients, 1.11).
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from localrouter.core.errors import RouterError

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_NUMBER = re.compile(r"(?<![\w.-])\d{1,3}(?:[,_]\d{3})+(?![\w-])|(?<![\w.-])\d{3,9}(?![\w-])")
_LIMITS = re.compile(r"input length and `?max_tokens`? exceed context limit: \d+ \+ \d+ > \d+")
"""The host's sentence for an answer that would not fit: Claude Code reads all three numbers and asks for a shorter one."""
_CODES = ("context_length_exceeded", "context")


def error_type(error: RouterError) -> str:
    """Anthropic's word for it, from the status."""
    if error.code in ("overloaded", "busy"):
        return "overloaded_error"
    return _TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")


def message_of(error: RouterError) -> str:
    """Its text; for a prompt that is too long, `prompt is too long: N tokens > M maximum`."""
    if error.code not in _CODES:
        return error.text
    if limits := _LIMITS.search(error.message):
        return limits[0]
    numbers = sorted({int(re.sub("[,_]", "", n)) for n in _NUMBER.findall(error.message)})
    if len(numbers) >= 2:
        # Whoever says it names the limit and what was asked, and what was asked is more than the limit.
        return f"prompt is too long: {numbers[-1]} tokens > {_limit(error.message, numbers)} maximum"
    return f"prompt is too long: {error.text}"


def _limit(message: str, numbers: list[int]) -> int:
    """The number that stands nearest behind a word for the limit, or the greatest that is below what was asked."""
    found = re.search(r"(?:maximum|limit|context (?:size|window|length))\D{0,40}?(\d[\d,_]{2,})", message, re.I)
    named = int(re.sub("[,_]", "", found[1])) if found else 0
    return named if named in numbers[:-1] else numbers[-2]


def error_tree(error: RouterError, request_id: str = "") -> dict[str, Any]:
    """`{"type": "error", "error": {...}, "request_id"}`."""
    inner = {"type": error_type(error), "message": message_of(error)}
    return {"type": "error", "error": inner, "request_id": request_id or None}


def error_body(error: RouterError, request_id: str = "") -> bytes:
    """The same as bytes."""
    return orjson.dumps(error_tree(error, request_id))
