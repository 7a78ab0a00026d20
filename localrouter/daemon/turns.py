"""What is remembered of each conversation's last turn: who answered it, by which route, and what its host's prompt cache holds now.

In memory only, bounded; after a restart a conversation begins anew. Prompt caches, as their hosts describe them: OpenAI's holds prompts of 1 024
tokens and more by itself, for 5 to 10 minutes without use (API guide, "Prompt caching"); Anthropic's holds what a request marks, for 5 minutes from
its last use or an hour where that was asked for (API guide, "Prompt caching"). What hosts report of each turn (tokens read from the cache and
written to it) says whether it works for this conversation.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from dataclasses import dataclass

from localrouter.core.ask import Ask
from localrouter.core.loops import rounds
from localrouter.core.money import Usage
from localrouter.core.recipe import Recipe
from localrouter.core.standing import Warm

SESSIONS = 10_000
"""Conversations that are remembered; the oldest is forgotten first."""
REQUESTS = 2048
"""Different requests that are counted where a recipe limits repeats."""
CACHED_S, CACHED_LONG_S = 300.0, 3600.0
"""How long a prompt cache holds what nobody asks for again."""
LEAST = 1024
"""Tokens of a prompt that a host caches by itself."""
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """The last one. Tokens; `hits`: turns at this model in which something was read from the cache, of `turns`."""

    model: str
    asked: str
    route: str
    at: float
    prompt: int = 0
    output: int = 0
    written: int = 0
    hour: bool = False
    hits: int = 0
    turns: int = 1


NONE = Turn("", "", "", 0.0)


class Turns:
    """By (who, conversation, sub-agent). Times are seconds of one clock, handed in."""

    def __init__(self) -> None:
        self._turns: OrderedDict[tuple[str, str, str], Turn] = OrderedDict()
        self._asked: OrderedDict[bytes, deque[float]] = OrderedDict()
        self._calls: OrderedDict[tuple[str, str], deque[tuple[float, int]]] = OrderedDict()

    def served(self, ask: Ask, model: str, route: str, usage: Usage, now: float) -> None:
        """`model` answered this turn; the next one of the same conversation (a sub-agent's is its own) may go on there."""
        if ask.hints.cheap or not ask.session:
            return
        key = (ask.who, ask.session, ask.hints.agent)
        before = self._turns.pop(key, NONE)
        same = before.model == model
        self._turns[key] = Turn(
            model,
            ask.model,
            route,
            now,
            usage.prompt,
            usage.output,
            usage.cache_write + usage.cache_write_1h,
            usage.cache_write_1h > 0 or (same and before.hour and usage.cache_read > 0),
            (before.hits if same else 0) + (usage.cache_read > 0),
            (before.turns if same else 0) + (usage.prompt >= LEAST),
        )
        while len(self._turns) > SESSIONS:
            self._turns.popitem(last=False)

    def last(self, ask: Ask) -> Turn:
        """The last turn of the request's conversation; NONE without one."""
        return self._turns.get((ask.who, ask.session, ask.hints.agent), NONE)

    def going_round(self, ask: Ask, recipe: Recipe, now: float, *, counted: bool) -> tuple[int, int]:
        """(rounds, repeats) of core/standing.Standing; 0 where the recipe sets no limit. `counted`: the request is one of the repeats."""
        loop = recipe.loop
        same_calls = rounds(ask, loop.same_calls + 1) if loop.same_calls and ask.needs.tools else 0
        return same_calls, self._repeats(ask, now, counted) if loop.same_requests else 0

    def called(self, who: str, route: str, calls: int, now: float) -> None:
        """An answer of this route called so many tools."""
        if calls:
            times = self._calls.setdefault((who, route), deque())
            times.append((now, calls))
            self._calls.move_to_end((who, route))
            while len(self._calls) > SESSIONS:
                self._calls.popitem(last=False)

    def tool_calls(self, who: str, recipe: Recipe, now: float) -> dict[str, int]:
        """Of the last minute, by route, for the routes that limit them."""
        out: dict[str, int] = {}
        for route in recipe.route:
            if route.tools is None or route.tools.max_calls_per_minute is None:
                continue
            times = self._calls.get((who, route.name), deque())
            while times and now - times[0][0] > MINUTE_S:
                times.popleft()
            if times:
                out[route.name] = sum(calls for _, calls in times)
        return out

    def _repeats(self, ask: Ask, now: float, counted: bool) -> int:
        mark = hashlib.blake2b(digest_size=16)
        for text in (ask.who, ask.dialect, ask.model, *(leaf.text for leaf in ask.leaves)):
            mark.update(text.encode("utf-8", "surrogatepass") + b"\0")
        times = self._asked.pop(mark.digest(), None) or deque(maxlen=100_001)
        while times and now - times[0] > MINUTE_S:
            times.popleft()
        if not counted:
            return len(times) + 1
        times.append(now)
        self._asked[mark.digest()] = times
        while len(self._asked) > REQUESTS:
            self._asked.popitem(last=False)
        return len(times)


def warm(turn: Turn, now: float) -> Warm | None:
    """What the prompt cache of the turn's host holds by now. None: its host reported no usage."""
    if not turn.model or not turn.prompt:
        return None
    cold = now - turn.at > (CACHED_LONG_S if turn.hour else CACHED_S)
    # The first turn is never a hit. A host that reported none in two turns has no cache for this conversation, unless it is being written.
    works = turn.hits > 0 or turn.written > 0 or (turn.turns == 1 and turn.prompt >= LEAST)
    return Warm(0 if cold or not works else turn.prompt, turn.prompt, turn.output, turn.hits > 0)
