"""What a host says on each wire: the events of a stream in their parts, a whole answer, and an error in the wire's own words.

Sources: OpenAI API reference ("The chat completion chunk object", Responses "Streaming events", "Error codes"), Anthropic API reference
("Streaming Messages", "Errors"). Every stream is `head` (no content yet), `said` (the words), `last` (the last word, and why it ended), then
`end` (what it used, and the event without which it is not complete).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, Protocol

Name = Literal["chat", "messages", "responses"]
Used = tuple[int, int]
"""Tokens of the prompt and of the answer."""
WORDS = ("one ", "two ", "three ")
LAST = "four."
TEXT = "".join(WORDS) + LAST
USED: Used = (11, 4)


class Wire(Protocol):
    """`used` None: the host says nothing of it."""

    config: str
    path: str

    def head(self, used: Used | None = USED) -> bytes: ...
    def said(self, words: Sequence[str] = WORDS) -> list[bytes]: ...
    def last(self, used: Used | None = USED) -> list[bytes]: ...
    def end(self, used: Sequence[Used] = (USED,)) -> list[bytes]: ...
    def saying(self, text: str) -> list[bytes]:
        """A whole stream that says this text, in one piece."""
        ...

    def calls(self, calls: Sequence[tuple[int, str]]) -> list[bytes]:
        """A whole stream that calls the tool `look`: (number, arguments as they stand) of each call."""
        ...

    def whole(self, used: Used | None = USED, arguments: str | None = None) -> dict[str, Any]: ...
    def error(self, kind: str, text: str) -> bytes:
        """The event that ends a stream with an error."""
        ...

    def fault(self, status: int, kind: str, text: str) -> dict[str, Any]:
        """The body of an answer that is an error."""
        ...


def event(tree: dict[str, Any], named: bool = True) -> bytes:
    name = f"event: {tree['type']}\n".encode() if named else b""
    return name + b"data: " + json.dumps(tree, ensure_ascii=False).encode() + b"\n\n"


class Chat:
    config, path = "openai_chat", "/chat/completions"
    done = b"data: [DONE]\n\n"

    def _event(self, choices: list[Any], **more: Any) -> bytes:
        return event(
            {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}, False
        )

    def _delta(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return self._event([{"index": 0, "delta": delta, "finish_reason": finish}])

    def head(self, used: Used | None = USED) -> bytes:
        return self._delta({"role": "assistant", "content": ""})

    def said(self, words: Sequence[str] = WORDS) -> list[bytes]:
        return [self._delta({"content": w}) for w in words]

    def last(self, used: Used | None = USED) -> list[bytes]:
        return [*self.said((LAST,)), self._delta({}, "stop")]

    def end(self, used: Sequence[Used] = (USED,)) -> list[bytes]:
        return [*(self._event([], usage=self._usage(u)) for u in used), self.done]

    def saying(self, text: str) -> list[bytes]:
        return [self.head(), *self.said((text,)), self._delta({}, "stop"), *self.end()]

    @staticmethod
    def _usage(used: Used) -> dict[str, int]:
        return {"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)}

    def calls(self, calls: Sequence[tuple[int, str]]) -> list[bytes]:
        out = [self.head()]
        for number, arguments in calls:
            first = {"index": number, "id": f"call_{number}", "type": "function", "function": {"name": "look", "arguments": ""}}
            out.append(self._delta({"tool_calls": [first]}))
            out.append(self._delta({"tool_calls": [{"index": number, "function": {"arguments": arguments}}]}))
        return [*out, self._delta({}, "tool_calls"), *self.end()]

    def whole(self, used: Used | None = USED, arguments: str | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": TEXT}
        if arguments is not None:
            call = {"id": "call_0", "type": "function", "function": {"name": "look", "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "stop" if arguments is None else "tool_calls"}
        tree = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        return tree | ({"usage": self._usage(used)} if used else {})

    def error(self, kind: str, text: str) -> bytes:
        return event({"error": {"message": text, "type": kind}}, False)

    def fault(self, status: int, kind: str, text: str) -> dict[str, Any]:
        return {"error": {"message": text, "type": "error", "code": "model_not_found" if status == 404 else None}}


class Messages:
    config, path = "anthropic_messages", "/messages"

    def head(self, used: Used | None = USED) -> bytes:
        message = self._message([], {"stop_reason": None}, {"input_tokens": used[0], "output_tokens": 1} if used else None)
        return event({"type": "message_start", "message": message}) + self._start(0, {"type": "text", "text": ""})

    @staticmethod
    def _message(content: list[Any], why: dict[str, Any], usage: dict[str, int] | None) -> dict[str, Any]:
        tree = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": content,
            "stop_sequence": None,
            **why,
        }
        return tree | ({"usage": usage} if usage else {})

    @staticmethod
    def _start(index: int, block: dict[str, Any]) -> bytes:
        return event({"type": "content_block_start", "index": index, "content_block": block})

    @staticmethod
    def _delta(index: int, **delta: Any) -> bytes:
        return event({"type": "content_block_delta", "index": index, "delta": delta})

    @staticmethod
    def _stop(index: int) -> bytes:
        return event({"type": "content_block_stop", "index": index})

    def _over(self, reason: str, used: Used | None) -> bytes:
        tree: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}}
        if used:
            tree["usage"] = {"input_tokens": used[0], "output_tokens": used[1]}
        return event(tree)

    def said(self, words: Sequence[str] = WORDS) -> list[bytes]:
        return [self._delta(0, type="text_delta", text=w) for w in words]

    def last(self, used: Used | None = USED) -> list[bytes]:
        return [*self.said((LAST,)), self._stop(0), self._over("end_turn", used)]

    def end(self, used: Sequence[Used] = (USED,)) -> list[bytes]:
        return [event({"type": "message_stop"})]

    def saying(self, text: str) -> list[bytes]:
        return [self.head(), *self.said((text,)), self._stop(0), self._over("end_turn", USED), *self.end()]

    def calls(self, calls: Sequence[tuple[int, str]]) -> list[bytes]:
        out = [
            event(
                {
                    "type": "message_start",
                    "message": self._message([], {"stop_reason": None}, {"input_tokens": 11, "output_tokens": 1}),
                }
            )
        ]
        for index, arguments in calls:
            out.append(self._start(index, {"type": "tool_use", "id": f"toolu_{index}", "name": "look", "input": {}}))
            out += [self._delta(index, type="input_json_delta", partial_json=arguments), self._stop(index)]
        return [*out, self._over("tool_use", USED), *self.end()]

    def whole(self, used: Used | None = USED, arguments: str | None = None) -> dict[str, Any]:
        assert arguments is None, "arguments are an object here, which cannot be cut"
        usage = {"input_tokens": used[0], "output_tokens": used[1]} if used else None
        return self._message([{"type": "text", "text": TEXT}], {"stop_reason": "end_turn"}, usage)

    def error(self, kind: str, text: str) -> bytes:
        known = "api_error" if kind == "server_error" else kind
        return event({"type": "error", "error": {"type": known, "message": text}, "request_id": "req_1"})

    def fault(self, status: int, kind: str, text: str) -> dict[str, Any]:
        words = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large"}
        words |= {429: "rate_limit_error", 529: "overloaded_error"}
        own = words.get(status, "api_error" if status >= 500 or status == 200 else "invalid_request_error")
        return {"type": "error", "error": {"type": own, "message": text}, "request_id": "req_1"}


class Responses:
    config, path = "openai_responses", "/responses"
    _item = "msg_1"

    @staticmethod
    def _event(kind: str, **tree: Any) -> bytes:
        return event({"type": f"response.{kind}", **tree})

    @staticmethod
    def _response(status: str, output: list[Any], used: Used | None = None, **more: Any) -> dict[str, Any]:
        usage = {"input_tokens": used[0], "output_tokens": used[1], "total_tokens": sum(used)} if used else None
        tree = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "error": None}
        return {**tree, "incomplete_details": None, "output": output, "usage": usage, **more}

    def _message(self, status: str, text: str | None) -> dict[str, Any]:
        content = [] if text is None else [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
        return {"type": "message", "id": self._item, "status": status, "role": "assistant", "content": content}

    @property
    def _at(self) -> dict[str, Any]:
        return {"item_id": self._item, "output_index": 0, "content_index": 0}

    def head(self, used: Used | None = USED) -> bytes:
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        return b"".join((
            self._event("created", response=self._response("in_progress", [])),
            self._event("in_progress", response=self._response("in_progress", [])),
            self._event("output_item.added", output_index=0, item=self._message("in_progress", None)),
            self._event("content_part.added", **self._at, part=part),
        ))  # fmt: skip

    def said(self, words: Sequence[str] = WORDS) -> list[bytes]:
        return [self._event("output_text.delta", **self._at, delta=w, logprobs=[]) for w in words]

    def last(self, used: Used | None = USED) -> list[bytes]:
        return [*self.said((LAST,)), *self.closed(TEXT)]

    def closed(self, text: str) -> list[bytes]:
        """The text once more, as every part of the answer ends."""
        item = self._message("completed", text)
        return [
            self._event("output_text.done", **self._at, text=text, logprobs=[]),
            self._event("content_part.done", **self._at, part=item["content"][0]),
            self._event("output_item.done", output_index=0, item=item),
        ]

    def end(self, used: Sequence[Used] = (USED,)) -> list[bytes]:
        return self.completed(TEXT, used)

    def completed(self, text: str, used: Sequence[Used] = (USED,)) -> list[bytes]:
        before = [self._event("in_progress", response=self._response("in_progress", [], u)) for u in used[:-1]]
        output = [self._message("completed", text)]
        return [*before, self._event("completed", response=self._response("completed", output, used[-1] if used else None))]

    def saying(self, text: str) -> list[bytes]:
        return [self.head(), *self.said((text,)), *self.closed(text), *self.completed(text)]

    def incomplete(self, reason: str) -> bytes:
        """The end of an answer that a limit or the host's filter cut."""
        tree = self._response("incomplete", [self._message("incomplete", TEXT)], USED, incomplete_details={"reason": reason})
        return self._event("incomplete", response=tree)

    def calls(self, calls: Sequence[tuple[int, str]]) -> list[bytes]:
        out = [self._event("created", response=self._response("in_progress", []))]
        items = []
        for index, arguments in calls:
            item = {
                "type": "function_call",
                "id": f"fc_{index}",
                "call_id": f"call_{index}",
                "name": "look",
                "status": "completed",
            }
            items.append({**item, "arguments": arguments})
            at = {"item_id": f"fc_{index}", "output_index": index}
            out.append(
                self._event("output_item.added", output_index=index, item={**item, "status": "in_progress", "arguments": ""})
            )
            out.append(self._event("function_call_arguments.delta", **at, delta=arguments))
            out.append(self._event("function_call_arguments.done", **at, arguments=arguments))
            out.append(self._event("output_item.done", output_index=index, item=items[-1]))
        return [*out, self._event("completed", response=self._response("completed", items, USED))]

    def whole(self, used: Used | None = USED, arguments: str | None = None) -> dict[str, Any]:
        item = self._message("completed", TEXT)
        if arguments is not None:
            item = {"type": "function_call", "id": "fc_0", "call_id": "call_0", "name": "look", "status": "completed"}
            item["arguments"] = arguments
        return self._response("completed", [item], used)

    def failed(self, code: str, text: str, used: Used | None = None) -> bytes:
        tree = self._response("failed", [], used, error={"code": code, "message": text})
        return self._event("failed", response=tree)

    def error(self, kind: str, text: str) -> bytes:
        return self.failed(kind, text)

    def bare(self, code: str, text: str) -> bytes:
        """The event `error`, which names no response."""
        return event({"type": "error", "code": code, "message": text, "param": None})

    def fault(self, status: int, kind: str, text: str) -> dict[str, Any]:
        return {"error": {"message": text, "type": "error", "param": None, "code": "model_not_found" if status == 404 else None}}


WIRES: dict[str, Wire] = {"chat": Chat(), "messages": Messages(), "responses": Responses()}
