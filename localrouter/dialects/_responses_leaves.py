"""Every text of a Responses request, what of it cannot be read, and what a host signed (law 1 of the design).

A reasoning item's encrypted content is a mark that goes back unchanged; its summary is not part of what is encrypted (clients send it
back shortened or empty, and hosts take it), and the client's copy of it was restored: so the summary is a leaf like any other text.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from localrouter.core.ask import Leaf, Path, Signed, Where
from localrouter.core.errors import BadRequest, Unsupported
from localrouter.dialects import _responses_kinds as k
from localrouter.dialects._fields import dumps
from localrouter.dialects._leaves import walk

_ROLES: dict[str, Where] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_SEALED = re.compile(r"[A-Za-z0-9+/_=.\-]+")
"""What encrypted content looks like. Anything else in its place could be text, and is scanned."""

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


class Found:
    """What one request holds. `unread` keeps the order of discovery; a name stands once."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.unread: dict[str, None] = {}
        self.signed: list[Signed] = []


def _never(path: Path) -> bool:
    return False


def _name(path: Path) -> str:
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step}" if out else step
    return out


def _text(value: Any, path: Path, where: Where, out: list[Leaf], *, free: bool = False) -> None:
    context = next((s for s in reversed(path) if isinstance(s, str)), "")
    if type(value) is str and value and where != "metadata":
        out.append(Leaf(path, value, where, context))
        return
    walk(value, path, where, out, protocol=_never, free_keys=free, context=context)


def _words(value: Any, path: Path, inner: frozenset[str], out: list[Leaf]) -> None:
    """A field of ids and closed words: what does not look like one is text."""
    if isinstance(value, str):
        if not k.WORD.fullmatch(value):
            _text(value, path, "metadata", out)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _words(item, (*path, i), inner, out)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in inner:
                _words(item, (*path, key), inner, out)
            else:
                _text(item, (*path, key), "metadata", out)


_CALLER = frozenset({"type", "caller_id", "mode", "ttl"})


def find(tree: dict[str, Any]) -> Found:
    """All of a request. Raises BadRequest and Unsupported, each naming the field."""
    found = Found()
    for key, why in k.REFUSED.items():
        if tree.get(key) not in (None, False, ""):
            raise Unsupported(f"The field '{key}' asks for what nobody here can read.", why, param=key)
    if tree.get("previous_response_id") is not None:
        found.unread["previous_response_id"] = None
    for key, value in tree.items():
        if value is None or key in k.REPLACED:
            continue
        if key == "input":
            _input(value, found)
        elif key == "tools":
            _tools(value, found)
        elif key in k.SETTINGS:
            _words(value, (key,), k.SETTINGS[key].inner, found.leaves)
        elif key == "instructions":
            _text(value, (key,), "system", found.leaves)
        elif key == "text":
            _format(value, (key,), found.leaves)
        elif key == "tool_choice":
            _choice(value, (key,), found.leaves)
        elif key == "prompt":
            _prompt(value, found)
        else:
            _text(value, (key,), "metadata", found.leaves, free=key == "metadata")
    return found


# --- items -----------------------------------------------------------------------------------------


def _input(value: Any, found: Found) -> None:
    if isinstance(value, str):
        _text(value, ("input",), "user", found.leaves)
        return
    for i, item in enumerate(value):
        if not isinstance(item, dict):
            raise BadRequest(f"input[{i}] must be an object.", "Correct it.", param=f"input[{i}]")
        _item(item, ("input", i), found)


def item_type(item: dict[str, Any]) -> str:
    """An item's type; one without is a message when it has a role, else a reference (both may leave the type out)."""
    kind = item.get("type")
    if kind is None:
        return "message" if "role" in item else "item_reference"
    return kind if isinstance(kind, str) else repr(kind)


def _item(item: dict[str, Any], path: Path, found: Found) -> None:
    kind = item_type(item)
    if kind in k.REFUSED_ITEMS:
        raise Unsupported(f"{_name(path)} is only a reference ({kind}).", k.REFUSED_ITEMS[kind], param=_name(path))
    spec = k.ITEMS.get(kind)
    if spec is None:
        raise Unsupported(
            f"{_name(path)} has the type {kind[:64]!r}, which localrouter does not know and so cannot read.",
            "Send it as a message, or leave it out.",
            param=_name(path),
        )
    where = spec.where
    if kind == "message":
        role = item.get("role")
        if not isinstance(role, str):
            raise BadRequest(f"{_name(path)} must have a 'role'.", "Correct it.", param=f"{_name(path)}.role")
        where = _ROLES.get(role, "user")
    if spec.unread:
        found.unread[kind] = None
    out = found.leaves
    for key, value in item.items():
        if value is None or value is False or value is True:
            continue
        here = (*path, key)
        if key in k.PROTOCOL:
            _words(value, here, _CALLER, out)
        elif key in spec.parts:
            _parts(value, here, where, found)
        elif key in spec.texts:
            _text(value, here, where, out)
        elif key in spec.free:
            _text(value, here, where, out, free=True)
        elif key in spec.tools:
            _tool_list(value, here, found)
        elif key == spec.mark:
            _mark(item, value, path, found)
        elif key not in spec.skip:
            _text(value, here, "metadata", out)
    if kind in ("shell_call", "shell_call_output"):
        _environment(item.get("environment"), found)


def _mark(item: dict[str, Any], value: Any, path: Path, found: Found) -> None:
    """What a host signed or encrypted. Without it, what can be read of the item is a plain leaf."""
    if not isinstance(value, str) or not value:
        return
    texts = texts_of(item.get("code"))  # a summary is a leaf of its own, and no part of what is signed
    if not _SEALED.fullmatch(value):
        texts.append(value)
    found.signed.append(Signed(path, value, "\n".join(texts)))


def texts_of(content: Any) -> list[str]:
    """The texts of a string or a list of parts, in order."""
    if isinstance(content, str):
        return [content] if content else []
    out: list[str] = []
    for part in content if isinstance(content, list) else ():
        field = k.TEXT_PARTS.get(part.get("type", "text"), "text") if isinstance(part, dict) else ""
        text = part.get(field) if isinstance(part, dict) else part
        if isinstance(text, str) and text:
            out.append(text)
    return out


def _parts(value: Any, path: Path, where: Where, found: Found) -> None:
    if isinstance(value, str):
        _text(value, path, where, found.leaves)
        return
    if isinstance(value, dict):
        _part(value, path, where, found)
        return
    if not isinstance(value, list):
        raise BadRequest(f"{_name(path)} must be a string or a list of parts.", "Correct it.", param=_name(path))
    for i, part in enumerate(value):
        if isinstance(part, str):
            _text(part, (*path, i), where, found.leaves)
            continue
        _part(part, (*path, i), where, found)


def _part(part: Any, path: Path, where: Where, found: Found) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    field = k.TEXT_PARTS.get(kind) if isinstance(kind, str) else None
    out = found.leaves
    if field is not None:
        for key, value in part.items():
            if key == field:
                _text(value, (*path, key), where, out)
            elif key in k.PROTOCOL:
                _words(value, (*path, key), _CALLER, out)
            elif key == "annotations":
                _text(value, (*path, key), where, out)
            elif key != "logprobs":  # an edit leaves them out: they repeat the text in pieces that nobody can veil
                _text(value, (*path, key), "metadata", out)
        return
    if not isinstance(kind, str) or kind not in k.UNREAD_PARTS:
        raise Unsupported(
            f"{_name(path)} has the part type {str(kind)[:64]!r}, which localrouter does not know and so cannot read.",
            "Send it as text, or leave it out.",
            param=_name(path),
        )
    found.unread[kind] = None
    for key, value in part.items():
        if key in k.DATA_FIELDS:
            if key == "file_id" and value is not None:
                found.unread["file_id"] = None
                _words(value, (*path, key), frozenset(), out)
            if key.endswith("_url") and isinstance(value, str) and not value[:5].lower().startswith("data:"):
                _text(value, (*path, key), where, out)  # an address may name somebody
        elif key in k.PROTOCOL or key == "detail":
            _words(value, (*path, key), _CALLER, out)
        else:
            _text(value, (*path, key), where if key == "filename" else "metadata", out)


def _prompt(value: Any, found: Found) -> None:
    """A prompt that lies at the host: unread. Its variables are the client's own words."""
    found.unread["prompt"] = None
    if not isinstance(value, dict):
        _text(value, ("prompt",), "metadata", found.leaves)
        return
    for key, item in value.items():
        if key in ("id", "version"):
            _words(item, ("prompt", key), frozenset(), found.leaves)
        elif key == "variables" and isinstance(item, dict):
            for name, given in item.items():
                found.leaves.append(Leaf(("prompt", key, name), name, "key", key))
                if isinstance(given, dict):
                    _part(given, ("prompt", key, name), "user", found)
                else:
                    _text(given, ("prompt", key, name), "user", found.leaves)
        else:
            _text(item, ("prompt", key), "metadata", found.leaves)


# --- tools -----------------------------------------------------------------------------------------


def _tools(value: Any, found: Found) -> None:
    """The tools. An agent sends the same sixty kilobytes of them with each turn, so the walk is remembered by their hash."""
    digest = hashlib.blake2b(dumps(value), digest_size=16).digest()
    known = _seen.get(digest)
    if known is None:
        inner = Found()
        _tool_list(value, ("tools",), inner)
        known = tuple(inner.leaves), tuple(inner.unread)
        while len(_seen) >= _MEMORY:
            _seen.pop(next(iter(_seen)))
        _seen[digest] = known
    found.leaves.extend(known[0])
    found.unread.update(dict.fromkeys(known[1]))


def _kind_of_tool(tool: Any, path: Path, found: Found) -> str:
    if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
        raise BadRequest(f"{_name(path)} must be an object with a 'type'.", "Correct it.", param=_name(path))
    kind = k.tool_kind(tool["type"])
    if kind in k.HOSTED_TOOLS:
        # A search in the host's own index alone: the question is made of what already left, and nobody else is asked. Codex offers it
        # with every request.
        if kind != "web_search" or tool.get("external_web_access") is not False:
            found.unread[kind] = None
    elif kind not in k.CLIENT_TOOLS:
        raise Unsupported(
            f"{_name(path)} has the tool type {kind[:64]!r}, which localrouter does not know: it may read what nobody here has read.",
            "Leave it out, or offer it as a function.",
            param=_name(path),
        )
    if kind == "shell":
        _environment(tool.get("environment"), found)
    return kind


def _environment(value: Any, found: Found) -> None:
    """Where a shell runs: here, or in a container of the host with what lies there."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in (None, "local"):
        found.unread[f"shell {kind}" if isinstance(kind, str) and k.WORD.fullmatch(kind) else "shell"] = None


def _tool_list(value: Any, path: Path, found: Found) -> None:
    if not isinstance(value, list):
        raise BadRequest(f"'{_name(path)}' must be a list.", "Correct it.", param=_name(path))
    for i, tool in enumerate(value):
        here = (*path, i)
        _kind_of_tool(tool, here, found)
        for key, item in tool.items():
            if key == "type":
                _words(item, (*here, key), frozenset(), found.leaves)
            elif key in ("parameters", "output_schema"):
                _schema(item, (*here, key), found.leaves)
            elif key == "tools":
                _tool_list(item, (*here, key), found)
            elif key == "format" and isinstance(item, dict):
                for name, text in item.items():
                    if name in ("type", "syntax"):
                        _words(text, (*here, key, name), frozenset(), found.leaves)
                    else:
                        _text(text, (*here, key, name), "tool_schema", found.leaves)
            elif key in ("allowed_callers", "execution"):
                _words(item, (*here, key), frozenset(), found.leaves)
            else:
                _text(item, (*here, key), "tool_schema", found.leaves, free=key == "headers")


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
                _text(item, here, "tool_schema", out, free=True)
            else:
                if key not in _KEYWORDS:
                    out.append(Leaf(here, key, "key", str(path[-1])))
                _schema(item, here, out)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _schema(item, (*path, i), out)
    else:
        _text(value, path, "tool_schema", out)


def _own_word(key: str, value: Any) -> bool:
    """Whether a string of a schema is a word of JSON Schema itself."""
    if key == "$schema":
        return isinstance(value, str) and _DRAFT.fullmatch(value) is not None
    listed = value if isinstance(value, list) else [value]
    return key == "type" and all(isinstance(v, str) and v in _TYPES for v in listed)


def _format(value: Any, path: Path, out: list[Leaf]) -> None:
    """`text`: the shape of the answer."""
    if not isinstance(value, dict):
        _text(value, path, "metadata", out)
        return
    for key, item in value.items():
        here = (*path, key)
        if key == "format" and isinstance(item, dict):
            for name, inner in item.items():
                if name == "schema":
                    _schema(inner, (*here, name), out)
                elif name == "type":
                    _words(inner, (*here, name), frozenset(), out)
                else:
                    _text(inner, (*here, name), "tool_schema", out)
        elif key == "verbosity":
            _words(item, here, frozenset(), out)
        else:
            _text(item, here, "metadata", out)


def _choice(value: Any, path: Path, out: list[Leaf]) -> None:
    if not isinstance(value, dict):
        _words(value, path, frozenset(), out)
        return
    for key, item in value.items():
        if key in ("type", "mode"):
            _words(item, (*path, key), frozenset(), out)
        elif key == "tools" and isinstance(item, list):
            for i, tool in enumerate(item):
                _choice(tool, (*path, key, i), out)
        else:
            _text(item, (*path, key), "tool_schema", out)
