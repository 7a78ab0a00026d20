"""The published document against the running daemon: Schemathesis makes requests from it, right ones and wrong ones.

No answer is a 500, every 2xx is parsed by the type of the vendor's own SDK, and every error has the shape that the document says.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import struct
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
import schemathesis
from anthropic.types import Message, MessageTokensCount, RawMessageStreamEvent
from conftest import BUSY_S, Daemon
from hypothesis import HealthCheck, given, seed, settings
from openai import OpenAI
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import CompactedResponse, Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from localrouter.daemon.openapi import document
from localrouter.dialects import all_dialects


class ModelList(BaseModel):
    object: str
    data: list[Model]


DOCUMENT = document(all_dialects())
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


class Ranked(BaseModel):
    index: int
    relevance_score: float


class Ranking(BaseModel):
    """llama-server's and Jina's answer; no SDK of ours has a type for it."""

    id: str
    model: str
    results: list[Ranked]
    usage: dict[str, int]


class Infilled(BaseModel):
    """llama-server's answer, whole and as an event."""

    content: str
    stop: bool


WHOLE: dict[str, Any] = {
    "/v1/chat/completions": ChatCompletion,
    "/v1/responses": Response,
    "/v1/responses/compact": CompactedResponse,
    "/v1/messages": Message,
    "/v1/messages/count_tokens": MessageTokensCount,
    "/v1/embeddings": CreateEmbeddingResponse,
    "/v1/rerank": Ranking,
    "/v1/completions": Completion,
    "/infill": Infilled,
    "/v1/models": ModelList,
    "/v1/models/{model}": Model,
}
EVENT: dict[str, Any] = {
    "/v1/chat/completions": ChatCompletionChunk,
    "/v1/completions": Completion,
    "/infill": Infilled,
    "/v1/responses": ResponseStreamEvent,
    "/v1/messages": RawMessageStreamEvent,
}
_DATA = re.compile(r"^data: ?(.*)$", re.M)


def test_the_document_is_openapi_and_names_every_dialect() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert set(DOCUMENT["paths"]) == set(WHOLE)
    for dialect in all_dialects():
        for method, path in (*dialect.ROUTES, *getattr(dialect, "COUNT", ())):
            assert not path.startswith("/v1") or method.lower() in DOCUMENT["paths"][path]


def test_every_model_of_the_list_is_found_by_its_name(daemon: Daemon) -> None:
    """Names hold slashes; the SDK writes them as %2F."""
    with OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        listed = [model.id for model in client.models.list()]
        assert any("/" in name for name in listed)
        assert [client.models.retrieve(name).id for name in listed] == listed


def test_it_is_served_to_who_has_the_token(daemon: Daemon) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    connection.request("GET", "/openapi.json")
    refused = connection.getresponse()
    refused.read()
    connection.request("GET", "/openapi.json", headers={"authorization": f"Bearer {daemon.client}"})
    served = connection.getresponse()
    assert refused.status == 401 and json.loads(served.read())["paths"] == DOCUMENT["paths"]
    connection.close()


def unframed(case: Any) -> str:
    """The path of a generated request; without its last part where the framing refuses that before any route (tests/security/test_framing.py)."""
    path: str = case.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace("{" + name + "}", quote(str(value), safe="%"))  # Schemathesis has quoted it once
    return case.path.split("{")[0].rsplit("/", 1)[0] if re.search(r"%(5c|00|0a|0d|2e)", path, re.I) else path


def send(daemon: Daemon, case: Any, method: str) -> tuple[int, str, bytes]:
    """(status, content type, body) of a generated request."""
    path = unframed(case)
    body = b""
    if not isinstance(case.body, NotSet):
        body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        headers = {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"}
        connection.request(method.upper(), path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()
    finally:
        connection.close()


def check(path: str, method: str, status: int, kind: str, raw: bytes) -> None:
    """Raises AssertionError, ValidationError (pydantic) or ValidationError (jsonschema_rs)."""
    assert status != 500, raw[:300]
    if status >= 400:
        responses = DOCUMENT["paths"][path][method]["responses"]
        schema = responses["4XX" if status < 500 else "5XX"]["content"]["application/json"]["schema"]
        jsonschema_rs.validate(schema, json.loads(raw))
        return
    if kind == "text/event-stream":
        adapter: Any = TypeAdapter(EVENT[path])
        events = [d for d in _DATA.findall(raw.decode()) if d != "[DONE]"]
        assert events
        for data in events:
            tree = json.loads(data)
            if "error" not in tree or tree.get("type") in ("response.created", "response.in_progress", "response.completed"):
                adapter.validate_python(tree)
    else:
        tree = json.loads(raw)
        for row in tree["data"] if path == "/v1/embeddings" else ():
            if isinstance(row["embedding"], str):  # the SDK decodes base64 before its type is made
                row["embedding"] = list(struct.unpack("<384f", base64.b64decode(row["embedding"])))
        TypeAdapter(WHOLE[path]).validate_python(tree)


def run(daemon: Daemon, path: str, method: str, mode: GenerationMode, examples: int) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    strategy = schema[path][method.upper()].as_strategy(generation_mode=mode)

    @seed(1)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def each(case: Any) -> None:
        sent = unframed(case)
        check(sent if sent in WHOLE else path, method, *send(daemon, case, method))

    each()


POSTS = [o for o in OPERATIONS if o[1] == "post"]
CASES = [(*o, GenerationMode.POSITIVE) for o in OPERATIONS] + [(*o, GenerationMode.NEGATIVE) for o in POSTS]


@pytest.mark.parametrize(("path", "method", "mode"), CASES)
def test_requests_made_from_the_document(daemon: Daemon, path: str, method: str, mode: GenerationMode) -> None:
    run(daemon, path, method, mode, examples=12)


@pytest.mark.long
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method"), POSTS)
def test_many_requests_made_from_the_document(daemon: Daemon, path: str, method: str, mode: GenerationMode) -> None:
    run(daemon, path, method, mode, examples=500)
