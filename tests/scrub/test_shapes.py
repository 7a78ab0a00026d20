"""JSON and tables inside texts: paths, headers, exact offsets at any depth, columns that speak for their cells, blobs."""

from __future__ import annotations

import base64
import itertools
import json
import random
import time
from collections.abc import Sequence

import pytest

from localrouter.core.findings import Finding
from localrouter.scrub import detectors
from localrouter.scrub.opaque import blobs
from localrouter.scrub.pieces import LONG, SAMPLE, Cut, cut, join
from localrouter.scrub.shapes import Column, json_columns, table_columns

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def columns(text: str, found: Sequence[Column]) -> dict[str, list[str]]:
    return {c.context: [text[a:b] for a, b in c.cells] for c in found}


def scanned(text: str, context: str = "content") -> dict[str, list[str]]:
    """What is scanned, by context."""
    out: dict[str, list[str]] = {}
    for piece in cut(text, context).pieces:
        out.setdefault(piece.context, []).append(piece.text)
    return out


def found(text: str, context: str = "content") -> set[tuple[str, str]]:
    own = cut(text, context)
    return {(f.type, text[f.start : f.end]) for f in join(own, [detectors.find(p.text, p.context) for p in own.pieces])}


# --- JSON


TREE = {
    "user": {"name": "Ana Ruiz", "age": 31, "ssn": 536904399},
    "items": [{"note": "first"}, {"note": "second one"}],
    "ok": True,
}
WANT = {"user.name": ["Ana Ruiz"], "user.ssn": ["536904399"], "items.note": ["first", "second one"]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(TREE),
        json.dumps(TREE, indent=2),
        "Result:\n```json\n" + json.dumps(TREE, indent=4) + "\n```\nThat was it.",
        "2024-05-01 INFO payload=" + json.dumps(TREE) + " took 3 ms",
        repr(TREE),
        json.dumps([TREE]),
        json.dumps(TREE)[:-14],
        "x = {1: 2}; f(){ return }\n" + json.dumps(TREE),
    ],
)
def test_values_by_their_path(text: str) -> None:
    assert columns(text, json_columns(text)[0]) == WANT


def test_json_lines_are_one_set_of_columns() -> None:
    text = "\n".join(json.dumps({"name": f"user {i}", "n": 10**7 + i}) for i in range(5))
    assert columns(text, json_columns(text)[0]) == {
        "name": [f"user {i}" for i in range(5)],
        "n": [str(10**7 + i) for i in range(5)],
    }


def test_strings_inside_strings_keep_exact_offsets() -> None:
    """The value of each piece, at any depth of escaping, is the JSON string that stands at its span."""
    rng = random.Random(2)
    for _ in range(100):
        value = "".join(rng.choice('aB9 "\\\né😀') for _ in range(rng.randrange(2, 20))) + "end"
        text = json.dumps({"k": value}, ensure_ascii=rng.random() < 0.5)
        depth = rng.randrange(4)
        for _ in range(depth):
            text = json.dumps({"inner": text}, ensure_ascii=rng.random() < 0.5)
        pieces = [p for p in cut(text, "").pieces if p.context.endswith("k") and p.text == value]
        assert pieces, (text, value)
        start, end = pieces[0].source.span(pieces[0].start, pieces[0].start + len(value))
        raw = text[start:end]
        for _ in range(depth + 1):
            raw = json.loads(f'"{raw}"')
        assert raw == value


def test_escapes_of_json_are_read_once() -> None:
    """The text of a JSON document is scanned with its line ends read; the document is not scanned a second time for them."""
    rows = [{"id": i, "body": f'Steps:\nopen it {i}\nmail u{i}@roe.org\tnow "really" C:\\new'} for i in range(200)]
    text = json.dumps(rows)
    own = cut(text, "content")
    assert sum(len(p.text) for p in own.pieces if p.context == "content") <= len(text)
    assert not any("\\n" in p.text.replace("\\\\", "") for p in own.pieces if p.context == "content")
    mails = {v for kind, v in found(text) if kind == "EMAIL"}
    assert mails == {f"u{i}@roe.org" for i in range(200)}


def test_a_long_string_is_read_as_lines_under_its_path() -> None:
    file = "".join(f"line {i} of a file with words\n" for i in range(400))
    text = json.dumps({"path": "a.txt", "content": file})
    pieces = scanned(text)
    assert "".join(pieces["content"]).startswith(('{"path"', "line 0"))
    assert any(p.startswith("line ") for p in pieces["content"]) and "\\n" not in "".join(pieces["content"])
    assert all(len(p) <= 2048 for own in pieces.values() for p in own) and len(file) > LONG


def test_the_path_reaches_the_detectors() -> None:
    text = json.dumps({"contact": {"mobile": "030 9018-2035"}})
    assert any(value == "030 9018-2035" for _, value in found(text))


def test_every_character_is_scanned() -> None:
    """Every letter of a random document is in some piece: as it stands, or as what it decodes to."""
    rng = random.Random(11)
    for _ in range(50):
        marks = [f"mark{i:04d}x" for i in range(60)]
        parts = []
        for mark in marks:
            form = rng.randrange(6)
            if form == 0:
                parts.append(mark)
            elif form == 1:
                parts.append(json.dumps({mark: {"a": rng.random(), "b": "x" * rng.randrange(400)}}))
            elif form == 2:
                parts.append(json.dumps({"a": [mark, "y" * rng.randrange(400) + mark + "\n"]}, indent=rng.choice((None, 2))))
            elif form == 3:
                parts.append(f"{mark},b,c\n1,2,3\n4,{mark},6")
            elif form == 4:
                parts.append('{"unfinished": "' + mark)
            else:
                parts.append(base64.b64encode(b"z" * 600 + mark.encode()).decode())
        text = "\n".join(parts)
        everything = "\x00".join(p.text for p in cut(text, "c").pieces)
        for mark, part in zip(marks, parts, strict=True):
            assert mark in everything or base64.b64encode(b"z" * 600 + mark.encode()).decode() == part in everything, (mark, part)


# --- tables


@pytest.mark.parametrize(
    "text",
    [
        'name,mail,n\nAna Ruiz,a@x.org,1\n"Doe, Jo",j@x.org,2\n',
        "intro words\n\n| name | mail | n |\n|---|:--|--:|\n| Ana Ruiz | a@x.org | 1 |\n| Doe, Jo | j@x.org | 2 |\n\nafter",
        " name     |  mail   | n\n----------+---------+---\n Ana Ruiz | a@x.org | 1\n Doe, Jo  | j@x.org | 2\n(2 rows)",
        "name\tmail\tn\nAna Ruiz\ta@x.org\t1\nDoe, Jo\tj@x.org\t2",
        "name;mail;n\r\nAna Ruiz;a@x.org;1\r\nDoe, Jo;j@x.org;2\r\n",
    ],
)
def test_columns_by_their_header(text: str) -> None:
    assert columns(text, table_columns(text)) == {
        "name": ["Ana Ruiz", "Doe, Jo"],
        "mail": ["a@x.org", "j@x.org"],
        "n": ["1", "2"],
    }


def test_code_and_prose_are_no_tables() -> None:
    for text in (
        "f(a, b, c)\ng(d, e, f)\nh(g, h, i)\n",
        "Well, I said, no.\nThen, we went, home.\nSo, it was, late.\n",
        "x = [1, 2,\n     3, 4,\n     5, 6]\n",
    ):
        assert table_columns(text) == []


def fake(text: str, values: set[str], kind: str = "PERSON") -> tuple[Finding, ...]:
    """The findings of a leaf in which a detector knows some values by heart."""
    own = cut(text, "content")
    rows = [[Finding(p.text.find(v), p.text.find(v) + len(v), kind) for v in values if v in p.text] for p in own.pieces]
    return join(own, rows)


def test_a_column_of_one_type_speaks_for_its_other_cells() -> None:
    names = ["Ana Ruiz", "Jo Doe", "Max Kern", "Zoë Orr", "Qxvyra Blunt", "n/a", "", "42"]
    text = "who,n\n" + "".join(f"{n},{i}\n" for i, n in enumerate(names))
    rows = fake(text, set(names[:4]))
    assert [text[f.start : f.end] for f in rows] == names[:5], "a name that nobody knew; not the empty ones, not the number"
    assert {f.type for f in rows} == {"PERSON"}


def test_below_the_majority_nothing_is_added() -> None:
    cells = ["Ana Ruiz", "Jo Doe", "Max Kern", "red apple", "green pear", "blue plum", "old chair"]
    text = "what,n\n" + "".join(f"{n},{i}\n" for i, n in enumerate(cells))
    assert [text[f.start : f.end] for f in fake(text, set(cells[:3]))] == cells[:3]


def test_json_records_are_columns_too() -> None:
    names = ["Ana Ruiz", "Jo Doe", "Max Kern", "Zoë Orr", "Qxvyra Blunt"]
    text = json.dumps([{"who": n, "id": i} for i, n in enumerate(names)], ensure_ascii=False)
    assert [text[f.start : f.end] for f in fake(text, set(names[:4]))] == names


def test_a_long_column_is_sampled_and_still_whole() -> None:
    rng = random.Random(1)
    names = [f"{rng.choice('ABCDEFG')}{rng.choice('aeiou')}n{i} Ruiz" for i in range(2000)]
    text = "who,n\n" + "".join(f"{n},{i}\n" for i, n in enumerate(names))
    own = cut(text, "content")
    cells = [p for p in own.pieces if p.context == "who"]
    assert len(cells) == SAMPLE
    rows = join(own, [[Finding(0, len(p.text), "PERSON")] if p.context == "who" else [] for p in own.pieces])
    assert len(rows) == 2000


# --- blobs


def test_a_picture_is_not_scanned_and_text_is() -> None:
    picture = base64.b64encode(PNG).decode()
    text = f"before data:image/png;base64,{picture} after jane@roe.org"
    assert [(b.text is None) for b in blobs(text)] == [True]
    assert picture[100:200] not in "".join(p.text for p in cut(text, "").pieces)
    assert found(text) == {("EMAIL", "jane@roe.org")}
    note = base64.b64encode(b"some words of a note\n" * 40 + b"write to jane@roe.org\n").decode()
    assert found(f"note: {note} end") == {("EMAIL", note)}, "the whole word is the value"


def test_a_word_that_starts_like_a_format_is_read() -> None:
    word = base64.b64encode(b"BM is a short word, and jane@roe.org an address. " * 20).decode()
    assert ("EMAIL", word) in found(word)


# --- cost


@pytest.mark.parametrize(
    "unit",
    [
        '{"',
        '{"k":"',
        "{'k':\"",
        '{"k":{',
        '{"k":"\\"',
        "|a|b\n",
        '"a,",b\n',
        "A",
        "A" * 64 + "\n",
        '"',
        "{ ",
        '{"a":[',
        "a,b\n",
        "[[",
        "\\\\",
    ],
)
def test_linear(unit: str) -> None:
    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        own: Cut = cut(text, "content")
        join(own, [[] for _ in own.pieces])
        return time.process_time() - start

    cost(10_000)
    small, large = min(cost(50_000) for _ in range(3)), min(cost(200_000) for _ in range(3))
    assert large < 4 * small * 2.5 + 0.03, (small, large)


ALPHABET = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    ":",
    ",",
    "\\",
    "\\n",
    "\\u00e9",
    '\\"',
    "\n",
    "\t",
    "|",
    ";",
    " ",
    "-",
    "=",
    "%40",
    "&#64;",
]
ALPHABET += [
    "name",
    "Ana",
    "jane@roe.org",
    "12345678",
    "é",
    "\u200b",
    "а",
    "😀",
    "QUJDREVGR0hJSktM",
    "-----BEGIN X PRIVATE KEY-----",
    "---",
]


def test_whatever_comes_the_spans_are_in_bounds() -> None:
    """Random soup: no piece is lost or raises, and every span of every piece lies in the leaf and says the same after decoding."""
    rng = random.Random(13)
    for _ in range(400):
        text = "".join(rng.choices(ALPHABET, k=rng.choice((5, 40, 400, 1500))))
        own = cut(text, rng.choice(("", "content", "a.b")))
        rows = []
        for piece in own.pieces:
            row = []
            for _ in range(rng.randrange(3)):
                start = rng.randrange(len(piece.text))
                end = rng.randrange(start, len(piece.text)) + 1
                low, high = piece.source.span(piece.start + start, piece.start + end)
                assert 0 <= low < high <= len(text)
                if piece.source.parent is None:  # the text as it stands
                    assert text[low:high] == piece.text[start:end]
                row.append(Finding(start, end, rng.choice(["PERSON", "EMAIL", "API_KEY"])))
            rows.append(row)
        merged = join(own, rows)
        assert all(a.end <= b.start for a, b in itertools.pairwise(merged))
        assert all(0 <= f.start < f.end <= len(text) for f in merged)
