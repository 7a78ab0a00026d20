"""Answers that other gateways get wrong, on both planes: what a host says, as each client reads it.

Sources as in `test_requests`; each case names its own. Every stream is checked event by event (`legal`), cut at every byte, and, where values
were veiled, cut at every character.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from crossing import HOSTS, NAMES, OTHERS, PLAIN, answer, dialect, got, read, wire

from localrouter.core import errors
from localrouter.core.money import Usage
from localrouter.daemon.rehearsal_seen import Call, Reply
from localrouter.daemon.rehearsal_strict import Cache, Maker
from localrouter.scrub.tokens import Entry, TokenTable
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler

PAIRS = [(name, host) for name in NAMES for host in NAMES]
CROSSED = [(name, host) for name in NAMES for host in OTHERS[name]]
CALLS = (Call("write_file", '{"path": "a.txt", "content": "caf\\u00e9 \\"x\\" \U0001f600"}'), Call("list_files", "{}"))
REPLIES: dict[str, Reply] = {
    "text": Reply("Grüße \U0001f600, it is\nfine."),
    "thought": Reply("It is fine.", thought="Let me see."),
    "calls": Reply("", CALLS),
    "all": Reply("I shall call \U0001f680.", CALLS, thought="Let me see: é."),
    "thought then calls": Reply("", CALLS[:1], thought="Straight to it."),
    "length": Reply("It is", finish="length"),
    "filtered": Reply("It is", finish="content_filter"),
    "refusal": Reply("I cannot.", finish="refusal", refusal=True),
    "empty": Reply(""),
}
TEXT = "data: "


def said(host: str, reply: Reply, *, stream: bool = True, pieces: list[str] | None = None, **more: Any) -> bytes:
    """A legal answer of this wire."""
    tree = {**PLAIN[host], "stream": stream, **more}
    if host == "chat":
        tree["stream_options"] = {"include_usage": True}
    elif host == "responses":
        tree |= {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    seen = HOSTS[host].read(tree, {})
    counts = HOSTS[host].usage(seen, reply, 400, Cache())
    if stream:
        return b"".join(part for part, _ in HOSTS[host].events(seen, reply, counts, 1, Maker(), pieces))
    return json.dumps(HOSTS[host].whole(seen, reply, counts, 1, Maker())).encode()


def sse(*events: dict[str, Any] | str, named: bool = False) -> bytes:
    out = b""
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event)
        name = f"event: {event['type']}\n" if named and isinstance(event, dict) else ""
        out += f"{name}data: {data}\n\n".encode()
    return out


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands, so that two runs give the same bytes."""
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)


FINISH = {"length": "length", "filtered": "content_filter"}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("kind", list(REPLIES))
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_every_answer_arrives_whole(name: str, host: str, kind: str, stream: bool) -> None:
    """Source: Olla, Ollama (finish reasons, usage), Plano (one envelope), Bifrost stopreasontooluse, refusal; LiteLLM first_delta."""
    reply = REPLIES[kind]
    usages: list[Usage] = []
    raw = answer(name, host, said(host, reply, stream=stream), stream=stream, usages=usages)
    have = got(name, raw, stream=stream)
    assert have.text == reply.text and not have.error
    assert have.thought == reply.thought or (host == "messages" and reply.redacted)
    assert [n for _, n, _ in have.calls] == [c.name for c in reply.calls]
    assert [json.loads(a) for _, _, a in have.calls] == [json.loads(c.arguments) for c in reply.calls]
    assert len({i for i, _, _ in have.calls}) == len(reply.calls)
    expected = "tool_calls" if reply.calls else FINISH.get(kind, "stop")
    if kind == "filtered" and name == "messages":
        expected = "refusal"
    if kind not in ("refusal", "filtered") or (kind == "filtered" and host != "messages"):
        assert have.finish == expected
    assert (have.prompt, have.output) == (usages[-1].prompt, usages[-1].output) != (0, 0)


CUT = Reply("é\U0001f600.", (Call("f", '{"a": "ü\U0001f680"}'),), thought="hm")


@pytest.mark.parametrize("host", list(NAMES))
def test_a_stream_may_be_cut_at_every_byte(host: str) -> None:
    """Source: CCR sse-utf8-chunk-boundary (every byte), Plano: event names, data, prefixes and JSON cut anywhere. The same chunks come out
    of each cut, so that whoever writes them writes the same."""
    data = said(host, CUT)

    def chunks(*parts: bytes) -> list[Any]:
        reader = wire(host).Reader(True)
        return [c for part in parts for c in reader.feed(part)] + reader.end()

    expected = chunks(data)
    assert expected[-1].terminal
    for at in range(1, len(data)):
        assert chunks(data[:at], data[at:]) == expected, f"cut at byte {at}"


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_stream_may_come_byte_by_byte(name: str, host: str) -> None:
    """Source: as above, to the client's end."""
    data = said(host, CUT)
    expected = answer(name, host, data)
    assert "\U0001f600" in got(name, expected).text
    assert answer(name, host, data, cuts=tuple(range(1, len(data)))) == expected


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_crlf_comments_and_data_without_a_space(name: str, host: str) -> None:
    """Source: WHATWG server-sent events; Portkey (pings), Olla (keep-alive comments); Zed reads `data:` with and without a space."""
    data = said(host, REPLIES["all"])
    plain = got(name, answer(name, host, data))
    for variant in (
        data.replace(b"\n", b"\r\n"),
        data.replace(b"data: ", b"data:"),
        data.replace(b"\n\n", b"\n\n: keep-alive\n\n"),
        b": hello\n\n" + data,
    ):
        have = got(name, answer(name, host, variant).replace(b"\r\n", b"\n"))
        assert (have.text, have.thought, have.calls, have.finish) == (plain.text, plain.thought, plain.calls, plain.finish)


PERSON, PHONE = "PERSON_7ABCDE", "PHONE_8ABCDE"


def unveiler(outgoing: str) -> Unveiler:
    table = TokenTable([Entry(PERSON, "Jane Röe", "PERSON", "mask"), Entry(PHONE, "+39 06 698 12345", "PHONE", "mask")])
    return Unveiler(table, outgoing, tool_class)


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_values_are_restored_wherever_the_stream_is_cut(name: str, host: str) -> None:
    """Source: LiteLLM's Presidio hook loses a token that is split over two deltas (#31950), and those in tool arguments (#30723)."""
    text = f"Tell {PERSON} ({PHONE}) now"
    call = Call("write_file", json.dumps({"path": "a", "content": f"for {PERSON}\n"}))
    for at in range(len(text) + 1):
        data = said(host, Reply(text, (call,)), pieces=[text[:at], text[at:]])
        have = got(name, answer(name, host, data, unveiler=unveiler(text)))
        assert have.text == "Tell Jane Röe (+39 06 698 12345) now", f"cut at {at}"
        assert json.loads(have.calls[0][2])["content"] == "for Jane Röe\n"
    have = got(
        name,
        answer(name, host, said(host, Reply(text, (call,)), stream=False), stream=False, unveiler=unveiler(text)),
        stream=False,
    )
    assert have.text == "Tell Jane Röe (+39 06 698 12345) now" and json.loads(have.calls[0][2])["content"] == "for Jane Röe\n"


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_thoughts_are_restored_but_where_a_signature_covers_them(name: str, host: str) -> None:
    """Source: signatures cover their text (Anthropic, "Extended thinking"): an edited thought is a 400 in the next turn. In another dialect
    the client holds a seal with the host's own words, and is shown the restored ones."""
    data = said(host, Reply("ok", thought=f"about {PERSON} then"))
    have = got(name, answer(name, host, data, unveiler=unveiler("")))
    shown = "PERSON_7ABCDE" if name == host == "messages" else "Jane Röe"
    assert shown in have.thought


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_stream_without_its_end_is_an_error_and_not_a_success(name: str, host: str) -> None:
    """Source: opencode resends for ever on a clean end without a terminal event (138 requests in 45 s); py-anthropic truncates silently."""
    data = said(host, REPLIES["text"])
    events = data.split(b"\n\n")[:-1]
    for upto in range(1, len(events) - (2 if host == "chat" else 1)):
        have = got(name, answer(name, host, b"\n\n".join(events[:upto]) + b"\n\n"))
        assert have.error, f"after {upto} events"
        assert REPLIES["text"].text.startswith(have.text)


@pytest.mark.parametrize(("name", "host"), PAIRS)
@pytest.mark.parametrize("how", ["error-mid", "error-event"])
def test_an_error_in_the_middle_is_the_clients_own_error(name: str, host: str, how: str) -> None:
    """Source: Bifrost streamfailbilling, LiteLLM mid_stream_error (#24004: passed through and logged as success)."""
    seen = HOSTS[host].read({**PLAIN[host], "stream": True}, {})
    events = said(host, REPLIES["text"]).split(b"\n\n")[:6]
    raw = answer(name, host, b"\n\n".join(events) + b"\n\n" + HOSTS[host].broken(seen, 1, how))
    have = got(name, raw)
    assert have.error and "localrouter" not in raw.decode().lower().split("model")[0]
    text = json.dumps(have.error)
    assert "Traceback" not in text and "message" in text


@pytest.mark.parametrize("name", list(NAMES))
def test_nothing_follows_the_end(name: str) -> None:
    """Source: Plano events_after_message_stop_are_dropped; Olla."""
    for host in NAMES:
        data = said(host, REPLIES["text"])
        assert answer(name, host, data + data) == answer(name, host, data)


@pytest.mark.parametrize("name", list(NAMES))
@pytest.mark.parametrize("host", list(NAMES))
def test_signs_of_life_are_legal_anywhere(name: str, host: str) -> None:
    """Source: notes of silent prefills (ollama#13949): a comment in chat, an empty thinking delta in Messages, `response.in_progress` in
    Responses; before the first event, between events, and after the last none."""
    from localrouter.daemon.origins import Origins
    from localrouter.daemon.restoring import Restorer

    body = {**PLAIN[name], "stream": True} | ({"stream_options": {"include_usage": True}} if name == "chat" else {})
    writer = dialect(name).Writer(read(name, body), "lr-test")
    restorer = Restorer(None, Origins(b"x" * 32), host="h", wire=NAMES[host], crosses=name != host)
    out = writer.keep_alive() + writer.keep_alive()
    reader = wire(host).Reader(True)
    beats = bool(out)
    for chunk in reader.feed(said(host, REPLIES["all"])):
        out += writer.write(*restorer.restore(chunk))
        out += writer.keep_alive()
    assert writer.keep_alive() == b"" and beats
    have = got(name, out)
    assert have.text == REPLIES["all"].text and len(have.calls) == 2


# --- the chat wire's odd hosts ---------------------------------------------------------------------


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def tool(index: int | None, args: str | None = None, *, id_: str | None = None, name: str | None = None) -> dict[str, Any]:
    part = {k: v for k, v in (("name", name), ("arguments", args)) if v is not None}
    entry: dict[str, Any] = {"function": part} | ({"index": index} if index is not None else {})
    return {"tool_calls": [entry | ({"id": id_, "type": "function"} if id_ else {})]}


def text(words: str) -> dict[str, Any]:
    return {"content": words}


ROLE = {"role": "assistant", "content": ""}
USAGE = {"usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}}
ONE = [("c1", "f", '{"a":1}')]
TWO = [("c1", "f", '{"a":1}'), ("c2", "g", '{"b":2}')]
ODD: dict[str, tuple[list[dict[str, Any]], str, list[tuple[str, str, str]], str]] = {
    # name: (chunks, text, calls, finish)
    "calls, but the finish is stop": ([chunk(ROLE), chunk(tool(0, '{"a":1}', id_="c1", name="f")), chunk({}, "stop")], "", ONE, "tool_calls"),
    "an unknown finish": ([chunk(text("hi")), chunk({}, "eos_token")], "hi", [], "stop"),
    "no index": ([chunk(tool(None, '{"a":1}', id_="c1", name="f")), chunk({}, "tool_calls")], "", ONE, "tool_calls"),
    "id and name repeated": (
        [chunk(tool(0, '{"a"', id_="c1", name="f")), chunk(tool(0, ":1}", id_="c1", name="f")), chunk({}, "tool_calls")], "", ONE, "tool_calls",
    ),
    "interleaved": (
        [chunk(tool(0, '{"a"', id_="c1", name="f")), chunk(tool(1, '{"b"', id_="c2", name="g")), chunk(tool(0, ":1}")), chunk(tool(1, ":2}")), chunk({}, "tool_calls")],
        "", TWO, "tool_calls",
    ),
    "arguments before the name": (
        [chunk(tool(0, '{"a"', id_="c1")), chunk(tool(0, ":1}", name="f")), chunk({}, "tool_calls")], "", ONE, "tool_calls",
    ),
    "text and a call in one chunk": ([chunk(ROLE | text("hi") | tool(0, '{"a":1}', id_="c1", name="f")), chunk({}, "tool_calls")], "hi", ONE, "tool_calls"),
    "the call in the finish chunk": ([chunk(ROLE), chunk(text("hi")), chunk(tool(0, '{"a":1}', id_="c1", name="f"), "tool_calls")], "hi", ONE, "tool_calls"),
    "text between calls": (
        [chunk(tool(0, '{"a":1}', id_="c1", name="f")), chunk(text("and ")), chunk(tool(1, '{"b":2}', id_="c2", name="g")), chunk(text("so")), chunk({}, "tool_calls")],
        "and so", TWO, "tool_calls",
    ),
    "a late piece of a call that was left": (
        [chunk(tool(0, '{"a":', id_="c1", name="f")), chunk(text("hm")), chunk(tool(0, "1}")), chunk({}, "tool_calls")], "hm", ONE, "tool_calls",
    ),
    "no arguments at all": ([chunk(tool(0, None, id_="c1", name="f")), chunk({}, "tool_calls")], "", [("c1", "f", "{}")], "tool_calls"),
    "null content, empty choices, absent finish": (
        [chunk({"role": "assistant", "content": None}), chunk(None), {**chunk({}), "choices": [{"index": 0, "delta": text("hi")}]}, chunk({"content": None}, "stop")],
        "hi", [], "stop",
    ),
    "the role in each chunk": ([chunk(ROLE | text("h")), chunk(ROLE | text("i")), chunk({}, "stop")], "hi", [], "stop"),
    "usage in the finish chunk": ([chunk(text("hi")), chunk({}, "stop", **USAGE)], "hi", [], "stop"),
    "usage in each chunk": ([chunk(text("h"), **USAGE), chunk(text("i"), **USAGE), chunk({}, "stop", **USAGE)], "hi", [], "stop"),
    "length and calls": ([chunk(tool(0, '{"a":1}', id_="c1", name="f")), chunk({}, "length")], "", ONE, "length"),
    "nothing but the end": ([], "", [], "stop"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["responses", "messages"])
@pytest.mark.parametrize("case", list(ODD))
def test_odd_chat_hosts(name: str, case: str) -> None:
    """Source: Olla and Ollama (precedence, missing index, repeated ids, interleaved, late deltas), LiteLLM combined_chunk,
    tool_args_same_chunk, first_chunk_on_block_transition, empty_choices; Plano done_only_stream_synthesizes_valid_envelope."""
    chunks, words, calls, finish = ODD[case]
    have = got(name, answer(name, "chat", sse(*chunks, "[DONE]")))
    assert have.text == words and have.finish == finish and not have.error
    assert [(n, json.loads(a)) for _, n, a in have.calls] == [(n, json.loads(a)) for _, n, a in calls]
    if "usage" in case:
        assert (have.prompt, have.output) == (11, 5)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("name", ["responses", "messages"])
def test_both_words_for_reasoning(name: str, field: str) -> None:
    """Source: Olla: `reasoning` and `reasoning_content`, reasoning only with no content; LiteLLM: a chunk with reasoning and a call."""
    have = got(name, answer(name, "chat", sse(chunk({field: "I see. "}), chunk({field: "Yes."}), chunk({}, "stop"), "[DONE]")))
    assert have.thought == "I see. Yes." and have.text == "" and have.finish == "stop"
    both = chunk({field: "I see."} | tool(0, '{"a":1}', id_="c1", name="f"))
    have = got(name, answer(name, "chat", sse(both, chunk({}, "tool_calls"), "[DONE]")))
    assert have.thought == "I see." and len(have.calls) == 1
    same = chunk({"reasoning": "I see.", "reasoning_content": "I see."})
    assert got(name, answer(name, "chat", sse(same, chunk({}, "stop"), "[DONE]"))).thought == "I see."


@pytest.mark.parametrize("given", ['{"a": ', "", "null", "not json"])
def test_arguments_that_are_no_json_do_not_break_messages(given: str) -> None:
    """Source: Olla, Ollama: {} or what was said, kept; never a crash."""
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": given}}],
    }
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        **USAGE,
    }
    have = got("messages", answer("messages", "chat", json.dumps(body).encode(), stream=False), stream=False)
    assert have.finish == "tool_calls" and isinstance(json.loads(have.calls[0][2]), dict)


@pytest.mark.parametrize("name", list(NAMES))
@pytest.mark.parametrize("body", [b"{}", b'{"choices": null}', b"[]", b"not json", b'{"choices": [{}]}', b""])
def test_a_body_that_is_no_answer_is_a_typed_error(name: str, body: bytes) -> None:
    """Source: Olla: missing choices or message => typed error, not a crash."""
    for host in NAMES:
        tree = json.loads(answer(name, host, body, stream=False) or b"{}")
        assert "error" in tree or body == b'{"choices": [{}]}', (host, tree)


def test_a_missing_usage_is_no_crash() -> None:
    """Source: Olla: usage missing => synthesised; Messages and Responses clients need the numbers."""
    for name in NAMES:
        body = {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        }
        raw = answer(name, "chat", json.dumps(body).encode(), stream=False)
        if name != "chat":
            assert got(name, raw, stream=False).text == "hi"


def test_usage_that_was_not_asked_for_is_not_shown() -> None:
    """Source: the design: stream_options.include_usage is asked for upstream, the extra chunk hidden from the client."""
    for host in NAMES:
        raw = answer("chat", host, said(host, REPLIES["text"]), body={"stream_options": None})
        assert b'"usage":{' not in raw.replace(b" ", b"") or (host == "chat" and b'"choices":[]' not in raw.replace(b" ", b""))


# --- the Messages wire -----------------------------------------------------------------------------


def start(**usage: Any) -> dict[str, Any]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    return {"type": "message_start", "message": {**message, "usage": {"input_tokens": 20, "output_tokens": 1, **usage}}}


def block(index: int, tree: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": tree},
        *({"type": "content_block_delta", "index": index, "delta": d} for d in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def stop(reason: str = "end_turn", sequence: str | None = None, **usage: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": sequence}
    return [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9, **usage}}, {"type": "message_stop"}]


WORDS = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "hi"})


@pytest.mark.parametrize("name", list(NAMES))
def test_usage_of_messages_keeps_its_start(name: str) -> None:
    """Source: Bifrost deltausagepresence, messagestartusage: the delta may carry output only; its own value wins where it has one."""
    for events, expected in (
        ([start(cache_read_input_tokens=100, cache_creation_input_tokens=30), *WORDS, *stop()], Usage(20, 9, 100, 30)),
        ([start(), *WORDS, *stop(input_tokens=25, cache_read_input_tokens=7)], Usage(25, 9, 7)),
        (
            [
                start(
                    cache_creation_input_tokens=30,
                    cache_creation={"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                ),
                *WORDS,
                *stop(),
            ],
            Usage(20, 9, 0, 10, 20),
        ),
    ):
        usages: list[Usage] = []
        have = got(name, answer(name, "messages", sse(*events, named=True), usages=usages))
        assert usages[-1] == expected
        assert (have.prompt, have.output) == (expected.prompt, 9)


@pytest.mark.parametrize("name", ["chat", "responses"])
@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("end_turn", "stop"),
        ("refusal", "content_filter"),
        ("model_context_window_exceeded", "length"),
    ],
)
def test_stop_reasons_of_messages(name: str, reason: str, finish: str) -> None:
    """Source: Bifrost stopsequence, refusal; Anthropic, "Handling stop reasons"."""
    have = got(
        name,
        answer(name, "messages", sse(start(), *WORDS, *stop(reason, "x" if reason == "stop_sequence" else None), named=True)),
    )
    assert have.text == "hi" and (
        have.finish == finish or (reason in ("refusal", "model_context_window_exceeded") and have.finish)
    )


@pytest.mark.parametrize("name", ["chat", "responses"])
def test_odd_messages_streams(name: str) -> None:
    """Source: Bifrost, Ollama: tools without deltas, text between tools, thinking directly followed by a tool, pings and unknown events."""
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    events = [
        {"type": "ping"},
        start(),
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "hm"},
            {"type": "signature_delta", "signature": "c2ln"},
        ),
        *block(1, use),
        {"type": "brand_new_event", "x": 1},
        *block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "and"}),
        *block(
            3,
            {**use, "id": "toolu_2"},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"a":1}'},
        ),
        *block(4, {"type": "redacted_thinking", "data": "c2VhbA=="}),
        *stop("tool_use"),
    ]
    have = got(name, answer(name, "messages", sse(*events, named=True)))
    assert [json.loads(a) for _, _, a in have.calls] == [{}, {"a": 1}] and have.text == "and" and have.thought == "hm"
    assert have.finish == "tool_calls"


# --- the Responses wire ----------------------------------------------------------------------------


def only(data: bytes, *without: str) -> bytes:
    """A stream of Responses without the events whose names end so, numbered anew."""
    kept = []
    for event in (json.loads(part.split(b"data: ", 1)[1]) for part in data.split(b"\n\n")[:-1]):
        if not event["type"].endswith(without):
            kept.append({**event, "sequence_number": len(kept)})
    return sse(*kept, named=True)


@pytest.mark.parametrize("name", ["chat", "messages"])
@pytest.mark.parametrize(
    "without",
    [
        ("arguments.delta",),
        ("arguments.delta", "arguments.done"),
        ("text.delta",),
        ("text.delta", "text.done", "part.done"),
        (".delta", ".done"),
        (".delta", ".done", ".added", "in_progress"),
        ("arguments.done", "text.done", "part.done"),
    ],
    ids=lambda names: "+".join(names),
)
def test_responses_that_say_it_only_at_the_end(name: str, without: tuple[str, ...]) -> None:
    """Source: litellm#25321: whole arguments only on function_call_arguments.done; hosts that send the completed object alone."""
    have = got(name, answer(name, "responses", only(said("responses", REPLIES["all"]), *without)))
    assert have.text == REPLIES["all"].text
    assert [json.loads(a) for _, _, a in have.calls] == [json.loads(c.arguments) for c in CALLS]
    assert [n for _, n, _ in have.calls] == [c.name for c in CALLS]


# --- errors before the answer ----------------------------------------------------------------------

KINDS: list[tuple[errors.RouterError, int, str, str]] = [
    (errors.BadRequest("No.", param="x"), 400, "invalid_request_error", "invalid_request_error"),
    (errors.Unauthorized("No."), 401, "authentication_error", "authentication_error"),
    (errors.Forbidden("No."), 403, "permission_error", "permission_error"),
    (errors.NotFound("No."), 404, "not_found_error", "not_found_error"),
    (errors.TooLarge("No."), 413, "invalid_request_error", "request_too_large"),
    (errors.HostRateLimited("No.", retry_after=3), 429, "rate_limit_error", "rate_limit_error"),
    (errors.HostBroken("No."), 502, "api_error", "api_error"),
]


@pytest.mark.parametrize(("error", "status", "openai", "anthropic"), KINDS)
def test_errors_in_the_clients_own_shape(error: errors.RouterError, status: int, openai: str, anthropic: str) -> None:
    """Source: Olla WriteError conformance: Anthropic's {type:error, error:{type}, request_id}, OpenAI's {error:{message,type,param,code}}."""
    assert error.status == status
    for name in ("chat", "responses"):
        tree = json.loads(dialect(name).error_body(error))
        assert set(tree) == {"error"} and {"message", "type", "param", "code"} <= set(tree["error"])
        assert tree["error"]["message"].startswith("No.")
    tree = json.loads(dialect("messages").error_body(error))
    assert tree["type"] == "error" and tree["error"]["type"] == anthropic and tree["error"]["message"].startswith("No.")


@pytest.mark.parametrize("host", list(NAMES))
def test_an_overflow_makes_each_client_compact(host: str) -> None:
    """Source: Claude Code and opencode parse `prompt is too long: N tokens > M maximum`; Codex, opencode, qwen, cline, cn, pi and aider
    look for the code context_length_exceeded."""
    refused = HOSTS[host].OVERFLOW
    fault = wire(host).fault("h", 400, {}, json.dumps(HOSTS[host].refusal(refused)).encode())
    assert fault.code == "context_length_exceeded" and fault.status == 400 and not fault.retryable
    for name in ("chat", "responses"):
        assert json.loads(dialect(name).error_body(fault))["error"]["code"] == "context_length_exceeded"
    assert "prompt is too long" in json.loads(dialect("messages").error_body(fault))["error"]["message"]
