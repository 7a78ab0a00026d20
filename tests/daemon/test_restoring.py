"""An answer on its way back: what closes a channel, what repeats it, what is signed, on both planes."""

from __future__ import annotations

import json
from re import fullmatch
from typing import Any

import pytest

from localrouter.core.ask import Ask as AskType
from localrouter.core.ask import Leaf, Needs, Signed
from localrouter.core.chat import Channel, Chat, Chunk, Piece, Tool, ToolCall, ToolChoice, Turn
from localrouter.core.findings import Finding
from localrouter.daemon.origins import Origins
from localrouter.daemon.restoring import Restorer
from localrouter.daemon.tool_names import fitted, fitting
from localrouter.scrub.tokens import Minter
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler
from localrouter.scrub.veil import veil

NAME = "Jane Roe"
LEAF = Leaf(("a",), f"write to {NAME} today", "user")
VEILED = veil([LEAF], [(Finding(9, 9 + len(NAME), "PERSON", 1.0, "t"),)], {}, Minter(b"0" * 32, "s", "h", ""))
(TOKEN,) = (entry.token for entry in VEILED.table)
ORIGINS = Origins(b"1" * 32)
T, R = Channel(0, "text"), Channel(0, "reasoning", 1)


def restorer(*, crosses: bool = False) -> Restorer:
    return Restorer(Unveiler(VEILED.table, VEILED.outgoing, tool_class), ORIGINS, host="h", wire="w", crosses=crosses)


def shown(own: Restorer, *chunks: Chunk) -> dict[Channel, str]:
    """What the client reads of each channel; whole repeats apart."""
    out: dict[Channel, str] = {}
    for chunk in chunks:
        back, texts, extra = own.restore(chunk)
        for channel, text in [*extra, *((p.channel, t) for p, t in zip(back.pieces, texts, strict=True) if not p.whole)]:
            out[channel] = out.get(channel, "") + text
    return out


def cut(text: str, channel: Channel = T, **more: Any) -> list[Chunk]:
    return [Chunk((Piece(channel, c, **(more if i == 0 else {})),), b"x", {}) for i, c in enumerate(text)]


@pytest.mark.parametrize("crosses", [False, True])
@pytest.mark.parametrize("closing", [Chunk(ends=(T,)), Chunk(finish={0: "stop"}), Chunk(terminal=True)])
def test_what_is_held_back_comes_before_what_closes_it(crosses: bool, closing: Chunk) -> None:
    own = restorer(crosses=crosses)
    before = shown(own, *cut(f"Dear {TOKEN}"))
    assert NAME not in before.get(T, ""), "the word may go on"
    back, texts, extra = own.restore(closing)
    assert texts == [] and before[T] + dict(extra)[T] == f"Dear {NAME}" and back.pieces == ()


def test_only_the_channel_that_ends_is_closed() -> None:
    own = restorer()
    other = Channel(0, "text", 1)
    shown(own, *cut(TOKEN), *cut(TOKEN, other))
    _, _, extra = own.restore(Chunk(ends=(T,)))
    assert extra == [(T, NAME)]
    assert own.restore(Chunk(terminal=True))[2] == [(other, NAME)]


def test_a_whole_answer_holds_nothing_back() -> None:
    chunk = Chunk((Piece(T, f"Dear {TOKEN}", ("a",)),), b"{}", {"a": ""}, terminal=True)
    assert restorer().restore(chunk)[1:] == ([f"Dear {NAME}"], [])


def test_a_repeat_equals_what_was_streamed() -> None:
    own = restorer()
    streamed = shown(own, *cut(f"Dear {TOKEN}, hello"), Chunk(ends=(T,)))
    back, texts, extra = own.restore(Chunk((Piece(T, f"Dear {TOKEN}, hello", ("a",), whole=True),), b"x", {"a": ""}))
    assert texts == [streamed[T]] and extra == [] and back.pieces[0].whole


def test_a_repeat_of_tool_arguments_knows_its_tool() -> None:
    own, channel = restorer(), Channel(0, "tool", 2)
    args = json.dumps({"path": "a", "content": TOKEN})
    streamed = shown(own, *cut(args, channel, tool="write_file"), Chunk(ends=(channel,)))
    assert json.loads(streamed[channel])["content"] == NAME
    assert own.restore(Chunk((Piece(channel, args, whole=True),)))[1] == [streamed[channel]]
    assert own.restore(Chunk((Piece(Channel(0, "tool", 3), args, tool="send_it", whole=True),)))[1] == [args], (
        "nobody classified it"
    )


def test_arguments_as_a_tree_are_restored_as_json() -> None:
    piece = Piece(Channel(0, "tool", 0), json.dumps({"content": f'say "{TOKEN}"'}), ("a",), "write_file", "c", tree=True)
    (text,) = restorer().restore(Chunk((piece,), b"x", {"a": {}}, terminal=True))[1]
    assert json.loads(text) == {"content": f'say "{NAME}"'}


def test_on_the_neutral_plane_repeats_are_left_out_unless_nothing_came_before() -> None:
    own = restorer(crosses=True)
    alone = Channel(0, "tool", 1)
    pieces = (
        Piece(T, "again", ("x",), whole=True),
        Piece(alone, "{}", ("y",), "f", "c", whole=True),
        Piece(Channel(0, "reasoning", 9), "twice", ("z",), mirror=True),
    )
    shown(own, *cut("again"))
    back, texts, _ = own.restore(Chunk(pieces, b"raw", {"x": 1}))
    assert (back.raw, back.tree) == (b"", None)
    assert [(p.channel, p.path, p.whole) for p in back.pieces] == [(alone, (), False)] and texts == ["{}"]


def test_signed_thoughts_are_shown_as_they_came_and_their_maker_is_noted() -> None:
    own = restorer()
    said = Chunk((Piece(R, f"of {TOKEN}", ("a",), untouched=True),), b"x", {"a": ""})
    assert own.restore(said)[1] == [f"of {TOKEN}"]
    assert own.restore(Chunk((Piece(R, "", ("b",), opaque="sig"),), b"y", {"b": "sig"}))[1] == [""], "it stands in the tree"
    block = Signed(("m",), "sig", f"of {TOKEN}")
    read = AskType("d", {}, (), "m", Needs(), None, 1, 1, signed=(block,))
    assert ORIGINS.judge(read, "h") == ([], []) and ORIGINS.judge(read, "other") == ([block], [])


def test_on_the_neutral_plane_marks_are_sealed_with_their_thought() -> None:
    own = restorer(crosses=True)
    own.restore(Chunk((Piece(R, "of ", untouched=True),)))
    own.restore(Chunk((Piece(R, TOKEN, untouched=True),)))
    (seal,) = own.restore(Chunk((Piece(R, "", opaque="mark"),)))[1]
    opened = ORIGINS.open(seal)
    assert opened is not None and (opened.host, opened.wire, opened.mark, opened.text) == ("h", "w", "mark", f"of {TOKEN}")


def test_a_thought_that_crosses_is_restored_for_the_client_and_kept_for_its_host() -> None:
    """No signature of the client's dialect covers it; the host gets its own words back."""
    own = restorer(crosses=True)
    said = shown(own, *(Chunk((Piece(R, c, untouched=True),)) for c in f"I ask {TOKEN}"))
    _, texts, extra = own.restore(Chunk((Piece(R, "", ("b",), opaque="mark"),)))
    assert said[R] + dict(extra)[R] == f"I ask {NAME}", "the rest of the thought comes before its signature, not behind it"
    opened = ORIGINS.open(texts[0])
    assert opened is not None and opened.text == f"I ask {TOKEN}" and own.restore(Chunk(ends=(R,), terminal=True))[2] == []
    assert own.counts["restored"] == 1


def test_a_whole_thought_that_crosses_is_not_mixed_with_its_seal() -> None:
    own = restorer(crosses=True)
    pieces = (Piece(R, f"I ask {TOKEN}", ("a",), untouched=True), Piece(R, "", ("b",), opaque="mark"), Piece(T, "so", ("c",)))
    _, texts, extra = own.restore(Chunk(pieces, b"{}", {"a": ""}, terminal=True))
    opened = ORIGINS.open(texts[1])
    assert (texts[0], texts[2], extra) == (f"I ask {NAME}", "so", [])
    assert opened is not None and (opened.mark, opened.text) == ("mark", f"I ask {TOKEN}")


def test_without_anything_veiled_all_stays() -> None:
    own = Restorer(None, ORIGINS, host="h", wire="w", crosses=False)
    chunk = Chunk((Piece(T, "plain", ("a",)),), b"x", {"a": "plain"})
    assert own.restore(chunk) == (chunk, ["plain"], []) and own.counts == {} and not own.unresolved


def test_a_tool_with_a_long_name_is_called_by_it() -> None:
    long = "mcp__server.of.mine__" + "x" * 80
    chat = Chat(
        (Turn("assistant", (ToolCall("c", long, "{}"), ToolCall("d", "short", "{}"))),),
        (Tool(long), Tool("short")),
        ToolChoice("one", long),
    )
    out, names = fitted(chat)
    (sent,) = names
    assert fullmatch(r"[A-Za-z0-9_-]{1,64}", sent) and names[sent] == long and fitted(chat) == (out, names)
    assert [t.name for t in out.tools] == [sent, "short"] and out.choice == ToolChoice("one", sent)
    assert [p.name for p in out.turns[0].parts if isinstance(p, ToolCall)] == [sent, "short"]
    assert fitting(long + "y") != sent and fitted(Chat((), (Tool("short"),)))[1] == {}
    own = Restorer(None, ORIGINS, host="h", wire="w", crosses=True, names=names)
    assert own.restore(Chunk((Piece(Channel(0, "tool"), "{}", tool=sent, call_id="c"),)))[0].pieces[0].tool == long
