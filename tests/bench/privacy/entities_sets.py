"""The open NER sets' test parts, as natural text with PERSON, ORG and LOCATION.

wnut17, Broad Twitter Corpus, CrossNER (five domains), GermEval 2014: their test files, which no training read. WikiGold has no split:
the blocks of sentences that the training pool leaves out (`packaging/encoder/pool.py`, whose reader and joiner of words is used here).
Handles and tags ("@name", "#name") are left out on both sides: the sets disagree on what they are. Of GermEval the outer layer without "part" and
"deriv"; of CrossNER the fine types for people are people.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from entities_scan import ROOT, Span, covered, findings, iou
from rows import Row

FILES = {
    "wnut17": ["wnut17/emerging.test.annotated"],
    "btc": ["btc/btc.test"],
    "crossner": [f"crossner/{d}/test.txt" for d in ("politics", "science", "music", "literature", "ai")],
    "wikigold": ["wikigold/wikigold.conll.txt"],
    "germeval2014": ["germeval2014/NER-de-test.tsv"],
}
TYPES = ("PERSON", "ORG", "LOCATION")
HANDLE = re.compile(r"[@#]\w+")
AS = {"OWN_NAME": "PERSON", "ADDRESS": "LOCATION"}
"""A found address is a found place here."""


class Sentence(NamedTuple):
    text: str
    spans: list[tuple[int, int, str]]
    handles: list[Span]


def sentences(name: str, data: Path, part: str = "test") -> Iterator[Sentence]:
    """Sentences of a set: its test part, or (`part="train"`) all that the training pool may read. Raises FileNotFoundError."""
    folder = str(ROOT / "packaging" / "encoder")
    if folder not in sys.path:
        sys.path.append(folder)
    import pool

    lang, own, labels, _ = pool.SETS[name]
    for file in FILES[name] if part == "test" else own:
        for index, words in enumerate(pool.sentences(data / file)):
            block = hashlib.sha256(f"{file} {index // 20}".encode()).digest()[0]
            if name in pool.NO_SPLIT and (block % 10 == 9) != (part == "test"):
                continue
            text, where = pool.detokenise([w for w, _ in words], lang)
            if not text.strip():
                continue
            handles = [m.span() for m in HANDLE.finditer(text)]
            spans = []
            for first, last, label in pool.chunks(words):
                start, end = where[first][0], where[last - 1][1]
                if label in labels and all(end <= a or start >= b for a, b in handles):
                    spans.append((start, end, labels[label]))
            yield Sentence(text, spans, handles)


class Tally:
    """Gold, predicted and matched spans of one type: exactly, and with IoU >= 0.5."""

    def __init__(self) -> None:
        self.gold = self.said = self.exact = self.loose = self.right = self.right_loose = self.veiled = 0

    def add(self, gold: list[Span], said: list[Span]) -> None:
        self.gold += len(gold)
        self.said += len(said)
        self.exact += sum(g in said for g in gold)
        self.right += sum(s in gold for s in said)
        self.loose += sum(any(iou(g, s) >= 0.5 for s in said) for g in gold)
        self.right_loose += sum(any(iou(g, s) >= 0.5 for g in gold) for s in said)

    def recall(self, loose: bool = True) -> float:
        return (self.loose if loose else self.exact) / max(1, self.gold)

    def precision(self, loose: bool = True) -> float:
        return (self.right_loose if loose else self.right) / max(1, self.said)


def tallies(rows: Iterator[tuple[Sentence, list[tuple[int, int, str]]]]) -> dict[str, Tally]:
    """By type, from sentences and what was said of each. Shared with the comparison of models."""
    out = {t: Tally() for t in TYPES}
    for sentence, said in rows:
        for kind, tally in out.items():
            own = [(a, b) for a, b, t in said if t == kind and all(b <= h[0] or a >= h[1] for h in sentence.handles)]
            tally.add([(a, b) for a, b, t in sentence.spans if t == kind], own)
    return out


def measure(data: Path, limit: int | None = None) -> list[Row]:
    """A row a set."""
    out = []
    for name in FILES:
        veiled = 0

        def scanned(name: str = name) -> Iterator[tuple[Sentence, list[tuple[int, int, str]]]]:
            nonlocal veiled
            for number, sentence in enumerate(sentences(name, data)):
                if limit is not None and number >= limit:
                    return
                found = findings(sentence.text)
                veiled += sum(covered((a, b), found) >= 0.9 for a, b, t in sentence.spans if t == "PERSON")
                yield sentence, [(f.start, f.end, AS.get(f.type, f.type)) for f in found]

        try:
            made = tallies(scanned())
        except FileNotFoundError as exc:
            out.append(Row(f"people in {name}", "", "", "not measured", None, f"{exc.filename} is missing"))
            continue
        person = made["PERSON"]
        others = ", ".join(f"{t} R {made[t].recall():.3f} P {made[t].precision():.3f} of {made[t].gold}" for t in TYPES[1:])
        out.append(
            Row(
                f"people in {name} (test part)",
                "",
                "",
                f"R {person.recall():.3f} P {person.precision():.3f}",
                None,
                f"{person.gold} people, IoU 0.5; exact R {person.recall(False):.3f} P {person.precision(False):.3f}; "
                f"veiled under any type {veiled / max(1, person.gold):.3f}; {others}",
            )
        )
    return out
