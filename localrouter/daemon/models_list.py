"""GET /v1/models and /v1/models/{id}: one path, three personalities, told apart by the headers that each vendor's clients send.

OpenAI's list by default; Anthropic's with an `anthropic-version` header (its page of 20, `limit`, `after_id`, `before_id`); Gemini's with an
`x-goog-api-key` or under /v1beta. Items carry the fields from which real clients read the context length and what a model can do (notes on
clients, 6.4); nobody rejects one that it does not know. Claude Code shows only names with `claude` or `anthropic` in them, so its
personality also lists every other model under an alias that begins with `claude-`; `named` turns an alias back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localrouter.core.catalogue import Model
from localrouter.core.errors import BadRequest, NotFound
from localrouter.core.virtual import TITLES, refused
from localrouter.daemon import door, embeddings
from localrouter.daemon.services import Services
from localrouter.daemon.surface import Call, Route, send_json
from localrouter.dialects import Dialect

PAGE, PAGE_MAX = 20, 1000
"""Anthropic's API, "List models": the default and the most of one page."""
EPOCH = "1970-01-01T00:00:00Z"
"""Anthropic's API, `created_at`: "May be set to an epoch value if the release date is unknown."."""
LOCAL = "local:chat"
LOOK_S = 10.0
"""How long a list of the model files of this machine is good."""
_COUNT = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Offer:
    """One name that may be asked for. `context` and `output` in tokens, 0 where nobody knows."""

    id: str
    title: str
    owner: str
    context: int = 0
    output: int = 0
    tools: bool = False
    json_schema: bool = False
    vision: bool = False
    audio: bool = False
    reasoning: bool = False


def offers(s: Services) -> list[Offer]:
    """What this daemon answers chats with: the recipe's choice under its five names, the local model, the catalogue."""
    models = s.catalogue.models
    hosted = [_offer(m) for m in models.values()]
    local = None
    if s.local.available:
        local = Offer(
            LOCAL, s.local.name or LOCAL, "localrouter", s.local.context, s.local.context // 2, tools=True, json_schema=True
        )
    others = [
        Offer(name, s.local.title(name), "localrouter", context, context // 2, tools=True, json_schema=True)
        for name, context in s.local.targets.items()
        if s.local.chats(name)
    ]
    targets = _targets(s)
    reached: list[tuple[str, Offer]] = [(s.catalogue.zone(m), _offer(m)) for m in models.values() if m.id in targets]
    reached += [("machine", local)] if local else []
    return [*(_virtual(name, reached) for name in TITLES), *([local] if local else []), *others, *hosted]


def _offer(m: Model) -> Offer:
    return Offer(m.id, m.name, m.host, m.context, m.max_output, m.tools, m.json_schema, m.vision, m.audio, m.reasoning)


def _virtual(name: str, reached: Iterable[tuple[str, Offer]]) -> Offer:
    """What the targets that a name leaves over can do together: the capability gate finds the one that fits each request. Of a name that keeps
    private requests near, no more is promised than what those can have, where there is anything near."""
    many = list(reached)
    near = [offer for zone, offer in many if not refused(name, zone, "personal", keep_local=False)]
    left = near or ([] if name == "localrouter/local" else [offer for _, offer in many])

    def able(what: str) -> bool:
        return any(getattr(o, what) for o in left)

    return Offer(
        name,
        TITLES[name],
        "localrouter",
        max((o.context for o in left), default=0),
        max((o.output for o in left), default=0),
        *(able(what) for what in ("tools", "json_schema", "vision", "audio", "reasoning")),
    )


def _targets(s: Services) -> set[str]:
    """The ids of the hosted models that some route of the recipe names."""
    found: set[str] = set()
    for route in s.recipe.route:
        for target in route.try_:
            if target.endswith("/*"):
                found |= {m for m in s.catalogue.models if m.startswith(target[:-1])}
            elif (model := s.catalogue.find(target)) is not None:
                found.add(model.id)
    return found


# --- names -----------------------------------------------------------------------------------------


def _claude(name: str) -> bool:
    return "claude" in name or "anthropic" in name


def alias(offer: Offer) -> str:
    """`claude-` and the name in letters that such names have: `local:chat` of qwen3-8b.gguf is `claude-local-qwen3-8b`."""
    name = f"local-{offer.title}" if offer.id == LOCAL else offer.id
    return "claude-" + re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def named(s: Services, model: str) -> str:
    """The model that a name means: an alias's own, else the name itself."""
    if not model.startswith("claude-") or s.catalogue.find(model) is not None:
        return model
    return next((o.id for o in offers(s) if not _claude(o.id) and alias(o) == model), model)


def _anthropic_id(s: Services, offer: Offer) -> str:
    """The vendor's own name when exactly one host has it, as its clients write it."""
    if not _claude(offer.id):
        return alias(offer)
    own = s.catalogue.find(offer.title)
    return offer.title if own is not None and own.id == offer.id else offer.id


# --- personalities ---------------------------------------------------------------------------------


def personality(path: str, headers: Mapping[str, str]) -> str:
    """`anthropic`, `gemini` or `openai`."""
    if "anthropic-version" in headers:
        return "anthropic"
    return "gemini" if path.startswith("/v1beta") or "x-goog-api-key" in headers or "x-goog-api-client" in headers else "openai"


def _can(o: Offer) -> list[str]:
    words = {"tools": o.tools, "vision": o.vision, "audio": o.audio, "structured_outputs": o.json_schema, "thinking": o.reasoning}
    return ["completion", *(w for w, yes in words.items() if yes)]


def openai_item(o: Offer, created: int) -> dict[str, Any]:
    """OpenAI's four fields, and what clients of other servers look for."""
    item: dict[str, Any] = {"id": o.id, "object": "model", "created": created, "owned_by": o.owner, "name": o.title}
    parameters = ["max_tokens", "temperature", "top_p", "stop", "seed"]
    parameters += ["tools", "tool_choice"] if o.tools else []
    parameters += ["response_format", "structured_outputs"] if o.json_schema else []
    parameters += ["reasoning", "reasoning_effort"] if o.reasoning else []
    seen = ["text", *(["image"] if o.vision else []), *(["audio"] if o.audio else [])]
    item |= {
        "capabilities": _can(o),
        "supported_parameters": parameters,
        "architecture": {"input_modalities": seen, "output_modalities": ["text"]},
    }
    if o.context:
        item |= dict.fromkeys(("context_length", "context_window", "max_model_len", "max_input_tokens"), o.context)
        item["meta"] = {"n_ctx": o.context, "n_ctx_train": o.context}
    if o.output:
        item |= {"max_output_tokens": o.output}
    return item


def anthropic_item(o: Offer, name: str) -> dict[str, Any]:
    """Anthropic's API, "ModelInfo". Nothing is claimed that localrouter cannot pass on."""

    def able(*yes: bool) -> dict[str, Any]:
        return {"supported": any(yes)}

    own = _claude(o.id)
    levels = {level: able(o.reasoning) for level in ("low", "medium", "high", "xhigh", "max")}
    return {
        "type": "model",
        "id": name,
        "display_name": o.title if own else f"{o.title} ({o.id})",
        "created_at": EPOCH,
        "deprecated_at": None,
        "lifecycle": "active",
        "line": None,
        "retires_at": None,
        "max_input_tokens": o.context or None,
        "max_tokens": o.output or None,
        "capabilities": {
            "batch": able(False),
            "citations": able(own),
            "code_execution": able(False),
            "context_management": {
                "supported": own,
                "clear_thinking_20251015": able(own),
                "clear_tool_uses_20250919": able(own),
                "compact_20260112": able(False),
            },
            "effort": {"supported": o.reasoning, **levels},
            "image_input": able(o.vision),
            "pdf_input": able(own and o.vision),
            "server_tools": {"supported": False, "code_execution": able(False), "web_search": able(False)},
            "structured_outputs": able(o.json_schema),
            "thinking": {
                "supported": o.reasoning,
                "types": {
                    "adaptive": able(o.reasoning),
                    "between_tools": able(False),
                    "disabled": able(True),
                    "enabled": able(o.reasoning),
                },
            },
        },
    }


def gemini_item(o: Offer) -> dict[str, Any]:
    """Gemini's API, "Model". The methods are those of paths that answer here: none before a Gemini dialect is there."""
    item: dict[str, Any] = {"name": f"models/{o.id}", "baseModelId": o.id, "displayName": o.title, "version": "1"}
    if o.context:
        item["inputTokenLimit"] = o.context
    if o.output:
        item["outputTokenLimit"] = o.output
    return item | {"supportedGenerationMethods": []}


def _whole(query: Mapping[str, str], key: str, default: int, most: int) -> int:
    text = query.get(key, "")
    if not text:
        return default
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= most:
        raise BadRequest(f"'{key}' must be a whole number from 1 to {most}.", "Correct it.", param=key)
    return int(text)


def _page(items: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """Anthropic's pages: forwards from `after_id`, backwards from `before_id`."""
    limit = _whole(query, "limit", PAGE, PAGE_MAX)
    ids = [i["id"] for i in items]
    for key in ("after_id", "before_id"):
        if query.get(key) and query[key] not in ids:
            raise BadRequest(f"'{key}' names no model of this list.", "Use an id that an earlier page had.", param=key)
    if query.get("before_id"):
        items = items[: ids.index(query["before_id"])]
        data, more = items[-limit:], len(items) > limit
    else:
        start = ids.index(query["after_id"]) + 1 if query.get("after_id") else 0
        data, more = items[start : start + limit], len(items) > start + limit
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "has_more": more, "first_id": first, "last_id": last}


class ModelsList:
    """The handlers."""

    def __init__(self, services: Services, dialects: Iterable[Dialect]) -> None:
        self.s = services
        self._anthropic = next((d for d in dialects if d.NAME == "anthropic_messages"), None)

    def routes(self) -> list[Route]:
        paths = ("/v1/models", "/v1/models/", "/v1beta/models", "/v1beta/models/")
        return [Route("GET", path, "client", self.models) for path in paths]

    def dialect_for(self, path: str, headers: Mapping[str, str]) -> Dialect | None:
        """In whose shape an error of the list is said."""
        return self._anthropic if personality(path, headers) == "anthropic" else None

    async def models(self, call: Call) -> None:
        kind = personality(call.path, door.headers_of(call.scope))
        await self.s.local.look(LOOK_S)
        tree: Any
        if kind == "anthropic":
            tree = self._anthropic_answer(call)
        elif kind == "gemini":
            tree = self._gemini_answer(call)
        else:
            items = [*(openai_item(o, int(self.s.started)) for o in offers(self.s)), embeddings.item()]
            tree = self._one(items, call.tail) if call.tail else {"object": "list", "data": items}
        await send_json(call.send, 200, tree)

    def _anthropic_answer(self, call: Call) -> dict[str, Any]:
        items = [anthropic_item(o, _anthropic_id(self.s, o)) for o in offers(self.s)]
        if not call.tail:
            return _page(items, call.query)
        # A listed id, or whatever else is accepted as a model's name.
        found = next((i for i in items if i["id"] == call.tail), None)
        if found is not None:
            return found
        wanted = self.s.catalogue.find(call.tail)
        offer = next((o for o in offers(self.s) if o.id in (call.tail, wanted.id if wanted else "")), None)
        if offer is None:
            raise self._missing(call.tail)
        return anthropic_item(offer, call.tail)

    def _gemini_answer(self, call: Call) -> dict[str, Any]:
        items = [gemini_item(o) for o in offers(self.s)]
        if call.tail:
            return self._one(items, call.tail, key="baseModelId")
        size = _whole(call.query, "pageSize", 1000, 1000)
        at = call.query.get("pageToken", "0")
        if not _COUNT.fullmatch(at):
            raise BadRequest("'pageToken' is none of this list.", "Use the one that the last page gave.", param="pageToken")
        tree: dict[str, Any] = {"models": items[int(at) : int(at) + size]}
        if int(at) + size < len(items):
            tree["nextPageToken"] = str(int(at) + size)
        return tree

    def _one(self, items: list[dict[str, Any]], name: str, key: str = "id") -> dict[str, Any]:
        model = self.s.catalogue.find(named(self.s, name))
        names = {name, named(self.s, name), *([model.id] if model is not None else [])}
        found = next((i for i in items if i[key] in names), None)
        if found is None:
            raise self._missing(name)
        return found

    @staticmethod
    def _missing(name: str) -> NotFound:
        return NotFound(f"There is no model {name[:100]!r}.", "GET /v1/models lists them.")
