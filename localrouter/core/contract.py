"""`[route.contract]`: what an answer must satisfy before it counts (DESIGN section 6). It is judged after private values were restored."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from localrouter.core.strict import Strict


class Contract(Strict):
    """`json_schema`: `request` (the one that the request itself sends) or the name of one of the recipe's `[schemas]`. `labels`: the answer is
    one of them. `required`: fields that its object must have. `citations`: what it cites must stand in the context that it was given.
    `tool_arguments`: the arguments of each call fit the schema of its tool."""

    json_schema: str | None = None
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    required: tuple[str, ...] | None = Field(default=None, min_length=1)
    citations: Literal["verify"] | None = None
    tool_arguments: Literal["verify"] | None = None
