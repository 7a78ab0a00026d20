"""`make bench-privacy DATA=DIR`: what the privacy scan finds, misses and costs on public data, as one table.

DIR holds the unpacked public sets (one folder each: secrets_leaky_repo, secrets_fake_leaks, hard_negatives, presidio_research, pupa).
A row whose data is missing says so. Everything runs in this process with the shipped default recipe and thresholds. It reports; no
number makes it fail.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT)]

from benchkit.report import into_readme  # noqa: E402  # after the path
from rows import Row  # noqa: E402

PARTS = ("entities", "found_secrets", "pii", "roundtrip", "speed")


def markdown(rows: list[Row], seconds: float) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    reached = {True: "yes", False: "**no**", None: ""}
    out = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} at commit {commit or 'unknown'}, {seconds / 60:.0f} minutes, in one process; rerun with "
        "`make bench-privacy DATA=DIR`. No template and no value of these sets was copied; misses of cards and phones in the 1 500 sentences, "
        "and of one half of the secret sets, were read while cue words and shapes were chosen; misses of names in the 1 500 sentences and in PUPA while it was "
        "chosen which lines the encoder reads. No threshold was chosen on them.",
        "",
        "| measure | published or measured on others | goal | localrouter | reached | note |",
        "|---|---|---|---|---|---|",
    ]
    out += [f"| {r.name} | {r.published} | {r.goal} | {r.value} | {reached[r.met]} | {r.note} |" for r in rows]
    return "\n".join(out) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of the unpacked sets")
    parser.add_argument("--only", help=f"parts, by comma: {','.join(PARTS)}")
    parser.add_argument("--json", type=Path, help="write the rows as JSON")
    parser.add_argument("--readme", action="store_true", help="put the table between the markers of README.md")
    given = parser.parse_args()
    if not given.data.is_dir():
        parser.error(f"{given.data} is no folder. Unpack the public sets into one and name it.")
    rows: list[Row] = []
    began = time.monotonic()
    for part in given.only.split(",") if given.only else PARTS:
        print(f"{part} ...", file=sys.stderr, flush=True)
        try:
            found = importlib.import_module(part).measure(given.data)
        except FileNotFoundError as exc:
            found = [Row(part, "", "", "not measured", None, f"{exc.filename or exc} is missing")]
        for row in found:
            print(f"  {row.name}: {row.value} (goal {row.goal or '-'})", file=sys.stderr, flush=True)
        rows += found
    table = markdown(rows, time.monotonic() - began)
    print(table)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps([asdict(r) for r in rows], indent=2) + "\n", encoding="utf-8")
    if given.readme and not into_readme(ROOT / "README.md", table, "privacy"):
        print("README.md has no markers for the table.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
