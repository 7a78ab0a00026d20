"""The tool calls of a whole answer against `[route.tools]` (core/tool_rules.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localrouter.core.errors import RouterError, ToolDenied, ToolNotApproved
from localrouter.core.judge import AGAIN, Said, ToolCalled
from localrouter.core.tool_rules import ToolRules
from localrouter.daemon.approvals import Answer
from localrouter.scrub.toolclass import tool_class

_OPENING = "Your tool call was not made, since the rules of this machine do not allow it:"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`error` and `complaint`: of calls that are denied. `asks`: those that wait for a person."""

    error: RouterError | None = None
    complaint: str = ""
    asks: tuple[ToolCalled, ...] = ()


def judged(rules: ToolRules, choices: Sequence[Said], model: str) -> Judgement:
    """Names of tools are told, arguments never."""
    calls = [call for said in choices for call in said.calls]
    most = rules.max_calls_per_minute
    if most is not None and len(calls) > most:
        what = f"{model} called {len(calls)} tools at once, and the route allows {most} in a minute."
        return Judgement(
            ToolDenied(what, "Ask for less at a time, or raise [route.tools] max_calls_per_minute."),
            f"{_OPENING}\n- {len(calls)} tools were called at once, and {most} are allowed in a minute\n{AGAIN}",
        )
    found = [(rules.of(c.name, c.arguments, shell=is_shell(c.name)), c) for c in calls]
    denied = list(dict.fromkeys(c.name for verdict, c in found if verdict == "deny"))
    if denied:
        lines = "\n".join(f"- a call of {name} with these arguments" for name in denied[:8])
        return Judgement(
            ToolDenied(
                f"{model} wanted to call a tool in a way that the route denies.",
                "Change [route.tools] of the recipe to allow it.",
            ),
            f"{_OPENING}\n{lines}\n{AGAIN} Do without it.",
        )
    return Judgement(asks=tuple(c for verdict, c in found if verdict == "ask"))


def is_shell(name: str) -> bool:
    """Whether a tool is known to run commands."""
    return tool_class(name) == "shell"


def not_approved(answer: Answer, wait_s: int) -> ToolNotApproved:
    """Why a call that a person had to allow is not made."""
    why = {
        "denied": "A person said no to a tool call of this answer.",
        "expired": f"A tool call of this answer waited {wait_s} seconds for a person, and nobody allowed it.",
        "crowded": "Too many tool calls wait for a person, so that this one was refused.",
    }[answer]
    do = "Ask in another way." if answer == "denied" else "Ask again, and answer with `localrouter approvals`."
    return ToolNotApproved(why, do)
