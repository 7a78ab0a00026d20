"""What was seen, kept in build/clients.json from run to run, and its table in the README."""

from __future__ import annotations

import fcntl
import json
import time
from pathlib import Path
from typing import Any

from clientkit.host import FAULTS
from clientkit.programs import all_programs

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "build" / "clients.json"
BEGIN, END = "<!-- clients:start -->", "<!-- clients:end -->"
SHORT = {"openai_chat": "Chat", "anthropic_messages": "Messages", "openai_responses": "Responses"}


def _load() -> dict[str, Any]:
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def note(client: str, what: str, value: Any) -> None:
    """`what`: direct, same, cross, missing, or the name of a fault."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at a time write one file
        tree = _load()
        program = all_programs()[client]
        entry = tree.setdefault(client, {})
        if entry.get("version") != program.VERSION:
            entry.clear()
        entry |= {"version": program.VERSION, "date": time.strftime("%Y-%m-%d", time.gmtime()), what: value}
        FILE.write_text(json.dumps(tree, indent=1, sort_keys=True) + "\n")


def keep(name: str, seen: object) -> None:
    """The whole of what was seen, for who wants to know why."""
    folder = FILE.parent / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text(str(seen), encoding="utf-8")


def table() -> str:
    """Markdown: the tasks, then the faults."""
    tree = _load()
    dates = sorted({e["date"] for e in tree.values()})
    lines = [
        f"Seen on {' and '.join(dates)}. The task: read a file with a person's name, a home path and a password from `.env`, write another with"
        " all three. *Private*: none of the three reached the host. *Exact*: the file on disk is the same as without localrouter.",
        "",
        "| client | speaks | without localrouter | through it | onto a host that speaks another way |",
        "|---|---|---|---|---|",
    ]
    programs = all_programs()
    for name, program in programs.items():
        entry = tree.get(name)
        if entry is None:
            continue
        row = [entry.get("missing") or entry.get(k, "not run") for k in ("direct", "same", "cross")]
        cross = f"{SHORT[program.CROSS]}: {row[2]}"
        lines.append(f"| {program.TITLE} {program.VERSION} | {SHORT[program.WIRE]} | {row[0]} | {row[1]} | {cross} |")
    if any(fault in entry for entry in tree.values() for fault in FAULTS):
        lines += [
            "",
            "A host that fails in one way, through localrouter: the most calls of one turn that reached it; in brackets, how many calls the"
            " client made in all; how the client ended. Where the host breaks off a stream, Claude Code asks once more without one and goes on."
            " A host that fails by chance is asked once more by localrouter itself, before the first word. *silent*: no byte for 330 s, cut"
            " by localrouter after 300; *mute*: 330 s after the first words, cut after 120; both in the first turn only.",
            "",
        ]
        tried = {name: p for name, p in programs.items() if any(fault in tree.get(name, {}) for fault in FAULTS)}
        lines += [f"| the host | {' | '.join(p.TITLE for p in tried.values())} |", "|---|" + "---|" * len(tried)]
        for fault in FAULTS:
            lines.append(f"| {fault} | " + " | ".join(str(tree[name].get(fault, "not run")) for name in tried) + " |")
    lines += ["", "| client | how to point it at localrouter |", "|---|---|"]
    lines += [f"| {p.TITLE} | {p.SETTINGS} |" for p in programs.values()]
    return "\n".join(lines)


def to_readme() -> None:
    """Between its markers."""
    file = ROOT / "README.md"
    text = file.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise SystemExit(f"README.md has no markers {BEGIN} and {END}.")
    head, rest = text.split(BEGIN, 1)
    file.write_text(f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    to_readme()
