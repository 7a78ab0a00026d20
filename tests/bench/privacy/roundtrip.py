"""The round trip: veiled, echoed, unveiled; byte-equal by the restore table. `python tests/bench/privacy/roundtrip.py DATA`.

DATA holds pupa/*.csv. Each prompt is scanned, veiled as a user's text and echoed by the "model", whole and in pieces: byte by byte, which
cuts at every byte at once, and by single and by random cuts. What must come back is worked out without the product: the prompt itself,
but for secrets outside of fenced code (as markdown-it-py sees fences), which stay tokens. PUPA's gold units are veiled too, found or not. The generated set adds tool arguments and the
shapes that developers send. Hostile replies and token mutations are those of tests/scrub.
"""

from __future__ import annotations

import csv
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
for folder in (HERE, ROOT, ROOT / "tests" / "scrub", ROOT / "tests" / "tools"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

from markdown_it import MarkdownIt  # noqa: E402  # after the path
from rows import Row  # noqa: E402

from localrouter.core.ask import Leaf  # noqa: E402
from localrouter.core.chat import Channel  # noqa: E402
from localrouter.core.errors import PrivacyUnsure  # noqa: E402
from localrouter.core.findings import Finding  # noqa: E402
from localrouter.scrub import detectors  # noqa: E402
from localrouter.scrub.checked import checked  # noqa: E402
from localrouter.scrub.segments import segments  # noqa: E402
from localrouter.scrub.tokens import Minter  # noqa: E402
from localrouter.scrub.toolclass import tool_class  # noqa: E402
from localrouter.scrub.unveil import Unveiler  # noqa: E402
from localrouter.scrub.veil import Veiled, taken  # noqa: E402

GENERATED = 240
HOSTILE = 2000
MUTATED = 60
_MARKDOWN = MarkdownIt("commonmark")


def scan(text: str) -> list[Finding]:
    """Findings of a whole text, through the segments that the daemon uses."""
    return [
        Finding(f.start + a, f.end + a, f.type, f.score, f.detector) for a, b in segments(text) for f in detectors.find(text[a:b])
    ]


def fenced(text: str) -> set[int]:
    """The numbers of the lines that a renderer shows as fenced code."""
    out: set[int] = set()
    for token in _MARKDOWN.parse(text):
        if token.type == "fence" and token.map:
            lines = token.content.count("\n") + (not token.content.endswith("\n") and token.content != "")
            out.update(range(token.map[0] + 1, token.map[0] + 1 + lines))
    return out


def expected(veiled: Veiled, original: str) -> str:
    """What must come back: the original, with the tokens of secrets where the table keeps them."""
    sent, code = veiled.texts[0], fenced(veiled.texts[0])
    lines = veiled.texts[0].split("\n")
    edit = "<<<<<<< SEARCH" in sent or any(line.startswith(("--- a/", "diff --git ")) for line in lines)
    out, at, said = [], 0, 0
    for start, end, token in veiled.marks[0]:
        entry = next(e for e in veiled.table if e.token == token)
        out.append(sent[at:start])
        said = sent.count("\n", 0, start)
        out.append(token if entry.tier == "seal" and said not in code and not edit else entry.value)
        at = end
    return "".join([*out, sent[at:]])


def unveiled(veiled: Veiled, text: str, cuts: Iterable[int], tool: str | None = None) -> str:
    u = Unveiler(veiled.table, veiled.outgoing, tool_class)
    channel = Channel(0, "tool" if tool else "text")
    out, at = [], 0
    for cut in (*sorted(cuts), len(text)):
        out.append(u.feed(channel, text[at:cut], tool if not at else None))
        at = cut
    return "".join(out) + u.flush(channel)


def chunkings(text: str, seed: int, single: int) -> Iterable[list[int]]:
    """No cut, a cut at every place, `single` single cuts (all of them if there are no more), random ones."""
    r = random.Random(seed)
    size = len(text)
    yield []
    yield list(range(1, size))
    for cut in range(1, size) if size <= single else (r.randrange(1, size) for _ in range(single)):
        yield [cut]
    yield [r.randrange(size + 1) for _ in range(12)]


def labelled(text: str, units: Iterable[str]) -> list[Finding]:
    """The gold units of a prompt wherever they stand, as persons: the trip is measured on more than the scan finds."""
    return [
        Finding(at.start(), at.end(), "PERSON", 0.9, "gold")
        for u in units
        if len(u) > 2
        for at in re.finditer(rf"(?<!\w){re.escape(u)}(?!\w)", text, re.I)
    ]


def trip(text: str, units: Iterable[str], seed: int, single: int, tally: Counter[str]) -> str | None:
    """None when every chunking brought back what it must, else what went wrong."""
    leaf = Leaf(("m",), text, "user")
    found = [[*scan(text), *labelled(text, units)]]
    try:
        veiled = checked([leaf], found, {}, Minter(b"k" * 32, str(seed), "p", taken([leaf])))
    except PrivacyUnsure:
        tally["refused"] += 1
        return "refused by the last check"
    tally["prompts"] += bool(len(veiled.table))
    tally["tokens"] += sum(map(len, veiled.marks))
    if not len(veiled.table):
        return None
    wanted = expected(veiled, text)
    for cuts in chunkings(veiled.texts[0], seed, single):
        got = unveiled(veiled, veiled.texts[0], cuts)
        if got != wanted:
            return f"cuts {cuts[:3]}: {first_difference(got, wanted)}"
    # As the content that an edit tool writes, everything comes back.
    arguments = json.dumps({"path": "x", "content": veiled.texts[0]})
    for cuts in ([], list(range(1, len(arguments))), [len(arguments) // 2]):
        got = json.loads(unveiled(veiled, arguments, cuts, "Write"))["content"]
        if got != text:
            return f"as an edit: {first_difference(got, text)}"
    return None


def first_difference(a: str, b: str) -> str:
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return f"{a[max(0, at - 20) : at + 30]!r} for {b[max(0, at - 20) : at + 30]!r}"


def prompts(data: Path) -> list[tuple[str, list[str]]]:
    """The prompts of PUPA with their gold units, in the order of its files."""
    out: list[tuple[str, list[str]]] = []
    csv.field_size_limit(1 << 24)
    for file in sorted((data / "pupa").glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as rows:
            out += [(row["user_query"], row["pii_units"].split("||")) for row in csv.DictReader(rows) if row.get("user_query")]
    return out


def row(name: str, texts: list[tuple[str, list[str]]], single: int, note: str) -> Row:
    tally: Counter[str] = Counter()
    wrong = [(i, fault) for i, (text, units) in enumerate(texts) if (fault := trip(text, units, i, single, tally))]
    for i, fault in wrong[:5]:
        print(f"{name} {i}: {fault}", file=sys.stderr)
    exact = len(texts) - len(wrong)
    return Row(
        name,
        "not measured by others",
        "100 %",
        f"{exact} of {len(texts)}",
        exact == len(texts),
        f"{tally['tokens']} tokens in {tally['prompts']} prompts, {tally['refused']} refused by the last check; {note}",
    )


def measure(data: Path) -> list[Row]:
    """The rows of the privacy table that belong to the round trip."""
    import replies
    import test_hostile_replies
    import test_tokens
    from prompts import prompt

    out: list[Row] = []
    found = prompts(data)
    if found:
        out.append(
            row(
                "round trip, PUPA, byte-exact",
                found,
                24,
                "echoed whole, byte by byte, cut 24 times singly, cut 12 times at once, and in an edit",
            )
        )
    else:
        out.append(Row("round trip, PUPA, byte-exact", "", "100 %", "no pupa/*.csv", None, "unpack pupa"))
    out.append(
        row(
            "round trip, generated prompts, byte-exact",
            [(prompt(i), []) for i in range(GENERATED)],
            1000,
            "cut at every byte, one at a time and all at once",
        )
    )
    kept = total = 0
    for name, mutate in test_tokens.MUTATIONS.items():
        for i in range(MUTATED):
            r = random.Random(f"{name} {i}")
            entry = r.choice(test_tokens.ENTRIES)
            before, spelled, after = mutate(entry.token, r)
            form = r.choice(test_tokens.AROUND)
            total += 1
            kept += test_tokens.said(form.format(before + spelled + after))[0] == form.format(before + entry.value + after)
    share = 100 * kept / total
    out.append(
        Row(
            "tokens restored after a mutation",
            "",
            ">= 99.5 %",
            f"{share:.2f} %",
            share >= 99.5,
            f"{len(test_tokens.MUTATIONS)} kinds, {total} in all",
        )
    )
    bad = sum(
        bool(replies.leaks(test_hostile_replies.restored((replies.reply(s) if s % 3 else replies.composite(s)).text)))
        for s in range(HOSTILE)
    )
    out.append(
        Row(
            "hostile replies that put a value where a client fetches",
            "",
            "0",
            f"{bad} of {HOSTILE}",
            bad == 0,
            "judged by markdown-it-py, linkify-it-py and GitHub's rule",
        )
    )
    return out


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for line in measure(Path(sys.argv[1])):
        print(f"{line.name}: {line.value} (goal {line.goal}){'' if line.met is not False else '  NOT REACHED'}  {line.note}")
