"""What a Claude model's API accepts, by the version in its name: the Messages dialect (a recipe chose another model than the client) and
the Messages wire both have to know. Other models get what every host of that wire knows.

Sources: Anthropic, "Migration guide" (adaptive thinking and effort words since 4.6, neither budgets nor sampling parameters since 4.7,
no prefilled answers since 4.6), "Effort", "Mid-conversation system messages" (since 4.8), "Extended thinking" (since 3.7); one sampler
at a time since 4.1. The same by model: the model map of the LiteLLM project, autumn 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_ALWAYS_THINKS = re.compile(r"claude-(fable|mythos)")
_NEWEST = (99, 0)


@dataclass(frozen=True, slots=True)
class Traits:
    """`thinking`: "adaptive", "budget" or "" (cannot); `switch`: thinking may be turned off by name; `always`: it cannot be; `efforts`: the words of
    `output_config.effort`; `samplers`: how many of temperature and top_p may be sent, with top_k."""

    thinking: str
    switch: bool
    always: bool
    efforts: tuple[str, ...]
    samplers: int
    system_inside: bool
    prefill: bool


@lru_cache(maxsize=256)
def traits(model: str) -> Traits:
    """Of a model, by its upstream name."""
    if "claude" not in model:
        return Traits("budget", False, False, (), 2, system_inside=False, prefill=True)
    found = _VERSION.search(model)
    version = (int(found[1]), int(found[2] or 0)) if found else _NEWEST
    efforts: tuple[str, ...] = ()
    if version >= (4, 7):
        efforts = ("low", "medium", "high", "xhigh", "max")
    elif version >= (4, 6):
        efforts = ("low", "medium", "high", "max")
    elif version == (4, 5) and "opus" in model:
        efforts = ("low", "medium", "high")
    return Traits(
        thinking="adaptive" if version >= (4, 6) else "budget" if version >= (3, 7) else "",
        switch=version >= (4, 6) and not _ALWAYS_THINKS.search(model),
        always=_ALWAYS_THINKS.search(model) is not None,
        efforts=efforts,
        samplers=0 if version >= (4, 7) else 1 if version >= (4, 1) else 2,
        system_inside=version >= (4, 8),
        prefill=version < (4, 6),
    )
