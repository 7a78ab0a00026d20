"""Subschemas that no finite value satisfies become `false`.

`{"$ref": "#"}`, or an object that requires a member of its own kind, never comes to an end. Where such a part is optional, the compiler
would let a model begin it and find no way on. The parts that can end are found as the productive symbols of a grammar are: starting from those
that need no other, until nothing is added (Hopcroft, Motwani, Ullman, Introduction to Automata Theory, section 7.1.2).
"""

from __future__ import annotations

from typing import Any

_ONE = ("additionalProperties", "items")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions")


def prune(root: dict[str, Any]) -> dict[str, Any] | bool:
    """The schema with such parts as `false`; `False` itself when it is one. Only local references are followed."""
    nodes: list[dict[str, Any]] = []
    _collect(root, nodes)
    ends: set[int] = set()
    waiting = nodes
    while waiting:
        found = [_ends(n, root, ends) for n in waiting]
        if not any(found):
            break
        ends.update(id(n) for n, yes in zip(waiting, found, strict=True) if yes)
        waiting = [n for n, yes in zip(waiting, found, strict=True) if not yes]
    if not waiting:
        return root
    done: dict[str, Any] | bool = _cut(root, ends)
    return done


def _collect(node: Any, into: list[dict[str, Any]]) -> None:
    if not isinstance(node, dict):
        return
    into.append(node)
    for _, child in _children(node):
        _collect(child, into)


def _children(node: dict[str, Any]) -> list[tuple[str, Any]]:
    out = [(k, node[k]) for k in _ONE if k in node]
    for key in _MANY:
        out += [(key, v) for v in node.get(key, [])]
    for key in _NAMED:
        out += [(key, v) for v in node.get(key, {}).values()]
    return out


def _ends(node: dict[str, Any], root: Any, ends: set[int]) -> bool:
    def fine(part: Any) -> bool:
        return part if isinstance(part, bool) else id(part) in ends

    if "$ref" in node:
        target = _target(root, node["$ref"])
        if target is not None and not fine(target):
            return False
    if not all(fine(p) for p in node.get("allOf", [])):
        return False
    for word in ("anyOf", "oneOf"):
        if node.get(word) and not any(fine(p) for p in node[word]):
            return False
    kind = node.get("type")
    if kind in ("object", ["object"]):
        properties, required = node.get("properties", {}), node.get("required")
        if not all(
            fine(properties[n])
            for n in (required if isinstance(required, list) else [])
            if isinstance(n, str) and n in properties
        ):
            return False
    if kind in ("array", ["array"]) and isinstance(least := node.get("minItems", 0), int) and least > 0:
        fixed = node.get("prefixItems", [])
        if not all(fine(p) for p in fixed[:least]) or (least > len(fixed) and not fine(node.get("items", True))):
            return False
    return True


def _target(root: Any, ref: Any) -> Any:
    """What a local reference points to; None when it is none, or leads nowhere (the compiler complains)."""
    if not isinstance(ref, str) or not ref.startswith("#") or (len(ref) > 1 and ref[1] != "/"):
        return None
    node = root
    for part in ref[2:].split("/") if len(ref) > 1 else []:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            node = node[name]
        elif isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        else:
            return None
    return node if isinstance(node, dict | bool) else None


def _cut(node: Any, ends: set[int]) -> Any:
    if not isinstance(node, dict):
        return node
    if id(node) not in ends:
        return False
    out = dict(node)
    for key in _ONE:
        if key in node:
            out[key] = _cut(node[key], ends)
    for key in _MANY:
        if key in node:
            out[key] = [_cut(v, ends) for v in node[key]]
    for key in _NAMED:
        if key in node:
            out[key] = {k: _cut(v, ends) for k, v in node[key].items()}
    return out
