"""Hosted tools that a recipe allows, through a whole daemon: their worst case is reserved, the host is told the limit, what it counts is settled to
the micro-dollar and stands in the ledger, the trace and the explanation; a tool without a price is refused before anything is sent.

The host is a small one, on loopback: it searches as often as it was last told to, and records. Sources: as in
tests/core/test_money_tools.py.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import small_host
from conftest import Daemon, idle, start, stop, trace, wait
from small_host import frames, numbered, serving

from localrouter.daemon.rehearsal import Rehearsal


@dataclass
class Host:
    """What came; `ran`: how often it searches next; `cut`: it breaks off after its searches and one word."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    ran: int = 0
    cut: bool = False
    port: int = 0

    def messages(self, stream: bool) -> bytes:
        runs = [
            {"type": "server_tool_use", "id": f"s{i}", "name": "web_search", "input": {"query": "q"}} for i in range(self.ran)
        ]
        blocks = [*runs, {"type": "text", "text": "Found."}]
        usage = {"input_tokens": 1000, "output_tokens": 20, "server_tool_use": {"web_search_requests": self.ran}}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
        if not stream:
            return json.dumps({**message, "content": blocks, "stop_reason": "end_turn", "usage": usage}).encode()
        begun = {**usage, "output_tokens": 1, "server_tool_use": {"web_search_requests": 0}}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": begun}}
        ]
        for i, block in enumerate(blocks):
            empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
            delta = (
                {"type": "text_delta", "text": "Found."}
                if block["type"] == "text"
                else {"type": "input_json_delta", "partial_json": '{"query":"q"}'}
            )
            events += [
                {"type": "content_block_start", "index": i, "content_block": empty},
                {"type": "content_block_delta", "index": i, "delta": delta},
                {"type": "content_block_stop", "index": i},
            ]
        end = [
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        return frames(events if self.cut else events + end)

    def responses(self, stream: bool) -> bytes:
        runs = [
            {"type": "web_search_call", "id": f"ws_{i}", "status": "completed", "action": {"type": "search", "query": "q"}}
            for i in range(self.ran)
        ]
        page = {
            "type": "web_search_call",
            "id": "ws_p",
            "status": "completed",
            "action": {"type": "open_page", "url": "https://e.example"},
        }
        text = {"type": "output_text", "text": "Found.", "annotations": [], "logprobs": []}
        output = [*runs, page, {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}]
        counts = {"input_tokens": 1000, "output_tokens": 20, "total_tokens": 1020}
        whole = {
            "id": "resp_1",
            "object": "response",
            "created_at": 7,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "model": "m",
            "output": output,
            "usage": counts,
        }
        if not stream:
            return json.dumps(whole).encode()
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        items = [
            {"type": f"response.output_item.{w}", "output_index": i, "item": item}
            for i, item in enumerate(output)
            for w in ("added", "done")
        ]
        events = [{"type": "response.created", "response": begun}, *items, {"type": "response.completed", "response": whole}]
        return numbered(events)


@pytest.fixture(scope="module")
def small() -> Iterator[Host]:
    host = Host()

    def asked(path: str, _: Mapping[str, str], tree: dict[str, Any]) -> tuple[int, bytes]:
        host.seen.append(tree)
        stream = bool(tree.get("stream"))
        return 200, host.messages(stream) if path.endswith("/messages") else host.responses(stream)

    with serving(asked) as host.port:
        yield host


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, small: Host, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("tools")
    wires = {"a": "anthropic_messages", "o": "openai_responses"}
    small_host.write_home(
        home,
        'hosted_tools = ["web_search", "image_generation", "code_execution"]\n[[route]]\nname = "default"\ntry = ["asked"]\n',
        {
            name: f'origin = "http://127.0.0.1:{small.port}/v1"\nwire = "{wire}"\ntool_prices = {{ web_search = "10" }}'
            for name, wire in wires.items()
        },
        {f"{name}/m": "price_in = 1\nprice_out = 5\ncontext = 200000" for name in wires},
    )
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def post(daemon: Daemon, path: str, tree: dict[str, Any]) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=120)
    head = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}"}
    connection.request("POST", path, json.dumps(tree), head)
    answer = connection.getresponse()
    out = answer.status, answer.getheader("x-localrouter-id") or "", answer.read()
    connection.close()
    return out


def ledger(daemon: Daemon, trace: str) -> tuple[int, int, int, str | None]:
    """(reserved, charged, estimated, tools) of the one hold of a request."""
    idle(daemon)
    (file,) = daemon.home.rglob("localrouter.db")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        (row,) = db.execute("SELECT micro, cost, estimated, tools FROM holds WHERE request = ?", (trace,)).fetchall()
    db.close()
    return row  # type: ignore[no-any-return]


def body(name: str, stream: bool, **more: Any) -> tuple[str, dict[str, Any]]:
    if name == "a":
        tool = {"type": "web_search_20250305", "name": "web_search"}
        return "/v1/messages", {
            "model": "a/m",
            "max_tokens": 100,
            "messages": [{"role": "user", "content": "hi"}],
            "tools": [tool],
            "stream": stream,
            **more,
        }
    return "/v1/responses", {
        "model": "o/m",
        "max_output_tokens": 100,
        "input": "hi",
        "tools": [{"type": "web_search"}],
        "stream": stream,
        **more,
    }


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("name", ["a", "o"])
@pytest.mark.parametrize("ran", [0, 3])
def test_what_the_host_counts_is_what_is_charged(daemon: Daemon, small: Host, name: str, stream: bool, ran: int) -> None:
    small.ran, small.cut = ran, False
    path, tree = body(name, stream)
    status, id_, said = post(daemon, path, tree)
    assert status == 200 and b"Found." in said
    sent = small.seen[-1]
    assert (sent["tools"][0]["max_uses"] if name == "a" else sent["max_tool_calls"]) == 10
    reserved, charged, estimated, tools = ledger(daemon, id_)
    assert (charged, estimated) == (1000 + 5 * 20 + ran * 10_000, 0)
    assert tools == ('{"web_search": 3}' if ran else None)
    assert reserved >= 10 * 10_000 + 11 * 1, "ten searches, and what is read after each"
    record = trace(daemon, id_)
    assert record["cost_micro"] == charged and record["usage"].get("tools") == ({"web_search": 3} if ran else None)
    assert "web_search up to 10 times" in json.dumps(record)
    assert ("That includes what its host ran by itself: web search (3)." in record["explain"]) == bool(ran)


def test_a_search_that_was_seen_in_a_cut_stream_is_charged_as_an_estimate(daemon: Daemon, small: Host) -> None:
    small.ran, small.cut = 2, True
    path, tree = body("a", True)
    status, id_, said = post(daemon, path, tree)
    assert status == 200 and b"event: error" in said
    _, charged, estimated, tools = ledger(daemon, id_)
    assert estimated == 1 and tools == '{"web_search": 3}', "two were seen, and one more may have begun"
    assert charged == 1000 + 5 * (len("Found.")) + 30_000
    record = trace(daemon, id_)
    assert record["attempts"][0]["estimated"] is True and record["cost_micro"] == charged


@pytest.mark.parametrize(
    ("name", "tool", "kind"),
    [
        ("o", {"type": "image_generation"}, "image_generation"),
        ("a", {"type": "code_execution_20250825", "name": "code_execution"}, "code_execution"),
    ],
)
def test_a_tool_without_a_price_is_refused_by_name(
    daemon: Daemon, small: Host, name: str, tool: dict[str, Any], kind: str
) -> None:
    before = len(small.seen)
    path, tree = body(name, False, tools=[tool])
    status, _, said = post(daemon, path, tree)
    assert status == 402 and f"'{kind}'" in said.decode() and "tool_prices" in said.decode() and len(small.seen) == before


def test_a_kind_that_is_not_allowed_costs_nothing(daemon: Daemon, small: Host) -> None:
    small.ran, small.cut = 0, False
    path, tree = body("a", False, tools=[{"type": "web_fetch_20250910", "name": "web_fetch"}])
    status, id_, _ = post(daemon, path, tree)
    assert status == 200 and "tools" not in small.seen[-1]
    reserved, charged, _, tools = ledger(daemon, id_)
    assert reserved < 10_000 and charged == 1100 and tools is None
