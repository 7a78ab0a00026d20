"""Choose each type's bias on held-out text and write it into the encoder's file. The weights stay as they are.

A bias is added to both labels of a type before decoding (`token_head`); more of it finds more and is wrong more often. Chosen are those
with the best F-beta (beta 2: a missed name costs more than a veiled word) of exact spans, all types as one, because what one type takes
may have been another's; it is the mean over generated and open text, so that what we made ourselves does not outvote what people wrote.
Least scores are those of the detector. What is held out comes from generate.py's valid.jsonl: templates and names of their own, and
blocks of the open sets' train and dev files that are in no training; test files are never read. A type with fewer than 20 gold spans
keeps its bias.

Run: python packaging/encoder/calibrate.py MODEL.gguf --valid FILE [--out NEW.gguf] [--beta 2]
Without --out it prints the table and writes nothing.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

import gguf  # noqa: E402  # after the path
import numpy as np  # noqa: E402
from gguf.scripts.gguf_new_metadata import MetadataDetails, copy_with_new_metadata  # noqa: E402

from localrouter.engine.encoder import Encoder  # noqa: E402
from localrouter.engine.token_head import HEAD, Head, decode, windows  # noqa: E402

STEPS = (-0.75, -0.25, 0.25, 0.75)
MOST = 2.5
GOLD_MIN = 20
ROUNDS = 4
PRICE = 0.0005
"""F-beta that a bias of 1 must gain: what moves nothing much stays where training put it."""
SLACK = 2.5
"""How far below the best label a type may lie for its next step to matter: a step, and what a sequence adds to a label."""


@dataclass(frozen=True, slots=True)
class Example:
    """One window: logits without bias, offsets of its words, gold spans, annotated types, and whether we made the text."""

    logits: Any
    words: list[tuple[int, int]]
    gold: frozenset[tuple[int, int, str]]
    types: frozenset[str]
    group: str
    lang: str


Counts = dict[tuple[str, str], tuple[int, int, int]]
"""(group, type) -> right, said, gold."""


def examples(file: Path, encoder: Encoder, limit: int) -> list[Example]:
    """Every so many examples of the file, so that all of its forms are among them."""
    lines = file.read_text(encoding="utf-8").splitlines()
    trees = [json.loads(lines[i]) for i in range(0, len(lines), max(1, len(lines) // limit))][:limit]
    plain = replace(encoder.head, bias={})
    encoder.head = plain
    out: list[Example] = []
    for begin in range(0, len(trees), 32):
        group = trees[begin : begin + 32]
        read = [encoder._reader.read(t["text"]) for t in group]
        jobs = [(n, a, b) for n, p in enumerate(read) for a, b in windows(p, plain.window - 2, 0)]
        for (n, a, b), logits in zip(jobs, encoder._logits(read, jobs), strict=True):
            tree, words = group[n], read[n].words[a:b]
            low, high = words[0][0], words[-1][1]
            gold = frozenset((s, e, t) for s, e, t in tree["spans"] if s >= low and e <= high)
            made = "generated" if tree["source"] == "generated" else "open"
            out.append(Example(logits, words, gold, frozenset(tree["types"]), made, tree["lang"]))
    return out


def counts(data: Sequence[Example], head: Head, bias: Mapping[str, float], least: Mapping[str, float]) -> Counts:
    """What a bias finds. Types that an example does not annotate are not counted in it."""
    extra = np.zeros(1 + 2 * len(head.types), dtype=np.float32)
    for number, name in enumerate(head.types):
        extra[1 + 2 * number : 3 + 2 * number] = bias.get(name, 0.0)
    right: Counter[tuple[str, str]] = Counter()
    said: Counter[tuple[str, str]] = Counter()
    gold: Counter[tuple[str, str]] = Counter()
    for e in data:
        gold.update((e.group, t) for _, _, t in e.gold)
        logits = e.logits + extra
        # Where each word's best label is O, so is the best sequence.
        if not logits.argmax(axis=1).any():
            continue
        for a, b, name, score in decode(logits, head.types):
            if name in e.types and score >= least.get(name, 0.0):
                said[e.group, name] += 1
                right[e.group, name] += (e.words[a][0], e.words[b - 1][1], name) in e.gold
    return {key: (right[key], said[key], gold[key]) for key in {*said, *gold}}


def f_beta(right: int, said: int, gold: int, beta: float) -> float:
    return (1 + beta**2) * right / (said + beta**2 * gold) if right else 0.0


def whole(table: Counts, beta: float) -> float:
    """F-beta of all types as one, mean over the groups: what one type takes may have been another's."""
    own = 0.0
    for group in ("generated", "open"):
        rows = [row for (g, _), row in table.items() if g == group]
        right, said, gold = (sum(row[i] for row in rows) for i in range(3))
        own += f_beta(right, said, gold, beta) / 2
    return own


def chosen(data: Sequence[Example], head: Head, least: Mapping[str, float], beta: float) -> dict[str, float]:
    """Bias by type: from none, by steps, one type after the other, the frequent ones first, until a round moves nothing."""
    bias = dict.fromkeys(head.types, 0.0)
    current = counts(data, head, bias, least)
    gold = {t: sum(row[2] for (_, other), row in current.items() if other == t) for t in head.types}
    tried = [t for t in sorted(head.types, key=lambda t: -gold[t]) if gold[t] >= GOLD_MIN]
    bias |= {t: head.bias.get(t, 0.0) for t in head.types if t not in tried}
    current = counts(data, head, bias, least)
    for _ in range(ROUNDS):
        before = dict(bias)
        for name in tried:
            number = head.types.index(name)
            pair = slice(1 + 2 * number, 3 + 2 * number)
            # Only a text in which the type comes near to the best label can change.
            near = [e for e in data if (e.logits[:, pair].max(axis=1) + bias[name] + SLACK >= e.logits.max(axis=1)).any()]
            base = counts(near, head, bias, least)
            start = bias[name]
            best, mark, kept = start, whole(current, beta) - PRICE * abs(start), current
            for step in STEPS:
                value = start + step
                new = _moved(current, base, counts(near, head, {**bias, name: value}, least))
                if abs(value) <= MOST and whole(new, beta) - PRICE * abs(value) > mark:
                    best, mark, kept = value, whole(new, beta) - PRICE * abs(value), new
            bias[name], current = best, kept
        if bias == before:
            break
    return bias


def _moved(every: Counts, old: Counts, new: Counts) -> Counts:
    """The counts of all texts when those of some change."""
    out: Counts = {}
    for key in {*every, *new}:
        a, b, c = (table.get(key, (0, 0, 0)) for table in (every, old, new))
        out[key] = (a[0] - b[0] + c[0], a[1] - b[1] + c[1], a[2])
    return out


def rewrite(model: Path, head: Head, out: Path) -> None:
    """The same file with another head. Written beside its place and moved there, so that a reader never sees half of it."""
    reader = gguf.GGUFReader(model)
    fresh = out.with_suffix(".new")
    writer = gguf.GGUFWriter(str(fresh), "bert")
    said = MetadataDetails(gguf.GGUFValueType.STRING, head.metadata()[HEAD])
    copy_with_new_metadata(reader, writer, {HEAD: said}, [])
    fresh.replace(out)


def told(table: Counts, types: Sequence[str], bias: Mapping[str, float]) -> None:
    for name in types:
        cells = []
        for group in ("generated", "open"):
            right, said, gold = table.get((group, name), (0, 0, 0))
            cells.append(
                f"{group} P {right / max(1, said):.3f} R {right / max(1, gold):.3f} F2 {f_beta(right, said, gold, 2):.3f} of {gold:5}"
                if gold
                else ""
            )
        if any(cells):
            print(f"{name:14} {bias.get(name, 0.0):+5.2f}  {cells[0]:48} {cells[1]}")


def by_language(data: Sequence[Example], head: Head, bias: Mapping[str, float], least: Mapping[str, float]) -> None:
    """F2 of the commoner types, one line a language."""
    table = counts([replace(e, group=e.lang) for e in data], head, bias, least)
    for lang in sorted({g for g, _ in table}):
        rows = {t: row for (g, t), row in table.items() if g == lang and row[2] >= GOLD_MIN}
        said = ", ".join(f"{t} {f_beta(*rows[t], beta=2):.3f} of {rows[t][2]}" for t in head.types if t in rows)
        print(f"{lang:4} {said or 'too few'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--beta", type=float, default=2.0)
    parser.add_argument("--limit", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    encoder = Encoder(given.model, given.threads)
    head = encoder.head
    try:
        least = dict(importlib.import_module("localrouter.scrub.detectors.encoder").LEAST)
    except (ModuleNotFoundError, AttributeError):
        least = {}
        print("no detector with LEAST here: every score is taken", file=sys.stderr)
    data = examples(given.valid, encoder, given.limit)
    encoder.close()
    print(f"{len(data)} windows, {sum(len(e.words) for e in data)} words; before:")
    told(counts(data, head, head.bias, least), head.types, head.bias)
    bias = chosen(data, head, least, given.beta)
    print(f"after, for the best F{given.beta:g}:")
    told(counts(data, head, bias, least), head.types, bias)
    print("F2 by language, after:")
    by_language(data, head, bias, least)
    if given.out:
        rewrite(given.model, replace(head, bias=bias), given.out)
        check = Encoder(given.out, 1)
        if check.head.bias != bias:
            raise SystemExit(f"{given.out.name} does not hold what was written.")
        check.close()
        print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
