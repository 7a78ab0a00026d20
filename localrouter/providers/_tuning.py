"""Settings of chat completions that another API has no word for: what only tunes is left out with a note, what asks for another kind of answer
is refused by name. Source: OpenAI API reference, "Create chat completion"; `min_p` and the like are llama.cpp's and vLLM's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localrouter.core.errors import CannotCross

ANOTHER = {"n": "several answers at once ('n')", "logprobs": "log-probabilities", "top_logprobs": "log-probabilities"}
"""Settings without which the answer would be another kind of answer."""


def refuse(tuning: Mapping[str, Any], takes: Iterable[str] = ()) -> None:
    """Raises CannotCross for a setting of ANOTHER that is not taken."""
    for key, what in ANOTHER.items():
        if key in tuning and key not in takes:
            raise CannotCross(
                f"The request asks for {what}, which the host's API has no word for.",
                "Leave it out, or ask another model.",
                param=key,
            )


def notes(tuning: Mapping[str, Any], takes: Iterable[str] = ()) -> list[str]:
    """A sentence for each setting that was left out."""
    return [f"'{key}' has no counterpart there and was left out." for key in tuning if key not in takes]
