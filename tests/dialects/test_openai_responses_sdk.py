"""Everything that OpenAI's own SDK can send or receive is classified: an item, a part, a tool, a field or an event that is not fails here.

The samples are made from the SDK's types. Each string in them is unlike any id or closed word, so each must be found to be read: as a leaf,
or as the text of a signed block. What is data (a picture's bytes) is listed by name.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import orjson
import pytest
from openai.types.responses import response_create_params, response_input_item_param, tool_param
from openai.types.responses.response_output_item import ResponseOutputItem
from openai.types.responses.response_stream_event import ResponseStreamEvent

from localrouter.core.errors import Unsupported
from localrouter.core.hosted_tools import LEFT_OUT as HOSTED
from localrouter.dialects import _responses_kinds as k
from localrouter.dialects import openai_responses as dialect
from localrouter.dialects._hosted import base
from localrouter.providers import _responses_pieces as pieces

DATA = frozenset({"file_data", "result"})
"""Bytes in base64: unread, and named in `Ask.unread`."""
LEFT_OUT = frozenset({"token"})
"""Log probabilities, which an edit leaves out."""


def is_dict(t: Any) -> bool:
    return isinstance(t, type) and hasattr(t, "__total__")


def hints(t: Any) -> dict[str, Any]:
    return dict(get_type_hints(t))


def members(t: Any) -> Iterator[Any]:
    """The alternatives of a union, unfolded."""
    if get_origin(t) in (typing.Union, types.UnionType):
        for inner in get_args(t):
            yield from members(inner)
    elif get_origin(t) is typing.Annotated:
        yield from members(get_args(t)[0])
    else:
        yield t


class Maker:
    """Samples of a type; each string is new. A union gives its first alternative that is not on the way already; `pick` chooses."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._count = 0

    def text(self, key: str) -> str:
        self._count += 1
        text = f"text no {self._count} of {key}, please"
        self.texts[text] = key
        return text

    def make(self, t: Any, key: str, depth: int = 0) -> Any:
        options = [m for m in members(t) if m is not type(None)]
        t = options[0] if options else type(None)
        origin, args = get_origin(t), get_args(t)
        if origin is typing.Literal:
            return args[0]
        if is_dict(t):
            return self.dict(t, depth + 1)
        if origin is dict:
            return {self.text(f"{key} key"): self.make(args[1], key, depth)}
        if origin is not None and args:
            return [self.make(m, key, depth) for m in members(args[0])] if depth < 6 else []
        if t is bool:
            return True
        if t is int:
            return 3
        if t is float:
            return 0.5
        if t in (str, object) or t is Any:
            return self.text(key)
        raise AssertionError(f"no sample for {t}")

    def dict(self, t: Any, depth: int = 0) -> dict[str, Any]:
        return {key: self.make(value, key, depth) for key, value in hints(t).items()}


def variants(t: Any) -> Iterator[tuple[Any, dict[str, Any], dict[str, str]]]:
    """Samples of a typed dict, one for each alternative of each of its fields."""
    fields = hints(t)
    most = max(len([m for m in members(v) if m is not type(None)]) for v in fields.values())
    for turn in range(most):
        maker = Maker()
        sample = {}
        for key, value in fields.items():
            options = [m for m in members(value) if m is not type(None)]
            sample[key] = maker.make(options[min(turn, len(options) - 1)], key)
        yield t, sample, maker.texts


ITEM_TYPES = list(members(response_input_item_param.ResponseInputItemParam))
TOOL_TYPES = list(members(tool_param.ToolParam))


def test_the_sdk_still_has_its_types() -> None:
    assert len(ITEM_TYPES) > 25 and len(TOOL_TYPES) > 12


def type_of(t: Any) -> str:
    return str(get_args(next(m for m in members(hints(t)["type"]) if get_origin(m) is typing.Literal))[0])


@pytest.mark.parametrize("t", ITEM_TYPES, ids=lambda t: t.__name__)
def test_every_field_of_every_item_is_classified(t: Any) -> None:
    kind = type_of(t)
    if kind in k.REFUSED_ITEMS:
        return
    spec = k.ITEMS[kind]
    known = k.PROTOCOL | spec.texts | spec.parts | spec.tools | spec.free | spec.skip | {spec.mark}
    assert set(hints(t)) <= known, f"{kind}: {set(hints(t)) - known}"


@pytest.mark.parametrize(
    "t",
    [t for t in ITEM_TYPES if type_of(t) not in k.REFUSED_ITEMS],
    ids=lambda t: t.__name__,
)
def test_every_text_of_every_item_is_read(t: Any) -> None:
    for _, sample, texts in variants(t):
        ask = dialect.read(orjson.dumps({"input": [sample]}), {})
        said = [leaf.text for leaf in ask.leaves] + [s.text for s in ask.signed]
        missing = {v: key for v, key in texts.items() if key not in DATA | LEFT_OUT and not any(v in s for s in said)}
        assert not missing
        data = [key for v, key in texts.items() if key not in LEFT_OUT and not any(v in s for s in said)]
        assert not data or ask.unread, "what was not read is named"


@pytest.mark.parametrize("t", TOOL_TYPES, ids=lambda t: t.__name__)
def test_every_text_of_every_tool_is_read(t: Any) -> None:
    for _, sample, texts in variants(t):
        ask = dialect.read(orjson.dumps({"input": "x", "tools": [sample]}), {})
        said = {leaf.text for leaf in ask.leaves}
        assert not {v for v in texts if v not in said}
        kind = base(sample["type"])
        assert not ask.unread and (kind in k.CLIENT_TOOLS) != (kind in k.HOSTED_TOOLS)
        assert ask.hosted == tuple({kind} & HOSTED.keys()) or ask.hosted == ("container_shell",)


def test_every_field_of_the_request_is_classified() -> None:
    fields = hints(response_create_params.ResponseCreateParamsNonStreaming)
    known = set(k.SETTINGS) | k.REPLACED | k.TEXTS | set(k.REFUSED)
    assert set(fields) <= known, set(fields) - known
    for name, setting in k.SETTINGS.items():
        inner: set[str] = set()
        pending = [fields.get(name)]
        while pending:
            for t in members(pending.pop()):
                if is_dict(t):
                    inner |= set(hints(t))
                    pending += hints(t).values()
                else:
                    pending += [a for a in get_args(t) if not isinstance(a, str)]
        assert inner <= setting.inner, f"{name}: {inner - setting.inner}"


def test_a_text_in_a_field_of_closed_words_is_read_all_the_same() -> None:
    for name in k.SETTINGS:
        if name in ("stream", "store", "max_output_tokens", "background"):
            continue
        ask = dialect.read(orjson.dumps({"input": "x", name: {"effort": "my name is Jane", "zz": "and Roe"}}), {})
        assert {"my name is Jane", "and Roe"} <= {leaf.text for leaf in ask.leaves}, name


def test_every_event_is_classified() -> None:
    kinds = {str(get_args(m.model_fields["type"].annotation)[0]) for m in members(ResponseStreamEvent)}
    assert len(kinds) > 50
    items = {"output_item.added", "output_item.done", "content_part.added", "content_part.done"}
    parts = {"reasoning_summary_part.added", "reasoning_summary_part.done"}
    known = set(pieces._EVENTS) | {pieces.CITED} | pieces.PASSED | pieces.LIFECYCLE | items | parts
    assert {kind.removeprefix("response.") for kind in kinds} - known == {"error"}


def test_every_output_item_is_one_that_can_be_sent_back() -> None:
    for m in members(ResponseOutputItem):
        kind = str(get_args(m.model_fields["type"].annotation)[0])
        assert kind in k.ITEMS, kind


@pytest.mark.parametrize(
    "tree",
    [
        {"input": [{"type": "hologram", "data": "x"}]},
        {"input": [{"role": "user", "content": [{"type": "hologram"}]}]},
        {"input": [{"type": "function_call_output", "call_id": "1", "output": [{"type": "hologram"}]}]},
        {"input": "x", "tools": [{"type": "hologram"}]},
        {"input": "x", "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "hologram"}]}]},
    ],
)
def test_what_nobody_knows_is_refused_by_name(tree: dict[str, Any]) -> None:
    with pytest.raises(Unsupported, match="hologram"):
        dialect.read(orjson.dumps(tree), {})
