"""Every text of a Responses request, what of it cannot be read, and what a host signed (law 1 of the design).

A reasoning item's encrypted content is a mark that goes back unchanged; its summary is not part of what is encrypted (clients send it
back shortened or empty, and hosts take it), and the client's copy of it was restored: so the summary is a leaf like any other text.
"""

from __future__ import annotations

import re
from typing import Any

from localrouter.core.ask import Leaf, Path, Signed, Where
from localrouter.core.errors import BadRequest, Unsupported
from localrouter.dialects import _responses_kinds as k
from localrouter.dialects._responses_found import Found, add_text, add_words, name_of
from localrouter.dialects._responses_schema import add_choice, add_environment, add_format, add_tool_list, add_tools

_ROLES: dict[str, Where] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_SEALED = re.compile(r"[A-Za-z0-9+/_=.\-]+")
"""What encrypted content looks like. Anything else in its place could be text, and is scanned."""
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
            add_tools(value, found)
        elif key in k.SETTINGS:
            add_words(value, (key,), k.SETTINGS[key].inner, found.leaves)
        elif key == "instructions":
            add_text(value, (key,), "system", found.leaves)
        elif key == "text":
            add_format(value, (key,), found.leaves)
        elif key == "tool_choice":
            add_choice(value, (key,), found.leaves)
        elif key == "prompt":
            _prompt(value, found)
        else:
            add_text(value, (key,), "metadata", found.leaves, free=key == "metadata")
    return found


# --- items -----------------------------------------------------------------------------------------


def _input(value: Any, found: Found) -> None:
    if isinstance(value, str):
        add_text(value, ("input",), "user", found.leaves)
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
        raise Unsupported(f"{name_of(path)} is only a reference ({kind}).", k.REFUSED_ITEMS[kind], param=name_of(path))
    spec = k.ITEMS.get(kind)
    if spec is None:
        raise Unsupported(
            f"{name_of(path)} has the type {kind[:64]!r}, which localrouter does not know and so cannot read.",
            "Send it as a message, or leave it out.",
            param=name_of(path),
        )
    where = spec.where
    if kind == "message":
        role = item.get("role")
        if not isinstance(role, str):
            raise BadRequest(f"{name_of(path)} must have a 'role'.", "Correct it.", param=f"{name_of(path)}.role")
        where = _ROLES.get(role, "user")
    if spec.unread:
        found.unread[kind] = None
    out = found.leaves
    for key, value in item.items():
        if value is None or value is False or value is True:
            continue
        here = (*path, key)
        if key in k.PROTOCOL:
            add_words(value, here, _CALLER, out)
        elif key in spec.parts:
            _parts(value, here, where, found)
        elif key in spec.texts:
            add_text(value, here, where, out)
        elif key in spec.free:
            add_text(value, here, where, out, free=True)
        elif key in spec.tools:
            add_tool_list(value, here, found)
        elif key == spec.mark:
            _mark(item, value, path, found)
        elif key not in spec.skip:
            add_text(value, here, "metadata", out)
    if kind in ("shell_call", "shell_call_output"):
        add_environment(item.get("environment"), found)


def _mark(item: dict[str, Any], value: Any, path: Path, found: Found) -> None:
    """What a host signed or encrypted. Without it, what can be read of the item is a plain leaf."""
    if not isinstance(value, str) or not value:
        return
    texts = texts_of(item.get("code"))  # a summary is a leaf of its own, and no part of what is signed
    if not _SEALED.fullmatch(value):
        texts.append(value)
    found.signed.append(Signed(path, value, "\n".join(texts), needed=item_type(item) in k.NEEDED))


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
        add_text(value, path, where, found.leaves)
        return
    if isinstance(value, dict):
        _part(value, path, where, found)
        return
    if not isinstance(value, list):
        raise BadRequest(f"{name_of(path)} must be a string or a list of parts.", "Correct it.", param=name_of(path))
    for i, part in enumerate(value):
        if isinstance(part, str):
            add_text(part, (*path, i), where, found.leaves)
            continue
        _part(part, (*path, i), where, found)


def _part(part: Any, path: Path, where: Where, found: Found) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    field = k.TEXT_PARTS.get(kind) if isinstance(kind, str) else None
    out = found.leaves
    if field is not None:
        for key, value in part.items():
            if key == field:
                add_text(value, (*path, key), where, out)
            elif key in k.PROTOCOL:
                add_words(value, (*path, key), _CALLER, out)
            elif key == "annotations":
                add_text(value, (*path, key), where, out)
            elif key != "logprobs":  # an edit leaves them out: they repeat the text in pieces that nobody can veil
                add_text(value, (*path, key), "metadata", out)
        return
    if not isinstance(kind, str) or kind not in k.UNREAD_PARTS:
        raise Unsupported(
            f"{name_of(path)} has the part type {str(kind)[:64]!r}, which localrouter does not know and so cannot read.",
            "Send it as text, or leave it out.",
            param=name_of(path),
        )
    found.unread[kind] = None
    for key, value in part.items():
        if key in k.DATA_FIELDS:
            if key == "file_id" and value is not None:
                found.unread["file_id"] = None
                add_words(value, (*path, key), frozenset(), out)
            if key.endswith("_url") and isinstance(value, str) and not value[:5].lower().startswith("data:"):
                add_text(value, (*path, key), where, out)  # an address may name somebody
        elif key in k.PROTOCOL or key == "detail":
            add_words(value, (*path, key), _CALLER, out)
        else:
            add_text(value, (*path, key), where if key == "filename" else "metadata", out)


def _prompt(value: Any, found: Found) -> None:
    """A prompt that lies at the host: unread. Its variables are the client's own words."""
    found.unread["prompt"] = None
    if not isinstance(value, dict):
        add_text(value, ("prompt",), "metadata", found.leaves)
        return
    for key, item in value.items():
        if key in ("id", "version"):
            add_words(item, ("prompt", key), frozenset(), found.leaves)
        elif key == "variables" and isinstance(item, dict):
            for name, given in item.items():
                found.leaves.append(Leaf(("prompt", key, name), name, "key", key))
                if isinstance(given, dict):
                    _part(given, ("prompt", key, name), "user", found)
                else:
                    add_text(given, ("prompt", key, name), "user", found.leaves)
        else:
            add_text(item, ("prompt", key), "metadata", found.leaves)
