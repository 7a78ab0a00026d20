"""What happened to a request in one paragraph that a manager understands: the plan's own words, then what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localrouter.core.decide import REFUSALS
from localrouter.core.failures import SAYS
from localrouter.core.money import usd
from localrouter.core.words import FailureKind

if TYPE_CHECKING:
    from localrouter.daemon.noting import Story

_FAILED = {
    **{status: f"refused {what} ({status})" for status, what in REFUSALS.items()},
    404: "does not have the model (404)",
}
_POOR: tuple[FailureKind, ...] = ("schema", "tool_arguments", "contract", "refusal", "empty", "truncated", "content_filter")
"""Failures of an answer that came: its host did its work, and was paid."""


def paragraph(story: Story, outcome: str, error: str) -> str:
    """`error`: what the client was told, scanned. What the contract said is scanned too by now."""
    sentences = [story.plan.explain if story.plan else "", *_failed(story, outcome), *_poor(story), *_checked(story)]
    sentences += story.attempts[-1].get("notes", ()) if story.attempts else ()
    text = " ".join(s for s in sentences if s)
    if error and error not in text:
        text += f" It ended with an error: {error}"
    if outcome == "client_gone":
        text += " The client left before the end."
    if story.cost:
        text += f" It cost {usd(story.cost)}."
    return text.strip()


def _failed(story: Story, outcome: str) -> list[str]:
    failed = [a for a in story.attempts if a.get("outcome") == "error"]
    out = []
    if failed and story.attempt is not None and outcome == "done":
        out.append(f"{failed[0]['model']} failed first, so {story.attempt.id} answered.")
    return out + [f"The host of {a['model']} {_FAILED.get(a['status'], 'refused it')}." for a in failed if "blames" in a]


def _poor(story: Story) -> list[str]:
    """Answers that came and did not do, and what the route did then."""
    out: list[str] = []
    for step in story.walked:
        kind = next((k for k in _POOR if k == step["kind"]), None)
        if kind is None:
            continue
        name = step["step"]
        then = {
            "repair_once": "so it was told what was wrong and asked again",
            "retry_once": "so it was asked once more",
            "stop": "and the route stops there",
            "refuse": "so the route refused",
            "clarify": "so the client was asked for what is missing",
            "": "and the route has no step left",
        }.get(name)
        if then is None:
            then = "so the route's own text was the answer" if name.startswith("static:") else f"so {step['target']} was asked"
        out.append(f"Of {step['failed']}: {SAYS[kind]}, {then}.")
    return out


def _checked(story: Story) -> list[str]:
    """What the contract said of the answer that was given."""
    if not story.checks:
        return []
    last = story.checks[-1]
    if last["held"]:
        return ["The answer keeps what the route promises."]
    return [
        f"The answer does not keep what the route promises: {last.get('why', '')}".rstrip(": ") + ("" if last.get("why") else ".")
    ]
