"""The encoder on llama.cpp: one text and many give the same, windows join, and a file that is not whole is refused in a sentence."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from tiny import head, write

from localrouter.engine.encoder import SETTINGS, Encoder, EncoderFault, Tagged

REAL = Path(str(resources.files("localrouter") / "models" / "encoder.gguf"))
WORDS = ["Jane", "doe", "met", "in", "Paris", ".", "x7", "DOEson", "zq"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    file = write(tmp_path_factory.mktemp("tiny") / "tiny.gguf", head(window=64).metadata())
    own = Encoder(file, 1)
    yield own
    own.close()


def texts(count: int, words: int, seed: int = 5) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=words)) for _ in range(count)]


def test_a_text_alone_and_among_others_is_tagged_alike(tiny: Encoder) -> None:
    every = texts(40, 9)
    together = tiny.tag(every)
    assert any(together), "random weights name something"
    for text, row in zip(every, together, strict=True):
        assert [t[:3] for t in tiny.tag([text])[0]] == [t[:3] for t in row]


def test_spans_lie_in_the_text_apart_and_sorted(tiny: Encoder) -> None:
    for text in texts(3, 300, 8):
        row = tiny.tag([text])[0]
        assert row == sorted(row) and all(a.end <= b.start for a, b in itertools.pairwise(row))
        assert all(0 <= t.start < t.end <= len(text) and 0 < t.score <= 1 for t in row)
    assert tiny.tag(["", " \n "]) == [[], []] and tiny.tag([]) == []


def test_windows_of_a_long_text_say_what_a_window_alone_says(tiny: Encoder) -> None:
    """The first words of a long text see the same window as they would alone."""
    text = texts(1, 400)[0]
    whole = tiny.tag([text])[0]
    cut = text[:120].rsplit(" ", 1)[0]
    assert len(tiny._reader.read(cut).ids) < 62 < len(tiny._reader.read(text).ids)
    assert {t.start // 200 for t in whole} >= set(range(len(text) // 200 - 1)), "no part of the text is skipped"


def test_a_lean_turns_doubt_into_findings(tiny: Encoder) -> None:
    every = texts(20, 9)
    assert tiny.tag(every, lean=-1e6) == [[] for _ in every]
    covered = [sum(t.end - t.start for t in row) for row in tiny.tag(every, lean=1e6)]
    assert all(got > len(text) * 0.7 for got, text in zip(covered, every, strict=True))


def faulty(tmp_path: Path) -> dict[str, Path]:
    whole = write(tmp_path / "whole.gguf", head().metadata()).read_bytes()
    keys = head().metadata()
    files = {
        "truncated.gguf": whole[: len(whole) // 2],
        "empty.gguf": b"",
        "noise.gguf": random.Random(1).randbytes(4096),
        "text.gguf": b"<html>not found</html>",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    write(tmp_path / "headless.gguf", {})
    write(tmp_path / "other.gguf", {**keys, "localrouter.token_head": "{}"})
    return {n: tmp_path / n for n in (*files, "headless.gguf", "other.gguf", "missing.gguf")}


def test_a_file_that_is_not_whole_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for name, file in faulty(tmp_path).items():
        with pytest.raises(EncoderFault, match=name) as caught:
            Encoder(file)
        assert str(tmp_path) not in str(caught.value), "no path in the text"


def test_numbers_that_are_none_are_a_fault(tmp_path: Path) -> None:
    own = head()
    own.matrix[3] = np.nan
    broken = Encoder(write(tmp_path / "nan.gguf", own.metadata()), 1)
    with pytest.raises(EncoderFault, match="numbers"):
        broken.tag(["Jane met doe."])
    broken.close()


def test_threads_sleep_while_they_wait() -> None:
    """With the settings in the environment first, a process that has scanned uses no processor at rest."""
    if not REAL.is_file():
        pytest.skip("the encoder's file is not built")
    code = (
        "import time\nfrom pathlib import Path\nfrom localrouter.engine.encoder import Encoder\n"
        f"e = Encoder(Path({str(REAL)!r}), 2)\ne.tag(['Jane Doe met Max Roe in Paris.'] * 8)\n"
        "began = time.process_time()\ntime.sleep(1.5)\nprint(time.process_time() - began)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **SETTINGS}, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 0.1


@pytest.mark.skipif(not REAL.is_file(), reason="the encoder's file is not built")
def test_the_shipped_file_names_people_places_and_organisations() -> None:
    own = Encoder(REAL, 2)
    try:
        said = "Dear Ms Kowalska,\nour colleague Tomás Herrera from Northwind Traders moved to Lisbon in March 2021.\nKind regards\nAdaeze Okafor"
        found = {(said[t.start : t.end], t.type) for t in own.tag([said])[0]}
        assert {("Kowalska", "PERSON"), ("Tomás Herrera", "PERSON"), ("Lisbon", "LOCATION"), ("Adaeze Okafor", "PERSON")} <= found
        assert ("Northwind Traders", "ORG") in found
        assert own.tag(["for i in range(10): total += values[i]"])[0] == []
        assert isinstance(own.tag(["Jane"])[0], list) and Tagged(0, 4, "PERSON", 1.0).type == "PERSON"
    finally:
        own.close()
