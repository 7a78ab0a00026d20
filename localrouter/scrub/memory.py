"""What a veil did with the texts of a conversation, for its next turn: what was looked for and where it stood, and who was mentioned.

`Looks` is one request's view of it, and works without a memory too; `keep` makes it the memory of the next request. A conversation's memory holds
the private values that were looked for, as its reverse map does, and no text. All of it are facts about texts, whatever the policy.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from localrouter.core.ask import Leaf
from localrouter.scrub.looked import Look, Looked
from localrouter.scrub.names import Mentions

MODEL = ("assistant", "tool_arguments")
"""Where a model's own words stand."""
CONVERSATIONS = 256
TEXTS = 12_000
"""Texts that are known, of all conversations: some 5 MB. An agent's request of 200 KB has some 500."""
TTL_S = 3600.0
"""A conversation that rests for so long costs its next turn a whole search: prompt caches have forgotten it as well."""


class Memory:
    """Of one conversation. `like`: begins with what that one knows."""

    __slots__ = ("mentions", "raw", "upper", "veiled")

    def __init__(self, like: Memory | None = None) -> None:
        self.raw: Looked = Looked(like.raw if like is not None else None)
        self.upper: Looked = Looked(like.upper if like is not None else None)
        self.veiled: Looked = Looked(like.veiled if like is not None else None)
        self.mentions: Mentions = Mentions(like.mentions if like is not None else None)

    def __len__(self) -> int:
        return max(len(self.raw), len(self.upper), len(self.veiled), len(self.mentions))


class Looks:
    """At one request: `raw` at its texts as they came, `upper` at them in capitals, `veiled` at what leaves."""

    __slots__ = ("_last", "_memory", "_names", "leaves", "mentions", "raw", "upper")

    def __init__(self, leaves: Sequence[Leaf], memory: Memory | None = None, names: Sequence[Hashable] = ()) -> None:
        """`names`: of the leaves' texts, see `Look`; a memory needs them."""
        texts = [leaf.text for leaf in leaves]
        self.leaves, self._memory, self._names = leaves, memory, names
        self.raw = Look(texts, memory.raw if memory is not None else None, names)
        self.upper = Look(texts, memory.upper if memory is not None else None, names, str.upper)
        self.mentions = memory.mentions if memory is not None else None
        self._last: Look | None = None

    @property
    def names(self) -> Sequence[Hashable]:
        return self._names

    def taken(self, mark: str) -> bool:
        """Whether it stands, in capitals, in what no model said. In a model's words a token is our own come back."""
        return any(self.leaves[number].where not in MODEL for number, _ in self.upper.places(mark))

    def veiled(self, texts: Sequence[str]) -> Look:
        """At what leaves, in the order of the leaves."""
        if self._memory is None:
            return Look(texts)
        pairs = zip(texts, self.leaves, self._names, strict=True)
        names = [name if text is leaf.text else _name(text) for text, leaf, name in pairs]
        self._last = Look(texts, self._memory.veiled, names)
        return self._last

    def keep(self) -> None:
        """What was looked for is the memory of the next request."""
        for look in (self.raw, self.upper, self._last):
            if look is not None:
                look.keep()


class Memories:
    """Those of many conversations; the least recently used are forgotten. A new conversation begins with what is known of its user's last one: the
    harness of an agent is the same in all of them. Times are seconds of one clock, handed in."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Hashable], tuple[float, int, Memory]] = OrderedDict()
        self._texts = 0

    def of(self, who: str, conversation: Hashable, now: float) -> Memory:
        self._age(now)
        key = (who, conversation)
        before = self._kept.pop(key, None)
        memory = before[2] if before is not None else Memory(self._last(who))
        size = len(memory)
        self._texts += size - (before[1] if before is not None else 0)
        self._kept[key] = (now, size, memory)
        while len(self._kept) > 1 and (len(self._kept) > CONVERSATIONS or self._texts > TEXTS):
            self._drop()
        return memory

    def _last(self, who: str) -> Memory | None:
        return next((memory for (user, _), (_, _, memory) in reversed(self._kept.items()) if user == who), None)

    def _age(self, now: float) -> None:
        while self._kept and now - next(iter(self._kept.values()))[0] > TTL_S:
            self._drop()

    def _drop(self) -> None:
        _, (_, size, _) = self._kept.popitem(last=False)
        self._texts -= size

    def __len__(self) -> int:
        return len(self._kept)


def _name(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
