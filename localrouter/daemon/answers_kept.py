"""Answers of the Responses API that a later request may go on from (`previous_response_id`). In memory only, bounded, 24 hours.

Hosts are asked statelessly (`store: false`), so what a client may refer to is what we remember, keyed by (client token, answer id) as
DESIGN section 7 says: no token reaches another's answers. A restart forgets them, and the client is told so in OpenAI's own words.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from localrouter.core.errors import BadRequest
from localrouter.dialects._fields import dumps, read_object

TTL_S = 24 * 3600.0
ANSWERS = 512
BYTES = 64 * 1024 * 1024


class AnswerGone(BadRequest):
    """`code` and field are those of OpenAI's API, on which clients send the whole conversation again."""

    code = "previous_response_not_found"


class AnswersKept:
    """The oldest goes first when there are more than ANSWERS or BYTES. Kept as JSON text, so that sizes are exact and nobody edits them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @staticmethod
    def _key(token: bytes, name: str) -> bytes:
        # The token itself is not kept a second time.
        return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=hashlib.blake2b(token).digest()).digest()

    def keep(self, token: bytes, name: str, items: list[Any]) -> None:
        """Remember an answer's conversation. One that alone is over the bound is not kept."""
        text = dumps({"items": items})
        self._drop(self._key(token, name))
        if len(text) > BYTES:
            return
        self._kept[self._key(token, name)] = (self._clock(), text)
        self.bytes += len(text)
        while len(self._kept) > ANSWERS or self.bytes > BYTES:
            self._drop(next(iter(self._kept)))

    def recall(self, token: bytes, name: str) -> list[Any]:
        """The items of an answer. Raises AnswerGone."""
        self._expire()
        found = self._kept.get(self._key(token, name))
        if found is None:
            raise AnswerGone(
                f"Previous response with id '{_shown(name)}' not found.",
                "localrouter keeps answers in memory for 24 hours; send the whole conversation as input.",
                param="previous_response_id",
            )
        items: list[Any] = read_object(found[1])["items"]  # it keeps integers beyond 64 bits
        return items

    def _expire(self) -> None:
        now = self._clock()
        while self._kept and now - next(iter(self._kept.values()))[0] > TTL_S:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self.bytes -= len(gone[1])


def _shown(name: str) -> str:
    """An id as an error may show it; what does not look like one is not repeated."""
    return name if len(name) <= 80 and name.isascii() and name.replace("_", "").replace("-", "").isalnum() else "(not an id)"
