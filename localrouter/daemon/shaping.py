"""What a route's prompt and tool set make of a request, on both planes and for the local engine. What comes out is read and scanned anew, so
that the recipe's own words leave by the same rules as the client's (law 1), and each change is told in the trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from localrouter.core.ask import Ask
from localrouter.core.errors import PrivacyRefused
from localrouter.core.findings import Finding
from localrouter.core.kinds import kind
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.daemon.calls_judged import is_shell
from localrouter.daemon.inspecting import Inspection
from localrouter.daemon.reading import classes_of
from localrouter.dialects import Dialect, Made
from localrouter.dialects._fields import dumps
from localrouter.dialects._shaping import with_instructions, without_tools

Rows = list[tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Shaped:
    """The request as its route wants it, the findings of its leaves, and what was changed."""

    ask: Ask
    findings: Rows
    made: tuple[Made, ...] = ()


async def shaped(
    inspection: Inspection,
    dialect: Dialect,
    ask: Ask,
    findings: Rows,
    signals: Signals,
    recipe: Recipe,
    route: str,
    *,
    leaves: bool,
) -> Shaped:
    """`leaves`: whether it goes to a host; on this machine nothing has to be scanned. Raises PrivacyUnsure, and PrivacyRefused for a prompt
    that holds what the recipe itself does not let leave."""
    (prompt, toolset), rules = recipe.shape(route), recipe.tool_rules(route)
    if prompt is None and toolset is None and rules is None:
        return Shaped(ask, findings)
    tree, made = ask.tree, []
    if toolset is not None:
        tree, count = without_tools(tree, toolset.shows)
        if count:
            why = f"{count} of the offered tools were left out by the tool set of the route '{route}'."
            made.append(Made("withhold_tools", why))
    if rules is not None:
        own_rules = rules
        tree, count = without_tools(tree, lambda name: own_rules.offers(name, shell=is_shell(name)))
        if count:
            made.append(
                Made(
                    "withhold_tools", f"{count} of the offered tools were left out: the route '{route}' denies each call of them."
                )
            )
    if prompt is not None:
        values = {
            "task": signals.task, "domain": signals.domain, "language": signals.language, "project": ask.caller.project,
        }  # fmt: skip
        after = with_instructions(tree, dialect.NAME, prompt.filled(values))
        if after is not tree:
            tree = after
            made.append(Made("add_prompt", f"The prompt of the route '{route}' was put behind the client's own instructions."))
    if not made:
        return Shaped(ask, findings)
    fresh = dialect.read(dumps(tree), {})
    hosted = tuple(name for name in fresh.hosted if name not in recipe.hosted_tools)
    own = replace(
        ask,
        tree=fresh.tree,
        leaves=fresh.leaves,
        signed=fresh.signed,
        size=fresh.size,
        hosted=hosted,
        offers=fresh.offers,
        forced=fresh.forced,
    )
    if not leaves:
        return Shaped(own, [() for _ in own.leaves], tuple(made))
    rows = inspection.cached(own.leaves) or await inspection.inspect(own.leaves)
    _may_leave(own, rows, signals, recipe, route)
    return Shaped(own, rows, tuple(made))


def _may_leave(ask: Ask, rows: Sequence[tuple[Finding, ...]], signals: Signals, recipe: Recipe, route: str) -> None:
    """The gates judged the request without the prompt: what the prompt adds to it has to be free to go anywhere."""
    added = classes_of(ask, rows) - set(signals.present)
    held = next((c for c in sorted(added) if recipe.rule(c).request != "hosted" or recipe.rule(c).only is not None), None)
    pinned = not signals.keep_local and any(kind(f.type).keep_local for row in rows for f in row)
    if held is None and not pinned:
        return
    what = "a private key" if pinned else f"{held} data"
    raise PrivacyRefused(
        f"The prompt of the route '{route}' holds {what}, which the recipe '{recipe.name}' does not send everywhere.",
        "Take it out of the recipe's [prompts].",
    )
