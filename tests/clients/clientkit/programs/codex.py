"""Codex CLI. It edits with `apply_patch`, a freeform tool, when it knows the model's name."""

from __future__ import annotations

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "Codex CLI"
VERSION = "0.169.0"
WIRE = "openai_responses"
CROSS = "anthropic_messages"
MODEL = "gpt-5.5"
SETTINGS = (
    '`~/.codex/config.toml`: `model_provider = "lr"`, `[model_providers.lr]` with `name = "localrouter"`,'
    ' `base_url = "http://127.0.0.1:8642/v1"`, `env_key = "LR_TOKEN"`, `wire_api = "responses"`; `LR_TOKEN=<token> codex`'
)


def _program() -> str:
    folder = from_registry.npm("@openai/codex", VERSION) / "@openai" / "codex-linux-x64" / "vendor"
    found = sorted(folder.glob("*/bin/codex"))
    if not found:
        raise from_registry.Missing("the package @openai/codex holds no program for this machine")
    return str(found[0])


def install() -> None:
    _program()


def command(place: Place) -> Command:
    place.write(
        ".codex/config.toml",
        f'model = "{place.model}"\nmodel_provider = "lr"\n[model_providers.lr]\nname = "localrouter"\nbase_url = "{place.v1}"\n'
        'env_key = "LR_TOKEN"\nwire_api = "responses"\n',
    )
    argv = [_program(), "exec", "--skip-git-repo-check", "--sandbox", "workspace-write", place.prompt]
    return Command(argv, {"CODEX_HOME": str(place.home / ".codex"), "LR_TOKEN": place.key})


def _patch(path: str, text: str) -> Call:
    lines = "".join(f"+{line}\n" for line in text.splitlines())
    return Call("apply_patch", f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n")


script = by_tools(
    lambda path, _: Call("exec_command", {"cmd": f"cat {path}"}),
    _patch,
    ("exec_command", "apply_patch"),
)
