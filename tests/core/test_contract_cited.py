"""Citations that APIs say beside the text: what is supplied, what is heard, and what is unfounded. Chunks are read by the wires themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localrouter.core.ask import Ask, Leaf, Needs
from localrouter.core.citations import Sources
from localrouter.core.cited import Citations, Supplied, supplied, unfounded
from localrouter.core.contract import Contract
from localrouter.core.judge import Said, judge
from localrouter.core.terms import terms
from localrouter.providers import all_wires

MILL = "The mill was built in 1871 by two brothers. It burnt down in 1902."
PLAIN = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": MILL}, "citations": {"enabled": True}}
BLOCKS = {
    "type": "document",
    "source": {"type": "content", "content": [{"type": "text", "text": t} for t in ("One. ", "Two. ", "Three. ")]},
}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
FOUND = {
    "type": "search_result",
    "source": "https://a.example/mill",
    "title": "A mill",
    "content": [{"type": "text", "text": MILL}],
}


def messages(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*blocks, {"type": "text", "text": "When was it built?"}]}]}


def faults(node: dict[str, Any], tree: dict[str, Any], *sources: str, brought: Supplied | None = None) -> list[str]:
    return [rule for rule, _ in unfounded([node], supplied(tree), brought or Supplied(), Sources(sources))]


def char(index: int, text: str) -> dict[str, Any]:
    return {
        "type": "char_location",
        "cited_text": text,
        "document_index": index,
        "start_char_index": 0,
        "end_char_index": len(text),
    }


def test_a_text_must_stand_in_the_document_that_is_named() -> None:
    tree = messages(PLAIN, BLOCKS)
    assert faults(char(0, "The mill was built in 1871 by two brothers. "), tree) == []
    assert faults(char(0, "The mill was built in 1901."), tree) == ["quote"]
    assert faults(char(1, "The mill was built in 1871"), tree) == ["quote"], "it stands in the other one"
    assert faults(char(2, "The mill"), tree) == ["document"]
    assert faults({"type": "char_location", "cited_text": "The mill"}, tree) == ["document"]


def test_the_blocks_that_are_named_must_hold_it() -> None:
    def at(first: int, end: int, text: str) -> list[str]:
        node = {"type": "content_block_location", "cited_text": text, "document_index": 1}
        return faults({**node, "start_block_index": first, "end_block_index": end}, messages(PLAIN, BLOCKS))

    assert at(0, 1, "One. ") == at(1, 3, "Two. Three. ") == []
    assert at(0, 1, "Two. ") == ["quote"]
    assert at(2, 2, "Three. ") == at(2, 4, "Three. ") == ["document"]


def test_a_document_that_cannot_be_read_has_to_have_pages() -> None:
    def page(first: Any, end: Any) -> list[str]:
        node = {"type": "page_location", "cited_text": "anything", "document_index": 0, "start_page_number": first}
        return faults({**node, "end_page_number": end}, messages(PDF))

    assert page(1, 2) == []
    assert page(2, 2) == page(0, 1) == page(None, 2) == ["document"]


def test_a_search_result_is_named_by_number_and_address() -> None:
    inside = {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [FOUND]}]}]}

    def at(source: str, text: str, index: int = 0) -> list[str]:
        node = {"type": "search_result_location", "source": source, "cited_text": text, "search_result_index": index}
        return faults({**node, "start_block_index": 0, "end_block_index": 1}, inside)

    assert at("https://a.example/mill", "It burnt down in 1902.") == []
    assert at("https://a.example/mill", "It burnt down in 1903.") == ["quote"]
    assert at("https://b.example/mill", "It burnt down in 1902.") == ["document"]
    assert at("https://a.example/mill", "It burnt down in 1902.", 1) == ["document"]


def test_where_another_api_asked_any_text_of_the_request_may_be_cited() -> None:
    tree = {"messages": [{"role": "user", "content": MILL}]}
    assert faults(char(0, "It burnt down in 1902."), tree, MILL) == []
    assert faults(char(0, "It burnt down in 1903."), tree, MILL) == ["quote"]


def test_files_are_known_by_id_or_name() -> None:
    tree = {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1", "filename": "a.txt"}]}]}
    assert faults({"type": "file_citation", "index": 0, "file_id": "file-1", "filename": "x.txt"}, tree) == []
    assert faults({"type": "file_citation", "index": 0, "file_id": "file-9", "filename": "a.txt"}, tree) == []
    assert faults({"type": "file_citation", "index": 0, "file_id": "file-9", "filename": "x.txt"}, tree) == ["file"]
    assert faults({"type": "container_file_citation", "file_id": "cfile_1"}, tree) == [], "the answer's own file is no source"
    assert faults({"type": "weather_citation", "url": "https://a.example"}, tree) == ["kind"], "what nobody can verify"


# --- as the hosts say them -------------------------------------------------------------------------


def read(wire: str, stream: bool, data: Any) -> Citations:
    """`data`: the events, or a whole answer."""
    reader, found = all_wires()[wire].Reader(stream), Citations()
    raw = b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in data) if stream else json.dumps(data).encode()
    for chunk in (*reader.feed(raw), *reader.end()):
        assert chunk.error is None
        found.hear(chunk)
    return found


def test_what_a_messages_host_cites_and_what_its_search_found() -> None:
    cited = [
        char(0, "The mill"),
        {"type": "web_search_result_location", "cited_text": "x", "url": "https://w.example/1", "title": "W"},
    ]
    result = {"type": "web_search_result", "url": "https://w.example/1", "title": "W", "encrypted_content": "E" * 8}
    search = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [result]}
    page = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "fetched"}}
    fetch = {
        "type": "web_fetch_tool_result",
        "tool_use_id": "f",
        "content": {"type": "web_fetch_result", "url": "https://w.example/2", "content": page},
    }
    text = {"type": "text", "text": "So it is.", "citations": cited}
    tree = {"type": "message", "role": "assistant", "content": [search, fetch, text], "stop_reason": "end_turn", "usage": {}}
    whole = read("anthropic_messages", False, tree)
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {"content": [], "usage": {}}}]
    for i, block in enumerate((search, fetch, {"type": "text", "text": ""})):
        events.append({"type": "content_block_start", "index": i, "content_block": block})
    events += [{"type": "content_block_delta", "index": 2, "delta": {"type": "citations_delta", "citation": c}} for c in cited]
    streamed = read("anthropic_messages", True, [*events, {"type": "message_stop"}])
    for found in (whole, streamed):
        assert found.of(0) == cited and found.of(1) == []
        assert found.brought.urls == {"https://w.example/1", "https://w.example/2"} and found.brought.documents == [("fetched",)]
        assert faults(cited[1], {}, brought=found.brought) == []
    assert faults({**cited[1], "url": "https://w.example/9"}, {}, brought=whole.brought) == ["url"]
    assert faults(cited[1], {}) == ["url"], "no search found it"


def test_annotations_of_responses_are_heard_once_and_so_is_what_its_search_found() -> None:
    url = {"type": "url_citation", "start_index": 0, "end_index": 4, "url": "https://w.example/1", "title": "W"}
    file = {"type": "file_citation", "index": 3, "file_id": "file-1", "filename": "a.txt"}
    part = {"type": "output_text", "text": "Here", "annotations": [url, file]}
    item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
    search = {
        "type": "web_search_call",
        "id": "w",
        "action": {"type": "search", "sources": [{"type": "url", "url": "https://w.example/1"}]},
    }
    files = {"type": "file_search_call", "id": "f", "results": [{"file_id": "file-1", "filename": "a.txt", "text": "x"}]}
    response = {"status": "completed", "output": [search, files, item]}
    at = {"output_index": 2, "content_index": 0}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": search},
        {"type": "response.output_text.delta", **at, "delta": "Here"},
        *({"type": "response.output_text.annotation.added", **at, "annotation": a} for a in (url, file)),
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 2, "item": item},
        {"type": "response.completed", "response": response},
    ]
    for found in (read("openai_responses", False, response), read("openai_responses", True, events)):
        assert found.of(0) == [url, file]
        assert faults(url, {}, brought=found.brought) == faults(file, {}, brought=found.brought) == []
    assert faults(url, {}) == ["url"] and faults(url, {}, "see https://w.example/1.") == []
    assert faults(url, {}, "see https://w.example/10") == ["url"]


def test_annotations_of_chat_completions_are_heard() -> None:
    url = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 4, "url": "https://w.example/1", "title": "W"}}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Here", "annotations": [url]}, "finish_reason": "stop"}
    found = read(
        "openai_chat", False, {"choices": [choice, {**choice, "index": 1, "message": {"role": "assistant", "content": "x"}}]}
    )
    assert found.of(0) == [url] and found.of(1) == []
    assert faults(url, {}) == ["url"] and faults(url, {}, "<https://w.example/1>") == []


@pytest.mark.parametrize("quote", ["two brothers", "three sisters"])
def test_the_judge_holds_an_answer_to_them(quote: str) -> None:
    tree = messages(PLAIN)
    leaf = Leaf(("messages", 0, "content", 0, "source", "data"), MILL, "user")
    found = terms(Ask("anthropic_messages", tree, (leaf,), "m", Needs(), None, 1, 1), Contract(citations="verify"), {})
    assert found is not None
    verdict = judge(found, [Said("In 1871.", cited=[char(0, f"The mill was built in 1871 by {quote}.")])], "h/m")
    if quote == "two brothers":
        assert verdict.error is None and verdict.checks == (("citations", True),)
    else:
        assert verdict.error is not None and verdict.rules == ("quote",)
        assert quote not in verdict.complaint + verdict.error.text, "nothing is quoted"
