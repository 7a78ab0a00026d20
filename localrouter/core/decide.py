"""The pure decision: `decide(ask, signals, recipe, standing, gates) -> Plan`. No clock, no sockets, no randomness.

A route is matched, its targets become candidates, each candidate passes the gates in order. A gate keeps a candidate, lowers
it, or drops it with a reason; nothing later undoes a drop. The plan carries every reason, so that it explains itself.
Gates are handed in, because this room may not import theirs; the same four inputs always give the same plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from localrouter.core.ask import Ask
from localrouter.core.catalogue import Model
from localrouter.core.errors import (
    BudgetExceeded,
    ContextTooLong,
    HostRateLimited,
    NoKey,
    NoRoute,
    PrivacyRefused,
    RouterError,
    Unsupported,
)
from localrouter.core.match import holds
from localrouter.core.money import ceiling, usd
from localrouter.core.recipe import Recipe, Route
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.virtual import AUTO as AUTO
from localrouter.core.virtual import adds_local, choice, rank, word
from localrouter.core.words import Task


@dataclass(frozen=True, slots=True)
class Candidate:
    """One target on its way through the gates. `model` is None for the local lane."""

    id: str
    lane: str
    max_output: int
    model: Model | None = None
    notes: tuple[str, ...] = ()

    @property
    def zone_is_machine(self) -> bool:
        return self.lane == "local"


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a candidate may not serve. `code` is ASCII, for headers; `why` is a sentence for people. Of a prompt that is too long
    (`context`): `limit` is what the candidate reads, `tokens` what was asked."""

    code: str
    why: str
    do: str = ""
    limit: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """All that a gate may look at."""

    ask: Ask
    signals: Signals
    recipe: Recipe
    standing: Standing
    route: Route


class Gate(Protocol):
    """One rule. `ORDER` sorts the folder; privacy comes before money, money before comfort."""

    NAME: str
    ORDER: int

    def check(self, candidate: Candidate, view: View) -> Candidate | Drop: ...


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of a candidate."""

    model: str
    kept: bool
    gate: str
    why: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: where, how long an answer at most, and the ceiling to reserve in micro-dollars (0 for the local lane)."""

    id: str
    lane: str
    max_output: int
    reserve: int
    model: Model | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision. `error` is set when no attempt is left."""

    route: str
    reason: str
    attempts: tuple[Attempt, ...]
    weighed: tuple[Weighed, ...]
    explain: str
    error: RouterError | None = None
    notes: tuple[str, ...] = ()


def _expand(route: Route, ask: Ask, standing: Standing) -> list[Candidate | Weighed]:
    out: list[Candidate | Weighed] = []
    seen: set[str] = set()

    def add(item: Candidate | Weighed) -> None:
        key = item.id if isinstance(item, Candidate) else item.model
        if key not in seen:
            seen.add(key)
            out.append(item)

    def hosted(name: str, *, asked: bool = False) -> None:
        model = standing.catalogue.find(name)
        if model is None and asked:
            # Its name is the client's text, and may be anything: plans are recorded, so it is not repeated.
            add(Weighed("asked", False, "catalogue", "the catalogue does not have the model that the client named"))
        elif model is None:
            add(Weighed(name, False, "catalogue", f"the catalogue has no model {name}"))
        else:
            add(Candidate(model.id, "hosted", ask.max_output or model.max_output, model))

    def local(target: str) -> None:
        context = standing.locals.get(target, standing.local_context)
        add(Candidate(target, "local", ask.max_output or max(256, context // 2)))

    for target in route.try_:
        if target.startswith("local:"):
            local(target)
        elif target == "asked":
            if ask.model and not word(ask.model):
                if ask.model.startswith("local"):
                    local(_local(ask.model, standing))
                else:
                    hosted(ask.model, asked=True)
        elif target.endswith("/*"):
            prefix = target[:-1]
            for model_id in sorted(standing.catalogue.models):
                if model_id.startswith(prefix):
                    hosted(model_id)
        else:
            hosted(target)
    if adds_local(ask.model):
        local("local:chat")
    return out


def _local(name: str, standing: Standing) -> str:
    """The local target that a client names."""
    return name if name in standing.locals else "local:chat"


def _ranked(items: list[Candidate | Weighed], view: View) -> list[Candidate | Weighed]:
    """In the order that the client's virtual name asks for, else in the route's."""
    ask, bound = view.ask, view.signals.prompt_bound
    if word(ask.model) not in ("cheap", "best"):
        return items
    first = [i for i in items if isinstance(i, Weighed)]
    rest = [i for i in items if isinstance(i, Candidate)]
    return [*first, *sorted(rest, key=lambda c: rank(ask.model, c.model, bound, ask.max_output, ask.n))]


STAYS = "it answered this conversation before"


def _stay(items: list[Candidate | Weighed], view: View) -> list[Candidate | Weighed]:
    """The model that served the conversation last comes first among the route's own: its host's prompt cache is warm, and what it signed is
    its own. A model that the client names itself goes before it, but for the next step of a tool loop under the same name; a chore of the
    client belongs to no conversation."""
    ask, served = view.ask, view.standing.served
    if not served or view.signals.cheap:
        return items
    named = _named(items, view)
    if named and named != served and not (view.signals.continues and ask.model == view.standing.served_asked):
        return items
    last = next((i for i in items if isinstance(i, Candidate) and i.id == served), None)
    if last is None or (last.lane == "local" and not view.signals.continues):
        return items
    return [replace(last, notes=(*last.notes, STAYS)), *(i for i in items if i is not last)]


def _shunned(items: list[Candidate | Weighed], standing: Standing) -> list[Candidate | Weighed]:
    """Models of a host that just refused our key or account come last: asked first, each request would cost a call that fails. They are
    not dropped: where there is no other, the client is told what the host says, and a key that was mended works at once."""
    if not standing.refused:
        return items
    first: list[Candidate | Weighed] = []
    last: list[Candidate | Weighed] = []
    for item in items:
        status = standing.refused.get(item.model.host) if isinstance(item, Candidate) and item.model is not None else None
        if isinstance(item, Candidate) and item.model is not None and status is not None:
            why = f"comes last: {item.model.host} refused {REFUSALS.get(status, 'us')} ({status}) a moment ago"
            last.append(replace(item, notes=(*item.notes, why)))
        else:
            first.append(item)
    return [*first, *last]


REFUSALS = {401: "the key", 402: "the account for want of payment", 403: "the key"}
"""What a host refuses by a status."""


def _named(items: Sequence[Candidate | Weighed], view: View) -> str:
    """The first candidate's name where the client's own word chose it, or ""."""
    first, name = next((i.id for i in items if isinstance(i, Candidate)), ""), view.ask.model
    if word(name) in ("cheap", "best") and name != view.standing.served_asked:
        return first  # another order than the turn before was asked for
    if not name or word(name):
        return ""
    if name.startswith("local"):
        return first if first == _local(name, view.standing) else ""
    model = view.standing.catalogue.find(name)
    return first if model is not None and model.id == first else ""


def decide(ask: Ask, signals: Signals, recipe: Recipe, standing: Standing, gates: Sequence[Gate]) -> Plan:
    """Match, expand, gate, order. Never raises for what the user may do wrong: the plan's `error` says it."""
    chosen = choice(recipe.models, ask.model)
    if chosen.why:
        ask = replace(ask, model=chosen.model)
        standing = replace(standing, served_asked=choice(recipe.models, standing.served_asked).model)
    route = next((r for r in recipe.route if holds(r.match, ask, signals, standing)), None)
    if route is None:
        error: RouterError = NoRoute(
            f"No route of the recipe '{recipe.name}' matches this request.",
            "Add a route without a match at its end; `localrouter recipe show` prints the recipe.",
        )
        return Plan("", "no_route", (), (), error.text, error)
    view = View(ask, signals, recipe, standing, route)
    ordered = sorted(gates, key=lambda g: (g.ORDER, g.NAME))
    weighed: list[Weighed] = []
    attempts: list[Attempt] = []
    drops: list[Drop] = []
    notes: list[str] = []
    for item in _shunned(_stay(_ranked(_expand(route, ask, standing), view), view), standing):
        if isinstance(item, Weighed):
            weighed.append(item)
            continue
        candidate = item
        if route.limits.output_tokens is not None:
            candidate = replace(candidate, max_output=min(candidate.max_output, route.limits.output_tokens))
        for gate in ordered:
            verdict = gate.check(candidate, view)
            if isinstance(verdict, Drop):
                drops.append(verdict)
                weighed.append(Weighed(candidate.id, False, gate.NAME, verdict.why))
                break
            candidate = verdict
        else:
            reserve = 0
            if candidate.model is not None and candidate.model.price is not None:
                host = standing.catalogue.hosts.get(candidate.model.host)
                output = max(candidate.max_output, host.least_output if host is not None else 1)
                reserve = ceiling(signals.prompt_bound, output, candidate.model.price, ask.n)
            attempts.append(Attempt(candidate.id, candidate.lane, candidate.max_output, reserve, candidate.model))
            notes.extend(candidate.notes)
            expected = f"may cost up to {usd(reserve)}" if reserve else "costs nothing"
            weighed.append(Weighed(candidate.id, True, "", "; ".join([expected, *candidate.notes])))
    if not attempts:
        error = _refusal(drops, weighed, recipe, route, standing)
        return Plan(route.name, error.code, (), tuple(weighed), error.text, error)
    reason = f"{route.name}:{attempts[0].lane}"
    if chosen.why:
        notes.insert(0, chosen.why)
    explain = f"{_sentence(view, attempts, weighed)} {chosen.why}".rstrip()
    return Plan(route.name, reason, tuple(attempts), tuple(weighed), explain, None, tuple(notes))


def _refusal(drops: list[Drop], weighed: list[Weighed], recipe: Recipe, route: Route, standing: Standing) -> RouterError:
    # The most telling drop wins: what the user's own privacy or money rules forbid, before what is merely missing.
    for code, kind in (
        ("privacy", PrivacyRefused),
        ("unreadable", Unsupported),
        ("budget", BudgetExceeded),
        ("no_price", BudgetExceeded),
        ("cooling", HostRateLimited),
        ("no_key", NoKey),
    ):
        if code == "no_key" and (long := _too_long(drops)) is not None:
            return long
        found = next((d for d in drops if d.code == code), None)
        if found is not None:
            after = _after(code, standing, weighed)
            local = next((d for d in drops if d.code == "no_local"), None)
            do = found.do
            if code in ("privacy", "unreadable") and local is not None:
                do = f"{do} {local.why} {local.do}".strip()
            return kind(found.why, do, retry_after=after)
    if drops:
        return NoRoute(drops[0].why, drops[0].do)
    why = "; ".join(w.why for w in weighed) or "its list of targets is empty"
    return NoRoute(
        f"Route '{route.name}' of recipe '{recipe.name}' has no usable target: {why}.", "See `localrouter recipe show`."
    )


def _too_long(drops: list[Drop]) -> ContextTooLong | None:
    """When less text is what would help. Models without a key, and a local model that is not there, are no candidates; with one that would be
    long enough but lacks something else, a shorter conversation is not what is wanted."""
    long = [d for d in drops if d.code == "context"]
    if not long or any(d.code == "capability" for d in drops):
        return None
    most = max(long, key=lambda d: d.limit)
    return ContextTooLong(most.limit, most.tokens)


def _after(code: str, standing: Standing, weighed: list[Weighed]) -> float | None:
    """Seconds after which asking again may help."""
    if code == "budget" and standing.resets_at:
        return max(0.0, standing.resets_at - standing.now)
    if code == "cooling":
        ends = [standing.cooling[w.model] for w in weighed if not w.kept and w.model in standing.cooling]
        return max(0.0, min(ends, default=standing.now) - standing.now)
    return None


_CLASS_WORDS = {
    "public": "nothing private was found",
    "internal": "it names this machine or its user",
    "personal": "it holds personal data",
    "regulated": "it holds regulated data",
    "secret": "it holds a secret",
    "unreadable": "a part of it cannot be read",
}


_TASK_WORDS: dict[Task, str] = {
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


def _first(why: str) -> str:
    """Its first sentence: what to do about a dropped candidate stands in the list of candidates."""
    return why.split(". ")[0].rstrip(".")


def _sentence(view: View, attempts: list[Attempt], weighed: list[Weighed]) -> str:
    first = attempts[0]
    found = ", ".join(f"{n} {t}" for t, n in sorted(view.signals.findings.items()))
    because = _CLASS_WORDS[view.signals.data_class] + (f" ({found})" if found else "")
    skipped = [w for w in weighed if not w.kept]
    where = (
        "Answered on this machine"
        if first.lane == "local"
        else f"Sent to {first.id}, with private values replaced,"
        if found
        else f"Sent to {first.id}"
    )
    what = "a chore of the client" if view.signals.cheap else _TASK_WORDS[view.signals.task]
    text = f"{where} by route '{view.route.name}' of recipe '{view.recipe.name}': {what}; {because}."
    if view.standing.served == first.id and any(w.model == first.id and STAYS in w.why for w in weighed):
        text += f" {first.id} answered this conversation before, so it goes on."
    if skipped:
        text += " Not used: " + "; ".join(f"{w.model} ({_first(w.why)})" for w in skipped[:4]) + "."
    if len(attempts) > 1:
        text += f" If it fails before its first word, {attempts[1].id} is next."
    return text
