"""The 56 faults of a host, those that only one wire has words for, and what becomes of each: the data that test_table.py and test_surfaces.py
hold the daemon to.

Each stands at one or both of two places of a stream (`before` its first content byte, `after` some words) and, where it can, in a whole
answer. What is expected is what a user sees with one target (`alone`: status, code, calls) and whether another target answers instead
(`falls`). Seconds are the most on a machine at rest (harness.ROOM), with the limits to hosts shortened as test_table.py says (first byte 3 s, silence 2.5 s, all 6 s).
What a chat client is told is written here; `TYPES` and `FAILURES` say how the other two dialects say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from wires import Name

Settles = Literal["zero", "ceiling", "estimate", "reported"]
"""`zero`: the host cannot have billed. `ceiling`: it may have, and says nothing. `estimate`: what was seen. `reported`: what it said."""
Place = Literal["whole", "before", "after"]


@dataclass(frozen=True, slots=True)
class Want:
    """`status` and `code`: what the client is told; 200 with a code is an error event after the words that came, 200 without one is an
    answer. `calls`: how often the only target is asked. `opens`: two calls like it open the breaker, where two are enough."""

    status: int
    code: str
    calls: int
    settles: Settles
    falls: bool
    opens: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Fault:
    """`name` is the model's, too: the host reads what it shall do from there. `own`: where the outcome on one wire is another, since that wire
    says more or less; None: it cannot say this. `only`: the wires that have words for it."""

    name: str
    what: str
    wants: dict[Place, Want]
    own: dict[Name, dict[Place, Want | None]] = field(default_factory=dict)
    only: tuple[Name, ...] = ("chat", "messages", "responses")

    def on(self, wire: Name) -> dict[Place, Want]:
        """What is expected with a host that speaks this wire."""
        if wire not in self.only:
            return {}
        merged = {**self.wants, **self.own.get(wire, {})}
        return {place: want for place, want in merged.items() if want is not None}


def fails(
    code: str,
    status: int = 502,
    *,
    calls: int = 2,
    settles: Settles = "ceiling",
    falls: bool = True,
    opens: bool = True,
    s: float = 4,
) -> Want:
    """Nothing of the answer was told."""
    return Want(status, code, calls, settles, falls, opens, s)


def cut(code: str, s: float = 3, settles: Settles = "estimate") -> Want:
    """Words were told: no other model goes on with them."""
    return Want(200, code, 1, settles, False, True, s)


def well(settles: Settles = "reported", s: float = 3) -> Want:
    """An answer."""
    return Want(200, "", 1, settles, True, False, s)


def both(want: Want) -> dict[Place, Want]:
    return {"whole": want, "before": want}


def told(status: int, *, code: str = "host_rejected", calls: int = 1, falls: bool = True) -> dict[Place, Want]:
    """A status that blames us, or the request: no fault of the host, and not billed."""
    return both(fails(code, status, calls=calls, settles="zero", falls=falls, opens=False, s=3))


def failing(code: str = "host_broken") -> dict[Place, Want]:
    """A status that is the host's own failure: asked once more, not billed."""
    return both(fails(code, settles="zero"))


def begun(want: Want) -> dict[Name, dict[Place, Want | None]]:
    """A Messages host says with its head what went in, and that is charged where nothing more comes."""
    return {"messages": {"before": replace(want, settles="estimate")}}


def says(code: str, status: int, **more: bool) -> dict[Name, dict[Place, Want | None]]:
    """A Messages host names each of its errors, and the client is told the name."""
    return {"messages": dict(told(status, code=code, **more))}


SLOW = 3.0 + 1.5
"""The first byte's limit and some room."""

CONNECT = (
    Fault("refused", "nothing listens", both(fails("host_unreachable", settles="zero"))),
    Fault("silence", "accepts, and says nothing", both(fails("host_timeout", 504, calls=1, s=SLOW))),
    Fault("tls-cert", "a certificate that nobody signed", both(fails("host_unreachable", settles="zero", s=9))),
    Fault("tls-stall", "accepts, and never shakes hands", both(fails("host_unreachable", settles="zero", s=9))),
    Fault("rst", "resets at once", both(fails("host_truncated"))),
    Fault("dns", "its name is unknown", both(fails("host_unreachable", settles="zero"))),
)
LIMITED = both(fails("rate_limit_exceeded", 429, calls=1, settles="zero", opens=False, s=3))
OVERLOADED = both(fails("overloaded", 529, calls=1, settles="zero", opens=False, s=3))
STATUS = (
    Fault("401", "refuses the key", told(401)),
    Fault("403", "refuses the account", told(403)),
    Fault("404", "has no such model", told(404, code="model_not_found"), says("not_found_error", 404)),
    Fault("408", "timed out reading us", told(408), says("invalid_request_error", 408)),
    Fault("409", "is locked", told(409, calls=2), {"messages": dict(told(409, code="invalid_request_error", calls=2))}),
    Fault("413", "finds the body too large", told(413, falls=False), says("request_too_large", 413, falls=False)),
    Fault("422", "finds the request wrong", told(422, falls=False), says("invalid_request_error", 422, falls=False)),
    Fault("429-2", "limits; Retry-After: 2", LIMITED),
    Fault("429-date", "limits; Retry-After is a date", LIMITED),
    Fault("429-3600", "limits for an hour", LIMITED),
    Fault("429-negative", "limits; Retry-After: -1", LIMITED),
    Fault("429-nan", "limits; Retry-After: NaN", LIMITED),
    Fault("429", "limits, and says not how long", LIMITED),
    Fault("500", "fails", failing()),
    Fault("502-html", "a proxy's page instead of JSON", failing()),
    Fault("503", "is not available", failing()),
    Fault("529", "is overloaded", LIMITED, {"messages": dict(OVERLOADED)}),
    Fault("200-error", "an error object under status 200", both(fails("host_broken"))),
    Fault("301", "redirects elsewhere", failing()),
    Fault("100-flood", "100 Continue for ever", both(fails("host_timeout", 504, calls=1, s=SLOW))),
)
TRUNCATED = fails("host_truncated")
BROKEN = fails("host_broken")
FRAMING = (
    Fault(
        "length-long", "Content-Length beyond what comes", {**both(TRUNCATED), "after": cut("host_truncated")}, begun(TRUNCATED)
    ),
    Fault(
        "length-short", "Content-Length within the answer", {**both(TRUNCATED), "after": cut("host_truncated")}, begun(TRUNCATED)
    ),
    Fault("length-and-chunked", "both framings at once", both(BROKEN)),
    Fault("bad-chunk", "a chunk size that is no number", {**both(TRUNCATED), "after": cut("host_truncated")}, begun(TRUNCATED)),
    Fault("half-closed", "closes its side after the headers", both(TRUNCATED)),
    Fault("fin", "closes inside an event", {**both(TRUNCATED), "after": cut("host_truncated")}, begun(TRUNCATED)),
    Fault("reset", "resets inside an event", {**both(TRUNCATED), "after": cut("host_truncated")}, begun(TRUNCATED)),
    Fault("headers-endless", "headers without end", both(BROKEN)),
    Fault("gzip-bomb", "200 MiB of zeros in 200 KB", both(fails("host_broken", s=20))),
    Fault("wrong-coding", "says gzip, and is not", both(BROKEN)),
)
SILENT = fails("host_timeout", 504, calls=1, s=SLOW)
TALKS = fails("host_timeout", 504, calls=1, s=8)
LONG = fails("host_broken", s=8)
SSE = (
    Fault("drip", "a byte at a time", {"before": fails("host_timeout", 504, calls=1, s=8), "after": cut("host_timeout", 8)}),
    Fault("gap", "silent for a minute", {"before": SILENT, "after": cut("host_timeout", SLOW)}, begun(SILENT)),
    Fault("comments", "keeps alive, and says nothing", {"before": TALKS, "after": cut("host_timeout", 8)}, begun(TALKS)),
    Fault("line-ends", "CRLF, CR and LF mixed", {"before": well()}),
    Fault("bom", "a byte order mark first", {"before": well()}),
    Fault("utf8", "events cut inside characters", {"before": well()}),
    Fault("line-long", "an event of 5 MiB", {"before": LONG, "after": cut("host_broken", 6)}, begun(LONG)),
    Fault("no-done", "ends without its last event", {"before": TRUNCATED, "after": cut("host_truncated")}, {
        "messages": {"before": replace(TRUNCATED, settles="estimate"), "after": cut("host_truncated", settles="reported")},
    }),
    Fault("after-done", "goes on after its last event", {"after": well()}),
    Fault("two-roles", "begins twice", {"before": well()}),
    Fault("two-finishes", "finishes twice", {"after": well()}),
    Fault("bad-json", "an event that is not JSON", {"before": BROKEN, "after": cut("host_broken")}, begun(BROKEN)),
    Fault("error-event", "an error inside the stream", {"before": BROKEN, "after": cut("host_broken")}, begun(BROKEN)),
    Fault("tool-cut", "a tool call cut in its JSON, and the end", {
        "after": cut("host_truncated", settles="reported"), "whole": fails("host_truncated", settles="reported"),
    }, {"messages": {"whole": None}}),
    Fault("tool-jump", "tool numbers 0 and 7", {"after": well()}),
    Fault("usage-absent", "no usage", {"before": well("estimate"), "whole": well("estimate")}),
    Fault("usage-zero", "usage of nothing", {"before": well(), "whole": well()}),
    Fault("usage-absurd", "two million tokens of output", {"before": well(), "whole": well()}),
    Fault("usage-twice", "usage twice, the second is right", {"before": well()}),
    Fault("empties", "100 000 empty deltas", {"before": well(s=40)}),
)  # fmt: skip
TABLE = (*CONNECT, *STATUS, *FRAMING, *SSE)


def limited(code: str, status: int, settles: Settles) -> dict[Place, Want]:
    """Says inside a stream that it wants fewer requests, which is no fault of its health."""
    return {
        "before": fails(code, status, calls=1, settles=settles, opens=False, s=3),
        "after": replace(cut(code), opens=False),
    }


def blamed(code: str, settles: Settles, *, falls: bool = False) -> dict[Place, Want]:
    """Says inside a stream that the request is at fault."""
    return {
        "before": fails(code, 400, calls=1, settles=settles, falls=falls, opens=False, s=3),
        "after": replace(cut(code), opens=False),
    }


PAID = {"before": fails("host_broken", settles="reported"), "after": cut("host_broken", settles="reported")}
MESSAGES = (
    Fault("overloaded", "`overloaded_error` inside the stream", limited("overloaded", 529, "estimate"), only=("messages",)),
    Fault("limited", "`rate_limit_error` inside the stream", limited("rate_limit_exceeded", 429, "estimate"), only=("messages",)),
    Fault("rejected", "`invalid_request_error` inside the stream", blamed("invalid_request_error", "estimate"), only=("messages",)),
    Fault("pings", "pings, and says nothing", {"before": replace(TALKS, settles="estimate"), "after": cut("host_timeout", 8)}, only=("messages",)),
)  # fmt: skip
RESPONSES = (
    Fault("failed-paid", "`response.failed` with usage", {**PAID, "whole": PAID["before"]}, only=("responses",)),
    Fault("failed-limit", "`response.failed`: rate_limit_exceeded", limited("rate_limit_exceeded", 429, "estimate"), only=("responses",)),
    Fault("failed-long", "`response.failed`: context_length_exceeded", blamed("context_length_exceeded", "zero"), only=("responses",)),
    Fault("failed-request", "`response.failed`: invalid_prompt", blamed("invalid_prompt", "ceiling"), only=("responses",)),
    Fault("error-bare", "the event `error`", {"before": BROKEN, "after": cut("host_broken")}, only=("responses",)),
    Fault("incomplete", "`response.incomplete`: a limit of tokens", {"after": well()}, only=("responses",)),
    Fault("filtered", "`response.incomplete`: a filter", {"after": well()}, only=("responses",)),
    Fault("queued", "is not done", {"whole": BROKEN}, only=("responses",)),
    Fault("cancelled", "was cancelled", {"whole": fails("host_broken", settles="reported")}, only=("responses",)),
)  # fmt: skip
CHAT = (
    Fault(
        "limit-event", "an error of code 429 inside the stream", limited("rate_limit_exceeded", 429, "estimate"), only=("chat",)
    ),
)
BOTH = (Fault("new-event", "an event of tomorrow", {"before": well()}, only=("messages", "responses")),)
OWN = (*CHAT, *MESSAGES, *RESPONSES, *BOTH)
"""What only one wire has words for, or only some."""

TYPES = {
    "host_truncated": "api_error", "host_broken": "api_error", "host_unreachable": "api_error", "host_timeout": "timeout_error",
    "rate_limit_exceeded": "rate_limit_error", "overloaded": "overloaded_error", "not_found_error": "not_found_error",
    "model_not_found": "not_found_error", "request_too_large": "request_too_large",
}  # fmt: skip
STATUS_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
}
"""Anthropic API reference, "Errors": the types, of a code of ours and else of a status."""
FAILURES = {
    "rate_limit_exceeded": "rate_limit_exceeded", "overloaded": "rate_limit_exceeded", "context_length_exceeded": "context_length_exceeded",
    "invalid_request_error": "invalid_prompt", "invalid_prompt": "invalid_prompt",
}  # fmt: skip
"""OpenAI API reference, "The response object", `error.code`; every other code of ours is `server_error`."""


def code_for(client: Name, want: Want) -> str:
    """The word of the client's dialect for what became of it; "" for an answer."""
    if not want.code or client == "chat" or (client == "responses" and want.status != 200):
        return want.code
    if client == "responses":
        return FAILURES.get(want.code, "server_error")
    return TYPES.get(want.code) or STATUS_TYPES.get(want.status, "invalid_request_error")
