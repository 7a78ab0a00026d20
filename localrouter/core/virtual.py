"""Names that a client may ask for and that are no model: `localrouter/auto`, `/local`, `/private`, `/cheap`, `/best`; and what a recipe makes
of the models that clients name (`[models]`).

A virtual name tightens or reorders what the route offers and adds nothing to it but the local lane, which is open to every request:

- `auto`: the recipe chooses.
- `local`: only this machine answers.
- `private`: a request in which something above `public` was found goes to this machine and to hosts in the zones `machine` and `trusted`
  alone. One in which nothing was found goes wherever its route says.
- `cheap`: the route's targets by what this call may cost, the least first; of equal ones the route's order holds.
- `best`: the other way round, by the price of what is written. Price stands in for quality, since no catalogue states a quality that all
  hosts agree on; who knows better writes the order into a route.

A client's own word is kept where it tightens: no `[models]` rule maps or refuses a virtual name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localrouter.core.catalogue import Model
from localrouter.core.kinds import DataClass
from localrouter.core.match import fits
from localrouter.core.money import ceiling
from localrouter.core.rules import ModelRules

Word = Literal["", "auto", "local", "private", "cheap", "best"]

AUTO = ("localrouter/auto", "auto", "localrouter")
"""Model names that leave the choice to the recipe."""
NAMES: dict[str, Word] = {
    **dict.fromkeys(AUTO, "auto"),
    "localrouter/local": "local",
    "localrouter/private": "private",
    "localrouter/cheap": "cheap",
    "localrouter/best": "best",
}
TITLES: dict[str, str] = {
    "localrouter/auto": "localrouter (the recipe chooses)",
    "localrouter/local": "localrouter (this machine only)",
    "localrouter/private": "localrouter (private requests stay here)",
    "localrouter/cheap": "localrouter (the cheapest first)",
    "localrouter/best": "localrouter (the dearest first)",
}
"""What lists of models show."""
_ORDERS: dict[Word, str] = {
    "cheap": "The client asked for localrouter/cheap, so the cheapest comes first.",
    "best": "The client asked for localrouter/best, so the dearest comes first.",
}
_NOMINAL = 1024
"""Tokens of an answer without a limit, when prices are compared: each model's own limit would compare limits."""


def word(name: str) -> Word:
    """What a virtual name says; "" for any other name."""
    return NAMES.get(name, "")


@dataclass(frozen=True, slots=True)
class Choice:
    """`model`: the name that is routed by; `why`: a sentence where it is not the client's or makes an order of its own, which quotes nothing of
    what the client wrote."""

    model: str
    why: str = ""


def choice(models: ModelRules, asked: str) -> Choice:
    """What a recipe makes of a name: mapped (the first pattern that covers it), left to the recipe, or as it is."""
    said = word(asked)
    if not asked or said:
        return Choice(asked, _ORDERS.get(said, ""))
    for pattern, target in models.map.items():
        if fits(asked, (pattern,)):
            return Choice(target, f"The recipe maps the model that the client named ('{pattern}') to {target}.")
    if fits(asked, models.honour):
        return Choice(asked)
    return Choice(AUTO[0], "The recipe does not let clients choose the model that the client named, so it chose itself.")


def adds_local(name: str) -> bool:
    """Whether the local lane stands at the end of the route's targets though the route does not name it."""
    return word(name) in ("local", "private")


def refused(name: str, zone: str, data_class: DataClass, keep_local: bool) -> str:
    """Why a target in `zone` may not answer who asked for `name`; "" where it may."""
    said = word(name)
    if said == "local" and zone != "machine":
        return "The client asked for localrouter/local, and this model is not on this machine."
    if said == "private" and zone == "hosted" and (data_class != "public" or keep_local):
        return f"The client asked for localrouter/private, and the request holds {data_class} data."
    return ""


def rank(name: str, model: Model | None, prompt_bound: int, max_output: int | None, n: int) -> tuple[int, int]:
    """What the route's targets are sorted by for `cheap` and `best`; the same for all under any other name. `model`: None for the local
    lane. A model without a price comes last."""
    said = word(name)
    if said not in ("cheap", "best"):
        return 0, 0
    if model is not None and model.price is None:
        return 1, 0
    if said == "best":
        return 0, -(model.price.output if model is not None and model.price is not None else 0)
    output = max_output or _NOMINAL
    return 0, ceiling(prompt_bound, output, model.price, n) if model is not None and model.price is not None else 0
