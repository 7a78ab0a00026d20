"""A prompt that is too long, in the words of many hosts, told in one.

Clients compact their conversation by themselves when they read the code `context_length_exceeded` and, where it is known, how long the
prompt was and how long it may be (notes on clients, finding 11). Wordings: OpenAI, Anthropic, Google, Mistral, DeepSeek, llama.cpp, vLLM.
"""

from __future__ import annotations

import re

CODE = "context_length_exceeded"

_NUMBER = r"(\d[\d,_.]*\d|\d)"
_WINDOW = r"(?:maximum context length|context (?:length|window|size)|limit)(?: is| of|:)?"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL)


_SAYS = _any(
    r"context[ _-]?(length|window|size)",
    r"maximum context",
    r"prompt (is too long|contains|too long)",
    r"input (length|is too long|token count)",
    r"too many (input )?tokens",
    r"exceeds? (the )?(available )?context",
    r"reduce the length of",
    r"max(imum)?[ _]?(input[ _])?tokens? .{0,40}exceed",
)
_PAIRS = (
    _any(rf"{_WINDOW} *\(?{_NUMBER}.{{0,80}}?(?:requested|resulted in|has|contains|input of|got|is) *(?:about )?{_NUMBER}"),
    _any(rf"{_NUMBER} tokens? ?> ?{_NUMBER}"),
    _any(
        rf"(?:token count|prompt contains|resulted in|requested|has|\() *\(?{_NUMBER}\)? *(?:tokens)?"
        rf".{{0,60}}?(?:exceed|large|maximum|context|>).{{0,60}}?{_NUMBER}"
    ),
)
_SUM = _any(rf"{_NUMBER} \+ {_NUMBER} > {_NUMBER}")
_ALONE = _any(rf"{_WINDOW} *{_NUMBER}")


def _int(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text) or 0)


def numbers(text: str) -> tuple[int, int]:
    """(tokens of the prompt, tokens that fit), 0 for what is not said. The larger is the prompt: else it would have fit."""
    total = _SUM.search(text)
    if total is not None:
        return _int(total[1]) + _int(total[2]), _int(total[3])
    for pattern in _PAIRS:
        found = pattern.search(text)
        if found is not None:
            a, b = sorted((_int(found[1]), _int(found[2])))
            if 0 < a < b:
                return b, a
    alone = _ALONE.search(text)
    return 0, _int(alone[1]) if alone else 0


def overflows(status: int, code: str, text: str) -> bool:
    """Whether a rejection says that the prompt does not fit."""
    return code == CODE or (status in (400, 413, 422) and _SAYS.search(text) is not None)


def sentence(host: str, text: str) -> str:
    """OpenAI's own wording, with the numbers that the host gave."""
    used, limit = numbers(text)
    if used and limit:
        return (
            f"This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens ({host})."
        )
    if limit:
        return f"This model's maximum context length is {limit} tokens, and the prompt is longer ({host})."
    return f"The prompt is longer than the context window of this model ({host}): {text[:300]}"
