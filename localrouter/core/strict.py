"""The base of what recipes are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """pydantic's, without what was worked out from the old values (`cached_property`)."""
        made = super().model_copy(update=update, deep=deep)
        for name in set(made.__dict__) - set(type(self).model_fields):
            del made.__dict__[name]
        return made
