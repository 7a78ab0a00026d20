"""The three official SDKs behind one set of verbs, so that one test can be said in each dialect. Every stream goes through `legal`."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import legal
import openai
from legal import Got

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""One pixel."""

Spec = tuple[str, dict[str, Any]]
TEXT = {"type": "string"}
WRITE: Spec = ("write_file", {"type": "object", "properties": {"path": TEXT, "content": TEXT}, "required": ["path", "content"]})
READ: Spec = ("read_file", {"type": "object", "properties": {"path": TEXT}, "required": ["path"]})
LIST: Spec = ("list_files", {"type": "object", "properties": {}})


class Driver:
    """A conversation in one dialect. `user`, `run` (its answer is remembered as the client would send it back), `results`."""

    NAME = ""
    sdk: Any = openai

    def __init__(self, base: str, token: str, **options: Any) -> None:
        self.items: list[Any] = []
        self.system = ""
        self.headers: dict[str, str] = {}
        self.client = self._client(base, token, {"max_retries": 0, **options})

    def _client(self, base: str, token: str, options: dict[str, Any]) -> Any:
        return openai.OpenAI(base_url=base, api_key=token, **options)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        self.client.close()

    def user(self, text: str, image: str = "") -> Any:
        self.items.append({"role": "user", "content": self._content(text, image) if image else text})
        return self

    def _content(self, text: str, image: str) -> list[Any]:
        raise NotImplementedError

    def body(self, model: str, tools: tuple[Spec, ...], **more: Any) -> dict[str, Any]:
        raise NotImplementedError

    def send(self, body: dict[str, Any], stream: bool) -> tuple[Got, Any]:
        raise NotImplementedError

    def remember(self, got: Got) -> None:
        self.items.append(got.turn)

    def run(self, model: str, *, stream: bool = False, tools: tuple[Spec, ...] = (), **more: Any) -> Got:
        """One request. `schema`, `effort`, `limit`, `choice` ("any", "none" or a tool's name), `single`: as the dialect says them."""
        got, headers = self.send(self.body(model, tools, **more), stream)
        got.id = headers["x-localrouter-id"]
        self.remember(got)
        return got


class Chat(Driver):
    NAME = "chat"

    def _content(self, text: str, image: str) -> list[Any]:
        url = {"url": f"data:image/png;base64,{image}"}
        return [{"type": "text", "text": text}, {"type": "image_url", "image_url": url}]

    def results(self, said: list[tuple[str, str]]) -> None:
        self.items += [{"role": "tool", "tool_call_id": i, "content": text} for i, text in said]

    def body(self, model: str, tools: tuple[Spec, ...], **more: Any) -> dict[str, Any]:
        head = [{"role": "system", "content": self.system}] if self.system else []
        out: dict[str, Any] = {"model": model, "messages": [*head, *self.items]}
        if tools:
            out["tools"] = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in tools]
        choice = more.get("choice")
        if choice:
            words = {"any": "required", "none": "none"}
            out["tool_choice"] = words.get(choice) or {"type": "function", "function": {"name": choice}}
        if more.get("single"):
            out["parallel_tool_calls"] = False
        if more.get("schema"):
            form = {"name": "answer", "schema": more["schema"], "strict": True}
            out["response_format"] = {"type": "json_schema", "json_schema": form}
        if more.get("effort"):
            out["reasoning_effort"] = more["effort"]
        if more.get("limit"):
            out["max_completion_tokens"] = more["limit"]
        return out

    def send(self, body: dict[str, Any], stream: bool) -> tuple[Got, Any]:
        make = self.client.chat.completions.with_raw_response.create
        if stream:
            raw = make(**body, stream=True, stream_options={"include_usage": True}, extra_headers=self.headers)
            return legal.chat([c.model_dump(mode="json") for c in raw.parse()], usage=True, done=False), raw.headers
        raw = make(**body, extra_headers=self.headers)
        tree = raw.parse()
        message = tree.choices[0].message
        calls = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or ()]
        usage = tree.usage
        got = Got(
            text=(message.content or "") + (message.refusal or ""),
            thought=getattr(message, "reasoning_content", None) or "",
            calls=calls,
            finish=tree.choices[0].finish_reason,
            prompt=usage.prompt_tokens,
            output=usage.completion_tokens,
            model=tree.model,
        )
        got.turn = legal.chat_turn(got)
        return got, raw.headers


class Responses(Driver):
    NAME = "responses"

    def _content(self, text: str, image: str) -> list[Any]:
        return [
            {"type": "input_text", "text": text},
            {"type": "input_image", "image_url": f"data:image/png;base64,{image}", "detail": "auto"},
        ]

    def results(self, said: list[tuple[str, str]]) -> None:
        self.items += [{"type": "function_call_output", "call_id": i, "output": text} for i, text in said]

    def remember(self, got: Got) -> None:
        self.items += got.turn or []

    def body(self, model: str, tools: tuple[Spec, ...], **more: Any) -> dict[str, Any]:
        out: dict[str, Any] = {"model": model, "input": list(self.items), "store": False}
        if self.system:
            out["instructions"] = self.system
        if tools:
            out["tools"] = [{"type": "function", "name": n, "parameters": s, "strict": False} for n, s in tools]
        choice = more.get("choice")
        if choice:
            words = {"any": "required", "none": "none"}
            out["tool_choice"] = words.get(choice) or {"type": "function", "name": choice}
        if more.get("single"):
            out["parallel_tool_calls"] = False
        if more.get("schema"):
            out["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": more["schema"], "strict": True}}
        if more.get("effort"):
            out["reasoning"] = {"effort": more["effort"], "summary": "auto"}
            out["include"] = ["reasoning.encrypted_content"]
        if more.get("limit"):
            out["max_output_tokens"] = more["limit"]
        return out

    def send(self, body: dict[str, Any], stream: bool) -> tuple[Got, Any]:
        make = self.client.responses.with_raw_response.create
        if stream:
            raw = make(**body, stream=True, extra_headers=self.headers)
            return legal.responses([e.model_dump(mode="json", exclude_unset=True) for e in raw.parse()]), raw.headers
        raw = make(**body, extra_headers=self.headers)
        tree = raw.parse().model_dump(mode="json", exclude_unset=True)
        return legal.response_got(tree, Got()), raw.headers


class Messages(Driver):
    NAME = "messages"
    sdk = anthropic

    def _client(self, base: str, token: str, options: dict[str, Any]) -> Any:
        return anthropic.Anthropic(base_url=base.removesuffix("/v1"), api_key=token, **options)

    def _content(self, text: str, image: str) -> list[Any]:
        source = {"type": "base64", "media_type": "image/png", "data": image}
        return [{"type": "image", "source": source}, {"type": "text", "text": text}]

    def results(self, said: list[tuple[str, str]]) -> None:
        self.items.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": i, "content": t} for i, t in said]})

    def body(self, model: str, tools: tuple[Spec, ...], **more: Any) -> dict[str, Any]:
        out: dict[str, Any] = {"model": model, "messages": list(self.items), "max_tokens": more.get("limit") or 2000}
        if self.system:
            out["system"] = self.system
        if tools:
            out["tools"] = [{"name": n, "input_schema": s} for n, s in tools]
        choice = more.get("choice")
        if choice:
            out["tool_choice"] = {"type": choice} if choice in ("any", "none") else {"type": "tool", "name": choice}
        if more.get("single"):
            out["tool_choice"] = {"type": "auto", **out.get("tool_choice", {}), "disable_parallel_tool_use": True}
        if more.get("schema"):
            out["output_config"] = {"format": {"type": "json_schema", "schema": more["schema"]}}
        if more.get("effort"):
            out["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        return out

    def send(self, body: dict[str, Any], stream: bool) -> tuple[Got, Any]:
        make = self.client.messages.with_raw_response.create
        if stream:
            raw = make(**body, stream=True, extra_headers=self.headers)
            return legal.messages([e.model_dump(mode="json", exclude_unset=True) for e in raw.parse()]), raw.headers
        raw = make(**body, extra_headers=self.headers)
        tree = raw.parse().model_dump(mode="json", exclude_unset=True)
        assert tree["type"] == "message" and tree["role"] == "assistant"
        return legal.message_got(tree, Got()), raw.headers


DRIVERS: dict[str, type[Driver]] = {d.NAME: d for d in (Chat, Responses, Messages)}
SCHEMA = {
    "type": "object",
    "properties": {"who": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["who", "count"],
    "additionalProperties": False,
}


def arguments(got: Got, name: str) -> dict[str, Any]:
    """The arguments of the first call of this tool."""
    return dict(json.loads(next(a for _, n, a in got.calls if n == name)))
