"""What a parser hears in a model's answer. Types only."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Words:
    """Text for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Text that the model wrote for itself before it answered."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A whole call of an offered tool. `arguments` is the text of a JSON object; `index` counts the answer's calls from 0."""

    index: int
    id: str
    name: str
    arguments: str


Said: TypeAlias = Words | Reasoning | Call


def call_id() -> str:
    """An id as OpenAI writes it, unlike any other of this process (96 random bits)."""
    return f"call_{secrets.token_hex(12)}"
