"""What a coding agent's own prompt says of itself is nobody's name; a person called Claude is one."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from localrouter.scrub import detectors
from localrouter.scrub.detectors._assistants import assistant

FILE = Path(str(resources.files("localrouter") / "models" / "encoder.gguf"))
real = pytest.mark.skipif(not FILE.is_file(), reason="the encoder's file is not built")


def found(text: str) -> set[tuple[str, str]]:
    return {(f.type, text[f.start : f.end]) for f in detectors.find(text, "")}


@real
@pytest.mark.parametrize(
    "text",
    [
        "You are a Claude agent, built on Anthropic's Claude Agent SDK.",
        "You are Claude Code, Anthropic's official CLI for Claude.",
        "Attribution (this replaces Claude Code's own earlier attribution guidance, such as a previous copy)",
        "- End git commit messages with:\nCo-Authored-By: Claude Code <noreply@anthropic.com>\n",
        "Co-Authored-By: Claude <noreply@anthropic.com>",
        "Co-Authored-By: Claude Opus 4.5 <noreply@anthropic.com>",
        "🤖 Generated with [Claude Code](https://claude.com/claude-code)",
        "You are powered by the model named Opus 4.5. The exact model ID is claude-opus-4-5-20251101.",
        "You are Gemini CLI",
        "You are Qwen Code, an interactive CLI agent",
        "You are Cline, a highly skilled software engineer",
        "You are Codex, based on GPT-5.",
    ],
)
def test_an_agents_own_words_hold_nobody(text: str) -> None:
    assert found(text) == set()


@real
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My colleague Claude Dupont lives in Lyon.", "Claude Dupont"),
        ("Claude wrote to me yesterday about the invoice.", "Claude"),
        ("Dear Mr. Cline, thank you for your letter.", "Cline"),
        ("Patsy Cline sang it.", "Patsy Cline"),
    ],
)
def test_people_of_these_names_are_found(text: str, name: str) -> None:
    assert ("PERSON", name) in found(text)


@pytest.mark.parametrize(
    "name", ["claude-opus-5-5", "gpt-5.1-codex-mini", "gemini-2.5-flash-lite", "qwen3-coder:30b", "Claude Code"]
)
def test_names_of_models_and_agents(name: str) -> None:
    assert assistant(f"I use {name} here", 6, 6 + len(name))


@pytest.mark.parametrize(
    "name", ["claude-dupont@roe.org", "gpt", "4711-0815-99", "claude", "jane-claude", "claude-dupont", "kimi raikkonen"]
)
def test_what_only_looks_like_one(name: str) -> None:
    assert not assistant(f"I use {name} here", 6, 6 + len(name))
