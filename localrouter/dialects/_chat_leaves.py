"""The text leaves of a chat completions request, what of it nobody can read, and what a host signed (law 1).

Sources: OpenAI API reference, "Create chat completion"; for `reasoning_details` OpenRouter's guide "Reasoning tokens"; for
`extra_content` Google's guide "OpenAI compatibility" and "Thought signatures".
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from localrouter.core.ask import Leaf, Path, Signed, Where
from localrouter.core.errors import BadRequest, Unsupported
from localrouter.dialects._fields import dumps
from localrouter.dialects._hosted import kind_of
from localrouter.dialects._leaves import walk

_ROLES: dict[str, Where] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool_result",
    "function": "tool_result",
}
_SETTINGS = frozenset(
    {
        "model", "stream", "temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "seed", "logprobs",
        "top_logprobs", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "reasoning_effort", "service_tier",
        "stream_options", "modalities", "logit_bias", "store", "verbosity", "top_k", "min_p", "prompt_cache_retention",
    }
)  # fmt: skip
"""Protocol fields: numbers, booleans and closed sets. All else at the top level is text."""

_TOP = frozenset(
    {
        "messages", "tools", "functions", "tool_choice", "function_call", "response_format", "metadata", "stop", "user", "prediction",
        "audio", "web_search_options", "prompt_cache_key", "safety_identifier", "instructions", "reasoning",
    }
)  # fmt: skip
"""The other fields of the reference. The name of any further field is the client's own word, and so text too."""
_FRAME = frozenset(
    {
        "role", "content", "name", "refusal", "annotations", "audio", "function_call", "tool_calls", "tool_call_id", "reasoning_content",
        "reasoning", "reasoning_details", "type", "id", "function", "custom", "arguments", "input", "text", "image_url", "input_audio",
        "file", "video_url", "url", "detail", "data", "format", "file_data", "file_id", "filename", "index", "cache_control", "ttl",
        "prefix", "strict", "extra_content", "google", "thought_signature", "signature", "summary", "encrypted", "prompt_cache_breakpoint",
        "url_citation", "start_index", "end_index", "title",
    }
)  # fmt: skip
"""Keys of messages, parts and calls, in the reference and in the guides above. Other keys there are text."""

_SCHEMA = frozenset(
    {
        "$schema", "$id", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "$defs", "$comment", "$vocabulary", "definitions", "type", "enum",
        "const", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "unevaluatedProperties", "items",
        "prefixItems", "additionalItems", "unevaluatedItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems",
        "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minProperties",
        "maxProperties", "dependentRequired", "dependentSchemas", "dependencies", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "title",
        "description", "default", "deprecated", "readOnly", "writeOnly", "examples", "contentEncoding", "contentMediaType", "contentSchema",
        "nullable", "discriminator", "function", "custom", "name", "parameters", "strict", "grammar", "syntax", "definition", "cache_control",
        "ttl", "json_schema", "schema", "defer_loading",
    }
)  # fmt: skip
"""The words of JSON Schema (2020-12 and draft 7) and of a tool around it."""

_SCHEMAS = 32
_seen_schemas: dict[bytes, tuple[Leaf, ...]] = {}

_ENUM_KEYS = frozenset({"role", "type", "id", "tool_call_id", "index", "strict", "detail"})


def _protocol(path: Path) -> bool:
    # Inside a message only the frame's own keys are protocol; the same word inside arguments or metadata is text.
    if not path:
        return True
    if path[0] == "messages":
        return path[-1] in _ENUM_KEYS and (len(path) == 3 or (len(path) == 5 and path[2] in ("content", "tool_calls")))
    if path[0] == "tools":
        return (len(path) == 3 and path[-1] == "type") or (
            len(path) > 4 and path[3] == "parameters" and path[-1] in ("type", "format", "$schema")
        )
    if path[0] in ("tool_choice", "response_format"):
        return path[-1] in ("type", "$schema")
    return False


_MEDIA = ("image_url", "input_audio", "file", "audio", "video_url")
_WORD = re.compile(r"[a-z0-9_.:-]{1,40}")


def unread(tree: dict[str, Any]) -> tuple[str, ...]:
    """What nobody can read before it leaves: media, content by reference, tools that the host runs. Raises BadRequest, Unsupported."""
    found: list[str] = []
    for i, message in enumerate(tree["messages"]):
        content = message.get("content")
        if content is not None and not isinstance(content, (str, list)):
            raise BadRequest(
                f"messages[{i}].content must be a string, a list of parts or null.", "Correct it.", param=f"messages[{i}].content"
            )
        for j, part in enumerate(content if isinstance(content, list) else ()):
            kind = part.get("type") if isinstance(part, dict) else None
            if kind in ("text", "refusal", "input_text", "output_text"):
                continue
            if kind in _MEDIA:
                found.append(str(kind))
                continue
            raise Unsupported(
                f"messages[{i}].content[{j}] has the part type {kind!r}, which localrouter does not know and so cannot read.",
                "Send it as text, or leave it out.",
                param=f"messages[{i}].content[{j}]",
            )
        if message.get("audio") is not None:
            found.append("audio")
    for j, tool in enumerate(tree.get("tools") or ()):
        if not isinstance(tool, dict):
            raise BadRequest(f"tools[{j}] must be an object.", "Correct it.", param=f"tools[{j}]")
        kind = tool.get("type", "function")
        if kind not in ("function", "custom") and not kind_of(tool):
            # Nobody here knows what it reads; tools that a host is known to run are judged apart (_hosted.py).
            found.append(kind if isinstance(kind, str) and _WORD.fullmatch(kind) else "an unknown tool")
    found += [key for key in ("file_ids", "previous_response_id") if tree.get(key) is not None]
    return tuple(found)


def signed(tree: dict[str, Any]) -> tuple[Signed, ...]:
    """Blocks that a host signed or encrypted: OpenRouter's `reasoning_details` and Google's `extra_content` of tool calls."""
    out: list[Signed] = []
    for i, message in enumerate(tree["messages"]):
        details = message.get("reasoning_details")
        for j, item in enumerate(details if isinstance(details, list) else ()):
            mark = mark_of(item)
            if mark:
                text = item.get("text") or item.get("summary")
                out.append(Signed(("messages", i, "reasoning_details", j), mark, text if isinstance(text, str) else ""))
        calls = message.get("tool_calls")
        for j, call in enumerate(calls if isinstance(calls, list) else ()):
            mark = call_mark(call)
            if mark:
                out.append(Signed(("messages", i, "tool_calls", j, "extra_content"), mark))
    return tuple(out)


def mark_of(item: Any) -> str:
    """Of an item of `reasoning_details`: `data:` or `signature:` and what stands there, or ""."""
    for kind in ("data", "signature"):
        found = item.get(kind) if isinstance(item, dict) else None
        if isinstance(found, str) and found:
            return f"{kind}:{found}"
    return ""


def call_mark(call: Any) -> str:
    """Of a tool call that Google signed: `call:` and its signature, or ""."""
    extra = call.get("extra_content") if isinstance(call, dict) else None
    google = extra.get("google") if isinstance(extra, dict) else None
    found = google.get("thought_signature") if isinstance(google, dict) else None
    return f"call:{found}" if isinstance(found, str) and found else ""


def leaves(tree: dict[str, Any], apart: tuple[Signed, ...] = ()) -> tuple[Leaf, ...]:
    """Every text that a model would read, but for the blocks `apart`, which are judged on their own."""
    out: list[Leaf] = []
    skip = {block.path for block in apart}
    for key, value in tree.items():
        if key == "messages":
            for i, message in enumerate(value):
                _message(message, i, skip, out)
        elif key in _SETTINGS:
            continue
        elif key in ("tools", "functions"):
            out.extend(_schema_leaves(key, value))
        else:
            where: Where = "tool_schema" if key in ("response_format", "tool_choice") else "metadata"
            known = key in _TOP
            if not known and key:
                out.append(Leaf((key,), key, "key", ""))
            walk(value, (key,), where, out, protocol=_protocol, free_keys=not known, context=key)
            if key in ("metadata", "response_format"):
                _keys(value, (key,), out)
    return tuple(out)


def _message(message: dict[str, Any], i: int, skip: set[Path], out: list[Leaf]) -> None:
    role: Where = _ROLES.get(message.get("role", ""), "user")
    for name, part in message.items():
        path: Path = ("messages", i, name)
        where: Where = "tool_arguments" if name == "tool_calls" else role
        context = "arguments" if name == "tool_calls" else name
        blocks = part if isinstance(part, list) and name in ("content", "reasoning_details", "tool_calls") else None
        if name == "audio":
            continue
        if blocks is None:
            if name not in _FRAME and name:
                out.append(Leaf(path, name, "key", role))
            _names(part, path, out)
            walk(part, path, where, out, protocol=_protocol, free_keys=False, context=context)
            continue
        for j, block in enumerate(blocks):
            here: Path = (*path, j)
            if here in skip or (name == "content" and block.get("type") in _MEDIA):
                continue  # media are named in Ask.unread, and the data_class gate decides; signed blocks in Ask.signed
            if (*here, "extra_content") in skip:
                block = {k: v for k, v in block.items() if k != "extra_content"}
            _names(block, here, out)
            walk(block, here, where, out, protocol=_protocol, free_keys=False, context=context)


def _names(tree: Any, path: Path, out: list[Leaf]) -> None:
    """Keys inside a message that no reference names: the client's own words, which a host would read like any text."""
    if isinstance(tree, list):
        for i, item in enumerate(tree):
            _names(item, (*path, i), out)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            if key and key not in _FRAME:
                out.append(Leaf((*path, key), key, "key", str(path[-1])))
            if isinstance(item, (dict, list)):
                _names(item, (*path, key), out)


def _schema_leaves(key: str, value: Any) -> tuple[Leaf, ...]:
    """The leaves of the tools. An agent sends the same sixty kilobytes of them with each turn, so the walk is remembered by their hash."""
    digest = hashlib.blake2b(key.encode() + dumps(value), digest_size=16).digest()
    found = _seen_schemas.get(digest)
    if found is None:
        out: list[Leaf] = []
        walk(value, (key,), "tool_schema", out, protocol=_protocol, free_keys=False, context=key)
        _keys(value, (key,), out)
        found = tuple(out)
        while len(_seen_schemas) >= _SCHEMAS:
            _seen_schemas.pop(next(iter(_seen_schemas)))
        _seen_schemas[digest] = found
    return found


def _keys(tree: Any, path: Path, out: list[Leaf]) -> None:
    """Free-form keys: those of metadata, of a schema's `properties`, and any other that is no word of the reference or of JSON Schema."""
    if isinstance(tree, list):
        for i, item in enumerate(tree):
            _keys(item, (*path, i), out)
    elif isinstance(tree, dict):
        free = path[-1] in ("metadata", "properties", "$defs", "definitions", "patternProperties")
        for key, item in tree.items():
            if key and (free or key not in _SCHEMA):
                out.append(Leaf((*path, key), key, "key", str(path[-1])))
            _keys(item, (*path, key), out)
