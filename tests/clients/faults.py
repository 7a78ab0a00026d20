"""A failing host seen through real clients: how often it is asked, whether the client ends, and what it says. Run by `make test-clients`.

What each client asked and heard, with times, is left in build/faults, a file a run.
"""

from __future__ import annotations

import re

import pytest
from clientkit import results, task
from clientkit.gateway import AGAIN, ATTEMPTS
from clientkit.host import FAULTS, SILENCE_S, Fault
from clientkit.programs import Program
from clientkit.stand import Result, Stands
from clientkit.tap import turn_of

pytest_plugins = ["clientkit.fixtures"]
pytestmark = [pytest.mark.clients, pytest.mark.timeout(1500)]
LIMIT_S = 150.0
SILENT_S = {"silent": 3 * SILENCE_S, "mute": SILENCE_S}
"""More time for a client whose host says nothing: Claude Code waits a second time, without a stream."""
HEARD_S = 25.0
"""Signs of life: 20 s before the first, then 10 s (daemon/reply.py), and some for a busy machine."""
READABLE = re.compile(
    r"(?i)simulated|overload|rate.?limit|limiting|too (long|many)|context|exceed|broke|ended|closed|error|unavailable|no answer|silent|failed|did not start"
)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(stands: Stands, program: Program, fault: Fault) -> None:
    name = program.__name__.rpartition(".")[2]  # type: ignore[attr-defined]
    limit = LIMIT_S + SILENT_S.get(fault, 0)
    seen = stands.through(program, program.WIRE, fault, limit)
    results.note(name, fault, summary(seen))
    results.keep(f"{name}-{fault}", seen)
    whole = seen.outcome.said
    assert seen.calls, f"the fault was not met\n{seen}"
    again = {turn: count for turn, count in seen.tries().items() if count > allowed(seen, turn, fault)}
    assert not again, f"{again} asked more than the recipe allows\n{seen}"
    assert not seen.leaked()
    assert whole.count("I read the notes first.") <= 1 or fault not in ("drop", "error-mid", "mute"), (
        f"text is said twice\n{seen}"
    )
    silences = [h.silence for h in seen.asked if _streams(h.body)]
    assert max(silences, default=0.0) < HEARD_S, f"silent for {max(silences):.0f} s\n{seen}"
    assert seen.outcome.rc is not None, f"the client does not end\n{seen}"
    assert READABLE.search(whole) or task.DONE in whole, f"nothing that a person could read\n{seen}"


def summary(seen: Result) -> str:
    """The most calls of one turn that reached the host, of how many that the client made, and how it ended."""
    end = "finishes the task" if seen.report else "ends"
    when = f"{end} after {seen.outcome.seconds:.0f} s" if seen.outcome.rc is not None else "**does not end**"
    return f"{max(seen.tries().values(), default=0)} ({len(seen.asked)}), {when}"


def _streams(body: bytes) -> bool:
    return b'"stream":true' in body.replace(b" ", b"")


CHANCE = ("500", "drop", "no-terminal", "error-mid")
"""Faults that may not come again. In a stream all but the status come after the first words, which nobody may say twice."""


def allowed(seen: Result, turn: str, fault: Fault) -> int:
    """Tries of one turn: the recipe's, over all that the client repeats. As many more for a client that asks again without a stream when
    its stream broke: it has half an answer that nobody may continue, and asks another question."""
    forms = {_streams(e.body) for e in seen.calls if turn_of(e.body) == turn}
    return sum(ATTEMPTS * (AGAIN if fault == "500" or (fault in CHANCE and not streamed) else 1) for streamed in forms)


def test_table() -> None:
    """The last of this file: what was seen goes into the README."""
    results.to_readme()
