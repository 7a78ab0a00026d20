"""POST /v1/rerank through the real model: it ranks, in the shapes that clients read, and refusals name the field."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from conftest import BUSY_S, Daemon, trace
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.errors import BadRequest
from localrouter.daemon.embeddings import NoSuchEmbedder
from localrouter.daemon.rerank import PASSAGE, passages, read

DOCUMENTS = ["The court dismissed the appeal.", "A kitten naps on the couch.", "Interest rates rose again in May."]


def post(daemon: Daemon, path: str = "/v1/rerank", **tree: Any) -> tuple[int, Any, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        connection.request("POST", path, json.dumps(tree), {"authorization": f"Bearer {daemon.client}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), dict(answer.getheaders())
    finally:
        connection.close()


def test_the_best_comes_first(daemon: Daemon) -> None:
    before = len(daemon.host.record())
    status, tree, head = post(daemon, query="a sleeping cat", documents=DOCUMENTS)
    assert status == 200 and next(r["index"] for r in tree["results"]) == 1 and len(tree["results"]) == 3
    scores = [r["relevance_score"] for r in tree["results"]]
    assert scores == sorted(scores, reverse=True) and 1 >= scores[0] > 0.3 > scores[1] >= -1
    assert tree["usage"]["total_tokens"] > 15 and tree["model"] == "local:rerank" and "document" not in tree["results"][0]
    assert head["x-localrouter-lane"] == "local" and len(daemon.host.record()) == before, "no host was asked"
    record = trace(daemon, tree["id"])
    assert record["dialect"] == "jina_rerank" and "Ranked 4 texts" in record["explain"] and record["left_machine"] == []


def test_what_is_deep_in_a_long_document_counts(daemon: Daemon) -> None:
    long = "Interest rates rose again. " * 80 + DOCUMENTS[1] + " The bank said nothing." * 80
    _, tree, _ = post(daemon, path="/v2/rerank", query="a sleeping cat", documents=[DOCUMENTS[0], {"text": long}], top_n=1)
    assert [r["index"] for r in tree["results"]] == [1] and tree["results"][0]["relevance_score"] > 0.2


def test_texts_come_back_when_asked_for(daemon: Daemon) -> None:
    _, tree, _ = post(daemon, query="law", documents=DOCUMENTS, top_n=2, return_documents=True)
    assert next(r["document"]["text"] for r in tree["results"]) == DOCUMENTS[0] and len(tree["results"]) == 2


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"documents": ["a"]}, BadRequest, "query"),
    ({"query": " ", "documents": ["a"]}, BadRequest, "query"),
    ({"query": "q"}, BadRequest, "documents"),
    ({"query": "q", "documents": []}, BadRequest, "documents"),
    ({"query": "q", "documents": ["a"] * 1001}, BadRequest, "documents"),
    ({"query": "q", "documents": ["a", 1]}, BadRequest, "documents[1]"),
    ({"query": "q", "documents": [{"body": "a"}]}, BadRequest, "documents[0]"),
    ({"query": "q", "documents": ["a"], "top_n": 0}, BadRequest, "top_n"),
    ({"query": "q", "documents": ["a"], "top_n": True}, BadRequest, "top_n"),
    ({"query": "q", "documents": ["a"], "return_documents": 1}, BadRequest, "return_documents"),
    ({"query": "q", "documents": ["x" * (2 * 1024 * 1024 + 1)]}, BadRequest, "documents"),
    ({"query": "q", "documents": ["a"], "model": "rerank-v3.5"}, NoSuchEmbedder, "model"),
]


@pytest.mark.parametrize(("tree", "kind", "field"), REFUSED)
def test_refusals_name_the_field(tree: dict[str, Any], kind: type[Exception], field: str) -> None:
    with pytest.raises(kind) as caught:
        read(json.dumps(tree).encode())
    assert caught.value.param == field  # type: ignore[attr-defined]  # a RouterError


@given(st.text(alphabet="ab \n", max_size=5 * PASSAGE))
def test_passages_lose_nothing(text: str) -> None:
    parts = list(passages(text))
    assert "".join(parts) == text and all(len(p) <= PASSAGE for p in parts)
