"""The `openai` SDK, unmodified, against the daemon with the rehearsal host behind it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import openai
import pytest
from conftest import Daemon, call

PRIVATE = 'Author: Jane Roe <jane.roe@acme-widgets.io>\nFile "/home/jroe/app/x.py" on db-7.corp.internal at 10.20.30.40\n'
SECRET = "DB_PASSWORD=" + "correct-horse-9"


@pytest.fixture
def client(daemon: Daemon) -> Any:
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as made:
        yield made


def received(daemon: Daemon) -> str:
    return str(daemon.host.record()[-1]["body"])


def trace(daemon: Daemon, id_: str) -> dict[str, Any]:
    return dict(call(daemon, f"/control/traces/{id_}")[1])


def test_plain(client: Any, daemon: Daemon) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="localrouter/auto", messages=[{"role": "user", "content": PRIVATE + "what is this?"}]
    )
    answer = raw.parse()
    body = received(daemon)
    for value in ("Jane Roe", "jane.roe@", "jroe", "corp.internal", "10.20.30.40"):
        assert value not in body
    assert "Jane Roe" in answer.choices[0].message.content
    assert "10.20.30.40" in answer.choices[0].message.content
    record = trace(daemon, raw.headers["x-localrouter-id"])
    assert record["cost_micro"] > 0 and record["outcome"] == "done"
    assert record["findings"]["PERSON"] == 1
    assert "Jane Roe" not in json.dumps(record)


def test_stream_is_restored(client: Any, daemon: Daemon) -> None:
    stream = client.chat.completions.create(
        model="localrouter/auto",
        messages=[{"role": "user", "content": PRIVATE}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "Jane Roe" in text and "jroe" in text
    assert chunks[-1].usage.prompt_tokens > 0
    assert [c for c in chunks if c.choices and c.choices[0].finish_reason == "stop"]


def test_a_secret_never_leaves_and_is_not_shown_in_prose(client: Any, daemon: Daemon) -> None:
    answer = client.chat.completions.create(
        model="localrouter/auto", messages=[{"role": "user", "content": SECRET + "\nwhat is it?"}]
    )
    assert "correct-horse-9" not in received(daemon)
    text = answer.choices[0].message.content
    prose, _, code = text.partition("```")
    assert "PASSWORD_" in prose and "correct-horse-9" not in prose
    assert "correct-horse-9" in code


def test_tools_stream(client: Any, daemon: Daemon) -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "write_file",
            "parameters": {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}},
        },
    }
    stream = client.chat.completions.create(
        model="localrouter/auto",
        messages=[{"role": "user", "content": f"write a file with this: {SECRET}\n{PRIVATE}"}],
        tools=[tool],
        stream=True,
    )
    arguments, name = "", ""
    for chunk in stream:
        for piece in chunk.choices[0].delta.tool_calls or [] if chunk.choices else []:
            name = piece.function.name or name
            arguments += piece.function.arguments or ""
    assert name == "write_file"
    content = json.loads(arguments)["content"]
    assert SECRET in content and "Jane Roe" in content, "an edit tool gets the real values back"
    assert "correct-horse-9" not in received(daemon)


def test_models(client: Any) -> None:
    names = [m.id for m in client.models.list()]
    assert "localrouter/auto" in names and "openai/gpt-5-mini" in names
    assert client.models.retrieve("localrouter/auto").id == "localrouter/auto"


def test_wrong_token(daemon: Daemon) -> None:
    with openai.OpenAI(base_url=daemon.base, api_key="wrong", max_retries=0) as wrong, pytest.raises(openai.AuthenticationError):
        wrong.models.list()


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"messages": []}', b'{"messages": [1]}', b'{"messages":[{"role":"user","content":7}]}', b"\xff", b'{"a": NaN}',
     b'{"messages":[{"role":"user","content":[{"type":"hologram"}]}]}', b"[" * 5000, b'{"messages":[{"role":"user","content":"\\ud800"}]}'],
)  # fmt: skip
def test_a_malformed_body_is_a_400(daemon: Daemon, body: bytes) -> None:
    request = urllib.request.Request(
        daemon.base + "/chat/completions",
        data=body,
        headers={"authorization": f"Bearer {daemon.client}", "content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as error:
        assert error.code == 400
        assert json.load(error)["error"]["message"]


@pytest.mark.parametrize("model", ["500", "429"])
def test_a_failing_host_falls_back_to_the_next_model(client: Any, model: str) -> None:
    answer = client.chat.completions.create(model=f"rehearsal/rehearsal-{model}", messages=[{"role": "user", "content": "hi"}])
    assert answer.model == "rehearsal-1"


def test_a_rejected_request_is_the_clients_to_mend(client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="simulated 400"):
        client.chat.completions.create(model="rehearsal/rehearsal-400", messages=[{"role": "user", "content": "hi"}])


@pytest.mark.parametrize("model", ["drop", "cut", "error-mid"])
def test_a_broken_stream_raises_in_the_sdk(client: Any, model: str) -> None:
    stream = client.chat.completions.create(
        model=f"rehearsal/rehearsal-{model}", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    with pytest.raises(openai.APIError):
        for _ in stream:
            pass
