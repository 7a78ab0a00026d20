"""Minting, sweeping, the last check, and the round trip."""

from __future__ import annotations

import html
import json
import re
import time
from urllib.parse import quote, quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.core.ask import Leaf, rename_keys, replace
from localrouter.core.chat import Channel
from localrouter.core.findings import Finding
from localrouter.scrub.lastcheck import leaks
from localrouter.scrub.tokens import IP_MAX, Minter, suffix_of
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


def test_a_token_that_comes_back_unrestored_stands_as_it_is() -> None:
    """A tool that gets nothing restored has the token in its arguments, which look like a secret beside its key in the next turn."""
    secret = "tr0ub4dor-" + "Xw92"
    said = leaf(f"DB_PASSWORD={secret}\n")
    token = next(iter(do([said], [found(said.text, PASSWORD=secret)]).table)).token
    call = leaf(json.dumps({"text": f"DB_PASSWORD={token}"}), "tool_arguments", ("m", 1))
    leaves = [said, call]
    veiled = do(leaves, [found(said.text, PASSWORD=secret), found(call.text, PASSWORD=token)])
    assert veiled.texts == [f"DB_PASSWORD={token}\n", call.text]
    assert [(e.token, e.value) for e in veiled.table] == [(token, secret)]
    assert not leaks(veiled.texts, veiled.table, frozenset())


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


# --- spellings ------------------------------------------------------------------------------------


def back(v: Veiled, text: str, tool: str | None = None) -> str:
    u = Unveiler(v.table, v.outgoing, tool_class)
    channel = Channel(0, "tool" if tool else "text")
    return u.feed(channel, text, tool) + u.flush(channel)


def test_a_value_found_once_is_veiled_in_every_spelling() -> None:
    value = 'Zo\u00eb "Z" O\'Bri/en'
    spelled = [
        value, json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(json.dumps({"n": value})), quote(value), quote(value, safe=""),
        quote_plus(value), quote(value).replace("%C3%AB", "%c3%ab").replace("%22", "%22"), html.escape(value), html.escape(value, quote=False),
    ]  # fmt: skip
    leaves = [leaf(f"x {s} y", path=("m", i)) for i, s in enumerate(spelled)]
    v = do(leaves, [found(leaves[0].text, PERSON=value), *[[] for _ in spelled[1:]]])
    assert all(len(m) == 1 for m in v.marks), [t for t, m in zip(v.texts, v.marks, strict=True) if len(m) != 1]
    assert not any("Bri" in t for t in v.texts)
    for before, after in zip(leaves, v.texts, strict=True):
        assert back(v, after) == before.text  # each spelling comes back as it stood


def test_one_value_contains_the_other() -> None:
    text = "Anna Lee Smith and Anna Lee and Anna; Smithson, smith@corp.example"
    leaves = [leaf(text), leaf("Anna Lee Smith"), leaf("Anna")]
    f = [found(text, PERSON="Anna Lee Smith", ORG="Anna"), [], []]
    v = do(leaves, f)
    for after, before in zip(v.texts, leaves, strict=True):
        assert not re.search(r"\bAnna\b", after)
        assert back(v, after) == before.text
    assert v.texts[2] != v.texts[1]


def test_a_value_that_is_a_key_and_one_that_is_a_number() -> None:
    leaves = [
        leaf("Anna Lee has 4929123456789012", path=("m", 0)), leaf("Anna Lee", "key", ("m", 1, "Anna Lee")), leaf("4929123456789012", "number", ("m", 1, "card")),
        leaf("x", path=("m", 1, "Anna Lee")),
    ]  # fmt: skip
    v = do(leaves, [found(leaves[0].text, PERSON="Anna Lee", CARD="4929123456789012"), [], [], []])
    tree = {"m": [leaves[0].text, {"Anna Lee": "x", "card": 4929123456789012}]}
    out = rename_keys(replace(tree, v.edits), v.renames)
    sent = json.dumps(out)
    assert "Anna" not in sent and "4929" not in sent
    assert next(iter(out["m"][1].values())) == "x"
    assert isinstance(out["m"][1]["card"], str)


def test_tokens_that_a_user_types_are_plain_text() -> None:
    """Whatever a user writes that is a token of this very value gives the value another token; it names nothing."""
    for type, value in (
        ("PERSON", "Anna Lee"),
        ("EMAIL", "anna@corp.example"),
        ("IP", "10.1.2.3"),
        ("OWN_USER", "annalee"),
        ("HOST", "db.corp.internal"),
    ):
        typed = Minter(KEY, "c", "p", "").mint(type, value)
        text = f"{typed} is not {value} nor {typed.upper()}"
        v = do([leaf(text)], [found(text, **{type: value})])
        assert typed in v.texts[0] and v.table.by_value(value) is not None
        assert typed not in v.table
        assert back(v, v.texts[0]) == text


def test_more_addresses_than_surrogates() -> None:
    values = [f"10.7.{i // 200}.{i % 200 + 1}" for i in range(IP_MAX * 2)] + [f"fd00::{i:x}:1" for i in range(1, 10)]
    text = "\n".join(f"host {x} up" for x in values)
    v = do(
        [leaf(text)],
        [found(text, IP="zzz") + [Finding(m.start(), m.end(), "IP") for m in re.finditer(r"10\.7\.\d+\.\d+|fd00::\w+:1", text)]],
    )
    assert len(v.table) == len(values)
    assert sum(e.token.startswith("198.1") for e in v.table) == IP_MAX
    assert back(v, v.texts[0]) == text
    assert not re.search(r"10\.7\.|fd00", v.texts[0])


def test_the_prefix_is_stable_from_turn_to_turn() -> None:
    """A turn adds leaves; what was sent before is sent again byte by byte, unless a new value is found in old text."""
    texts = [f"turn {i}: Anna Lee{i % 7} wrote from 10.0.0.{i} to a{i}@corp.example" for i in range(30)]
    f = [found(t, PERSON=f"Anna Lee{i % 7}", IP=f"10.0.0.{i}", EMAIL=f"a{i}@corp.example") for i, t in enumerate(texts)]
    before: list[str] = []
    for n in range(1, 31):
        v = do([leaf(t, path=("m", i)) for i, t in enumerate(texts[:n])], f[:n])
        assert v.texts[: n - 1] == before
        before = v.texts


def test_json_in_json_in_json() -> None:
    """At any depth: what stands escaped n times is one value, and comes back escaped n times."""
    value = 'An"na \\ Lee'
    text = json.dumps({"n": value})
    for depth in range(4):
        plain = leaf(value, path=("p",))
        deep = leaf(text, "tool_arguments" if depth % 2 else "user", ("m", depth))
        v = do([plain, deep], [found(value, PERSON=value), []])
        if depth < 2:  # the sweep looks for two depths; deeper ones are found by the scan's views
            assert len(v.table) == 1
            assert back(v, v.texts[1], "Write") == text
        text = json.dumps({"body": text})


def test_a_spelling_that_json_does_not_need_comes_back_as_it_stood() -> None:
    text = '{"n": "Zo\\u00eb Lee", "m": "a\\/b key", "u": "C:\\\\tmp\\\\zoe"}'
    f = [
        Finding(text.index(x), text.index(x) + len(x), t)
        for x, t in (("Zo\\u00eb Lee", "PERSON"), ("a\\/b key", "ORG"), ("C:\\\\tmp\\\\zoe", "LOCATION"))
    ]
    v = do([leaf(text)], [f])
    assert len(v.table) == 3
    assert back(v, v.texts[0], "Write") == text
    assert back(v, v.texts[0]) == text


def test_names_that_were_learnt_are_veiled_in_their_variants() -> None:
    leaves = [leaf("Ask Jane Doeringer.", path=("a",)), leaf("jane.doeringer@x, JANE DOERINGER, Doeringer's", path=("b",))]
    v = do(leaves, [found(leaves[0].text, PERSON="Jane Doeringer"), []])
    assert "oeringer" not in v.texts[1].lower()
    assert back(v, v.texts[1]) == leaves[1].text


def test_veiling_a_large_request_is_cheap() -> None:
    """200 KB and 50 values: a share of what merely reading the text as JSON costs, times a bound; machines differ, ratios less."""
    words = [f"w{i:x}ord" for i in range(3000)]
    values = [(f"Person{i} Last{i}", "ORG") for i in range(25)] + [(f"u{i}@corp{i}.example", "EMAIL") for i in range(25)]
    blocks = [" ".join(words[(i * 37 + j) % 3000] for j in range(380)) + f" {values[i % 50][0]} end" for i in range(70)]
    leaves = [leaf(b, path=("m", i)) for i, b in enumerate(blocks)]
    f = [found(b, **{values[i % 50][1]: values[i % 50][0]}) for i, b in enumerate(blocks)]
    assert sum(map(len, blocks)) > 200_000
    raw = json.dumps(blocks)
    unit, both = [], []
    for _ in range(5):
        start = time.process_time()
        for _ in range(4):
            json.loads(raw)
        unit.append(time.process_time() - start)
        start = time.process_time()
        v = do(leaves, f)
        assert not leaks(v.texts, v.table, frozenset())
        both.append(time.process_time() - start)
    assert len(v.table) == 50
    assert min(both) < 100 * min(unit), (min(both), min(unit))
