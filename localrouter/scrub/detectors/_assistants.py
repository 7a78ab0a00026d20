"""Names of coding agents, of the makers of models, and of models: what an agent's own prompt says of itself, and an encoder takes for somebody.

They are no private values, and a placeholder in their place is seen: an agent puts its name and its address into the commits that it makes, and
a command with an address in it gets no values back. Sources: the prompts of the clients in tests/clients, and the names of models in models.toml.
"""

from __future__ import annotations

import re

from localrouter.scrub.common_words import words

AGENTS = words(
    """
    claude_code claude-code claude_agent claude_agent_sdk claude_desktop claude_opus claude_sonnet claude_haiku anthropic openai chatgpt codex codex_cli
    openai_codex github_copilot copilot_cli gemini_cli qwen_code opencode roo_code kilo_code
    """
)
"""One word each, `_` for a blank."""
FORENAMES = frozenset({"claude", "cline"})
"""People are called so as well: these need a word of the agent beside them."""
_BEFORE = re.compile(r"(?:\bYou are (?:an? )?|\b(?:CLI|SDK|extension) for |\bCo-Authored-By: )\Z")
_BEHIND = re.compile(r" (?:agent|code|desktop|opus|sonnet|haiku|cli|sdk)\b|[ \w.]{0,24}<noreply@anthropic\.com>", re.IGNORECASE)
_MODEL = re.compile(
    r"(?=\D*\d)(?:claude|gpt|gemini|gemma|qwen|llama|mistral|devstral|deepseek|grok|kimi|glm)[\d.]*(?:[-:][a-z\d.]{1,12}){1,8}"
)


def assistant(text: str, start: int, end: int) -> bool:
    """Whether a span of a text is the name of an agent, of a maker, or of a model (`claude-opus-4-5-20251101`)."""
    name = text[start:end].casefold()
    if name.replace(" ", "_") in AGENTS or _MODEL.fullmatch(name):
        return True
    return name in FORENAMES and bool(_BEFORE.search(text, max(0, start - 24), start) or _BEHIND.match(text, end))
