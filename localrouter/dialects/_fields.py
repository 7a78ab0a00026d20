"""Strict reading of a JSON body: what is malformed is a 400 with a sentence, never a 500.

Limits (DESIGN section 4): 64 MiB at the door, depth 64. NaN and Infinity are not JSON (RFC 8259 section 6); lone surrogates are
not Unicode text (section 8.2). Integers beyond 64 bits are kept exactly, through the standard library's reader.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from localrouter.core.errors import BadRequest

MAX_DEPTH = 64
_LONG = b"0" * 19
_DIGITS = bytes(0x30 if 0x30 <= b <= 0x39 else 0x20 for b in range(256))


def _constant(name: str) -> NoReturn:
    raise BadRequest(f"The body holds {name}, which is not JSON.", "Send null or a number.")


def depth_of(body: bytes) -> int:
    """Greatest nesting outside strings, without recursion, so that a hostile body cannot exhaust the stack."""
    depth = most = 0
    in_string = escaped = False
    for byte in body:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            most = max(most, depth)
        elif byte in b"]}":
            depth -= 1
    return most


def read_object(body: bytes) -> dict[str, Any]:
    """The body as an object. Raises BadRequest."""
    why = ""
    tree: Any = None
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as first:
        why = first.msg
    deep, rounded = (_bracketed(body), False) if why else _walked(tree)
    if deep:
        raise BadRequest(f"The body is nested deeper than {MAX_DEPTH} levels.", "Flatten it.")
    # orjson turns integers beyond 64 bits into floats without a word; a body that may hold one is read by the standard library.
    if why or (rounded and _LONG in body.translate(_DIGITS)):
        tree = _slow(body, why)
    if not isinstance(tree, dict):
        raise BadRequest("The body is not a JSON object.", 'Send an object such as {"model": ..., "messages": [...]}.')
    return tree


def _bracketed(body: bytes) -> bool:
    """Whether a body that orjson refuses is nested too deep. Counting brackets is a cheap upper bound."""
    return body.count(b"[") + body.count(b"{") > MAX_DEPTH and depth_of(body) > MAX_DEPTH


def _walked(tree: Any) -> tuple[bool, bool]:
    """(whether it is nested too deep, whether a number may have been an integer beyond 64 bits), level by level. Of a long conversation the
    tree is looked through in less time than its bytes are."""
    level: list[Any] = [tree] if isinstance(tree, (dict, list)) else []
    rounded = False
    for _ in range(MAX_DEPTH):
        values = [v for node in level for v in (node.values() if isinstance(node, dict) else node)]
        rounded = rounded or any(abs(v) >= 2**63 for v in values if isinstance(v, float))
        level = [v for v in values if isinstance(v, (dict, list))]
        if not level:
            return False, rounded
    return True, rounded


def _slow(body: bytes, why: str) -> Any:
    try:
        tree = json.loads(body.decode("utf-8"), parse_constant=_constant, parse_float=_float)
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.", "Encode it as UTF-8.") from None
    except (ValueError, RecursionError) as exc:
        raise BadRequest(f"The body is not valid JSON: {why or exc}.", "Send one JSON object.") from None
    _no_surrogates(tree)
    return tree


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadRequest("The body holds a number beyond the range of a double.", "Send it as a string.")
    return value


def _no_surrogates(tree: Any) -> None:
    try:
        orjson.dumps(tree)
    except TypeError as exc:
        if "surrogate" in str(exc) or "UTF-8" in str(exc):
            raise BadRequest("The body holds a lone surrogate, which is not text.", "Send valid Unicode.") from None


def dumps(tree: Any) -> bytes:
    """Compact JSON bytes; integers beyond 64 bits survive."""
    try:
        return orjson.dumps(tree)
    except TypeError:
        return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def integer(tree: dict[str, Any], key: str, low: int, high: int) -> int | None:
    """An optional integer in a range. Raises BadRequest with the key's name."""
    value = tree.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadRequest(f"'{key}' must be an integer from {low} to {high}.", "Correct it.", param=key)
    return value


def context_ids(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The header `x-localrouter-context`: ids of retrieved context, for the record (DESIGN section 5). Raises BadRequest."""
    given = headers.get("x-localrouter-context")
    if not given:
        return ()
    try:
        ids = orjson.loads(given)
    except orjson.JSONDecodeError:
        ids = None
    if not isinstance(ids, list) or not all(isinstance(i, str) and len(i) <= 200 for i in ids):
        raise BadRequest("The header x-localrouter-context must be a JSON list of strings.", "Correct it.")
    return tuple(ids[:200])
