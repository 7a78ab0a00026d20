"""The pi coding agent."""

from __future__ import annotations

import json

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "pi"
VERSION = "0.73.1"
WIRE = "openai_chat"
CROSS = "anthropic_messages"
MODEL = "localrouter/auto"
SETTINGS = (
    '`~/.pi/agent/models.json`: `{"providers": {"lr": {"baseUrl": "http://127.0.0.1:8642/v1", "apiKey": "<token>",'
    ' "api": "openai-completions", "models": [{"id": "localrouter/auto"}]}}}`'
)


def install() -> None:
    from_registry.npm("@mariozechner/pi-coding-agent", VERSION)
    from_registry.node()


def command(place: Place) -> Command:
    provider = {"baseUrl": place.v1, "apiKey": place.key, "api": "openai-completions", "models": [{"id": place.model}]}
    place.write(".pi/agent/models.json", json.dumps({"providers": {"lr": provider}}))
    program = (
        from_registry.npm("@mariozechner/pi-coding-agent", VERSION) / "@mariozechner" / "pi-coding-agent" / "dist" / "cli.js"
    )
    return Command([from_registry.node(), str(program), "--provider", "lr", "--model", place.model, "-p", place.prompt])


script = by_tools(
    lambda path, _: Call("read", {"path": path}),
    lambda path, text: Call("write", {"path": path, "content": text}),
    ("read", "write"),
)
