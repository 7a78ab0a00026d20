"""`[[route]] match`: when a route is for a request. All that is named must hold; an empty match holds always.

A condition is one function below, found by the name of its field, so that a field without a judge fails a test. What a client says of itself
(model, user, tier, project, tags, paths, headers) picks a route and nothing more: the rules of the data classes, the zones and the budgets
hold on every route (law 6).
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from localrouter.core.ask import Ask
from localrouter.core.kinds import DataClass
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.strict import Strict
from localrouter.core.words import Domain, Interaction, Need, Risk, Task

Share = Annotated[float, Field(ge=0, le=1)]
Hours = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
"""`22:00-06:30`, in the machine's own time; the end is not in it. One that ends where it begins is the whole day."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Field(min_length=1)]

LONG_CONTEXT = 32_768
"""Tokens, at four bytes each, from which a request needs a long context: what the small local models of the catalogue read at most."""
_BYTES_PER_TOKEN = 4

SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key")
"""Headers that carry a key: no recipe sees them."""
_SECRET_WORD = re.compile(r"(^|[-_])(token|secret|password|passwd|credential|apikey|key|auth|jwt|signature)s?($|[-_])")
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
"""A field name (RFC 9110, 5.1), in the lower case in which they are compared."""


def _header(name: str) -> str:
    low = name.lower()
    if not _HEADER.fullmatch(low):
        raise ValueError(f"{name!r} is no name of a header")
    if low in SECRET_HEADERS or _SECRET_WORD.search(low):
        raise ValueError(f"the header {low} may carry a key, and no recipe sees one")
    return low


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {_header(name): value for name, value in headers.items()}


class Match(Strict):
    """Lists hold when one of their items does; `tags` and `needs` alike. Texts may hold `*` and `?` (fnmatch, case kept; `*` also passes over
    `/`). `model`: the name that the client asked for, after `[models] map`. `surface`: a dialect (`openai_chat`, `anthropic_messages` ...).
    `endpoint`: the path that was called. `user`, `tier`, `project`, `tags`, `path`: what the client says in the headers `x-localrouter-user`,
    `-tier`, `-project`, `-tags`, or in its own way (dialects/_caller.py). `path`: a folder or file that it works on; `*/acme/*` is also
    the folder `acme` itself. `headers`: by lower-case name; all that are named must be there. `language`: ISO 639-1. `cheap`: the client's own
    chores (a title, a summary, a probe). `size_*`: bytes of the body. `difficulty_from` and `injection_from` include their edge, `*_below`
    does not."""

    task: tuple[Task, ...] | None = None
    domain: tuple[Domain, ...] | None = None
    risk: tuple[Risk, ...] | None = None
    interaction: tuple[Interaction, ...] | None = None
    language: Words | None = None
    difficulty_below: Share | None = None
    difficulty_from: Share | None = None
    injection_from: Share | None = None
    data_class: tuple[DataClass, ...] | None = None
    needs: tuple[Need, ...] | None = None
    tools: bool | None = None
    cheap: bool | None = None
    model: Words | None = None
    surface: Words | None = None
    endpoint: Words | None = None
    user: Words | None = None
    tier: Words | None = None
    project: Words | None = None
    tags: Words | None = None
    path: Words | None = None
    headers: Annotated[dict[str, Word], AfterValidator(_lower)] | None = None
    size_below: int | None = Field(default=None, ge=1)
    size_from: int | None = Field(default=None, ge=1)
    hours: tuple[Hours, ...] | None = None

    @functools.cached_property
    def conditions(self) -> tuple[tuple[str, Any], ...]:
        """(name, value) of those that are named, in the order of the fields."""
        return tuple((name, value) for name in type(self).model_fields if (value := getattr(self, name)) is not None)


@functools.lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(text))


def fits(word: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns covers the word."""
    for pattern in patterns:  # noqa: SIM110  # asked for each condition of each route, where `any` costs as much again
        if word == pattern or _pattern(pattern).match(word) is not None:
            return True
    return False


def _on(path: str, patterns: tuple[str, ...]) -> bool:
    plain = path.replace("\\", "/").rstrip("/")
    return fits(plain, patterns) or fits(plain + "/", patterns)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _within(minute: int, span: str) -> bool:
    begin, _, end = span.partition("-")
    first, last = _minutes(begin), _minutes(end)
    if first == last:
        return True
    return first <= minute < last if first < last else minute >= first or minute < last


def needed(ask: Ask) -> frozenset[Need]:
    """What the request needs, in the words of `needs`."""
    n = ask.needs
    told: tuple[tuple[Need, bool], ...] = (
        ("tools", n.tools),
        ("json_schema", n.json_schema),
        ("vision", n.vision),
        ("audio", n.audio),
        ("fim", n.fim),
        ("reasoning", n.reasoning),
        ("long_context", _long(ask)),
    )
    return frozenset(name for name, yes in told if yes)


def _long(ask: Ask) -> bool:
    if ask.size < LONG_CONTEXT * _BYTES_PER_TOKEN:
        return False
    # A picture is as large as a book and is billed as a page or two.
    size = sum(len(leaf.text.encode("utf-8", "surrogatepass")) for leaf in ask.leaves) if ask.unread else ask.size
    return size >= LONG_CONTEXT * _BYTES_PER_TOKEN


Judge = Callable[[Any, Ask, Signals, Standing], bool]

JUDGES: dict[str, Judge] = {
    "task": lambda v, a, s, w: s.task in v,
    "domain": lambda v, a, s, w: s.domain in v,
    "risk": lambda v, a, s, w: s.risk in v,
    "interaction": lambda v, a, s, w: s.interaction in v,
    "language": lambda v, a, s, w: bool(s.language) and fits(s.language, v),
    "difficulty_below": lambda v, a, s, w: s.difficulty < v,
    "difficulty_from": lambda v, a, s, w: s.difficulty >= v,
    "injection_from": lambda v, a, s, w: s.injection >= v,
    "data_class": lambda v, a, s, w: s.data_class in v,
    "needs": lambda v, a, s, w: not needed(a).isdisjoint(v),
    "tools": lambda v, a, s, w: a.needs.tools == v,
    "cheap": lambda v, a, s, w: s.cheap == v,
    "model": lambda v, a, s, w: fits(a.model, v),
    "surface": lambda v, a, s, w: fits(a.dialect, v),
    "endpoint": lambda v, a, s, w: fits(a.endpoint, v),
    "user": lambda v, a, s, w: fits(a.who, v) or (bool(a.caller.user) and fits(a.caller.user, v)),
    "tier": lambda v, a, s, w: bool(a.caller.tier) and fits(a.caller.tier, v),
    "project": lambda v, a, s, w: bool(a.caller.project) and fits(a.caller.project, v),
    "tags": lambda v, a, s, w: any(fits(tag, v) for tag in a.caller.tags),
    "path": lambda v, a, s, w: any(_on(path, v) for path in a.caller.paths),
    "headers": lambda v, a, s, w: all(n in a.caller.headers and fits(a.caller.headers[n], (p,)) for n, p in v.items()),
    "size_below": lambda v, a, s, w: a.size < v,
    "size_from": lambda v, a, s, w: a.size >= v,
    "hours": lambda v, a, s, w: any(_within(w.minute, span) for span in v),
}
"""One for each field of Match."""


def failing(m: Match, ask: Ask, signals: Signals, standing: Standing) -> str:
    """The first named condition that does not hold, or ""."""
    return next((name for name, value in m.conditions if not JUDGES[name](value, ask, signals, standing)), "")


def holds(m: Match, ask: Ask, signals: Signals, standing: Standing) -> bool:
    """Whether every named condition holds."""
    for name, value in m.conditions:  # noqa: SIM110  # as there
        if not JUDGES[name](value, ask, signals, standing):
            return False
    return True
