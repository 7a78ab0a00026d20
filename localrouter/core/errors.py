"""The tree of errors. Each leaf knows its HTTP status, its code, whether a retry can help, and whether money is at risk.

    RouterError
    ├── Internal 500           a defect of ours
    ├── ClientFault            what was asked cannot be done; the caller must change something
    │   ├── BadRequest 400     ├── Unauthorized 401    ├── Forbidden 403      ├── NotFound 404
    │   ├── TooLarge 413       ├── MediaType 415       ├── ContextTooLong 400
    │   └── Unsupported 400 ── CannotCross 400
    ├── PolicyFault            the user's own rules say no
    │   ├── PrivacyUnsure 422  ├── PrivacyRefused 422  ├── BudgetExceeded 402 ├── NoRoute 422
    │   ├── RouteRefused 422   ├── GoingRound 422      ├── ToolNotApproved 403
    │   └── ToolsTooFast 429
    ├── LaneFault              this machine cannot serve it now
    │   ├── LocalUnavailable 503 ├── Busy 503          ├── NoKey 401          ├── StoreFault 503
    │   └── Stopping 503
    └── HostFault              the hosted model failed
        ├── HostUnreachable 502 ── CutOff 502
        ├── HostTimeout 504   ├── HostRateLimited 429 ├── HostRejected 4xx
        ├── HostBroken 502       ├── HostTruncated 502 ── HostClosed 502
        ├── TimeIsUp 504 (a HostTimeout)
        └── AnswerFault 502        it answered, and the answer does not count
            ├── Refused            ├── EmptyAnswer         ├── ContentFiltered    ├── AnswerCut
            └── SchemaFailed       ├── ToolArgumentsBad    ├── ContractBroken     └── ToolDenied

User text is one sentence of what happened and one of what to do. It never quotes a value from the request.
"""

from __future__ import annotations

from typing import Literal


class RouterError(Exception):
    """Base of all. `message` is safe to show; `do` says what to do next."""

    status: int = 500
    code: str = "internal"
    type: str = "api_error"
    retryable: bool = False
    money_at_risk: bool = False

    def __init__(self, message: str, do: str = "", *, param: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.do = do
        self.param = param
        self.retry_after = retry_after

    @property
    def text(self) -> str:
        """Both sentences."""
        return f"{self.message} {self.do}".strip()

    def alone(self) -> RouterError:
        """The error without where it was raised: it is kept longer than what the frames of its traceback hold (an answer of 64 MiB, say)."""
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self


class Internal(RouterError):
    """A defect of localrouter itself. What it cost is unknown, so it is charged at its ceiling."""

    retryable, money_at_risk = True, True


class ClientFault(RouterError):
    """What was asked cannot be done as asked."""

    status, code, type = 400, "invalid_request", "invalid_request_error"


class BadRequest(ClientFault):
    """The body or a field is malformed."""


class Unauthorized(ClientFault):
    """The token is missing or wrong."""

    status, code, type = 401, "invalid_api_key", "authentication_error"


class Forbidden(ClientFault):
    """The request comes from a place that may not call (a web page, a foreign Host)."""

    status, code, type = 403, "forbidden", "permission_error"


class NotFound(ClientFault):
    """No such path, trace or model."""

    status, code, type = 404, "not_found", "not_found_error"


class TooLarge(ClientFault):
    """The body is over the limit."""

    status, code, type = 413, "request_too_large", "invalid_request_error"


class MediaType(ClientFault):
    """A content type that a web form could send."""

    status, code, type = 415, "unsupported_media_type", "invalid_request_error"


class ContextTooLong(ClientFault):
    """The prompt fits no model that may answer. Clients compact their conversation when they read the code and both numbers: OpenAI's words
    are these, and the Messages dialect says them in Anthropic's (notes on clients, 1.11). `tokens` is an estimate."""

    code = "context_length_exceeded"

    def __init__(self, limit: int, tokens: int) -> None:
        super().__init__(
            f"This model's maximum context length is {limit} tokens. However, your messages resulted in {max(tokens, limit + 1)} tokens.",
            "Please reduce the length of the messages.",
        )


class Unsupported(ClientFault):
    """A part type or reference that cannot be read, and so may not leave (law 1)."""

    code = "unsupported_part"


class CannotCross(Unsupported):
    """The request says something that the host's API has no word for. Another model of the route may have one."""

    retryable = True


class PolicyFault(RouterError):
    """The user's own rules say no."""

    status, code, type = 422, "policy", "policy_error"


class PrivacyUnsure(PolicyFault):
    """A text could not be scanned to the end; it stays here."""

    code = "privacy.unsure"


class PrivacyRefused(PolicyFault):
    """The recipe lets this class of data go nowhere."""

    code = "privacy.refused"


class BudgetExceeded(PolicyFault):
    """The budget cannot pay the call's ceiling."""

    status, code, type = 402, "budget_exceeded", "insufficient_quota"


class NoRoute(PolicyFault):
    """No model is left after the gates."""

    code = "no_route"


class GoingRound(PolicyFault):
    """The same again and again: what a loop would cost is not spent."""

    code = "going_round"


class ToolNotApproved(PolicyFault):
    """A tool call had to be allowed by a person, and was not. No other model is asked for the same."""

    status, code = 403, "tool_not_approved"


class ToolsTooFast(PolicyFault):
    """The models of a route called as many tools in a minute as it allows."""

    status, code, retryable = 429, "tools_too_fast", True


class LaneFault(RouterError):
    """This machine cannot serve it now."""

    status, code = 503, "unavailable"


class LocalUnavailable(LaneFault):
    """No local model, or its process died."""

    code, retryable = "local_unavailable", True


class Busy(LaneFault):
    """Too many requests in flight."""

    code, retryable = "busy", True


class Stopping(LaneFault):
    """The daemon is being stopped, and this answer did not finish in time. The host may have billed what it said so far."""

    code, money_at_risk = "stopping", True


class NoKey(LaneFault):
    """No provider key for this origin."""

    status, code, type = 401, "no_provider_key", "authentication_error"


class StoreFault(LaneFault):
    """The ledger cannot be written: nothing is spent unreserved."""

    code = "store_unavailable"


class HostFault(RouterError):
    """The hosted model failed."""

    status, code, retryable, money_at_risk = 502, "host_error", True, True


class HostUnreachable(HostFault):
    """No connection was made; nothing was sent."""

    code, money_at_risk = "host_unreachable", False


class CutOff(HostUnreachable):
    """The host failed again and again and is left alone for a while, or another request tries it just now; nothing was sent."""

    code = "host_cut_off"


class HostTimeout(HostFault):
    """The host was silent for too long."""

    status, code = 504, "host_timeout"


class HostRateLimited(HostFault):
    """The host answered 429 or 529."""

    status, code, type, money_at_risk = 429, "rate_limit_exceeded", "rate_limit_error", False


class HostRejected(HostFault):
    """The host answered 4xx. `blames`: what is at fault. The `request` (no other host would take it), the `model` (this host has none of
    that name), or the `host` (it refuses our key or our account; another host has a key of its own)."""

    status, code, retryable, money_at_risk = 400, "host_rejected", False, False
    blames: Literal["request", "model", "host"] = "request"

    def __init__(self, message: str, do: str = "", *, status: int = 400, code: str | None = None, **kw: object) -> None:
        super().__init__(message, do, **kw)  # type: ignore[arg-type]  # param and retry_after pass through
        self.status = status
        # Clients tell by the type whether to change the request, the key or nothing.
        self.type = _REJECTED.get(status, "invalid_request_error")
        self.blames = _BLAMES.get(status, "request")
        if code:
            self.code = code


_REJECTED = {401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 404: "not_found_error"}
_BLAMES: dict[int, Literal["model", "host"]] = {401: "host", 402: "host", 403: "host", 404: "model"}
"""As gateways do (notes on gateways, 2.3): after 401, 402 and 403 the key is left and the next one is tried at once."""


class HostBroken(HostFault):
    """The host answered 5xx or something that is not its own protocol."""

    code = "host_broken"


class HostTruncated(HostFault):
    """The stream ended without its terminal event."""

    code = "host_truncated"


class HostClosed(HostTruncated):
    """The connection was closed before a byte of the answer came; what was sent may have been read."""


class TimeIsUp(HostTimeout):
    """The time that the route gives to all attempts together is over (`limits.total_ms`): no other is begun."""

    code = "time_is_up"


class AnswerFault(HostFault):
    """The model answered, and the answer does not count. It was billed all the same. The text quotes nothing of the answer."""

    code = "answer_unusable"


class Refused(AnswerFault):
    """The model declines."""

    code = "answer_refused"


class EmptyAnswer(AnswerFault):
    """The answer ended without a word, a tool call or a refusal."""

    code = "answer_empty"


class ContentFiltered(AnswerFault):
    """The host's own filter took the answer away."""

    code = "answer_filtered"


class AnswerCut(AnswerFault):
    """The answer reached its limit of tokens where the whole of it is needed."""

    code = "answer_cut"


class SchemaFailed(AnswerFault):
    """The answer does not fit the JSON Schema of the route's contract."""

    code = "schema_failed"


class ToolArgumentsBad(AnswerFault):
    """The arguments of a tool call do not fit the schema of its tool."""

    code = "tool_arguments_bad"


class ContractBroken(AnswerFault):
    """The answer breaks what the route promised: its labels, its required fields, its citations."""

    code = "contract_broken"


class ToolDenied(AnswerFault):
    """The answer calls a tool in a way that the rules of the route deny."""

    code = "tool_denied"


class RouteRefused(PolicyFault):
    """The route says `refuse` for this kind of failure."""

    code = "refused_by_route"
