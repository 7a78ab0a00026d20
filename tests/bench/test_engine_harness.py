"""The harness of the engine's benchmark, on a tiny model: it builds, asks, cancels and counts. No number is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from enginekit import measures, model, table
from enginekit.measures import Bench, Book, Load
from enginekit.players import Engine, Failed

HERE = Path(__file__).parent
pytest.importorskip("llama_cpp")
LOAD = Load(prompt=120, prefix=300, write=16, streams=2, questions=2, rounds=1, part=0.01)
LIMITS = {"ctx": 2048, "threads": 1, "slots": 2}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[model.Words, Path]:
    folder = tmp_path_factory.mktemp("models")
    words = model.Words(folder, model.SIZES["tiny"].words)
    return words, model.build(model.SIZES["tiny"], "q8_0", words, folder / "tiny.gguf")


def test_texts_have_their_length_and_share_no_beginning(made: tuple[model.Words, Path]) -> None:
    words, _ = made
    one, two = words.text(500, 1), words.text(500, 2)
    assert abs(words.count(one) - 500) < 25
    assert one == words.text(500, 1)
    assert one[:2] != two[:2]


def test_every_figure_of_the_engine_is_measured(made: tuple[model.Words, Path], tmp_path: Path) -> None:
    words, file = made
    engine = Engine(tmp_path, file, LIMITS)
    engine.start()
    try:
        assert len(engine.ask("Say it.", 40).all()) == 40, "every token that was asked for comes, as text"
        with pytest.raises(Failed, match="context"):
            engine.ask(words.text(4000, 1), 1).all()
        bench = Bench(words, LOAD)
        bench.round([engine], 0)
    finally:
        engine.stop()
    assert not bench.book.failures
    names = {what for what, *_ in table.ROWS}
    assert {what for what in names if bench.book.median(what, "engine")} == (
        names if sys.platform == "linux" else names - {"rss", "rss_all"}
    )
    tree = table.document(bench.book, {"engine": "x"}, {"stock": "no venv here"}, LOAD)
    text = table.markdown("tiny", tree)
    assert sum(line.startswith("| ") for line in text.splitlines()) == len(table.ROWS) + 1
    assert "stock was not measured: no venv here" in text


def test_ratios_are_of_the_same_round() -> None:
    book = Book()
    for ours, theirs in ((10, 10), (1, 2), (30, 20)):
        book.add("decode1", "engine", ours)
        book.add("decode1", "llama-server", theirs)
    assert book.ratio("decode1", "engine", "llama-server") == 1.0
    assert book.ratio("decode1", "engine", "stock") is None
    goals = {(g["what"], g["of"], g["beside"]): g["met"] for g in table.document(book, {}, {}, LOAD)["goals"]}
    assert goals["decode1", "engine", "llama-server"] is True
    assert goals["decode4", "engine", "llama-server"] is None


def test_text_that_comes_in_one_read_is_timed_from_the_asking() -> None:
    assert measures._span(1.0, [1.5, 2.0, 1.75]) == 0.5
    assert measures._span(1.0, [1.5, 1.5]) == 0.5


def test_a_failing_player_is_reported_and_the_others_go_on(made: tuple[model.Words, Path], tmp_path: Path) -> None:
    words, file = made
    small = Engine(tmp_path, file, {**LIMITS, "ctx": 256})
    small.start()
    try:
        bench = Bench(words, LOAD)
        bench.round([small], 0)
    finally:
        small.stop()
    assert any("warm prefix" in what for what in bench.book.failures["engine"])
    assert bench.book.median("decode1", "engine")


def test_a_run_writes_its_tables_over_frames_and_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out, made = tmp_path / "bench.json", tmp_path / "bench.md"
    command = [
        sys.executable,
        str(HERE / "engine_run.py"),
        "--quick",
        "--models",
        "tiny-f16",
        "--only",
        "engine,daemon",
        "--ctx",
        "4096",
    ]
    done = subprocess.run(
        [*command, "--json", str(out), "--table", str(made)], capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    tree = json.loads(out.read_text())["tiny-f16"]
    assert not tree["failures"]
    assert not tree["missing"]
    assert all(len(row["all"][who]) == 2 for row in tree["rows"] for who in ("engine", "daemon") if row["unit"] != "MB")
    assert "localrouter, over HTTP" in made.read_text()
