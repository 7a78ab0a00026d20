"""What the three simulated APIs have in common: a refusal, the rules for schemas and names, marks that only their maker accepts, and a
prompt cache.

Sources: OpenAI's guide "Structured outputs" (supported schemas), the API references of Chat, Responses and Messages, Anthropic's guides
"Extended thinking" (signatures) and "Prompt caching".
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import OrderedDict
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class Refused(Exception):
    """The API says no. `kind` and `code` are its own words."""

    def __init__(
        self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None, kind: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.kind = status, code, param, kind


def need(fine: object, message: str, *, code: str | None = None, param: str | None = None) -> None:
    """Raise unless fine."""
    if not fine:
        raise Refused(message, code=code, param=param)


def closed_schema(schema: Any, where: str, path: str = "()", *, every: bool) -> None:
    """The rules of strict schemas: `additionalProperties: false` at each object and, for OpenAI (`every`), each property required."""
    if isinstance(schema, list):
        for item in schema:
            closed_schema(item, where, path, every=every)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" or "properties" in schema:
        need(
            schema.get("additionalProperties") is False,
            f"{where}: In context={path}, 'additionalProperties' is required to be supplied and to be false.",
            param=where,
        )
        names = set(schema.get("properties") or ())
        need(
            not every or names == set(schema.get("required") or ()),
            f"{where}: In context={path}, 'required' is required to be supplied and to be an array including every key in properties.",
            param=where,
        )
    for key in ("properties", "$defs", "definitions"):
        for name, item in (schema.get(key) or {}).items():
            closed_schema(item, where, f"{path}.{name}", every=every)
    for key in ("items", "anyOf"):
        closed_schema(schema.get(key), where, f"{path}.{key}", every=every)


class Maker:
    """Marks what a host made (a signature, encrypted reasoning) and knows its own again: another host's do not open. One a host."""

    ROOM = 65_536

    def __init__(self) -> None:
        self._made: OrderedDict[str, str] = OrderedDict()

    def seal(self, text: str) -> str:
        """An opaque mark that stands for a text."""
        mark = "EqQB" + secrets.token_urlsafe(120)
        self._made[mark] = text
        while len(self._made) > self.ROOM:
            self._made.popitem(last=False)
        return mark

    def open(self, mark: object) -> str | None:
        """What was sealed, or None when this host did not make it or it was changed."""
        return self._made.get(mark) if isinstance(mark, str) else None


class Cache:
    """A prompt cache: which prefixes were seen before. Bounded; a prefix is a hash."""

    ROOM = 4096

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def lookup(self, blocks: list[bytes], marks: set[int] | None = None) -> tuple[int, int, int]:
        """(bytes read, bytes written, all bytes). `marks`: after which blocks a prefix may be kept; None: after each."""
        digest = hashlib.blake2b(digest_size=16)
        read = wrote = total = 0
        for i, block in enumerate(blocks):
            digest.update(len(block).to_bytes(8, "big") + block)
            total += len(block)
            if marks is not None and i not in marks:
                continue
            name = digest.digest()
            if name in self._seen:
                read = total
                self._seen.move_to_end(name)
            else:
                self._seen[name] = None
                wrote = total
        while len(self._seen) > self.ROOM:
            self._seen.popitem(last=False)
        return read, max(0, wrote - read), total
