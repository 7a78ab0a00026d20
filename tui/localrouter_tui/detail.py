"""One request in words: the decision, the timeline, what left the machine, the attempts, the cost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.text import Text

from localrouter_tui.text import clean, usd, with_tokens

_BAR = 24


def detail(r: dict[str, Any]) -> Text:
    """The right-hand panel. `r` is a record of GET /control/traces/ID."""
    if r.get("forgotten"):
        return Text(f"{r['id']}\nThis trace was forgotten; only its place in the chain is left.")
    when = datetime.fromtimestamp(r["started"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    out = Text()
    out.append(f"{r['id']}\n", style="bold")
    out.append(f"{when}   status {r['status']}   {r['outcome']}   {r['ms']:.0f} ms\n\n", style="dim")
    _title(out, "Why")
    out.append(clean(r["explain"]) + "\n\n")
    _title(out, "Cost")
    out.append(f"{usd(r['cost_micro'])}, reserved {usd(r['reserved_micro'])}\n\n")
    _title(out, "Timeline")
    total = max(r["ms"], 0.001)
    for step in r["steps"]:
        width = round(_BAR * min(1.0, step["ms"] / total))
        out.append(f"{step['name']:<9}{step['ms']:>9.1f} ms ", style="dim")
        out.append("█" * width + "\n", style="cyan")
    out.append("\n")
    if r["attempts"]:
        _title(out, "Attempts")
        for a in r["attempts"]:
            out.append(clean(f"{a['model']}: {a.get('outcome', 'free')}, {usd(a.get('cost_micro', 0))}\n"))
        out.append("\n")
    dropped = [c for c in r["candidates"] if not c["kept"]]
    if dropped:
        _title(out, "Not used")
        for c in dropped:
            out.append(clean(f"{c['model']}: {c['why']}\n"))
        out.append("\n")
    _title(out, "What left this machine" if r["left_machine"] else "Nothing left this machine")
    for text in r["left_machine"]:
        out.append_text(with_tokens(text, r.get("tokens", [])))
        out.append("\n")
    return out


def _title(out: Text, text: str) -> None:
    out.append(text + "\n", style="bold underline")
