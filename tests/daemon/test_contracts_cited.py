"""Citations that a host says beside its text, end to end: a small host on each wire quotes what it was sent, rightly or wrongly."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, start, stop, trace, wait
from small_host import frames, serving

CLIENTS = ("chat", "responses", "messages")
CONFIG = {"chat": "openai_chat", "responses": "openai_responses", "messages": "anthropic_messages"}
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
MAIL = "jane.roe@example.org"
SECRET = "ghp_" + "x7Gq2LmP9vRt4KsW8nYb3ZcD6fHj1QaEu5Xo"
URL = "https://mill.example/history"
NOTE = f"Write to {MAIL} with the key {SECRET} first. The mill was built in 1871, says {URL}."
MODELS = ("right", "mends", "wrong")
RECIPE = """
name = "cites"
extends = "balanced"
[[route]]
name = "cites"
try = ["asked"]
contract = { citations = "verify" }
"""


@dataclass
class Host:
    """What was asked, and the port. A model that `mends` cites wrongly until it is told."""

    bodies: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, wire: str, tree: dict[str, Any]) -> list[dict[str, Any]]:
        """The citations."""
        body = json.dumps(tree, ensure_ascii=False)
        self.bodies.append(body)
        right = tree["model"] == "right" or (tree["model"] == "mends" and "cannot be used" in body)
        if wire == "messages":
            sent = body[body.index("Write to ") :]
            quote = sent[: sent.index(" first.")] + " first."
            node = {"type": "char_location", "cited_text": quote if right else quote + " And then to me.", "document_index": 0}
            return [{**node, "document_title": "note", "start_char_index": 0, "end_char_index": len(quote)}]
        inner = {"start_index": 0, "end_index": 2, "url": URL if right else URL + "/else", "title": "The mill"}
        return [{"type": "url_citation", "url_citation": inner} if wire == "chat" else {"type": "url_citation", **inner}]


def events(wire: str, cited: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if wire == "chat":
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

        def delta(finish: str | None = None, **said: Any) -> dict[str, Any]:
            return {**head, "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}

        counts = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
        return [
            delta(role="assistant", content="So "),
            delta(content="it is.", annotations=cited),
            delta("stop"),
            {**head, "choices": [], "usage": counts},
        ]
    tree = whole(wire, cited)
    if wire == "messages":
        blank = {**tree, "content": [], "stop_reason": None}
        return [
            {"type": "message_start", "message": blank},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "", "citations": []}},
            *({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": c}} for c in cited),
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "So it is."}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": tree["usage"]},
            {"type": "message_stop"},
        ]
    item = tree["output"][0]
    at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = item["content"][0]
    return [
        {"type": "response.created", "response": {**tree, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": "", "annotations": []}},
        {"type": "response.output_text.delta", **at, "delta": part["text"], "logprobs": []},
        *({"type": "response.output_text.annotation.added", **at, "annotation_index": i, "annotation": c} for i, c in enumerate(cited)),
        {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": tree},
    ]  # fmt: skip


def whole(wire: str, cited: list[dict[str, Any]]) -> dict[str, Any]:
    if wire == "chat":
        message = {"role": "assistant", "content": "So it is.", "annotations": cited}
        counts = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": counts}
    used = {"input_tokens": 11, "output_tokens": 4}
    if wire == "messages":
        text = {"type": "text", "text": "So it is.", "citations": cited}
        head = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "stop_reason": "end_turn",
            "stop_sequence": None,
        }
        return {**head, "content": [text], "usage": used}
    part = {"type": "output_text", "text": "So it is.", "annotations": cited, "logprobs": []}
    item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "error": None}
    return {**head, "incomplete_details": None, "output": [item], "usage": {**used, "total_tokens": 15}}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    found = Host()

    def asked(path: str, _: Mapping[str, str], tree: dict[str, Any]) -> tuple[int, bytes]:
        wire = next(w for w, own in PATHS.items() if path == own)
        cited = found.answer(wire, tree)
        if tree.get("stream") is not True:
            return 200, json.dumps(whole(wire, cited)).encode()
        if wire != "chat":
            return 200, frames(events(wire, cited))
        return 200, b"".join(f"data: {json.dumps(e)}\n\n".encode() for e in events(wire, cited)) + b"data: [DONE]\n\n"

    with serving(asked) as found.port:
        yield found


@pytest.fixture(scope="module")
def cites(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Daemon]:
    home: Path = tmp_path_factory.mktemp("cites")
    (home / "config" / "recipes").mkdir(parents=True, mode=0o700)
    (home / "config").chmod(0o700)
    lines = ['port = 0\nrecipe = "cites"\n[health]\nbreaker = false\n[budgets]\nday_usd = "100"\nmonth_usd = "100"']
    for name, wire in CONFIG.items():
        lines.append(
            f'[hosts.{name}]\norigin = "http://127.0.0.1:{host.port}/v1"\nwire = "{wire}"\nregion = "eu"\nretention_days = 0\ntrains_on_data = false'
        )
        for model in MODELS:
            lines.append(
                f'[models."{name}/{model}"]\nhost = "{name}"\nname = "{model}"\nprice_in = "0.25"\nprice_out = "2.00"\ncontext = 100000\nmax_output = 2048'
            )
    (home / "config" / "config.toml").write_text("\n".join(lines) + "\n")
    (home / "config" / "recipes" / "cites.toml").write_text(RECIPE)
    process = start(home)
    try:
        yield wait(home, process, None)  # type: ignore[arg-type]  # no rehearsal host is behind this one
    finally:
        stop(process)


def request(client: str, model: str, stream: bool, salt: str) -> dict[str, Any]:
    """Only Messages knows documents; to the others the note is a text."""
    said = {"model": model, "stream": stream}
    ask = f"What does it say? ({salt})"
    if client == "messages":
        source = {"type": "text", "media_type": "text/plain", "data": NOTE}
        document = {"type": "document", "source": source, "title": "note", "citations": {"enabled": True}}
        return {**said, "max_tokens": 500, "messages": [{"role": "user", "content": [document, {"type": "text", "text": ask}]}]}
    return {**said, "input" if client == "responses" else "messages": [{"role": "user", "content": f"{NOTE}\n{ask}"}]}


@dataclass
class Sent:
    """What came of a request: `text` is the body, `asked` what the host was asked."""

    status: int
    text: str
    id: str
    asked: list[str]


def sent(daemon: Daemon, host: Host, client: str, model: str, stream: bool) -> Sent:
    before = len(host.bodies)
    body = json.dumps(request(client, model, stream, f"{client} {model} {stream}"))
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        headers = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}"}
        connection.request("POST", PATHS[client], body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    return Sent(answer.status, text, answer.headers["x-localrouter-id"], host.bodies[before:])


PAIRS = [(c, w) for c in CLIENTS for w in CLIENTS]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "wire"), PAIRS)
def test_what_stands_in_the_context_is_told(cites: Daemon, host: Host, client: str, wire: str, stream: bool) -> None:
    got = sent(cites, host, client, f"{wire}/right", stream)
    assert got.status == 200 and len(got.asked) == 1, got.text
    assert MAIL not in got.asked[0] and SECRET not in got.asked[0]
    if client == wire == "messages":
        assert MAIL in got.text, "the quotation is restored like the text"
    assert SECRET not in got.text, "and what is sealed stays so, though the judge knows where it stands"
    if wire != "messages" and client != "messages":
        assert URL in got.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "wire"), PAIRS)
def test_what_does_not_is_sent_back_once(cites: Daemon, host: Host, client: str, wire: str, stream: bool) -> None:
    got = sent(cites, host, client, f"{wire}/mends", stream)
    assert got.status == 200 and len(got.asked) == 2, got.text
    assert "citation 1 of your answer" in got.asked[1] and all(MAIL not in b and SECRET not in b for b in got.asked)
    assert "And then to me" not in got.text and URL + "/else" not in got.text, "nothing of the first answer"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_host_that_goes_on_with_it_is_an_error_and_the_trace_says_why(cites: Daemon, host: Host, client: str) -> None:
    got = sent(cites, host, client, "messages/wrong", False)
    assert got.status == 502 and len(got.asked) == 2 and "does not stand in the context" in got.text
    record = json.dumps(trace(cites, got.id))
    assert "repair_once" in record and "contract_broken" in record and MAIL not in record and SECRET not in record
