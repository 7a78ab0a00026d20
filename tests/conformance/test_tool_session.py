"""A tool-using session through the daemon: by the tool's name, what comes back to the client is by the restore table."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from conftest import Daemon
from prompts import Draw


def tools(name: str) -> list[Any]:
    text = {"type": "string"}
    return [
        {
            "type": "function",
            "function": {"name": name, "parameters": {"type": "object", "properties": {"path": text, "content": text}}},
        }
    ]


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Any:
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as made:
        yield made


def called(client: Any, daemon: Daemon, name: str, text: str, *, stream: bool) -> tuple[str, str]:
    """(the arguments that the client got, the arguments that the host wrote)."""
    ask = {"model": "rehearsal/rehearsal-simulated", "messages": [{"role": "user", "content": text}], "tools": tools(name)}
    if stream:
        got = ""
        for chunk in client.chat.completions.create(**ask, stream=True):
            for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                got += call.function.arguments or ""
    else:
        got = client.chat.completions.create(**ask).choices[0].message.tool_calls[0].function.arguments
    return got, daemon.host.record()[-1]["reply"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("tool", "mask", "seal"),
    [("write_file", True, True), ("read_file", True, False), ("web_fetch", False, False), ("mcp__x__edit", False, False)],
)
def test_what_a_tool_gets(client: Any, daemon: Daemon, tool: str, mask: bool, seal: bool, stream: bool) -> None:
    draw = Draw(11)
    text = f"Write a file for {draw.mail} with API_KEY={draw.key} in it."
    got, wrote = called(client, daemon, tool, text, stream=stream)
    assert draw.mail not in wrote and draw.key not in wrote
    assert json.loads(got).keys() == json.loads(wrote).keys()
    assert (draw.mail in got) == mask
    assert (draw.key in got) == seal
