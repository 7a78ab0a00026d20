"""GitHub Copilot CLI with a model of one's own (its BYOK mode; no account)."""

from __future__ import annotations

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "Copilot CLI"
VERSION = "1.0.102"
WIRE = "openai_chat"
CROSS = "openai_responses"
MODEL = "localrouter/auto"
SETTINGS = (
    "`COPILOT_PROVIDER_BASE_URL=http://127.0.0.1:8642/v1 COPILOT_PROVIDER_API_KEY=<token> COPILOT_MODEL=localrouter/auto copilot`"
)


def _program() -> str:
    return str(from_registry.npm("@github/copilot", VERSION) / "@github" / "copilot-linux-x64" / "copilot")


def install() -> None:
    _program()


def command(place: Place) -> Command:
    env = {"COPILOT_PROVIDER_BASE_URL": place.v1, "COPILOT_PROVIDER_API_KEY": place.key, "COPILOT_MODEL": place.model}
    env |= {"COPILOT_AUTO_UPDATE": "false", "COPILOT_OFFLINE": "true"}
    return Command([_program(), "-p", place.prompt, "--allow-all-tools", "--allow-all-paths"], env)


script = by_tools(
    lambda path, _: Call("view", {"path": path}),
    lambda path, text: Call("create", {"path": path, "file_text": text}),
    ("view", "create"),
)
