"""The `anthropic` SDK, unmodified, against the daemon: both API versions, over all three wires.

What is common to the three dialects is in `test_sdk_pairs.py`. The older major version (X-Api-Key, anthropic-version 2023-06-01) has a virtual
environment of its own, made by the test from the package index, so that test is a long one; here its headers are sent by hand too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from conftest import Daemon, until
from pydantic import BaseModel

WIRES = ("chat", "responses", "messages")
MAIL = "jane.roe@acme-widgets.io"
USER: Any = [{"role": "user", "content": f"What do you know of {MAIL}?"}]
READ: Any = {"name": "read_file", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}
OLD = {"anthropic-version": "2023-06-01"}


@pytest.fixture
def sdk(surfaces: Daemon) -> Iterator[anthropic.Anthropic]:
    base = surfaces.base.removesuffix("/v1")
    with anthropic.Anthropic(base_url=base, api_key=surfaces.client, max_retries=0) as made:
        yield made


def sent(daemon: Daemon) -> dict[str, Any]:
    entry = daemon.host.record()[-1]
    assert "jane.roe" not in entry["body"] and not entry.get("refused")
    return entry


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
@pytest.mark.parametrize("wire", WIRES)
def test_both_versions_of_the_api(surfaces: Daemon, wire: str, version: str) -> None:
    """The older one sends its key as X-Api-Key and may sample; the newer one sends a Bearer and may not."""
    base, old = surfaces.base.removesuffix("/v1"), version == "2023-06-01"
    key: dict[str, Any] = {
        "api_key": "placeholder",
        "default_headers": {"x-api-key": surfaces.client, "authorization": "", **OLD},
    }
    with anthropic.Anthropic(base_url=base, max_retries=0, **(key if old else {"api_key": surfaces.client})) as client:
        more: Any = {"extra_body": {"temperature": 0.3}} if old else {}
        got = client.messages.create(model=f"{wire}/rehearsal-1", max_tokens=500, messages=USER, **more)
    assert MAIL in got.content[-1].text and got.stop_reason == "end_turn" and got.usage.input_tokens > 0
    entry = sent(surfaces)
    assert surfaces.client not in json.dumps(entry["headers"]), "the client's own token stays here"
    if wire == "messages":
        assert entry["headers"]["anthropic-version"] == version
        assert ("temperature" in entry["body"]) == old


@pytest.mark.parametrize("wire", WIRES)
def test_the_sdks_own_accumulator(sdk: anthropic.Anthropic, surfaces: Daemon, wire: str) -> None:
    with sdk.messages.stream(
        model=f"{wire}/rehearsal-parallel",
        max_tokens=2000,
        messages=[{"role": "user", "content": f"call both for {MAIL}"}],
        tools=[READ, {**READ, "name": "grep"}],
    ) as stream:
        kinds = [e.type for e in stream]
        final = stream.get_final_message()
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    assert [b.name for b in final.content if b.type == "tool_use"] == ["read_file", "grep"] and final.stop_reason == "tool_use"
    sent(surfaces)


class Answer(BaseModel):
    """A form of an answer, as a user of the SDK writes it."""

    who: str
    count: int


@pytest.mark.parametrize("wire", WIRES)
def test_parse_gives_the_users_own_type(sdk: anthropic.Anthropic, surfaces: Daemon, wire: str) -> None:
    got = sdk.messages.parse(model=f"{wire}/rehearsal-1", max_tokens=500, messages=USER, output_format=Answer)
    assert got.parsed_output == Answer(who=MAIL, count=7)
    sent(surfaces)


@pytest.mark.parametrize("kind", ["enabled", "adaptive"])
@pytest.mark.parametrize("wire", WIRES)
def test_thoughts_go_back_inside_a_tool_loop(sdk: anthropic.Anthropic, surfaces: Daemon, wire: str, kind: str) -> None:
    thinking: Any = (
        {"type": "enabled", "budget_tokens": 1024} if kind == "enabled" else {"type": "adaptive", "display": "omitted"}
    )
    turns: list[Any] = [{"role": "user", "content": f"call the tool for {MAIL}"}]
    ask: Any = {"model": f"{wire}/rehearsal-think", "max_tokens": 4000, "tools": [READ], "thinking": thinking}
    for _ in range(2):
        with sdk.messages.stream(messages=turns, **ask) as stream:
            got = stream.get_final_message()
        turns.append({"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in got.content]})
        calls = [b for b in got.content if b.type == "tool_use"]
        if calls:
            turns.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": calls[0].id, "content": "fine"}]})
    assert "simulated answer" in got.content[-1].text
    sent(surfaces)


def test_redacted_thinking_goes_back_unchanged(sdk: anthropic.Anthropic, surfaces: Daemon) -> None:
    ask: Any = {
        "model": "messages/rehearsal-redacted",
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    got = sdk.messages.create(messages=USER, **ask)
    assert got.content[0].type == "redacted_thinking"
    turns: list[Any] = [*USER, {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in got.content]}, *USER]
    sdk.messages.create(messages=turns, **ask)
    assert got.content[0].data in sent(surfaces)["body"]


def test_cache_marks_and_what_they_save(sdk: anthropic.Anthropic, surfaces: Daemon) -> None:
    system: Any = [{"type": "text", "text": f"You serve {MAIL}. " + "Be brief. " * 600, "cache_control": {"type": "ephemeral"}}]
    used = [
        sdk.messages.create(model="messages/rehearsal-1", max_tokens=50, system=system, messages=USER).usage for _ in range(2)
    ]
    assert used[0].cache_creation_input_tokens > 1000 and used[1].cache_read_input_tokens == used[0].cache_creation_input_tokens
    sent(surfaces)


def test_count_tokens_in_a_burst(sdk: anthropic.Anthropic, surfaces: Daemon) -> None:
    """Claude Code asks 14 to 26 at once; none reaches a host."""
    from concurrent.futures import ThreadPoolExecutor

    before = len(surfaces.host.record())

    def count(n: int) -> int:
        asked: Any = [{"role": "user", "content": "word " * n}]
        return sdk.messages.count_tokens(model="messages/rehearsal-1", messages=asked, tools=[READ]).input_tokens

    with ThreadPoolExecutor(26) as pool:
        counts = list(pool.map(count, range(10, 270, 10)))
    assert counts == sorted(counts) and counts[0] > 0
    assert len(surfaces.host.record()) == before


def test_models(sdk: anthropic.Anthropic) -> None:
    listed = sdk.models.list(limit=1000)
    assert listed.data and all(m.type == "model" and m.display_name for m in listed.data)
    assert sdk.models.retrieve(listed.data[0].id).id == listed.data[0].id


TYPED = {
    "400": anthropic.BadRequestError,
    "404": anthropic.NotFoundError,
    "413": anthropic.RequestTooLargeError,
    "422": anthropic.UnprocessableEntityError,
    "429": anthropic.RateLimitError,
    "500": anthropic.InternalServerError,
    "503": anthropic.InternalServerError,
    "529": (anthropic.RateLimitError, anthropic.InternalServerError),
    "context": anthropic.BadRequestError,
}


@pytest.mark.parametrize("wire", WIRES)
def test_each_status_is_the_sdks_typed_exception(sdk: anthropic.Anthropic, wire: str) -> None:
    for fault, kind in TYPED.items():
        with pytest.raises(kind) as caught:
            sdk.messages.create(model=f"{wire}/rehearsal-{fault}", max_tokens=50, messages=USER)
        tree: Any = caught.value.body
        assert tree["type"] == "error" and tree["error"]["type"] and tree["error"]["message"], fault
    with pytest.raises(anthropic.AuthenticationError):
        sdk.with_options(api_key="wrong").messages.create(model=f"{wire}/rehearsal-1", max_tokens=50, messages=USER)
    with pytest.raises(anthropic.BadRequestError):
        sdk.messages.create(model=f"{wire}/rehearsal-1", max_tokens=50, messages=[])


@pytest.mark.parametrize("model", ["slow", "silent"])
@pytest.mark.parametrize("wire", WIRES)
def test_a_client_that_leaves_is_noticed_upstream(sdk: anthropic.Anthropic, surfaces: Daemon, wire: str, model: str) -> None:
    before = len(surfaces.host.record())
    ask: Any = {"model": f"{wire}/rehearsal-{model}", "max_tokens": 500, "messages": USER, "stream": True}
    if model == "slow":
        stream = sdk.messages.create(**ask)
        next(iter(stream))
        stream.close()
    else:
        for patience in (2.0, 20.0, 80.0):  # until the host has it, which a busy machine may not manage in two seconds
            with pytest.raises(anthropic.APITimeoutError):
                sdk.with_options(timeout=patience).messages.create(**ask)
            if len(surfaces.host.record()) > before:
                break
    until(lambda: surfaces.host.record()[before]["hung_up"], "the call to the host was not cancelled")


OLDER = """
import json, sys, anthropic
base, key, wire = sys.argv[1:]
client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=0)
tools = [{"name": "read_file", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}]
turns = [{"role": "user", "content": "call the tool for jane.roe@acme-widgets.io"}]
with client.messages.stream(model=wire + "/rehearsal-1", max_tokens=500, messages=turns, tools=tools) as stream:
    got = stream.get_final_message()
call = [b for b in got.content if b.type == "tool_use"][0]
turns += [{"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in got.content]},
          {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "fine"}]}]
last = client.messages.create(model=wire + "/rehearsal-1", max_tokens=500, messages=turns, tools=tools)
count = client.messages.count_tokens(model=wire + "/rehearsal-1", messages=turns).input_tokens
try:
    client.messages.create(model=wire + "/rehearsal-429", max_tokens=500, messages=turns[:1])
except anthropic.RateLimitError as error:
    kind = type(error).__name__
print(json.dumps({"version": anthropic.__version__, "text": last.content[-1].text, "count": count, "error": kind}))
"""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_older_major_version(surfaces: Daemon, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", "anthropic<2"], check=True)
    for wire in WIRES:
        done = subprocess.run(
            [str(python), "-c", OLDER, surfaces.base.removesuffix("/v1"), surfaces.client, wire],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["version"].split(".")[0] in ("0", "1") and MAIL in said["text"] and said["count"] > 0
        assert said["error"] == "RateLimitError"
    assert not [e for e in surfaces.host.record() if "jane.roe" in e["body"]]
    assert surfaces.host.record()[-1]["headers"]["anthropic-version"] == "2023-06-01"
