"""The encoder in the scan: names in prose, fields, tweets and records; none in code; what wins where two detectors speak; no network; no half scan."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from localrouter.core.ask import Leaf
from localrouter.core.findings import Finding
from localrouter.core.kinds import KINDS
from localrouter.scrub import detectors
from localrouter.scrub.detectors import _prose, encoder
from localrouter.scrub.detectors._in_code import in_code
from localrouter.scrub.merge import merge
from localrouter.scrub.pieces import cut, join
from localrouter.scrub.tokens import Minter
from localrouter.scrub.veil import Veiled, veil

FILE = Path(str(resources.files("localrouter") / "models" / "encoder.gguf"))
real = pytest.mark.skipif(not FILE.is_file(), reason="the encoder's file is not built")


def scan(text: str, context: str = "content") -> tuple[Finding, ...]:
    own = cut(text, context)
    return join(own, detectors.find_all([(p.text, p.context) for p in own.pieces]))


def found(text: str, context: str = "content") -> set[tuple[str, str]]:
    return {(f.type, text[f.start : f.end]) for f in scan(text, context)}


def values(text: str, context: str = "content") -> set[str]:
    return {value for _, value in found(text, context)}


# --- what is found ------------------------------------------------------------------------------------------------------


@real
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Could you ask Priya Raghunathan from Northwind Traders whether she moved to Lyon?", {"Priya Raghunathan", "Northwind Traders", "Lyon"}),
        ("please write an email to my boss karen about the meeting with deloitte in warsaw", {"karen", "deloitte", "warsaw"}),
        ("JOHN SMITH MOVED FROM BOSTON TO LONDON LAST YEAR", {"JOHN SMITH", "BOSTON", "LONDON"}),
        ("Меня зовут Иван Петров, я живу в Москве.", {"Иван Петров"}),
        ("Sehr geehrte Frau Schneider, Herr Jürgen Müller aus Bochum hat angerufen.", {"Schneider", "Jürgen Müller", "Bochum"}),
        ("@janedoe_77 met Angela Merkel in #Berlin yesterday", {"janedoe_77", "Angela Merkel"}),
        ("> On Monday Tomás Herrera wrote:\n> see you in Lisbon\n\nok, thanks", {"Tomás Herrera", "Lisbon"}),
        ("Tomás: did you see it?\nAdaeze: not yet", {"Tomás", "Adaeze"}),
        ("<p>Jane Miller lives in Boston</p>", {"Jane Miller", "Boston"}),
        ("assignee: jane miller\ncity: Oslo\nkind: Deployment", {"jane miller", "Oslo"}),
        ("2025-03-04 10:00:01 INFO user Karen Smith logged in from Paris", {"Karen Smith", "Paris"}),
        ("x = Customer('Maria Gomez', 3)  # a friend of Jane Miller", {"Maria Gomez", "Jane Miller"}),
        ("Ship it to 82 Harbour View Road, Bristol BS1 4QA, please.", {"82 Harbour View Road, Bristol BS1 4QA"}),
    ],
)  # fmt: skip
def test_names_in_prose_of_many_kinds(text: str, names: set[str]) -> None:
    assert names <= values(text), found(text)


PASTED = """
curl -u app:{x} -H "A: {b}" https://10.2.3.4:8443/api
const user = { a: "b", c: d[0] };
foo(bar);
"""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("My colleague Siobhán says this crashes:", "Siobhán"),
        ("can you help kasia nowak with this code?", "kasia nowak"),
        ("Hi, this is Oluwaseun Adébáyọ̀ from the desk.", "Oluwaseun Adébáyọ̀"),
        ("The ticket is from Nguyễn Hữu Đạt, he waits.", "Nguyễn Hữu Đạt"),
        ("The Parser class calls Reset before Flush, see below.", ""),
    ],
)
def test_what_somebody_says_above_pasted_code_is_read(line: str, name: str) -> None:
    text = line + PASTED
    found = [text[f.start : f.end] for f in merge(encoder.find(text, ""), text) if f.type == "PERSON"]
    assert found == ([name] if name else [])


@real
def test_records_are_read_with_their_keys() -> None:
    record = {"user": {"name": "Ana Lúcia Ferreira", "city": "Porto", "status": "open"}, "tags": ["bug", "docs"]}
    for text in (json.dumps(record), json.dumps(record, indent=2), json.dumps(record, ensure_ascii=False)):
        said = {json.loads(f'"{value}"') for value in values(text)}
        assert {"Ana Lúcia Ferreira", "Porto"} <= said and not said & {"open", "bug", "docs"}
    table = "name,city,age\nKaren Smith,Boston,34\nBob Jones,Leeds,51\nEva Lund,Oslo,22"
    assert {"Karen Smith", "Bob Jones", "Eva Lund", "Boston", "Leeds", "Oslo"} <= values(table)
    assert ("PERSON", "karen") in found("karen", "customer.first_name")
    assert not found("open", "status") and not found("Deployment", "kind")


@real
@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('it said {"name": "Andr\\u00e9 Dupont"} and more', "Andr\\u00e9 Dupont"),
        ('{"note": "met\\nJ\\u00f6rg M\\u00fcller in Bonn"}', "J\\u00f6rg M\\u00fcller"),
        ("we met Ja\u200bne Mil\u00adler there", "Ja\u200bne Mil\u00adler"),
        ("we met Jane O&#39;Brien there", "Jane O&#39;Brien"),
        ("go to ?customer=Jane%20Miller&city=Boston for Jane%20Miller", "Jane%20Miller"),
    ],
)
def test_what_an_escape_hides_is_read_and_replaced_where_it_stands(text: str, hidden: str) -> None:
    assert hidden in values(text), found(text)


def test_it_is_asked_once_about_a_text_and_not_about_its_views(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def note(items: list[tuple[str, str]]) -> list[list[Finding]]:
        asked.extend(items)
        return [[] for _ in items]

    monkeypatch.setattr(encoder, "find_all", note)
    detectors.find_all([("caf\\u00e9 &amp; bar%20x", "a"), ("plain", "b")])
    assert asked == [("café & bar x", "a"), ("plain", "b")]


# --- what is left alone -------------------------------------------------------------------------------------------------

CODE = [
    "class Jordan(Victoria):\n    def render(self):\n        return Madison.render(Chase, Pearl)\n",
    "from austin import Paris, Sydney\nimport jordan.victoria as Grace\n",
    "Victoria.render()\nself.jackson = Jackson()\nconst georgia = new Georgia(carolina);\n",
    "def hunter(\n    self,\n    mason,\n    carter,\n) -> Mason:\n    return carter\n",
    "struct Dakota { int x; };\nstd::vector<Phoenix> a;\nDakota::phoenix(austin);\n",
    "fn mercury(venus: Venus) -> Result<Mars> { venus.jupiter() }\n",
    'let mut lincoln = Lincoln::new();\nlincoln.push("abc");\n',
    "SELECT madison.id FROM madison JOIN jordan ON jordan.id = madison.jordan_id;\n",
    '  "dependencies": {\n    "jest": "^29.0.0",\n    "jasmine": "5.1.0",\n    "mercurius": "13.0.0"\n  }\n',
    "diff --git a/src/Jordan.java b/src/Jordan.java\nindex 3b5cae8..ea066a8 100644\n--- a/src/Jordan.java\n+++ b/src/Jordan.java\n",
    "  '@esbuild/aix-ppc64@0.25.12':\n    engines: {node: '>=18'}\n    cpu: [ppc64]\n    os: [aix]\n    deprecated: Use @eslint/config-array instead\n",
]


@real
@pytest.mark.parametrize("text", CODE)
def test_code_names_nobody(text: str) -> None:
    assert not {f for f in scan(text) if f.type in ("PERSON", "ORG", "LOCATION", "USERNAME")}, found(text)


@real
def test_names_in_the_standard_library_are_rare() -> None:
    """The bench measures a megabyte of installed code; here some 3 000 lines of modules without people in them."""
    import argparse
    import ast
    import dataclasses
    import io
    import tokenize

    lines = false = 0
    for module in (argparse, ast, dataclasses):
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        lines += text.count("\n")
        starts = [0]
        for line in text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        said = [
            (starts[t.start[0] - 1] + t.start[1], starts[t.end[0] - 1] + t.end[1])
            for t in tokenize.generate_tokens(io.StringIO(text).readline)
            if t.type in (tokenize.COMMENT, tokenize.STRING)
        ]
        named = [f for f in scan(text) if f.type in ("PERSON", "ORG", "LOCATION", "USERNAME")]
        false += sum(not any(a <= f.start and f.end <= b for a, b in said) for f in named)
    assert lines > 3000 and false <= 0.001 * lines


@pytest.mark.parametrize(
    ("text", "value", "program"),
    [
        ("Victoria.render()", "Victoria", True),
        ("x = Victoria", "Victoria", True),
        ("we use Victoria_2 here", "Victoria", True),
        ("ask user.Jane about", "Jane", True),
        ("class Jordan:", "Jordan", True),
        ("a letter from Maria, who", "Maria", False),
        ("we met Maria. Then", "Maria", False),
        ("@maria said", "maria", False),
        ("the class starts with Jordan today", "Jordan", False),
        ("Ms McDonald came", "McDonald", False),
        ("call fooBar twice", "fooBar", True),
        ('x = Foo("Jane Doe")', "Jane Doe", False),
        ("x = 1  # thanks to Jane Doe", "Jane Doe", False),
    ],
)
def test_the_code_guard(text: str, value: str, program: bool) -> None:
    start = text.index(value)
    assert in_code(text, start, start + len(value)) is program


def test_machine_made_texts_cost_no_pass() -> None:
    line = '{"ts": "2025-03-04T10:11:12Z", "level": "warn", "trace_id": "4f1c2a9d0b7e6c5a", "msg": "retry of upstream call"}\n'
    lock = '    "node_modules/a": {\n      "version": "1.2.3",\n      "integrity": "sha512-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=="\n    },\n'
    code = "def fetch(token: list[int], limit: int = 3) -> dict[str, int]:\n    return {f'b-{i}': x * 4 for i, x in enumerate(token)}\n"
    for text in (line * 12, lock * 8, code * 8):
        assert _prose.runs(text) == []
    assert _prose.runs("hi there, i am tom") and _prose.runs("王伟在北京工作") and _prose.runs("SEE YOU IN ROME")
    black = _prose.dimmed("id 550e8400-e29b-41d4-a716-446655440000 of Jane")
    assert len(black) == 47 and black.startswith("id █") and black.endswith("█ of Jane")


def test_what_a_compiler_says_is_read_where_it_may_name_somebody() -> None:
    lines = (
        "src/node/queue.ts:19:3 - warning: the queue is declared and its value is never read by anybody here.\n"
        "src/node/queue.ts(12,3): error TS2304: cannot find the name queue, did you mean the other one of them?\n"
        "lib/queue.c:8:5: note: expanded from here, see the manual of the library that it belongs to\n"
        "app/queue.py:7:1: F401 the module is imported but unused, and so on and on until the end\n"
    )
    assert not _prose.technical(lines), "else it is read for whole names only"
    assert _prose.runs(lines * 3) == []
    for line in (
        "src/a.ts:19:3 - warning: Siobhan broke this before it goes.\n",
        "src/a.ts:19:3 - warning: ask about this Siobhan before it goes.\n",
        "notes/monday.txt:12: Siobhan called about the house again.\n",  # a search through somebody's notes is no compiler
        "notes/monday.txt:12:she met maria in the garden this morning\n",
    ):
        text = lines.replace("(12,3)", ":12:3") + line + lines.replace("(12,3)", ":12:3")
        assert [text[a:b] for a, b in _prose.runs(text)] == [line]


@real
@pytest.mark.parametrize("text", ['{"Siobhan": "ok"}', '{"Siobhan": {"city": "Berlin"}}'])
def test_a_name_that_is_a_key_of_a_document_is_found(text: str) -> None:
    assert "Siobhan" in values(text, "arguments")


def test_what_somebody_says_of_a_call_beside_a_program_is_read() -> None:
    line = "Please ask Maria before calling foo() again, since she knows how the rest of it is meant to work.\n"
    assert _prose.runs(line + "return plan\nbreak\n") == [(0, len(line))]


# --- who wins -----------------------------------------------------------------------------------------------------------


def test_what_has_a_check_digit_wins_over_a_longer_guess() -> None:
    text = "pay with 4111 1111 1111 1111 12/27 at 10.2.3.4 now"
    card, ip = text.index("4111"), text.index("10.2")
    rows = merge(
        [
            Finding(card, card + 19, "CARD", 0.9, "card"),
            Finding(card, card + 25, "PHONE", 0.99, "encoder"),
            Finding(card - 5, ip + 8, "ID", 0.99, "encoder"),
            Finding(ip, ip + 8, "IP", 0.8, "ip"),
        ],
        text,
    )
    assert {(f.type, text[f.start : f.end]) for f in rows} == {("CARD", "4111 1111 1111 1111"), ("IP", "10.2.3.4")}


def test_a_public_attribute_never_hides_a_private_value() -> None:
    text = "Dr. Jane Doe of 3 March Street"
    rows = merge(
        [Finding(0, 12, "TITLE", 0.99, "encoder"), Finding(4, 12, "PERSON", 0.5, "encoder"), Finding(16, 23, "DATE", 0.9, "encoder"),
         Finding(16, 30, "ADDRESS", 0.5, "encoder")],
        text,
    )  # fmt: skip
    assert [(f.type, text[f.start : f.end]) for f in rows] == [("PERSON", "Jane Doe"), ("ADDRESS", "3 March Street")]


@real
def test_patterns_keep_their_findings_beside_the_encoder() -> None:
    key = "sk-" + "proj-a7Kd92mQx4LpVz81RtYc63NwBs05HjUe"
    text = (
        f"Jane Doe pays with 4111 1111 1111 1111 or DE89 3704 0044 0532 0130 00, call +49 30 901820, mail jane@roe.org, key {key}"
    )
    assert {
        ("CARD", "4111 1111 1111 1111"), ("IBAN", "DE89 3704 0044 0532 0130 00"), ("PHONE", "+49 30 901820"), ("EMAIL", "jane@roe.org"),
        ("PERSON", "Jane Doe"),
    } <= found(text)  # fmt: skip
    assert any(value == key and KINDS[kind].tier == "seal" for kind, value in found(text))


# --- in a request -------------------------------------------------------------------------------------------------------


def veiled(*texts: str) -> Veiled:
    leaves = [Leaf(("messages", i, "content"), text, "user", "content") for i, text in enumerate(texts)]
    policy = {"public": "pass", "internal": "veil", "personal": "veil", "regulated": "veil", "secret": "seal"}
    return veil(leaves, [scan(text) for text in texts], policy, Minter(b"k" * 32, "one", "", ""))  # type: ignore[arg-type]


@real
def test_a_person_found_once_is_veiled_everywhere() -> None:
    made = veiled(
        "Our customer Adaeze Okafor from Lisbon complained.",
        "def okafor_discount(adaezeOkafor):\n    return 'OKAFOR'\n",
        "branch: adaeze-okafor/fix, login aokafor",
    )
    for text in made.texts:
        assert "okafor" not in text.lower() and "adaeze" not in text.lower(), text


@real
def test_dates_ages_titles_and_nationalities_are_found_and_pass() -> None:
    text = "Dr. Okafor, a 34-year-old Portuguese nurse, came on 3 March 2021."
    kinds = {f.type for f in scan(text)}
    assert {"DATE", "AGE", "NRP", "TITLE"} <= kinds
    made = veiled(text, "It was 3 March 2021 when the 34-year-old came.")
    assert "3 March 2021" in made.texts[0] and "34" in made.texts[0] and "Portuguese" in made.texts[0] and "Dr." in made.texts[0]
    assert "3 March 2021" in made.texts[1] and "Okafor" not in made.texts[0]
    assert not {entry.type for entry in made.table} & {"DATE", "AGE", "NRP", "TITLE"}, "no token is minted for what passes"


# --- faults -------------------------------------------------------------------------------------------------------------


@real
def test_it_needs_no_network() -> None:
    code = """
import socket
tried = []
def no(*a, **k):
    tried.append(a)
    raise OSError("no network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = no
from localrouter.scrub import detectors
detectors.check()
text = "Please ask Maria Kowalska in Berlin."
assert ("PERSON", "Maria Kowalska") in {(f.type, text[f.start:f.end]) for f in detectors.find(text)}
assert not tried, tried
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_fault_of_the_encoder_is_no_empty_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise encoder.EncoderFault("The encoder's file encoder.gguf is missing.")

    monkeypatch.setattr(encoder, "_encoder", broken)
    with pytest.raises(encoder.EncoderFault, match="missing"):
        detectors.find("Please ask Maria Kowalska in Berlin.")
    with pytest.raises(encoder.EncoderFault, match="missing"):
        detectors.check()


def test_an_encoder_that_finds_nothing_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def tag(self, texts: list[str], *_: object) -> list[list[object]]:
            return [[] for _ in texts]

    monkeypatch.setattr(encoder, "_encoder", Blind)
    with pytest.raises(encoder.EncoderFault, match="damaged"):
        encoder.check()
