"""What a trace keeps of the texts of its request, and for how long: the lesser of what config.toml and the route say (`[logging]`,
`[route.logging]`). Who asked, what was decided and what it cost is kept in any case, for as long as the trace."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from localrouter.core.strict import Strict

Texts = Literal["veiled", "hashed", "none"]
"""`veiled`: as they left, with placeholders (law 8). `hashed`: a keyed hash of each, by which equal texts are known again on this machine and
nowhere else. `none`: nothing."""
_LEAST_FIRST: tuple[Texts, ...] = ("none", "hashed", "veiled")
KEEP_DAYS = 30
LONGEST_DAYS = 36_500


class Logging(Strict):
    """`prompts`: what is kept of what left. `outputs`: whether the answer is kept, in the way in which config.toml keeps texts. `keep_days`:
    after so many days the texts and the decision go, and the trace's place in the chain stays until its age by config.toml."""

    prompts: Texts = "veiled"
    outputs: bool = True
    keep_days: int | None = Field(default=None, ge=1, le=LONGEST_DAYS)


def lesser(one: Texts, other: Texts) -> Texts:
    """The one that keeps less."""
    return min(one, other, key=_LEAST_FIRST.index)


def kept(general: Texts, route: Logging | None) -> tuple[Texts, Texts]:
    """(of what left, of the answer). `general`: what config.toml says; `route`: None where no route was found."""
    if route is None:
        return general, general
    return lesser(general, route.prompts), general if route.outputs else "none"
