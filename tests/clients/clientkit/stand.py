"""A client on its stand: directly before the scripted host, or with localrouter between. One daemon and one host a wire, for all clients."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clientkit import task
from clientkit.drive import Outcome, Place, run
from clientkit.gateway import Gateway, gateway
from clientkit.host import Entry, Fault, Host
from clientkit.programs import Program
from clientkit.tap import Heard, Tap, last_of, turn_of

LIMIT_S = 300.0
"""For one task; a busy machine takes a while to read a client's prompts for the first time."""
STARTS = 4
"""A scan that a busy machine did not finish in time is a refusal (nothing leaves unread). What was read is kept, so the client is started
again; what reached the host is checked of every start."""


@dataclass(frozen=True, repr=False)
class Result:
    """What one run left: the client's end, the report it wrote (None: none), what the host got, the daemon's traces, and what the client
    asked localrouter and was told."""

    outcome: Outcome
    report: str | None
    record: list[Entry]
    calls: list[Entry]
    traces: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    @property
    def mains(self) -> list[Entry]:
        """Calls that do the task; the others are titles and summaries."""
        return [e for e in self.calls if "report.md" in e.whole and '"tools"' in e.whole] or self.calls

    @property
    def asked(self) -> list[Heard]:
        """The client's own calls of a model."""
        return [h for h in self.heard if h.line.startswith("POST ") and "count_tokens" not in h.line]

    def tries(self) -> dict[str, int]:
        """How often the host was asked, turn by turn, whoever repeated it."""
        return Counter(turn_of(e.body) for e in self.calls)

    def leaked(self) -> list[str]:
        """Private values that reached the host, as they are or as JSON writes them."""
        whole = "\n".join(e.whole for e in self.record)
        forms = {value: {value, value.encode("ascii", "backslashreplace").decode()} for value in task.PRIVATE}
        return [value for value, those in forms.items() if any(form in whole for form in those)]

    def __repr__(self) -> str:
        said = f"rc {self.outcome.rc} after {self.outcome.seconds:.0f} s, {len(self.calls)} calls\n{self.outcome.said[-3000:]}"
        heard = "\n".join(map(str, self.heard))
        replies = "\n".join(f"{turn_of(e.body)[:6]} {e.path}: {last_of(e.body)} -> {e.reply[:300]}" for e in self.calls)
        traces = "\n".join(f"{t.get('session')} {t.get('status')} {t.get('error')}: {t.get('explain')}" for t in self.traces)
        return f"{said}\n--- the client asked\n{heard}\n--- the host said\n{replies}\n--- the traces say\n{traces}"


class Stands:
    """`direct` and `through` run one client once. Closed at the end of all tests."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._running: tuple[Host, Gateway] | None = None

    def close(self) -> None:
        self._open.close()

    def direct(self, program: Program, fault: Fault = "", limit: float = LIMIT_S) -> Result:
        with Host(program.script, fault) as host, self._place(program, host.root, "k-direct") as place:
            outcome = run(program.command(place), place, limit)
            return Result(outcome, _report(place), host.record, host.calls)

    def through(self, program: Program, wire: str, fault: Fault = "", limit: float = LIMIT_S) -> Result:
        """`wire`: what the host speaks that the daemon sends it to."""
        record: list[Entry] = []
        for _ in range(STARTS):
            seen = self._once(program, wire, fault, limit)
            record += seen.record
            if not any("scan did not finish" in str(t.get("explain")) for t in seen.traces):
                break
        return dataclasses.replace(seen, record=record)

    def _once(self, program: Program, wire: str, fault: Fault, limit: float) -> Result:
        host, daemon = self._pair()
        daemon.aim(wire)
        before = {t["id"] for t in daemon.traces()}
        host.app.script, host.app.fault = program.script, fault
        host.app.record.clear()
        with Tap(daemon.daemon.port) as tap, self._place(program, tap.root, daemon.token) as place:
            outcome = run(program.command(place), place, limit)
            time.sleep(1.0)  # a call that was given up is told to the host within the second
            traces = [t for t in daemon.traces() if t["id"] not in before]
            return Result(outcome, _report(place), host.record, host.calls, traces, tap.heard)

    def _pair(self) -> tuple[Host, Gateway]:
        if self._running is None:
            host = self._open.enter_context(Host(task.side))
            self._running = host, self._open.enter_context(gateway(host))
        return self._running

    @contextlib.contextmanager
    def _place(self, program: Program, root: str, key: str) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="client-", ignore_cleanup_errors=True) as name:
            # Each run is a conversation of its own, also for clients that name none: a repeat of a failed one is not asked again.
            prompt = f"{task.PROMPT} Run {time.monotonic_ns() // 1_000_000 % 100_000}."
            place = Place(root, key, program.MODEL, Path(name) / "home", Path(name) / "work", prompt)
            place.home.mkdir()
            task.prepare(place.work)
            yield place


def _report(place: Place) -> str | None:
    file = place.work / task.REPORT
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return text or None
