"""The decision as a published object: what `decide()` read of one request, and the plan that it made. It can be logged, explained, and
replayed to the same plan: `replay(decision, recipe, catalogue, gates)`.

It holds no text of the request. Names that the client made up (a model nobody has, a path, a tag, a header) may hold anything: where the
privacy scan finds something in one, it is `hidden`, and what is kept of it is which of the recipe's own patterns it fitted.

What stays the same from request to request (keys, local models, the gates' names) is the `place`, which a store keeps once, by its hash.
Its JSON Schema is in core/decision_schema.py; `localrouter explain --schema` prints it.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from localrouter.core.ask import Ask, Leaf
from localrouter.core.catalogue import Catalogue
from localrouter.core.decide import decide
from localrouter.core.kinds import ORDER
from localrouter.core.plan import Gate, Plan
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.unrecorded import CannotReplay as CannotReplay
from localrouter.core.unrecorded import Missing, blanked, fitted, resolved, wanted_by

VERSION = 1
ASK = (
    "dialect", "endpoint", "model", "needs", "max_output", "n", "size", "who", "unread", "hosted", "offers", "forced", "hints", "caller",
)  # fmt: skip
"""The fields of an Ask that are recorded. No decision reads the others: they are the request's own texts, or what belongs to its host."""
NEVER = ("tree", "leaves", "last_user", "session", "context_ids", "head", "signed")
"""The fields of an Ask that are not recorded."""
PLACE = ("budget", "keys", "local", "local_context", "local_why_not", "locals", "keyring_waiting")
"""The fields of a Standing that stay the same from request to request."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`ask`, `signals`, `standing` and `place` hold the fields of those types that were read, JSON values by name; what an Ask or a Standing
    left at its default is left out. `hidden`: for a key of a match, which patterns of the recipe the unrecorded value fitted. `plan`: route,
    reason, attempts as [model, lane, most output tokens, reserved micro-dollars], dropped models by gate, and the error's code or ""."""

    recipe: str
    catalogue: str
    ask: dict[str, Any]
    signals: dict[str, Any]
    standing: dict[str, Any]
    place: dict[str, Any]
    plan: dict[str, Any]
    hidden: dict[str, dict[str, bool]] = field(default_factory=dict)
    version: int = VERSION

    @property
    def missing(self) -> Missing:
        return Missing(self.hidden, frozenset(self.place.get("wanted", ())))

    @property
    def place_hash(self) -> str:
        return hashed(self.place)

    def slim(self) -> dict[str, Any]:
        """As JSON values, with the hash of the place instead of it."""
        return {**self.whole(), "place": self.place_hash}

    def whole(self) -> dict[str, Any]:
        """As JSON values, complete in itself: what the published schema describes."""
        more = {"hidden": self.hidden} if self.hidden else {}
        return {
            "version": self.version, "recipe": self.recipe, "catalogue": self.catalogue, "ask": self.ask, "signals": self.signals,
            "standing": self.standing, "place": self.place, "plan": self.plan, **more,
        }  # fmt: skip

    @classmethod
    def read(cls, tree: Mapping[str, Any], place: Mapping[str, Any] | None = None) -> Decision:
        """From `whole()`, or from `slim()` and its place. Raises CannotReplay."""
        try:
            if tree["version"] > VERSION:
                raise CannotReplay("A newer localrouter recorded this decision. Update localrouter to replay it.")
            kept = dict(place) if place is not None else tree["place"]
            if not isinstance(kept, dict):
                raise CannotReplay("The record names its place by hash, and the place was not given with it.")
            return cls(
                tree["recipe"], tree["catalogue"], tree["ask"], tree["signals"], tree["standing"], kept, tree["plan"],
                tree.get("hidden", {}), tree["version"],
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError) as exc:
            raise CannotReplay(f"This is no recorded decision ({exc}).") from None


def hashed(tree: Any) -> str:
    """16 hex digits of SHA-256 over canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def digest(recipe: Recipe) -> str:
    """12 hex digits of SHA-256 over all that a recipe says, defaults included. What it `extends` is in it already, and no part of it."""
    return hashlib.sha256(kept(recipe).encode()).hexdigest()[:12]


def kept(recipe: Recipe) -> str:
    """A recipe as JSON, whole: what a store keeps and `digest` is of. Its order stays: of a map the first pattern counts."""
    return json.dumps(said(recipe), separators=(",", ":"), ensure_ascii=False)


def said(recipe: Recipe) -> dict[str, Any]:
    """A recipe as JSON values, whole, its classes in their own order."""
    tree = recipe.model_dump(mode="json", by_alias=True, exclude={"extends"})
    tree["classes"] = {name: tree["classes"][name] for name in ORDER if name in tree["classes"]}
    tree["domains"] = dict(sorted(tree["domains"].items()))
    return tree


def catalogue_kept(catalogue: Catalogue) -> str:
    """A catalogue as JSON, but for the local files that can be pulled, which no decision reads."""
    return TypeAdapter(Catalogue).dump_json(catalogue, exclude={"local"}, exclude_defaults=True).decode()


def catalogue_read(body: str) -> Catalogue:
    """What `catalogue_kept` wrote. Raises CannotReplay."""
    try:
        return TypeAdapter(Catalogue).validate_json(body)
    except ValidationError:
        raise CannotReplay("The catalogue was kept by another version of localrouter.") from None


@functools.cache
def adapters() -> tuple[TypeAdapter[Ask], TypeAdapter[Signals], TypeAdapter[Standing]]:
    return TypeAdapter(Ask), TypeAdapter(Signals), TypeAdapter(Standing)


def record(
    ask: Ask,
    signals: Signals,
    standing: Standing,
    recipe: Recipe,
    plan: Plan,
    gates: Sequence[Gate],
    hidden: Collection[str] = (),
    version: str = "",
) -> Decision:
    """`hidden`: keys of unrecorded.HIDABLE whose values may not be recorded. `version`: the recipe's, where it is known already."""
    of_ask, of_signals, of_standing = adapters()
    facts = of_ask.dump_python(ask, mode="json", include=set(ASK), exclude_defaults=True)
    if ask.unread:  # then gates count the text, which is not `size`
        facts["text_bytes"] = sum(len(leaf.text.encode("utf-8", "surrogatepass")) for leaf in ask.leaves)
    world = of_standing.dump_python(standing, mode="json", exclude={"catalogue"}, exclude_defaults=True)
    place = {name: world.pop(name) for name in PLACE if name in world}
    if "keys" in place:
        place["keys"] = sorted(place["keys"])  # a set has no order, and the hash needs one
    place["gates"] = [g.NAME for g in sorted(gates, key=lambda g: (g.ORDER, g.NAME))]
    if looks := wanted_by(recipe):
        place["wanted"] = looks
    if hidden:
        facts, world = blanked(facts, world, hidden)
    return Decision(
        version or f"{recipe.name}@{digest(recipe)}", standing.catalogue.version, facts, of_signals.dump_python(signals, mode="json"), world,
        place, summary(plan), {key: fitted(key, ask, signals, standing, recipe) for key in sorted(hidden)},
    )  # fmt: skip


def summary(plan: Plan) -> dict[str, Any]:
    """A plan as the record keeps it. Why a candidate was dropped is said again by a replay."""
    dropped: dict[str, list[str]] = {}
    for w in plan.weighed:
        if not w.kept:
            dropped.setdefault(w.gate, []).append(w.model)
    return {
        "route": plan.route,
        "reason": plan.reason,
        "attempts": [[a.id, a.lane, a.max_output, a.reserve] for a in plan.attempts],
        "dropped": dropped,
        "error": plan.error.code if plan.error else "",
    }


def inputs(decision: Decision, catalogue: Catalogue) -> tuple[Ask, Signals, Standing]:
    """What `decide()` read, but for the texts. Raises CannotReplay."""
    of_ask, of_signals, of_standing = adapters()
    facts = dict(decision.ask)
    # Gates that count the text of a request with pictures count this: as long as the recorded one, and nothing of it.
    filler = (Leaf(("recorded",), "x" * facts.pop("text_bytes", 0), "user", "content"),) if "text_bytes" in facts else ()
    place = {k: v for k, v in decision.place.items() if k in PLACE}
    blank: dict[str, Any] = {"tree": {}, "leaves": filler, "model": "", "needs": {}, "max_output": None, "n": 1, "size": 0}
    try:
        return (
            of_ask.validate_python({**blank, **facts}),
            of_signals.validate_python(decision.signals),
            of_standing.validate_python({"remaining": None, **place, **decision.standing, "catalogue": catalogue}),
        )
    except ValidationError as exc:
        where = ".".join(str(p) for p in exc.errors()[0]["loc"])
        raise CannotReplay(f"This is no decision that this localrouter can read (at {where}).") from None


def replay(decision: Decision, recipe: Recipe, catalogue: Catalogue, gates: Sequence[Gate]) -> Plan:
    """The plan that this recipe makes of what was recorded: with the recipe, catalogue and gates of then, the plan of then. Raises
    CannotReplay where the recipe asks for what the record does not hold."""
    ask, signals, standing = inputs(decision, catalogue)
    recipe, ask = resolved(recipe, decision.missing, ask, signals, standing)
    return decide(ask, signals, recipe, standing, gates)
