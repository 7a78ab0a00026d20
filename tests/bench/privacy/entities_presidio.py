"""presidio-research's 1 500 sentences, scored by its own SpanEvaluator (presidio-evaluator, pinned), in a virtual environment of its own.

Measured only: no template and no value of the set was trained on or imitated. The set's faults (literal `nan`, `APO`) stay in.
Mapping, stated: STREET_ADDRESS and ZIP_CODE are our ADDRESS (a US address is one span here, two or three there; the global figures
take all types as one and join neighbours, so only the figures by type feel it), GPE is LOCATION, DATE_TIME is DATE or DATE_OF_BIRTH,
DOMAIN_NAME is HOST, US_DRIVER_LICENSE is ID. What has no counterpart keeps its name and counts as false.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchkit.native import cache
from entities_scan import HERE, findings
from rows import Row

VERSION = "0.3.2"
MINUTES = 20
GOLD = {
    "STREET_ADDRESS": "ADDRESS", "ZIP_CODE": "ADDRESS", "GPE": "LOCATION", "ORGANIZATION": "ORG", "PHONE_NUMBER": "PHONE",
    "DATE_TIME": "DATE", "DOMAIN_NAME": "HOST", "IP_ADDRESS": "IP", "EMAIL_ADDRESS": "EMAIL", "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN", "US_SSN": "SSN", "US_DRIVER_LICENSE": "ID",
}  # fmt: skip
"""The set's type -> ours; PERSON, TITLE, AGE and NRP are the same word."""
OURS = {"DATE_OF_BIRTH": "DATE", "OWN_NAME": "PERSON", "OWN_EMAIL": "EMAIL", "OWN_HOST": "HOST"}
DEFAULT_OFF = frozenset({"DATE", "AGE", "TITLE", "NRP"})
"""Types that Presidio's published runs hold too; apart from them in a row of its own, because a router need not veil them."""


class CannotJudge(Exception):
    """Why the evaluator cannot run."""


def judge() -> Path:
    """The Python of the cached virtual environment; made once, from PyPI. Raises CannotJudge."""
    folder = cache() / f"presidio-evaluator-{VERSION}"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        print(f"  installing presidio-evaluator {VERSION} from PyPI, once", file=sys.stderr, flush=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"presidio-evaluator=={VERSION}"]
        for command in ([sys.executable, "-m", "venv", str(folder)], pip):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=MINUTES * 60, check=False)
            except (OSError, subprocess.TimeoutExpired) as exc:
                raise CannotJudge(f"installing presidio-evaluator failed ({type(exc).__name__})") from None
            if done.returncode:
                raise CannotJudge(f"installing presidio-evaluator failed: {done.stderr.strip().splitlines()[-1:]}")
        ready.touch()
    return python


def scores(records: list[dict[str, Any]], limits: tuple[float, ...] = (0.9, 0.7)) -> dict[str, Any]:
    """`entities_judge`'s answer. Raises CannotJudge."""
    sent = json.dumps({"records": records, "iou": limits})
    command = [str(judge()), str(HERE / "entities_judge.py")]
    done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=MINUTES * 60, check=False)
    if done.returncode:
        raise CannotJudge(f"the evaluator failed: {done.stderr.strip().splitlines()[-1:]}")
    return dict(json.loads(done.stdout))


def records(data: Path, limit: int | None) -> list[dict[str, Any]]:
    """Text, gold and predictions, in our names of the types. Raises FileNotFoundError."""
    out = []
    for record in json.loads((data / "presidio_research" / "synth_dataset_v2.json").read_text(encoding="utf-8"))[:limit]:
        text = record["full_text"]
        gold = [[s["start_position"], s["end_position"], GOLD.get(s["entity_type"], s["entity_type"])] for s in record["spans"]]
        said = [[f.start, f.end, OURS.get(f.type, f.type)] for f in findings(text)]
        out.append({"text": text, "gold": gold, "said": said})
    return out


def _without(records: list[dict[str, Any]], types: frozenset[str]) -> list[dict[str, Any]]:
    return [{**r, **{k: [s for s in r[k] if s[2] not in types] for k in ("gold", "said")}} for r in records]


def measure(data: Path, limit: int | None = None) -> list[Row]:
    """Global rows and a row by type."""
    try:
        judge()  # before the work, which is for nothing without it
        own = records(data, limit)
        made, fewer = scores(own), scores(_without(own, DEFAULT_OFF), (0.9,))
    except CannotJudge as exc:
        return [Row("PII in 1 500 sentences (SpanEvaluator)", "", "", "not measured", None, str(exc))]
    out = []
    size = sum(len(r["gold"]) for r in own)
    goals = {
        "0.9": ("F2 .618 (Presidio, large spaCy model)", 0.90),
        "0.7": ("F2 .845 (Presidio, tuned, stanford-deidentifier)", 0.92),
    }
    for limit_, (published, goal) in goals.items():
        p, r, f2 = made[limit_]["global"]
        out.append(
            Row(
                f"PII in 1 500 sentences, IoU {limit_}",
                published,
                f"F2 >= {goal:.2f}, P and R >= 0.90" if limit_ == "0.9" else f"F2 >= {goal:.2f}",
                f"F2 {f2:.3f} P {p:.3f} R {r:.3f}",
                f2 >= goal and (limit_ == "0.7" or min(p, r) >= 0.90),
                f"{len(own)} sentences, {size} spans, presidio-evaluator {VERSION}, all types as one",
            )
        )
    p, r, f2 = fewer["0.9"]["global"]
    note = f"left out on both sides: {', '.join(sorted(DEFAULT_OFF))}"
    out.append(Row("the same without dates and attributes, IoU 0.9", "", "", f"F2 {f2:.3f} P {p:.3f} R {r:.3f}", None, note))
    out.append(_veiled(own))
    types = made["0.9"]["types"]
    for name in sorted(types, key=lambda t: -types[t][3]):
        p, r, f2, annotated = types[name]
        if annotated:
            value = f"F2 {_n(f2)} P {_n(p)} R {_n(r)}"
            out.append(Row(f"{name} in 1 500 sentences, IoU 0.9", "", "", value, None, f"{annotated} spans, type must match"))
    false = {k: v for k, v in types.items() if not v[3]}
    if false:
        out.append(Row("types the sentences do not hold", "", "", ", ".join(sorted(false)), None, "found all the same"))
    return out


def _veiled(records: list[dict[str, Any]]) -> Row:
    """What matters to the person named: how much of the gold is veiled under any type, and how much of what is veiled is gold."""
    whole = spans = right = said = 0
    for record in records:
        gold = {i for a, b, _ in record["gold"] for i in range(a, b) if record["text"][i].isalnum()}
        veiled = {i for a, b, _ in record["said"] for i in range(a, b) if record["text"][i].isalnum()}
        spans += len(record["gold"])
        whole += sum(all(i in veiled or i not in gold for i in range(a, b)) for a, b, _ in record["gold"])
        right += len(gold & veiled)
        said += len(veiled)
    value = f"{whole / max(1, spans):.3f}"
    note = f"every letter and digit of it, under any type; {right / max(1, said):.3f} of the veiled letters are gold"
    return Row("spans wholly veiled in 1 500 sentences", "", "", value, None, note)


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
