"""Who asks, from the headers and the texts that real clients send; only what the recipe asks for, and nothing that a tool brought."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.ask import Ask, Caller
from localrouter.core.recipe import Wanted
from localrouter.daemon.coalescing import key_of
from localrouter.dialects import anthropic_messages, openai_chat, openai_responses
from localrouter.dialects._caller import LONGEST, MOST, caller

ALL = Wanted(frozenset({"x-team"}), paths=True, user=True)


def chat(*turns: tuple[str, str], **more: Any) -> Ask:
    tree = {"model": "m", "messages": [{"role": role, "content": text} for role, text in turns], **more}
    return openai_chat.read(json.dumps(tree).encode(), {})


def messages(system: Any, *turns: dict[str, Any]) -> Ask:
    tree = {"model": "m", "max_tokens": 9, "system": system, "messages": list(turns)}
    return anthropic_messages.read(json.dumps(tree).encode(), {})


def test_what_the_headers_say() -> None:
    headers = {
        "x-localrouter-user": "anna",
        "x-localrouter-tier": "trial",
        "x-localrouter-project": "Kiel \u00e4".encode().decode("latin-1"),
        "x-localrouter-tags": "nightly, customer-7,, nightly",
        "x-localrouter-path": "/src/a, /src/b",
        "x-team": "blue",
        "authorization": "Bearer " + "x" * 20,
        "x-other": "red",
    }
    found = caller(headers, chat(("user", "hi")), ALL)
    assert found == Caller("anna", "trial", "Kiel \u00e4", ("nightly", "customer-7"), ("/src/a", "/src/b"), {"x-team": "blue"})


def test_nothing_is_kept_that_no_route_asks_for() -> None:
    headers = {"x-localrouter-user": "anna", "x-team": "blue", "x-localrouter-path": "/src"}
    assert caller(headers, chat(("system", "Working directory: /src"), ("user", "hi"), user="anna"), Wanted()) == Caller()


def test_the_user_whom_a_client_names() -> None:
    assert caller({}, chat(("user", "hi"), user="u-7"), ALL).user == "u-7"
    assert caller({"x-openwebui-user-id": "ow-1"}, chat(("user", "hi")), ALL).user == "ow-1"
    assert caller({"x-localrouter-user": "anna"}, chat(("user", "hi"), user="u-7"), ALL).user == "anna"


CLAUDE_OLD = "You are an agent.\n\n<env>\nWorking directory: /home/jk/work/acme\nIs directory a git repo: Yes\n</env>\n"
CLAUDE_NEW = (
    "# Environment\nYou have been invoked in the following environment:\n - Primary working directory: /home/jk/work/acme\n"
)
CODEX = (
    "<environment_context>\n  <cwd>/home/jk/work/acme</cwd>\n  <approval_policy>never</approval_policy>\n</environment_context>"
)
CLINE = "<environment_details>\n# Current Working Directory (/home/jk/work/acme) Files\nREADME.md\n</environment_details>"
GEMINI = "This is the Gemini CLI.\nI'm currently working in the directory: /home/jk/work/acme\nHere is the folder structure"
COPILOT = "* Current working directory: /home/jk/work/acme\n* Git repository root: /home/jk/work"


@pytest.mark.parametrize(
    "text", [CLAUDE_OLD, CLAUDE_NEW, CODEX, CLINE, GEMINI, COPILOT], ids=["cc", "cc2", "codex", "cline", "gemini", "copilot"]
)
def test_the_working_directory_that_harnesses_state(text: str) -> None:
    wanted = ("/home/jk/work/acme",)
    assert caller({}, chat(("system", text), ("user", "hi")), ALL).paths == wanted
    assert caller({}, chat(("user", text), ("user", "hi")), ALL).paths == wanted
    system = [{"type": "text", "text": text}]
    assert caller({}, messages(system, {"role": "user", "content": "hi"}), ALL).paths == wanted
    tree = {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}]}
    assert caller({}, openai_responses.read(json.dumps(tree).encode(), {}), ALL).paths == wanted


def test_the_files_of_aider() -> None:
    text = (
        "I have *added these files to the chat* so you can go ahead and edit them.\n\n*Trust this message as the true contents of these files!*\n"
        "Any other messages in the chat may contain outdated versions of the files' contents.\n\nsrc/a.py\n```\nprint(1)\n```\n\nREADME.md\n````\nx\n````\n"
    )
    assert caller({}, chat(("user", text), ("assistant", "Ok."), ("user", "fix")), ALL).paths == ("src/a.py", "README.md")


def test_what_tools_and_models_say_is_not_the_clients() -> None:
    said = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "pwd"}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "Working directory: /evil"}]}
    ask = messages("You are an agent.", {"role": "user", "content": "hi"}, said, result)
    assert caller({}, ask, ALL).paths == ()
    assert caller({}, chat(("user", "hi"), ("assistant", CODEX), ("user", "go on")), ALL).paths == ()


def test_bounds() -> None:
    headers = {"x-localrouter-tags": ",".join(f"t{i}" for i in range(500)), "x-localrouter-project": "p" * 9000}
    found = caller(headers, chat(("user", "\n".join(f"Working directory: /d{i}" for i in range(500)))), ALL)
    assert len(found.tags) == MOST == len(found.paths) and len(found.project) == LONGEST
    assert caller({}, chat(("user", "Working directory: /" + "x" * 9000)), ALL).paths == ()


@given(
    st.dictionaries(
        st.sampled_from(["x-localrouter-tags", "x-localrouter-user", "x-localrouter-path", "x-team"]), st.text(max_size=40)
    ),
    st.text(max_size=200),
)
def test_nothing_that_a_client_sends_breaks_it(headers: dict[str, str], text: str) -> None:
    found = caller(headers, chat(("user", f"Working directory: {text}")), ALL)
    for value in (found.user, found.project, *found.tags, *found.paths, *found.headers.values()):
        assert len(value) <= LONGEST


def test_what_picks_another_route_makes_another_request() -> None:
    """Equal requests that run at the same time are answered as one (daemon/coalescing.py)."""
    ask = chat(("user", "hi"))
    keys = {
        key_of(b"t", replace(ask, caller=caller({"x-team": team}, ask, ALL)), {"x-team": team})
        for team in ("blue", "red", "blue")
    }
    assert len(keys) == 2
    assert key_of(b"t", ask, {"x-team": "blue"}) == key_of(b"t", ask, {"x-team": "red"}), "no route looks at it"
