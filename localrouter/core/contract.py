"""`[route.contract]`: what an answer must satisfy before it counts (DESIGN section 6). It is judged after private values were restored.

Under a contract an answer is held until it is whole, also where the client asked for a stream: it hears signs of life meanwhile, and then the
whole answer as its dialect's events. Only what the contract asks for and the request has is judged: without a schema of its own a request is
not held for `json_schema = "request"`, and one without tools not for `tool_arguments`.

What does not fit is told to the same model once, with its own answer and the places that are wrong (`repair_once`; the values veiled again),
then the route's next target is asked; core/judge.py says how each term is judged, core/citations.py what a citation of the text is, and
core/cited.py what one that an API says beside it. Every try is reserved and settled. An answer that only breaks off at its limit of tokens is
`truncated`; one that the host marks as a refusal is told.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from localrouter.core.strict import Strict


class Contract(Strict):
    """`json_schema`: `request` (the one that the request itself sends) or the name of one of the recipe's `[schemas]`. `labels`: the answer is
    one of them. `required`: fields that its object must have. `citations`: what it cites must stand in the context that it was given.
    `tool_arguments`: the arguments of each call fit the schema of its tool. `disclaimer`: a sentence that an answer in words must hold, in any
    case and spacing; a model that leaves it out is told once, so it is best asked for in the prompt as well."""

    json_schema: str | None = None
    labels: tuple[str, ...] | None = Field(default=None, min_length=1)
    required: tuple[str, ...] | None = Field(default=None, min_length=1)
    citations: Literal["verify"] | None = None
    tool_arguments: Literal["verify"] | None = None
    disclaimer: str | None = Field(default=None, min_length=1, max_length=1000)
