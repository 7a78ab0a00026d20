"""The `openai` SDK, unmodified, against the daemon with the rehearsal host behind it: chat completions, Responses, embeddings.

What is common to the three dialects, over each wire, is in `test_sdk_pairs.py`.
"""

from __future__ import annotations

import base64
import json
import math
import struct
import urllib.request
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from conftest import Daemon, trace, until
from pydantic import BaseModel

PRIVATE = 'Author: Jane Roe <jane.roe@acme-widgets.io>\nFile "/home/jroe/app/x.py" on db-7.corp.internal at 10.20.30.40\n'
SECRET = "DB_PASSWORD=" + "correct-horse-9"


@pytest.fixture
def client(daemon: Daemon) -> Any:
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as made:
        yield made


def received(daemon: Daemon) -> str:
    return str(daemon.host.record()[-1]["body"])


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


# --- the newer surfaces, over all three wires --------------------------------------------------------


@pytest.fixture
def sdk(surfaces: Daemon) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=surfaces.base, api_key=surfaces.client, max_retries=0) as made:
        yield made


class Answer(BaseModel):
    """A form of an answer, as a user of the SDK writes it."""

    who: str
    count: int


WIRES = ("chat", "responses", "messages")
TOOL: Any = {
    "type": "function",
    "name": "read_file",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
}


@pytest.mark.parametrize("wire", WIRES)
def test_parse_gives_the_users_own_type(sdk: openai.OpenAI, wire: str) -> None:
    asked = "Who is jane.roe@acme-widgets.io?"
    chat = sdk.chat.completions.parse(
        model=f"{wire}/rehearsal-1", messages=[{"role": "user", "content": asked}], response_format=Answer
    )
    assert chat.choices[0].message.parsed == Answer(who="jane.roe@acme-widgets.io", count=7)
    response = sdk.responses.parse(model=f"{wire}/rehearsal-1", input=asked, text_format=Answer)
    assert response.output_parsed == Answer(who="jane.roe@acme-widgets.io", count=7)


@pytest.mark.parametrize("wire", WIRES)
def test_the_sdks_own_accumulators(sdk: openai.OpenAI, wire: str) -> None:
    """`stream()` of both surfaces rebuilds the answer from events, and raises on any that does not fit."""
    with sdk.chat.completions.stream(model=f"{wire}/rehearsal-1", messages=[{"role": "user", "content": PRIVATE}]) as stream:
        whole = stream.get_final_completion()
    assert "Jane Roe" in (whole.choices[0].message.content or "")
    with sdk.responses.stream(model=f"{wire}/rehearsal-1", input=PRIVATE) as events:
        kinds = [e.type for e in events]
        final = events.get_final_response()
    assert "Jane Roe" in final.output_text and kinds[0] == "response.created" and kinds[-1] == "response.completed"


@pytest.mark.parametrize("wire", WIRES)
def test_a_conversation_goes_on_from_a_stored_answer(sdk: openai.OpenAI, surfaces: Daemon, wire: str) -> None:
    first = sdk.responses.create(model=f"{wire}/rehearsal-1", input="call the tool for jane.roe@acme-widgets.io", tools=[TOOL])
    (made,) = [i for i in first.output if i.type == "function_call"]
    result: Any = [{"type": "function_call_output", "call_id": made.call_id, "output": "it is fine"}]
    second = sdk.responses.create(model=f"{wire}/rehearsal-1", input=result, previous_response_id=first.id, tools=[TOOL])
    assert "jane.roe@acme-widgets.io" in second.output_text
    sent = surfaces.host.record()[-1]["body"]
    assert "call the tool" in sent and "it is fine" in sent and "previous_response_id" not in sent and "jane.roe" not in sent
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(model=f"{wire}/rehearsal-1", input="go on", previous_response_id="resp_never")
    assert caught.value.code == "previous_response_not_found"


@pytest.mark.parametrize("wire", WIRES)
def test_items_of_earlier_answers_are_named_instead_of_sent(sdk: openai.OpenAI, surfaces: Daemon, wire: str) -> None:
    """Source: Vercel's AI SDK (@ai-sdk/openai 4.0.118): `openai(model)` speaks Responses, stores, and from its second step on names what was
    said by `item_reference`. Hosts are told to keep nothing, so the items are put in their places here."""
    asked: Any = {"role": "user", "content": "call the tools for jane.roe@acme-widgets.io"}
    more: Any = {"model": f"{wire}/rehearsal-parallel", "tools": [TOOL], "reasoning": {"effort": "low"}}
    first = sdk.responses.create(input=[asked], **more)
    (made,) = [i for i in first.output if i.type == "function_call"]
    assert any(i.type == "message" for i in first.output)
    references: Any = [{"type": "item_reference", "id": i.id} for i in first.output]
    result: Any = {"type": "function_call_output", "call_id": made.call_id, "output": "it is fine"}
    second = sdk.responses.create(input=[asked, *references, result], **more)
    assert "jane.roe@acme-widgets.io" in second.output_text
    sent = surfaces.host.record()[-1]["body"]
    assert "all at once" in sent and "it is fine" in sent and "item_reference" not in sent and "jane.roe" not in sent
    # A reference may leave its type out where another says it; and what stands in a stored answer is not said twice.
    (words,) = [i for i in second.output if i.type == "message"]
    third: Any = [{"id": words.id}, {"type": "item_reference", "id": words.id}, {"role": "user", "content": "Again?"}]
    sdk.responses.create(input=third, previous_response_id=second.id, **more)
    assert surfaces.host.record()[-1]["body"].count("simulated answer") == 1
    alone = sdk.responses.create(input="hi", store=False, model=f"{wire}/rehearsal-1")
    for gone in (alone.output[0].id, "msg_never"):
        with pytest.raises(openai.NotFoundError, match="Items are not persisted"):
            sdk.responses.create(input=[{"type": "item_reference", "id": str(gone)}], model=f"{wire}/rehearsal-1")


@pytest.mark.parametrize("wire", WIRES)
def test_a_freeform_tool(sdk: openai.OpenAI, surfaces: Daemon, wire: str) -> None:
    tool: Any = {"type": "custom", "name": "apply_patch", "description": "A patch."}
    turns: list[Any] = [{"role": "user", "content": "use the tool: patch for jane.roe@acme-widgets.io"}]
    with sdk.responses.stream(model=f"{wire}/rehearsal-1", input=turns, tools=[tool]) as events:
        made = [i for i in events.get_final_response().output if i.type == "custom_tool_call"]
    assert len(made) == 1 and made[0].name == "apply_patch" and "jane.roe@acme-widgets.io" in made[0].input
    call_item = {"type": "custom_tool_call", "call_id": made[0].call_id, "name": "apply_patch", "input": made[0].input}
    turns += [call_item, {"type": "custom_tool_call_output", "call_id": made[0].call_id, "output": "Done!"}]
    assert "simulated answer" in sdk.responses.create(model=f"{wire}/rehearsal-1", input=turns, tools=[tool]).output_text
    assert "jane.roe" not in surfaces.host.record()[-1]["body"]


def test_embeddings(sdk: openai.OpenAI, surfaces: Daemon) -> None:
    """Served here, base64 by default and floats when asked for; nothing reaches a host."""
    before = len(surfaces.host.record())
    texts = ["The cat sat on the mat.", "A cat was sitting on a rug.", "Invoices are due in thirty days."]
    made = sdk.embeddings.create(model="local:embed", input=texts)
    a, b, c = (item.embedding for item in made.data)
    assert [item.index for item in made.data] == [0, 1, 2] and len(a) == len(b) == len(c) > 100 and made.usage.prompt_tokens > 0

    def cosine(x: list[float], y: list[float]) -> float:
        return (
            math.sumprod(x, y) / math.sqrt(math.sumprod(x, x) * math.sumprod(y, y))
            if hasattr(math, "sumprod")
            else (sum(i * j for i, j in zip(x, y, strict=True)) / math.sqrt(sum(i * i for i in x) * sum(j * j for j in y)))
        )

    assert cosine(a, b) > cosine(a, c) + 0.2, "what means the same lies near"
    floats = sdk.embeddings.create(model="local:embed", input=texts[0], encoding_format="float").data[0].embedding
    raw: Any = sdk.embeddings.create(model="local:embed", input=texts[0], encoding_format="base64").data[0].embedding
    packed = struct.unpack(f"<{len(floats)}f", base64.b64decode(raw))
    assert all(abs(x - y) < 1e-6 for x, y in zip(floats, packed, strict=True))
    with pytest.raises(openai.NotFoundError):
        sdk.embeddings.create(model="text-embedding-3-small", input="x")
    assert len(surfaces.host.record()) == before


TYPED: dict[str, Any] = {
    "400": openai.BadRequestError,
    "404": openai.NotFoundError,
    "422": openai.UnprocessableEntityError,
    "429": openai.RateLimitError,
    "500": openai.InternalServerError,
    "503": openai.InternalServerError,
    "529": (openai.RateLimitError, openai.InternalServerError),
    "context": openai.BadRequestError,
}


@pytest.mark.parametrize("wire", WIRES)
def test_each_status_is_the_sdks_typed_exception(sdk: openai.OpenAI, wire: str) -> None:
    for fault, kind in TYPED.items():
        with pytest.raises(kind) as caught:
            sdk.chat.completions.create(model=f"{wire}/rehearsal-{fault}", messages=[{"role": "user", "content": "hi"}])
        assert caught.value.body is not None and caught.value.request_id, fault
        with pytest.raises(kind):
            sdk.responses.create(model=f"{wire}/rehearsal-{fault}", input="hi")
    with pytest.raises(openai.APIStatusError) as unknown:
        sdk.responses.create(model=f"{wire}/no-such-model", input="hi")
    assert "x-should-retry" in unknown.value.response.headers


@pytest.mark.parametrize("model", ["slow", "silent"])
@pytest.mark.parametrize("wire", WIRES)
def test_a_client_that_leaves_is_noticed_upstream(sdk: openai.OpenAI, surfaces: Daemon, wire: str, model: str) -> None:
    before = len(surfaces.host.record())
    body: Any = {"model": f"{wire}/rehearsal-{model}", "input": "hello there", "stream": True}
    if model == "slow":
        stream = sdk.responses.create(**body)
        next(iter(stream))
        stream.close()
    else:
        for patience in (2.0, 20.0, 80.0):  # until the host has it, which a busy machine may not manage in two seconds
            with pytest.raises(openai.APITimeoutError):
                sdk.with_options(timeout=patience).responses.create(**body)
            if len(surfaces.host.record()) > before:
                break
    until(lambda: surfaces.host.record()[before]["hung_up"], "the call to the host was not cancelled")
