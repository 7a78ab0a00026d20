"""The tools of a Responses request, JSON Schemas, and the shape of the answer: every text in them (law 1 of the design)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from localrouter.core.ask import Leaf, Path
from localrouter.core.errors import BadRequest, Unsupported
from localrouter.dialects import _responses_kinds as k
from localrouter.dialects._fields import dumps
from localrouter.dialects._hosted import base
from localrouter.dialects._responses_found import Found, add_text, add_words, name_of

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_FREE = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
"""JSON Schema 2020-12: the keys under these words are names that somebody chose."""
_DRAFT = re.compile(r"https?://json-schema\.org/[\w\-./#]*")
_KEYWORDS = k.words(
    "$schema $id $ref $anchor $dynamicRef $dynamicAnchor $defs $comment $vocabulary id definitions type enum const title description "
    "default examples example format properties patternProperties additionalProperties required propertyNames minProperties maxProperties "
    "dependentRequired dependentSchemas dependencies unevaluatedProperties items prefixItems additionalItems contains minContains "
    "maxContains minItems maxItems uniqueItems unevaluatedItems minLength maxLength pattern contentEncoding contentMediaType contentSchema "
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf allOf anyOf oneOf not if then else deprecated readOnly writeOnly nullable"
)
"""The words of JSON Schema (2020-12, drafts before it, OpenAPI's). Any other key is somebody's own."""
_MEMORY = 32
_seen: dict[bytes, tuple[tuple[Leaf, ...], tuple[str, ...]]] = {}


def add_tools(value: Any, found: Found) -> None:
    """The tools. An agent sends the same sixty kilobytes of them with each turn, so the walk is remembered by their hash."""
    digest = hashlib.blake2b(dumps(value), digest_size=16).digest()
    known = _seen.get(digest)
    if known is None:
        inner = Found()
        add_tool_list(value, ("tools",), inner)
        known = tuple(inner.leaves), tuple(inner.unread)
        while len(_seen) >= _MEMORY:
            _seen.pop(next(iter(_seen)))
        _seen[digest] = known
    found.leaves.extend(known[0])
    found.unread.update(dict.fromkeys(known[1]))


def _kind_of_tool(tool: Any, path: Path, found: Found) -> str:
    if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
        raise BadRequest(f"{name_of(path)} must be an object with a 'type'.", "Correct it.", param=name_of(path))
    kind = base(tool["type"])
    if kind not in k.HOSTED_TOOLS | k.CLIENT_TOOLS:
        raise Unsupported(
            f"{name_of(path)} has the tool type {kind[:64]!r}, which localrouter does not know: it may read what nobody here has read.",
            "Leave it out, or offer it as a function.",
            param=name_of(path),
        )
    return kind


def add_environment(value: Any, found: Found) -> None:
    """Where a shell runs: here, or in a container of the host with what lies there."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in (None, "local"):
        found.unread[f"shell {kind}" if isinstance(kind, str) and k.WORD.fullmatch(kind) else "shell"] = None


def add_tool_list(value: Any, path: Path, found: Found) -> None:
    """Definitions of tools, those of a namespace too. Raises BadRequest and Unsupported."""
    if not isinstance(value, list):
        raise BadRequest(f"'{name_of(path)}' must be a list.", "Correct it.", param=name_of(path))
    for i, tool in enumerate(value):
        here = (*path, i)
        _kind_of_tool(tool, here, found)
        for key, item in tool.items():
            if key == "type":
                add_words(item, (*here, key), frozenset(), found.leaves)
            elif key in ("parameters", "output_schema"):
                _schema(item, (*here, key), found.leaves)
            elif key == "tools":
                add_tool_list(item, (*here, key), found)
            elif key == "format" and isinstance(item, dict):
                for name, text in item.items():
                    if name in ("type", "syntax"):
                        add_words(text, (*here, key, name), frozenset(), found.leaves)
                    else:
                        add_text(text, (*here, key, name), "tool_schema", found.leaves)
            elif key in ("allowed_callers", "execution"):
                add_words(item, (*here, key), frozenset(), found.leaves)
            else:
                add_text(item, (*here, key), "tool_schema", found.leaves, free=key == "headers")


def _schema(value: Any, path: Path, out: list[Leaf]) -> None:
    """A JSON Schema: its own words are protocol; descriptions, enums, defaults and the names of properties are text."""
    if isinstance(value, dict):
        free = path[-1] in _FREE
        for key, item in value.items():
            here = (*path, key)
            if free:
                if key:
                    out.append(Leaf(here, key, "key", str(path[-1])))
                _schema(item, here, out)
            elif _own_word(key, item):
                continue
            elif key in ("enum", "const", "default", "examples", "example"):
                add_text(item, here, "tool_schema", out, free=True)
            else:
                if key not in _KEYWORDS:
                    out.append(Leaf(here, key, "key", str(path[-1])))
                _schema(item, here, out)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _schema(item, (*path, i), out)
    else:
        add_text(value, path, "tool_schema", out)


def _own_word(key: str, value: Any) -> bool:
    """Whether a string of a schema is a word of JSON Schema itself."""
    if key == "$schema":
        return isinstance(value, str) and _DRAFT.fullmatch(value) is not None
    listed = value if isinstance(value, list) else [value]
    return key == "type" and all(isinstance(v, str) and v in _TYPES for v in listed)


def add_format(value: Any, path: Path, out: list[Leaf]) -> None:
    """`text`: the shape of the answer."""
    if not isinstance(value, dict):
        add_text(value, path, "metadata", out)
        return
    for key, item in value.items():
        here = (*path, key)
        if key == "format" and isinstance(item, dict):
            for name, inner in item.items():
                if name == "schema":
                    _schema(inner, (*here, name), out)
                elif name == "type":
                    add_words(inner, (*here, name), frozenset(), out)
                else:
                    add_text(inner, (*here, name), "tool_schema", out)
        elif key == "verbosity":
            add_words(item, here, frozenset(), out)
        else:
            add_text(item, here, "metadata", out)


def add_choice(value: Any, path: Path, out: list[Leaf]) -> None:
    """`tool_choice`."""
    if not isinstance(value, dict):
        add_words(value, path, frozenset(), out)
        return
    for key, item in value.items():
        if key in ("type", "mode"):
            add_words(item, (*path, key), frozenset(), out)
        elif key == "tools" and isinstance(item, list):
            for i, tool in enumerate(item):
                add_choice(tool, (*path, key, i), out)
        else:
            add_text(item, (*path, key), "tool_schema", out)
