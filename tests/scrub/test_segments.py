"""Segments cover the text, stay small, keep their edges when text is inserted, and cut no value."""

from __future__ import annotations

import random
import time

import pytest

from localrouter.scrub.segments import MAX, OVERLAP, WHOLE_MAX, WORD_MAX, segments

WORDS = [
    "def",
    "class",
    "return",
    "value",
    "compute",
    "alpha",
    "beta",
    "gamma",
    "index",
    "error",
    "user",
    "config",
    "path",
    "request",
    "response",
    "token",
    "state",
]


def prose(seed: int, lines: int) -> str:
    rng = random.Random(seed)
    return "".join(
        " " * rng.choice((0, 0, 4, 8)) + " ".join(rng.choices(WORDS, k=rng.randrange(0, 14))) + "\n" for _ in range(lines)
    )


def one_line(seed: int, words: int, joiner: str = " ") -> str:
    rng = random.Random(seed)
    return joiner.join(rng.choices(WORDS, k=words))


TEXTS = {
    "code": prose(1, 4000),
    "one line": one_line(2, 40_000),
    "no blanks": one_line(3, 40_000, "_"),
    "one letter": "a" * 300_000,
    "blank lines": "\n" * 50_000,
    "emoji": "🙂 é\n" * 20_000,
    "form feeds": "a\x0cb\u2028c\r\n" * 9_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_cover_and_bound(name: str) -> None:
    text = TEXTS[name]
    at = 0
    for start, end in segments(text):
        assert at - WORD_MAX <= start <= at < end
        assert end - start <= (WORD_MAX if name in ("no blanks", "one letter") else MAX)
        at = end
    assert at == len(text)
    assert len(segments(text)) <= len(text) / 128 + 2


@pytest.mark.parametrize("name", ["code", "one line", "no blanks"])
def test_an_insertion_moves_few_edges(name: str) -> None:
    text = TEXTS[name]
    before = {text[a:b] for a, b in segments(text)}
    rng = random.Random(5)
    for _ in range(20):
        at = text.index("\n", rng.randrange(len(text) - 500)) + 1 if name == "code" else rng.randrange(len(text))
        changed = text[:at] + "inserted words of a new line\n" * (name == "code") + "new " * (name != "code") + text[at:]
        new = {changed[a:b] for a, b in segments(changed)} - before
        assert sum(map(len, new)) <= 6 * (WORD_MAX if name == "no blanks" else MAX), len(new)


def test_a_value_at_a_cut_is_whole_in_one_segment() -> None:
    value = "4539 1488 0343 6467"
    rng = random.Random(8)
    for seed in range(60):
        line = one_line(seed, 3000)
        at = line.index(" ", rng.randrange(len(line) - 100))
        text = f"{line[:at]} {value}{line[at:]}"
        assert any(value in text[a:b] for a, b in segments(text))
        assert len(value) < OVERLAP


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("-----BEGIN " + "RSA PRIVATE KEY-----", "-----END " + "RSA PRIVATE KEY-----"),
        ("-----BEGIN " + "PGP PRIVATE KEY BLOCK-----", "-----END " + "PGP PRIVATE KEY BLOCK-----"),
    ],
)
@pytest.mark.parametrize("eol", ["\n", "\\n", "\n    "])
def test_a_key_block_is_kept_whole(head: str, tail: str, eol: str) -> None:
    rng = random.Random(4)
    body = eol.join("".join(rng.choices("ABCdef0123+/", k=64)) for _ in range(50))
    block = f"{head}{eol}{body}{eol}{tail}"
    for before in (prose(1, 300), prose(2, 37), one_line(6, 2000) + " "):
        text = before + block + "\n" + prose(3, 300)
        assert any(block in text[a:b] for a, b in segments(text))


def test_a_block_without_an_end_is_bounded() -> None:
    text = prose(1, 100) + "-----BEGIN " + "PRIVATE KEY-----\n" + "QUJD\n" * 60_000
    assert max(b - a for a, b in segments(text)) <= WHOLE_MAX + MAX


def test_a_manifest_of_a_secret_is_kept_whole() -> None:
    rows = "".join(f"  key-{i}: dmFsdWUtbnVtYmVyLXh4\n" for i in range(120))
    manifest = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n{rows}"
    text = f"{prose(1, 200)}\n---\n{manifest}---\n{prose(2, 200)}"
    assert any(manifest.strip() in text[a:b] for a, b in segments(text))


@pytest.mark.parametrize(
    "unit", ["a", "a ", "a\n", "-----BEGIN PRIVATE KEY-----\n", "kind: Secret\n", "\n---\nkind: Secret\n", ",", "  x\n"]
)
def test_linear(unit: str) -> None:
    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        segments(text)
        return time.process_time() - start

    cost(10_000)
    small, large = min(cost(100_000) for _ in range(3)), min(cost(400_000) for _ in range(3))
    assert large < 4 * small * 2.5 + 0.02, (small, large)
