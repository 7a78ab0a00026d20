"""An object that a program asks for as the arguments of a tool that it forces and never runs: restored as an answer would be."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest
from conftest import Daemon
from prompts import Draw

from localrouter.daemon.answer_form import form_of

WIRES = ("chat", "responses", "messages")
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "note": {"type": "string"}},
    "required": ["name", "note"],
    "additionalProperties": False,
}


def chat(daemon: Daemon, wire: str, text: str, names: tuple[str, ...], choice: str) -> str:
    tools: Any = [{"type": "function", "function": {"name": n, "parameters": SCHEMA}} for n in names]
    how: Any = {"type": "function", "function": {"name": names[0]}} if choice == "named" else choice
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        whole = client.chat.completions.create(
            model=f"{wire}/rehearsal-1", messages=[{"role": "user", "content": text}], tools=tools, tool_choice=how
        )
    calls: Any = whole.choices[0].message.tool_calls
    return str(calls[0].function.arguments)


def responses(daemon: Daemon, wire: str, text: str, names: tuple[str, ...], choice: str) -> str:
    tools: Any = [{"type": "function", "name": n, "parameters": SCHEMA, "strict": True} for n in names]
    how: Any = {"type": "function", "name": names[0]} if choice == "named" else choice
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        whole = client.responses.create(model=f"{wire}/rehearsal-1", input=text, tools=tools, tool_choice=how)
    return next(i.arguments for i in whole.output if i.type == "function_call")


def messages(daemon: Daemon, wire: str, text: str, names: tuple[str, ...], choice: str) -> str:
    tools: Any = [{"name": n, "input_schema": SCHEMA} for n in names]
    how: Any = {"type": "tool", "name": names[0]} if choice == "named" else {"type": "any" if choice == "required" else choice}
    with (
        anthropic.Anthropic(base_url=daemon.base.removesuffix("/v1"), api_key=daemon.client, max_retries=0) as client,
        client.messages.stream(
            model=f"{wire}/rehearsal-1",
            max_tokens=500,
            messages=[{"role": "user", "content": text}],
            tools=tools,
            tool_choice=how,
        ) as events,
    ):
        whole = events.get_final_message()
    return json.dumps(next(b.input for b in whole.content if b.type == "tool_use"))


CLIENTS = {"chat": chat, "responses": responses, "messages": messages}


@pytest.mark.parametrize("choice", ["named", "required"])
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_one_tool_that_is_forced_is_the_answer(surfaces: Daemon, client: str, wire: str, choice: str) -> None:
    """Source: instructor 1.x `Mode.TOOLS`, LangChain `with_structured_output(method="function_calling")`, AI SDK's `json` tool on Messages."""
    draw = Draw(17)
    said = CLIENTS[client](surfaces, wire, f"Who wrote? {draw.mail}, API_KEY={draw.key}", ("Contact",), choice)
    assert draw.mail in said, "the program gets the value, not what stood for it"
    assert draw.key not in said, "a secret is sealed in every answer but an edit"
    sent = surfaces.host.record()[-1]
    assert draw.mail not in sent["body"] and draw.key not in sent["body"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("names", "choice"),
    [
        (("Contact",), "auto"),
        (("Contact", "Company"), "named"),
        (("Contact", "Company"), "required"),
        (("send_mail",), "named"),
        (("web_fetch",), "named"),
        (("mcp__crm__contact",), "named"),
    ],
)
def test_other_tools_that_nobody_classified_get_nothing(
    surfaces: Daemon, client: str, names: tuple[str, ...], choice: str
) -> None:
    draw = Draw(18)
    said = CLIENTS[client](surfaces, client, f"Use the tool for {draw.mail}, API_KEY={draw.key}", names, choice)
    assert draw.mail not in said and draw.key not in said


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"tools": None, "tool_choice": "required"},
        {"tools": [{"type": "web_search"}], "tool_choice": "required"},
        {"tools": [{"type": "function", "function": None}], "tool_choice": {"type": "function", "function": {"name": "x"}}},
        {"tools": [{"name": "x"}], "tool_choice": {"type": "tool", "name": "y"}},
        {"tools": [{"name": "x"}], "tool_choice": {"type": "none"}},
        {"tools": [7], "tool_choice": "any"},
    ],
)
def test_what_forces_no_tool(tree: dict[str, Any]) -> None:
    assert form_of(tree) == ""


def test_the_older_form_of_chat() -> None:
    assert form_of({"functions": [{"name": "Contact"}], "function_call": {"name": "Contact"}}) == "Contact"
