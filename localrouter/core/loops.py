"""Going round: how often the end of a conversation repeats itself. A poll that sees something new is no loop."""

from __future__ import annotations

from localrouter.core.ask import Ask

LAST = 512
"""Texts of calls and results, from the end, that are looked at."""
PERIOD = 8
"""Texts of calls and results that one round has at most."""


def rounds(ask: Ask, most: int) -> int:
    """How often the conversation's last calls of tools, with their results, stand there in a row; `most` is as good as more."""
    tail: list[tuple[str, str]] = []
    for leaf in reversed(ask.leaves):
        if leaf.where in ("tool_arguments", "tool_result"):
            tail.append((leaf.where, leaf.text))
            if len(tail) >= LAST:
                break
    best = 1 if tail else 0
    for period in range(2, min(PERIOD, len(tail) // 2) + 1):
        # Each round has both: what was called and what came of it.
        if len({where for where, _ in tail[:period]}) < 2:
            continue
        same = 0
        while same + period < len(tail) and tail[same] == tail[same + period] and same // period < most:
            same += 1
        best = max(best, 1 + same // period)
    return best
