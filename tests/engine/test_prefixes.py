"""The books of what lies in the memory: exact counts of shared cells, longest prefixes, the oldest goes first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.engine.prefixes import Match, Prefixes, common


def t(*tokens: int) -> np.ndarray:
    return np.array(tokens, np.int32)


def test_common() -> None:
    assert common(t(1, 2, 3), t(1, 2, 4, 5)) == 2
    assert common(t(1, 2), t(1, 2, 3)) == common(t(1, 2, 3), t(1, 2)) == 2
    assert common(t(), t(1)) == 0 and common(t(9), t(1)) == 0


def test_longest_prefix_over_all_sequences() -> None:
    p = Prefixes(100, 4)
    a, b = p.claim(), p.claim()
    assert (a, b) == (0, 1)
    p.extend(0, t(1, 2, 3, 4))
    p.extend(1, t(1, 2, 9))
    assert p.match(t(1, 2, 3, 7)) == Match(0, 3)
    assert p.match(t(1, 2, 9, 9)) == Match(1, 3)
    assert p.match(t(5)) == Match(-1, 0)
    assert p.match(t(1, 2, 3, 7), whole=True) == Match(-1, 0), "memory that cannot be cut gives no part of a sequence"
    assert p.match(t(1, 2, 9, 9), whole=True) == Match(1, 3)


def test_an_idle_sequence_is_preferred_then_the_last_used() -> None:
    p = Prefixes(100, 4)
    for tokens in ((1, 2), (1, 2, 5), (1, 2, 6)):
        p.extend(p.claim(), t(*tokens))  # type: ignore[arg-type]
    assert p.release(1) == [] and p.match(t(1, 2, 7)).seq == 1
    assert p.release(2) == [] and p.match(t(1, 2, 7)).seq == 2
    assert p.oldest() == 1 and p.oldest(but=1) == 2


def test_copies_share_cells() -> None:
    p = Prefixes(10, 4)
    p.claim(), p.claim()
    p.extend(0, t(1, 2, 3, 4, 5, 6))
    p.copy(0, 1, 4)
    assert p.free == 4 and list(p.tokens(1)) == [1, 2, 3, 4]
    p.extend(1, t(7, 8))
    assert p.free == 2 and p.pinned() == 8
    p.drop(0)
    assert p.free == 4, "the four shared cells stay with the copy"
    p.cut(1, 0)
    assert p.free == 10
    with pytest.raises(ValueError, match="11 tokens do not fit into 10"):
        p.extend(1, np.zeros(11, np.int32))


def test_idle_sequences_that_lie_in_another_are_forgotten() -> None:
    p = Prefixes(100, 4)
    for tokens in ((1, 2), (1, 2, 3), (9,)):
        p.extend(p.claim(), t(*tokens))  # type: ignore[arg-type]
    assert p.release(0) == [] and p.release(2) == []
    assert p.release(1) == [0] and p.claim() == 0
    p.extend(0, t(1, 2))
    assert p.release(0) == [0], "the shorter one comes later: it is the one that goes"
    assert p.match(t(1, 2, 3, 4)) == Match(1, 3)
    empty = p.claim()
    assert empty is not None and p.release(empty) == [empty]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 12)), max_size=60))
def test_counts_are_exact(moves: list[tuple[int, int, int]]) -> None:
    """Beside a plain model of the same: each sequence a list of (token, cell) with cells from a set."""
    p, cells, serial = Prefixes(24, 4), 24, 0
    plain: dict[int, list[tuple[int, int]]] = {}
    for move, seq, n in moves:
        if move == 0 and (got := p.claim()) is not None:
            assert got not in plain
            plain[got] = []
        elif move == 1 and seq in plain:
            new = [(serial + i, serial + i) for i in range(n)]
            serial += n
            if n <= p.free:
                p.extend(seq, [a for a, _ in new])
                plain[seq] += new
        elif move == 2 and seq in plain:
            p.cut(seq, min(n, len(plain[seq])))
            plain[seq] = plain[seq][:n]
        elif move == 3 and seq in plain:
            for target, own in plain.items():
                if not own and target != seq:
                    k = min(n, len(plain[seq]))
                    p.copy(seq, target, k)
                    plain[target] = plain[seq][:k]
                    break
        elif move == 4 and seq in plain:
            p.drop(seq)
            del plain[seq]
        used = {c for own in plain.values() for _, c in own}
        assert p.free == cells - len(used)
        for s, own in plain.items():
            assert list(p.tokens(s)) == [a for a, _ in own]
        assert p.pinned() == len(used) and p.kept == 0
