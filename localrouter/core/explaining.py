"""A decision in words: one paragraph that a person understands."""

from __future__ import annotations

from localrouter.core.plan import Attempt, View, Weighed
from localrouter.core.staying import STAYS
from localrouter.core.words import Domain, Task

CLASSES = {
    "public": "nothing private was found",
    "internal": "it names this machine or its user",
    "personal": "it holds personal data",
    "regulated": "it holds regulated data",
    "secret": "it holds a secret",
    "unreadable": "a part of it cannot be read",
}
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
SHOWN = 4
"""Candidates that the paragraph names; the table has all."""


def first_sentence(why: str) -> str:
    """What to do about a dropped candidate stands in the list of candidates."""
    return why.split(". ")[0].rstrip(".")


def sentence(view: View, attempts: list[Attempt], weighed: list[Weighed], domain: str = "") -> str:
    """Where the request goes, why, what was left out, and what comes next. `domain`: what a rule of its domain asks for."""
    first = attempts[0]
    found = ", ".join(f"{n} {t}" for t, n in sorted(view.signals.findings.items()))
    because = CLASSES[view.signals.data_class] + (f" ({found})" if found else "")
    skipped = [w for w in weighed if not w.kept]
    where = (
        "Answered on this machine"
        if first.lane == "local"
        else f"Sent to {first.id}, with private values replaced,"
        if found
        else f"Sent to {first.id}"
    )
    what = "a chore of the client" if view.signals.cheap else TASKS[view.signals.task]
    text = f"{where} by route '{view.route.name}' of recipe '{view.recipe.name}': {what}; {because}."
    if domain:
        text += f" {domain}"
    why = next((w.why for w in weighed if w.model == first.id), "")
    if view.standing.served == first.id and STAYS in why:
        text += f" {first.id} answered this conversation before, so it goes on."
    elif " answered before" in why or "goes up from" in why:
        text += f" The model changes: {why.split('; ', 1)[-1]}."
    if skipped:
        more = f" and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        text += " Not used: " + "; ".join(f"{w.model} ({first_sentence(w.why)})" for w in skipped[:SHOWN]) + more + "."
    later = [w for w in weighed if w.kept and ("comes later: " in w.why or "comes last: " in w.why)]
    if later:
        text += " Asked later: " + "; ".join(f"{w.model} ({w.why.partition(': ')[2]})" for w in later[:SHOWN]) + "."
    if len(attempts) > 1:
        own = bool(view.route.fallback.root)
        text += f" If it fails before its first word, {'its route says what is next' if own else f'{attempts[1].id} is next'}."
    return text
