"""A failing host seen through real clients: how often it is asked, whether the client ends, and what it says. Run by `make test-clients`."""

from __future__ import annotations

import json
import re

import pytest
from clientkit import results, task
from clientkit.host import FAULTS, SILENCE_S, Fault
from clientkit.programs import Program
from clientkit.stand import Stands

pytest_plugins = ["clientkit.fixtures"]
pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]
LIMIT_S = 100.0
WINDOW_S = 20.0
"""A repeat within this time of a failure is answered without asking the host again (daemon/coalescing.py)."""
READABLE = re.compile(
    r"(?i)simulated|overload|rate.?limit|too (long|many)|context|exceed|broke|ended|closed|error|unavailable|no answer|silent"
)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(stands: Stands, program: Program, fault: Fault) -> None:
    name = program.__name__.rpartition(".")[2]  # type: ignore[attr-defined]
    seen = stands.through(program, program.WIRE, fault, LIMIT_S + (SILENCE_S if fault == "silent" else 0))
    asked = len(seen.mains)
    ended = "ends" if seen.outcome.rc is not None else f"goes on after {LIMIT_S:.0f} s"
    results.note(name, fault, f"{asked}, {ended}")
    whole = seen.outcome.said
    # A call that was given up after some minutes of silence may be asked again; whatever comes sooner is a repeat.
    allowed = 2 if fault == "silent" else 1
    parts = len({json.dumps(json.loads(e.body), sort_keys=True) for e in seen.mains})
    asked_again = asked - parts
    assert asked >= 1, f"the fault was not met\n{seen}"
    assert asked_again < allowed + seen.outcome.seconds / WINDOW_S, f"{asked} calls, {parts} different\n{seen}"
    assert not seen.leaked()
    assert whole.count("I read the notes first.") <= 1 or fault not in ("drop", "error-mid"), f"text is said twice\n{seen}"
    assert seen.outcome.rc is not None, f"the client does not end\n{seen}"
    assert READABLE.search(whole) or task.DONE in whole, f"nothing that a person could read\n{seen}"


def test_table() -> None:
    """The last of this file: what was seen goes into the README."""
    results.to_readme()
