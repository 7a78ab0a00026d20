"""How the demo looks in a terminal."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from localrouter.daemon.demo import Shown

_LINES = 14
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
GET_A_MODEL = (
    "curl -L -o chat.gguf https://huggingface.co/Qwen/Qwen2.5-1.5B-Instruct-GGUF/resolve/main/qwen2.5-1.5b-instruct-q4_k_m.gguf"
)


class Page:
    """One run of the demo on a terminal (or in a file: then without colour and without a spinner)."""

    def __init__(self, host: str, local: Path | None) -> None:
        self._out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._host, self._local = host, local
        self._out.print(Text("localrouter demo", style="bold"))
        if host == "rehearsal":
            self._out.print(
                "The daemon is the real one. The hosted model is SIMULATED: a rehearsal host on this machine that repeats the"
            )
            self._out.print("placeholders it was given. Nothing leaves this machine in this demo, and nothing is paid.")
        else:
            self._out.print(
                f"The hosted model is real: {host}, with your own key. It costs about a cent; the demo's budget is $1."
            )
        self._out.print()

    @contextlib.contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """A spinner with what happens now; on a pipe, one line at the start."""
        if not self._out.is_terminal:
            self._out.print("... starting the daemon and its privacy scan (a few seconds)")
            yield lambda _: None
            return
        with self._out.status("starting") as status:
            yield lambda text: status.update(Text(text))

    def sample(self, s: Shown) -> None:
        out = self._out
        out.print(Text(f"── {s.title} ", style="bold") + Text(f"[{s.name}]", style="dim"))
        lane = {"local": "answered on this machine", "hosted": f"hosted: {s.model}", "none": "not answered"}[s.lane]
        out.print(
            Text.assemble(("   lane   ", "dim"), (lane, "green" if s.lane == "local" else "cyan"), ("   route ", "dim"), s.route)
        )
        out.print(Text.assemble(("   why    ", "dim"), _clean(s.reason)))
        found = ", ".join(f"{n} {t}" for t, n in sorted(s.findings.items())) or "nothing private"
        out.print(Text.assemble(("   found  ", "dim"), found))
        if s.missed:
            out.print(
                Text.assemble(
                    ("   MISSED ", "bold red"),
                    f"{len(s.missed)} of {s.gold} gold spans {'left' if s.left_machine else 'would have left'} as they were: ",
                    ", ".join(s.missed),
                )
            )
        elif s.gold:
            out.print(Text.assemble(("   missed ", "dim"), f"none of {s.gold} gold spans"))
        if s.left_machine:
            self._block("left   ", "\n".join(s.left_machine), s.tokens, "bold black on yellow")
        else:
            out.print(Text.assemble(("   left   ", "dim"), "nothing left this machine"))
        if s.error:
            out.print(Text.assemble(("   error  ", "bold red"), _clean(s.error)))
        else:
            self._block("answer ", s.answer, [t for t in s.tokens if t in s.answer], "black on yellow")
            verdict = ("restored right", "green") if s.restored_ok else ("RESTORED WRONG", "bold red")
            out.print(Text.assemble(("   check  ", "dim"), verdict))
        out.print(
            Text.assemble(
                ("   cost   ", "dim"),
                f"${s.cost_usd:.6f}",
                ("   time ", "dim"),
                f"{s.ms:.0f} ms",
                ("   trace ", "dim"),
                s.trace_id,
            )
        )
        out.print()

    def _block(self, name: str, text: str, tokens: list[str], style: str) -> None:
        lines = _clean(text).strip("\n").splitlines() or [""]
        more = len(lines) - _LINES
        shown = Text("\n".join(lines[:_LINES]))
        if tokens:
            shown.highlight_regex(re.compile("|".join(re.escape(t) for t in sorted(tokens, key=len, reverse=True))), style)
        for i, line in enumerate(shown.split("\n", allow_blank=True)):
            self._out.print(Text.assemble((f"   {name if not i else '       '}", "dim"), Text("│ ", style="dim"), line))
        if more > 0:
            self._out.print(Text(f"          │ ... {more} lines more", style="dim"))

    def end(self, shown: list[Shown]) -> None:
        out = self._out
        gold, missed = sum(s.gold for s in shown), sum(len(s.missed) for s in shown)
        local = sum(s.lane == "local" for s in shown)
        right = sum(s.restored_ok for s in shown)
        out.print(Text("── In all", style="bold"))
        out.print(
            f"   {len(shown)} requests, {local} answered on this machine; {gold - missed} of {gold} gold spans kept back; "
            f"{right} of {len(shown)} answers right;"
        )
        out.print(
            f"   ${sum(s.cost_usd for s in shown):.6f} by the ledger"
            + (" (of the simulated host)." if self._host == "rehearsal" else ".")
        )
        if missed:
            out.print(
                "   A missed span is one that no detector knows yet; it left as it was. `localrouter explain --dry-run FILE` shows yours."
            )
        out.print()
        if self._local is None:
            out.print(
                "   No local model was used. To have easy prompts answered on this machine, fetch one (1.1 GB) and pass it:"
            )
            out.print(f"     {GET_A_MODEL}")
            out.print("     localrouter demo --local chat.gguf")
        out.print("   To use it: `localrouter up`, then point your editor at the address that it prints.")


def _clean(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
