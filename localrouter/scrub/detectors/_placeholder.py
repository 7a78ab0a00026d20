"""Values that stand for a secret and are none: `changeme`, `${VAR}`, `<your-key>`, `xxxx`, documentation samples."""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"(?i)^(change[-_]?me|example|placeholder|your[-_ ].*|my[-_]?(secret|password|token|key)|redacted|hidden|none|null|nil|true|false|"
    r"undefined|todo|dummy|foo|bar|test|password|passwd|secret|token|string|str|int|bool|bytes|env|process\.env.*|os\.environ.*|getenv.*|"
    r"x{3,}|\*{3,}|\.{3,}|-{3,}|_{3,}|insert.*|replace.*|sk-x+|optional|required|default|self\..*|config\..*|settings\..*)$"
)
_VARIABLE = re.compile(r"^(\$\{?\w.*|\{\{.*|<[^>]*>?|%\(?\w+\)?.*|\$\(.*|\w+\(.*|@\w+@|!\w+.*|\[.*\]?)$")


def placeholder(value: str) -> bool:
    """Whether a value only stands for a secret."""
    value = value.strip("\"'` ")
    return (
        len(value) < 4 or bool(_WORDS.match(value)) or bool(_VARIABLE.match(value)) or len(set(value)) <= 2 or "EXAMPLE" in value
    )
