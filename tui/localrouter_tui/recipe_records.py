"""What is known of recipes, as frozen records: the history that the control API gives, and the reports of the recipe verbs. The only place that
knows the names of their fields. As in records.py, a number that is missing or of another type is `Odd`."""

from __future__ import annotations

from dataclasses import dataclass

from localrouter_tui.records import Odd, Tree, number_of, text_of, texts_of, tree_of, trees_of, whole_of


@dataclass(frozen=True, slots=True)
class Version:
    """A recipe that was in force since `at`. `by`: `cli`, `rollback`, or `file` where a file had changed; `decisions`: requests that it decided."""

    at: float
    name: str
    hash: str
    by: str
    note: str
    decisions: int

    @property
    def version(self) -> str:
        return f"{self.name}@{self.hash}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two recipes: sentences, and the lines of a unified diff."""

    before: str
    after: str
    words: tuple[str, ...]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, tree: Tree) -> Difference:
        return cls(text_of(tree, "before"), text_of(tree, "after"), texts_of(tree, "differences"), texts_of(tree, "unified"))


@dataclass(frozen=True, slots=True)
class Side:
    """Where a request went, or would have. `cost`: micro-dollars, None where nobody can say."""

    route: str
    lane: str
    model: str
    cost: int | None
    error: str


@dataclass(frozen=True, slots=True)
class Change:
    """A request that would go another way, or of which (`after` None) it cannot be known."""

    id: str
    at: float
    kind: str
    before: Side
    after: Side | None
    why: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all requests under one recipe."""

    lanes: tuple[tuple[str, int], ...]
    models: tuple[tuple[str, int], ...]
    left: int
    cost: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A dry run: recorded traffic under another recipe."""

    recipe: str
    requests: int
    recorded_by: tuple[tuple[str, int], ...]
    kinds: tuple[tuple[str, int], ...]
    before: Totals
    after: Totals
    unpriced: int
    uncounted: int
    seconds: float
    changed: tuple[Change, ...]

    @classmethod
    def of(cls, tree: Tree) -> Replay:
        """Raises Odd."""
        return cls(
            text_of(tree, "recipe"), whole_of(tree, "requests"), _counts(tree, "recorded_by"), _counts(tree, "kinds"),
            _totals(tree_of(tree, "before")), _totals(tree_of(tree, "after")), whole_of(tree, "unpriced"), whole_of(tree, "uncounted"),
            number_of(tree, "seconds"), tuple(map(_change, trees_of(tree, "changed"))),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """A recipe that was read: whether it may be put in force, and what is odd about it."""

    version: str
    ok: bool
    faults: tuple[str, ...]
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, tree: Tree) -> Checked:
        found, missing = tree.get("faults"), tree.get("unknown_targets")
        faults = [f for f in found if isinstance(f, dict)] if isinstance(found, list) else []
        lost = [m for m in missing if isinstance(m, list) and len(m) == 3] if isinstance(missing, list) else []
        said = [f"{text_of(f, 'file')}:{text_of(f, 'line')}: {text_of(f, 'what')} {text_of(f, 'do')}".rstrip() for f in faults]
        said += [f"{where} tries {target}, which the catalogue lacks. {near}".rstrip() for where, target, near in lost]
        return cls(text_of(tree, "version"), tree.get("ok") is True, tuple(said), texts_of(tree, "warnings"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A route of the recipe in force: its conditions in a few words, and whom it asks."""

    name: str
    when: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """The recipe in force. `classes`: (data class, what is done with its values, where its requests may go)."""

    version: str
    description: str
    classes: tuple[tuple[str, str, str], ...]
    routes: tuple[Rule, ...]

    @classmethod
    def of(cls, tree: Tree) -> InForce:
        """Raises Odd."""
        recipe = tree_of(tree, "recipe")
        classes = recipe.get("classes")
        rows = classes.items() if isinstance(classes, dict) else ()
        return cls(
            text_of(tree, "version"),
            text_of(recipe, "description"),
            tuple((name, text_of(rule, "values"), text_of(rule, "request")) for name, rule in rows if isinstance(rule, dict)),
            tuple(Rule(text_of(r, "name"), _when(r), texts_of(r, "try")) for r in trees_of(recipe, "route")),
        )


def history(tree: Tree) -> tuple[Version, ...]:
    """The list of GET recipe/history, newest first. Raises Odd."""
    return tuple(
        Version(number_of(v, "at"), text_of(v, "name"), text_of(v, "hash"), text_of(v, "by"), text_of(v, "note"), whole_of(v, "decisions"))
        for v in trees_of(tree, "versions")
    )  # fmt: skip


def _when(route: Tree) -> str:
    match = route.get("match")
    named = {k: v for k, v in match.items() if v is not None} if isinstance(match, dict) else {}
    return "; ".join(f"{key.replace('_', ' ')} {_value(value)}" for key, value in named.items()) or "always"


def _value(value: object) -> str:
    if isinstance(value, list):
        return " or ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{k} {_value(v)}" for k, v in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _counts(tree: Tree, key: str) -> tuple[tuple[str, int], ...]:
    value = tree_of(tree, key)
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in value.values()):
        raise Odd
    return tuple(sorted(((str(k), int(n)) for k, n in value.items()), key=lambda item: (-item[1], item[0])))


def _totals(tree: Tree) -> Totals:
    return Totals(_counts(tree, "lanes"), _counts(tree, "models"), whole_of(tree, "left_machine"), whole_of(tree, "cost_micro"))


def _side(tree: Tree) -> Side:
    cost = None if tree.get("cost_micro") is None else whole_of(tree, "cost_micro")
    return Side(text_of(tree, "route"), text_of(tree, "lane"), text_of(tree, "model"), cost, text_of(tree, "error"))


def _change(tree: Tree) -> Change:
    after = tree.get("after")
    return Change(
        text_of(tree, "id"), number_of(tree, "at"), text_of(tree, "kind"), _side(tree_of(tree, "before")),
        None if after is None else _side(tree_of(tree, "after")), text_of(tree, "why"),
    )  # fmt: skip
