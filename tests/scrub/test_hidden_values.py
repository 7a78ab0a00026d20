"""Values where people and tools really put them: in strings of JSON, in encodings, in look-alike characters, in tables. The whole
pipeline of one leaf: pieces, detectors, views, join. Each value is found at its own place, and only there is something replaced.
"""

from __future__ import annotations

import base64
import html
import json
import random
import urllib.parse
from collections.abc import Callable

import pytest

from localrouter.scrub import detectors
from localrouter.scrub.pieces import cut, join

MAIL = "jane.roe@corp-example.io"
WORD = "Tr0ub4dor" + "-and-3"
CARD = "4539 1488 0343 6467"
TOKEN = "a8Kd92mQx4LpVz81RtYc63NwBs05"
_NAME = {"API_KEY": "TOKEN", "SECRET": "TOKEN"}
"""What a bare key is called depends on the words around it."""
_BODY = random.Random(1)
PEM = (
    "-----BEGIN " + "PRIVATE KEY-----\n"
    + "\n".join(base64.b64encode(_BODY.randbytes(48)).decode() for _ in range(24))
    + "\n-----END " + "PRIVATE KEY-----"
)  # fmt: skip


def found(text: str, context: str = "content") -> list[tuple[str, str]]:
    own = cut(text, context)
    rows = join(own, [detectors.find(p.text, p.context) for p in own.pieces])
    return [(_NAME.get(f.type, f.type), text[f.start : f.end]) for f in rows]


def inner(value: str) -> str:
    """As it stands in a JSON string."""
    return json.dumps(value)[1:-1]


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


CASES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "an .env file in JSON": (json.dumps({"content": f"HOST=x\nDB_PASSWORD={WORD}\nA=1\n"}), [("PASSWORD", WORD)]),
    "a key file in JSON": (json.dumps({"private_key": PEM, "mail": MAIL}), [("PRIVATE_KEY", inner(PEM)), ("EMAIL", MAIL)]),
    "a key file in YAML on one line": (f'key: "{inner(PEM)}"', [("PRIVATE_KEY", inner(PEM))]),
    "JSON in JSON in JSON": (json.dumps({"a": json.dumps({"b": json.dumps({"db": {"password": WORD}})})}), [("PASSWORD", WORD)]),
    "JSON as HTML": (html.escape(json.dumps({"password": WORD, "mail": MAIL})), [("PASSWORD", WORD), ("EMAIL", MAIL)]),
    "a dict of Python": (repr({"password": WORD, "email": MAIL}), [("PASSWORD", WORD), ("EMAIL", MAIL)]),
    "JSON that was cut off": (json.dumps({"rows": [{"mail": MAIL, "password": WORD}] * 2})[:-9], [("EMAIL", MAIL), ("PASSWORD", WORD), ("EMAIL", MAIL)]),
    "a form": (urllib.parse.urlencode({"user": MAIL, "password": WORD}), [("EMAIL", urllib.parse.quote(MAIL)), ("PASSWORD", WORD)]),
    "percent twice": (f"https://x.example/?m={MAIL.replace('@', '%2540')}", [("EMAIL", MAIL.replace("@", "%2540"))]),
    "a data URI": (f"data:text/plain;base64,{base64.b64encode(MAIL.encode()).decode()}", [("EMAIL", base64.b64encode(MAIL.encode()).decode())]),
    "JSON in base64": (f"payload: {base64.b64encode(json.dumps({'m': MAIL}).encode()).decode()}", [("EMAIL", base64.b64encode(json.dumps({"m": MAIL}).encode()).decode())]),
    "hexadecimal": (f"raw {MAIL.encode().hex()} end", [("EMAIL", MAIL.encode().hex())]),
    "full width": (wide(CARD), [("CARD", wide(CARD))]),
    "invisible characters": (CARD.replace(" ", "\u200b "), [("CARD", CARD.replace(" ", "\u200b "))]),
    "other dashes": (CARD.replace(" ", "\u2011"), [("CARD", CARD.replace(" ", "\u2011"))]),
    "other digits": (CARD.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")), [("CARD", CARD.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")))]),
    "a Cyrillic letter": ("А" + "KIA" + "Z7QW3MN5KPXR2TYB", [("TOKEN", "А" + "KIA" + "Z7QW3MN5KPXR2TYB")]),
    "a database client's table": (f" id | email | ssn\n----+-------+-----\n 1 | {MAIL} | 536-90-4399\n 2 | x | 457-55-5462\n", [("EMAIL", MAIL), ("SSN", "536-90-4399"), ("SSN", "457-55-5462")]),
    "markdown with a column of tokens": (f"| user | token |\n|--|--|\n| {MAIL} | {TOKEN} |\n| x | {TOKEN[::-1]} |\n", [("EMAIL", MAIL), ("TOKEN", TOKEN), ("TOKEN", TOKEN[::-1])]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_hidden(name: str) -> None:
    text, want = CASES[name]
    assert found(text) == want


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: "some words before\n\n" + t + "\n\nand after\n",
        lambda t: "value = compute(alpha)\n" * 200 + t + "\n" + "other = compute(beta)\n" * 200,
        lambda t: json.dumps({"role": "tool", "output": "line one of it\n" * 30 + t + "\nlast line\n" * 30}),
    ],
)
def test_hidden_in_more_text(name: str, wrap: Callable[[str], str]) -> None:
    """The same values in a message, in a long file, and in a long string of a JSON document, whose escapes are then part of the span."""
    text, want = CASES[name]
    whole = wrap(text)
    rows = found(whole)
    escaped = whole.startswith('{"role"')
    expected = {(kind, inner(value) if escaped else value) for kind, value in want}
    if name == "JSON that was cut off":
        expected = {(k, v) for k, v in expected if k == "EMAIL"}  # what follows closes its string
    assert expected <= set(rows), rows
