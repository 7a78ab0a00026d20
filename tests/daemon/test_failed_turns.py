"""Which repeats of a failed turn are a client's own. The rhythms are those of the clients' sources, and of runs."""

from __future__ import annotations

import random

import pytest

from localrouter.core.errors import HostRateLimited, HostRejected, HostTruncated, RouterError
from localrouter.daemon.failed_turns import FAILURES, FIRST_NAMED_S, FIRST_S, FailedTurns, Failure


def repeats_at(pauses: list[float], *, sure: bool = False, named: bool = False, error: RouterError | None = None) -> list[bool]:
    """Whether each repeat, after these pauses in seconds, is taken for the client's own."""
    failure, now, out = Failure(error or HostTruncated("It broke off.", "Ask again."), "lr-1", 0.0, 0.0), 0.0, []
    failure.first = FIRST_NAMED_S if named else FIRST_S
    for pause in pauses:
        now += pause
        out.append(failure.repeats(now, sure=sure))
        failure.tell(now)
    return out


def backoff(base: float, factor: float, count: int, cap: float, spread: tuple[float, float], seed: int) -> list[float]:
    chance = random.Random(seed)
    return [min(cap, base * factor**n) * chance.uniform(*spread) for n in range(count)]


@pytest.mark.parametrize("seed", range(50))
def test_the_back_off_of_every_client_is_its_own(seed: int) -> None:
    assert all(repeats_at(backoff(1, 1.6, 10, 30, (0.5, 1.0), seed))), "cn"
    assert all(repeats_at(backoff(2, 2, 5, 64, (1.0, 1.25), seed), named=True)), "opencode"
    assert all(repeats_at([5.7, 4.6, 9.1, 17.0, 40.2], named=True)), "opencode on a busy machine, seen"
    assert all(repeats_at(backoff(0.25, 2, 8, 60, (1.0, 1.1), seed))), "aider"
    assert all(repeats_at(backoff(2, 2, 2, 60, (1.0, 1.2), seed))), "AI SDK"
    assert all(repeats_at(backoff(0.2, 2, 5, 60, (0.9, 1.1), seed) * 6)), "Codex"
    assert all(repeats_at(backoff(0.5, 2, 2, 8, (0.75, 1.0), seed), sure=True)), "SDKs"


def test_a_person_who_asks_again_is_asked_for() -> None:
    """After reading, whatever went before: a try of theirs, or their client's own repeats."""
    assert repeats_at([4.5]) == [False] and repeats_at([15.0]) == [False]
    assert repeats_at([1.0, 1.0, 1.0, 6.0])[-1] is False
    assert repeats_at([0.5, 1.6, 2.5, 12.0])[-1] is False
    assert repeats_at([10.5], named=True) == [False]
    assert repeats_at([3.0] * 51)[-2:] == [True, False], "never for longer than RUN_S"
    assert repeats_at([3.0] * 51, sure=True)[-1] is False


def test_a_host_that_names_its_time_is_asked_when_it_is_over() -> None:
    slow = HostRateLimited("Slow down.", "Wait.", retry_after=30)
    assert repeats_at([1.0, 2.0, 26.0, 1.5], error=slow) == [True, True, False, False]
    # One second is no more than a client's own pause.
    assert repeats_at([1.2] * 5, error=HostRateLimited("Slow down.", "Wait.", retry_after=1)) == [True] * 5


def test_who_asks_too_soon_is_told_how_long_to_wait() -> None:
    failure = Failure(HostTruncated("It broke off.", "Ask again."), "lr-1", 0.0, 0.0)
    failure.tell(2.0)
    assert failure.again().text == (
        "It broke off. Ask again."
        " The host was not asked again, since a program seems to repeat by itself; wait 7 seconds to ask anew."
    )
    assert failure.repeats(8.9, sure=False) and not failure.repeats(9.1, sure=False), "as it says"
    final = Failure(HostRejected("Too long.", "Shorten it."), "lr-1", 0.0, 0.0)
    final.tell(2.0)
    assert final.again().text == "Too long. Shorten it.", "asking again would not help"


def test_only_so_many_are_kept() -> None:
    turns = FailedTurns()
    for n in range(FAILURES + 1):
        turns.keep(str(n).encode(), HostTruncated("It broke off."), f"lr-{n}")
    assert turns.repeat(b"0") is None
    found = turns.repeat(b"1")
    assert found is not None and found.request_id == "lr-1"
