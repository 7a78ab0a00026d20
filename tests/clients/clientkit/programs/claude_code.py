"""Claude Code, newest: a native program."""

from __future__ import annotations

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.programs import _claude
from clientkit.programs._claude import CROSS, SETTINGS, WIRE, script

__all__ = ["CROSS", "MODEL", "SETTINGS", "TITLE", "VERSION", "WIRE", "command", "install", "script"]
TITLE = "Claude Code"
VERSION = "2.1.330"
MODEL = "claude-opus-5-5"
PACKAGE = "@anthropic-ai/claude-code-linux-x64"


def _program() -> str:
    return str(from_registry.npm(PACKAGE, VERSION) / PACKAGE / "claude")


def install() -> None:
    _program()


def command(place: Place) -> Command:
    return _claude.command(_program(), place)
