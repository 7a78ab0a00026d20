"""A citation's places are those of the restored text: on both planes, streamed and not, in every event that repeats it.

Source: OpenAI API reference: `start_index` and `end_index` of a `url_citation` count the characters of the message's text.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from crossing import answer
from openai.types.chat import ChatCompletion
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from localrouter.scrub.tokens import Entry, TokenTable
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler

PERSON, PHONE = "PERSON_7ABCDE", "PHONE_8ABCDE"
NAME, NUMBER = "Jo", "+39 06 698 12345"
URL = "https://example.org/a"
SAID = f"{PERSON} wrote it ([site]({URL})), and {PHONE} is listed ([site]({URL})). {PERSON} agrees."
SHOWN = SAID.replace(PERSON, NAME).replace(PHONE, NUMBER)
LINK = f"([site]({URL}))"


def places(text: str) -> list[tuple[int, int]]:
    first = text.index(LINK)
    second = text.index(LINK, first + 1)
    return [(first, first + len(LINK)), (second, second + len(LINK)), (0, len(text))]


def unveiler() -> Unveiler:
    entries = [Entry(PERSON, NAME, "PERSON", "mask"), Entry(PHONE, NUMBER, "PHONE", "mask")]
    return Unveiler(TokenTable(entries), SAID, tool_class)


def flat(start: int, end: int) -> dict[str, Any]:
    return {"type": "url_citation", "start_index": start, "end_index": end, "title": "Site", "url": URL}


def nested(start: int, end: int) -> dict[str, Any]:
    return {"type": "url_citation", "url_citation": {k: v for k, v in flat(start, end).items() if k != "type"}}


USAGE = {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12}  # fmt: skip
COUNTS = {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}


def response(status: str, output: list[Any]) -> dict[str, Any]:
    return {
        "id": "resp_1", "object": "response", "created_at": 7, "status": status, "error": None, "incomplete_details": None, "model": "m",
        "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": USAGE if output else None,
    }  # fmt: skip


def item(text: str, citations: list[Any], status: str = "completed") -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": citations, "logprobs": []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": [part] if text else []}


def host(name: str, *, stream: bool) -> bytes:
    cited = places(SAID)
    if name == "chat":
        entries = [nested(*p) for p in cited]
        head = {"id": "c", "created": 7, "model": "m"}
        if not stream:
            message = {"role": "assistant", "content": SAID, "annotations": entries}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            return json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": COUNTS}).encode()
        deltas: list[dict[str, Any]] = [{"content": SAID[i : i + 5]} for i in range(0, len(SAID), 5)]
        deltas += [{"annotations": entries[:2]}, {"content": "", "annotations": entries[2:]}]
        trees = [
            {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": d, "finish_reason": None}]}
            for d in deltas
        ]
        trees.append({**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        trees.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": COUNTS})
        return b"".join(b"data: " + json.dumps(t).encode() + b"\n\n" for t in trees) + b"data: [DONE]\n\n"
    entries = [flat(*p) for p in cited]
    whole = response("completed", [item(SAID, entries)])
    if not stream:
        return json.dumps(whole).encode()
    events: list[dict[str, Any]] = [{"type": "response.created", "response": response("in_progress", [])}]
    events.append({"type": "response.output_item.added", "output_index": 0, "item": item("", [], "in_progress")})
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    events.append({"type": "response.content_part.added", **at, "part": part})
    done = 0
    for n, (_, end) in enumerate(cited):
        for i in range(done, max(end, done), 5):
            events.append({"type": "response.output_text.delta", **at, "delta": SAID[i : min(i + 5, end)], "logprobs": []})
        done = max(end, done)
        events.append({"type": "response.output_text.annotation.added", **at, "annotation_index": n, "annotation": entries[n]})
    events.append({"type": "response.output_text.done", **at, "text": SAID, "logprobs": []})
    events.append({"type": "response.content_part.done", **at, "part": {**part, "text": SAID, "annotations": entries}})
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item(SAID, entries)})
    events.append({"type": "response.completed", "response": whole})
    numbered = [{**e, "sequence_number": n} for n, e in enumerate(events)]
    return b"".join(f"event: {e['type']}\ndata: ".encode() + json.dumps(e).encode() + b"\n\n" for e in numbered)


def lists(tree: Any) -> list[list[dict[str, Any]]]:
    """Every list of citations of an answer, and each that stands alone."""
    if isinstance(tree, list):
        return [found for inner in tree for found in lists(inner)]
    if not isinstance(tree, dict):
        return []
    own = [tree["annotations"]] if tree.get("annotations") else []
    alone = [[tree["annotation"]]] if "annotation" in tree else []
    return [*own, *alone, *(found for key, inner in tree.items() if key != "annotations" for found in lists(inner))]


def spots(entry: dict[str, Any]) -> tuple[int, int]:
    inner = entry.get("url_citation", entry)
    assert inner["url"] == URL and inner["title"] == "Site"
    return inner["start_index"], inner["end_index"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("to", ["chat", "responses"])
@pytest.mark.parametrize("name", ["chat", "responses"])
def test_places_are_those_of_the_restored_text(name: str, to: str, stream: bool) -> None:
    raw = answer(name, to, host(to, stream=stream), stream=stream, unveiler=unveiler())
    if stream:
        trees = [json.loads(line[6:]) for line in raw.decode().splitlines() if line.startswith("data: {")]
        if name == "responses":
            for tree in trees:
                TypeAdapter(ResponseStreamEvent).validate_python(tree)
    else:
        trees = [json.loads(raw)]
        (ChatCompletion if name == "chat" else Response).model_validate(trees[0])
    assert SHOWN in json.dumps(trees, ensure_ascii=False) or name == "chat"
    found = lists(trees)
    wanted = places(SHOWN)
    seen = [[spots(e) for e in entries] for entries in found]
    if name == "responses" and stream:
        assert seen == [*([w] for w in wanted), wanted, wanted, wanted], (
            "added one by one, then with the part, the item and the response"
        )
    else:
        assert [s for entries in seen for s in entries] == wanted
    assert all(SHOWN[a:b] == LINK for a, b in wanted[:2])


def test_nothing_is_touched_where_nothing_was_veiled() -> None:
    for to in ("chat", "responses"):
        for stream in (True, False):
            data = host(to, stream=stream)
            assert answer(to, to, data, stream=stream) == data


def test_a_messages_client_is_not_shown_what_it_cannot_read() -> None:
    for to in ("chat", "responses"):
        raw = answer("messages", to, host(to, stream=True), unveiler=unveiler()).decode()
        said = "".join(e["delta"].get("text", "") for e in (json.loads(x[6:]) for x in raw.splitlines() if x[:6] == "data: ") if "delta" in e)  # fmt: skip
        assert said == SHOWN and "citation" not in raw


def test_what_is_no_place_stays() -> None:
    odd = [
        {"type": "file_citation", "file_id": "f", "filename": "a", "index": 3},
        {"type": "url_citation", "start_index": "1", "url": URL},
    ]
    whole = response("completed", [item(SAID, odd)])
    tree = json.loads(answer("responses", "responses", json.dumps(whole).encode(), stream=False, unveiler=unveiler()))
    assert tree["output"][0]["content"][0]["annotations"] == odd and tree["output"][0]["content"][0]["text"] == SHOWN
    beyond = json.dumps(response("completed", [item(SAID, [flat(5, len(SAID) + 7)])])).encode()
    tree = json.loads(answer("responses", "responses", beyond, stream=False, unveiler=unveiler()))
    assert tree["output"][0]["content"][0]["annotations"][0]["end_index"] == len(SHOWN) + 7
