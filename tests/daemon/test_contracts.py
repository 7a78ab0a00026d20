"""Contracts, fallback steps and time limits of routes, end to end: each client dialect, each host wire, streamed and not."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
import surfaces as three
from conftest import BUSY_S, Daemon, idle, start, stop, trace, wait
from drivers import DRIVERS, Driver

from localrouter.daemon.rehearsal import Call, Rehearsal, Reply, Seen

WIRES = ("chat", "responses", "messages")
PAIRS = [(name, host) for name in WIRES for host in WIRES]
MAIL = "jane.roe@example.org"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TOOL = (
    "note",
    {"type": "object", "properties": {"to": {"type": "string"}, "count": {"type": "integer"}}, "required": ["to", "count"]},
)
RECIPE = """
name = "rehearse"
extends = "balanced"
[schemas.person]
type = "object"
required = ["name"]

[[route]]
name = "strict"
match = { model = ["*/rehearsal-1"] }
try = ["asked", "chat/rehearsal-2"]
[route.contract]
json_schema = "request"
tool_arguments = "verify"

[[route]]
name = "person"
match = { model = ["*/rehearsal-echo"] }
try = ["asked"]
contract = { json_schema = "person" }

[[route]]
name = "labels"
match = { model = ["*/rehearsal-lenient"] }
try = ["asked"]
contract = { labels = ["spam", "ham"] }

[[route]]
name = "cites"
match = { model = ["*/rehearsal-think"] }
try = ["asked"]
contract = { citations = "verify" }
fallback = { contract = "clarify" }

[[route]]
name = "willing"
match = { model = ["*/rehearsal-refuse"] }
try = ["asked", "chat/rehearsal-2"]
fallback = { refusal = "next" }

[[route]]
name = "said"
match = { model = ["*/rehearsal-empty", "*/rehearsal-filtered"] }
try = ["asked", "chat/rehearsal-2"]
fallback = { content_filter = "next", refusal = "next", empty = "next" }

[[route]]
name = "silent"
match = { model = ["*/rehearsal-redacted"] }
try = ["asked"]

[[route]]
name = "whole"
match = { model = ["*/rehearsal-length", "*/rehearsal-slow"] }
try = ["asked", "chat/rehearsal-2"]
contract = { json_schema = "request" }
fallback = { truncated = "next" }

[[route]]
name = "away"
match = { model = ["*/rehearsal-500"] }
try = ["asked"]
fallback = { server_error = "static:We are away until Monday." }

[[route]]
name = "asks"
match = { model = ["*/rehearsal-context"] }
try = ["asked"]
fallback = { context_length = "clarify" }

[[route]]
name = "refuses"
match = { model = ["*/rehearsal-529", "*/rehearsal-429"] }
try = ["asked"]
fallback = { rate_limit = "refuse" }

[[route]]
name = "again"
match = { model = ["*/rehearsal-503"] }
try = ["asked"]

[[route]]
name = "hasty"
match = { model = ["*/rehearsal-silent-9"] }
try = ["asked", "chat/rehearsal-2"]
limits = { first_token_ms = 2500 }

[[route]]
name = "short"
match = { model = ["*/rehearsal-mute-9", "*/rehearsal-hush-9"] }
try = ["asked", "chat/rehearsal-2"]
limits = { total_ms = 3500 }

[[route]]
name = "default"
try = ["asked"]
"""


PROGRAM = """
from localrouter.core import standing
from localrouter.daemon import breaker, retries, serve
standing.FEWEST = breaker.IN_A_ROW = breaker.CALLS = 10**9  # what one test does to a model is nothing to the next
retries.LEAST = retries.MOST = 10.0**9
raise SystemExit(serve.main())
"""


def mended(seen: Seen) -> bool:
    return "cannot be used" in seen.last_user or "was not made" in seen.last_user


def person(seen: Seen) -> str:
    """Wrong at first, and right when it is told; a stubborn model never is."""
    words, right = "\n".join(seen.texts), mended(seen)
    if "stubborn" in words:
        right = seen.model == "rehearsal-2"
    if "hopeless" in words:
        right = False
    return json.dumps({"name": seen.tokens[0] if seen.tokens else "nobody", "age": 3} if right else {"age": 3})


def said(seen: Seen) -> Reply:
    words, right = "\n".join(seen.texts), mended(seen)
    if seen.fault == "length":
        return Reply('{"name": "x", "age"', finish="length")
    if seen.schema is not None or "person" in words:
        return Reply(person(seen))
    if "spam or ham" in words:
        return Reply("spam" if right else "It looks like spam to me.")
    if "mill" in words:
        return Reply(
            'As it says: "the mill was built in 1871 by two brothers".'
            if right
            else '"The mill was built in 1901 by a company of five".'
        )
    if seen.fault in ("empty", "redacted", "filtered"):
        return Reply("", finish="content_filter" if seen.fault == "filtered" else "")
    if seen.fault == "refuse":
        if "politely" in words:
            return Reply("I'm sorry, but I can't help with that.")
        return Reply("I cannot help with that.", finish="refusal", refusal=True)
    return Reply(f"An answer for {seen.tokens[0] if seen.tokens else 'nobody'}.")


def called(seen: Seen) -> Reply:
    if seen.tools[0].name != "note":  # a wire that asks for JSON by a tool of ours
        return Reply(calls=(Call(seen.tools[0].name, person(seen)),))
    to = seen.tokens[0] if seen.tokens else "nobody"
    return Reply(calls=(Call("note", json.dumps({"to": to, "count": 1 if mended(seen) else "one"})),))


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("bound")
    with Rehearsal(script=(called, called, called), aside=said, strict=True) as host:
        three.write(home, host)
        (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
        process = start(home, program=PROGRAM)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


def client(daemon: Daemon, name: str) -> Driver:
    return DRIVERS[name](daemon.base, daemon.client, max_retries=0)


def holds(daemon: Daemon, request: str) -> list[tuple[Any, ...]]:
    idle(daemon)
    db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
    try:
        return db.execute(
            "SELECT micro, cost, settled, outcome FROM holds WHERE request = ? ORDER BY rowid", (request,)
        ).fetchall()
    finally:
        db.close()


def each_settled(rows: list[tuple[Any, ...]], outcomes: list[str]) -> None:
    assert [r[3] for r in rows] == outcomes
    assert all(when is not None and 0 < cost <= micro for micro, cost, when, _ in rows)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_an_answer_is_mended_once(bound: Daemon, name: str, host: str, stream: bool) -> None:
    before = len(bound.host.record())
    with client(bound, name) as driver:
        got = driver.user(f"Who is {MAIL}? ({name} {host} {stream})").run(f"{host}/rehearsal-1", stream=stream, schema=SCHEMA)
    assert json.loads(got.text) == {"name": MAIL, "age": 3}, "judged and told as restored"
    asked = bound.host.record()[before:]
    assert [e["path"].split("/")[1] for e in asked] == [host, host]
    assert all(MAIL not in e["body"] for e in asked), "what is sent back to the model is veiled again"
    assert "age" in asked[1]["body"] and "cannot be used" in asked[1]["body"]
    each_settled(holds(bound, got.id), ["error", "done"])
    record = trace(bound, got.id)
    assert record["status"] == 200 and [a["model"] for a in record["attempts"]] == [f"{host}/rehearsal-1"] * 2
    assert "repair_once" in json.dumps(record) and MAIL not in json.dumps(record)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", WIRES)
def test_who_does_not_mend_it_is_followed_by_the_next(bound: Daemon, name: str, stream: bool) -> None:
    before = len(bound.host.record())
    with client(bound, name) as driver:
        got = driver.user(f"stubborn {name} {stream}: {MAIL}").run("messages/rehearsal-1", stream=stream, schema=SCHEMA)
    assert json.loads(got.text) == {"name": MAIL, "age": 3}
    assert [e["path"].split("/")[1] for e in bound.host.record()[before:]] == ["messages", "messages", "chat"]
    each_settled(holds(bound, got.id), ["error", "error", "done"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", WIRES)
def test_a_promise_that_nobody_keeps_is_an_error(bound: Daemon, name: str, stream: bool) -> None:
    with client(bound, name) as driver, pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        driver.user(f"hopeless {name} {stream}").run("responses/rehearsal-1", stream=stream, schema=SCHEMA)
    assert caught.value.status_code == 502 and "does not fit the JSON Schema" in str(caught.value)
    each_settled(holds(bound, caught.value.response.headers["x-localrouter-id"]), ["error", "error", "error"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_arguments_of_tools_are_mended(bound: Daemon, name: str, host: str, stream: bool) -> None:
    before = len(bound.host.record())
    with client(bound, name) as driver:
        got = driver.user(f"call it for {MAIL} ({name} {host} {stream})").run(f"{host}/rehearsal-1", stream=stream, tools=(TOOL,))
    ((_, called_, arguments),) = got.calls
    assert called_ == "note" and json.loads(arguments)["count"] == 1
    bodies = [e["body"] for e in bound.host.record()[before:]]
    assert len(bodies) == 2 and "was not made" in bodies[1] and all(MAIL not in b for b in bodies)


@pytest.mark.parametrize("name", WIRES)
def test_named_schemas_labels_and_citations(bound: Daemon, name: str) -> None:
    with client(bound, name) as driver:
        assert "name" in json.loads(driver.user(f"a person {name}").run("chat/rehearsal-echo").text)
    with client(bound, name) as driver:
        assert driver.user(f"spam or ham? {name}").run("messages/rehearsal-lenient").text == "spam"
    with client(bound, name) as driver:
        got = driver.user(f"The mill was built in 1871 by two brothers. When? {name}").run("chat/rehearsal-think")
    assert "Can you" in got.text and got.output == 0, "the person is asked, and no model said it"


def test_without_what_a_contract_asks_for_nothing_is_held(bound: Daemon) -> None:
    with client(bound, "chat") as driver:
        got = driver.user("plain words").run("chat/rehearsal-1", stream=True)
    assert got.text.startswith("An answer") and len(holds(bound, got.id)) == 1


def test_a_schema_that_is_none_is_refused_before_anything_is_spent(bound: Daemon) -> None:
    before = len(bound.host.record())
    with client(bound, "chat") as driver, pytest.raises(openai.BadRequestError, match="not a valid JSON Schema"):
        driver.user("what").run("chat/rehearsal-1", schema={"type": "strnig"})
    assert len(bound.host.record()) == before


@pytest.mark.parametrize("words", ["please", "politely"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_refusal_is_followed_where_the_route_says_so(bound: Daemon, name: str, host: str, stream: bool, words: str) -> None:
    with client(bound, name) as driver:
        got = driver.user(f"{words} {name} {host} {stream}").run(f"{host}/rehearsal-refuse", stream=stream)
    assert got.text.startswith("An answer")
    each_settled(holds(bound, got.id), ["error", "done"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", WIRES)
def test_static_and_clarify_are_answers(bound: Daemon, name: str, stream: bool) -> None:
    with client(bound, name) as driver:
        got = driver.user(f"hello {name} {stream}").run("chat/rehearsal-500", stream=stream)
    assert got.text == "We are away until Monday."
    assert [r[1] for r in holds(bound, got.id)] == [0]
    with client(bound, name) as driver:
        got = driver.user(f"hello {name} {stream}").run("messages/rehearsal-context", stream=stream)
    assert "smaller parts" in got.text
    with client(bound, name) as driver, pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        driver.user(f"hello {name} {stream}").run("chat/rehearsal-529", stream=stream)
    assert caught.value.status_code == 422 and "limiting requests" in str(caught.value)


def test_what_fails_is_asked_once_more_and_the_trace_says_so(bound: Daemon) -> None:
    before = len(bound.host.record())
    with client(bound, "chat") as driver, pytest.raises(openai.APIStatusError) as caught:
        driver.user("hello again").run("chat/rehearsal-503")
    assert caught.value.status_code == 502 and len(bound.host.record()) - before == 2
    record = trace(bound, caught.value.response.headers["x-localrouter-id"])
    assert [s["name"] for s in record["steps"]].count("wait") == 1
    assert "retry_once" in json.dumps(record)


SILENT_S = 9.0
"""What the host would have taken; the limits of those routes are shorter."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_first_word_that_does_not_come_in_time(bound: Daemon, stream: bool) -> None:
    began = time.monotonic()
    with client(bound, "chat") as driver:
        got = driver.user(f"hello {stream}").run("messages/rehearsal-silent-9", stream=stream)
    assert got.text.startswith("An answer") and 2 < time.monotonic() - began < SILENT_S
    rows = holds(bound, got.id)
    assert [r[3] for r in rows] == ["error", "done"] and rows[0][1] == rows[0][0], "it may have been billed"


@pytest.mark.parametrize("name", WIRES)
def test_the_time_of_all_attempts_together(bound: Daemon, name: str) -> None:
    """Before the first word it has its own status; no other model is asked, since no time is left."""
    before, began = len(bound.host.record()), time.monotonic()
    with client(bound, name) as driver, pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        driver.user(f"hello {name}").run("chat/rehearsal-mute-9", stream=True)
    assert caught.value.status_code == 504 and "3.5 seconds" in str(caught.value)
    assert 3 < time.monotonic() - began < SILENT_S and len(bound.host.record()) - before == 1


@pytest.mark.parametrize("name", WIRES)
def test_time_that_is_over_cuts_an_answer(bound: Daemon, name: str) -> None:
    began = time.monotonic()
    with client(bound, name) as driver:
        make = {"chat": "chat.completions", "responses": "responses", "messages": "messages"}[name]
        target: Any = driver.client
        for part in make.split("."):
            target = getattr(target, part)
        said_, failed = "", ""
        try:
            for event in target.create(**driver.user(f"hello {name}").body("chat/rehearsal-hush-9", ()), stream=True):
                said_ += (tree := event.model_dump_json())
                failed = tree if "3.5 seconds" in tree else failed
        except (openai.APIError, anthropic.APIError) as error:
            failed = str(error)
    assert "3.5 seconds" in failed and said_ and 3 < time.monotonic() - began < SILENT_S


@pytest.mark.parametrize("fault", ["empty", "filtered"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_an_answer_of_nothing_is_followed_where_the_route_says_so(
    bound: Daemon, name: str, host: str, stream: bool, fault: str
) -> None:
    with client(bound, name) as driver:
        got = driver.user(f"hello {name} {host} {stream}").run(f"{host}/rehearsal-{fault}", stream=stream)
    assert got.text.startswith("An answer")
    each_settled(holds(bound, got.id), ["error", "done"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", WIRES)
def test_an_empty_answer_is_told_where_no_other_comes(bound: Daemon, name: str, stream: bool) -> None:
    """Asked once more, by default; then it is what the model said."""
    with client(bound, name) as driver:
        got = driver.user(f"hello {name} {stream}").run(f"{name}/rehearsal-redacted", stream=stream)
    assert got.text == "" and not got.calls
    each_settled(holds(bound, got.id), ["error", "done"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "host"), [(n, h) for n, h in PAIRS if h != "messages" or n == "messages"])
def test_half_an_answer_is_none_where_the_whole_is_promised(bound: Daemon, name: str, host: str, stream: bool) -> None:
    with client(bound, name) as driver:
        body = driver.user(f"stubborn {name} {host} {stream}").body(f"{host}/rehearsal-length", (), schema=SCHEMA)
        got, _ = driver.send(body, stream)
    assert json.loads(got.text)["age"] == 3


@pytest.mark.parametrize("name", WIRES)
def test_a_held_answer_sends_signs_of_life_and_then_itself(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    home = tmp_path_factory.mktemp("held")
    with Rehearsal(script=(called,), aside=said, strict=True) as host:
        three.write(home, host)
        (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
        quick = "from localrouter.daemon import reply; reply.HOLD_S = reply.KEEP_ALIVE_S = 0.2\n"
        process = start(home, program=quick + PROGRAM)
        try:
            daemon = wait(home, process, host)
            with client(daemon, name) as driver:
                driver.user("Who is the person? cannot be used")
                body = driver.body("chat/rehearsal-slow", (), schema=SCHEMA) | {"stream": True}
                path = {"chat": "/chat/completions", "responses": "/responses", "messages": "/messages"}[name]
                head = {"authorization": f"Bearer {daemon.client}"}
                raw = httpx.post(daemon.base + path, json=body, headers=head, timeout=BUSY_S).text
        finally:
            stop(process)
    first = raw.index({"chat": '"content":"{', "responses": "output_text.delta", "messages": "text_delta"}[name])
    sign = {"chat": ": keep-alive", "responses": "response.in_progress", "messages": "event: ping"}[name]
    assert raw[:first].count(sign) >= 2, "signs of life while nothing is said"
    assert {"chat": "[DONE]", "responses": "response.completed", "messages": "message_stop"}[name] in raw
