"""How often a host ran its own tools, as each wire's answers say it: streamed and not.

Sources: Anthropic API reference, `usage.server_tool_use`; OpenAI API reference, Responses (items of `output`), guide "Web search" (a search is
billed, opening a page is not); xAI, "Live Search" (`num_sources_used`).
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from localrouter.core.chat import Chunk
from localrouter.providers import all_wires


def chunks(wire: str, *trees: dict[str, Any], stream: bool = True) -> list[Chunk]:
    reader = all_wires()[wire].Reader(stream)
    if not stream:
        return reader.feed(orjson.dumps(trees[0])) + reader.end()
    said = b"".join(b"event: %s\ndata: %s\n\n" % (str(t.get("type", "")).encode(), orjson.dumps(t)) for t in trees)
    return reader.feed(said) + reader.end()


def seen(found: list[Chunk]) -> list[str]:
    return [kind for chunk in found for kind in chunk.uses]


def last(found: list[Chunk]) -> dict[str, int]:
    usage = [c.usage for c in found if c.usage is not None and not c.guess][-1]
    return {kind: n for kind, n in usage.tools.items() if n}


def block(name: str, kind: str = "server_tool_use") -> dict[str, Any]:
    return {"type": kind, "id": "srvtoolu_1", "name": name, "input": {}}


NAMES = ["web_search", "bash_code_execution", "web_fetch", "web_search", "tool_search_tool_regex"]
WANTED = ["web_search", "code_execution", "web_fetch", "web_search"]


def test_messages() -> None:
    ran = {"input_tokens": 3, "output_tokens": 4, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}}
    start = {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 3, "output_tokens": 1, "server_tool_use": {"web_search_requests": 0}}},
    }
    begun = [{"type": "content_block_start", "index": i, "content_block": block(n)} for i, n in enumerate(NAMES)]
    end = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": ran}, {"type": "message_stop"}]
    found = chunks("anthropic_messages", start, *begun, *end)
    assert seen(found) == WANTED and last(found) == {"web_search": 2, "web_fetch": 1}
    whole = {
        "content": [*map(block, NAMES), block("f", "mcp_tool_use"), {"type": "text", "text": "x"}],
        "stop_reason": "end_turn",
        "usage": ran,
    }
    found = chunks("anthropic_messages", whole, stream=False)
    assert seen(found) == [*WANTED, "mcp_toolset"] and last(found) == {"web_search": 2, "web_fetch": 1}


def test_a_count_that_is_none_is_not_read() -> None:
    whole = {
        "content": [],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": True}},
    }
    assert last(chunks("anthropic_messages", whole, stream=False)) == {}


ITEMS: list[dict[str, Any]] = [
    {"type": "web_search_call", "id": "1", "action": {"type": "search", "query": "q"}},
    {"type": "web_search_call", "id": "2", "action": {"type": "open_page", "url": "u"}},
    {"type": "web_search_call", "id": "3", "action": {"type": "find_in_page", "url": "u"}},
    {"type": "web_search_call", "id": "4"},
    {"type": "file_search_call", "id": "5"},
    {"type": "code_interpreter_call", "id": "6", "container_id": "c1"},
    {"type": "code_interpreter_call", "id": "7", "container_id": "c1"},
    {"type": "code_interpreter_call", "id": "8", "container_id": "c2"},
    {"type": "image_generation_call", "id": "9"},
    {"type": "shell_call", "id": "10", "environment": {"type": "local"}},
    {"type": "function_call", "id": "11", "name": "web_search", "arguments": "{}", "call_id": "c"},
]
USED = {"web_search": 2, "file_search": 1, "code_interpreter": 2, "image_generation": 1}


@pytest.mark.parametrize("stream", [True, False])
def test_responses(stream: bool) -> None:
    usage = {"input_tokens": 3, "output_tokens": 4}
    whole = {"status": "completed", "output": ITEMS, "usage": usage}
    events = [{"type": "response.output_item.done", "output_index": i, "item": item} for i, item in enumerate(ITEMS)]
    given = [*events, {"type": "response.completed", "response": whole}] if stream else [whole]
    found = chunks("openai_responses", *given, stream=stream)
    assert last(found) == USED
    if stream:
        assert sorted(set(seen(found))) == sorted(USED)


def test_chat_completions_of_a_host_that_bills_sources() -> None:
    whole = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "num_sources_used": 6}}
    assert last(chunks("openai_chat", whole, stream=False)) == {"web_search": 6}
