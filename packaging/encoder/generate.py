"""Write the training set of the encoder that finds people, places and organisations.

    python packaging/encoder/generate.py --data DATA --out DIR --seed 1 --n 200000

Writes DIR/train.jsonl, DIR/valid.jsonl and DIR/stats.json. One object a line:
{"text", "spans": [[start, end, TYPE]] in code points, "types" (annotated here; a type that is not listed is unknown),
"lang", "form", "source"}. The two sides share no template and no listed name. Same arguments, same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import negatives  # noqa: E402
import pool  # noqa: E402
from forms.grammar import Form, Grammar, Writer  # noqa: E402
from names import plain  # noqa: E402
from values import TYPES, Scene  # noqa: E402
from world import World  # noqa: E402

Example = dict[str, Any]
Span = tuple[int, int, str]
VALID_SHARE = 0.05
POOL_SHARE = 0.33
MAX_WORDS, MAX_CHARS = 180, 1500
CODE = {"records", "lock", "numbers", "dense", "lists"}
LOOSE = re.compile(r" +(?=[.,;?!](?:\s|$))")
"""A blank before a full stop, left by an empty branch of a template."""


def compose(form: Form, side: str, grammar: Grammar, world: World, rng: Random) -> tuple[str, list[Span]]:
    """Expand one form: one template, or several in a row about the same people."""
    scene, out = Scene(world, rng, form.lang), Writer()
    templates = (form.valid or form.train) if side == "valid" else form.train
    count = rng.randint(1, form.many) if form.many > 1 else 1
    for i, template in enumerate(rng.sample(templates, min(count, len(templates)))):
        if i:
            out.put(form.sep)
        grammar.write(template, out, rng, scene.write)
        if out.length > MAX_CHARS * 0.6:
            break
    text, spans = out.text(), tidy(out.text(), out.spans)
    if form.sep == " " and form.lang != "fr" and form.name not in CODE:
        loose = {i for hit in LOOSE.finditer(text) for i in range(hit.start(), hit.end())}
        text, spans = remap(text, spans, lambda i, c: "" if i in loose else c)
    return text, spans


def tidy(text: str, spans: list[Span]) -> list[Span]:
    """Trim blanks off the spans."""
    done = []
    for start, end, kind in spans:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if end > start:
            done.append((start, end, kind))
    return sorted(done)


def remap(text: str, spans: list[Span], change: Callable[[int, str], str]) -> tuple[str, list[Span]]:
    """Rewrite a text character by character; the spans follow."""
    parts, at, where = [], 0, []
    for i, c in enumerate(text):
        where.append(at)
        new = change(i, c)
        parts.append(new)
        at += len(new)
    where.append(at)
    return "".join(parts), [(where[s], where[e], k) for s, e, k in spans if where[e] > where[s]]


def _lower(_: int, c: str) -> str:
    return c.lower() if len(c.lower()) == 1 else c


def _upper(_: int, c: str) -> str:
    return c.upper() if len(c.upper()) == 1 else c


def _typos(text: str, rng: Random) -> Callable[[int, str], str]:
    spots = {rng.randrange(len(text)): rng.choice(["", "2", "next"]) for _ in range(1 + len(text) // 80)}

    def change(i: int, c: str) -> str:
        kind = spots.get(i)
        if kind is None or not c.isalpha():
            return c
        return "" if kind == "" else c + c if kind == "2" else rng.choice("aeiourstln")

    return change


def _wrap(text: str, spans: list[Span], rng: Random) -> tuple[str, list[Span]]:
    """Put a text where texts are met: a JSON string, quotes, a bullet, bold, a quoted mail, a code comment."""
    roll = rng.randrange(9)
    if roll < 3:
        text, spans = remap(text, spans, lambda _, c: json.dumps(c, ensure_ascii=False)[1:-1])
        key = rng.choice(["text", "content", "message", "body", "description", "note", "comment", "value", "prompt", "input"])
        before, after = rng.choice(
            [
                (f'{{"{key}": "', '"}'),
                ('{"role": "user", "content": "', '"}'),
                (f'  "{key}": "', '",'),
                (f'[{{"{key}":"', '"}]'),
                (f'{key} = "', '"'),
            ]
        )
    elif roll < 5:
        mark = rng.choice(["- ", "* ", "> ", "# ", "// ", "1. ", "| ", "  ", "-- "])
        text, spans = remap(text, spans, lambda _, c: c + mark if c == "\n" else c)
        before, after = mark, ""
    else:
        before, after = rng.choice(
            [
                ('"', '"'),
                ("'", "'"),
                ("**", "**"),
                ("“", "”"),
                ("```\n", "\n```"),
                ("<p>", "</p>"),
                ("(", ")"),
                ('"""', '"""'),
                ("Text: ", ""),
                ("<td>", "</td>"),
                ("«", "»"),
                ("_", "_"),
                ("User: ", ""),
                ("### Input\n", "\n"),
                ("Here is the text:\n\n", ""),
            ]
        )
    n = len(before)
    return before + text + after, [(s + n, e + n, k) for s, e, k in spans]


def augment(text: str, spans: list[Span], rng: Random) -> tuple[str, list[Span]]:
    if rng.random() < 0.03:
        text, spans = remap(text, spans, _typos(text, rng))
    if rng.random() < 0.06:
        text, spans = remap(text, spans, lambda _, c: plain(c) or c)
    if rng.random() < 0.08:
        text, spans = _wrap(text, spans, rng)
    roll = rng.random()
    if roll < 0.12:
        text, spans = remap(text, spans, _lower)
    elif roll < 0.16:
        text, spans = remap(text, spans, _upper)
    return text, spans


def check(example: Example) -> None:
    """Raise ValueError when a span is empty, overlaps, is not trimmed, or has an unknown type."""
    text, last = example["text"], 0
    for start, end, kind in example["spans"]:
        if not (last <= start < end <= len(text)) or kind not in example["types"] or text[start:end] != text[start:end].strip():
            raise ValueError(f"bad span {(start, end, kind)} in {text!r}")
        last = end


def generated(side: str, n: int, seed: int, grammar: Grammar, world: World) -> Iterator[Example]:
    """`n` examples, each from its own seed, none twice (a small form gives up after some tries)."""
    forms = [f for f in grammar.forms.values() if f.train]
    weights = [f.weight for f in forms]
    seen: set[str] = set()
    for i in range(n):
        rng = Random(f"{seed} {side} {i}")
        for _ in range(8):
            form = rng.choices(forms, weights)[0]
            text, spans = compose(form, side, grammar, world, rng)
            text, spans = augment(text, spans, rng)
            if text.strip() and len(text) <= MAX_CHARS and len(text.split()) <= MAX_WORDS and text not in seen:
                break
        seen.add(text)
        yield {
            "text": text,
            "spans": [list(s) for s in spans],
            "types": TYPES,
            "lang": form.lang,
            "form": form.name,
            "source": "generated",
        }


def _recased(example: Example, rng: Random) -> Example:
    """An open text as it is, or now and then in small letters or capitals: people write so, its authors did not."""
    roll = rng.random()
    if roll > 0.08:
        return example
    text, spans = remap(example["text"], [tuple(s) for s in example["spans"]], _lower if roll < 0.06 else _upper)
    return {**example, "text": text, "spans": [list(s) for s in spans]}


def build(data: Path | None, out: Path, seed: int, n: int) -> dict[str, Any]:
    """Write both sides and the statistics; returns the statistics."""
    out.mkdir(parents=True, exist_ok=True)
    grammar = Grammar(HERE / "forms")
    negatives.add(grammar)
    stats: dict[str, Any] = {}
    for side, count in (("train", n - round(n * VALID_SHARE)), ("valid", round(n * VALID_SHARE))):
        world = World(data, side)
        rng = Random(f"{seed} {side}")
        drawn = pool.examples(data, side, world, Random(f"{seed} {side} pool")) if data else []
        rng.shuffle(drawn)
        examples = [_recased(e, rng) for e in drawn[: int(count * POOL_SHARE)]]
        examples += generated(side, count - len(examples), seed, grammar, world)
        rng.shuffle(examples)
        tally: dict[str, Counter[str]] = {"form": Counter(), "type": Counter(), "lang": Counter(), "source": Counter()}
        bare = 0
        with (out / f"{side}.jsonl").open("w", encoding="utf-8") as f:
            for example in examples:
                check(example)
                f.write(json.dumps(example, ensure_ascii=False) + "\n")
                bare += not example["spans"]
                for key in ("form", "lang", "source"):
                    tally[key][example[key]] += 1
                tally["type"].update(kind for _, _, kind in example["spans"])
        stats[side] = {
            "examples": len(examples),
            "without_spans": round(bare / max(1, len(examples)), 4),
            **{k: dict(sorted(v.items(), key=lambda x: -x[1])) for k, v in tally.items()},
        }
    (out / "stats.json").write_text(json.dumps(stats, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return stats


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the encoder's training set.")
    parser.add_argument(
        "--data", type=Path, default=None, help="folder of the public data sets; without it the pool and world lists are left out"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=200_000)
    args = parser.parse_args()
    stats = build(args.data, args.out, args.seed, args.n)
    for side, row in stats.items():
        print(side, row["examples"], "examples,", f"{row['without_spans']:.1%} without a span,", row["type"])


if __name__ == "__main__":
    main()
