"""Measure the local engine beside llama-server and llama-cpp-python's own server, and write a table. `make bench-engine`, or by hand.

It reports; no number makes it fail. Exit code 1 when the engine itself could not be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benchkit.install import CannotRun
from benchkit.native import cache
from benchkit.report import into_readme
from enginekit import model, table
from enginekit.measures import Bench, Load
from enginekit.players import ALL, Failed, Player

ROOT = Path(__file__).resolve().parents[2]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="100M-q8_0,500M-q8_0", help="by comma: 100M, 500M or tiny, with -q8_0 or -f16")
    parser.add_argument("--only", help="by comma: daemon,engine,llama-server,stock")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--ctx", type=int, default=8192, help="tokens over all slots; the default is the product's")
    parser.add_argument("--quick", action="store_true", help="two rounds of short texts")
    parser.add_argument("--json", type=Path, help="write everything as JSON")
    parser.add_argument("--table", type=Path, help="write the tables as Markdown")
    parser.add_argument("--readme", action="store_true", help="put the tables between the markers of README.md")
    return parser.parse_args()


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def measure(file: Path, words: model.Words, given: argparse.Namespace, load: Load, folder: Path) -> dict[str, object]:
    """All players on one model."""
    bench = Bench(words, load)
    limits = {"ctx": given.ctx, "threads": given.threads, "slots": load.streams}
    asked = given.only.split(",") if given.only else [kind.name for kind in ALL]
    titles, missing = {}, {}
    running: list[Player] = []
    try:
        for kind in ALL:
            if kind.name not in asked:
                continue
            home = folder / f"{file.stem}-{kind.name}"
            home.mkdir(mode=0o700)
            player = kind(home, file, limits)
            say(f"starting {kind.title}")
            running.append(player)
            try:
                player.start()
            except (CannotRun, Failed) as exc:
                missing[kind.name] = str(exc)
                running.remove(player)
                player.stop()
                continue
            titles[kind.name] = kind.title
        for turn in range(load.rounds):
            bench.round(running, turn, say)
    finally:
        for player in running:
            player.stop()
    return table.document(bench.book, titles, missing, load)


def system() -> str:
    """How the libraries were built. Asked in a process of its own: loading them takes memory."""
    code = "from llama_cpp import llama_cpp as l; print(l.llama_print_system_info().decode().strip(' |'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip().replace(" = 1", "").replace(" |", ",")


def main() -> int:
    given = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    load = Load(prompt=300, prefix=600, write=24, questions=1, rounds=2) if given.quick else Load(rounds=given.rounds)
    before = os.getloadavg()[0]
    trees: dict[str, object] = {}
    limits = {"ctx": given.ctx, "threads": given.threads, "slots": load.streams}
    text = table.heading(ROOT, limits, load.rounds, system(), before)
    with tempfile.TemporaryDirectory(prefix="localrouter-bench-") as folder:
        for name in given.models.split(","):
            size, _, kind = name.partition("-")
            words = model.Words(cache(), model.SIZES[size].words)
            file = model.build(model.SIZES[size], kind, words, cache() / f"engine-{name}.gguf")
            say(f"model {name}, {file.stat().st_size / 1e6:.0f} MB")
            tree = trees[name] = measure(file, words, given, load, Path(folder))
            text += "\n" + table.markdown(f"About {size} parameters, {kind.upper()}", tree)
    for out, content in ((given.json, json.dumps(trees, indent=1) + "\n"), (given.table, text)):
        if out:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(content, encoding="utf-8")
    if given.readme and not into_readme(ROOT / "README.md", text, table.BEGIN_NAME):
        print(f"bench: README.md has no lines with {table.BEGIN_NAME}:start and {table.BEGIN_NAME}:end.", file=sys.stderr)
    print(text)
    return 0 if all("engine" in tree["titles"] or (given.only and "engine" not in given.only) for tree in trees.values()) else 1  # type: ignore[index]


if __name__ == "__main__":
    sys.exit(main())
