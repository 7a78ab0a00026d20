"""A conversation's memory: whatever the turns are, what leaves is what would leave without it; and old text is not searched again."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest

from localrouter.core.ask import Leaf, Where
from localrouter.core.errors import PrivacyUnsure
from localrouter.core.findings import Finding
from localrouter.scrub import looked
from localrouter.scrub.checked import checked
from localrouter.scrub.looked import Look, Looked
from localrouter.scrub.memory import CONVERSATIONS, TEXTS, TTL_S, Looks, Memories, Memory
from localrouter.scrub.needles import Haystack
from localrouter.scrub.tokens import Minter, TokenTable
from localrouter.scrub.veil import Veiled, taken

KEY = b"k" * 32
VALUES = (
    ("Ilse Brandt", "PERSON", "encoder"), ("Brandt", "PERSON", "encoder"), ("Mark Olsen", "PERSON", "names"),
    ("ilse.brandt@example.org", "EMAIL", "email"), ("/home/ilsebrandt", "OWN_PATH", "identity"), ('p"w/ö rd 77', "PASSWORD", "secret"),
    ("10.1.2.3", "IP", "ip"), ("build-host.example.org", "HOST", "host"), ("+49 30 901820", "PHONE", "phone"),
)  # fmt: skip
WORDS = (
    "Mark",
    "read",
    "the",
    "notes",
    "of",
    "ilse",
    "and",
    "brandt_dir",
    "Olsen",
    "wrote",
    "BRANDT",
    "to",
    "markolsen",
    "build",
)
WHERES = [where for where in get_args(Where) if where not in ("number",)]


def name(leaf: Leaf) -> bytes:
    return hashlib.blake2b(f"{leaf.context}\0{leaf.text}".encode()).digest()


def found(text: str) -> tuple[Finding, ...]:
    """What a scan would say: each value where it is marked by `<`, so that other mentions are for the sweep."""
    out = []
    for value, kind, detector in VALUES:
        at = text.find("<" + value)
        if at >= 0:
            out.append(Finding(at + 1, at + 1 + len(value), kind, 0.9, detector))
    return tuple(out)


def said(r: random.Random, tokens: Sequence[str]) -> str:
    parts = []
    for _ in range(r.randint(1, 9)):
        value = r.choice(VALUES)[0]
        parts.append(
            r.choice(
                (
                    r.choice(WORDS), r.choice(WORDS), r.choice(WORDS), "<" + value, value, value.upper(), json.dumps(value),
                    base64.b64encode(value.encode()).decode(), *(r.sample(tokens, 1) if tokens else ()),
                )
            )
        )  # fmt: skip
    text = " ".join(parts)
    return json.dumps({"a": text}) if r.random() < 0.2 else text


def turned(r: random.Random, leaves: list[Leaf], tokens: Sequence[str]) -> list[Leaf]:
    """The next request of a conversation: more text mostly; sometimes a changed one, a compaction, an older one again."""
    leaves = list(leaves)
    kind = r.random()
    if kind < 0.15 and leaves:
        at = r.randrange(len(leaves))
        leaves[at] = replace(leaves[at], text=said(r, tokens))
    elif kind < 0.25:
        leaves = r.sample(leaves, len(leaves) // 2)
    for _ in range(r.randint(0, 4)):
        leaves.append(Leaf(("messages", len(leaves), "content"), said(r, tokens), r.choice(WHERES), "content"))
    return leaves


def plain(veiled: Veiled | str) -> object:
    if isinstance(veiled, str):
        return veiled
    return veiled.edits, veiled.renames, list(veiled.table), veiled.counts, veiled.texts, veiled.marks, veiled.outgoing


def veiled(leaves: Sequence[Leaf], memory: Memory | None, allowed: frozenset[str], host: str) -> Veiled | str:
    rows = [found(leaf.text) for leaf in leaves]
    try:
        if memory is None:
            return checked(leaves, rows, {}, Minter(KEY, "c", host, taken(leaves)), allowed)
        looks = Looks(leaves, memory, [name(leaf) for leaf in leaves])
        return checked(leaves, rows, {}, Minter(KEY, "c", host, looks.taken), allowed, looks)
    except PrivacyUnsure as exc:
        return exc.message


@pytest.mark.parametrize("seed", range(60))
def test_with_a_memory_the_same_leaves_as_without(seed: int) -> None:
    r = random.Random(seed)
    memory, leaves, tokens = Memory(), list[Leaf](), list[str]()
    for _ in range(12):
        leaves = turned(r, leaves, tokens)
        allowed = frozenset({r.choice(VALUES)[0]}) if r.random() < 0.1 else frozenset()
        host = r.choice(("one", "one", "one", "two"))
        alone = veiled(leaves, None, allowed, host)
        assert plain(veiled(leaves, memory, allowed, host)) == plain(alone)
        if isinstance(alone, Veiled):
            tokens = [entry.token for entry in alone.table]


@pytest.mark.parametrize("seed", range(20))
def test_conversations_that_begin_with_one_another_s_memory_do_not_mix(seed: int) -> None:
    r = random.Random(1000 + seed)
    memories = Memories()
    talks: dict[int, list[Leaf]] = {0: []}
    for step in range(20):
        which = r.randrange(4)
        talks[which] = turned(r, talks.get(which) or list(talks[0]), [])
        memory = memories.of("me", which, float(step))
        assert plain(veiled(talks[which], memory, frozenset(), "h")) == plain(veiled(talks[which], None, frozenset(), "h"))


def test_a_value_that_is_new_is_found_in_old_text() -> None:
    old = [Leaf(("m", i), f"{i} brandt was here with <+49 30 901820", "user") for i in range(5)]
    memory = Memory()
    before = veiled(old, memory, frozenset(), "h")
    assert isinstance(before, Veiled) and "brandt" in before.texts[0]
    after = veiled([*old, Leaf(("m", 5), "It was <Ilse Brandt", "user")], memory, frozenset(), "h")
    assert isinstance(after, Veiled) and not any("brandt" in text.lower() for text in after.texts)


def test_a_token_that_new_text_claims_is_given_up() -> None:
    """A token may stand in no text from elsewhere, also when it was minted before that text came."""
    leaves = [Leaf(("m", 0), "I am <Ilse Brandt", "user")]
    memory = Memory()
    before = veiled(leaves, memory, frozenset(), "h")
    assert isinstance(before, Veiled)
    (token,) = (entry.token for entry in before.table)
    for where, other in (("assistant", False), ("tool_result", True)):
        after = veiled([*leaves, Leaf(("m", 1), f"see {token.lower()}", where)], memory, frozenset(), "h")  # type: ignore[arg-type]
        assert isinstance(after, Veiled) and (token not in [entry.token for entry in after.table]) is other


def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Characters of each text that is searched from now on."""
    sizes: list[int] = []

    class Counted(Haystack):
        def __init__(self, text: str) -> None:
            sizes.append(len(text))
            super().__init__(text)

    monkeypatch.setattr(looked, "Haystack", Counted)
    return sizes


def test_old_text_is_not_searched_again_for_old_values(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = searched(monkeypatch)
    old = [Leaf(("m", i), f"{i} /home/ilsebrandt and <Mark Olsen " + "lorem " * 200, "user") for i in range(50)]
    memory = Memory()
    veiled(old, memory, frozenset(), "h")
    assert max(sizes) > 50_000
    sizes.clear()
    new = [*old, Leaf(("m", 50), "and <Mark Olsen again", "user")]
    veiled(new, memory, frozenset(), "h")
    assert sizes and max(sizes) < 100
    sizes.clear()
    veiled([*new, Leaf(("m", 51), "from <10.1.2.3", "user")], memory, frozenset(), "h")
    assert max(sizes) > 50_000, "a new value is looked for everywhere"


def test_two_requests_at_once_do_not_mix() -> None:
    """A request keeps to the memory that it began with, also for what it asks late (a name that is only noted)."""
    memory = Looked()
    first = Look(["one a", "two"], memory, ["1", "2"])
    assert first.places("a") == [(0, 4)] and "b" not in first
    first.keep()
    early = Look(["one a", "two", "b three"], memory, ["1", "2", "3"])
    assert early.places("a") == [(0, 4)]
    other = Look(["two"], memory, ["2"])
    assert "one" not in other
    other.keep()
    assert "one" in early and early.places("b") == [(2, 0)]


def test_no_text_is_kept() -> None:
    memory = Memory()
    veiled([Leaf(("m", 0), "a secret plan of <Mark Olsen", "user")], memory, frozenset(), "h")
    kept = repr(
        [
            memory.raw.found,
            memory.raw.needles,
            memory.upper.found,
            memory.upper.needles,
            memory.veiled.found,
            memory.veiled.needles,
        ]
    )
    assert "Mark" in kept and "plan" not in kept


def test_a_word_across_two_texts_stands_in_neither() -> None:
    look = Look(["a", "b\0", "c"])
    assert look.places("a\0b") == [] and look.places("b\0") == [(1, 0)] and look.places("") == [] and look.places("c") == [(2, 0)]


def test_memories_are_bounded_and_age() -> None:
    memories = Memories()
    first = memories.of("me", "a", 0.0)
    assert memories.of("me", "a", 1.0) is first
    assert memories.of("me", "a", 2.0 + TTL_S) is not first and len(memories) == 1
    for i in range(CONVERSATIONS + 5):
        memories.of("me", i, 3.0 + TTL_S)
    assert len(memories) == CONVERSATIONS
    large = memories.of("me", "large", 4.0 + TTL_S)
    large.raw.found = dict.fromkeys(range(TEXTS), ())
    assert memories.of("me", "large", 5.0 + TTL_S) is large and len(memories) == CONVERSATIONS
    large.raw.found = dict.fromkeys(range(TEXTS + 1), ())
    assert memories.of("me", "large", 6.0 + TTL_S) is large and len(memories) == 1
    last = memories.of("you", "last", 7.0 + TTL_S)
    assert len(memories) == 1 and memories.of("you", "last", 8.0 + TTL_S) is last


def test_a_new_conversation_knows_its_user_s_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = searched(monkeypatch)
    memories = Memories()
    harness = [Leaf(("m", i), f"{i} /home/ilsebrandt and <Mark Olsen " + "lorem " * 200, "system") for i in range(50)]
    first = memories.of("me", "one", 0.0)
    veiled([*harness, Leaf(("m", 50), "I am <Ilse Brandt", "user")], first, frozenset(), "h")
    known = first.raw.found
    leaves = [*harness, Leaf(("m", 50), "I am <Ilse Brandt too", "user")]
    alone = veiled(leaves, None, frozenset(), "h")
    for who, knows in (("you", False), ("me", True)):
        other = memories.of(who, "two", 1.0)
        sizes.clear()
        assert plain(veiled(leaves, other, frozenset(), "h")) == plain(alone)
        assert (max(sizes) < 100) is knows
    assert first.raw.found is known, "and leaves that one as it was"


def test_an_empty_table_asks_nothing() -> None:
    leaves = [Leaf(("m", 0), "nothing private", "user")]
    memory = Memory()
    done = veiled(leaves, memory, frozenset(), "h")
    assert isinstance(done, Veiled) and len(done.table) == len(TokenTable()) == len(memory) == 0
