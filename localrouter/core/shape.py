"""What a route makes of a request before it is sent: `[prompts.NAME]`, a text behind the client's own instructions, and `[toolsets.NAME]`, which of
the offered tools the model gets to see. Both belong to the recipe's version, so that a trace says which words were sent.

They only add the recipe's own words and take tools away (law 6); what they make of a request is read and scanned like the request itself
(daemon/shaping.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from localrouter.core.match import fits
from localrouter.core.strict import Strict

FIELDS = ("task", "domain", "language", "project")
"""What may stand in braces in a prompt: what the request is, by its signals, and the project that the client names."""
_FIELD = re.compile(r"\{([a-z_]+)\}")
LONGEST = 16_384
"""Characters of a prompt."""


def _known(text: str) -> str:
    for name in _FIELD.findall(text):
        if name not in FIELDS:
            raise ValueError(f"there is no field {{{name}}}; the fields are {', '.join(f'{{{f}}}' for f in FIELDS)}")
    if not text.strip():
        raise ValueError("the text is empty")
    return text


class Prompt(Strict):
    """`text` goes behind the system text of the client. In it, `{task}`, `{domain}`, `{language}` and `{project}` stand for what the request
    is; any other braces stay as they are."""

    text: Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(_known)]

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with its fields; "" for a field of which nothing is known."""
        return _FIELD.sub(lambda m: values.get(m[1], ""), self.text)

    @property
    def most_bytes(self) -> int:
        """Bytes of the filled text at most, with what a dialect wraps around it."""
        return len(self.text.encode()) + 512 * 4 * len(_FIELD.findall(self.text)) + 128


class Toolset(Strict):
    """Patterns of tools' names (as in `match`). `offer`: only these are shown to the model; all, where it is left out. `withhold`: these are
    not. A tool without a name goes by its type."""

    offer: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] | None = None
    withhold: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = Field(default=())

    def shows(self, name: str) -> bool:
        """Whether the model gets to see a tool."""
        return (self.offer is None or fits(name, self.offer)) and not fits(name, self.withhold)
