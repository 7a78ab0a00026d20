"""Claude Code, the last version made for node 20; it has habits that the newest lost (a title call, stricter time limits)."""

from __future__ import annotations

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.programs import _claude
from clientkit.programs._claude import CROSS, SETTINGS, WIRE, script

__all__ = ["CROSS", "MODEL", "SETTINGS", "TITLE", "VERSION", "WIRE", "command", "install", "script"]
TITLE = "Claude Code (node 20)"
VERSION = "2.1.197"
MODEL = "claude-opus-4-8"
PACKAGE = "@anthropic-ai/claude-code"


def _program() -> str:
    return str(from_registry.npm(PACKAGE, VERSION) / "@anthropic-ai" / "claude-code-linux-x64" / "claude")


def install() -> None:
    _program()


def command(place: Place) -> Command:
    return _claude.command(_program(), place)
