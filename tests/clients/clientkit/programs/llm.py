"""`llm`, with two functions of its user as tools."""

from __future__ import annotations

from clientkit import install as from_registry
from clientkit.drive import Command, Place
from clientkit.task import by_tools
from clientkit.wires import Call

TITLE = "llm"
VERSION = "0.36"
WIRE = "openai_chat"
CROSS = "openai_responses"
MODEL = "localrouter/auto"
SETTINGS = (
    "`extra-openai-models.yaml`: `- {model_id: lr, model_name: localrouter/auto, api_base: http://127.0.0.1:8642/v1,"
    " api_key_name: lr, supports_tools: true}`; `llm keys set lr`"
)
FUNCTIONS = """
def read_file(path: str) -> str:
    "Read a file of the working directory."
    return open(path, encoding="utf-8").read()

def write_file(path: str, content: str) -> str:
    "Write a file of the working directory."
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    return "written"
"""


def install() -> None:
    from_registry.pip("llm", VERSION)


def command(place: Place) -> Command:
    place.write(
        "llm/extra-openai-models.yaml",
        f"- model_id: lr\n  model_name: {place.model}\n  api_base: {place.v1}\n  api_key_name: lr\n  supports_tools: true\n",
    )
    place.write("llm/keys.json", '{"lr": "' + place.key + '"}')
    tools = place.write("tools.py", FUNCTIONS)
    argv = [
        str(from_registry.pip("llm", VERSION) / "llm"),
        "-m",
        "lr",
        "--functions",
        str(tools),
        "--chain-limit",
        "6",
        place.prompt,
    ]
    return Command(argv, {"LLM_USER_PATH": str(place.home / "llm")})


script = by_tools(
    lambda path, _: Call("read_file", {"path": path}),
    lambda path, text: Call("write_file", {"path": path, "content": text}),
    ("read_file", "write_file"),
)
