"""Real clients, headless, each doing a task of two tool calls: directly before a scripted host, through localrouter onto a host of the
client's own wire, and onto a host of another. Run by `make test-clients`; installs the clients from npm and PyPI on its first run.
"""

from __future__ import annotations

import functools

import pytest
from clientkit import results, task
from clientkit.programs import Program
from clientkit.stand import Result, Stands

pytest_plugins = ["clientkit.fixtures"]
pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]
GOOD = "private, exact"


def _name(program: Program) -> str:
    return program.__name__.rpartition(".")[2]  # type: ignore[attr-defined]


@functools.cache
def direct(stands: Stands, program: Program) -> Result:
    return stands.direct(program)


def test_direct(stands: Stands, program: Program) -> None:
    """The control: what the client does without us, and that the task does hold the three values."""
    seen = direct(stands, program)
    results.note(_name(program), "direct", "works" if seen.report else "fails")
    assert seen.report == task.report((task.NOTES,)), str(seen)
    assert set(seen.leaked()) == set(task.PRIVATE), "the task shows the host all three values when nobody veils them"


@pytest.mark.parametrize("plane", ["same", "cross"])
def test_through(stands: Stands, program: Program, plane: str) -> None:
    seen = stands.through(program, program.WIRE if plane == "same" else program.CROSS)
    leaked, right = seen.leaked(), seen.report == direct(stands, program).report
    results.note(_name(program), plane, GOOD if not leaked and right else "**leaks**" if leaked else "**fails**")
    assert not leaked, f"{leaked} reached the host"
    assert seen.report == direct(stands, program).report, str(seen)
    assert seen.outcome.rc == 0, str(seen)
    assert len(seen.calls) == len(direct(stands, program).calls), f"as many calls as without us\n{seen}"
    assert all(t["status"] == 200 for t in seen.traces), str(seen)
    assert len({t["session"] for t in seen.traces if t["id"]}) == 1, f"one conversation is one session\n{seen}"
    if task.DONE in direct(stands, program).outcome.said:
        assert task.DONE in seen.outcome.said, str(seen)
        assert task.NAME in seen.outcome.out or task.NAME not in direct(stands, program).outcome.out, (
            "the name is restored in the answer"
        )


def test_table() -> None:
    """The last of this file: what was seen goes into the README."""
    results.to_readme()
