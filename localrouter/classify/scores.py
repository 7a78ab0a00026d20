"""From scores of rules to shares that add up to one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=str)


def shares(scores: Mapping[Name, float], sharpness: float = 1.0) -> dict[Name, float]:
    """Softmax of `scores` times `sharpness`. They order what the rules say, and are no measured frequencies: call them that nowhere."""
    top = max(scores.values(), default=0.0)
    weights = {name: math.exp(sharpness * (score - top)) for name, score in scores.items()}
    total = sum(weights.values())
    return {name: round(weight / total, 4) for name, weight in weights.items()}


def chance(logit: float) -> float:
    """The logistic function, to three digits, without overflow."""
    return round(1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit)))), 3)
