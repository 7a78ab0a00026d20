"""Whose a signed block is: which host made a thinking signature or an encrypted reasoning item, and the seals that carry one across.

Law 1: what a host signed goes back to that host unchanged and to no other. Raw plane: a mark that comes by is remembered by keyed hash
with the host that made it (bounded; store/makers.py keeps it over a restart); a block of another host is dropped before its tree leaves.
Of unknown maker (made behind our back, or long ago): its readable text is scanned, and it passes only when nothing private is found; without
one it is dropped.
Neutral plane: the client's dialect is not the host's, so what the host signed is handed out in a seal, `lr1.` and base64url of MAC and
compressed JSON, under the install secret; it is opened for the host and wire that made it. A seal that is forged, foreign or unknown
is dropped, never replayed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from localrouter.core.ask import Ask, Leaf, Signed, remove
from localrouter.core.chat import Chat, Part, Thought, Turn
from localrouter.core.errors import RouterError
from localrouter.store.makers import LIMIT, Maker, Makers

log = logging.getLogger("localrouter")

PREFIX = "lr1."
MARKS = LIMIT
"""Marks that are remembered, some 10 MB; the oldest is forgotten first."""
SEAL_MAX = 16 * 1024 * 1024
"""Bytes of a seal's content, inflated. Encrypted reasoning of a long turn is some 100 KB."""
_MAC = 16


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a seal holds: who made it, in which wire's form, the host's own mark, and the thought that it signs."""

    host: str
    wire: str
    mark: str
    text: str = ""


class Origins:
    """See the module. `secret` is the install secret; `makers` is what is remembered over a restart, None: nothing is."""

    def __init__(self, secret: bytes, makers: Makers | None = None) -> None:
        self._mark_key = hmac.digest(secret, b"localrouter origin of marks", "sha256")
        self._seal_key = hmac.digest(secret, b"localrouter seal of thoughts", "sha256")
        self._makers: OrderedDict[bytes, tuple[str, bytes]] = OrderedDict()
        self._kept = makers
        self._loading: asyncio.Task[None] | None = None

    def _hash(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._mark_key, digest_size=16).digest()

    async def load(self) -> None:
        """Know what was remembered before the last stop. Once, by the first request that has a signed block; later calls cost nothing."""
        if self._kept is not None:
            if self._loading is None:
                self._loading = asyncio.create_task(self._load(self._kept))
            await asyncio.shield(self._loading)

    async def _load(self, kept: Makers) -> None:
        try:
            rows = await kept.load()
        except RouterError as exc:  # then they are of unknown maker, which loses thoughts and leaks none
            log.warning("the makers of signed blocks could not be read: %s", exc.text)
            return
        since = self._makers
        self._makers = OrderedDict((row.mark, (row.host, row.text)) for row in rows)
        self._makers.update(since)
        self._bound()

    def note(self, mark: str, text: str, host: str, request: str = "") -> None:
        """`host` made this mark for this text, in the answer to `request`."""
        key, own = self._hash(mark), self._hash(text)
        self._makers.pop(key, None)
        self._makers[key] = (host, own)
        self._bound()
        if self._kept is not None:
            self._kept.put(Maker(key, own, host, request))

    def _bound(self) -> None:
        while len(self._makers) > MARKS:
            self._makers.popitem(last=False)

    def forget(self, makers: Sequence[Maker]) -> None:
        """They were forgotten in the store."""
        for maker in makers:
            self._makers.pop(maker.mark, None)

    def maker(self, block: Signed) -> str:
        """The host that made a block, or "" when nobody remembers. A text that is not the one that was signed is nobody's."""
        found = self._makers.get(self._hash(block.mark))
        if found is None:
            sealed = self.open(block.mark)
            return f"{sealed.host} ({sealed.wire})" if sealed is not None else ""
        host, text = found
        return host if not block.text or text == self._hash(block.text) else ""

    # --- seals -----------------------------------------------------------------------------------

    def seal(self, sealed: Sealed) -> str:
        """What the client keeps of a thought that a host of another dialect signed."""
        body = zlib.compress(orjson.dumps([sealed.host, sealed.wire, sealed.mark, sealed.text]), 6)
        mac = hmac.digest(self._seal_key, body, "sha256")[:_MAC]
        return PREFIX + base64.urlsafe_b64encode(mac + body).decode().rstrip("=")

    def open(self, text: str) -> Sealed | None:
        """What is in a seal of ours; None for anything else."""
        if not text.startswith(PREFIX):
            return None
        try:
            raw = base64.b64decode(text[len(PREFIX) :] + "=" * (-(len(text) - len(PREFIX)) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, body = raw[:_MAC], raw[_MAC:]
        if not hmac.compare_digest(mac, hmac.digest(self._seal_key, body, "sha256")[:_MAC]):
            return None
        inflate = zlib.decompressobj()
        tree = orjson.loads(inflate.decompress(body, SEAL_MAX))
        return Sealed(*tree)

    # --- requests --------------------------------------------------------------------------------

    def judge(self, ask: Ask, host: str) -> tuple[list[Signed], list[Signed]]:
        """(blocks of other hosts, blocks of unknown maker) among the signed blocks of a request that goes to `host`."""
        foreign: list[Signed] = []
        unknown: list[Signed] = []
        for block in ask.signed:
            maker = self.maker(block)
            if not maker:
                unknown.append(block)
            elif maker != host:
                foreign.append(block)
        return foreign, unknown

    def opened(self, chat: Chat, host: str, wire: str) -> Chat:
        """A request in neutral form with the seals opened that this host and wire made; all other sealed thoughts are left out with a
        note, their texts too: nobody has read those."""
        dropped = 0
        turns: list[Turn] = []
        for turn in chat.turns:
            parts: list[Part] = []
            for part in turn.parts:
                if not isinstance(part, Thought) or not (part.sealed or part.opaque):
                    parts.append(part)
                    continue
                sealed = self.open(part.sealed)
                if sealed is not None and (sealed.host, sealed.wire) == (host, wire):
                    parts.append(Thought(sealed.text, part.sealed, sealed.mark))
                else:
                    dropped += 1
            if parts or not turn.parts:
                turns.append(Turn(turn.role, tuple(parts)))
        if not dropped:
            return replace(chat, turns=tuple(turns))
        return replace(chat, turns=tuple(turns), notes=(*chat.notes, left_out(dropped)))


def left_out(count: int) -> str:
    """The note of blocks that were dropped because another host made them, or nobody knows who."""
    what = "A block of reasoning" if count == 1 else f"{count} blocks of reasoning"
    return f"{what} that another host signed, or that nobody can vouch for, {'was' if count == 1 else 'were'} left out."


def without(tree: dict[str, Any], blocks: Sequence[Signed]) -> dict[str, Any]:
    """The tree without these blocks."""
    out: dict[str, Any] = remove(tree, [b.path for b in blocks])
    return out


def leaves_of(blocks: Sequence[Signed]) -> list[Leaf]:
    """The readable texts of signed blocks, as leaves to scan."""
    return [Leaf(b.path, b.text, "assistant", "thinking") for b in blocks if b.text]
