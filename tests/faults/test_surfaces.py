"""The table of faults for clients of Messages and of Responses, and for hosts of those wires (harness.py, table.py).

The two that stay in their dialect run every fault but the slowest one. Of the six that cross, the default run takes three, and what is told in
the host's own words (`SOME`); the long one is the rest.

    pytest tests/faults/test_surfaces.py
    pytest -m long -s tests/faults/test_surfaces.py     the rest: with both, all eight pairs and every fault
"""

from __future__ import annotations

from collections.abc import Iterator

import harness
import pytest
from harness import Case, Run
from table import OWN, TABLE
from wires import Name

pytestmark = pytest.mark.timeout(1200)

SAME: list[tuple[Name, Name]] = [("messages", "messages"), ("responses", "responses")]
CROSSING: list[tuple[Name, Name]] = [("messages", "chat"), ("responses", "messages"), ("chat", "responses")]
"""Each API once as the client's and once as the host's."""
TURNED: list[tuple[Name, Name]] = [(b, a) for a, b in CROSSING]
NAMES = frozenset(
    [
        "401",
        "404",
        "429-2",
        "529",
        "500",
        "200-error",
        "fin",
        "no-done",
        "bad-json",
        "error-event",
        "tool-cut",
        "usage-absent",
        "two-roles",
    ]
)
SOME = tuple(f for f in (*TABLE, *OWN) if f.name in NAMES or (f in OWN and f.name != "pings"))


REST = tuple(f for f in (*TABLE, *OWN) if f not in SOME)
SLOW = tuple(f for f in TABLE if f.name == "empties")
QUICK = tuple(f for f in (*TABLE, *OWN) if f not in SLOW)
GROUPS: dict[str, list[Case]] = {
    **{f"{a}-over-{b}": harness.cases(a, b, QUICK) for a, b in SAME},
    **{f"{a}-over-{b}-rest": harness.cases(a, b, SLOW) for a, b in SAME},
    **{f"{a}-over-{b}": harness.cases(a, b, SOME) for a, b in CROSSING},
    **{f"{a}-over-{b}-rest": harness.cases(a, b, REST) for a, b in CROSSING},
    **{f"{a}-over-{b}-rest": harness.cases(a, b, (*TABLE, *OWN)) for a, b in TURNED},
}


def _marks(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.long] if name.endswith("rest") else []


CASES = [pytest.param(name, c, id=f"{name}-{c.model}", marks=_marks(name)) for name, group in GROUPS.items() for c in group]


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield from harness.ran(tmp_path_factory.mktemp("faults"), GROUPS[request.param])


@pytest.mark.parametrize(("run", "case"), CASES, indirect=["run"], scope="module")
def test_one_target(run: Run, case: Case) -> None:
    harness.one_target(run, case)


@pytest.mark.parametrize(("run", "case"), CASES, indirect=["run"], scope="module")
def test_two_targets(run: Run, case: Case) -> None:
    harness.two_targets(run, case)


@pytest.mark.parametrize(("run", "case"), CASES, indirect=["run"], scope="module")
def test_the_breaker(run: Run, case: Case) -> None:
    harness.the_breaker(run, case)


@pytest.mark.parametrize("run", [pytest.param(n, id=n, marks=_marks(n)) for n in GROUPS], indirect=True, scope="module")
def test_memory_is_bounded_and_no_answer_is_mixed(run: Run) -> None:
    harness.bounded(run)
    harness.never_mixed(run)


def test_every_fault_stands_before_every_client_and_every_wire() -> None:
    told = {(c.client, c.wire, c.model) for group in GROUPS.values() for c in group}
    assert len(told) == sum(map(len, GROUPS.values())) == sum(len(harness.cases(a, b)) for a, b in (*SAME, *CROSSING, *TURNED))
