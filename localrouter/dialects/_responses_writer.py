"""A Responses answer as a client reads it: the host's own events with restored texts, or events written from pieces.

Source: OpenAI API reference, "Streaming events". What real clients need (notes on clients, 5.1 and 7.3): `response.created` first, the same
id in every event that names the response, usage in the last, and in a long silence a real event again, since Codex counts nothing else.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.chat import Channel, Chunk, Finish
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage
from localrouter.dialects._fields import dumps
from localrouter.dialects._responses_again import Again, restored
from localrouter.dialects._responses_object import blank, echoed, error_body, failure, usage_tree
from localrouter.dialects._responses_said import Said

_INCOMPLETE: dict[Finish, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Writer:
    """Chunks to bytes for one client. See dialects/__init__.py. `answer`: after the end, the response as the client got it."""

    def __init__(self, ask: Ask, request_id: str) -> None:
        self._ask = ask
        self._stream = ask.needs.stream
        mark = re.sub(r"[^A-Za-z0-9]", "", request_id)
        self._id = f"resp_{mark}"
        self._again = Again(ask.tree)
        self._mark = mark
        self._raw = False
        self._over = False
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self.media = "text/event-stream" if self._stream else "application/json"
        self.answer: dict[str, Any] | None = None

    def write(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        """`texts` are the restored texts of `chunk.pieces`; `extra` what was held back and belongs before this chunk."""
        if self._over:
            return b""
        self._over = chunk.terminal
        if chunk.tree is None and not chunk.raw:
            return self._write_said(chunk, texts, extra)
        self._raw = True
        if not self._stream:
            return self._whole_again(chunk, texts)
        out = self._again.write(chunk, texts, extra)
        if chunk.terminal:
            self.answer = self._again.final
        return out

    def error(self, error: RouterError) -> bytes:
        """Mid-stream: `response.failed`, after which clients read nothing more. It is told from a stream that has not begun by
        `response.created`, without which the SDKs read no other event."""
        if self._over:
            return b""
        self._over = True
        if not self._stream:
            return error_body(error)
        out = self._begin() + self._again.settle()
        output = self._again.output if self._raw else self._said.output
        failed = {**self._base, "status": "failed", "error": failure(error), "output": output}
        return out + self._again.number({"type": "response.failed", "response": failed})

    def keep_alive(self) -> bytes:
        """`response.in_progress` once more: Codex cuts a stream after 300 s without an event, and comments are none. If nothing is out yet,
        the answer begins, under an id of ours that the host's events then bear too."""
        if self._over or not self._stream:
            return b""
        if self._again.base is None:
            self._again.alias = self._id
            return self._begin()
        return self._again.settle() + self._lifecycle("in_progress")

    # --- from pieces -------------------------------------------------------------------------------

    @functools.cached_property
    def _said(self) -> Said:
        # Only for an answer of another kind of host: it looks through the request's tools.
        return Said(self._ask.tree, self._mark)

    @property
    def _base(self) -> dict[str, Any]:
        if self._again.base is None:
            self._again.base = blank(self._ask, self._id)
        return self._again.base

    def _begin(self) -> bytes:
        if self._again.base is not None:
            return b""
        return self._lifecycle("created") + self._lifecycle("in_progress")

    def _lifecycle(self, what: str) -> bytes:
        return self._again.number({"type": f"response.{what}", "response": {**self._base, "status": "in_progress"}})

    def _write_said(self, chunk: Chunk, texts: list[str], extra: list[tuple[Channel, str]]) -> bytes:
        if chunk.pings:
            return b""
        self._usage = chunk.usage or self._usage
        self._finish = chunk.finish.get(0, self._finish)
        out: list[bytes] = [self._begin()] if self._stream else []
        events = self._said.take(chunk, texts, extra)
        if chunk.terminal:
            events += self._said.finish(self._finish)
        if self._stream:
            out += [self._again.number(dict(event)) for event in events]
        if chunk.terminal:
            self.answer = self._final()
            kind = "incomplete" if self._finish in _INCOMPLETE else "completed"
            if not self._stream:
                return dumps(self.answer)
            out.append(self._again.number({"type": f"response.{kind}", "response": self.answer}))
        return b"".join(out)

    def _final(self) -> dict[str, Any]:
        reason = _INCOMPLETE.get(self._finish) if self._finish is not None else None
        base = self._base
        return {
            **base,
            "status": "incomplete" if reason else "completed",
            "completed_at": None if reason else base["created_at"],
            "incomplete_details": {"reason": reason} if reason else None,
            "output": self._said.output,
            "usage": usage_tree(self._usage or Usage()),
        }

    # --- a whole answer of a host ------------------------------------------------------------------

    def _whole_again(self, chunk: Chunk, texts: list[str]) -> bytes:
        if chunk.tree is None:
            return chunk.raw
        tree = echoed(restored(chunk, texts), self._ask.tree)
        if chunk.terminal:
            self.answer = tree
        return chunk.raw if tree is chunk.tree else dumps(tree)
