"""Measure localrouter beside a direct call, LiteLLM and Portkey, and write a table. `make bench`, or by hand with options.

It reports; no number makes it fail. Exit code 1 when localrouter itself could not be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benchkit import native, planes, planes_report, report, scenarios
from benchkit.contenders import ALL, Contender
from benchkit.install import CannotRun

ROOT = Path(__file__).resolve().parents[2]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute or two: fewer requests, two rounds")
    parser.add_argument("--rounds", type=int, help="rounds in which the contenders take turns (default 6)")
    parser.add_argument("--only", help="contenders, by comma: direct,localrouter,litellm,portkey")
    parser.add_argument(
        "--skip", default="", help="parts to leave out, by comma: short,agents,streams,planes,plane-agents,cold,rest"
    )
    parser.add_argument("--n", type=int, help="requests of a block")
    parser.add_argument("--rest", type=float, help="seconds at rest (default 20)")
    parser.add_argument("--json", type=Path, help="write everything as JSON")
    parser.add_argument("--table", type=Path, help="write the table as Markdown")
    parser.add_argument("--readme", action="store_true", help="put the table between the markers of README.md")
    return parser.parse_args()


def measure(
    given: argparse.Namespace, upstream: native.Upstream, folder: Path
) -> tuple[scenarios.Book, dict[str, str], dict[str, str]]:
    """(numbers, titles, who is missing and why)."""
    size = scenarios.Size.of(quick=given.quick, rounds=given.rounds, n=given.n, rest=given.rest)
    skip = set(given.skip.split(","))
    asked = set(given.only.split(",")) if given.only else {kind.name for kind in ALL}
    book, titles, missing = scenarios.Book(), {}, {}
    running: list[Contender] = []
    kinds = []
    try:
        for kind in ALL:
            titles[kind.name] = kind.title
            if kind.name not in asked:
                missing[kind.name] = "left out by --only"
                continue
            home = folder / kind.name
            home.mkdir(mode=0o700)
            who = kind(home, upstream.port)
            scenarios.say(f"starting {kind.title}")
            try:
                who.prepare()
                who.start()
            except CannotRun as exc:
                missing[kind.name] = str(exc)
                continue
            running.append(who)
            kinds.append(kind)
            titles[kind.name] = who.title
        parts = (
            ("short", scenarios.short),
            ("agents", scenarios.agents),
            ("streams", scenarios.streams),
            ("planes", planes.short),
            ("plane-agents", planes.agents),
        )
        scenarios.warm(running, agents="agents" not in skip)
        if not {"planes", "plane-agents"} <= skip:
            planes.warm(running, agents="plane-agents" not in skip)
        for turn in range(size.rounds):
            scenarios.say(f"round {turn + 1} of {size.rounds}")
            for name, part in parts:
                if name not in skip:
                    part(book, running, size, turn)
        if "rest" not in skip:
            scenarios.say(f"at rest, {size.rest_s:g} s")
            scenarios.rest(book, running, size)
    finally:
        for who in running:
            who.stop()
    if "cold" not in skip:
        for turn in range(size.rounds):
            scenarios.say(f"cold start {turn + 1} of {size.rounds}")
            scenarios.cold(book, kinds, upstream.port, turn)
        scenarios.command_line(book, size)
    return book, titles, missing


def main() -> int:
    given = options()
    why = native.compiler_missing()
    if why:
        print(f"bench: {why}; the mock upstream and the load generator are C++.", file=sys.stderr)
        return 1
    began, before = time.time(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="localrouter-bench-") as folder, native.Upstream() as upstream:
        book, titles, missing = measure(given, upstream, Path(folder))
    tree = report.document(book, titles, missing, began, before)
    tree["planes"] = planes_report.rows(book)
    table = report.markdown(tree)
    if not {"planes", "plane-agents"} <= set(given.skip.split(",")):
        table += planes_report.markdown(tree["planes"])
    for file in (given.json, given.table):
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
    if given.json:
        given.json.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
    if given.table:
        given.table.write_text(table, encoding="utf-8")
    if given.readme and not report.into_readme(ROOT / "README.md", table):
        print(f"bench: README.md has no lines {report.BEGIN} and {report.END}.", file=sys.stderr)
    print(table)
    return 1 if "localrouter" in missing and (not given.only or "localrouter" in given.only) else 0


if __name__ == "__main__":
    sys.exit(main())
