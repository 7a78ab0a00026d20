"""Each official SDK over each wire: {chat, Responses, Messages} x {openai_chat, openai_responses, anthropic_messages}.

The host behind refuses what the real APIs refuse, so a request that was crossed wrongly is a 400 here; every stream that comes back is
checked event by event. Each request holds private values: the host's record has none of them, the client gets them back.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Daemon, trace
from drivers import DRIVERS, LIST, PNG, READ, SCHEMA, WRITE, Driver, arguments

MAIL, PLACE, NUMBER = "jane.roe@acme-widgets.io", "/home/jroe/app/x.py", "10.20.30.40"
PRIVATE = f'Author: Jane Roe <{MAIL}>\nFile "{PLACE}" on db-7.corp.internal at {NUMBER}\n'
SECRET = "DB_PASSWORD=" + "correct-horse-9"
VALUES = ("Jane Roe", MAIL, "jroe", "corp.internal", NUMBER, "correct-horse-9")
HOSTS = ("chat", "responses", "messages")


@pytest.fixture(params=HOSTS, ids=lambda name: f"{name}_client")
def driver(request: pytest.FixtureRequest, surfaces: Daemon) -> Iterator[Driver]:
    with DRIVERS[request.param](surfaces.base, surfaces.client) as made:
        yield made


@pytest.fixture(params=HOSTS, ids=lambda name: f"{name}_wire")
def wire(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def sent_since(daemon: Daemon, before: int) -> list[dict[str, Any]]:
    calls = daemon.host.record()[before:]
    for entry in calls:
        assert not entry.get("refused"), entry["refused"]
        for value in VALUES:
            assert value not in entry["body"], f"{value!r} left the machine: {entry['body'][:2000]}"
    return calls


@pytest.mark.parametrize("stream", [False, True])
def test_plain(driver: Driver, wire: str, surfaces: Daemon, stream: bool) -> None:
    before = len(surfaces.host.record())
    driver.system = "You help Jane Roe at acme."
    got = driver.user(PRIVATE + "what is this?").run(f"{wire}/rehearsal-1", stream=stream)
    (entry,) = sent_since(surfaces, before)
    assert entry["path"].startswith(f"/{wire}/v1/")
    for value in ("Jane Roe", MAIL, NUMBER):
        assert value in got.text
    assert got.finish == "stop" and got.model and got.prompt > 0 and got.output > 0
    record = trace(surfaces, got.id)
    assert record["outcome"] == "done" and record["cost_micro"] > 0 and len(record["attempts"]) == 1
    assert "Jane Roe" not in json.dumps(record)


@pytest.mark.parametrize("stream", [False, True])
def test_tools_in_parallel_over_several_turns(driver: Driver, wire: str, surfaces: Daemon, stream: bool) -> None:
    before = len(surfaces.host.record())
    tools = (WRITE, READ)
    driver.user(f"write a file with this: {SECRET}\n{PRIVATE}")
    got = driver.run(f"{wire}/rehearsal-parallel", stream=stream, tools=tools)
    assert [n for _, n, _ in got.calls] == ["write_file", "read_file"] and got.finish == "tool_calls"
    assert got.text.startswith("I shall call them all at once.")
    content = arguments(got, "write_file")["content"]
    assert SECRET in content and "Jane Roe" in content, "an edit tool gets the real values back"
    assert len({i for i, _, _ in got.calls}) == 2
    driver.results([(got.calls[0][0], f"wrote 3 lines for {MAIL}"), (got.calls[1][0], "")])
    got = driver.run(f"{wire}/rehearsal-1", stream=stream, tools=tools)
    assert got.finish == "stop" and MAIL in got.text
    driver.user("now read it: use the tool")
    got = driver.run(f"{wire}/rehearsal-1", stream=stream, tools=(READ,), choice="any")
    assert [n for _, n, _ in got.calls] == ["read_file"]
    driver.results([(got.calls[0][0], PRIVATE)])
    got = driver.run(f"{wire}/rehearsal-1", stream=stream, tools=(READ,))
    assert got.finish == "stop" and NUMBER in got.text
    assert len(sent_since(surfaces, before)) == 4


def test_the_veiled_prefix_is_the_same_in_each_turn(driver: Driver, wire: str, surfaces: Daemon) -> None:
    before = len(surfaces.host.record())
    driver.user(PRIVATE + "call the tool")
    for turn in range(3):
        got = driver.run(f"{wire}/rehearsal-rounds-3", tools=(READ,))
        assert len(got.calls) == 1
        driver.results([(got.calls[0][0], f"result {turn} for {MAIL}")])
    bodies = [json.loads(e["body"]) for e in sent_since(surfaces, before)]
    field = "input" if wire == "responses" else "messages"
    for earlier, later in itertools.pairwise(bodies):
        strip = lambda items: [json.dumps(i).replace(', "cache_control": {"type": "ephemeral"}', "") for i in items]  # noqa: E731
        old, new = strip(earlier[field]), strip(later[field])
        assert new[: len(old)] == old, "what was sent before is sent again, byte for byte"
        assert earlier["tools"] == later["tools"]


@pytest.mark.parametrize("choice", ["any", "write_file", "none"])
def test_forced_choice(driver: Driver, wire: str, choice: str) -> None:
    got = driver.user("hello there").run(f"{wire}/rehearsal-1", tools=(LIST, WRITE), choice=choice)
    assert [n for _, n, _ in got.calls] == {"any": ["list_files"], "write_file": ["write_file"], "none": []}[choice]


def test_one_call_at_a_time(driver: Driver, wire: str) -> None:
    got = driver.user("call the tools").run(f"{wire}/rehearsal-parallel", tools=(READ, WRITE), single=True)
    assert len(got.calls) == 1


def test_a_tool_without_parameters(driver: Driver, wire: str) -> None:
    got = driver.user("call the tool").run(f"{wire}/rehearsal-1", tools=(LIST,), stream=True)
    assert [(n, json.loads(a)) for _, n, a in got.calls] == [("list_files", {})]


@pytest.mark.parametrize("stream", [False, True])
def test_structured_output(driver: Driver, wire: str, surfaces: Daemon, stream: bool) -> None:
    before = len(surfaces.host.record())
    got = driver.user(f"Who is {MAIL}?").run(f"{wire}/rehearsal-1", schema=SCHEMA, stream=stream)
    tree = json.loads(got.text)
    assert tree == {"who": MAIL, "count": 7}
    sent_since(surfaces, before)


def test_an_image(driver: Driver, wire: str, surfaces: Daemon) -> None:
    before = len(surfaces.host.record())
    got = driver.user(f"what is it, {MAIL}?", image=PNG).run(f"{wire}/rehearsal-1")
    assert MAIL in got.text
    (entry,) = sent_since(surfaces, before)
    assert PNG in entry["body"], "the picture itself goes along"


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_over_a_turn_of_tools(driver: Driver, wire: str, surfaces: Daemon, stream: bool) -> None:
    before = len(surfaces.host.record())
    driver.user(f"call the tool for {MAIL}")
    got = driver.run(f"{wire}/rehearsal-think", tools=(READ,), effort="medium", stream=stream)
    assert got.calls
    if driver.NAME != "chat" or wire != "responses":
        assert "I shall answer" in got.thought
    driver.results([(got.calls[0][0], "it says: fine")])
    got = driver.run(f"{wire}/rehearsal-think", tools=(READ,), effort="medium", stream=stream)
    assert "simulated answer" in got.text
    last = sent_since(surfaces, before)[-1]["body"]
    if driver.NAME == wire == "messages":
        assert '"signature"' in last, "its own thoughts go back to the host"
    if driver.NAME == wire == "responses":
        assert '"encrypted_content"' in last


@pytest.mark.parametrize("maker", HOSTS)
def test_thoughts_of_one_host_do_not_reach_another(driver: Driver, wire: str, maker: str, surfaces: Daemon) -> None:
    before = len(surfaces.host.record())
    driver.user(f"call the tool for {MAIL}")
    got = driver.run(f"{maker}/rehearsal-think", tools=(READ,), effort="low")
    driver.results([(got.calls[0][0], "it says: fine")])
    got = driver.run(f"{wire}/rehearsal-1", tools=(READ,))
    assert "simulated answer" in got.text
    sent_since(surfaces, before)


def test_two_hosts_of_one_wire_do_not_see_each_others_thoughts(surfaces: Daemon) -> None:
    for name, other in (("messages", "other"), ("responses", "other-responses")):
        with DRIVERS[name](surfaces.base, surfaces.client) as driver:
            before = len(surfaces.host.record())
            got = driver.user("call the tool").run(f"{name}/rehearsal-think", tools=(READ,), effort="low")
            assert got.mark
            driver.results([(got.calls[0][0], "fine")])
            assert "simulated" in driver.run(f"{other}/rehearsal-1", tools=(READ,)).text
            assert got.mark not in sent_since(surfaces, before)[-1]["body"]
            driver.items.pop()
            if name == "responses":
                while driver.items[-1].get("type") == "message":
                    driver.items.pop()
            assert "simulated" in driver.run(f"{name}/rehearsal-1", tools=(READ,)).text
            assert got.mark in sent_since(surfaces, before)[-1]["body"], "and its maker gets it back unchanged"


ENDS = {
    "length": {"chat": "length", "responses": "length", "messages": "length"},
    "filtered": {"chat": "content_filter", "responses": "content_filter", "messages": "refusal"},
    "empty": {"chat": "stop", "responses": "stop", "messages": "stop"},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("end", list(ENDS))
def test_how_an_answer_ends(driver: Driver, wire: str, end: str, stream: bool) -> None:
    got = driver.user("hello").run(f"{wire}/rehearsal-{end}", stream=stream)
    expected = ENDS[end][driver.NAME]
    if wire == "messages" and end == "filtered" and driver.NAME != "messages":
        assert got.finish in ("content_filter", "stop"), "Anthropic calls it a refusal"
    else:
        assert got.finish == expected
    assert bool(got.text) == (end != "empty")


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal(driver: Driver, wire: str, stream: bool) -> None:
    got = driver.user("hello").run(f"{wire}/rehearsal-refuse", stream=stream)
    assert "I cannot help with that" in got.text


def test_usage_is_the_hosts_in_the_clients_words(driver: Driver, wire: str, surfaces: Daemon) -> None:
    got = driver.user("hello " * 2000).run(f"{wire}/rehearsal-1", stream=True)
    usage = surfaces.host.record()[-1]["usage"]
    prompt = usage.get("prompt_tokens") or usage["input_tokens"] + usage.get("cache_creation_input_tokens", 0) + usage.get("cache_read_input_tokens", 0)  # fmt: skip
    assert got.prompt == prompt
    assert got.output == usage.get("completion_tokens", usage.get("output_tokens"))
