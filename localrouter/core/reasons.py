"""Why a route took a request, in words: the conditions of its match, each with what held. What the client wrote is never quoted: a header, a
path or a project may be anybody's name. The patterns are the recipe's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localrouter.core.kinds import DataClass
from localrouter.core.match import needed
from localrouter.core.plan import View
from localrouter.core.words import Domain, Interaction, Need, Task

TASKS: dict[Task, str] = {
    "chat": "a question",
    "code": "a question about code",
    "code_edit": "an edit of code",
    "autocomplete": "a completion",
    "summarise": "a summary",
    "extract": "an extraction",
    "classify": "a classification",
    "translate": "a translation",
    "math": "a calculation",
    "rag_qa": "a question about given text",
    "agent_step": "a step of an agent",
}
DOMAINS: dict[Domain, str] = {
    "general": "no domain of special risk",
    "medical": "medicine",
    "legal": "law",
    "financial": "money",
    "employment": "employment",
    "security": "security",
}
HURRY: dict[Interaction, str] = {
    "autocomplete": "it is completed as one types",
    "interactive": "a person waits for it",
    "background": "nobody waits for it",
    "batch": "it is part of a batch",
}
NEEDS: dict[Need, str] = {
    "tools": "tools",
    "json_schema": "an answer in a given form",
    "vision": "a model that sees pictures",
    "audio": "a model that hears",
    "fim": "a model that fills gaps",
    "reasoning": "a model that reasons",
    "long_context": "a model that reads much",
}
DATA: dict[DataClass, str] = {
    "public": "nothing in it is private",
    "internal": "it names this machine or its user",
    "personal": "it counts as personal",
    "regulated": "it counts as regulated",
    "secret": "it counts as secret",
    "unreadable": "a part of it cannot be read",
}


def _hours(view: View, value: Any) -> str:
    minute = view.standing.minute
    return f"it came at {minute // 60:02d}:{minute % 60:02d}, within {' or '.join(value)}"


_SAYS: dict[str, Callable[[Any, View], str]] = {
    "task": lambda v, w: f"it is {TASKS[w.signals.task]}",
    "domain": lambda v, w: f"it is about {DOMAINS[w.signals.domain]}",
    "risk": lambda v, w: f"the risk of a wrong answer is {w.signals.risk}",
    "interaction": lambda v, w: HURRY[w.signals.interaction],
    "language": lambda v, w: f"it is written in the language '{w.signals.language}'",
    "difficulty_below": lambda v, w: f"it looks easy enough (difficulty {w.signals.difficulty:.2f}, below {v:g})",
    "difficulty_from": lambda v, w: f"it looks hard (difficulty {w.signals.difficulty:.2f}, at least {v:g})",
    "injection_from": lambda v, w: "it looks as if it would trick the model",
    "data_class": lambda v, w: DATA[w.signals.data_class],
    "needs": lambda v, w: (
        f"it needs {' and '.join(words for need, words in NEEDS.items() if need in v and need in needed(w.ask))}"
    ),
    "tools": lambda v, w: "it brings tools" if v else "it brings no tools",
    "cheap": lambda v, w: "it is a chore of the client" if v else "it is no chore of the client",
    "model": lambda v, w: "of the model that was asked for",
    "surface": lambda v, w: "of the API that it came by",
    "endpoint": lambda v, w: "of the address that it came to",
    "user": lambda v, w: "of who asks",
    "tier": lambda v, w: "of the tier of who asks",
    "project": lambda v, w: "of the project that it is for",
    "tags": lambda v, w: "of its tags",
    "path": lambda v, w: "of the folder that it works on",
    "headers": lambda v, w: f"of what the client says in {', '.join(v)}",
    "size_below": lambda v, w: f"it is short ({w.ask.size:,} bytes)",
    "size_from": lambda v, w: f"it is long ({w.ask.size:,} bytes)",
    "hours": lambda v, w: _hours(w, v),
}
"""What follows `because`."""


def because(view: View) -> str:
    """A clause after the route's name: why it took the request. Of one without a condition: that no route before it did."""
    rule = view.recipe.domains.get(view.signals.domain)
    if rule is not None and rule.route == view.route.name and rule.holds(view.signals):
        return "because its domain requires it"
    reasons = [_SAYS[key](value, view) for key, value in view.route.match.conditions]
    if reasons:
        return f"because {' and because '.join(reasons)}"
    first = bool(view.recipe.route) and view.recipe.route[0].name == view.route.name
    return "which takes every request" if first else "which takes what no route before it takes"
