"""What a classifier says of a request, and the shape of one: rules today, trained heads later, and the same for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from localrouter.core.ask import Ask
from localrouter.core.words import Domain, Interaction, Risk, Task


@dataclass(frozen=True, slots=True)
class Classified:
    """`difficulty`, `injection`: in [0, 1]. `language`: ISO 639-1, "" when it cannot be told. The dictionaries hold the shares of the names:
    scores of rules that add up to one, no measured frequencies. `method`: what said it. `ms`: how long it took (CPU and wall are one here)."""

    task: Task
    domain: Domain
    risk: Risk
    difficulty: float
    injection: float
    language: str
    interaction: Interaction
    tasks: dict[Task, float] = field(default_factory=dict)
    domains: dict[Domain, float] = field(default_factory=dict)
    risks: dict[Risk, float] = field(default_factory=dict)
    languages: dict[str, float] = field(default_factory=dict)
    interactions: dict[Interaction, float] = field(default_factory=dict)
    method: str = "rules"
    ms: float = 0.0


class Classifier(Protocol):
    """Of a request. It raises nothing, whatever the request holds, and takes about a millisecond."""

    def __call__(self, ask: Ask) -> Classified: ...
