"""What a route does when an attempt fails, by the kind of failure (DESIGN section 6): not "just retry".

A tree of steps for each kind, tried in order; what a step cannot do (no larger context is left, the retry was used) is passed over, and
where no step is left the request fails with what happened. The tables here are data; core/steps.py walks them.

Retries are two a request at most, and a tenth of the daemon's calls; nothing is tried again, and no other model asked, after the first word has
reached the client. An answer that is poor and still an answer (a refusal, a filter's, an empty one) is told where no step is left.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, RootModel, StringConstraints

from localrouter.core.words import FailureKind

Step = Annotated[
    str,
    StringConstraints(
        pattern=r"^(retry_once|next|next_host_same_model|larger_context|local|repair_once|clarify|refuse|stop|static:[\s\S]{1,4000})$"
    ),
]
"""`retry_once`: the same attempt again. `next`: the next target. `next_host_same_model`: the same model at another host of the route.
`larger_context`: the next target that reads more than this one. `local`: the local lane. `repair_once`: the same model again, told what was
wrong. `static:TEXT`: this text is the answer. `clarify`: the person is asked what is missing. `refuse`: a refusal by policy. `stop`: the
failure itself is told."""

_SHORT = {
    "retry_once_then_next": ("retry_once", "next"),
    "repair_once_then_next": ("repair_once", "next"),
}


def _steps(value: object) -> object:
    if isinstance(value, str):
        return _SHORT.get(value, (value,))
    return value


Steps = Annotated[tuple[Step, ...], BeforeValidator(_steps)]

DEFAULTS: dict[FailureKind, tuple[str, ...]] = {
    "timeout": ("next",),
    "rate_limit": ("next_host_same_model", "next"),
    "server_error": ("retry_once", "next"),
    "connection": ("retry_once", "next"),
    "rejected": ("next",),
    "context_length": ("larger_context",),
    "schema": ("repair_once", "next"),
    "tool_arguments": ("repair_once", "next"),
    "contract": ("repair_once", "next"),
    "refusal": ("stop",),
    "empty": ("retry_once", "next"),
    "truncated": ("retry_once", "next"),
    "content_filter": ("stop",),
    "privacy_unsure": ("local", "refuse"),
    "unavailable": ("next",),
}
"""Where a recipe says nothing. A refusal is the model's answer and stays one."""


class Fallback(RootModel[dict[FailureKind, Steps]]):
    """`[route.fallback]`: a step or a list of steps for each kind of failure."""

    model_config = ConfigDict(frozen=True)
    root: dict[FailureKind, Steps] = {}

    def steps(self, kind: FailureKind) -> tuple[str, ...]:
        """The steps for a kind: the route's, else the default ones."""
        return self.root.get(kind, DEFAULTS[kind])
