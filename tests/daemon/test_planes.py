"""Requests through a whole daemon whose hosts speak three wires: both planes, signed blocks, cancels, tries, stickiness."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surfaces
from conftest import Daemon, call, idle, start, stop, trace, until, wait

from localrouter.daemon.rehearsal import Rehearsal

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
PRIVATE = "jane@roe.org"
SESSION = "x-localrouter-session"


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("planes")
    surfaces.write(home, host)
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def body(client: str, model: str, text: str, **more: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": text}]
    if client == "responses":
        return {"model": model, "input": turns, **more}
    return {"model": model, "messages": turns, "max_tokens": 2000, **more}


def ask(daemon: Daemon, client: str, tree: dict[str, Any], **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=120)
    try:
        head = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}", "anthropic-version": "2023-06-01"}
        connection.request("POST", PATHS[client], json.dumps(tree), head | {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def sent(daemon: Daemon, since: int) -> list[dict[str, Any]]:
    return [json.loads(r["body"]) for r in daemon.host.record()[since:]]


@pytest.mark.parametrize("client", PATHS)
@pytest.mark.parametrize("to", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_every_pair_veils_and_restores(planes: Daemon, client: str, to: str, stream: bool) -> None:
    before = len(planes.host.record())
    status, head, text = ask(
        planes, client, body(client, f"{to}/rehearsal-1", f"Write to {PRIVATE} of {client} {to} {stream}", stream=stream)
    )
    assert status == 200 and PRIVATE in text
    assert [PRIVATE in json.dumps(t) for t in sent(planes, before)] == [False]
    (attempt,) = trace(planes, head["x-localrouter-id"])["attempts"]
    assert (attempt["wire"], attempt["crosses"]) == (surfaces.WIRES[to], client != to)


# --- signed blocks -------------------------------------------------------------------------------

THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def go_on(daemon: Daemon, model: str, answer: list[dict[str, Any]], text: str = "go on") -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the host got, the trace) of a second turn."""
    turns = [
        {"role": "user", "content": f"Ask {PRIVATE}"},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": text},
    ]
    before = len(daemon.host.record())
    status, head, said = ask(daemon, "messages", {"model": model, "max_tokens": 3000, "messages": turns, **THINKING})
    assert status == 200, said
    (got,) = sent(daemon, before)
    return got, trace(daemon, head["x-localrouter-id"])


def first(daemon: Daemon, model: str) -> list[dict[str, Any]]:
    content = first_of(daemon, model)
    assert content[0]["type"] == "thinking" and content[0]["signature"]
    return content


def first_of(daemon: Daemon, model: str) -> list[dict[str, Any]]:
    status, _, said = ask(daemon, "messages", body("messages", model, f"Ask {PRIVATE}", **THINKING))
    assert status == 200, said
    content: list[dict[str, Any]] = json.loads(said)["content"]
    return content


def test_a_signature_goes_back_to_its_maker_and_to_no_other(planes: Daemon) -> None:
    answer = first(planes, "messages/rehearsal-think")
    assert PRIVATE not in answer[0]["thinking"], "a signed thought is shown as it came"
    got, _ = go_on(planes, "messages/rehearsal-lenient", answer)
    assert got["messages"][1]["content"][0] == answer[0], "unchanged"
    for other in ("other", "responses", "chat"):
        got, record = go_on(planes, f"{other}/rehearsal-lenient", answer)
        assert answer[0]["signature"] not in json.dumps(got) and answer[0]["thinking"] not in json.dumps(got)
        assert (
            any("another host signed" in n for n in record["attempts"][0]["notes"]) and "another host signed" in record["explain"]
        )


def test_a_sealed_thought_is_opened_for_its_maker_only(planes: Daemon) -> None:
    answer = first(planes, "responses/rehearsal-think")
    seal = answer[0]["signature"]
    assert seal.startswith("lr1.")
    got, _ = go_on(planes, "responses/rehearsal-lenient", answer)
    (item,) = [i for i in got["input"] if i["type"] == "reasoning"]
    assert item["encrypted_content"] and not item["encrypted_content"].startswith("lr1.")
    for other in ("other-responses", "messages", "chat"):
        got, _ = go_on(planes, f"{other}/rehearsal-lenient", answer)
        assert item["encrypted_content"] not in json.dumps(got) and "lr1." not in json.dumps(got)
    forged = [{**answer[0], "signature": seal[:-4] + ("AAAA" if seal[-4:] != "AAAA" else "BBBB")}, *answer[1:]]
    got, _ = go_on(planes, "responses/rehearsal-lenient", forged)
    assert not [i for i in got["input"] if i["type"] == "reasoning"] and "lr1." not in json.dumps(got)


def test_of_unknown_maker_what_is_clean_passes_and_what_is_private_does_not(planes: Daemon) -> None:
    """As after a restart: the marks that were seen before are forgotten."""
    path = planes.host.root.removeprefix("http://")
    connection = http.client.HTTPConnection(path, timeout=60)
    tree = body("messages", "rehearsal-think", "Ask nobody", **THINKING)
    key = {"content-type": "application/json", "x-api-key": "k", "anthropic-version": "2023-06-01"}
    connection.request("POST", "/messages/v1/messages", json.dumps(tree), key)
    clean = json.loads(connection.getresponse().read())["content"][0]  # made behind the daemon's back
    connection.close()
    private = {"type": "thinking", "thinking": "Their mail is tom.hale@hale.org, I think.", "signature": "EqQB" + "Zm" * 40}
    got, record = go_on(planes, "messages/rehearsal-lenient", [clean, {"type": "text", "text": "ok"}])
    assert got["messages"][1]["content"][0] == clean and "notes" not in record["attempts"][0]
    got, record = go_on(planes, "messages/rehearsal-lenient", [private, {"type": "text", "text": "ok"}])
    assert "hale" not in json.dumps(got) and got["messages"][1]["content"] == [{"type": "text", "text": "ok"}]
    assert "vouch" in record["attempts"][0]["notes"][0]
    sealed = {"type": "redacted_thinking", "data": "EmwK" + "Yw" * 60}  # nobody can read it, and nobody knows who made it
    got, record = go_on(planes, "messages/rehearsal-lenient", [sealed, {"type": "text", "text": "ok"}])
    assert sealed["data"] not in json.dumps(got) and "vouch" in record["attempts"][0]["notes"][0]


def test_a_restart_loses_no_thought(tmp_path: Path, host: Rehearsal) -> None:
    """An encrypted block that nobody can read goes back to its maker after a restart too, and still to no other."""
    home = tmp_path / "home"
    surfaces.write(home, host)
    process = start(home)
    try:
        answer = first_of(wait(home, process, host), "messages/rehearsal-redacted")
    finally:
        stop(process)
    assert answer[0]["type"] == "redacted_thinking"
    process = start(home)
    try:
        daemon = wait(home, process, host)
        got, record = go_on(daemon, "messages/rehearsal-lenient", answer)
        assert got["messages"][1]["content"][0] == answer[0] and "notes" not in record["attempts"][0]
        got, record = go_on(daemon, "other/rehearsal-lenient", answer)
        assert answer[0]["data"] not in json.dumps(got) and record["attempts"][0]["notes"]
    finally:
        stop(process)


# --- the record ------------------------------------------------------------------------------------


def test_each_edit_of_the_raw_plane_stands_in_the_trace_with_its_reason(planes: Daemon) -> None:
    tree = body("messages", "messages/rehearsal-1", "hello", fallbacks=[{"model": "claude-x"}], speed="fast")
    _, head, _ = ask(planes, "messages", tree)
    (attempt,) = trace(planes, head["x-localrouter-id"])["attempts"]
    assert [e["name"] for e in attempt["edits"]] == ["name_model", "one_price"]
    assert all(e["why"].endswith(".") and "claude-x" not in e["why"] for e in attempt["edits"])
    _, head, _ = ask(planes, "messages", body("messages", "chat/rehearsal-1", "hello"))
    assert "edits" not in trace(planes, head["x-localrouter-id"])["attempts"][0], "what crosses is written anew"


def test_a_field_that_nobody_knows_is_noted_without_its_private_name(planes: Daemon) -> None:
    tree = body("chat", "messages/rehearsal-1", "hello", **{"of tom.hale@hale.org": 1, "x_unknown": 2})
    status, head, said = ask(planes, "chat", tree)
    assert status == 200, said
    record = trace(planes, head["x-localrouter-id"])
    notes = " ".join(record["attempts"][0]["notes"])
    assert (
        "hale" not in json.dumps(record)
        and "x_unknown" in notes
        and "has no counterpart there" in notes
        and "x_unknown" in record["explain"]
    )


@pytest.mark.parametrize("fault", ["401", "403", "404"])
def test_a_host_that_refuses_us_is_said_marked_and_not_the_end(tmp_path: Path, host: Rehearsal, fault: str) -> None:
    home = tmp_path / "home"
    surfaces.write(home, host, then="messages/rehearsal-1")
    process = start(home)
    try:
        daemon = wait(home, process, host)
        before = len(host.record())
        status, head, said = ask(daemon, "chat", body("chat", f"chat/rehearsal-{fault}", "hello"))
        assert status == 200 and head["x-localrouter-model"] == "messages/rehearsal-1", said
        assert [r["path"].split("/")[1] for r in host.record()[before:]] == ["chat", "messages"]
        record = trace(daemon, head["x-localrouter-id"])
        failed, answered = record["attempts"]
        assert (failed["error"], failed["status"], failed["cost_micro"], answered["outcome"]) == (
            "host_rejected",
            int(fault),
            0,
            "done",
        ) or (fault == "404" and failed["status"] == 404)
        wanted = "does not have the model (404)" if fault == "404" else f"refused the key ({fault})"
        assert wanted in record["explain"] and failed["blames"] == ("model" if fault == "404" else "host")
        before = len(host.record())
        _, head, _ = ask(daemon, "chat", body("chat", "chat/rehearsal-2", "hello again"))
        refusing = fault != "404"
        assert head["x-localrouter-model"] == ("messages/rehearsal-1" if refusing else "chat/rehearsal-2")
        assert len(host.record()) - before == 1, "the host that refused the key is not asked first"
        assert ("a moment ago" in json.dumps(trace(daemon, head["x-localrouter-id"])["candidates"])) is refusing
        call(daemon, "/control/keys/refresh", {})
        _, head, _ = ask(daemon, "chat", body("chat", "chat/rehearsal-2", "hello once more"))
        assert head["x-localrouter-model"] == "chat/rehearsal-2", "after a word of the user it is asked again at once"
        before = len(host.record())
        status, _, said = ask(daemon, "chat", body("chat", "chat/rehearsal-400", "hello"))
        assert status == 400 and len(host.record()) - before == 1, "a fault of the request ends the plan"
    finally:
        stop(process)


@pytest.mark.parametrize("model", ["drop", "cut"])
def test_a_stream_that_was_cut_is_settled_as_an_estimate(planes: Daemon, model: str) -> None:
    for client in ("messages", "chat"):
        _, head, _ = ask(planes, client, body(client, f"messages/rehearsal-{model}", f"hello {client} {model}", stream=True))
        (attempt,) = trace(planes, head["x-localrouter-id"])["attempts"]
        assert attempt["estimated"] is True and 0 < attempt["cost_micro"] <= attempt["reserved_micro"]
    _, head, _ = ask(planes, "messages", body("messages", "messages/rehearsal-1", "hello there", stream=True))
    assert trace(planes, head["x-localrouter-id"])["attempts"][0]["estimated"] is False


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", ["chat", "responses"])
def test_a_thought_that_crosses_is_readable_and_goes_back_as_it_was(planes: Daemon, client: str, stream: bool) -> None:
    more = {"reasoning_effort": "low"} if client == "chat" else {"reasoning": {"effort": "low", "summary": "auto"}}
    tree = body(client, "messages/rehearsal-think", f"Ask {PRIVATE} about {client} {stream}", stream=stream, **more)
    status, _, text = ask(planes, client, tree)
    assert status == 200, text
    thought = reasoning_of(text, client)
    assert PRIVATE in thought and "pii.invalid" not in thought
    if stream:
        return
    answer = json.loads(text)
    said = [answer["choices"][0]["message"]] if client == "chat" else answer["output"]
    key = "messages" if client == "chat" else "input"
    before = len(planes.host.record())
    turns = [*tree[key], *said, {"role": "user", "content": "go on"}]
    status, _, text = ask(planes, client, {**tree, "model": "messages/rehearsal-lenient", key: turns})
    assert status == 200, text
    (got,) = sent(planes, before)
    back = got["messages"][1]["content"][0]
    assert back["type"] == "thinking" and back["signature"] and "pii.invalid" in back["thinking"], "the host gets its own words"
    assert PRIVATE not in json.dumps(got)


def reasoning_of(text: str, client: str) -> str:
    trees = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")] or [json.loads(text)]
    if client == "chat":
        parts = [c["delta"] if "delta" in c else c["message"] for t in trees for c in t["choices"]]
        return "".join(p.get("reasoning_content") or "" for p in parts)
    items = [i for i in (trees[-1].get("response") or trees[-1])["output"] if i["type"] == "reasoning"]
    return "".join(p["text"] for i in items for p in i["summary"])


# --- one turn, one decision ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"), [("500", 502), ("529", 0), ("400", 400), ("context", 400), ("drop-first", 502), ("error-first", 502)]
)
@pytest.mark.parametrize("to", PATHS)
def test_a_failing_turn_is_one_decision_and_no_invitation_to_repeat(planes: Daemon, fault: str, status: int, to: str) -> None:
    before = len(planes.host.record())
    got, head, said = ask(planes, "chat", body("chat", f"{to}/rehearsal-{fault}", f"{fault} {to}", stream=True))
    assert got == status or (not status and got in (429, 529)) or (fault == "error-first" and got >= 400), said
    assert head["x-should-retry"] == "false" and json.loads(said)["error"]["message"]
    # What fails by chance is asked once more (core/fallback.DEFAULTS), while the daemon's budget of retries lasts.
    assert len(sent(planes, before)) in ((1, 2) if fault in ("500", "drop-first", "error-first") else (1,))
    if fault == "context":
        assert json.loads(said)["error"]["code"] == "context_length_exceeded"


def test_status_counts_what_was_not_asked_twice(planes: Daemon) -> None:
    before = call(planes, "/control/status")[1]["repeats"]
    tree = body("chat", "chat/rehearsal-500", f"not twice {time.time()}")
    asked = len(planes.host.record())
    assert ask(planes, "chat", tree, x_stainless_retry_count="0")[0] == 502
    first = len(planes.host.record())
    assert ask(planes, "chat", tree, x_stainless_retry_count="1")[0] == 502
    after = call(planes, "/control/status")[1]["repeats"]
    assert first > asked and len(planes.host.record()) == first and after == {**before, "spared": before["spared"] + 1}


def test_a_model_that_asked_for_a_pause_is_429_with_the_seconds_left(planes: Daemon) -> None:
    for turn in range(2):
        got, head, said = ask(planes, "messages", body("messages", "responses/rehearsal-429", f"turn {turn}"))
        assert (got, json.loads(said)["error"]["type"], head["x-should-retry"]) == (429, "rate_limit_error", "false"), said
        assert int(head["retry-after"]) >= 1


# --- a client that leaves ------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "stream"), [("silent", False), ("silent", True), ("slow", True), ("mute-2", True)])
@pytest.mark.parametrize("to", ["chat", "messages", "responses"])
def test_a_cancel_reaches_the_host_on_either_plane(planes: Daemon, to: str, model: str, stream: bool) -> None:
    before = len(planes.host.record())
    connection = http.client.HTTPConnection("127.0.0.1", planes.port, timeout=30)
    tree = body("chat", f"{to}/rehearsal-{model}", f"{model} {to} {stream} {time.time()}", stream=stream)
    head = {"content-type": "application/json", "authorization": f"Bearer {planes.client}"}
    connection.request("POST", PATHS["chat"], json.dumps(tree), head)
    until(lambda: len(planes.host.record()) > before, "the host was not called")
    time.sleep(0.3)
    connection.close()
    until(lambda: all(r["hung_up"] for r in planes.host.record()[before:]), "the call to the host was not cancelled")
    assert len(planes.host.record()) == before + 1
    idle(planes)


# --- sessions ------------------------------------------------------------------------------------


def test_a_sub_agent_inherits_the_class_of_its_session(planes: Daemon) -> None:
    name = {SESSION: f"family-{time.time()}"}
    _, head, _ = ask(planes, "chat", body("chat", "chat/rehearsal-1", f"Write to {PRIVATE}"), **name)
    assert trace(planes, head["x-localrouter-id"])["data_class"] == "personal"
    own = {**name, "x-claude-code-agent-id": "a1"}
    _, head, _ = ask(planes, "chat", body("chat", "chat/rehearsal-1", "What is a loop?"), **own)
    record = trace(planes, head["x-localrouter-id"])
    assert record["data_class"] == "personal" and record["findings"] == {} and record["agent"]


def test_a_chore_is_recorded(planes: Daemon) -> None:
    probe = body("chat", "chat/rehearsal-1", "hi") | {"max_tokens": 1}
    _, head, _ = ask(planes, "chat", probe)
    record = trace(planes, head["x-localrouter-id"])
    assert record["signals"]["cheap"] is True and "a chore of the client" in record["explain"]


def test_a_tool_loop_stays_with_the_model_that_began_it(tmp_path: Path, host: Rehearsal) -> None:
    """Its first step failed over; the next goes to who answered, though the client still names the first."""
    home = tmp_path / "home"
    surfaces.write(home, host, then="messages/rehearsal-1")
    process = start(home)
    try:
        daemon = wait(home, process, host)
        name = {SESSION: "loop"}
        before = len(host.record())
        status, head, _ = ask(daemon, "chat", body("chat", "chat/rehearsal-500", "go"), **name)
        assert status == 200 and head["x-localrouter-model"] == "messages/rehearsal-1" and len(sent(daemon, before)) == 3
        turns = [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "done"},
        ]  # fmt: skip
        tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
        before = len(host.record())
        status, head, said = ask(daemon, "chat", {"model": "chat/rehearsal-500", "messages": turns, "tools": tools}, **name)
        assert status == 200 and head["x-localrouter-model"] == "messages/rehearsal-1", said
        assert len(sent(daemon, before)) == 1, "the one that failed is not asked again"
        assert "answered this conversation before, so it goes on" in trace(daemon, head["x-localrouter-id"])["explain"]
    finally:
        stop(process)


# --- silence -------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("client", PATHS)
def test_a_silent_host_is_covered_by_signs_of_life(planes: Daemon, client: str) -> None:
    """Headers are held for 20 s, then something that this client survives on comes at least every 10 s (notes on clients, 5.1)."""
    connection = http.client.HTTPConnection("127.0.0.1", planes.port, timeout=60)
    tree = body(client, "chat/rehearsal-silent", f"silent {client}", stream=True)
    head = {"content-type": "application/json", "authorization": f"Bearer {planes.client}", "anthropic-version": "2023-06-01"}
    asked = time.monotonic()
    connection.request("POST", PATHS[client], json.dumps(tree), head)
    answer = connection.getresponse()
    held = time.monotonic() - asked
    got = [answer.read1(4096)]
    first = time.monotonic()
    got.append(answer.read1(4096))
    assert answer.status == 200 and all(got) and 19 < held < 30
    assert time.monotonic() - first < 15
    connection.close()
    idle(planes)
