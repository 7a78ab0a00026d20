"""A decision in words: one paragraph that a person understands. Before a request is sent it is all that can be said (`sentence`); what came of it
is told with the same clauses (daemon/explained.py)."""

from __future__ import annotations

from collections.abc import Sequence

from localrouter.core.found_words import listed
from localrouter.core.kinds import DataClass, kind
from localrouter.core.plan import Attempt, View, Weighed
from localrouter.core.reasons import DOMAINS as DOMAINS
from localrouter.core.reasons import TASKS as TASKS
from localrouter.core.reasons import because
from localrouter.core.signals import Signals
from localrouter.core.staying import STAYS
from localrouter.core.virtual import choice

CLASSES: dict[DataClass, str] = {
    "public": "nothing private was found",
    "internal": "it names this machine or its user",
    "personal": "it holds personal data",
    "regulated": "it holds regulated data",
    "secret": "it holds a secret",
    "unreadable": "a part of it cannot be read",
}
BEFORE: dict[DataClass, str] = {
    "internal": "its conversation named this machine or its user before",
    "personal": "its conversation held personal data before",
    "regulated": "its conversation held regulated data before",
    "secret": "its conversation held a secret before",
    "unreadable": "its conversation had a part before that cannot be read",
}
"""Of a class that a conversation has from an earlier turn."""
SHOWN = 4
"""Candidates that the paragraph names; the table has all."""


def first_sentence(why: str) -> str:
    """What to do about a dropped candidate stands in the list of candidates."""
    return why.split(". ")[0].rstrip(".")


def sentence(view: View, attempts: Sequence[Attempt], weighed: Sequence[Weighed], domain: str = "") -> str:
    """Where the request goes, why, what was left out, and what comes next. `domain`: what a rule of its domain asks for."""
    first = attempts[0]
    changed = ", with private values replaced," if replaces(view) else ""
    where = "Stays on this machine" if first.lane == "local" else f"Goes to {first.id}{changed}"
    parts = [f"{where} {by_route(view)}: {described(view.signals)}.", *reasons(view, first.id, weighed, domain)]
    if len(attempts) > 1:
        own = bool(view.route.fallback.root)
        parts.append(
            f"If it fails before its first word, {'its route says what is next' if own else f'{attempts[1].id} is next'}."
        )
    return " ".join(parts)


def by_route(view: View) -> str:
    """Who decided, and why it was that one."""
    return f"by {route_of(view)}"


def route_of(view: View) -> str:
    """Its name, and why it took the request."""
    return f"route '{view.route.name}' of recipe '{view.recipe.name}', {because(view)}"


def replaces(view: View) -> bool:
    """Whether a value was found of a class that the recipe does not let pass as it is."""
    return any(n and view.recipe.rule(kind(name).data_class).values != "pass" for name, n in view.signals.findings.items())


def described(signals: Signals) -> str:
    """What is asked, and what is private in it."""
    what = "a chore of the client" if signals.cheap else TASKS[signals.task]
    return f"{what}; {holds(signals)}"


def holds(signals: Signals) -> str:
    """What was found, by its class: in this request, or in an earlier one of its conversation."""
    name, found = signals.data_class, listed(signals.findings)
    if name == "public":
        return f"{CLASSES[name]} ({found}: not private under this recipe)" if found else CLASSES[name]
    here = (
        bool(signals.unread)
        if name == "unreadable"
        else any(kind(t).data_class == name for t, n in signals.findings.items() if n)
    )
    said = CLASSES[name] if here else BEFORE[name]
    if not found:
        return said
    return f"{said} ({found})" if here and name != "unreadable" else f"{said}, and it holds {found}"


def reasons(view: View, asked: str, weighed: Sequence[Weighed], domain: str = "") -> list[str]:
    """Sentences: what its domain asks for, why this model (`asked`: who is asked first), who was left out, who comes later."""
    return [s for s in (domain, *_model(view, asked, weighed), *_others(weighed)) if s]


def _model(view: View, asked: str, weighed: Sequence[Weighed]) -> list[str]:
    """What the conversation and the client's own word say of the model."""
    out = []
    why = next((w.why for w in weighed if w.model == asked and w.kept), "")
    if view.standing.served == asked and STAYS in why:
        out.append(f"{asked} answered this conversation before, so it goes on.")
    elif " answered before" in why or "goes up from" in why:
        out.append(f"The model changes: {why.split('; ', 1)[-1]}.")
    elif view.ask.model and (named := view.standing.catalogue.find(view.ask.model)) is not None and named.id == asked:
        out.append(f"The client asked for {asked} itself.")
    return out


def _inside(why: str) -> str:
    """As it stands in brackets."""
    said = first_sentence(why)
    return said[0].lower() + said[1:] if said.startswith(("The ", "No ", "It ")) else said


def _others(weighed: Sequence[Weighed]) -> list[str]:
    out = []
    skipped = [w for w in weighed if not w.kept]
    if skipped:
        more = f" and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        out.append("Not used: " + "; ".join(f"{w.model} ({_inside(w.why)})" for w in skipped[:SHOWN]) + more + ".")
    later = [w for w in weighed if w.kept and ("comes later: " in w.why or "comes last: " in w.why)]
    if later:
        out.append("Asked later: " + "; ".join(f"{w.model} ({w.why.partition(': ')[2]})" for w in later[:SHOWN]) + ".")
    return out


def chosen(view: View) -> str:
    """What the recipe made of the model that the client named; "" where that stood as it was."""
    return choice(view.recipe.models, view.ask.model).why


def about(view: View) -> str:
    """What the rule of the request's risk domain does, in words; "" where none holds."""
    rule = view.recipe.domains.get(view.signals.domain)
    if rule is None or not rule.holds(view.signals):
        return ""
    does = [
        *([f"route '{rule.route}' is required"] if rule.route is not None else []),
        *(["only the models of that rule may answer"] if rule.targets is not None else []),
        *(["the answer must satisfy its contract"] if rule.contract is not None else []),
        *(["the answer is marked for review"] if rule.review else []),
    ]
    harm = {"low": "would do little harm", "elevated": "could do harm", "high": "could do great harm"}[view.signals.risk]
    asks = " and ".join(does)
    return f"It is about {DOMAINS[view.signals.domain]}, where a wrong answer {harm}{', so ' + asks if asks else ''}."
