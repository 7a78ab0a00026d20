"""GET /openapi.json: what this daemon serves, as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), made from the registry of dialects.

A dialect's paths, its stream and its errors come from its file; a new dialect is in the document without a line here. The request schemas name
the fields that localrouter itself reads or requires and allow every other: the vendors' own documents say what those mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localrouter import __version__
from localrouter.daemon import embeddings, rerank
from localrouter.daemon.surface import Call, Route, send_json
from localrouter.dialects import Dialect

_TEXT = {"type": "string"}
_FLAG = {"type": ["boolean", "null"]}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {"type": "object", "properties": properties}
    return tree | ({"required": list(required)} if required else {})


def _list(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items} | ({"minItems": least} if least else {})


_MODEL = {"type": "string", "description": "`localrouter/auto` leaves the choice to the recipe; GET /v1/models lists the others."}
_CONTENT = {"anyOf": [_TEXT, _list(_object(("type", "text"), type={"const": "text"}, text=_TEXT))]}


def _limit(least: int = 1) -> dict[str, Any]:
    return {"type": ["integer", "null"], "minimum": least, "maximum": 10_000_000}


_TOOLS = _list(_object())
REQUESTS: dict[str, dict[str, Any]] = {
    "openai_chat": _object(
        ("messages",),
        model=_MODEL,
        messages=_list(
            _object(("role", "content"), role={"enum": ["system", "developer", "user", "assistant"]}, content=_CONTENT), least=1
        ),
        stream=_FLAG,
        max_tokens=_limit(),
        max_completion_tokens=_limit(),
        tools=_TOOLS,
    ),
    "openai_responses": _object(
        ("input",),
        model=_MODEL,
        input={
            "anyOf": [
                _TEXT,
                _list(_object(("role", "content"), role={"enum": ["system", "developer", "user"]}, content=_TEXT), 1),
            ]
        },
        instructions={"type": ["string", "null"]},
        stream=_FLAG,
        store=_FLAG,
        previous_response_id={"type": ["string", "null"], "maxLength": 128},
        max_output_tokens=_limit(),
        tools=_TOOLS,
    ),
    "anthropic_messages": _object(
        ("messages", "max_tokens"),
        model=_MODEL,
        messages=_list(_object(("role", "content"), role={"enum": ["user", "assistant"]}, content=_CONTENT), least=1),
        system=_CONTENT,
        stream=_FLAG,
        max_tokens={"type": "integer", "minimum": 1, "maximum": 10_000_000},
        tools=_TOOLS,
    ),
}
"""What each shipped dialect requires. A dialect that is not here is said to take an object."""

_OPENAI_ERROR = _object(
    ("error",),
    error=_object(
        ("message", "type", "param", "code"),
        message=_TEXT,
        type=_TEXT,
        param={"type": ["string", "null"]},
        code={"type": ["string", "null"]},
    ),
)
_ANTHROPIC_ERROR = _object(
    ("type", "error"),
    type={"const": "error"},
    error=_object(("type", "message"), type=_TEXT, message=_TEXT),
    request_id={"type": ["string", "null"]},
)
_EMBEDDINGS = _object(
    ("model", "input"),
    model={"enum": sorted(embeddings.NAMES)},
    input={
        "anyOf": [
            {"type": "string", "minLength": 1},
            _list({"type": "string", "minLength": 1}, 1) | {"maxItems": embeddings.INPUTS},
        ]
    },
    encoding_format={"enum": ["float", "base64"]},
    dimensions={"const": embeddings.WIDTH},
)

_RERANK = _object(
    ("query", "documents"),
    model={"enum": sorted(rerank.NAMES)},
    query={"type": "string", "minLength": 1, "pattern": "\\S"},
    documents=_list({"anyOf": [_TEXT, _object(("text",), text=_TEXT)]}, 1) | {"maxItems": rerank.DOCUMENTS},
    top_n={"type": "integer", "minimum": 1},
    return_documents={"type": "boolean"},
)
_COMPLETION = _object(
    ("prompt",),
    model={"type": "string", "description": "A model of this machine; `local:fim` without it."},
    prompt={"type": "string", "minLength": 1},
    suffix={"type": ["string", "null"]},
    max_tokens=_limit(),
    stream=_FLAG,
)
_INFILL = _object(
    ("input_prefix",),
    input_prefix={"type": "string", "minLength": 1},
    input_suffix=_TEXT,
    input_extra=_list(_object(("text",), filename=_TEXT, text=_TEXT)),
    prompt=_TEXT,
    n_predict=_limit(),
    stream=_FLAG,
)


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _error_of(dialect: Dialect | None) -> dict[str, Any]:
    return _ANTHROPIC_ERROR if dialect is not None and dialect.NAME == "anthropic_messages" else _OPENAI_ERROR


def _operation(summary: str, ok: dict[str, Any], error: dict[str, Any], body: dict[str, Any] | None = None) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "The answer.", "content": ok},
            "4XX": {"description": "What was asked cannot be done; the text says what to do.", "content": _json(error)},
            "5XX": {"description": "The host or this machine failed.", "content": _json(error)},
        },
    }
    if body is not None:
        tree["requestBody"] = {"required": True, "content": _json(body)}
    return tree


def document(dialects: Iterable[Dialect]) -> dict[str, Any]:
    """The whole document. Paths that are only another way to write one of these (base URLs of all habits) are left out."""
    paths: dict[str, dict[str, Any]] = {}
    for dialect in dialects:
        body = REQUESTS.get(dialect.NAME, _object())
        error = _error_of(dialect)
        for method, path in dialect.ROUTES:
            if path.startswith("/v1"):
                ok = _json(_object()) | {"text/event-stream": {"schema": _TEXT}}
                paths.setdefault(path, {})[method.lower()] = _operation(f"{dialect.NAME}: ask a model", ok, error, body)
        for method, path in getattr(dialect, "COUNT", ()):
            if path.startswith("/v1"):
                counted = {**body, "required": [r for r in body.get("required", ()) if r != "max_tokens"]}
                summary = (
                    f"{dialect.NAME}: count the tokens of a prompt, on this machine: a local model's own count, else an estimate"
                )
                paths.setdefault(path, {})[method.lower()] = _operation(summary, _json(_object()), error, counted)
    paths["/v1/embeddings"] = {"post": _operation("Embed texts, on this machine", _json(_object()), _OPENAI_ERROR, _EMBEDDINGS)}
    paths["/v1/rerank"] = {
        "post": _operation("Rank documents by a query, on this machine", _json(_object()), _OPENAI_ERROR, _RERANK)
    }
    stream = _json(_object()) | {"text/event-stream": {"schema": _TEXT}}
    for path, body in (("/v1/completions", _COMPLETION), ("/infill", _INFILL)):
        paths[path] = {"post": _operation("Fill in code, with a model of this machine", stream, _OPENAI_ERROR, body)}
    models = _operation("The models that may be asked", _json(_object()), _OPENAI_ERROR)
    one = _operation("One model", _json(_object()), _OPENAI_ERROR) | {
        "parameters": [
            {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
        ]
    }
    paths |= {"/v1/models": {"get": models}, "/v1/models/{model}": {"get": one}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "localrouter", "version": __version__, "summary": "A local-first LLM router."},
        "security": [{"bearer": []}],
        "paths": dict(sorted(paths.items())),
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


class OpenApi:
    """The handler; it needs the client token, as the surface it describes does."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._tree = document(dialects)

    def routes(self) -> list[Route]:
        return [Route("GET", "/openapi.json", "client", self.show)]

    async def show(self, call: Call) -> None:
        await send_json(call.send, 200, self._tree)
