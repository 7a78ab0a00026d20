"""Continue CLI (`cn`)."""

from __future__ import annotations

import json

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "Continue CLI"
VERSION = "1.5.47"
WIRE = "openai_chat"
CROSS = "anthropic_messages"
MODEL = "localrouter/auto"
SETTINGS = "`config.yaml`: `provider: openai`, `apiBase: http://127.0.0.1:8642/v1`, `apiKey: <token>`, `model: localrouter/auto`"


def install() -> None:
    from_registry.npm("@continuedev/cli", VERSION)
    from_registry.node()


def command(place: Place) -> Command:
    model = {
        "name": "lr",
        "provider": "openai",
        "model": place.model,
        "apiBase": place.v1,
        "apiKey": place.key,
        "roles": ["chat"],
    }
    model["capabilities"] = ["tool_use"]
    tree = {"name": "local", "version": "1.0.0", "schema": "v1", "models": [model]}
    file = place.write("config.yaml", json.dumps(tree))  # JSON is YAML
    program = from_registry.npm("@continuedev/cli", VERSION) / "@continuedev" / "cli" / "dist" / "cn.js"
    argv = [from_registry.node(), str(program), "-p", place.prompt, "--config", str(file), "--auto"]
    return Command(argv, {"CONTINUE_TELEMETRY_ENABLED": "0"})


script = by_tools(
    lambda path, _: Call("Read", {"filepath": path}),
    lambda path, text: Call("Write", {"filepath": path, "content": text}),
    ("Read", "Write"),
)
