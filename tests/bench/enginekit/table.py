"""The table: a row for each figure, a column for each player, and what the goals say."""

from __future__ import annotations

import platform
import subprocess
import time
from pathlib import Path
from typing import Any

from enginekit.measures import Book, Load

BEGIN_NAME = "bench-engine"
ORDER = ("daemon", "engine", "llama-server", "stock")
ROWS = (
    # what, words, unit, factor, higher is better
    ("prompt", "reading a fresh prompt", "tokens/s", 1.0, True),
    ("decode1", "writing, one stream", "tokens/s", 1.0, True),
    ("decode4", "writing, {streams} streams together", "tokens/s", 1.0, True),
    ("warm", "first text behind a warm prefix of {prefix} tokens", "ms", 1e3, False),
    ("free", "all slots write, one client goes: first text of the one that waited", "ms", 1e3, False),
    ("give_up", "a client goes while its prompt is read: first text of the next", "ms", 1e3, False),
    ("rss", "memory of the process with the model (RSS)", "MB", 1.0, False),
    ("rss_all", "memory of all its processes (RSS)", "MB", 1.0, False),
)
GOALS = (
    # what, of, beside, at least or at most
    ("decode1", "engine", "llama-server", 0.95, True),
    ("decode4", "engine", "llama-server", 0.9, True),
    ("warm", "engine", "llama-server", 1.2, False),
    ("decode4", "engine", "stock", 2.0, True),
    ("decode1", "daemon", "llama-server", 0.95, True),
    ("decode4", "daemon", "llama-server", 0.9, True),
    ("warm", "daemon", "llama-server", 1.2, False),
    ("decode4", "daemon", "stock", 2.0, True),
)


def commit(root: Path) -> str:
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def document(book: Book, titles: dict[str, str], missing: dict[str, str], load: Load) -> dict[str, Any]:
    """Everything, as JSON holds it. Values are medians over rounds, `ratios` medians of the rounds' ratios to llama-server."""
    rows = []
    for what, words, unit, factor, higher in ROWS:
        values = {who: None if (v := book.median(what, who)) is None else factor * v for who in ORDER}
        spread = {who: [factor * v for v in book.values(what, who)] for who in ORDER}
        ratios = {who: book.ratio(what, who, "llama-server") for who in ORDER}
        label = words.format(streams=load.streams, prefix=f"{load.prefix:,}".replace(",", " "))
        rows.append(
            {"what": what, "label": label, "unit": unit, "higher": higher, "values": values, "ratios": ratios, "all": spread}
        )
    goals = []
    for what, of, beside, bound, at_least in GOALS:
        ratio = book.ratio(what, of, beside)
        met = None if ratio is None else (ratio >= bound if at_least else ratio <= bound)
        goals.append({"what": what, "of": of, "beside": beside, "bound": bound, "at_least": at_least, "ratio": ratio, "met": met})
    return {"rows": rows, "goals": goals, "titles": titles, "missing": missing, "failures": dict(book.failures)}


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(name: str, tree: dict[str, Any]) -> str:
    """The table of one model."""
    titles = tree["titles"]
    present = [who for who in ORDER if who in titles]
    lines = [f"**{name}**", "", "| | unit | " + " | ".join(titles[w] for w in present) + " |"]
    lines.append("|---|---|" + "---:|" * len(present))
    for row in tree["rows"]:
        cells = []
        for who in present:
            ratio = row["ratios"][who]
            beside = f" ({ratio:.2f}x)" if ratio is not None and who != "llama-server" else ""
            cells.append(_number(row["values"][who]) + beside)
        lines.append(f"| {row['label']} | {row['unit']} | " + " | ".join(cells) + " |")
    lines.append("")
    rows = {row["what"]: row["label"] for row in tree["rows"]}
    for goal in tree["goals"]:
        if goal["ratio"] is not None:
            sign, word = (">=" if goal["at_least"] else "<="), ("met" if goal["met"] else "**missed**")
            lines.append(
                f"- {rows[goal['what']]}, {titles[goal['of']]} beside {titles[goal['beside']]}: {goal['ratio']:.2f}x "
                f"(goal {sign} {goal['bound']:g}x, {word})"
            )
    for who, why in tree["missing"].items():
        lines.append(f"- {who} was not measured: {why}")
    for who, what in tree["failures"].items():
        lines.append(f"- {titles[who]}: {len(what)} failures, the first: {what[0]}")
    return "\n".join(lines) + "\n"


def heading(root: Path, limits: dict[str, int], rounds: int, system: str, load_before: float) -> str:
    machine = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor() or "unknown"
    )
    return (
        f"Measured {time.strftime('%Y-%m-%d', time.gmtime())} at commit {commit(root)} on {machine}, {limits['threads']} thread(s) each, "
        f"a context of {limits['ctx']} tokens, {limits['slots']} slots, {rounds} rounds in turns; load of the machine before: "
        f"{load_before:.1f}. The same libllama and libggml for all ({system}). Medians; in brackets the median of the rounds' ratios to "
        "llama-server. Times are a client's; rerun with `make bench-engine`.\n"
    )


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
