"""POST /v1/embeddings through the real model: shapes, refusals, and that it means something."""

from __future__ import annotations

import base64
import http.client
import json
import math
import struct
from typing import Any

import openai
import pytest
from conftest import BUSY_S, Daemon, call, newest, trace
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.errors import BadRequest, Unsupported
from localrouter.daemon import embeddings
from localrouter.daemon.embeddings import NoSuchEmbedder, groups, read
from localrouter.daemon.noting_embeddings import SCANNED
from localrouter.inspector.embedding import ROOM, windows


def post(daemon: Daemon, path: str = "/v1/embeddings", **tree: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        connection.request("POST", path, json.dumps(tree), {"authorization": f"Bearer {daemon.client}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def like(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_the_sdk_reads_it_in_both_encodings(daemon: Daemon) -> None:
    texts = ["a cat sleeps on the sofa", "a kitten naps on the couch", "the court dismissed the appeal"]
    before = len(daemon.host.record())
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        packed = client.embeddings.create(model="local:embed", input=texts)  # the SDK asks for base64
        plain = client.embeddings.create(model="all-MiniLM-L6-v2", input=texts[0], encoding_format="float")
        one = client.models.retrieve("local:embed")
    vectors = [d.embedding for d in packed.data]
    assert [d.index for d in packed.data] == [0, 1, 2] and all(len(v) == 384 for v in vectors)
    assert all(math.isclose(like(v, v), 1.0, abs_tol=1e-5) for v in vectors)
    assert like(vectors[0], vectors[1]) > 0.5 > 0.2 > like(vectors[0], vectors[2])
    assert plain.data[0].embedding == pytest.approx(vectors[0], abs=1e-3) and plain.model == "local:embed"
    assert 10 < packed.usage.prompt_tokens == packed.usage.total_tokens < 30
    assert one.id == "local:embed" and len(daemon.host.record()) == before, "no host was asked"


def test_base64_is_little_endian_floats(daemon: Daemon) -> None:
    status, tree = post(daemon, path="/embeddings", model="local:embed", input=["hello"], encoding_format="base64")
    raw = base64.b64decode(tree["data"][0]["embedding"])
    vector = struct.unpack("<384f", raw)
    assert status == 200 and math.isclose(like(list(vector), list(vector)), 1.0, abs_tol=1e-5)


def test_a_text_longer_than_the_window_is_read_to_its_end(daemon: Daemon) -> None:
    cats, law = "a cat sleeps on the sofa. " * 60, "the court dismissed the appeal. " * 60
    status, tree = post(
        daemon, model="local:embed", input=[cats + law, cats, law, "a cat sleeps", "the court dismissed the appeal"]
    )
    assert status == 200
    both, one, other, cat, court = (d["embedding"] for d in tree["data"])
    assert math.isclose(like(both, both), 1.0, abs_tol=1e-4)
    # What stands behind the window counts too.
    assert like(both, court) > like(one, court) + 0.1 and like(both, cat) > like(other, cat) + 0.1
    assert tree["usage"]["prompt_tokens"] > 1200


def test_word_pieces_are_read_like_the_text(daemon: Daemon) -> None:
    pieces = [101, 7592, 2088, 102]  # BERT's uncased vocabulary: [CLS] hello world [SEP]
    _, text = post(daemon, model="local:embed", input="hello world")
    for sent in (pieces, [pieces]):
        status, tree = post(daemon, model="local:embed", input=sent)
        assert status == 200 and tree["data"][0]["embedding"] == pytest.approx(text["data"][0]["embedding"], abs=1e-6)
        assert tree["usage"] == text["usage"]
    status, tree = post(daemon, model="local:embed", input=[[101, *[7592, 2088] * 300, 102], "hello world " * 300])
    one, other = (d["embedding"] for d in tree["data"])
    assert like(one, other) > 0.99, "what is longer than the window is read to its end"


def test_it_is_a_request_and_leaves_a_trace(daemon: Daemon) -> None:
    mail = "wanda.embedded@quellmann.org"
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        raw = client.embeddings.with_raw_response.create(model="local:embed", input=[f"write to {mail}", "x" * 9000])
    record = trace(daemon, raw.headers["x-localrouter-id"])
    assert (record["lane"], record["model"], record["cost_micro"], record["outcome"]) == ("local", "local:embed", 0, "done")
    assert record["findings"]["EMAIL"] == 1 and record["data_class"] == "personal" and record["left_machine"] == []
    assert record["usage"]["input"] == raw.parse().usage.prompt_tokens and "Made vectors of 2 texts" in record["explain"]
    assert f"{SCANNED} were scanned" in record["explain"], "a bulk of texts is not scanned to its end"
    assert mail not in json.dumps(record)
    assert newest(daemon)["id"] == record["id"] and call(daemon, "/control/verify")[1]["ok"]


@pytest.mark.parametrize("model", ["text-embedding-3-small", "nomic-embed-text", "local:chat", "gpt-5", ""])
def test_no_other_models_name_is_taken(daemon: Daemon, model: str) -> None:
    status, tree = post(daemon, model=model, input="x")
    assert status == 404 and tree["error"]["code"] == "model_not_found" and "local:embed" in tree["error"]["message"]


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, BadRequest, "model"),
    ({"model": 1, "input": "x"}, BadRequest, "model"),
    ({"model": "local:embed"}, BadRequest, "input"),
    ({"model": "local:embed", "input": []}, BadRequest, "input"),
    ({"model": "local:embed", "input": ""}, BadRequest, "input[0]"),
    ({"model": "local:embed", "input": ["a", ""]}, BadRequest, "input[1]"),
    ({"model": "local:embed", "input": ["a", None]}, BadRequest, "input[1]"),
    ({"model": "local:embed", "input": [["a"]]}, BadRequest, "input[0]"),
    ({"model": "local:embed", "input": [True]}, BadRequest, "input[0]"),
    ({"model": "local:embed", "input": [15339, 1917]}, Unsupported, "input"),
    ({"model": "local:embed", "input": [[15339], [1917]]}, Unsupported, "input"),
    ({"model": "local:embed", "input": [[101, 30522, 102]]}, Unsupported, "input"),
    ({"model": "local:embed", "input": [[101, -1, 102]]}, Unsupported, "input"),
    ({"model": "local:embed", "input": [101, 102]}, Unsupported, "input"),
    ({"model": "local:embed", "input": [101, True, 102]}, BadRequest, "input[0]"),
    ({"model": "local:embed", "input": ["x"] * 2049}, BadRequest, "input"),
    ({"model": "local:embed", "input": "x" * (2 * 1024 * 1024 + 1)}, BadRequest, "input"),
    ({"model": "local:embed", "input": "x", "encoding_format": "hex"}, BadRequest, "encoding_format"),
    ({"model": "local:embed", "input": "x", "encoding_format": []}, BadRequest, "encoding_format"),
    ({"model": "local:embed", "input": "x", "dimensions": 256}, BadRequest, "dimensions"),
    ({"model": "local:embed", "input": "x", "dimensions": True}, BadRequest, "dimensions"),
    ({"model": "other", "input": "x"}, NoSuchEmbedder, "model"),
]


@pytest.mark.parametrize(("tree", "kind", "field"), REFUSED)
def test_refusals_name_the_field(tree: dict[str, Any], kind: type[Exception], field: str) -> None:
    with pytest.raises(kind) as caught:
        read(json.dumps(tree).encode())
    assert caught.value.param == field  # type: ignore[attr-defined]  # a RouterError


def test_what_is_accepted() -> None:
    assert read(b'{"model":"Local:Embed","input":"x","dimensions":384,"user":"u","more":1}') == (["x"], False)
    assert read(b'{"model":"all-minilm","input":["x","y"],"encoding_format":"base64"}') == (["x", "y"], True)


@given(st.lists(st.text(min_size=1, max_size=60), max_size=100))
def test_groups_lose_nothing(texts: list[str]) -> None:
    made = list(groups(texts))
    assert [t for g in made for t in g] == texts and all(0 < len(g) <= embeddings.GROUP for g in made)


def pieces(text: str) -> int:
    """A counter like the embedder's: three pieces a character at most, two that frame the text, and no more than the window."""
    return min(256, 2 + sum(1 if c.isascii() else 3 for c in text if not c.isspace()))


@given(st.text(alphabet="ab \n한é", max_size=1500))
def test_windows_lose_nothing_and_fit(text: str) -> None:
    parts = windows(text, pieces)
    assert "".join(p for p, _ in parts) == text
    assert all(pieces(p) - 2 <= ROOM for p, _ in parts)
