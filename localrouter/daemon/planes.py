"""From a veiled tree to what a host or the local engine is asked, on the plane that fits (DESIGN section 4).

Raw plane: the host speaks the client's dialect, and its tree travels with the listed edits. Neutral plane: it does not, or it is the local
engine; the dialect reads the tree into a `Chat`, and the host's wire writes that. Blocks that a host signed are judged on either (origins.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from localrouter.core.ask import Ask, Signed
from localrouter.core.catalogue import Host
from localrouter.core.decide import Attempt
from localrouter.core.errors import CannotCross
from localrouter.core.findings import Finding
from localrouter.core.kinds import kind
from localrouter.core.recipe import Recipe
from localrouter.daemon.local_params import fitted as fitted_local
from localrouter.daemon.origins import leaves_of, left_out, without
from localrouter.daemon.services import Services
from localrouter.daemon.tool_names import across, fitted
from localrouter.dialects import Dialect, Made
from localrouter.providers import Upstream, Wire

LOCAL_WIRE = "openai_chat"
"""The engine takes chat completions' messages and parameters."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """A request to a host. `notes`: sentences on what was degraded, for the trace; `edits`: what was changed on the raw plane, or
    marked for the host's prompt cache on the other, and why. `names`: tools that are called otherwise there, by what they are called there;
    `veiled`: those of them whose own name is private."""

    upstream: Upstream
    wire: Wire
    crosses: bool
    notes: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    veiled: dict[str, str] = field(default_factory=dict)
    edits: tuple[Made, ...] = ()


async def outbound(
    services: Services,
    recipe: Recipe,
    dialect: Dialect,
    ask: Ask,
    attempt: Attempt,
    tree: dict[str, Any],
    host: Host,
    tokens: frozenset[str],
    veiled: dict[str, str],
) -> Outbound:
    """`recipe`: the one that the request began with. `tree` is veiled for `host`; `tokens` are what stands for values in it, `veiled` the
    names of tools in it that hold one, by what stands for them. Raises CannotCross, and PrivacyUnsure when a signed text could not be
    scanned."""
    wire = services.wires[host.wire_for(dialect.WIRE)]
    stream = ask.needs.stream
    if wire.NAME == dialect.WIRE:
        tree, notes = await _vouched(services, recipe, ask, tree, host, tokens)
        edits: list[Made] = []
        tree = dialect.outgoing(tree, ask, attempt, edits)
        return Outbound(wire.prepare(tree, stream, ask.head), wire, False, notes, veiled, veiled, tuple(edits))
    chat = dialect.chat(tree, ask)
    hidden = across(chat, dialect.chat(ask.tree, ask)) if veiled else {}
    chat, names = fitted(services.origins.opened(chat, host.name, wire.NAME))
    hidden |= {short: hidden.pop(name) for short, name in names.items() if name in hidden}
    body = wire.body(chat, attempt)
    more = getattr(wire, "notes", None)
    notes = (*chat.notes, *(more(chat, attempt) if more is not None else ()))
    marks = getattr(wire, "marked", None) if recipe.cache_marks else None
    why = marks(body, attempt) if marks is not None else ""
    made = (Made("mark_cache", why),) if why else ()
    return Outbound(wire.prepare(body, stream, {}), wire, True, notes, names | hidden, hidden, made)


def local(
    services: Services, dialect: Dialect, ask: Ask, attempt: Attempt
) -> tuple[list[dict[str, Any]], dict[str, Any], tuple[str, ...]]:
    """(messages, parameters, notes) for the local engine. Nothing is veiled there. Raises CannotCross."""
    chat = services.origins.opened(dialect.chat(ask.tree, ask), "", "")
    wire = services.wires[LOCAL_WIRE]
    tree = wire.body(chat, attempt)
    params, notes = fitted_local(chat, tree, ask.tree)
    more = getattr(wire, "notes", None)
    own = more(replace(chat, stop=()), attempt) if more is not None else ()
    return tree["messages"], params, (*chat.notes, *own, *notes)


async def _vouched(
    services: Services, recipe: Recipe, ask: Ask, tree: dict[str, Any], host: Host, tokens: frozenset[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The tree with only those signed blocks that this host made, or that nobody remembers and whose readable text
    holds nothing private. What is encrypted and of unknown maker is left out."""
    if not ask.signed:
        return tree, ()
    await services.origins.load()
    foreign, unknown = services.origins.judge(ask, host.name)
    foreign += [b for b in unknown if not b.text]  # nobody can read it, and nobody knows who made it: law 1
    leaves = leaves_of(unknown)
    if leaves:
        found = services.inspection.cached(leaves) or await services.inspection.inspect(leaves)
        private = {leaf.path for leaf, row in zip(leaves, found, strict=True) if _private(recipe, leaf.text, row, tokens)}
        foreign += [b for b in unknown if b.path in private]
    if not foreign:
        return tree, ()
    _refuse_without(foreign, host)
    return without(tree, foreign), (left_out(len(foreign)),)


def _refuse_without(blocks: Sequence[Signed], host: Host) -> None:
    """A compacted conversation that another host made. Another candidate may be its maker, so the plan goes on. Raises CannotCross."""
    lost = next((b for b in blocks if b.needed), None)
    if lost is None:
        return
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in lost.path).lstrip(".")
    raise CannotCross(
        f"{where} is a compacted conversation that only the host which made it can read, and {host.name} is not known to have made it.",
        "Ask the model that compacted it, or begin a new conversation with what it was about.",
        param=where,
    )


def _private(recipe: Recipe, text: str, row: tuple[Finding, ...], tokens: frozenset[str]) -> bool:
    """Whether something is found that may not pass; a placeholder that the model repeated is none."""
    return any(
        recipe.rule(kind(f.type).data_class).values != "pass" and not any(t in text[f.start : f.end] for t in tokens) for f in row
    )
