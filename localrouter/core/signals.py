"""What we know of one request when it is decided (DESIGN section 5). Counts and types, never values."""

from __future__ import annotations

from dataclasses import dataclass, field

from localrouter.core.kinds import DataClass
from localrouter.core.words import Domain, Interaction, Risk, Task


@dataclass(frozen=True, slots=True)
class Signals:
    """`findings` counts by type; `difficulty` and `injection` are in [0, 1]; `keep_local` is true when a value (a private key) pins the
    request to this machine; `unread` names what nobody could read. `cheap` and `continues` are the client's hints (core/ask.Hints).
    `language`: of what the person wrote, ISO 639-1, "" when it cannot be told. `risk`: how much a wrong answer in `domain` harms."""

    findings: dict[str, int] = field(default_factory=dict)
    data_class: DataClass = "public"
    classes: tuple[DataClass, ...] = ()
    keep_local: bool = False
    unread: tuple[str, ...] = ()
    task: Task = "chat"
    domain: Domain = "general"
    risk: Risk = "low"
    difficulty: float = 0.5
    injection: float = 0.0
    language: str = ""
    interaction: Interaction = "interactive"
    prompt_bound: int = 0
    cheap: bool = False
    continues: bool = False

    @property
    def present(self) -> tuple[DataClass, ...]:
        """The classes whose rules hold: every request is public at least, so that a recipe's `[classes.public]` holds for all."""
        return self.classes if "public" in self.classes else ("public", *self.classes)
