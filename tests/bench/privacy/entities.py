"""People, places, organisations: what the whole privacy scan finds and misses on public data, what it veils too much, what it costs.

Run alone: `python tests/bench/privacy/entities.py DATA [--model FILE] [--limit N] [--only presidio,pupa,sets,code,speed]
[--without-encoder] [--show N]`. The whole takes some ten minutes on two cores. Each part's docstring states its rules.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

if str(Path(__file__).resolve().parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parent))

import entities_scan  # first: it sets the environment that numpy reads  # isort: skip
import entities_code
import entities_presidio
import entities_pupa
import entities_sets
import entities_speed
from rows import Row


def speed(data: Path, limit: int | None, model: Path) -> list[Row]:
    """On the prompts of PUPA, which are prose of many kinds, none longer than a window of text."""
    texts: list[str] = []
    for prompt, _ in entities_pupa.prompts(data):
        if sum(map(len, texts)) > entities_speed.CHARS or (limit is not None and len(texts) >= limit):
            break
        if prompt.isascii() and 200 < len(prompt) < 2000:
            texts.append(prompt)
    return entities_speed.measure(texts, model)


def parts(data: Path, limit: int | None, show: int, model: Path | None) -> dict[str, Callable[[], list[Row]]]:
    """Each part by its name."""
    out: dict[str, Callable[[], list[Row]]] = {
        "presidio": lambda: entities_presidio.measure(data, limit),
        "pupa": lambda: entities_pupa.measure(data, limit, show),
        "sets": lambda: entities_sets.measure(data, limit),
        "code": lambda: entities_code.measure(data, limit, show),
    }
    if model is not None:
        out["speed"] = lambda: speed(data, limit, model)
    return out


def measure(data: Path) -> list[Row]:
    """All rows with the shipped encoder. Raises FileNotFoundError when it is not there; a part whose data is missing says so."""
    model = entities_scan.use(None)
    return [row for name, part in parts(data, None, 0, model).items() for row in _tried(name, part)]


def _tried(name: str, part: Callable[[], list[Row]]) -> list[Row]:
    try:
        return part()
    except FileNotFoundError as exc:
        return [Row(f"entities: {name}", "", "", "not measured", None, f"{exc.filename} is missing")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, help="an encoder's file in place of the shipped one")
    parser.add_argument("--limit", type=int, help="only so many texts of each set")
    parser.add_argument("--only", help="parts, by comma")
    parser.add_argument("--without-encoder", action="store_true", help="patterns alone")
    parser.add_argument(
        "--show", type=int, default=0, help="print so many misses and false names (private values of public sets)"
    )
    given = parser.parse_args()
    model = None
    if given.without_encoder:
        entities_scan.without_encoder()
    else:
        model = entities_scan.use(given.model)
    own = parts(given.data, given.limit, given.show, model)
    for name in given.only.split(",") if given.only else own:
        for row in _tried(name, own[name]):
            met = "" if row.met is None else "yes" if row.met else "NO"
            print(f"{row.name:46} {row.value:34} goal {row.goal or '-':28} {met:4} {row.note}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
