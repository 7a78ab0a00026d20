"""Jinja for templates that came with a downloaded file: what Hugging Face gives them, and no more.

Bounded in steps, in time and in size, and blind to attributes: a hostile template fails as a template, it does not hang or fill the
process. Source of what templates may expect: huggingface/transformers, `utils/chat_template_utils.py` (`_compile_jinja_template`).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace
from jinja2.visitor import NodeTransformer

MAX_SOURCE = 512 * 1024
"""Characters of a template. The largest of the public ones has 60 000."""
MAX_STEPS = 3_000_000
"""Loop rounds and macro calls of one rendering: a thousand messages with a hundred tools need some hundred thousand."""
MAX_SECONDS = 5.0
MAX_TEXT = 16 * 1024 * 1024
"""Characters of one value and of the whole text: more than any local model's context can hold."""
MAX_RANGE = 100_000
MAX_PAD = 10_000
_MAX_BITS = 4096

_STR = frozenset(
    [
        "capitalize",
        "count",
        "endswith",
        "find",
        "format",
        "index",
        "isalnum",
        "isalpha",
        "isdigit",
        "islower",
        "isnumeric",
        "isspace",
        "isupper",
        "join",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rindex",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "title",
        "upper",
    ]
)
_DICT = frozenset({"get", "items", "keys", "values", "copy"})
_LIST = frozenset({"count", "index"})
_FILTERS = frozenset(
    [
        "abs",
        "capitalize",
        "center",
        "count",
        "d",
        "default",
        "dictsort",
        "e",
        "escape",
        "first",
        "float",
        "format",
        "groupby",
        "indent",
        "int",
        "items",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "reverse",
        "round",
        "safe",
        "select",
        "selectattr",
        "sort",
        "string",
        "sum",
        "title",
        "trim",
        "truncate",
        "unique",
        "upper",
        "wordcount",
    ]
)
_WIDE = re.compile(r"[0-9]{5}|\*")


class Refused(TemplateError):
    """The template called `raise_exception`: it does not take these messages."""


class TooMuch(TemplateError):
    """The template did more than a chat needs."""


class Sandbox(ImmutableSandboxedEnvironment):
    """One model's environment. `render` is its only door."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,  # constants are computed while rendering, inside the bounds
            extensions=[loopcontrols, Generation],
            finalize=self._finalize,
            cache_size=0,
        )
        self.filters = {k: v for k, v in self.filters.items() if k in _FILTERS}
        for name, check in (("center", _pad), ("indent", _pad), ("replace", _replace), ("join", _join), ("format", _format)):
            self.filters[name] = _checked(self.filters[name], check)
        self.filters |= {"tojson": tojson, "_step": self._step, "_sized": _sized}
        self.globals = {"range": self._range, "dict": dict, "namespace": Namespace, "cycler": Cycler, "joiner": Joiner}
        self.globals |= {"raise_exception": _raise, "strftime_now": self.now}
        self._lock = threading.Lock()
        self._steps = self._chars = 0
        self._deadline = float("inf")
        self._clock: datetime | None = None

    def compile_template(self, source: str) -> Any:
        """A template of this environment. Raises TemplateError, or whatever Python says to code it cannot compile."""
        if len(source) > MAX_SOURCE:
            raise TooMuch("The template is too long.")
        return self.from_string(source)

    def run(self, template: Any, values: dict[str, Any], now: datetime | None, seconds: float = MAX_SECONDS) -> str:
        """Render within the bounds. Raises TooMuch, Refused, or anything else that a template can raise."""
        with self._lock:
            self._steps = self._chars = 0
            self._deadline, self._clock = time.monotonic() + seconds, now
            try:
                parts: list[str] = []
                size = 0
                for part in template.generate(**values):
                    size += len(part)
                    if size > MAX_TEXT:
                        raise TooMuch("The text is too long.")
                    parts.append(part)
                return "".join(parts)
            finally:
                self._deadline = float("inf")

    # -- what the template's code asks -------------------------------------------------------------------------------------

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, names in ((str, _STR), (dict, _DICT), ((list, tuple), _LIST), ((int, float), frozenset[str]())):
            if isinstance(obj, kind):  # type: ignore[arg-type]  # a type, or a tuple of them
                return attr in names
        return super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        self._step()
        method = getattr(obj, "__wrapped__", obj)  # the sandbox wraps `str.format`
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(owner, str):
            if name == "replace":
                _replace(owner, *args)
            elif name == "join":
                args = (_join(args[0], owner),)
            elif name == "format":
                _format(owner, *args, **kwargs)
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+":
            if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
                _bound(len(left) + len(right))
        elif operator == "*":
            for a, b in ((left, right), (right, left)):
                if isinstance(a, str | list | tuple) and isinstance(b, int):
                    _bound(len(a) * b)
            if isinstance(left, int) and isinstance(right, int):
                _bits(left.bit_length() + right.bit_length())
        elif operator == "**":
            if isinstance(left, int) and isinstance(right, int):
                _bits(left.bit_length() * abs(right))
        elif isinstance(left, str):
            _format(left, right)
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = Parser(self, source, name, filename).parse()
        made = _Bounds(self).visit(tree)
        assert isinstance(made, nodes.Template)
        return made

    def _step(self, chars: int = 0) -> str:
        """One loop round or macro call, which writes `chars` of fixed text at most."""
        self._steps += 1
        self._chars += chars
        if self._steps > MAX_STEPS or self._chars > 4 * MAX_TEXT or time.monotonic() > self._deadline:
            raise TooMuch("The template does more than a chat needs.")
        return ""

    def _finalize(self, value: Any) -> Any:
        self._chars += len(value) if isinstance(value, str) else 64
        if self._chars > 4 * MAX_TEXT:
            raise TooMuch("The text is too long.")
        return value

    def _range(self, *args: int) -> range:
        made = range(*args)
        if len(made) > MAX_RANGE:
            raise TooMuch("The range is too long.")
        return made

    def now(self, layout: str) -> str:
        """The time of this rendering, as `strftime_now` gives it."""
        if len(layout) > 200 or _WIDE.search(layout):
            raise TooMuch("The date format is too long.")
        return (self._clock or datetime.now().astimezone()).strftime(layout)


class Generation(Extension):
    """`{% generation %}...{% endgeneration %}`: marks the assistant's text for training; here it is its content."""

    tags = {"generation"}  # noqa: RUF012  # Jinja's own declaration

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Bounds(NodeTransformer):
    """Puts a step into each loop round and macro call, and a size check behind each `~`."""

    def __init__(self, environment: Sandbox) -> None:
        self._environment = environment

    def visit_For(self, node: nodes.For, *args: Any, **kwargs: Any) -> nodes.Node:
        self.generic_visit(node)
        node.body = [self._step(node.body, node.lineno), *node.body]
        if node.test is not None:
            node.test = self._new(
                nodes.And(self._new(nodes.Not(self._filter(nodes.Const(0), "_step")), 0), node.test), node.lineno
            )
        return node

    def visit_Macro(self, node: nodes.Macro, *args: Any, **kwargs: Any) -> nodes.Node:
        self.generic_visit(node)
        node.body = [self._step(node.body, node.lineno), *node.body]
        return node

    def visit_CallBlock(self, node: nodes.CallBlock, *args: Any, **kwargs: Any) -> nodes.Node:
        self.generic_visit(node)
        node.body = [self._step(node.body, node.lineno), *node.body]
        return node

    def visit_Concat(self, node: nodes.Concat, *args: Any, **kwargs: Any) -> nodes.Node:
        self.generic_visit(node)
        return self._new(self._filter(node, "_sized"), node.lineno)

    def _step(self, body: Iterable[nodes.Node], line: int) -> nodes.Node:
        chars = sum(len(t.data) for n in body for t in n.find_all(nodes.TemplateData))
        return self._new(nodes.ExprStmt(self._filter(nodes.Const(chars), "_step")), line)

    def _filter(self, node: nodes.Expr, name: str) -> nodes.Filter:
        return nodes.Filter(node, name, [], [], None, None)

    def _new(self, node: Any, line: int) -> Any:
        return node.set_lineno(line).set_environment(self._environment)


def tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as transformers writes it: no HTML escapes, and text beyond ASCII as it is. `ensure_ascii` is ignored: it would hide the
    guard's marks, and no model needs it."""
    if indent is not None:
        _pad(value, indent)
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, sort_keys=sort_keys)
    _bound(len(text))
    return text


def _raise(message: str = "") -> None:
    raise Refused(str(message)[:200])


def _sized(value: str) -> str:
    _bound(len(value))
    return value


def _bound(size: int) -> None:
    if size > MAX_TEXT:
        raise TooMuch("A value of the template is too long.")


def _bits(size: int) -> None:
    if size > _MAX_BITS:
        raise TooMuch("A number of the template is too large.")


def _checked(function: Callable[..., Any], check: Callable[..., Any]) -> Callable[..., Any]:
    """The filter behind its check. Filters that want the environment first say so by an attribute, which the wrapper passes on."""
    wants = hasattr(function, "jinja_pass_arg")

    def run(*args: Any, **kwargs: Any) -> Any:
        check(*(args[1:] if wants else args), **kwargs)
        return function(*args, **kwargs)

    if wants:
        run.jinja_pass_arg = function.jinja_pass_arg  # type: ignore[attr-defined]
    return run


def _pad(value: Any, width: Any = 4, *args: Any, **kwargs: Any) -> None:
    size = len(width) if isinstance(width, str) else width
    if not isinstance(size, int) or size > (100 if not isinstance(value, str) or "\n" in value else MAX_PAD):
        raise TooMuch("The template pads too far.")


def _replace(value: Any, old: str = "", new: str = "", *args: Any, **kwargs: Any) -> None:
    text = str(value)
    _bound(len(text) + (text.count(str(old)) + 1) * len(str(new)))


def _join(value: Any, glue: str = "", *args: Any, **kwargs: Any) -> list[Any]:
    parts = value if isinstance(value, list | tuple | str) else list(value)
    _bound(sum(len(p) if isinstance(p, str) else 16 for p in parts) + len(parts) * len(str(glue)))
    return parts  # type: ignore[return-value]  # any sequence will do


def _format(value: Any, *args: Any, **kwargs: Any) -> None:
    if _WIDE.search(str(value)) or any(isinstance(a, int) and a > 10**15 for a in args):
        raise SecurityError("The template formats with a width that no text has.")
    _bound(len(str(value)) * 4 + sum(len(a) if isinstance(a, str) else 64 for a in [*args, *kwargs.values()]) * 16)
