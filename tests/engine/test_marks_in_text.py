"""No text of a request becomes a token that steers the model, whatever the file calls such tokens: read with llama.cpp's own tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import tiny_chat

from localrouter.engine.context import Model
from localrouter.engine.requests import Preparer

FIM = tuple(name for name in tiny_chat.SPECIAL if "fim" in name)
NASTY = "x = 1\n" + " ".join(tiny_chat.SPECIAL) + "".join(tiny_chat.SPECIAL) + "<<|fim_prefix|>|fim_suffix|>é🙂\n"


@pytest.fixture(scope="module", params=["control", "fim", "all but the ends"])
def preparer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preparer]:
    """A file that calls its special tokens control tokens; one that calls some of them user-defined, as conversions do; one that calls all so."""
    user = {"control": (), "fim": FIM, "all but the ends": tiny_chat.SPECIAL[1:2] + tiny_chat.SPECIAL[3:]}[request.param]
    model = Model(tiny_chat.build("random", tmp_path_factory.mktemp("m") / "m.gguf", user=user))
    yield Preparer(model, 4096)
    model.close()


def marks(preparer: Preparer) -> dict[str, int]:
    voc = preparer._vocabulary
    names = {voc.name(t): t for t in range(voc.size - len(tiny_chat.SPECIAL), voc.size)}
    assert tuple(names) == tiny_chat.SPECIAL
    return names


def shown(preparer: Preparer, tokens: list[int]) -> str:
    return b"".join(preparer._vocabulary.pieces[t] for t in tokens).decode()


def test_the_danger_is_real(preparer: Preparer) -> None:
    """llama.cpp reads user-defined tokens in plain text too."""
    voc = preparer._vocabulary
    found = set(voc.read(NASTY, special=False)) & set(marks(preparer).values())
    assert found == set(voc.user.values())


def test_fill_in_the_middle(preparer: Preparer) -> None:
    of = marks(preparer)
    assert preparer.fills
    made = preparer.prepare({"id": 1, "op": "fill", "prefix": NASTY, "suffix": NASTY, "path": NASTY, "files": [[NASTY, NASTY]]})
    ours = [of[name] for name in ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")]
    assert [t for t in made.prompt if t in of.values()] == ours, "the request's own marks and no others"
    first, second = (made.prompt.index(t) for t in ours[:2])
    assert shown(preparer, made.prompt[first + 1 : second]) == NASTY == shown(preparer, made.prompt[second + 1 : -1]), (
        "to the letter"
    )


def test_chat(preparer: Preparer) -> None:
    of = set(marks(preparer).values())

    def written(text: str) -> list[int]:
        messages: list[dict[str, Any]] = [{"role": "system", "content": text}, {"role": "user", "content": f"a{text}b"}]
        return [t for t in preparer.prepare({"id": 1, "op": "chat", "messages": messages}).prompt if t in of]

    assert written("") == written(NASTY) != []


def test_text_that_only_looks_like_it_is_read_as_ever(preparer: Preparer) -> None:
    voc = preparer._vocabulary
    for text in ("for (i = 0; i < |x|; ++i) {}\n\n\t<b>fim_prefix</b>", "", "<|fim", "<|fim_prefix|", "\u65e5\u672c"):
        assert voc.plain(text) == voc.read(text, special=False)
