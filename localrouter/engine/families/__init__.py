"""Families: how models write reasoning and tool calls. ONE FILE PER TEMPLATE FAMILY; the folder is the registry (`_*.py` are shared parts).

A family is chosen by what the model's template says; its architecture and name count only where there is no template.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol, cast

from localrouter.engine.families._lark import NO_TOKENS, Choice, NoSuchTool
from localrouter.engine.families._parser import Parser
from localrouter.engine.families._said import Call, Reasoning, Said, Words
from localrouter.engine.families._tools import Raw

__all__ = [
    "Call", "Choice", "Family", "NoSuchTool", "Parser", "Raw", "Reasoning", "Said", "Words", "all_families", "family_for", "head",
]  # fmt: skip


class Family(Protocol):
    """One way to write calls. The module is the family."""

    NAME: str
    MARKERS: tuple[str, ...]
    """Control tokens that the parser must see as text; all others stay out of the answer."""

    def fits(self, template: str, architecture: str, name: str) -> int:
        """How well the family fits, 0 for not at all. The highest wins. `template`: the Jinja source, "" without one; `architecture`:
        GGUF's `general.architecture`; `name`: GGUF's `general.name` or the file's."""
        ...

    def parser(self, tools: Sequence[Mapping[str, Any]] | None, thinking_open: bool = False) -> Parser:
        """A parser for one answer. `tools`: OpenAI's list; without tools no text is a call. `thinking_open`: the prompt ends inside of
        a block of reasoning (see `ChatTemplate.thinking_open`)."""
        ...

    def write(self, calls: Sequence[Raw]) -> str:
        """Calls as the model itself would write them, to show the model its own past where the template cannot."""
        ...

    def forced(
        self,
        tools: Sequence[Mapping[str, Any]],
        choice: Choice,
        parallel: bool,
        tokens: Mapping[str, int] = NO_TOKENS,
        thinking_open: bool = False,
    ) -> str:
        """Lark for llguidance: at least one call of a chosen tool, several when `parallel`, which this family's parser reads. `tokens`:
        the markers that are control tokens of this model, with their ids (others are matched as text). Raises NoSuchTool."""
        ...


@cache
def all_families() -> tuple[Family, ...]:
    """Every family of the folder, by name."""
    names = (m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(cast("Family", importlib.import_module(f"{__name__}.{n}")) for n in sorted(names))


def head(family: Family) -> str:
    """What stands between the prompt's end and the first word of an answer, in families where something does (`HEAD`)."""
    return str(getattr(family, "HEAD", ""))


def family_for(template: str, architecture: str = "", name: str = "") -> Family:
    """The family that fits best. `generic` fits everything a little."""
    return max(all_families(), key=lambda f: f.fits(template, architecture, name))
