"""How large a template's next value will be, told before it is made: Python would make "a" * 10**12 without asking.

Every function here returns characters or list items; the sandbox adds them up. What cannot be told raises TooMuch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from jinja2.exceptions import TemplateError

MAX_TEXT = 16 * 1024 * 1024
"""Characters of one value and of the whole text: more than any local model's context can hold."""
MAX_PAD = 1_000
MAX_BITS = 4096
WIDE = re.compile(r"[0-9]{5}|\*")
"""A width in a format that no text has, or one that comes from elsewhere."""


class TooMuch(TemplateError):
    """The template did more than a chat needs."""


def weight(value: Any) -> int:
    """Characters of a value as text, roughly. Lists that hold one another many times are counted each time, as their text is; the count
    ends where it is too much."""
    if isinstance(value, str):
        return len(value)
    total, todo = 0, [value]
    while todo and total <= MAX_TEXT:
        one = todo.pop()
        total += 8 + (len(one) if isinstance(one, str) else 0)
        if isinstance(one, dict):
            todo += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set):
            todo += one
    return total


def computed(operator: str, left: Any, right: Any) -> int:
    """`left operator right`, for `+ * ** %`."""
    if operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        return len(left) + len(right)
    if operator == "*":
        for sized, times in ((left, right), (right, left)):
            if isinstance(sized, str | list | tuple) and isinstance(times, int):
                return len(sized) * max(0, times)
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if operator == "**" else left.bit_length() + right.bit_length()
        if bits > MAX_BITS:
            raise TooMuch("A number of the template is too large.")
    return 1


def formatted(value: Any, *args: Any, **kwargs: Any) -> int:
    """A format string with its arguments."""
    if WIDE.search(str(value)) or any(isinstance(a, int) and a > 10**15 for a in args):
        raise TooMuch("The template formats with a width that no text has.")
    text = str(value)
    return len(text) * 64 + sum(weight(a) for a in [*args, *kwargs.values()]) * (text.count("{") + text.count("%") + 1)


def padded(value: Any, width: Any = 80, *args: Any, **kwargs: Any) -> int:
    """`center` and `indent`."""
    size = len(width) if isinstance(width, str) else width
    if not isinstance(size, int) or size > MAX_PAD:
        raise TooMuch("The template pads too far.")
    text = str(value)
    return len(text) + (text.count("\n") + 1) * max(0, size)


def replaced(value: Any, old: Any = "", new: Any = "", *args: Any, **kwargs: Any) -> int:
    text = str(value)
    return len(text) + (text.count(str(old)) + 1) * len(str(new))


def joined(value: Any, glue: Any = "", *args: Any, **kwargs: Any) -> int:
    return sum(map(weight, value)) + len(value) * len(str(glue))


def summed(value: Any, attribute: Any = None, start: Any = 0, *args: Any, **kwargs: Any) -> int:
    if not isinstance(start, int | float):
        raise TooMuch("The template adds up what is no number.")
    return len(value)


def tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as transformers writes it: no HTML escapes, and text beyond ASCII as it is. `ensure_ascii` is ignored: it would hide the
    guard's marks, and no model needs it."""
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, sort_keys=sort_keys)


def _json(value: Any, ensure_ascii: bool = False, indent: Any = None, *args: Any, **kwargs: Any) -> int:
    deep = len(indent) if isinstance(indent, str) else indent or 0
    if not isinstance(deep, int) or deep > 16:
        raise TooMuch("The template pads too far.")
    return weight(value) * (1 + max(0, deep))


SIZES: dict[str, Callable[..., int]] = {
    "center": padded,
    "format": formatted,
    "indent": padded,
    "join": joined,
    "replace": replaced,
    "string": weight,
    "sum": summed,
    "tojson": _json,
}
"""Of filters that make more than they are given."""
