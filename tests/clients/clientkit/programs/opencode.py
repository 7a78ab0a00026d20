"""opencode, over its OpenAI-compatible provider."""

from __future__ import annotations

import json

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "opencode"
VERSION = "1.18.34"
WIRE = "openai_chat"
CROSS = "anthropic_messages"
MODEL = "localrouter/auto"
SETTINGS = (
    '`opencode.json`: `provider.lr = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": "http://127.0.0.1:8642/v1",'
    ' "apiKey": "<token>"}, "models": {"localrouter/auto": {"limit": {"context": 200000, "output": 8192}}}}`'
)


def _program() -> str:
    return str(from_registry.npm("opencode-linux-x64", VERSION) / "opencode-linux-x64" / "bin" / "opencode")


def install() -> None:
    _program()


def command(place: Place) -> Command:
    options = {"baseURL": place.v1, "apiKey": place.key}
    models = {place.model: {"name": "auto", "limit": {"context": 200000, "output": 8192}}}
    tree = {
        "$schema": "https://opencode.ai/config.json",
        "autoupdate": False,
        "share": "disabled",
        "model": f"lr/{place.model}",
        "provider": {"lr": {"npm": "@ai-sdk/openai-compatible", "name": "localrouter", "options": options, "models": models}},
    }
    place.write(".config/opencode/opencode.json", json.dumps(tree))
    return Command([_program(), "run", place.prompt], {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"})


script = by_tools(
    lambda path, _: Call("read", {"filePath": path}),
    lambda path, text: Call("write", {"filePath": path, "content": text}),
    ("read", "write"),
)
