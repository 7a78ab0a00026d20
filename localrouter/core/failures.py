"""Which kind of failure an error is: the word that `[route.fallback]` is written in (core/fallback.py). One table, for every class of error.

None: no other attempt can help, since the request itself, the user's own rules or this daemon's end is the reason; the error is told.
"""

from __future__ import annotations

from localrouter.core import errors as e
from localrouter.core.words import FailureKind

KINDS: dict[type[e.RouterError], FailureKind | None] = {
    e.RouterError: None,
    e.Internal: "unavailable",  # a defect of ours in one attempt need not be in the next; the same again would only cost
    e.ClientFault: None,
    e.BadRequest: None,
    e.Unauthorized: None,
    e.Forbidden: None,
    e.NotFound: None,
    e.TooLarge: None,
    e.MediaType: None,
    e.Unsupported: None,
    e.CannotCross: "unavailable",  # another host may have a word for it
    e.ContextTooLong: "context_length",
    e.PolicyFault: None,
    e.PrivacyUnsure: "privacy_unsure",
    e.PrivacyRefused: None,
    e.BudgetExceeded: "unavailable",  # a cheaper target may still fit
    e.NoRoute: None,
    e.GoingRound: None,
    e.ToolNotApproved: None,  # what a person does not allow is not asked of another model
    e.ToolsTooFast: None,
    e.RouteRefused: None,
    e.LaneFault: "unavailable",
    e.LocalUnavailable: "unavailable",
    e.Busy: "unavailable",
    e.NoKey: "unavailable",
    e.StoreFault: "unavailable",  # nothing is spent unreserved, but the local lane costs nothing
    e.Stopping: None,
    e.HostFault: "server_error",
    e.HostUnreachable: "connection",
    e.CutOff: "unavailable",  # to ask it again at once is what is not to be done
    e.HostTimeout: "timeout",
    e.TimeIsUp: "timeout",
    e.HostRateLimited: "rate_limit",
    e.HostRejected: "rejected",
    e.HostBroken: "server_error",
    e.HostTruncated: "truncated",
    e.HostClosed: "connection",
    e.AnswerFault: "contract",
    e.Refused: "refusal",
    e.EmptyAnswer: "empty",
    e.ContentFiltered: "content_filter",
    e.AnswerCut: "truncated",
    e.SchemaFailed: "schema",
    e.ToolArgumentsBad: "tool_arguments",
    e.ContractBroken: "contract",
    e.ToolDenied: "contract",
}
"""Of a class that is not named (a room's own), the nearest named one above it holds."""

FILTERS = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
"""Codes by which a host says that its filter stopped the prompt (OpenAI and Azure OpenAI API references, "Error codes")."""
PASSING: dict[int, FailureKind] = {408: "timeout", 409: "server_error", 425: "server_error"}
"""4xx that say nothing against the request (RFC 9110, 15.5.9 and 15.5.10; RFC 8470, 5.2); the SDKs of OpenAI and Anthropic repeat them too."""
TOO_LONG = "context_length_exceeded"

SAYS: dict[FailureKind, str] = {
    "timeout": "it did not answer in time",
    "rate_limit": "its host is limiting requests",
    "server_error": "its host failed",
    "connection": "no connection to its host held",
    "rejected": "its host refuses the key, the account or the model",
    "context_length": "the prompt is too long for it",
    "schema": "its answer did not fit the schema",
    "tool_arguments": "the arguments of its tool call did not fit",
    "refusal": "it declined to answer",
    "empty": "its answer was empty",
    "truncated": "its answer broke off",
    "content_filter": "its host's filter took the answer away",
    "privacy_unsure": "the request could not be scanned to the end",
    "contract": "its answer broke the contract of the route",
    "unavailable": "it could not be asked",
}
"""For people: what happened, as the end of a sentence about a model."""


def kind_of(error: e.RouterError, lane: str = "hosted") -> FailureKind | None:
    """The kind, or None. In the `local` lane what the engine does not take says nothing of other models."""
    if isinstance(error, e.HostRejected):
        if error.code == TOO_LONG:
            return "context_length"
        if error.code in FILTERS:
            return "content_filter"
        if error.status in PASSING:
            return PASSING[error.status]
        if error.blames == "request":
            return None
    if error.code == TOO_LONG:
        return "context_length"
    kind = next(KINDS[c] for c in type(error).__mro__ if c in KINDS)
    if kind is None and lane == "local" and not isinstance(error, e.Stopping | e.ToolNotApproved):
        return "unavailable"
    return kind
