"""A route's targets to candidates: the first step of a decision."""

from __future__ import annotations

from localrouter.core.ask import Ask
from localrouter.core.catalogue import Model
from localrouter.core.plan import Candidate, Weighed
from localrouter.core.recipe import Recipe, Route
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.virtual import adds_local, word

Items = list[Candidate | Weighed]
"""Candidates in order; a target that cannot be one at all is weighed at once."""

UNSTATED = 4096
"""Tokens of an answer where neither the client nor the catalogue says a limit: what config.toml takes for its own models."""
CHAT = "local:chat"
LEAST_OUTPUT = 256
"""Tokens of an answer that the local lane is asked for at least."""


def means_local(name: str) -> bool:
    """Whether a client's word names a model of this machine; a host may be called `localai`."""
    return name == "local" or name.startswith("local:")


def local_named(name: str, standing: Standing) -> str:
    """The local target that a client names."""
    return name if name in standing.locals else CHAT


def expand(route: Route, ask: Ask, signals: Signals, recipe: Recipe, standing: Standing) -> Items:
    """Each target once, in the route's order. `host/*` is every model of that host by name; `asked` the one that the client named."""
    out: Items = []
    seen: set[str] = set()
    catalogue, most = standing.catalogue, ask.max_output
    cap = route.limits.output_tokens

    def add(item: Candidate | Weighed, key: str) -> None:
        if key not in seen:
            seen.add(key)
            out.append(item)

    def hosted(model: Model) -> None:
        if model.id not in seen:
            seen.add(model.id)
            output = most or model.max_output or UNSTATED
            out.append(Candidate(model.id, "hosted", output if cap is None else min(output, cap), model))

    def local(target: str) -> None:
        context = standing.locals.get(target, standing.local_context)
        output = most or max(LEAST_OUTPUT, context // 2)
        add(Candidate(target, "local", output if cap is None else min(output, cap)), target)

    def named(name: str) -> None:
        if not name or word(name):
            return
        if means_local(name):
            local(local_named(name, standing))
        elif (model := catalogue.find(name)) is not None:
            hosted(model)
        else:
            # Its name is the client's text, and may be anything: plans are recorded, so it is not repeated.
            add(Weighed("asked", False, "catalogue", "the catalogue does not have the model that the client named"), "asked")

    for target in route.try_:
        if target.startswith("local:"):
            local(target)
        elif target == "asked":
            named(ask.model)
        elif target.endswith("/*"):
            for model in catalogue.of(target[:-2]):
                hosted(model)
        elif (found := catalogue.find(target)) is not None:
            hosted(found)
        else:
            add(Weighed(target, False, "catalogue", f"the catalogue has no model {target}"), target)
    if adds_local(ask.model) or _stays_here(signals, recipe):
        local(CHAT)
    return out


def _stays_here(signals: Signals, recipe: Recipe) -> bool:
    """Whether a rule says that what the request holds is for this machine, or may be: then the local lane stands at the end, also of a route
    that does not name it. It is open to every request."""
    if signals.keep_local and recipe.private_keys == "local":
        return True
    rules = [recipe.rule(name) for name in signals.present if name != "unreadable"]
    return any(r.request == "local" or (r.only is not None and r.otherwise == "local") for r in rules)
