"""A program's own tool that its recipe declares local, most often the mere form of an answer (instructor `Mode.TOOLS`, LangChain's
`with_structured_output(method="function_calling")`, AI SDK's `json` tool on Messages): its arguments are restored as those of local tools are.
Without that word, a tool that nobody classified gets nothing (DESIGN section 7, restore table)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
import surfaces as three
from conftest import Daemon, start, stop, wait
from prompts import Draw

from localrouter.daemon.rehearsal import Rehearsal
from localrouter.scrub.toolclass import tool_class

WIRES = ("chat", "responses", "messages")
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "note": {"type": "string"}},
    "required": ["name", "note"],
    "additionalProperties": False,
}
OWN = 'extends = "rehearse"\nname = "own"\nlocal_tools = ["Contact*", "mcp__crm__contact", "web_fetch"]\n'


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("declared")
    with Rehearsal(strict=True) as host:
        three.write(home, host)
        file = home / "config" / "config.toml"
        file.write_text(file.read_text().replace('recipe = "rehearse"', 'recipe = "own"'))
        (home / "config" / "recipes" / "own.toml").write_text(OWN)
        process = start(home)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


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


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_tool_that_the_recipe_declares_local_gets_the_personal_values(declared: Daemon, client: str, wire: str) -> None:
    draw = Draw(17)
    said = CLIENTS[client](declared, wire, f"Who wrote? {draw.mail}, API_KEY={draw.key}", ("ContactCard",), "named")
    assert draw.mail in said, "the program gets the value, not what stood for it"
    assert draw.key not in said, "a secret is sealed in every answer but an edit"
    sent = declared.host.record()[-1]
    assert draw.mail not in sent["body"] and draw.key not in sent["body"]


@pytest.mark.parametrize("name", ["Company", "web_fetch", "mcp__mail__send"])
def test_what_it_does_not_declare_and_what_is_known_to_send_gets_nothing(declared: Daemon, name: str) -> None:
    draw = Draw(18)
    said = chat(declared, "chat", f"Use the tool for {draw.mail}, API_KEY={draw.key}", (name,), "named")
    assert draw.mail not in said and draw.key not in said


@pytest.mark.parametrize("choice", ["named", "required", "auto"])
@pytest.mark.parametrize("client", CLIENTS)
def test_without_a_word_of_the_recipe_no_unclassified_tool_gets_anything(surfaces: Daemon, client: str, choice: str) -> None:
    draw = Draw(18)
    said = CLIENTS[client](surfaces, client, f"Use the tool for {draw.mail}, API_KEY={draw.key}", ("Contact",), choice)
    assert draw.mail not in said and draw.key not in said


def test_names_are_matched_whole_and_in_any_case() -> None:
    own = ("Contact*", "mcp__crm__contact", "bash", "curl")
    assert tool_class("contactcard", own) == tool_class("mcp__crm__contact", own) == "local"
    assert tool_class("my_contact", own) == tool_class("mcp__crm__contacts", own) == tool_class("Contact") == "unknown"
    assert tool_class("bash", own) == "shell" and tool_class("curl", own) == "network", "what is known is not declared anew"
