"""Answers of the Responses API that a later request may go on from (`previous_response_id`), and the items of them that it may name
instead of sending (`item_reference`). In memory only, bounded, 24 hours.

Hosts are asked statelessly (`store: false`), so what a client may refer to is what we remember, keyed by (client token, id) as
DESIGN section 7 says: no token reaches another's answers. A restart forgets them, and the client is told so in OpenAI's own words.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from localrouter.core.errors import BadRequest
from localrouter.dialects._fields import dumps, read_object

TTL_S = 24 * 3600.0
ANSWERS = 512
BYTES = 64 * 1024 * 1024
ITEMS = 8192
ITEM_BYTES = 16 * 1024 * 1024


class AnswerGone(BadRequest):
    """`code` and field are those of OpenAI's API, on which clients send the whole conversation again."""

    code = "previous_response_not_found"


class ItemGone(BadRequest):
    """OpenAI's API says 404, and these words."""

    status = 404
    code = "item_not_found"


class AnswersKept:
    """Answers by their ids, and what they said, item by item."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._answers = _Kept(clock, ANSWERS, BYTES)
        self._items = _Kept(clock, ITEMS, ITEM_BYTES)

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def size(self) -> int:
        """Of the answers and of their items."""
        return self._answers.size + self._items.size

    def keep(self, token: bytes, name: str, items: list[Any], said: Iterable[Any] = ()) -> None:
        """Remember an answer's conversation, and which of its items the answer itself said. What alone is over the bound is not kept."""
        self._answers.put(_key(token, name), dumps({"items": items}))
        for item in said:
            own = item.get("id") if isinstance(item, dict) else None
            if isinstance(own, str):
                key, text = _key(token, own), dumps(item)
                before = self._items.get(key)
                # A host that gives two items one id: nobody can say which of them is meant, so neither is.
                self._items.put(key, text if before in (None, text) else b"")

    def recall(self, token: bytes, name: str) -> list[Any]:
        """The items of an answer. Raises AnswerGone."""
        found = self._answers.get(_key(token, name))
        if found is None:
            raise AnswerGone(
                f"Previous response with id '{_shown(name)}' not found.",
                "localrouter keeps answers in memory for 24 hours; send the whole conversation as input.",
                param="previous_response_id",
            )
        items: list[Any] = read_object(found)["items"]  # it keeps integers beyond 64 bits
        return items

    def recall_item(self, token: bytes, name: str) -> dict[str, Any]:
        """One item of an answer. Raises ItemGone."""
        found = self._items.get(_key(token, name))
        if not found:
            raise ItemGone(
                f"Item with id '{_shown(name)}' not found. Items are not persisted when `store` is set to false.",
                "localrouter keeps the items of answers in memory for 24 hours; send the item itself.",
                param="input",
            )
        return read_object(found)


class _Kept:
    """JSON texts by key, so that sizes are exact and nobody edits them. The oldest goes first when there are more than `most` or `room` bytes."""

    def __init__(self, clock: Callable[[], float], most: int, room: int) -> None:
        self._clock, self._most, self._room = clock, most, room
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, key: bytes, text: bytes) -> None:
        self._drop(key)
        if len(text) > self._room:
            return
        self._kept[key] = (self._clock(), text)
        self.size += len(text)
        while len(self._kept) > self._most or self.size > self._room:
            self._drop(next(iter(self._kept)))

    def get(self, key: bytes) -> bytes | None:
        now = self._clock()
        while self._kept and now - next(iter(self._kept.values()))[0] > TTL_S:
            self._drop(next(iter(self._kept)))
        found = self._kept.get(key)
        return found[1] if found is not None else None

    def _drop(self, key: bytes) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.size -= len(gone[1])


def _key(token: bytes, name: str) -> bytes:
    # The token itself is not kept a second time.
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=hashlib.blake2b(token).digest()).digest()


def _shown(name: str) -> str:
    """An id as an error may show it; what does not look like one is not repeated."""
    return name if len(name) <= 80 and name.isascii() and name.replace("_", "").replace("-", "").isalnum() else "(not an id)"
