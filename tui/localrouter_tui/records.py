"""What the control API answers, as frozen records. The only place that knows the names of its fields.

Text is taken as it comes; a number or an id that is missing or of another type is `Odd`: a guessed sum of money is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Tree = Mapping[str, Any]


class Odd(Exception):
    """The daemon's answer has another shape than this TUI knows."""

    message = "The daemon answered in a form that this TUI does not know: their versions differ."
    do = "Run `localrouter restart`."
    text = f"{message} {do}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    id: str
    started: float
    lane: str
    model: str
    reason: str
    status: int
    cost_micro: int
    ms: float
    findings: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, tree: Tree) -> Row:
        """Raises Odd."""
        return cls(
            _id(tree), _number(tree, "started"), _text(tree, "lane"), _text(tree, "model"), _text(tree, "reason"),
            _whole(tree, "status"), _whole(tree, "cost_micro"), _number(tree, "ms"), _counts(tree, "findings"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a request and how long it took."""

    name: str
    ms: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a model. `outcome` is empty for a call that had no cost to settle."""

    model: str
    lane: str
    outcome: str
    cost_micro: int
    reserved_micro: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that the route named, and what the gates said."""

    model: str
    kept: bool
    gate: str
    why: str


@dataclass(frozen=True, slots=True)
class Record:
    """One request, whole. A forgotten one has only its row's id: `forgotten` is the time of that."""

    row: Row
    forgotten: float | None = None
    outcome: str = ""
    who: str = ""
    session: str = ""
    asked: str = ""
    route: str = ""
    explain: str = ""
    data_class: str = ""
    reserved_micro: int = 0
    usage: tuple[tuple[str, int], ...] = ()
    restored: tuple[tuple[str, int], ...] = ()
    steps: tuple[Step, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    walked: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    tool_calls: tuple[str, ...] = ()
    left_machine: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    answer: str = ""
    recipe: str = ""
    catalogue: str = ""

    @classmethod
    def of(cls, tree: Tree) -> Record:
        """Raises Odd."""
        if tree.get("forgotten"):
            return cls(Row(_id(tree), 0.0, "", "", "", 0, 0, 0.0, ()), forgotten=_number(tree, "forgotten"))
        return cls(
            row=Row.of(tree),
            outcome=_text(tree, "outcome"),
            who=_text(tree, "who"),
            session=_text(tree, "session"),
            asked=_text(tree, "asked"),
            route=_text(tree, "route"),
            explain=_text(tree, "explain"),
            data_class=_text(tree, "data_class"),
            reserved_micro=_whole(tree, "reserved_micro"),
            usage=_counts(tree, "usage"),
            restored=_counts(tree, "restored"),
            steps=tuple(Step(_text(s, "name"), _number(s, "ms")) for s in _trees(tree, "steps")),
            attempts=tuple(
                Attempt(_text(a, "model"), _text(a, "lane"), _text(a, "outcome"),
                        _whole(a, "cost_micro", 0), _whole(a, "reserved_micro", 0))
                for a in _trees(tree, "attempts")
            ),
            candidates=tuple(
                Candidate(_text(c, "model"), c.get("kept") is True, _text(c, "gate"), _text(c, "why"))
                for c in _trees(tree, "candidates")
            ),
            walked=tuple(
                f"{_text(w, 'failed')} ({_text(w, 'kind').replace('_', ' ')}): {_text(w, 'step') or 'no step was left'}"
                + (f" -> {_text(w, 'target')}" if _text(w, "target") else "")
                for w in _later(tree, "walked")
            ),
            checks=tuple(
                f"{_text(c, 'model')}: " + ("holds" if c.get("held") is True else f"{_text(c, 'error')}, {_text(c, 'why')}")
                for c in _later(tree, "checks")
            ),
            tool_calls=tuple(_text(t, "name") for t in _trees(tree, "tool_calls")),
            left_machine=_texts(tree, "left_machine"),
            tokens=_texts(tree, "tokens"),
            answer=_text(tree, "answer"),
            recipe=_text(tree, "recipe"),
            catalogue=_text(tree, "catalogue"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is."""

    recipe: str
    scan: bool
    local: bool
    in_flight: int
    cooling: int
    cut_off: int

    @classmethod
    def of(cls, tree: Tree) -> Status:
        """Raises Odd."""
        scan, local = _tree(tree, "inspector"), _tree(tree, "local")
        cooling = tree.get("cooling")
        return cls(
            _text(tree, "recipe"), scan.get("alive") is True, local.get("available") is True, _whole(tree, "in_flight"),
            len(cooling) if isinstance(cooling, Mapping) else 0, sum(c.state == "open" for c in map(Condition.of, _later(tree, "health"))),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spend:
    """Today's money. `limit` is None without a daily budget."""

    spent: int
    limit: int | None

    @classmethod
    def of(cls, tree: Tree) -> Spend:
        """Raises Odd."""
        for budget in _trees(tree, "budgets"):
            if budget.get("scope") == "daily" and budget.get("limit") is not None:
                return cls(_whole(budget, "spent"), _whole(budget, "limit"))
        return cls(_whole(tree, "spent_today_micro"), None)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor. `ok` is None for a note."""

    name: str
    ok: bool | None
    detail: str
    do: str

    @classmethod
    def of(cls, tree: Tree) -> Check:
        ok = tree.get("ok")
        return cls(_text(tree, "name"), ok if isinstance(ok, bool) else None, _text(tree, "detail"), _text(tree, "do"))


@dataclass(frozen=True, slots=True)
class Condition:
    """How a host or a model did of late. `state`: of a host's breaker; `bad`: the share of its calls that failed, refused or broke their
    format; `words`: what is to be said of it, if anything."""

    name: str
    state: str
    calls: int
    bad: float
    first_ms: float | None
    words: str

    @classmethod
    def of(cls, tree: Tree) -> Condition:
        """Raises Odd."""
        bad = sum(_number(tree, key) for key in ("errors", "refusals", "broken"))
        first = None if tree.get("first_ms") is None else _number(tree, "first_ms")
        return cls(_text(tree, "name"), _text(tree, "state"), _whole(tree, "calls"), bad, first, _text(tree, "words"))


def health(tree: Tree) -> tuple[Condition, ...]:
    """The list in GET status. Raises Odd."""
    return tuple(Condition.of(t) for t in _trees(tree, "health"))


def rows(tree: Tree) -> tuple[Row, ...]:
    """The list of GET traces. Raises Odd."""
    return tuple(Row.of(t) for t in _trees(tree, "traces"))


def checks(tree: Tree) -> tuple[Check, ...]:
    """The list of GET doctor. Raises Odd."""
    return tuple(Check.of(t) for t in _trees(tree, "checks"))


def _text(tree: Tree, key: str) -> str:
    value = tree.get(key)
    return "" if value is None else str(value)


def _id(tree: Tree) -> str:
    value = tree.get("id")
    if not isinstance(value, str) or not value:
        raise Odd
    return value


def _number(tree: Tree, key: str) -> float:
    value = tree.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Odd
    return float(value)


def _whole(tree: Tree, key: str, absent: int | None = None) -> int:
    value = tree.get(key, absent)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Odd
    return value


def _tree(tree: Tree, key: str) -> Tree:
    value = tree.get(key)
    if not isinstance(value, Mapping):
        raise Odd
    return value


def _trees(tree: Tree, key: str) -> list[Tree]:
    value = tree.get(key)
    if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
        raise Odd
    return value


def _later(tree: Tree, key: str) -> list[Tree]:
    """As `_trees`, of a key that records of earlier versions lack."""
    return _trees(tree, key) if key in tree else []


def _texts(tree: Tree, key: str) -> tuple[str, ...]:
    value = tree.get(key)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _counts(tree: Tree, key: str) -> tuple[tuple[str, int], ...]:
    value = tree.get(key)
    if not isinstance(value, Mapping):
        return ()
    return tuple((str(k), v) for k, v in value.items() if isinstance(v, int) and v)
