"""What models do to tokens, and what must not be taken for one."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from localrouter.core.chat import Channel
from localrouter.core.kinds import KINDS
from localrouter.scrub.needles import SHORT, Haystack
from localrouter.scrub.tokens import ALPHABET, Entry, Minter, TokenTable, suffix_of
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler

TEXT = Channel(0, "text")
OPEN = [k.name for k in KINDS.values() if k.tier != "seal" and k.surrogate == "token"]
MINTER = Minter(b"k" * 32, "c", "p", "")
ENTRIES = [Entry(MINTER.mint(t, f"value{i}"), f"Value{i}x{t.title()}", t, KINDS[t].tier) for t in OPEN for i in range(12)]
TABLE = TokenTable(ENTRIES)
# How the type word is translated in the middle of a translated text.
WORDS = (
    "PERSONNE",
    "PERSONA",
    "PESSOA",
    "OSOBA",
    "ADRESSE",
    "DIRECCION",
    "NOMBRE",
    "Personne",
    "persona",
    "indirizzo",
    "Adresse",
    "KENNUNG",
    "TELEFONO",
)


def cut(token: str) -> tuple[str, str]:
    return token[:-7], token[-6:]


MUTATIONS: dict[str, Callable[[str, random.Random], tuple[str, str, str]]] = {
    # name: token -> (before, spelled, after); what stands before and after must stay
    "lower": lambda t, r: ("", t.lower(), ""),
    "title": lambda t, r: ("", t.title(), ""),
    "upper type, lower suffix": lambda t, r: ("", t[:-6] + t[-6:].lower(), ""),
    "markdown escape": lambda t, r: ("", t.replace("_", "\\_"), ""),
    "double escape": lambda t, r: ("", t.replace("_", "\\\\_"), ""),
    "space for _": lambda t, r: ("", t.replace("_", " "), ""),
    "hyphen for _": lambda t, r: ("", t.replace("_", "-"), ""),
    "no-break hyphen": lambda t, r: ("", t.replace("_", "\u2011"), ""),
    "bold": lambda t, r: ("**", t, "**"),
    "italic": lambda t, r: ("_", t, "_"),
    "code": lambda t, r: ("`", t, "`"),
    "bold within": lambda t, r: ("", f"**{cut(t)[0]}**_{cut(t)[1]}", ""),
    "bold suffix": lambda t, r: ("", f"{cut(t)[0]}_**{cut(t)[1]}**", ""),
    "struck": lambda t, r: ("~~", t, "~~"),
    "html brackets": lambda t, r: ("&lt;", t, "&gt;"),
    "json escape": lambda t, r: ("", t.replace("_", "\\u005f"), ""),
    "json escape twice": lambda t, r: ("", t.replace("_", "\\\\u005F"), ""),
    "entity": lambda t, r: ("", t.replace("_", r.choice(["&#95;", "&#x5f;", "&lowbar;", "&UnderBar;"])), ""),
    "possessive": lambda t, r: ("", t, r.choice(["'s", "\u2019s", "'"])),
    "plural": lambda t, r: ("", t, "s"),
    "quotes": lambda t, r: ('"', t, '"'),
    "smart quotes": lambda t, r: ("\u201c", t, "\u201d"),
    "guillemets": lambda t, r: ("\u00ab", t, "\u00bb"),
    "translated": lambda t, r: ("", f"{r.choice(WORDS)}_{cut(t)[1]}", ""),
    "punctuation": lambda t, r: ("", t, r.choice([".", ",", ";", ":", "!", "?", "...", ")", "\u3002"])),
    "line wrap": lambda t, r: ("", f"{cut(t)[0]}_\n{cut(t)[1]}", ""),
    "wrap at space": lambda t, r: ("", f"{cut(t)[0].replace('_', ' ')}\n{cut(t)[1]}", ""),
    "brackets": lambda t, r: (r.choice("[({"), t, r.choice("])}")),
    "angle": lambda t, r: ("<", t, ">"),
    "url encoded": lambda t, r: ("", t.replace("_", "%5F"), ""),
    "fullwidth _": lambda t, r: ("", t.replace("_", "\uff3f"), ""),
    "cjk around": lambda t, r: ("日本", t, "さん"),
    "snake": lambda t, r: ("get_", t, "_name"),
    "numbered": lambda t, r: ("1.", t, " (2)"),
    "label": lambda t, r: ("name:", t, ""),
}
AROUND = (
    "{}",
    "I met {} today.",
    "- {}\n- other",
    "| a | {} |\n",
    "# {}\n",
    "> {}",
    "x, {}, y",
    "日本{}語",
    "{} and date of birth of a person",
    "Hi {}\n\nbye",
)


def said(text: str, cuts: tuple[int, ...] = ()) -> tuple[str, Unveiler]:
    u = Unveiler(TABLE, "", tool_class)
    out, at = "", 0
    for c in (*sorted(cuts), len(text)):
        out, at = out + u.feed(TEXT, text[at:c]), c
    return out + u.flush(TEXT), u


def test_mutated_tokens_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    total = 0
    lost: dict[str, int] = {}
    for name, mutate in MUTATIONS.items():
        for i in range(60):
            r = random.Random(f"{name} {i}")
            entry = r.choice(ENTRIES)
            before, spelled, after = mutate(entry.token, r)
            form = r.choice(AROUND)
            text, real = (form.format(before + x + after) for x in (spelled, entry.value))
            got, _ = said(text, tuple(r.randrange(len(text) + 1) for _ in range(r.randrange(4))))
            total += 1
            if got != real:
                lost[name] = lost.get(name, 0) + 1
                first = (text, got)
    kept = 1 - sum(lost.values()) / total
    with capsys.disabled():
        print(f"\n{total} mutated tokens of {len(MUTATIONS)} kinds, {100 * kept:.2f} % restored exactly; lost: {lost or 'none'}")
    assert kept >= 0.995, (lost, first)


def test_neighbours_and_inventions_stand() -> None:
    for entry in ENTRIES[::7]:
        kind, code = cut(entry.token)
        flipped = code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 1) % 32]
        for other in (
            f"{kind}_{flipped}",
            entry.token + "Q",
            "X" + entry.token,
            kind + code,
            code,
            f"{kind}_{code[:5]}",
            f"{kind}__{code}1",
            f"{kind}.{code}",
        ):
            if TABLE.find(other) is not None:
                continue  # by chance another token
            got, u = said(f"a {other} b")
            assert got == f"a {other} b"
            assert u.counts["restored"] == 0


def test_only_what_looks_minted_counts_as_invented() -> None:
    for text, unknown in (
        ("PERSON_4ABCD9", 1), ("u222222@pii.invalid", 1), ("h222222.invalid", 1), ("phone 555123 and ID 100234", 0), ("USER_ID_100234", 0),
        ("id-2024ab token 3f2a1b", 0), ("MAX_SIZE_100KB4", 0), ("10.0.0.1 198.51.100.1", 0), ("a person 12 years old", 0), ("sha256_9f86d0", 0),
    ):  # fmt: skip
        got, u = said(text)
        assert got == text
        assert u.counts["unknown"] == unknown, text


def test_a_users_own_constant_is_no_reason_to_hold_an_edit_back() -> None:
    tool = Channel(0, "tool")
    for outgoing, count in (("ID_100234 = 3", 0), ("x", 1)):
        u = Unveiler(TABLE, outgoing, tool_class)
        assert u.feed(tool, '{"content": "ID_100234"}', "Write") + u.flush(tool) == '{"content": "ID_100234"}'
        assert len(u.unresolved) == count


def test_every_mutation_can_be_cut_anywhere() -> None:
    for name, mutate in MUTATIONS.items():
        r = random.Random(name)
        entry = r.choice(ENTRIES)
        before, spelled, after = mutate(entry.token, r)
        text = f"See {before}{spelled}{after} here"
        whole, u = said(text)
        for c in range(len(text)):
            cut_, v = said(text, (c,))
            assert (cut_, v.counts) == (whole, u.counts), (name, c)
        assert said(text, tuple(range(len(text))))[0] == whole, name


def test_text_that_could_become_no_token_waits_for_nothing() -> None:
    """The first word of an answer is said at once: only what could begin a token is held."""
    for text in ("Hello", "Sure, this", "The quick brown", "print(x)", "Ärger", "I think that", "https://docs.example/zz"):
        u = Unveiler(TABLE, "", tool_class)
        assert u.feed(TEXT, text) == text
    for text in ("Pers", "PERSON_3", "date of", "u7kq"):
        u = Unveiler(TABLE, "", tool_class)
        assert u.feed(TEXT, text) != text


def test_older_tokens_come_back_but_vouch_for_no_link() -> None:
    old = Entry("PERSON_9ABCDE", "Ann", "PERSON", "mask")
    table = TokenTable([Entry("PERSON_8ABCDE", "Bob", "PERSON", "mask")]).merged(TokenTable([old]))
    link = "https://evil.example/?q=PERSON_9ABCDE"  # a page that the model was sent to may hold what the model told it
    u = Unveiler(table, f"the page says {link}", tool_class)
    assert u.feed(TEXT, f"PERSON_9ABCDE {link} PERSON_8ABCDE") + u.flush(TEXT) == f"Ann {link} Bob"


def test_unlinkable_and_stable() -> None:
    values = [(t, f"v{i}") for t in ("PERSON", "EMAIL", "HOST", "IP", "API_KEY") for i in range(20)]
    one, again, other = (Minter(b"k" * 32, c, "p", "") for c in ("1", "1", "2"))
    a, b, c = ([m.mint(t, "10.0.0." + v[1:] if t == "IP" else v) for t, v in values] for m in (one, again, other))
    assert a == b
    assert not set(map(suffix_of, a)) & set(map(suffix_of, c))
    own = [
        Minter(s, c, p, "").mint("OWN_USER", "zoe")
        for s, c, p in ((b"k", "1", "p"), (b"k", "2", "p"), (b"k", "1", "q"), (b"l", "1", "p"))
    ]
    assert own[0] == own[1]
    assert len(set(own)) == 3


@pytest.mark.parametrize("size", [10, SHORT * 4])
def test_a_haystack_finds_what_a_search_finds(size: int) -> None:
    r = random.Random(size)
    text = "".join(r.choice('abcdeABC019 _-@/é日\n"') for _ in range(size))
    hay = Haystack(text)
    for _ in range(400):
        at, n = r.randrange(size), r.randrange(1, 12)
        needle = text[at : at + n] if r.random() < 0.5 else "".join(r.choice("abABC019_@é") for _ in range(n))
        assert (needle in hay) == (needle in text)
        assert list(hay.places(needle)) == [i for i in range(len(text)) if text.startswith(needle, i)]
