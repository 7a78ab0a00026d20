"""Fixtures of the tests with clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clientkit import results
from clientkit.install import Missing
from clientkit.programs import Program, all_programs
from clientkit.stand import Stands


@pytest.fixture(scope="session")
def stands() -> Iterator[Stands]:
    made = Stands()
    yield made
    made.close()


@pytest.fixture(params=list(all_programs()))
def program(request: pytest.FixtureRequest) -> Program:
    """Installed, or the test is skipped with the reason, which the table shows too."""
    made = all_programs()[request.param]
    try:
        made.install()
    except Missing as exc:
        results.note(request.param, "missing", f"not installed: {exc}")
        pytest.skip(str(exc))
    return made
