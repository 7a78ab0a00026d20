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
            _id(tree), number_of(tree, "started"), text_of(tree, "lane"), text_of(tree, "model"), text_of(tree, "reason"),
            whole_of(tree, "status"), whole_of(tree, "cost_micro"), number_of(tree, "ms"), _counts(tree, "findings"),
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
    tools: tuple[tuple[str, int, int | None], ...] = ()
    """Of the host's own tools: the kind, how often it ran, and what that cost in micro-dollars, where it is known."""
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
            return cls(Row(_id(tree), 0.0, "", "", "", 0, 0, 0.0, ()), forgotten=number_of(tree, "forgotten"))
        return cls(
            row=Row.of(tree),
            outcome=text_of(tree, "outcome"),
            who=text_of(tree, "who"),
            session=text_of(tree, "session"),
            asked=text_of(tree, "asked"),
            route=text_of(tree, "route"),
            explain=text_of(tree, "explain"),
            data_class=text_of(tree, "data_class"),
            reserved_micro=whole_of(tree, "reserved_micro"),
            usage=_counts(tree, "usage"),
            tools=_hosted(tree),
            restored=_counts(tree, "restored"),
            steps=tuple(Step(text_of(s, "name"), number_of(s, "ms")) for s in trees_of(tree, "steps")),
            attempts=tuple(
                Attempt(text_of(a, "model"), text_of(a, "lane"), text_of(a, "outcome"),
                        whole_of(a, "cost_micro", 0), whole_of(a, "reserved_micro", 0))
                for a in trees_of(tree, "attempts")
            ),
            candidates=tuple(
                Candidate(text_of(c, "model"), c.get("kept") is True, text_of(c, "gate"), text_of(c, "why"))
                for c in trees_of(tree, "candidates")
            ),
            walked=tuple(
                f"{text_of(w, 'failed')} ({text_of(w, 'kind').replace('_', ' ')}): {text_of(w, 'step') or 'no step was left'}"
                + (f" -> {text_of(w, 'target')}" if text_of(w, "target") else "")
                for w in _later(tree, "walked")
            ),
            checks=tuple(
                f"{text_of(c, 'model')}: " + ("holds" if c.get("held") is True else f"{text_of(c, 'error')}, {text_of(c, 'why')}")
                for c in _later(tree, "checks")
            ),
            tool_calls=tuple(text_of(t, "name") for t in trees_of(tree, "tool_calls")),
            left_machine=texts_of(tree, "left_machine"),
            tokens=texts_of(tree, "tokens"),
            answer=text_of(tree, "answer"),
            recipe=text_of(tree, "recipe"),
            catalogue=text_of(tree, "catalogue"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Approval:
    """Tool calls of one answer that wait for a person. `calls`: names and arguments, as they would be made; `since`, `until`: epoch seconds."""

    id: str
    since: float
    until: float
    who: str
    route: str
    model: str
    calls: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, tree: Tree) -> Approval:
        """Raises Odd."""
        calls = tuple((text_of(c, "tool"), text_of(c, "arguments")) for c in trees_of(tree, "calls"))
        return cls(
            _id(tree), number_of(tree, "since"), number_of(tree, "until"), text_of(tree, "who"), text_of(tree, "route"),
            text_of(tree, "model"), calls,
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
    waiting: int = 0
    """Tool calls that a person has to answer."""

    @classmethod
    def of(cls, tree: Tree) -> Status:
        """Raises Odd."""
        scan, local = tree_of(tree, "inspector"), tree_of(tree, "local")
        cooling = tree.get("cooling")
        return cls(
            text_of(tree, "recipe"), scan.get("alive") is True, local.get("available") is True, whole_of(tree, "in_flight"),
            len(cooling) if isinstance(cooling, Mapping) else 0, sum(c.state == "open" for c in map(Condition.of, _later(tree, "health"))),
            whole_of(tree, "approvals", 0),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spend:
    """Today's money. `limit` is None without a daily budget."""

    spent: int
    limit: int | None

    @classmethod
    def of(cls, tree: Tree) -> Spend:
        """Raises Odd."""
        for budget in trees_of(tree, "budgets"):
            if budget.get("scope") == "daily" and budget.get("limit") is not None:
                return cls(whole_of(budget, "spent"), whole_of(budget, "limit"))
        return cls(whole_of(tree, "spent_today_micro"), None)


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
        return cls(text_of(tree, "name"), ok if isinstance(ok, bool) else None, text_of(tree, "detail"), text_of(tree, "do"))


@dataclass(frozen=True, slots=True)
class Condition:
    """How a host or a model did of late. `state`: of a host's breaker (`closed`, `open`, `half_open`); shares of its calls: `errors` failed,
    `refusals` declined, `broken` broke their format, `slow` took far longer than usual; `first_ms`, `p95_ms`: to the first word of streamed
    answers; `words`: what is to be said of it, if anything."""

    name: str
    state: str
    calls: int
    errors: float
    refusals: float
    broken: float
    slow: float
    first_ms: float | None
    p95_ms: float | None
    tokens_s: float | None
    words: str

    @classmethod
    def of(cls, tree: Tree) -> Condition:
        """Raises Odd."""
        return cls(
            text_of(tree, "name"), text_of(tree, "state"), whole_of(tree, "calls"), number_of(tree, "errors"), number_of(tree, "refusals"),
            number_of(tree, "broken"), number_of(tree, "slow"), _known(tree, "first_ms"), _known(tree, "first_p95_ms"),
            _known(tree, "tokens_s"), text_of(tree, "words"),
        )  # fmt: skip

    @property
    def well(self) -> bool:
        """Nothing is to be said of it."""
        return self.state == "closed" and not self.words


def health(tree: Tree) -> tuple[Condition, ...]:
    """The list in GET status. Raises Odd."""
    return tuple(Condition.of(t) for t in trees_of(tree, "health"))


def rows(tree: Tree) -> tuple[Row, ...]:
    """The list of GET traces. Raises Odd."""
    return tuple(Row.of(t) for t in trees_of(tree, "traces"))


def checks(tree: Tree) -> tuple[Check, ...]:
    """The list of GET doctor. Raises Odd."""
    return tuple(Check.of(t) for t in trees_of(tree, "checks"))


def approvals(tree: Tree) -> tuple[Approval, ...]:
    """The list of GET approvals. Raises Odd."""
    return tuple(Approval.of(t) for t in trees_of(tree, "approvals"))


def text_of(tree: Tree, key: str) -> str:
    value = tree.get(key)
    return "" if value is None else str(value)


def _id(tree: Tree) -> str:
    value = tree.get("id")
    if not isinstance(value, str) or not value:
        raise Odd
    return value


def number_of(tree: Tree, key: str) -> float:
    value = tree.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Odd
    return float(value)


def _known(tree: Tree, key: str) -> float | None:
    return None if tree.get(key) is None else number_of(tree, key)


def whole_of(tree: Tree, key: str, absent: int | None = None) -> int:
    value = tree.get(key, absent)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Odd
    return value


def tree_of(tree: Tree, key: str) -> Tree:
    value = tree.get(key)
    if not isinstance(value, Mapping):
        raise Odd
    return value


def trees_of(tree: Tree, key: str) -> list[Tree]:
    value = tree.get(key)
    if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
        raise Odd
    return value


def _later(tree: Tree, key: str) -> list[Tree]:
    """As `_trees`, of a key that records of earlier versions lack."""
    return trees_of(tree, key) if key in tree else []


def texts_of(tree: Tree, key: str) -> tuple[str, ...]:
    value = tree.get(key)
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _counts(tree: Tree, key: str) -> tuple[tuple[str, int], ...]:
    value = tree.get(key)
    if not isinstance(value, Mapping):
        return ()
    return tuple((str(k), v) for k, v in value.items() if isinstance(v, int) and v)


def _hosted(tree: Tree) -> tuple[tuple[str, int, int | None], ...]:
    """Uses of hosted tools in the record's usage, each with its cost where the daemon could tell it. Raises Odd."""
    usage, costs = tree.get("usage"), tree.get("tools_micro", {})
    if not isinstance(costs, Mapping):
        raise Odd
    uses = _counts(usage, "tools") if isinstance(usage, Mapping) else ()
    return tuple((kind, n, whole_of(costs, kind) if kind in costs else None) for kind, n in uses)
