"""The report: one table as Markdown, the same and all samples' summaries as JSON."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchkit.bodies import harness
from benchkit.native import HERE, Sample
from benchkit.scenarios import CODE_BYTES, PROSE_WORDS, Book

PEERS = ("litellm", "portkey")


def percentile(values: Sequence[float], p: float) -> float | None:
    """The nearest rank; None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * p) - 1)]


@dataclass
class Row:
    """One line. `values` by contender (None: not measured), `goal` the words of the design, `holds` whether it was reached."""

    what: str
    unit: str
    n: int
    values: dict[str, float | None]
    goal: str = ""
    holds: bool | None = None
    note: str = ""
    higher_is_better: bool = False
    spread: tuple[float, float] | None = None
    comparable: bool = True

    def ratio(self, peer: str) -> float | None:
        """localrouter / peer; None where the peer's value is next to nothing, such as its cost of text that it does not read."""
        if not self.comparable:
            return None
        own, other = self.values.get("localrouter"), self.values.get(peer)
        return own / other if own is not None and other is not None and other > 0 and own > 0 else None


class Reader:
    """Numbers out of a book."""

    def __init__(self, book: Book, names: Sequence[str]) -> None:
        self.book, self.names = book, names

    def pooled(self, measure: str, who: str, field: str) -> list[float]:
        return [v for s in self.book.samples.get(measure, {}).get(who, []) for v in getattr(s, field)]

    def absolute(self, measure: str, p: float, field: str = "latency_us") -> dict[str, float | None]:
        """Milliseconds."""
        out: dict[str, float | None] = {}
        for who in self.names:
            value = percentile(self.pooled(measure, who, field), p)
            out[who] = None if value is None else value / 1000
        return out

    def added(self, measure: str, p: float, field: str = "latency_us") -> dict[str, float | None]:
        """Milliseconds over the direct call at the same percentile; the direct call's own value stays as it is."""
        values = self.absolute(measure, p, field)
        base = values.get("direct")
        return {k: v if k == "direct" or v is None or base is None else v - base for k, v in values.items()}

    def spread(self, measure: str, p: float, field: str = "latency_us") -> tuple[float, float] | None:
        """The least and the most of localrouter's rounds, over the direct call's pooled value, ms."""
        base = self.absolute(measure, p, field).get("direct") or 0.0
        rounds = [percentile(getattr(s, field), p) for s in self.book.samples.get(measure, {}).get("localrouter", [])]
        seen = [v / 1000 - base for v in rounds if v is not None]
        return (min(seen), max(seen)) if len(seen) > 1 else None

    def rate(self, measure: str) -> dict[str, float | None]:
        """Requests a second, the median of the rounds: one stall of the machine must not decide it."""
        out: dict[str, float | None] = {}
        for who in self.names:
            own: list[Sample] = self.book.samples.get(measure, {}).get(who, [])
            rates = [len(s.latency_us) / s.wall_s for s in own if s.wall_s and s.latency_us]
            out[who] = median(rates) if rates else None
        return out

    def per_token(self) -> dict[str, float | None]:
        """Milliseconds that each further token of a stream costs: what is added to the last of 256 tokens sent at once, less what
        is added to a first token. (Between first and last alone, a gateway that holds the first one back would look fast.)"""
        first, last = self.added("paced", 0.5, "first_us"), self.added("flood", 0.5, "last_us")
        out: dict[str, float | None] = {}
        for who in self.names:
            a, b = first.get(who), last.get(who)
            out[who] = None if a is None or b is None or who == "direct" else (b - a) / 255
        return out

    def n(self, measure: str, field: str = "latency_us") -> int:
        counts = [len(self.pooled(measure, who, field)) for who in self.names]
        return max(counts, default=0)

    def single(self, measure: str) -> dict[str, float | None]:
        """The median of single values."""
        own = self.book.numbers.get(measure, {})
        return {who: median(own[who]) if own.get(who) else None for who in self.names}

    def resting(self, field: str) -> dict[str, float | None]:
        out: dict[str, float | None] = {}
        for who in self.names:
            rows = self.book.rest.get(who)
            out[who] = sum(float(r[field]) for r in rows) if rows else None
        return out

    def failures(self) -> list[str]:
        """Sentences on requests that failed; a percentile is of those that did not."""
        out = []
        for measure, by in self.book.samples.items():
            for who, samples in by.items():
                failed = sum(s.failed for s in samples)
                if failed:
                    why = next(s.why for s in samples if s.failed)
                    out.append(f"{who}, {measure}: {failed} failed ({why[:120]})")
        return out


def _most(limit: float) -> Callable[[float | None], bool | None]:
    return lambda value: None if value is None else value <= limit


def rows(book: Book, names: Sequence[str]) -> list[Row]:
    """All lines of the table, also those that nobody measured."""
    r = Reader(book, names)
    out: list[Row] = []

    def latency(what: str, measure: str, p: float, goal: str = "", limit: float | None = None, field: str = "latency_us") -> Row:
        values = r.added(measure, p, field)
        own = values.get("localrouter")
        row = Row(what, "ms", r.n(measure, field), values, goal, None if limit is None else _most(limit)(own))
        row.spread = r.spread(measure, p, field)
        out.append(row)
        return row

    row = latency("short chat, text seen before, 1 connection: added p50", "seen 1", 0.5)
    litellm, portkey, own = row.ratio("litellm"), row.ratio("portkey"), row.values.get("localrouter")
    row.goal = "<= 3 ms, <= LiteLLM / 6, <= Portkey"
    if own is not None:
        row.holds = own <= 3 and (litellm is None or litellm <= 1 / 6) and (portkey is None or portkey <= 1)
    latency("the same: added p99", "seen 1", 0.99, "<= 15 ms", 15)
    out.append(Row("the same: requests/s", "1/s", r.n("seen 1"), r.rate("seen 1"), higher_is_better=True))
    latency("short chat, text seen before, 32 connections: added p50", "seen 32", 0.5)
    latency("the same: added p99", "seen 32", 0.99)
    row = Row("the same: requests/s", "1/s", r.n("seen 32"), r.rate("seen 32"), ">= 500/s, >= 10x LiteLLM", higher_is_better=True)
    own, litellm = row.values.get("localrouter"), row.ratio("litellm")
    row.holds = None if own is None else own >= 500 and (litellm is None or litellm >= 10)
    out.append(row)

    tokens = round(PROSE_WORDS * 100 / 75)
    for connections in (1, 32):
        measure, words = f"prose {connections}", f"{connections} connection{'s' if connections > 1 else ''}"
        latency(f"new prose every time ({tokens} tokens), {words}: added p50", measure, 0.5)
        latency("the same: added p99", measure, 0.99)
        out.append(Row("the same: requests/s", "1/s", r.n(measure), r.rate(measure), higher_is_better=True))
    out.append(_per("new prose: added per 100 tokens over text seen before, p50", "prose 1", 100 / tokens, "<= 40 ms", 40, r))
    for connections in (1, 32):
        measure, words = f"code {connections}", f"{connections} connection{'s' if connections > 1 else ''}"
        latency(f"new code and logs every time ({CODE_BYTES // 1024} KB), {words}: added p50", measure, 0.5)
        latency("the same: added p99", measure, 0.99)
        out.append(Row("the same: requests/s", "1/s", r.n(measure), r.rate(measure), higher_is_better=True))
    out.append(_per("new code and logs: added per KB over text seen before, p50", "code 1", 1024 / CODE_BYTES, "<= 1 ms", 1, r))

    latency("coding agent, 85 KB, first ever (fresh daemon): p50", "agent 85 ever", 0.5, "reported")
    latency(
        "coding agent, 85 KB, first turn of a new session, harness text known: added p50", "agent 85 first", 0.5, "<= 100 ms", 100
    )
    latency("the same: added p99", "agent 85 first", 0.99)
    latency("coding agent, 85 KB, later turn with 1 KB of new text: added p50", "agent 85 later", 0.5)
    latency("coding agent, 200 KB, first ever (fresh daemon): p50", "agent 200 ever", 0.5, "reported")
    latency("coding agent, 200 KB, first turn of a new session, harness text known: added p50", "agent 200 first", 0.5)
    latency("coding agent, 200 KB, later turn with 1 KB of new text: added p50", "agent 200 later", 0.5, "<= 20 ms", 20)
    latency("the same: added p99", "agent 200 later", 0.99)

    latency("stream: added time to first token, p50", "paced", 0.5, "<= 5 ms", 5, "first_us")
    latency("the same: p99", "paced", 0.99, field="first_us")
    latency("stream, a token every 5 ms: added to each token's way, p50", "paced", 0.5, field="transit_us")
    latency("the same: p99", "paced", 0.99, field="transit_us")
    values = r.per_token()
    own = values.get("localrouter")
    out.append(Row("stream, 256 tokens at once: added per token", "ms", r.n("flood"), values, "<= 0.2 ms", _most(0.2)(own)))

    for what, measure, goal, limit in (
        ("cold start: exec to the first answer", "listening", "<= 1 s", 1.0),
        ("cold start: exec to ready (localrouter: inspector too)", "ready", "<= 5 s", 5.0),
    ):
        single = r.single(measure)
        count = max((len(v) for v in book.numbers.get(measure, {}).values()), default=0)
        out.append(Row(what, "s", count, single, goal, _most(limit)(single.get("localrouter"))))
    help_ = r.single("help")
    out.append(Row("`localrouter --help`, wall", "s", len(book.numbers.get("help", {}).get("localrouter", ())), help_))

    for field, what in (("rss_mb", "memory at rest, all processes: RSS"), ("pss_mb", "the same: PSS")):
        out.append(Row(what, "MB", 1, r.resting(field)))
    for name, limit in (("daemon", 90.0), ("inspector", 240.0)):
        found = [p for p in book.rest.get("localrouter", ()) if p["name"] == name]
        value = sum(float(p["rss_mb"]) for p in found) if found else None
        note = f"PSS {sum(float(p['pss_mb']) for p in found):.0f}" + (f", {len(found)} processes" if len(found) > 1 else "")
        what = f"memory at rest, {name}: RSS"
        out.append(Row(what, "MB", 1, {"localrouter": value}, f"<= {limit:.0f} MB", _most(limit)(value), note if found else ""))
    quiet = r.single("quiet")
    out.append(Row("after the last answer of this run: at work until at rest", "s", 1, quiet))
    cpu = r.resting("cpu_percent")
    out.append(Row("processor at rest, all processes", "% of a core", 1, cpu, "<= 0.2 %", _most(0.2)(cpu.get("localrouter"))))
    return out


def _per(what: str, measure: str, scale: float, goal: str, limit: float, r: Reader) -> Row:
    """The medians' difference between new and known text, per unit of new text."""
    new, seen = r.added(measure, 0.5), r.added("seen 1", 0.5)
    values: dict[str, float | None] = {}
    for who in r.names:
        a, b = new.get(who), seen.get(who)
        values[who] = None if a is None or b is None or who == "direct" else (a - b) * scale
    return Row(what, "ms", r.n(measure), values, goal, _most(limit)(values.get("localrouter")), comparable=False)


def machine() -> str:
    """Processor, cores, memory, system."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
        kb = int(Path("/proc/meminfo").read_text().split()[1])
    except (OSError, ValueError):
        kb = 0
    return f"{model}, {os.cpu_count()} cores, {kb / 1e6:.0f} GB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def commit() -> str:
    """The commit that was measured, `+` when the product's files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(HERE), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", ":/localrouter", ":/models.toml", ":/recipes")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def document(book: Book, titles: dict[str, str], missing: dict[str, str], began: float, load_before: float) -> dict[str, Any]:
    """Everything, ready for JSON."""
    names = list(titles)
    r = Reader(book, names)
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(began)),
        "machine": machine(),
        "commit": commit(),
        "minutes": round((time.time() - began) / 60, 1),
        "load_average": [round(load_before, 2), round(os.getloadavg()[0], 2)],
        "agent_bodies": harness(85_000)[2],
        "contenders": titles,
        "missing": missing,
        "failures": r.failures(),
        "rest": book.rest,
        "rows": [
            {
                "what": row.what,
                "unit": row.unit,
                "n": row.n,
                "values": row.values,
                "ratios": {peer: row.ratio(peer) for peer in PEERS},
                "goal": row.goal,
                "reached": row.holds,
                "note": row.note,
                "rounds_min_max": row.spread,
            }
            for row in rows(book, names)
        ],
    }


def number(value: float | None) -> str:
    if value is None:
        return "–"
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"


def markdown(tree: dict[str, Any]) -> str:
    """The table and the lines that say how it was measured."""
    titles: dict[str, str] = tree["contenders"]
    out = [
        f"Measured {tree['date']} at commit {tree['commit']} on {tree['machine']}; load average {tree['load_average'][0]} before, "
        f"{tree['load_average'][1]} at the end, {tree['minutes']} minutes. All contenders call the same mock upstream on loopback, in "
        f'turns; "added" is over the direct call. Agent bodies: {tree["agent_bodies"]}. '
        "Ratios are localrouter / peer. LiteLLM and Portkey scan nothing, keep no ledger and write no trace here; localrouter does all three.",
        "",
        "| what | unit | n | " + " | ".join(titles.values()) + " | / LiteLLM | / Portkey | goal | reached |",
        "|---|---|--:|" + "--:|" * (len(titles) + 2) + "---|---|",
    ]
    for row in tree["rows"]:
        cells = []
        for who in titles:
            text = number(row["values"].get(who))
            if who == "localrouter" and row["rounds_min_max"]:
                low, high = row["rounds_min_max"]
                text += f" ({number(low)} to {number(high)})"
            if who == "localrouter" and row["note"]:
                text += f" ({row['note']})"
            cells.append(text)
        ratios = ["–" if row["ratios"][p] is None else f"{row['ratios'][p]:.2f}" for p in PEERS]
        reached = {True: "yes", False: "**no**", None: ""}[row["reached"]]
        out.append(f"| {row['what']} | {row['unit']} | {row['n']} | {' | '.join(cells + ratios)} | {row['goal']} | {reached} |")
    out += ["", "In brackets: the least and the most of localrouter's rounds.", ""]
    for who, why in tree["missing"].items():
        out.append(f"- {titles[who]} was not measured: {why}.")
    for text in tree["failures"]:
        out.append(f"- Failed requests: {text}.")
    for who, own in tree["rest"].items():
        parts = [f"{p['name']} {p['rss_mb']:.0f}/{p['pss_mb']:.0f} MB {p['cpu_percent']:.2f} %" for p in own]
        out.append(f"- {titles[who]} at rest (RSS/PSS, processor): {'; '.join(parts)}.")
    return "\n".join(out) + "\n"


def into_readme(file: Path, table: str, name: str = "bench") -> bool:
    """Replace what stands between the markers of this name. False: there are none."""
    begin, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    text = file.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        return False
    before, _, rest = text.partition(begin)
    file.write_text(before + begin + "\n" + table + end + rest.partition(end)[2], encoding="utf-8")
    return True
