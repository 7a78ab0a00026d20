"""How many tools a user's models may call in a minute (`[route.tools] max_calls_per_minute`): beyond it nothing more is spent until it is over."""

from __future__ import annotations

from localrouter.core.decide import Candidate, Drop, View
from localrouter.core.tool_rules import MINUTE_S

NAME, ORDER = "tool_rate", 6


def applies(view: View) -> bool:
    """Whether the route has such a limit and it is reached."""
    return _why(view) is not None


def check(candidate: Candidate, view: View) -> Candidate | Drop:
    """Drop every candidate: who answers makes no difference."""
    return _why(view) or candidate


def _why(view: View) -> Drop | None:
    rules = view.route.tools
    most = rules.max_calls_per_minute if rules is not None else None
    made = view.standing.tool_calls.get(view.route.name, 0)
    if most is None or made < most or not view.ask.needs.tools:
        return None
    return Drop(
        "tool_rate",
        f"The models called {made} tools in the last {MINUTE_S:.0f} seconds, and route '{view.route.name}' allows {most}.",
        "Wait a minute, or raise [route.tools] max_calls_per_minute.",
    )
