"""Names found where there are none: installed Python packages, and developers' questions.

Code: whole files of this environment, as `pii.installed` chooses them; findings in comments and strings are counted apart, because
authors and samples are really named there. Questions: the text of Stack Overflow and GitHub issues in stackoverflow_ner (CC BY-SA and
their authors'; only measured), where a person is false when no `User_Name` of the set touches it. Nothing else is annotated there:
names in samples ("Linus Torvalds"), true firms and places are in those figures.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pii
from entities_scan import ROOT, findings
from rows import Row

NAMES = ("PERSON", "ORG", "LOCATION")
QUESTIONS = ("SO_test.txt", "SO_dev.txt", "GH_test.txt")


def code(size: int, show: int = 0) -> list[Row]:
    """`size`: characters of code."""
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    lines = 0
    for _, text in pii.installed(size):
        if "\f" in text or "\r" in text or (prose := pii._prose(text)) is None:
            continue
        lines += text.count("\n")
        for f in findings(text):
            if f.type not in NAMES:
                continue
            said = any(a <= f.start and f.end <= b for a, b in prose)
            (inside if said else outside)[f.type] += 1
            if show and not said:
                show -= 1
                print("   ", f.type, f.detector, text[max(0, f.start - 30) : f.end + 20].splitlines())
    rate = outside.total() * 1000 / max(1, lines)
    return [
        Row("names in 1 000 lines of code", "", "<= 0.5", f"{rate:.2f}", rate <= 0.5, f"{lines} lines; {_few(outside, lines)}"),
        Row(
            "the same, in comments and strings",
            "",
            "",
            f"{inside.total() * 1000 / max(1, lines):.2f}",
            None,
            f"{_few(inside, lines)}; authors and samples among them",
        ),
    ]


def questions(data: Path, limit: int | None, show: int = 0) -> list[Row]:
    """People, organisations and places in developers' text. Raises FileNotFoundError."""
    false: Counter[str] = Counter()
    lines = users = hit = 0
    for file in QUESTIONS:
        for text, gold in posts(data / "stackoverflow_ner" / file, limit):
            lines += text.count("\n") + 1
            found = findings(text)
            users += len(gold)
            hit += sum(any(f.start < b and f.end > a for f in found) for a, b in gold)
            for f in found:
                if f.type in NAMES and not any(f.start < b and f.end > a for a, b in gold):
                    false[f.type] += 1
                    if show and f.type == "PERSON":
                        show -= 1
                        print("   ", f.detector, text[max(0, f.start - 30) : f.end + 20].splitlines())
    return [
        Row(
            "people in 1 000 lines of developers' questions",
            "",
            "",
            f"{false['PERSON'] * 1000 / max(1, lines):.2f}",
            None,
            f"{lines} sentences; {_few(false, lines)}; {hit} of {users} user names veiled",
        )
    ]


def posts(path: Path, limit: int | None) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """(text, spans of user names) of each post: its sentences, one a line."""
    folder = str(ROOT / "packaging" / "encoder")
    if folder not in sys.path:
        sys.path.append(folder)
    import pool

    text, spans, words, number = "", [], [], 0
    for line in [*path.read_text(encoding="utf-8").splitlines(), "", "Question_ID\tO", ""]:
        cells = line.split("\t")
        if cells[0].strip():
            words.append((cells[0].strip(), cells[1].strip() if len(cells) > 1 else "O"))
            continue
        if not words:
            continue
        own, words = words, []
        if own[0][0] in ("Question_ID", "Repository_Name"):
            if text:
                yield text, spans
                number += 1
                if limit is not None and number >= limit:
                    return
            text, spans = "", []
            continue
        if own[0][0] in ("Question_URL", "Answer_to_Question_ID", "Issue_Event_Link"):
            continue
        joined, where = pool.detokenise([w for w, _ in own])
        start = len(text) + 1 if text else 0
        text = f"{text}\n{joined}" if text else joined
        spans += [(start + where[a][0], start + where[b - 1][1]) for a, b, t in pool.chunks(own) if t == "User_Name"]


def _few(counts: Counter[str], lines: int) -> str:
    return ", ".join(f"{t} {counts[t] * 1000 / max(1, lines):.2f}" for t in NAMES)


def measure(data: Path, limit: int | None = None, show: int = 0) -> list[Row]:
    out = code(pii.CODE_BYTES if limit is None else 2_000 * limit, show)
    try:
        return out + questions(data, limit, show)
    except FileNotFoundError as exc:
        return [*out, Row("people in developers' questions", "", "", "not measured", None, f"{exc.filename} is missing")]
