"""Jinja for templates that came with a downloaded file: what Hugging Face gives them, and no more.

Bounded in steps, in time and in size, and blind to attributes: a hostile template fails as a template, it does not hang or fill the
process. Source of what templates may expect: huggingface/transformers, `utils/chat_template_utils.py` (`_compile_jinja_template`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sized
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace
from jinja2.visitor import NodeTransformer

from localrouter.engine.template_bounds import (
    MAX_TEXT,
    SIZES,
    WIDE,
    TooMuch,
    computed,
    formatted,
    joined,
    replaced,
    tojson,
    weight,
)

MAX_SOURCE = 512 * 1024
"""Characters of a template. The largest of the public ones has 60 000."""
MAX_STEPS = 3_000_000
"""Loop rounds and macro calls of one rendering: a thousand messages with a hundred tools need some hundred thousand."""
MAX_SECONDS = 5.0
MAX_RANGE = 100_000
MAX_MADE = 16 * MAX_TEXT
"""Characters and items of all values of one rendering together, also of those that were dropped."""

_STR = frozenset({
    "capitalize", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isdigit", "islower", "isnumeric",
    "isspace", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind",
    "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
})  # fmt: skip
_DICT = frozenset({"get", "items", "keys", "values", "copy"})
_LIST = frozenset({"count", "index"})
_FILTERS = frozenset({
    "abs", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "format",
    "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject",
    "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "sort", "string", "sum", "title", "trim",
    "truncate", "unique", "upper", "wordcount",
})  # fmt: skip


AnyNode = TypeVar("AnyNode", bound=nodes.Node)


class Refused(TemplateError):
    """The template called `raise_exception`: it does not take these messages."""


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
        self.filters["tojson"] = tojson
        self.filters = {name: self._bounded(f, SIZES.get(name)) for name, f in self.filters.items()}
        self.filters |= {"_step": self._step, "_sized": self._sized}
        self.globals = {"range": self._range, "dict": dict, "namespace": Namespace, "cycler": Cycler, "joiner": Joiner}
        self.globals |= {"raise_exception": _raise, "strftime_now": self.now}
        self._lock = threading.Lock()
        self._steps = self._chars = self._made = 0
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
            self._steps = self._chars = self._made = 0
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
        if isinstance(obj, str | dict | list | tuple | int | float):
            return attr in (_STR if isinstance(obj, str) else _DICT if isinstance(obj, dict) else _LIST)
        return super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        self._step()
        method = getattr(obj, "__wrapped__", obj)  # the sandbox wraps `str.format`
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(owner, str):
            if name == "replace":
                self._charge(replaced(owner, *args))
            elif name == "join":
                args = (list(args[0]),)
                self._charge(joined(args[0], owner))
            elif name == "format":
                self._charge(formatted(owner, *args, **kwargs))
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            self._charge(formatted(left, *(right if isinstance(right, tuple) else (right,))))
        else:
            self._charge(computed(operator, left, right))
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

    def _charge(self, size: int) -> None:
        """A value of so many characters or items is about to be made."""
        self._made += size
        if size > MAX_TEXT or self._made > MAX_MADE:
            raise TooMuch("The template makes more than a chat needs.")
        self._step()

    def _bounded(self, function: Callable[..., Any], size: Callable[..., int] | None) -> Callable[..., Any]:
        """A filter that pays before it works. Filters that want the environment first say so by an attribute, which is passed on."""
        wants = int(hasattr(function, "jinja_pass_arg"))

        def run(*args: Any, **kwargs: Any) -> Any:
            given = list(args)
            if len(given) > wants and _walks(given[wants]):
                given[wants] = list(islice(given[wants], MAX_RANGE + 1))
            value = given[wants : wants + 1]
            self._charge(len(value[0]) if value and isinstance(value[0], Sized) else 1)
            if size is not None:
                self._charge(size(*given[wants:], **kwargs))
            return function(*given, **kwargs)

        if wants:
            run.jinja_pass_arg = function.jinja_pass_arg  # type: ignore[attr-defined]
        return run

    def _sized(self, value: str) -> str:
        self._charge(len(value))
        return value

    def _finalize(self, value: Any) -> Any:
        self._charge(weight(value))
        return value

    def _range(self, *args: int) -> range:
        made = range(*args)
        if len(made) > MAX_RANGE:
            raise TooMuch("The range is too long.")
        return made

    def now(self, layout: str) -> str:
        """The time of this rendering, as `strftime_now` gives it."""
        if len(layout) > 200 or WIDE.search(layout):
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

    def _new(self, node: AnyNode, line: int) -> AnyNode:
        node.set_lineno(line)
        node.set_environment(self._environment)
        return node


def _raise(message: str = "") -> None:
    raise Refused(str(message)[:200])


def _walks(value: Any) -> bool:
    return hasattr(value, "__next__")
