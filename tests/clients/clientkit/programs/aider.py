"""aider. It has no tools: the file's text stands in the prompt, and the answer's file block is the edit."""

from __future__ import annotations

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import DONE, REPORT, report, side, wants
from clientkit.wires import Asked, Reply

TITLE = "aider"
VERSION = "0.86.2"
WIRE = "openai_chat"
CROSS = "anthropic_messages"
MODEL = "localrouter/auto"
SETTINGS = "`aider --openai-api-base http://127.0.0.1:8642/v1 --openai-api-key <token> --model openai/localrouter/auto`"


def install() -> None:
    from_registry.pip("aider-chat", VERSION)


def command(place: Place) -> Command:
    (place.work / REPORT).touch()
    quiet = [
        "--yes-always",
        "--no-check-update",
        "--no-show-model-warnings",
        "--analytics-disable",
        "--no-auto-commits",
        "--no-gitignore",
    ]
    argv = [str(from_registry.pip("aider-chat", VERSION) / "aider"), *quiet, "--no-git", "--edit-format", "whole"]
    argv += ["--model", f"openai/{place.model}", "--read", "notes.txt", "--message", place.prompt, REPORT]
    return Command(argv, {"OPENAI_API_BASE": place.v1, "OPENAI_API_KEY": place.key, "LITELLM_LOCAL_MODEL_COST_MAP": "True"})


def script(asked: Asked) -> Reply:
    text = report(asked.texts)
    if text is None or not wants(asked, ()):
        return side(asked)
    return Reply(f"{DONE}:\n\n{REPORT}\n```\n{text}```\n")
