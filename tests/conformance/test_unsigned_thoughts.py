"""Thoughts on the raw plane of Messages: a signed one stays byte for byte, an unsigned one is restored like any text, streamed at any cut and not.

Sources: Anthropic API reference, "Extended thinking" (the signature covers the thought as a whole, and goes back unchanged). Hosts that emulate
the API sign none, and begin the block without a `signature` (Ollama, llama.cpp; notes on gateways 6.8).
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from localrouter.core.ask import Ask, Leaf, Needs, Signed
from localrouter.core.findings import Finding
from localrouter.daemon.origins import Origins
from localrouter.daemon.restoring import Restorer
from localrouter.dialects import anthropic_messages as dialect
from localrouter.providers import anthropic_messages as wire
from localrouter.scrub.tokens import Minter
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler
from localrouter.scrub.veil import veil

NAME, MARK = "Jane Roe", "U0lHTkFUVVJF"
LEAF = Leaf(("a",), f"write to {NAME} today", "user")
VEILED = veil([LEAF], [(Finding(9, 9 + len(NAME), "PERSON", 1.0, "t"),)], {}, Minter(b"0" * 32, "s", "h", ""))
(TOKEN,) = (entry.token for entry in VEILED.table)
THOUGHT = f"The user wants {TOKEN} to get a letter. {TOKEN} lives in Rome, as far as I see."
SHOWN = THOUGHT.replace(TOKEN, NAME)


def restorer(origins: Origins) -> Restorer:
    return Restorer(Unveiler(VEILED.table, VEILED.outgoing, tool_class), origins, host="h", wire="w", crosses=False)


def client(data: bytes, cuts: list[int], *, stream: bool, origins: Origins | None = None) -> bytes:
    """What the client reads of a host's bytes that come in these pieces."""
    ask = Ask("anthropic_messages", {}, (), "m", Needs(stream=stream), None, 1, 1)
    reader, writer, own = wire.Reader(stream), dialect.Writer(ask, "lr-1"), restorer(origins or Origins(b"1" * 32))
    out, at = [], [0, *cuts, len(data)]
    chunks = [c for a, b in pairwise(at) for c in reader.feed(data[a:b])] + reader.end()
    for chunk in chunks:
        assert chunk.error is None
        out.append(writer.write(*own.restore(chunk)))
    return b"".join(out)


def streamed(head: dict[str, Any], mark: str | None, step: int) -> bytes:
    thought = [THOUGHT[i : i + step] for i in range(0, len(THOUGHT), step)]
    deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": t} for t in thought]
    deltas += [{"type": "signature_delta", "signature": mark}] if mark is not None else []
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", **head}},
        *({"type": "content_block_delta", "index": 0, "delta": d} for d in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": f"Dear {TOKEN}."}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def read(data: bytes) -> tuple[str, str, list[str]]:
    """(thought, text, kinds of the thought's deltas in order)."""
    events = [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]
    deltas = [e["delta"] for e in events if e["type"] == "content_block_delta" and e["index"] == 0]
    text = "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
    assert [e["type"] for e in events].count("content_block_stop") == 2 and events[-1]["type"] == "message_stop"
    return "".join(d.get("thinking", "") for d in deltas), text, [d["type"] for d in deltas]


@pytest.mark.parametrize("step", [1, 7, 500])
@pytest.mark.parametrize("mark", [None, ""])
def test_an_unsigned_thought_is_restored(step: int, mark: str | None) -> None:
    data = streamed({}, mark, step)
    for cut in range(1, len(data), 37):
        thought, text, _ = read(client(data, [cut], stream=True))
        assert (thought, text) == (SHOWN, f"Dear {NAME}.")


@pytest.mark.parametrize("step", [1, 7, 500])
@pytest.mark.parametrize("head", [{"signature": ""}, {}], ids=["announced", "not announced"])
def test_a_signed_thought_stays_byte_for_byte(step: int, head: dict[str, Any]) -> None:
    origins = Origins(b"1" * 32)
    thought, text, kinds = read(client(streamed(head, MARK, step), [], stream=True, origins=origins))
    assert (thought, text) == (THOUGHT, f"Dear {NAME}.")
    assert kinds[-1] == "signature_delta" and "signature_delta" not in kinds[:-1], "the whole thought stands before its signature"
    assert origins.maker(Signed((), MARK, THOUGHT)) == "h" and origins.maker(Signed((), MARK, SHOWN)) == ""


def test_an_announced_signature_holds_nothing_back() -> None:
    """Each delta of a thought that will be signed is passed on at once, as the host's own bytes."""
    data = streamed({"signature": ""}, MARK, 7)
    at = data.index(b"signature_delta")
    assert THOUGHT[:63] in read_so_far(client_cut(data[: at - 40]))


def client_cut(data: bytes) -> bytes:
    ask = Ask("anthropic_messages", {}, (), "m", Needs(stream=True), None, 1, 1)
    reader, writer, own = wire.Reader(True), dialect.Writer(ask, "lr-1"), restorer(Origins(b"1" * 32))
    return b"".join(writer.write(*own.restore(c)) for c in reader.feed(data))


def read_so_far(data: bytes) -> str:
    events = [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]
    return "".join(e["delta"].get("thinking", "") for e in events if e["type"] == "content_block_delta")


def test_a_doubtful_thought_is_shown_up_to_its_first_token() -> None:
    data = streamed({}, None, 3)
    at = data.index(b"content_block_stop")
    shown = read_so_far(client_cut(data[: at - 20]))
    assert shown and THOUGHT.startswith(shown) and TOKEN not in shown and THOUGHT.index(TOKEN) - len(shown) <= 1


@pytest.mark.parametrize(("mark", "wanted"), [({"signature": MARK}, THOUGHT), ({"signature": ""}, SHOWN), ({}, SHOWN)])
def test_a_whole_answer(mark: dict[str, str], wanted: str) -> None:
    blocks = [
        {"type": "thinking", "thinking": THOUGHT, **mark},
        {"type": "redacted_thinking", "data": f"{TOKEN}"},
        {"type": "text", "text": TOKEN},
    ]
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": blocks,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    got = json.loads(client(json.dumps(whole).encode(), [], stream=False))["content"]
    assert got == [{**blocks[0], "thinking": wanted}, blocks[1], {"type": "text", "text": NAME}]
