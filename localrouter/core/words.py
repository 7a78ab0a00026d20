"""The words in which requests are described: the closed lists that recipes, signals, gates and traces share (DESIGN section 5)."""

from __future__ import annotations

from typing import Literal

Task = Literal[
    "chat", "code", "code_edit", "autocomplete", "summarise", "extract", "classify", "translate", "math", "rag_qa", "agent_step"
]
Domain = Literal["general", "medical", "legal", "financial", "employment", "security"]
"""What an answer is about, where a wrong one harms someone."""
Risk = Literal["low", "elevated", "high"]
Interaction = Literal["autocomplete", "interactive", "background", "batch"]
"""How long somebody waits for it: a keystroke, a person, nobody, nobody today."""
Need = Literal["tools", "json_schema", "vision", "audio", "fim", "reasoning", "long_context"]
FailureKind = Literal[
    "timeout", "rate_limit", "server_error", "connection", "rejected", "context_length", "schema", "tool_arguments", "refusal",
    "empty", "truncated", "content_filter", "privacy_unsure", "contract", "unavailable",
]  # fmt: skip
"""Ways in which an attempt fails. `rejected`: the host refuses our key, account or model. `unavailable`: the local lane, the budget or a key
is missing. `contract`: an answer that breaks what the route promised in another way than `schema` and `tool_arguments`."""

TASKS: tuple[Task, ...] = (
    "chat", "code", "code_edit", "autocomplete", "summarise", "extract", "classify", "translate", "math", "rag_qa", "agent_step",
)  # fmt: skip
DOMAINS: tuple[Domain, ...] = ("general", "medical", "legal", "financial", "employment", "security")
RISKS: tuple[Risk, ...] = ("low", "elevated", "high")
FIM_MARKS = (
    "<|fim_prefix|>", "<fim_prefix>", "<fim-prefix>", "<|fim_begin|>", "<\uff5cfim\u2581begin\uff5c>", "<PRE> ", "[SUFFIX]", "<|fim_suffix|>",
    "<|editable_region_start|>", "<|user_cursor_is_here|>",
)  # fmt: skip
"""Marks that an editor writes around a cursor, for models that were trained to fill in the middle: the model cards of Qwen2.5-Coder, StarCoder 2,
DeepSeek-Coder, Code Llama, CodeGemma, Granite and Codestral. The last two are Zed's (edit prediction)."""
