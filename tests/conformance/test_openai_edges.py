"""Edge cases of the OpenAI dialects that other gateways get wrong and that stand nowhere else in this folder. Numbers: notes on gateways, 6."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from crossing import HOSTS, NAMES, OTHERS, answer, dialect, got, over, read, wire

from localrouter.core.catalogue import Catalogue, Host, Model
from localrouter.core.decide import decide
from localrouter.core.money import Price
from localrouter.core.recipe import Recipe
from localrouter.core.signals import Signals
from localrouter.core.standing import Standing
from localrouter.daemon.rehearsal_seen import Reply
from localrouter.daemon.rehearsal_strict import Cache, Maker
from localrouter.daemon.surface import new_id
from localrouter.gates import all_gates

HI = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def body(name: str, **more: Any) -> dict[str, Any]:
    limit = {"max_tokens": 99} if name == "messages" else {}
    return {"model": "m", **({"input": [HI]} if name == "responses" else {"messages": [HI]}), **limit, **more}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_limit_for_who_asks_for_more_than_the_model_says(name: str) -> None:
    """15. A limit above the model's own is lowered to it before money is reserved, in each dialect alike (LiteLLM max_tokens_truncation)."""
    field = {"chat": "max_completion_tokens", "responses": "max_output_tokens", "messages": "max_tokens"}[name]
    ask = read(name, body(name, **{field: 100_000}))
    model = Model("h/m", "h", "m", Price(1, 1), 200_000, 4096, True, True, True)
    standing = Standing(0.0, Catalogue("t", {"h": Host("h", "https://h.invalid")}, {"h/m": model}), None, keys=frozenset({"h"}))
    recipe = Recipe.model_validate({"name": "t", "route": [{"name": "r", "try": ["h/m"]}]})
    (attempt,) = decide(ask, Signals(prompt_bound=10), recipe, standing, all_gates()).attempts
    assert attempt.max_output == 4096
    for host in NAMES:
        tree = (
            dialect(name).outgoing(ask.tree, ask, attempt)
            if name == host
            else wire(host).body(dialect(name).chat(ask.tree, ask), attempt)
        )
        sent = [tree[k] for k in ("max_tokens", "max_completion_tokens", "max_output_tokens") if k in tree]
        assert sent == [4096]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", [True, False])
def test_ids_are_unique_and_of_the_dialects_own_kind(name: str, stream: bool) -> None:
    """19. `msg_`, `chatcmpl-`, `resp_` ids of crossed answers; two requests never share one (CCR anthropic-response-model)."""
    host = OTHERS[name][0]
    seen = HOSTS[host].read({**body(host), "stream": stream}, {})
    counts = HOSTS[host].usage(seen, Reply("ok"), 400, Cache())
    parts = HOSTS[host].events(seen, Reply("ok"), counts, 1, Maker(), None) if stream else ()
    data = (
        b"".join(p for p, _ in parts) if stream else json.dumps(HOSTS[host].whole(seen, Reply("ok"), counts, 1, Maker())).encode()
    )
    made = []
    for _ in range(2):
        ask = read(name, body(name, stream=stream))
        writer = dialect(name).Writer(ask, new_id())
        out = b"".join(writer.write(c, [p.text for p in c.pieces], []) for c in _stripped(host, data, stream=stream))
        tree = json.loads(next(x[6:] for x in out.splitlines() if x.startswith(b"data: ")) if stream else out)
        made.append((tree.get("response") or tree.get("message") or tree)["id"])
    prefix = {"chat": "chatcmpl-", "responses": "resp_", "messages": "msg_"}[name]
    assert made[0] != made[1] and all(i.startswith(prefix) for i in made)


def _stripped(host: str, data: bytes, *, stream: bool) -> list[Any]:
    reader = wire(host).Reader(stream)
    out = []
    for chunk in [*reader.feed(data), *reader.end()]:
        pieces = tuple(replace(p, path=()) for p in chunk.pieces if not p.whole and not p.opaque and not p.mirror)
        out.append(replace(chunk, raw=b"", tree=None, pieces=pieces))
    return out


@pytest.mark.parametrize("name", NAMES)
def test_a_crossed_answer_names_the_model_that_was_asked_for(name: str) -> None:
    """19. The model is echoed as the client asked for it where we write the answer (CCR, LiteLLM stream_model_mirror)."""
    for host in OTHERS[name]:
        seen = HOSTS[host].read({**body(host), "stream": False}, {})
        whole = HOSTS[host].whole(seen, Reply("ok"), HOSTS[host].usage(seen, Reply("ok"), 400, Cache()), 1, Maker())
        raw = answer(name, host, json.dumps(whole).encode(), stream=False, body={"model": "my/alias"})
        assert got(name, raw, stream=False).model == "my/alias"


def test_a_conversations_cache_key_is_the_callers_or_the_sessions() -> None:
    """40. `prompt_cache_key` is derived from the agent's session where it crosses, and never overwrites the caller's (CCR, LiteLLM)."""
    own = over("responses", "responses", body("responses", prompt_cache_key="mine"))
    assert own.tree["prompt_cache_key"] == "mine"
    bare = over("responses", "responses", body("responses"))
    assert "prompt_cache_key" not in bare.tree, "the raw plane adds nothing"
    head = {"x-claude-code-session-id": "s-1"}
    first, again = (
        over("messages", "responses", body("messages", messages=[{"role": "user", "content": t}]), head) for t in "ab"
    )
    other = over("messages", "responses", body("messages"), {"x-claude-code-session-id": "s-2"})
    keys = [sent.tree["prompt_cache_key"] for sent in (first, again, other)]
    assert keys[0] == keys[1] != keys[2] and "s-1" not in keys[0]


@pytest.mark.parametrize(("name", "host"), [("chat", "responses"), ("responses", "chat"), ("responses", "messages")])
def test_halves_of_tool_calls_are_mended_and_said(name: str, host: str) -> None:
    """35. OpenAI refuses a call without a result and a result without a call; what was mended stands in the trace (Plano, LiteLLM)."""
    call: dict[str, Any] = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    result: dict[str, Any] = {"type": "function_call_output", "call_id": "c9", "output": "sun"}
    tool: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    if name == "chat":
        inner = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        call = {"role": "assistant", "content": None, "tool_calls": [inner]}
        result, tool = {"role": "tool", "tool_call_id": "c9", "content": "sun"}, FUNCTION
    field = "messages" if name == "chat" else "input"
    sent = over(name, host, {"model": "m", field: [HI, call, HI], "tools": [tool]})
    assert any("without a result" in n for n in sent.notes) and "was not answered" in json.dumps(sent.tree)
    sent = over(name, host, {"model": "m", field: [HI, result], "tools": [tool]})
    assert any("not there" in n for n in sent.notes) and "sun" in json.dumps(sent.tree)


@pytest.mark.parametrize("name", ["chat", "responses"])
def test_an_unknown_tool_choice_among_no_tools_is_no_crash(name: str) -> None:
    """4, 5. `tools: []` with a choice, null tools, null choice (Roo, VS Code and ollama-python send them)."""
    for more in ({"tools": [], "tool_choice": "auto"}, {"tools": None, "tool_choice": None}, {"tools": []}):
        for host in OTHERS[name]:
            tree = over(name, host, body(name, **more)).tree
            assert "tools" not in tree and "tool_choice" not in tree


def test_a_call_with_arguments_that_are_an_object_is_sent_as_text() -> None:
    """18, 35. Ollama-style clients send `arguments` as an object where the API wants a string."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    turns = [
        HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ]
    for host in OTHERS["chat"]:
        tree = over("chat", host, body("chat", messages=turns, tools=[FUNCTION])).tree
        assert '"a"' in json.dumps(tree).replace('\\"', '"')
