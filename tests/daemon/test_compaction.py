"""Compaction at the host, answers gone on from, and hosted tools, through a whole daemon: what a Responses host gets and what the client reads.

The host is a small one, on loopback: it compacts as OpenAI's API reference says ("Compact a response"), and records.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest
import small_host
from conftest import Daemon, start, stop, trace, wait
from small_host import numbered, serving

from localrouter.daemon.rehearsal import Rehearsal

PRIVATE = "jane@roe.org"
USAGE = {"input_tokens": 40, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 45}  # fmt: skip
SEALED = "gAAAAAB" + "c0mpacted" * 30


@dataclass
class Host:
    """What came, by path and body."""

    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    port: int = 0

    def answer(self, path: str, tree: dict[str, Any]) -> dict[str, Any]:
        items = (
            tree["input"] if isinstance(tree["input"], list) else [{"type": "message", "role": "user", "content": tree["input"]}]
        )
        if path.endswith("/compact"):
            users = [
                {"id": f"msg_{n}", "type": "message", "role": "user", "status": "completed", "content": [{"type": "input_text", "text": item["content"]}]}
                for n, item in enumerate(items)
                if item.get("role") == "user"
            ]  # fmt: skip
            sealed = {"id": "cmp_1", "type": "compaction", "encrypted_content": SEALED}
            return {"id": "resp_c", "object": "response.compaction", "created_at": 7, "output": [*users, sealed], "usage": USAGE}
        said = {"type": "output_text", "text": f"You said: {json.dumps(items)}", "annotations": [], "logprobs": []}
        out: dict[str, Any] = {
            "id": f"msg_{len(self.seen)}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [said],
        }
        if items[-1].get("type") == "compaction_trigger":
            out = {"id": "cmp_2", "type": "compaction", "encrypted_content": SEALED}
        return {
            "id": f"resp_{len(self.seen)}", "object": "response", "created_at": 7, "status": "completed", "error": None, "incomplete_details": None,
            "instructions": None, "model": tree["model"], "output": [out], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "previous_response_id": None, "store": False, "usage": USAGE,
        }  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Iterator[Host]:
    host = Host()

    def asked(path: str, _: Mapping[str, str], tree: dict[str, Any]) -> tuple[int, bytes]:
        host.seen.append((path, tree))
        whole = host.answer(path, tree)
        if not tree.get("stream"):
            return 200, json.dumps(whole).encode()
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        return 200, numbered([
            {"type": "response.created", "response": begun},
            {"type": "response.output_item.done", "output_index": 0, "item": whole["output"][0]},
            {"type": "response.completed", "response": whole},
        ])  # fmt: skip

    with serving(asked) as host.port:
        yield host


def home_of(home: Path, port: int) -> None:
    wires = {"full": ["openai_responses", "openai_compact"], "twin": ["openai_responses", "openai_compact"], "bare": ["openai_responses"], "chat": ["openai_chat"]}  # fmt: skip
    small_host.write_home(
        home,
        '[[route]]\nname = "default"\ntry = ["asked"]\n',
        {name: f'origin = "http://127.0.0.1:{port}/{name}/v1"\nwire = {json.dumps(wire)}' for name, wire in wires.items()},
        {f"{name}/m": "price_in = 1\nprice_out = 1\ncontext = 20000" for name in wires},
    )


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, small: Host, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("compaction")
    home_of(home, small.port)
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def client(daemon: Daemon) -> openai.OpenAI:
    return openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0)


def post(daemon: Daemon, path: str, tree: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=120)
    head = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}"}
    connection.request("POST", path, json.dumps(tree), head)
    answer = connection.getresponse()
    out = answer.status, {k.lower(): v for k, v in answer.getheaders()}, json.loads(answer.read())
    connection.close()
    return out


TURNS = [{"role": "user", "content": f"Write to {PRIVATE} today"}, {"role": "assistant", "content": "Done."}]


def test_a_conversation_is_compacted_where_the_host_speaks_it(daemon: Daemon, small: Host) -> None:
    with client(daemon) as sdk:
        compacted = sdk.responses.compact(model="full/m", input=TURNS, instructions="Be brief.")
        path, got = small.seen[-1]
        assert (
            path == "/full/v1/responses/compact" and got["model"] == "m" and "max_output_tokens" not in got and "store" not in got
        )
        assert PRIVATE not in json.dumps(got) and got["instructions"]
        user, sealed = compacted.output
        assert PRIVATE in user.content[0].text and sealed.type == "compaction" and sealed.encrypted_content == SEALED
        assert compacted.usage.total_tokens == 45
        items = [item.model_dump(exclude_none=True, warnings=False) for item in compacted.output]
        answered = sdk.responses.create(model="full/m", input=[*items, {"role": "user", "content": "Go on."}], store=False)
    _, got = small.seen[-1]
    assert {"type": "compaction", "id": "cmp_1", "encrypted_content": SEALED} in got["input"], "unchanged, at its maker"
    assert PRIVATE not in json.dumps(got) and PRIVATE in answered.output_text


@pytest.mark.parametrize("stream", [True, False])
def test_a_compaction_asked_for_in_the_conversation(daemon: Daemon, small: Host, stream: bool) -> None:
    """Codex's newer way: an item `compaction_trigger` at the end of an ordinary request, answered with one compaction item."""
    asked = [*TURNS, {"role": "user", "content": f"stream {stream}"}, {"type": "compaction_trigger"}]
    with client(daemon) as sdk:
        if stream:
            events = list(sdk.responses.create(model="full/m", input=asked, stream=True, store=False))  # type: ignore[arg-type]
            answer = events[-1].response  # type: ignore[union-attr]
        else:
            answer = sdk.responses.create(model="full/m", input=asked, store=False)  # type: ignore[arg-type]
    assert [i.type for i in answer.output] == ["compaction"] and answer.output[0].encrypted_content == SEALED
    assert small.seen[-1][1]["input"][-1] == {"type": "compaction_trigger"}


@pytest.mark.parametrize(("model", "mark"), [("twin/m", SEALED), ("chat/m", SEALED), ("full/m", "gAAAAAB" + "unknown" * 40)])
def test_a_compaction_of_another_maker_is_refused_and_never_dropped(daemon: Daemon, small: Host, model: str, mark: str) -> None:
    post(daemon, "/v1/responses/compact", {"model": "full/m", "input": TURNS})  # its maker is known
    before = len(small.seen)
    items = [{"type": "compaction", "id": "cmp_1", "encrypted_content": mark}, {"role": "user", "content": f"Go on, {model}."}]
    status, _, tree = post(daemon, "/v1/responses", {"model": model, "input": items, "store": False})
    assert status == 400 and "compacted conversation" in tree["error"]["message"] and tree["error"]["param"] == "input[0]"
    assert len(small.seen) == before and mark not in json.dumps(tree)


@pytest.mark.parametrize("model", ["bare/m", "chat/m"])
def test_where_no_host_compacts_the_client_is_told_what_to_do(daemon: Daemon, small: Host, model: str) -> None:
    before = len(small.seen)
    status, head, tree = post(daemon, "/v1/responses/compact", {"model": model, "input": TURNS})
    assert status == 400 and head["x-should-retry"] == "false" and "Codex" in tree["error"]["message"]
    if model == "chat/m":
        asked = [*TURNS, {"type": "compaction_trigger"}]
        status, _, tree = post(daemon, "/v1/responses", {"model": model, "input": asked, "store": False})
        assert status == 400 and "Codex" in tree["error"]["message"] and tree["error"]["param"] == "input[2]"
    assert len(small.seen) == before
    status, _, tree = post(daemon, "/v1/responses/compact", {"model": "full/m", "input": TURNS, "stream": True})
    assert status == 400 and "not streamed" in tree["error"]["message"]


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_was_gone_on_from_is_named_in_every_event(daemon: Daemon, small: Host, stream: bool) -> None:
    with client(daemon) as sdk:
        first = sdk.responses.create(model="full/m", input=f"Remember {PRIVATE}, {stream}.")
        if stream:
            events = list(sdk.responses.create(model="full/m", input="Who?", previous_response_id=first.id, stream=True))
            responses = [e.response for e in events if hasattr(e, "response")]
            assert len(responses) == 2
        else:
            responses = [sdk.responses.create(model="full/m", input="Who?", previous_response_id=first.id)]
        assert [r.previous_response_id for r in responses] == [first.id] * len(responses)
        third = sdk.responses.create(model="full/m", input="And?", previous_response_id=responses[-1].id)
    _, got = small.seen[-1]
    assert "previous_response_id" not in got and got["store"] is False and len(got["input"]) == 5
    assert third.previous_response_id == responses[-1].id and PRIVATE not in json.dumps(got) and PRIVATE in third.output_text


def test_a_tool_of_the_hosts_own_is_left_out_and_the_trace_says_so(daemon: Daemon, small: Host) -> None:
    own = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    tree = {
        "model": "full/m",
        "input": "hi",
        "tools": [own, {"type": "web_search", "external_web_access": False}],
        "store": False,
    }
    status, head, _ = post(daemon, "/v1/responses", tree)
    assert status == 200 and small.seen[-1][1]["tools"] == [own]
    record = trace(daemon, head["x-localrouter-id"])
    assert "web_search" in json.dumps(record["attempts"][0]["edits"])
    before = len(small.seen)
    status, _, said = post(daemon, "/v1/responses", {**tree, "tool_choice": {"type": "web_search"}})
    assert status == 400 and "'web_search'" in said["error"]["message"] and "hosted_tools" in said["error"]["message"]
    assert len(small.seen) == before


def test_a_prompt_that_fits_no_model_is_told_in_each_dialect(daemon: Daemon, small: Host) -> None:
    long = "word " * 20_000
    before = len(small.seen)
    for path, tree in (
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": long}]}),
        ("/v1/responses", {"input": long}),
        ("/v1/messages", {"messages": [{"role": "user", "content": long}], "max_tokens": 100}),
    ):
        status, head, said = post(daemon, path, {"model": "full/m", **tree})
        assert status == 400 and head["x-should-retry"] == "false"
        if path == "/v1/messages":
            assert re.fullmatch(r"prompt is too long: 25\d{3} tokens > 20000 maximum", said["error"]["message"])
        else:
            assert said["error"]["code"] == "context_length_exceeded"
            assert said["error"]["message"].startswith(
                "This model's maximum context length is 20000 tokens. However, your messages resulted in "
            )
    assert len(small.seen) == before
