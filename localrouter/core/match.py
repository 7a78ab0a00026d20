"""`[[route]] match`: when a route is for a request. All that is named must hold; an empty match holds always."""

from __future__ import annotations

import fnmatch
from typing import Annotated

from pydantic import Field, StringConstraints

from localrouter.core.ask import Ask
from localrouter.core.kinds import DataClass
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.core.strict import Strict
from localrouter.core.words import Domain, Interaction, Need, Risk, Task

Share = Annotated[float, Field(ge=0, le=1)]
Hours = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
"""`22:00-06:30`, in the machine's own time; the end is not in it."""


class Match(Strict):
    """Lists hold when one of their items does; `tags` and `needs` alike. Texts may hold `*` and `?` (fnmatch, case kept). `model`: the name
    that the client asked for. `surface`: a dialect (`openai_chat`, `anthropic_messages` ...). `path`: a folder or file that the client says
    it works on. `headers`: by lower-case name. `cheap`: the client's own chores (a title, a summary, a probe). `size_*`: bytes of the body."""

    task: tuple[Task, ...] | None = None
    domain: tuple[Domain, ...] | None = None
    risk: tuple[Risk, ...] | None = None
    interaction: tuple[Interaction, ...] | None = None
    language: tuple[str, ...] | None = None
    difficulty_below: Share | None = None
    difficulty_from: Share | None = None
    injection_from: Share | None = None
    data_class: tuple[DataClass, ...] | None = None
    needs: tuple[Need, ...] | None = None
    tools: bool | None = None
    cheap: bool | None = None
    model: tuple[str, ...] | None = None
    surface: tuple[str, ...] | None = None
    endpoint: tuple[str, ...] | None = None
    user: tuple[str, ...] | None = None
    tier: tuple[str, ...] | None = None
    project: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    path: tuple[str, ...] | None = None
    headers: dict[str, str] | None = None
    size_below: int | None = Field(default=None, ge=1)
    size_from: int | None = Field(default=None, ge=1)
    hours: tuple[Hours, ...] | None = None


def _one(word: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(word, p) for p in patterns)


def holds(m: Match, ask: Ask, signals: Signals, standing: Standing) -> bool:
    """Whether every named condition holds."""
    return (
        (m.task is None or signals.task in m.task)
        and (m.difficulty_below is None or signals.difficulty < m.difficulty_below)
        and (m.tools is None or ask.needs.tools == m.tools)
        and (m.data_class is None or signals.data_class in m.data_class)
        and (m.model is None or _one(ask.model, m.model))
        and (m.size_below is None or ask.size < m.size_below)
        and (m.cheap is None or signals.cheap == m.cheap)
    )
