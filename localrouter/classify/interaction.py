"""How long somebody waits for the answer: a keystroke, a person, nobody, nobody today (DESIGN section 5)."""

from __future__ import annotations

from localrouter.core.ask import Ask
from localrouter.core.words import Interaction, Task


def interaction(ask: Ask, task: Task) -> tuple[Interaction, dict[Interaction, float]]:
    """(the interaction, the share of each). What the client says of itself decides; then the surface; a client's own chores (a title, a
    summary) wait for nobody. A probe of one token is answered to somebody who waits."""
    said = ask.hints.interaction
    if said:
        return said, {said: 1.0}
    if ask.needs.fim or ask.endpoint.endswith("/infill"):
        return "autocomplete", {"autocomplete": 1.0}
    if task == "autocomplete" and ask.max_output is not None and ask.max_output <= 256 and not ask.needs.tools:
        return "autocomplete", {"autocomplete": 0.7, "interactive": 0.3}
    if ask.hints.cheap and ask.max_output != 1:
        return "background", {"background": 0.9, "interactive": 0.1}
    if ask.hints.agent:
        # A sub-agent's steps are read by an agent, but at the end of its chain a person waits.
        return "interactive", {"interactive": 0.6, "background": 0.4}
    return "interactive", {"interactive": 0.9, "background": 0.1}
