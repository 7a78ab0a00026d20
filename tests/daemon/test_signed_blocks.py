"""Whose a signed block is: back to its maker unchanged, to no other, and no seal but ours is opened."""

from __future__ import annotations

import base64

import pytest

from localrouter.core.ask import Ask, Needs, Signed, remove
from localrouter.core.chat import Chat, Text, Thought, ToolCall, Turn
from localrouter.daemon.origins import MARKS, PREFIX, Origins, Sealed, without

SECRET = b"0" * 32


def ask(*signed: Signed) -> Ask:
    return Ask("d", {}, (), "m", Needs(), None, 1, 1, signed=signed)


def block(i: int, mark: str, text: str = "") -> Signed:
    return Signed(("messages", 1, "content", i), mark, text)


def test_a_known_mark_passes_to_its_maker_only() -> None:
    origins = Origins(SECRET)
    origins.note("sig-a", "I think", "a")
    own = block(0, "sig-a", "I think")
    assert origins.judge(ask(own), "a") == ([], [])
    assert origins.judge(ask(own), "b") == ([own], [])


def test_a_changed_text_is_nobodys() -> None:
    origins = Origins(SECRET)
    origins.note("sig-a", "I think", "a")
    changed = block(0, "sig-a", "I think of jane@roe.org")
    assert origins.judge(ask(changed), "a") == ([], [changed])


def test_without_a_store_a_restart_forgets() -> None:
    origins = Origins(SECRET)
    origins.note("sig-a", "I think", "a")
    own = block(0, "sig-a", "I think")
    assert Origins(SECRET).judge(ask(own), "a") == ([], [own])


def test_a_seal_is_no_signature_of_any_host() -> None:
    origins = Origins(SECRET)
    sealed = block(0, origins.seal(Sealed("a", "w", "sig", "I think")))
    assert origins.judge(ask(sealed), "a") == ([sealed], []), "on the raw plane even its own host would not know it"
    assert Origins(SECRET).judge(ask(sealed), "a") == ([sealed], []), "a seal outlives a restart"


def test_memory_is_bounded() -> None:
    origins = Origins(SECRET)
    for i in range(MARKS + 10):
        origins.note(f"sig{i}", "", "a")
    assert origins.maker(block(0, "sig0")) == "" and origins.maker(block(0, f"sig{MARKS}")) == "a"


def test_a_seal_opens_for_its_host_and_wire() -> None:
    origins = Origins(SECRET)
    seal = origins.seal(Sealed("a", "w", "sig", "I think é"))
    assert seal.startswith(PREFIX) and seal.isascii() and "sig" not in seal
    chat = Chat((Turn("assistant", (Thought("shown", seal), Text("hi"))),))
    (turn,) = origins.opened(chat, "a", "w").turns
    assert turn.parts == (Thought("I think é", seal, "sig"), Text("hi")), "the text is the one that was signed"
    for host, wire in (("b", "w"), ("a", "x")):
        other = origins.opened(chat, host, wire)
        assert other.turns[0].parts == (Text("hi"),) and len(other.notes) == 1


@pytest.mark.parametrize("at", [0, 5, 15, 16, 20, -1])
def test_a_forged_seal_is_dropped(at: int) -> None:
    origins = Origins(SECRET)
    seal = origins.seal(Sealed("a", "w", "sig"))
    raw = bytearray(base64.urlsafe_b64decode(seal[len(PREFIX) :] + "=" * (-(len(seal) - len(PREFIX)) % 4)))
    raw[at] ^= 1
    forged = PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert origins.open(forged) is None and origins.open(seal) is not None
    chat = Chat((Turn("assistant", (Thought("", forged), ToolCall("1", "f", "{}"))),))
    assert origins.opened(chat, "a", "w").turns[0].parts == (ToolCall("1", "f", "{}"),)
    assert Origins(b"1" * 32).open(seal) is None, "another install's seal is not ours"


@pytest.mark.parametrize("text", ["", "lr1.", "lr1.!!!", "lr1.AAAA", "EqQBCgIYAhIM", "lr1." + "A" * 9])
def test_what_is_no_seal_is_none(text: str) -> None:
    assert Origins(SECRET).open(text) is None


def test_unsigned_thoughts_pass_and_raw_signatures_do_not_cross() -> None:
    origins = Origins(SECRET)
    origins.note("sig", "t", "a")
    chat = Chat((Turn("assistant", (Thought("plain"),)), Turn("assistant", (Thought("t", "sig"),)), Turn("user", (Text("x"),))))
    out = origins.opened(chat, "a", "w")
    assert [t.parts for t in out.turns] == [(Thought("plain"),), (Text("x"),)], "a turn of nothing else goes with it"


def test_dropped_blocks_leave_no_empty_turn() -> None:
    thinking = {"type": "thinking", "thinking": "t", "signature": "s"}
    tree = {
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [thinking, {"type": "redacted_thinking", "data": "d"}]},
            {"role": "assistant", "content": [thinking, {"type": "text", "text": "hi"}]},
        ]
    }
    gone = [
        Signed(("messages", 1, "content", 0), "s"),
        Signed(("messages", 1, "content", 1), "d"),
        Signed(("messages", 2, "content", 0), "s"),
    ]
    assert without(tree, gone) == {
        "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": [{"type": "text", "text": "hi"}]}]
    }
    assert len(tree["messages"]) == 3, "the client's own tree is not touched"


def test_removal_by_path() -> None:
    assert remove({"input": [1, 2, 3]}, [("input", 0), ("input", 2)]) == {"input": [2]}
    assert remove({"m": [{"d": [1], "k": 2}]}, [("m", 0, "d", 0)]) == {"m": [{"k": 2}]}
    many = [("input", i) for i in range(12)]
    assert remove({"input": list(range(13))}, many) == {"input": [12]}, "numbers sort as numbers"
