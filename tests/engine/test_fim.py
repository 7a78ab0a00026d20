"""Prompts to fill in, with one token a word, or a character where that is what matters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.engine.fim import FimPrompt, FimTokens, fim_prompt, fim_tokens

QWEN = {"pre": 1, "mid": 2, "suf": 3, "pad": 4, "rep": 5, "sep": 6}


class Words:
    """A vocabulary of whatever it is asked for: words and line breaks are tokens from 100 on."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def read(self, text: str) -> list[int]:
        return [self.texts.setdefault(w, 100 + len(self.texts)) for w in re.findall(r"\n|[^\n ]+ ?| ", text)]

    def text(self, tokens: list[int], names: dict[int, str]) -> str:
        back = {v: k for k, v in self.texts.items()}
        return "".join(names.get(t) or back[t] for t in tokens)


NAMES = {1: "<P>", 2: "<M>", 3: "<S>", 4: "<PAD>", 5: "<R>", 6: "<F>", 9: "<BOS>"}


def shown(tokens: FimTokens, prefix: str, suffix: str, **kw: object) -> str:
    w = Words()
    return w.text(fim_prompt(tokens, w.read, prefix, suffix, **{"budget": 500, **kw}).tokens, NAMES)  # type: ignore[arg-type]


def test_prefix_suffix_middle() -> None:
    tokens = fim_tokens(QWEN, {}, bos=9)
    assert tokens is not None and not tokens.suffix_first
    assert shown(tokens, "def f():\n  return ", "\nprint(f())\n") == "<BOS><P>def f():\n  return <S>\nprint(f())\n<M>"
    assert tokens.ends == {1, 2, 3, 4, 5, 6}


def test_files_and_repository_stand_before() -> None:
    tokens = fim_tokens(QWEN, {})
    assert tokens is not None
    text = shown(tokens, "a", "b", path="src/a.py", repo="shop", files=[("x.py", "one"), ("y.py", "two\n")])
    assert text == "<R>shop\n<F>x.py\none\n<F>y.py\ntwo\n<F>src/a.py\n<P>a<S>b<M>"


def test_starcoder_names_the_file_inside() -> None:
    controls = {"<fim_prefix>": 1, "<fim_suffix>": 3, "<fim_middle>": 2, "<file_sep>": 6, "<repo_name>": 5}
    tokens = fim_tokens({}, controls, name="starcoder2-3b")
    assert tokens is not None
    text = shown(tokens, "a", "b", path="a.py", files=[("x.py", "one")])
    assert text == "<F>x.py\none\n<F><P>a.py\na<S>b<M>"


@pytest.mark.parametrize(
    ("controls", "name", "text"),
    [
        ({"<｜fim▁begin｜>": 1, "<｜fim▁hole｜>": 3, "<｜fim▁end｜>": 2}, "deepseek-coder", "<P>a<S>b<M>"),
        ({"▁<PRE>": 1, "▁<SUF>": 3, "▁<MID>": 2, "▁<EOT>": 4}, "CodeLlama", "<P>a<S>b<M>"),
        ({"[PREFIX]": 1, "[SUFFIX]": 3, "[MIDDLE]": 2}, "Codestral", "<S>b<P>a"),
        ({"<fim_prefix>": 1, "<fim_suffix>": 3, "<fim_middle>": 2}, "Mellum-4b", "<S>b<P>a<M>"),
        ({"<|fim_prefix|>": 1, "<|fim_suffix|>": 3, "<|fim_middle|>": 2, "<|fim_pad|>": 4}, "granite-4", "<P>a<S>b<M>"),
    ],
)
def test_orders_of_models(controls: dict[str, int], name: str, text: str) -> None:
    tokens = fim_tokens({}, controls, name=name)
    assert tokens is not None
    assert shown(tokens, "a", "b") == text


def test_models_that_cannot() -> None:
    assert fim_tokens({}, {"<|im_start|>": 1}) is None
    assert fim_tokens({"pre": 1, "suf": 3}, {}) is None
    tokens = fim_tokens(QWEN, {})
    assert tokens is not None
    with pytest.raises(ValueError, match="needs more than 6 tokens"):
        fim_prompt(tokens, Words().read, "a", "b", budget=6)


LINES = st.lists(st.text("ab ", max_size=12), max_size=60).map("\n".join)


@given(LINES, LINES, st.integers(8, 120))
def test_the_budget_holds_and_the_cursor_keeps_its_neighbours(prefix: str, suffix: str, budget: int) -> None:
    tokens = fim_tokens(QWEN, {})
    assert tokens is not None

    def read(text: str) -> list[int]:
        return [1000 + ord(c) for c in text]

    made = fim_prompt(tokens, read, prefix, suffix, budget=budget)
    assert len(made.tokens) <= budget
    body = "".join(chr(t - 1000) if t >= 1000 else NAMES[t] for t in made.tokens)
    before, after = body.removeprefix("<P>").removesuffix("<M>").split("<S>")
    assert prefix.endswith(before) and suffix.startswith(after)
    if len(prefix) + len(suffix) <= budget - 6 and len(suffix) <= (budget - 6) // 4:
        assert (before, after) == (prefix, suffix)


def test_the_cut_stays_while_someone_types() -> None:
    tokens = fim_tokens(QWEN, {})
    assert tokens is not None
    w = Words()
    text = "".join(f"line {n} of a file\n" for n in range(400))

    def begins(typed: str) -> int:
        made: FimPrompt = fim_prompt(tokens, w.read, text + typed, "", budget=600)
        return len(text + typed) - made.prefix_chars

    starts = [begins("x" * n) for n in range(0, 1200, 10)]
    assert starts == sorted(starts) and len(set(starts)) <= 4
    assert all(text[s - 1] == "\n" for s in starts)


def test_a_huge_file_is_not_read_whole() -> None:
    tokens = fim_tokens(QWEN, {})
    assert tokens is not None
    asked: list[int] = []

    def read(text: str) -> list[int]:
        asked.append(len(text))
        return [100] * (len(text) // 4)

    fim_prompt(tokens, read, "word \n" * 1_000_000, "word \n" * 1_000_000, budget=1000)
    assert max(asked) <= 8 * 1000 and len(asked) < 20
