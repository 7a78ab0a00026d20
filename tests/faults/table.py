"""The 56 faults of a host, and what becomes of each: the data that tests/faults/test_table.py holds the daemon to.

Each stands at one or both of two places of a stream (`before` its first content byte, `after` some words) and, where it can, in a whole
answer. What is expected is what a user sees with one target (`alone`: status, code, calls) and whether another target answers instead
(`falls`). Seconds are the most, with the limits to hosts shortened as test_table.py says (first byte 1.5 s, silence 1 s, all 3 s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    """`name` is the model's, too: the host reads what it shall do from there."""

    name: str
    what: str
    wants: dict[Place, Want]


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


SLOW = 1.5 + 3
"""The first byte's limit and some room."""

CONNECT = (
    Fault("refused", "nothing listens", both(fails("host_unreachable", settles="zero"))),
    Fault("silence", "accepts, and says nothing", both(fails("host_timeout", 504, calls=1, s=SLOW))),
    Fault("tls-cert", "a certificate that nobody signed", both(fails("host_unreachable", settles="zero", s=6))),
    Fault("tls-stall", "accepts, and never shakes hands", both(fails("host_unreachable", settles="zero", s=6))),
    Fault("rst", "resets at once", both(fails("host_truncated"))),
    Fault("dns", "its name is unknown", both(fails("host_unreachable", settles="zero"))),
)
LIMITED = both(fails("rate_limit_exceeded", 429, calls=1, settles="zero", opens=False, s=3))
STATUS = (
    Fault("401", "refuses the key", told(401)),
    Fault("403", "refuses the account", told(403)),
    Fault("404", "has no such model", told(404, code="model_not_found")),
    Fault("408", "timed out reading us", told(408)),
    Fault("409", "is locked", told(409, calls=2)),
    Fault("413", "finds the body too large", told(413, falls=False)),
    Fault("422", "finds the request wrong", told(422, falls=False)),
    Fault("429-2", "limits; Retry-After: 2", LIMITED),
    Fault("429-date", "limits; Retry-After is a date", LIMITED),
    Fault("429-3600", "limits for an hour", LIMITED),
    Fault("429-negative", "limits; Retry-After: -1", LIMITED),
    Fault("429-nan", "limits; Retry-After: NaN", LIMITED),
    Fault("429", "limits, and says not how long", LIMITED),
    Fault("500", "fails", failing()),
    Fault("502-html", "a proxy's page instead of JSON", failing()),
    Fault("503", "is not available", failing()),
    Fault("529", "is overloaded", LIMITED),
    Fault("200-error", "an error object under status 200", both(fails("host_broken"))),
    Fault("301", "redirects elsewhere", failing()),
    Fault("100-flood", "100 Continue for ever", both(fails("host_timeout", 504, calls=1, s=SLOW))),
)
TRUNCATED = fails("host_truncated")
BROKEN = fails("host_broken")
FRAMING = (
    Fault("length-long", "Content-Length beyond what comes", {**both(TRUNCATED), "after": cut("host_truncated")}),
    Fault("length-short", "Content-Length within the answer", {**both(TRUNCATED), "after": cut("host_truncated")}),
    Fault("length-and-chunked", "both framings at once", both(BROKEN)),
    Fault("bad-chunk", "a chunk size that is no number", {**both(TRUNCATED), "after": cut("host_truncated")}),
    Fault("half-closed", "closes its side after the headers", both(TRUNCATED)),
    Fault("fin", "closes inside an event", {**both(TRUNCATED), "after": cut("host_truncated")}),
    Fault("reset", "resets inside an event", {**both(TRUNCATED), "after": cut("host_truncated")}),
    Fault("headers-endless", "headers without end", both(BROKEN)),
    Fault("gzip-bomb", "200 MiB of zeros in 200 KB", both(fails("host_broken", s=20))),
    Fault("wrong-coding", "says gzip, and is not", both(BROKEN)),
)
SSE = (
    Fault("drip", "a byte at a time", {"before": fails("host_timeout", 504, calls=1, s=6), "after": cut("host_timeout", 6)}),
    Fault("gap", "silent for a minute", {"before": fails("host_timeout", 504, calls=1, s=SLOW), "after": cut("host_timeout", SLOW)}),
    Fault("comments", "keeps alive, and says nothing", {"before": fails("host_timeout", 504, calls=1, s=6), "after": cut("host_timeout", 6)}),
    Fault("line-ends", "CRLF, CR and LF mixed", {"before": well()}),
    Fault("bom", "a byte order mark first", {"before": well()}),
    Fault("utf8", "events cut inside characters", {"before": well()}),
    Fault("line-long", "an event of 5 MiB", {"before": fails("host_broken", s=8), "after": cut("host_broken", 6)}),
    Fault("no-done", "ends without [DONE]", {"before": TRUNCATED, "after": cut("host_truncated")}),
    Fault("after-done", "goes on after [DONE]", {"after": well()}),
    Fault("two-roles", "says its role twice", {"before": well()}),
    Fault("two-finishes", "finishes twice", {"after": well()}),
    Fault("bad-json", "an event that is not JSON", {"before": BROKEN, "after": cut("host_broken")}),
    Fault("error-event", "an error inside the stream", {"before": BROKEN, "after": cut("host_broken")}),
    Fault("tool-cut", "a tool call cut in its JSON, and [DONE]", {
        "after": cut("host_truncated", settles="reported"), "whole": fails("host_truncated", settles="reported"),
    }),
    Fault("tool-jump", "tool numbers 0 and 7", {"after": well()}),
    Fault("usage-absent", "no usage", {"before": well("estimate"), "whole": well("estimate")}),
    Fault("usage-zero", "usage of nothing", {"before": well(), "whole": well()}),
    Fault("usage-absurd", "two million tokens of output", {"before": well(), "whole": well()}),
    Fault("usage-twice", "usage twice, the second is right", {"before": well()}),
    Fault("empties", "100 000 empty deltas", {"before": well(s=40)}),
)  # fmt: skip
TABLE = (*CONNECT, *STATUS, *FRAMING, *SSE)
