"""Every field of the SDK's own types is classified, and every string that one of them can hold is read (law 1)."""

from __future__ import annotations

import itertools
import re
import types
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import orjson
import pytest
from anthropic.types import beta as beta_types
from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_count_tokens_params as beta_count
from anthropic.types.beta import message_create_params as beta_create
from typing_extensions import get_type_hints, is_typeddict

from localrouter.core.errors import Unsupported
from localrouter.dialects import anthropic_messages as dialect
from localrouter.dialects._anthropic_leaves import KNOWN

ROOTS = (
    message_create_params.MessageCreateParamsStreaming,
    message_count_tokens_params.MessageCountTokensParams,
    beta_create.MessageCreateParamsStreaming,
    beta_count.MessageCountTokensParams,
)
_numbers = itertools.count(1)


def bare(hint: Any) -> Any:
    """Without Required, Annotated and the like."""
    while getattr(get_origin(hint), "__name__", str(get_origin(hint))).rpartition(".")[2] in (
        "Required",
        "NotRequired",
        "Annotated",
    ):
        hint = get_args(hint)[0]
    return hint


def hints_of(kind: Any) -> dict[str, Any]:
    return {name: bare(hint) for name, hint in get_type_hints(kind).items()}


def kinds_in(hint: Any, seen: dict[str, Any]) -> None:
    """All TypedDicts that a hint leads to, by name."""
    hint = bare(hint)
    if is_typeddict(hint):
        name = hint.__name__
        name = (
            f"{hint.__module__}.{name}" if seen.get(name, hint) is not hint else name
        )  # the stable and the beta roots share names
        if name not in seen:
            seen[name] = hint
            for inner in hints_of(hint).values():
                kinds_in(inner, seen)
        return
    for inner in get_args(hint):
        kinds_in(inner, seen)


def all_kinds() -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for root in ROOTS:
        kinds_in(root, seen)
    return seen


KINDS = all_kinds()


def test_the_types_were_found() -> None:
    assert len(KINDS) > 200 and {"TextBlockParam", "BetaCompactionBlockParam", "ToolParam", "BetaMCPToolsetParam"} <= set(KINDS)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_field_is_classified(name: str) -> None:
    if "ToolsetConfigs" in name:
        return  # one field for each tool of the set; `configs` is walked as free JSON, with its keys
    unknown = set(hints_of(KINDS[name])) - KNOWN
    assert not unknown, f"{name}: say in _anthropic_leaves.py what {sorted(unknown)} hold"


def values(hint: Any, depth: int = 0) -> Iterator[Any]:
    """Values of a type: one for each variant of it and of what is in it; strings are phrases that occur once."""
    hint = bare(hint)
    origin = get_origin(hint)
    if is_typeddict(hint):
        yield from objects(hint, depth)
    elif origin in (typing.Union, types.UnionType):
        for inner in get_args(hint):
            if inner is not type(None):
                yield from values(inner, depth)
    elif origin is typing.Literal:
        yield get_args(hint)[0]
    elif hint is str:
        yield f"phrase {next(_numbers)} of a person"
    elif hint is bool:
        yield True
    elif hint in (int, float):
        yield 7
    elif hint is object:
        yield {f"free key {next(_numbers)}": f"phrase {next(_numbers)} of a person"}
    elif origin is dict:
        for inner in values(get_args(hint)[1], depth):
            yield {f"free key {next(_numbers)}": inner}
    elif origin is not None and get_args(hint):  # Iterable, Sequence, list
        for inner in values(get_args(hint)[0], depth + 1):
            yield [inner]


def objects(kind: Any, depth: int) -> Iterator[dict[str, Any]]:
    fields = {
        name: list(itertools.islice(values(hint, depth + 1), 40 if depth < 4 else 1)) for name, hint in hints_of(kind).items()
    }
    first = {name: found[0] for name, found in fields.items() if found}
    yield first
    for name, found in fields.items():
        for other in found[1:]:
            yield {**first, name: other}


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def media(node: Any) -> Iterator[str]:
    """Base64, which nobody can read."""
    if isinstance(node, dict):
        if node.get("type") == "base64":
            yield node["data"]
        for value in node.values():
            yield from media(value)
    elif isinstance(node, list):
        for value in node:
            yield from media(value)


def check(tree: dict[str, Any]) -> bool:
    """Every phrase of the request is a leaf, or is media that is named as unread; False when the request is refused by name."""
    try:
        ask = dialect.read(orjson.dumps(tree), {})
    except Unsupported:
        return False
    wanted = {s for s in strings(tree) if s.startswith(("phrase ", "free key "))}
    unreadable = set(media(tree))
    assert not unreadable or ask.unread
    read = {leaf.text for leaf in ask.leaves}
    assert not wanted - read - unreadable, (wanted - read - unreadable, tree)
    return True


INNER = re.compile(r"(Result|Output|Error|WebFetch|ServerTool\w+|SearchResult)BlockParam$")
"""What stands inside the results of the host's own tools, and is no block of a message."""
USER = [{"role": "user", "content": "x"}]


@pytest.mark.parametrize("name", sorted(n for n in KINDS if n.endswith("BlockParam")))
def test_every_string_of_a_block_is_read(name: str) -> None:
    kind = KINDS[name]
    checked = 0
    for block in itertools.islice(objects(kind, 0), 200):
        for content in ([block], [{"type": "tool_result", "tool_use_id": "t", "content": [block]}]):
            checked += check({"model": "m", "messages": [{"role": "assistant", "content": content}]})
    assert checked or INNER.search(name), f"{name} is refused, and nothing says that it may be"


@pytest.mark.parametrize(
    "name", sorted(n for n in KINDS if n.endswith("Param") and ("Tool" in n or "Toolset" in n) and "Block" not in n)
)
def test_every_string_of_a_tool_is_read(name: str) -> None:
    for tool in itertools.islice(objects(KINDS[name], 0), 60):
        check({"model": "m", "messages": USER, "tools": [tool]})


@pytest.mark.parametrize("root", ROOTS, ids=["create", "count", "beta-create", "beta-count"])
def test_every_string_of_the_top_is_read(root: Any) -> None:
    for field, hint in hints_of(root).items():
        if field in ("messages", "tools", "model", "inference_geo"):
            continue
        for value in itertools.islice(values(hint, 1), 60):
            assert check({"model": "m", "messages": USER, field: value}), field


def test_the_beta_module_is_the_one_that_was_walked() -> None:
    assert beta_types.BetaCompactionBlockParam is KINDS["BetaCompactionBlockParam"]
