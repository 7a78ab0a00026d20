"""Structured PII: recall and precision by type on public sentences, noise on lock files and on code, and cost.

Run alone: `python tests/bench/privacy/pii.py DATA`. DATA holds presidio_research/synth_dataset_v2.json and hard_negatives/.
A gold span is found when a finding of its type overlaps it with IoU >= 0.9 in characters (SpanEvaluator's measure); a finding of
a type that overlaps no gold span of that type so is false. Code is the installed packages of this environment: about 1 MB, files in order
of their hash, so that the choice is nobody's.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import sysconfig
import time
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rows import Row

from localrouter.core.findings import Finding
from localrouter.core.kinds import kind
from localrouter.scrub import detectors, names
from localrouter.scrub.segments import segments

IOU = 0.9
TYPES = {
    "EMAIL_ADDRESS": ("EMAIL", 0.97),
    "CREDIT_CARD": ("CARD", 0.97),
    "IBAN_CODE": ("IBAN", 0.97),
    "US_SSN": ("SSN", 0.97),
    "IP_ADDRESS": ("IP", 0.97),
    "PHONE_NUMBER": ("PHONE", 0.90),
}
PUBLISHED = {"CREDIT_CARD": "recall .772 (Presidio's patterns, measured)", "PHONE_NUMBER": "recall .554 at 0.4 (the same)"}
CODE_BYTES = 1_000_000


def scan(text: str) -> list[Finding]:
    """Findings of a whole text, through the segments that the daemon uses."""
    return [
        Finding(f.start + a, f.end + a, f.type, f.score, f.detector) for a, b in segments(text) for f in detectors.find(text[a:b])
    ]


def personal(found: list[Finding]) -> list[Finding]:
    """Without secrets, which are another table."""
    return [f for f in found if kind(f.type).tier != "seal"]


def sentences(data: Path) -> list[Row]:
    """The public benchmark of record."""
    file = data / "presidio_research" / "synth_dataset_v2.json"
    if not file.is_file():
        return [Row("structured PII", "", "", f"no {file.name}", None, "unpack presidio_research")]
    gold: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for record in json.loads(file.read_text(encoding="utf-8")):
        found = scan(record["full_text"])
        for name, (mine, _) in TYPES.items():
            spans = [(s["start_position"], s["end_position"]) for s in record["spans"] if s["entity_type"] == name]
            own = [(f.start, f.end) for f in found if f.type == mine]
            gold[name] += len(spans)
            said[name] += len(own)
            hit[name] += sum(any(_iou(s, o) >= IOU for o in own) for s in spans)
            right[name] += sum(any(_iou(s, o) >= IOU for s in spans) for o in own)
    rows = []
    for name, (mine, goal) in TYPES.items():
        recall, precision = hit[name] / max(gold[name], 1), right[name] / max(said[name], 1)
        rows.append(
            Row(
                f"{mine} in 1 500 sentences",
                PUBLISHED.get(name, "recall 1.000 (the same)"),
                f"both >= {goal:.2f}",
                f"R {recall:.3f} P {precision:.3f}",
                recall >= goal and precision >= goal,
                f"{gold[name]} spans, IoU {IOU}",
            )
        )
    return rows


def _iou(a: tuple[int, int], b: tuple[int, int]) -> float:
    both = min(a[1], b[1]) - max(a[0], b[0])
    return both / (max(a[1], b[1]) - min(a[0], b[0])) if both > 0 else 0.0


def locks(data: Path) -> list[Row]:
    """Machine-made files: nobody is named in them."""
    folder = data / "hard_negatives"
    files = [f for f in sorted(folder.glob("*")) if f.name != "SOURCE.txt"] if folder.is_dir() else []
    if not files:
        return [Row("PII in lock files", "", "0", "no hard_negatives", None, "unpack hard_negatives")]
    found: Counter[str] = Counter()
    size = 0
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        size += len(text)
        # A package's manifest names its author; that one is a fact about a person.
        found.update(f.type for f in personal(scan(text)) if not file.name.endswith("pyproject.toml"))
    value = f"{found.total()}" + (f" ({', '.join(f'{k} {n}' for k, n in found.most_common(4))})" if found else "")
    return [
        Row(
            "PII in lock files",
            "38 to 822 per 40 KB (Presidio's defaults)",
            "0",
            value,
            not found,
            f"{len(files)} files, {size / 1e6:.1f} MB",
        )
    ]


def installed(limit: int = CODE_BYTES) -> Iterator[tuple[Path, str]]:
    """Python files of the environment, in the order of their path's hash."""
    root = Path(sysconfig.get_paths()["purelib"])
    files = sorted(root.rglob("*.py"), key=lambda f: hashlib.sha256(f.relative_to(root).as_posix().encode()).digest())
    for file in files:
        if limit <= 0:
            return
        text = file.read_text(encoding="utf-8", errors="replace")
        if not 500 < len(text) < 200_000:
            continue
        limit -= len(text)
        yield file, text


def _prose(text: str) -> list[tuple[int, int]] | None:
    """Spans of comments and strings, or None when the file does not tokenize."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                spans.append((starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1]))
    except (tokenize.TokenError, SyntaxError, IndexError):
        return None
    return spans


def code() -> list[Row]:
    """Noise on code, apart from what stands in comments and strings (authors, addresses, samples are really there)."""
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    lines = 0
    for _, text in installed():
        if "\f" in text or "\r" in text or (prose := _prose(text)) is None:
            continue
        lines += text.count("\n")
        for f in personal(scan(text)):
            (inside if any(a <= f.start and f.end <= b for a, b in prose) else outside)[f.type] += 1
    rate = outside.total() * 1000 / max(lines, 1)
    return [
        Row(
            "PII spans per 1 000 code lines",
            "",
            "<= 0.5",
            f"{rate:.2f}",
            rate <= 0.5,
            f"{lines} lines of installed packages; {_few(outside)}",
        ),
        Row("the same, in comments and strings", "", "", f"{inside.total() * 1000 / max(lines, 1):.2f}", None, _few(inside)),
    ]


def _few(counts: Counter[str]) -> str:
    return ", ".join(f"{k} {n}" for k, n in counts.most_common(6)) or "none"


PII = frozenset(
    f.stem
    for f in Path(detectors.__file__).parent.glob("[!_]*.py")
    if re.search(
        r'"(?:EMAIL|PERSON|USERNAME|HOST|IP|MAC|CARD|IBAN|SSN|ID|PHONE|ADDRESS|DATE_OF_BIRTH|WALLET|OWN_USER|CUSTOM)"',
        f.read_text(),
    )
)
"""The detectors of this table: those whose file names one of its types."""
MODELS = frozenset({"encoder", "spacy_model"})
"""Detectors that read with a network; its speed has rows of its own."""


def speed() -> list[Row]:
    """CPU of the PII patterns alone on code and on logs; and that floods cost their size."""
    mine = [d for d in detectors.all_detectors() if d.NAME in PII - MODELS]
    networks = [d for d in detectors.all_detectors() if d.NAME in MODELS]
    text = "".join(t for _, t in installed(400_000))
    log = "".join(
        f'10.4.{i % 250}.{i * 7 % 250} - - [04/Mar/2025:10:{i % 60:02}:14 +0000] "GET /api/v1/items/{i * 37} HTTP/1.1" 200 {i * 13} "-" "curl/8.5.0" rt=0.{i % 999:03}\n'
        f"2025-03-04T10:{i % 60:02}:14.{i % 999:03}Z INFO worker-{i % 8} job={i * 7919:08x} took {i % 97} ms, 3 retries\n"
        for i in range(1000)
    )
    rows = []
    for name, sample in (("code", text), ("logs", log)):
        parts = [sample[a:b] for a, b in segments(sample)]
        best = min(_cpu(mine, parts) for _ in range(3))
        rate = len(sample) / 1e6 / best
        rows.append(
            Row(
                f"PII patterns on {name}",
                "",
                ">= 2 MB/s",
                f"{rate:.2f} MB/s",
                rate >= 2,
                f"{len(mine)} detectors, CPU time, best of 3",
            )
        )
        rate = len(sample) / 1e6 / _cpu(networks, parts)
        rows.append(
            Row(f"the encoder on {name}", "", "", f"{rate:.2f} MB/s", None, "CPU time; it reads lines that look like prose")
        )
    rows.append(_names(text))
    worst, which = 0.0, ""
    for flood in ("::::", "0123456789", "a@", "a@a.", "1.", "1:", "(", "+1 ", "x.y@", " at ", "/home/", "Dear A", "00 "):
        one, two = (_cpu(mine, [flood * (n // len(flood))]) for n in (100_000, 400_000))
        if two / max(one, 1e-3) > worst:
            worst, which = two / max(one, 1e-3), flood
    rows.append(
        Row("floods, four times the size", "quadratic: 16", "<= 8", f"{worst:.1f} times the CPU", worst <= 8, f"worst: {which!r}")
    )
    return rows


def _names(text: str) -> Row:
    """What looking for learnt names costs a request."""
    first = ("Jane", "Maria", "Marek", "Olga", "Peter")
    last = ("Doeson", "Nowak", "Ivanov", "Kowalska", "Schmidt", "Okafor", "Haddad", "Lindqvist", "Moreau", "Tanaka")
    people = [f"{a} {b}" for a in first for b in last]
    source = "\n".join(people)
    own = [Finding(source.index(p), source.index(p) + len(p), "PERSON") for p in people]
    best = 9.0
    for _ in range(5):
        began = time.process_time()
        names.sweep([source, text[:200_000]], [own, []])
        best = min(best, time.process_time() - began)
    return Row("50 learnt names in 200 KB of code", "", "<= 10 ms", f"{best * 1000:.1f} ms", best <= 0.01, "CPU time, best of 5")


def _cpu(mine: list[detectors.Detector], parts: list[str]) -> float:
    began = time.process_time()
    for part in parts:
        for detector in mine:
            detector.find(part, "")
    return time.process_time() - began


def measure(data: Path) -> list[Row]:
    """All rows of this part."""
    return [*sentences(data), *locks(data), *code(), *speed()]


if __name__ == "__main__":
    for row in measure(Path(sys.argv[1])):
        print(
            f"{row.name:38} {row.value:28} goal {row.goal:14} {'' if row.met is None else 'yes' if row.met else 'NO':4} {row.note}"
        )
