"""What both versions of Claude Code share."""

from __future__ import annotations

from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

SETTINGS = "`ANTHROPIC_BASE_URL=http://127.0.0.1:8642 ANTHROPIC_AUTH_TOKEN=<token> claude`"
WIRE = "anthropic_messages"
CROSS = "openai_chat"


def command(program: str, place: Place) -> Command:
    env = {
        "ANTHROPIC_BASE_URL": place.root,
        "ANTHROPIC_AUTH_TOKEN": place.key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    return Command([program, "-p", place.prompt, "--allowedTools", "Read,Write,Edit", "--model", place.model], env)


script = by_tools(
    lambda path, _: Call("Read", {"file_path": path}),
    lambda path, text: Call("Write", {"file_path": path, "content": text}),
    ("Read", "Write"),
)
