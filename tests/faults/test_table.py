"""Every fault of the table, at every place, for a chat client and a chat host (harness.py).

pytest tests/faults/test_table.py     all 56 faults, with one target and with two
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import harness
import pytest
from harness import Case, Run
from table import OWN, TABLE

pytestmark = pytest.mark.timeout(1200)
CASES = harness.cases()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield from harness.ran(tmp_path_factory.mktemp("faults"), CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.model)
def test_one_target(run: Run, case: Case) -> None:
    harness.one_target(run, case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.model)
def test_two_targets(run: Run, case: Case) -> None:
    harness.two_targets(run, case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.model)
def test_the_breaker(run: Run, case: Case) -> None:
    harness.the_breaker(run, case)


def test_memory_is_bounded_and_no_redirect_was_followed(run: Run) -> None:
    harness.bounded(run)


def test_the_words_of_two_answers_are_never_mixed(run: Run) -> None:
    harness.never_mixed(run)


def test_the_table_is_whole() -> None:
    assert len(TABLE) == 56 and len(CASES) == 110
    assert not [n for n, count in Counter(f.name for f in (*TABLE, *OWN)).items() if count > 1]
