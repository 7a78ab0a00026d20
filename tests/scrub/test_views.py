"""What each view reads, that its spans lead back to the original, and that plain text costs none."""

from __future__ import annotations

import base64
import json
import random
import time

import pytest

from localrouter.scrub import detectors
from localrouter.scrub.views import behind_backslash, unescaped, views

ADDRESS = "jane.roe@corp-example.io"


def seen(text: str, value: str = ADDRESS) -> list[str]:
    """The original texts of a value, in every view that shows it."""
    out = []
    for view in views(text):
        at = view.text.find(value)
        if at >= 0:
            start, end = view.span(at, at + len(value))
            out.append(text[start:end])
    return out


@pytest.mark.parametrize(
    "hidden",
    [
        ADDRESS.replace("@", "\\u0040"),
        ADDRESS.replace("a", "\\x61"),
        ADDRESS.replace("@", "%40"),
        "".join(f"%{ord(c):02x}" for c in ADDRESS),
        ADDRESS.replace("@", "&#64;").replace(".", "&#x2e;"),
        ADDRESS.replace("@", "&commat;"),
        ADDRESS.replace("@", "\u200b@"),
        ADDRESS.replace("jane", "ja\u00adne"),
        ADDRESS.replace("jane", "ja\u202en\u202ce"),
        ADDRESS.replace("jane", "ja\U000e0061ne"),
        ADDRESS.replace("@", "\uff20"),
        "".join(chr(ord(c) + 0xFEE0) for c in ADDRESS),
        ADDRESS.replace("a", "а").replace("o", "о"),
        ADDRESS.replace("e", "е").replace("o", "ο"),
        ADDRESS.replace("-", "\u2011"),
        base64.b64encode(ADDRESS.encode()).decode(),
        base64.urlsafe_b64encode(f"x={ADDRESS}".encode()).decode().rstrip("="),
        ADDRESS.encode().hex(),
        "0x" + ADDRESS.encode().hex(),
    ],
)
def test_what_is_hidden_is_seen_and_mapped_back(hidden: str) -> None:
    for text in (hidden, f"mail {hidden} now", "x = 1\n" * 300 + f"mail {hidden} now\n" + "y = 2\n" * 300):
        assert hidden in seen(text), seen(text)
        found = {text[f.start : f.end] for f in detectors.find(text)}
        assert hidden in found, found


@pytest.mark.parametrize(
    "text",
    [
        "plain words of a sentence, (code) = [1, 2]; x -> y",
        'print("done\\n")',
        'r"\\d+\\.\\w*"',
        "don’t — “quoted” café… 100 °C, ½, naïve",
        "Привет, это обычный текст. Ελληνικά κείμενα.",
        "王伟 住在 北京",
        "100%",
        "a && b; c &lt; d",
        "getElementsByClassNameAndAttribute",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "sha512-" + base64.b64encode(bytes(range(64))).decode(),
        "👩\u200d💻 ok",
    ],
)
def test_ordinary_text_has_no_view(text: str) -> None:
    assert list(views(text)) == []


def test_every_escape_of_json_is_mapped() -> None:
    rng = random.Random(7)
    letters = 'aZ9 "\\/\b\f\n\r\té😀ß'
    for _ in range(300):
        value = "".join(rng.choice(letters) for _ in range(rng.randrange(1, 30)))
        for ascii_only in (True, False):
            raw = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
            view = unescaped(raw)
            if view is None:
                assert raw == value
                continue
            assert view.text == value
            for start in range(len(value)):
                for end in range(start + 1, len(value) + 1):
                    low, high = view.span(start, end)
                    assert json.loads(f'"{raw[low:high]}"') == value[start:end]


def test_a_word_in_a_path() -> None:
    word = base64.b64encode(ADDRESS.encode()).decode()
    text = f"GET https://x.example/unsubscribe/{word}?x=1"
    assert word in {text[f.start : f.end] for f in detectors.find(text)}


def test_a_lone_surrogate_is_no_character() -> None:
    view = unescaped("x\\ud83dy")
    assert view is not None and view.text == "x\ufffdy"


def test_an_escape_before_a_value_is_not_part_of_it() -> None:
    for text in ('{"t": "hello\\njane@roe.org\\nbye"}', 'x\\tjane@roe.org\\t"', "\\njane@roe.org\\n"):
        assert {text[f.start : f.end] for f in detectors.find(text)} == {"jane@roe.org"}
    # In a Windows path the same letters are no escape.
    assert "OWN_USER" in {f.type for f in detectors.find("C:\\Users\\nina.roe\\x")}


def test_escapes_of_escapes() -> None:
    text = json.dumps({"a": json.dumps({"b": json.dumps({"mail": f"x\n{ADDRESS}"})})})
    assert [text[f.start : f.end] for f in detectors.find(text) if f.type == "EMAIL"] == [ADDRESS]


def test_behind_backslash() -> None:
    assert behind_backslash("a\\nb", 2) and not behind_backslash("abc", 1) and not behind_backslash("a\\qb", 2)


@pytest.mark.parametrize(
    "unit", ["\\n", "\\\\", "%40", "&#64;", "\u200ba", "а1", "e\u0301", "A", "41", "QUJD ", '\\"', "&", "%", "\\u0041", "ａ"]
)
def test_linear(unit: str) -> None:
    """Four times the text takes about four times the time, whatever it is made of."""

    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        for view in views(text):
            view.span(0, len(view.text))
        return time.process_time() - start

    cost(10_000)
    small, large = min(cost(50_000) for _ in range(3)), min(cost(200_000) for _ in range(3))
    assert large < 4 * small * 2.5 + 0.02, (small, large)
