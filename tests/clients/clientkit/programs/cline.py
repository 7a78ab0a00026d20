"""Cline's CLI, over its provider for OpenAI-compatible hosts."""

from __future__ import annotations

import json

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "Cline CLI"
VERSION = "3.0.65"
WIRE = "openai_chat"
CROSS = "openai_responses"
MODEL = "localrouter/auto"
SETTINGS = "`cline auth -p openai-compatible -b http://127.0.0.1:8642/v1 -k <token> -m localrouter/auto`"


def _program() -> str:
    return str(from_registry.npm("cline", VERSION) / "@cline" / "cli-linux-x64" / "bin" / "cline")


def install() -> None:
    _program()


def command(place: Place) -> Command:
    name = "openai-compatible"
    settings = {"provider": name, "apiKey": place.key, "model": place.model, "baseUrl": place.v1}
    entry = {"settings": settings, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
    tree = {"version": 1, "lastUsedProvider": name, "modes": {}, "providers": {name: entry}}
    place.write(".cline/data/settings/providers.json", json.dumps(tree))  # what `cline auth` writes
    return Command([_program(), "-P", name, "-m", place.model, place.prompt])


script = by_tools(
    lambda path, _: Call("read_files", {"files": [{"path": path}]}),
    lambda path, text: Call("editor", {"path": path, "new_text": text}),
    ("read_files", "editor"),
)
