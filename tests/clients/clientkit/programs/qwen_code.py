"""Qwen Code."""

from __future__ import annotations

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "Qwen Code"
VERSION = "0.24.4"
WIRE = "openai_chat"
CROSS = "anthropic_messages"
MODEL = "localrouter/auto"
SETTINGS = (
    "`OPENAI_BASE_URL=http://127.0.0.1:8642/v1 OPENAI_API_KEY=<token> OPENAI_MODEL=localrouter/auto qwen --auth-type openai`"
)


def install() -> None:
    from_registry.npm("@qwen-code/qwen-code", VERSION)
    from_registry.node()


def command(place: Place) -> Command:
    program = from_registry.npm("@qwen-code/qwen-code", VERSION) / "@qwen-code" / "qwen-code" / "cli-entry.js"
    argv = [from_registry.node(), str(program), "--auth-type", "openai", "--yolo", "-p", place.prompt]
    env = {"OPENAI_BASE_URL": place.v1, "OPENAI_API_KEY": place.key, "OPENAI_MODEL": place.model, "QWEN_TELEMETRY_ENABLED": "0"}
    return Command(argv, env)


script = by_tools(
    lambda path, _: Call("read_file", {"file_path": path}),
    lambda path, text: Call("write_file", {"file_path": path, "content": text}),
    ("read_file", "write_file"),
)
