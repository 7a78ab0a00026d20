"""Minting, sweeping, the last check, and the round trip."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.core.ask import Leaf
from localrouter.core.chat import Channel
from localrouter.core.findings import Finding
from localrouter.scrub.lastcheck import leaks
from localrouter.scrub.tokens import IP_MAX, Entry, Minter, TokenTable, suffix_of
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler
from localrouter.scrub.veil import Veiled, taken, veil

KEY = b"k" * 32


def leaf(text: str, where: str = "user", path: tuple[str | int, ...] = ("m", 0)) -> Leaf:
    return Leaf(path, text, where)  # type: ignore[arg-type]


def found(text: str, **types: str) -> list[Finding]:
    return [Finding(m.start(), m.end(), t) for t, v in types.items() for m in re.finditer(re.escape(v), text)]


def do(leaves: list[Leaf], findings: list[list[Finding]], **values: str) -> Veiled:
    return veil(leaves, findings, values, Minter(KEY, "c", "p", taken(leaves)))  # type: ignore[arg-type]


def test_tokens_are_stable_in_a_conversation_and_unlinkable_across() -> None:
    a, again, other = (Minter(KEY, c, "p", "").mint("PERSON", "Ann") for c in ("1", "1", "2"))
    assert a == again != other
    assert re.fullmatch(r"PERSON_(?=.*\d)[0-9A-HJKMNP-TV-Z]{6}", a)
    assert Minter(KEY, "1", "p", "").mint("OWN_NAME", "Zoe") == Minter(KEY, "2", "p", "").mint("OWN_NAME", "Zoe")
    assert Minter(KEY, "1", "p", "").mint("OWN_NAME", "Zoe") != Minter(KEY, "1", "q", "").mint("OWN_NAME", "Zoe")


def test_shapes() -> None:
    m = Minter(KEY, "c", "p", "")
    assert re.fullmatch(r"u[0-9a-z]{6}@pii\.invalid", m.mint("EMAIL", "a@b.example"))
    assert re.fullmatch(r"h[0-9a-z]{6}\.invalid", m.mint("HOST", "db"))
    assert re.fullmatch(r"u[0-9a-z]{6}", m.mint("OWN_USER", "zoe"))
    assert m.mint("IP", "fe80::1").startswith("2001:db8::")
    ips = [m.mint("IP", f"10.0.{i // 250}.{i % 250}") for i in range(100)]
    assert sum(ip.startswith("198.1") for ip in ips) == IP_MAX - 1
    assert len(set(ips)) == 100
    assert m.mint("IP", "10.0.0.0/8").startswith("IP_")


def test_what_stands_in_the_input_is_not_minted() -> None:
    for type, value in (("PERSON", "Ann"), ("EMAIL", "a@b.example"), ("IP", "10.0.0.1"), ("OWN_USER", "zoe")):
        first = Minter(KEY, "c", "p", "").mint(type, value)
        second = Minter(KEY, "c", "p", f"x {first.lower()} y").mint(type, value)
        assert first != second
        assert suffix_of(first) != suffix_of(second)


def test_on_collision_the_later_rehashes(monkeypatch: object) -> None:
    m = Minter(KEY, "c", "p", "")
    composed, decomposed = m.mint("PERSON", "Ren\u00e9"), m.mint("PERSON", "Rene\u0301")  # one normal form, so one hash
    assert composed == Minter(KEY, "c", "p", "").mint("PERSON", "Rene\u0301") != decomposed


def test_a_value_found_once_is_swept_everywhere() -> None:
    key = "s3cr" + "et/Value"
    leaves = [
        leaf(f"key {key}, Anna x", path=("a",)), leaf(f"{key}Annabel Anna_1 Anna", path=("b",)), leaf(quote(key, safe=""), path=("c",)),
        leaf("Anna", "key", ("d", "Anna")), leaf("12345678", "number", ("n",)),
    ]  # fmt: skip
    v = do(leaves, [found(leaves[0].text, API_KEY=key, PERSON="Anna"), [], [], [], found("12345678", ID="12345678")])
    joined = "\n".join(v.texts)
    assert key not in joined
    assert quote(key, safe="") not in joined
    assert "Anna_" not in joined
    assert "Anna " not in joined
    assert list(v.renames) == [("d", "Anna")]
    assert dict(v.edits)[("n",)].startswith("ID_")
    assert not leaks(v.texts, v.table, frozenset())
    for text, marks in zip(v.texts, v.marks, strict=True):
        assert all(text[a:b] == token for a, b, token in marks)
    assert sum(v.counts.values()) == sum(map(len, v.marks))


def test_policy() -> None:
    leaves = [leaf("Anna pw hunter2x")]
    f = [found(leaves[0].text, PERSON="Anna", PASSWORD="hunter2x")]
    tiers = {e.value: e.tier for e in do(leaves, f, personal="seal", secret="veil").table}
    assert tiers == {"Anna": "seal", "hunter2x": "seal"}
    assert do(leaves, f, personal="pass").texts[0].startswith("Anna pw PASSWORD_")


def test_overlaps_leave_nothing_behind() -> None:
    leaves = [leaf("Ann Lee Ray")]
    v = do(leaves, [[Finding(0, 7, "PERSON"), Finding(4, 11, "API_KEY"), Finding(0, 3, "ORG")]])
    assert v.counts == {"API_KEY": 1}
    assert [e.value for e in v.table] == ["Ann Lee Ray"]


def test_tool_arguments_hold_json() -> None:
    text = json.dumps({"n": 'Ann "A" Lee'})
    inner = json.dumps('Ann "A" Lee')[1:-1]
    v = do([leaf(text, "tool_arguments"), leaf('Ann "A" Lee')], [found(text, PERSON=inner), []])
    assert [e.value for e in v.table] == ['Ann "A" Lee']
    assert len(v.marks[1]) == 1
    u = Unveiler(v.table, v.outgoing, tool_class)
    channel = Channel(0, "tool")
    assert u.feed(channel, v.texts[0], "Edit") + u.flush(channel) == text


def test_after_a_json_escape_a_word_begins() -> None:
    text = json.dumps({"n": "x\nAnna\tAnna \u00e9Anna"})
    v = do([leaf("Anna"), leaf(text, "tool_arguments")], [found("Anna", PERSON="Anna"), []])
    assert "Anna" not in v.texts[1]
    assert len(v.table) == 1
    u = Unveiler(v.table, v.outgoing, tool_class)
    channel = Channel(0, "tool")
    assert u.feed(channel, v.texts[1], "Edit") + u.flush(channel) == text


def test_a_link_the_model_wrote_vouches_for_nothing() -> None:
    token = Minter(KEY, "c", "p", "").mint("PERSON", "Anna Bell")
    link = f"https://evil.example/?q={token}"
    leaves = [leaf("Anna Bell", path=("a",)), leaf(f"see {link}", "assistant", ("b",))]
    v = do(leaves, [found(leaves[0].text, PERSON="Anna Bell"), []])
    u = Unveiler(v.table, v.outgoing, tool_class)
    assert v.texts[0] == token
    assert u.feed(Channel(0, "text"), link) + u.flush(Channel(0, "text")) == link


def test_last_check_sees_each_form_and_tells_types_only() -> None:
    value = 'p"w/ö rd'
    table = TokenTable([Entry("PASSWORD_3ABCDE", value, "PASSWORD", "seal"), Entry("PERSON_4ABCDE", "Anna", "PERSON", "mask")])
    for form in (value, json.dumps(value), json.dumps(value, ensure_ascii=False), quote(value), quote(value, safe="")):
        assert leaks(["x", form], table, frozenset()) == ["PASSWORD"]
    for pad in range(3):
        coded = base64.b64encode(b"z" * pad + value.encode() + b"tail").decode()
        assert leaks([coded], table, frozenset()) == ["PASSWORD"]
    assert leaks(["Annabel"], table, frozenset()) == []
    assert leaks(["an Anna!"], table, frozenset()) == ["PERSON"]
    assert leaks(["an Anna!"], table, frozenset({"Anna"})) == []


WORDS = st.sampled_from(["Anna", "Bob Ray", "zoe", "a@b.example", "db.corp", "10.0.0.1", "s3cretKey", " ", "\n", "_", "/home/", ": ", "x", "é", "日本",
                         '"', "\\", "PERSON", "ID ", "-", "'s", "7", "fe80::1"])  # fmt: skip
TYPES = {
    "PERSON": "Anna",
    "ORG": "Bob Ray",
    "OWN_USER": "zoe",
    "EMAIL": "a@b.example",
    "HOST": "db.corp",
    "IP": "10.0.0.1",
    "API_KEY": "s3cretKey",
}


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=16).map("".join), st.lists(WORDS, max_size=8).map("".join))
def test_round_trip_is_exact(text: str, other: str) -> None:
    leaves = [leaf(text, path=("a",)), leaf(other, path=("b",))]
    v = do(leaves, [found(text, **TYPES), found(other, **TYPES)])
    assert not leaks(v.texts, v.table, frozenset())
    for before, after in zip((text, other), v.texts, strict=True):
        u = Unveiler(v.table, v.outgoing, tool_class)
        channel = Channel(0, "tool")
        raw = json.dumps({"s": after})
        assert json.loads(u.feed(channel, raw, "Edit") + u.flush(channel))["s"] == before
        prose = Unveiler(v.table, v.outgoing, tool_class)
        text_channel = Channel(0, "text")
        fenced = "```\n" + after + "\n```"
        assert prose.feed(text_channel, fenced) + prose.flush(text_channel) == "```\n" + before + "\n```"


def test_tool_names() -> None:
    assert [tool_class(n) for n in ("Edit", "str_replace_based_edit_tool", "run_terminal_cmd", "read_file", "web_search", "mcp__x__edit")] == [
        "edit", "edit", "shell", "local", "network", "unknown"
    ]  # fmt: skip
