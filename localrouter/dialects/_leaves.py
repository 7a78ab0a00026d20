"""Walk a raw JSON tree and name every text that a model could read (law 1).

A string that is not on the dialect's short list of protocol fields is a leaf: unknown fields are scanned, not trusted.
Numbers of seven digits and more are leaves too (an account number), and so are the keys of free-form objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from localrouter.core.ask import Leaf, Path, Where
from localrouter.core.errors import Unsupported

OPAQUE_LIMIT = 256
"""Characters. DESIGN law 1: a longer base64-like string that nobody names is refused."""

_OPAQUE = re.compile(r"[A-Za-z0-9+/_=\-]{257,}")
_BIG = 10**6
_NAMED: frozenset[Where] = frozenset({"metadata", "tool_arguments"})
"""Where a value's whole path of keys is its context (`customer.name`). Elsewhere the nearest key is: the path through a message is the
protocol's, and that through a schema names what a value would be (`password.description`) where there is none."""


def walk(
    tree: Any,
    path: Path,
    where: Where,
    out: list[Leaf],
    *,
    protocol: Callable[[Path], bool],
    free_keys: bool,
    context: str = "",
) -> None:
    """Append the leaves under `tree`. Iterative over nothing deeper than the reader's limit, so recursion is bounded."""
    if isinstance(tree, str):
        if tree and not protocol(path):
            if where == "metadata" and len(tree) > OPAQUE_LIMIT and _OPAQUE.fullmatch(tree):
                name = ".".join(str(p) for p in path)
                raise Unsupported(
                    f"The field '{name}' holds {len(tree)} characters that cannot be read, and nothing leaves unread.",
                    "Remove the field.",
                    param=name,
                )
            out.append(Leaf(path, tree, where, context))
    elif isinstance(tree, bool) or tree is None:
        return
    elif isinstance(tree, (int, float)):
        if abs(tree) >= _BIG and not protocol(path):
            out.append(Leaf(path, repr(tree), "number", context))
    elif isinstance(tree, list):
        for i, item in enumerate(tree):
            walk(item, (*path, i), where, out, protocol=protocol, free_keys=free_keys, context=context)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            if free_keys and key:
                out.append(Leaf((*path, key), key, "key", context))
            inner = f"{context}.{key}" if context and where in _NAMED else key
            walk(item, (*path, key), where, out, protocol=protocol, free_keys=free_keys, context=inner)
