"""One request in words: the decision, what left the machine, where the time went, the models, the answer. Pure: record in, texts out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from localrouter_tui.clock import Clock
from localrouter_tui.kinds import CLASSES, class_of, class_of_type, ink_of, style_of
from localrouter_tui.palette import ACCENT, BAD, FAINT, GOOD, INK, LANES, SOFT, WARN
from localrouter_tui.records import Record
from localrouter_tui.text import aligned, duration, joined, untrusted, usd, with_tokens

SHORT = 1_500
"""Characters of a long text until the whole is asked for: what comes after it must stay in reach."""
LONG = 100_000
"""A terminal page of more helps nobody, and it would take seconds to lay out."""
_WORD = 60
"""Leaves up to this length (names of tools and their fields) share lines."""
_BAR = 40


@dataclass(frozen=True, slots=True)
class Section:
    """A title and its text. `quoted`: words of others, drawn with a rule beside them."""

    title: str
    body: Text | Table
    quoted: bool = False


def sections(record: Record, width: int, clock: Clock, *, whole: bool = False) -> list[Section]:
    """The parts of the page for a panel of this width. `whole`: long texts are not cut short."""
    row = record.row
    if record.forgotten is not None:
        gone = untrusted(
            f"Forgotten on {clock.full(record.forgotten)}: text and findings are destroyed. Its place in the chain is left."
        )
        return [Section("", untrusted(row.id, f"bold {INK}")), Section("Forgotten", gone)]
    made = [Section("", _head(record, clock)), Section("Why", untrusted(record.explain, INK, lines=True))]
    if record.left_machine:
        made.append(Section("What left this machine", _left(record, whole), quoted=True))
        made[-1:] = [made[-1], *_legend(record)]
    else:
        made.append(Section("Nothing left this machine", _not_left(record)))
    if record.steps:
        made.append(Section("Timeline", _timeline(record, width)))
    if record.attempts or record.candidates:
        made.append(Section("Models", aligned(_models(record))))
    if record.answer:
        made.append(Section("The answer, as recorded", _cut(record.answer, record, whole), quoted=True))
    made.append(Section("Record", _foot(record)))
    return made


def _head(record: Record, clock: Clock) -> Text:
    row = record.row
    status = untrusted(f"{row.status} {record.outcome}", GOOD if row.status < 400 else BAD)
    lane = untrusted("refused" if row.lane == "none" else row.lane, LANES.get(row.lane, BAD))
    first = [untrusted(clock.full(row.started), SOFT), lane, status, untrusted(duration(row.ms), SOFT)]
    cost = [Text(usd(row.cost_micro), style=f"bold {INK}")]
    if record.reserved_micro:
        cost.append(untrusted(f"of {usd(record.reserved_micro)} reserved", SOFT))
    if record.usage:
        cost.append(untrusted(", ".join(f"{n} {name.replace('_', ' ')}" for name, n in record.usage) + " tokens", SOFT))
    found = [untrusted(f"{n} {name}", ink_of(class_of_type(name))) for name, n in row.findings]
    lines = [untrusted(row.id, f"bold {INK}"), joined(first, "  "), joined(cost, "  ")]
    if record.tools:
        lines.append(untrusted("of that, what its host ran: " + ", ".join(hosted_use(*use) for use in record.tools), SOFT))
    if found:
        lines.append(joined([Text("found", style=SOFT), joined(found, ", ")], " "))
    return joined(lines, "\n")


_KINDS = {"mcp": "MCP call", "mcp_toolset": "MCP call", "container_shell": "shell session"}
"""Kinds of hosted tools whose names are no words for one use."""


def hosted_use(kind: str, uses: int, micro: int | None) -> str:
    """`3 web searches $0.03`: what the host ran by itself, and what that was of the cost."""
    one = _KINDS.get(kind, kind.replace("_", " "))
    many = one if uses == 1 else one + ("es" if one.endswith(("ch", "sh", "s", "x")) else "s")
    return f"{uses} {many}" + (f" {usd(micro)}" if micro is not None else "")


def _left(record: Record, whole: bool) -> Text:
    """Each text that left; short ones, the names of tools and fields, share lines."""
    blocks: list[str] = []
    words: list[str] = []
    for text in record.left_machine:
        if len(text) <= _WORD and "\n" not in text:
            words.append(text)
            continue
        if words:
            blocks.append(" · ".join(words))
            words = []
        blocks.append(text.strip("\n"))
    if words:
        blocks.append(" · ".join(words))
    return _cut("\n\n".join(blocks), record, whole)


def _cut(text: str, record: Record, whole: bool) -> Text:
    limit = LONG if whole else SHORT
    out = with_tokens(text[:limit], record.tokens)
    out.rstrip()
    if len(text) > limit:
        more = f"\n... {len(text) - limit:,} more characters"
        tail = f"; `localrouter explain {record.row.id}` prints them" if whole else "; w shows them"
        out.append_text(untrusted(more + tail, WARN, lines=True))
    return out


def _legend(record: Record) -> Iterator[Section]:
    there = {class_of(token) for token in record.tokens}
    chips = [untrusted(f" {words} ", style_of(kind)) for kind, words in CLASSES.items() if kind in there]
    if chips:
        yield Section("", joined([Text("replaced:", style=FAINT), *chips], " "))


def _not_left(record: Record) -> Text:
    if record.row.lane == "local":
        return Text("The local model answered.", style=INK)
    if record.attempts:
        return Text("Texts are not recorded: the settings say so.", style=WARN)
    return Text("The request was not sent.", style=INK)


def _timeline(record: Record, width: int) -> Text:
    """Each step as a bar that begins where the one before it ended; what no step names comes last."""
    named = sum(step.ms for step in record.steps)
    steps = [(step.name, step.ms, ACCENT) for step in record.steps]
    rest = record.row.ms - named
    if rest > 0.05:
        steps.append(("other", rest, FAINT))
    total = max(record.row.ms, named, 0.001)
    names = min(10, max(len(name) for name, _, _ in steps))
    room = max(4, min(_BAR, width - names - 12))
    lines = []
    before = 0.0
    for name, ms, colour in steps:
        start = min(room - 1, round(room * before / total))
        length = min(room - start, round(room * ms / total))
        label = untrusted(name, SOFT)
        label.truncate(names, overflow="ellipsis", pad=True)
        bar = Text.assemble(" " * start, ("━" * length or "╴", colour), end="")
        lines.append(joined([label, Text(duration(ms).rjust(8), style=INK), bar], "  "))
        before += ms
    return joined(lines, "\n")


def _models(record: Record) -> Iterator[list[Text]]:
    """What was tried, in order; then what was not, and why."""
    tried = {attempt.model for attempt in record.attempts}
    for attempt in record.attempts:
        good = attempt.outcome in ("done", "")
        cost = f", {usd(attempt.cost_micro)}" if attempt.cost_micro else ""
        yield _model("✓" if good else "✗", GOOD if good else BAD, attempt.model, f"{attempt.outcome or 'answered'}{cost}")
    for step in record.walked:
        yield _model("↪", WARN, "fallback", step)
    for check in record.checks:
        yield _model("§", SOFT, "contract", check)
    for candidate in record.candidates:
        if candidate.model in tried:
            continue
        if candidate.kept:
            yield _model("·", SOFT, candidate.model, f"not needed; {candidate.why}")
        else:
            yield _model("–", WARN, candidate.model, f"dropped by {candidate.gate}: {candidate.why}")


def _model(mark: str, colour: str, name: str, words: str) -> list[Text]:
    return [Text(mark, style=f"bold {colour}"), untrusted(name, INK), untrusted(words, SOFT)]


def _foot(record: Record) -> Text:
    lines = [
        f"asked for {record.asked} by {record.who}, route {record.route or '-'}, class {record.data_class or '-'}",
        f"recipe {record.recipe}, catalogue {record.catalogue}, session {record.session}",
    ]
    if record.restored:
        lines.insert(1, "in the answer: " + ", ".join(f"{n} {name}" for name, n in record.restored))
    if record.tool_calls:
        lines.insert(1, "tools called: " + ", ".join(record.tool_calls))
    return joined([untrusted(line, FAINT) for line in lines], "\n")
