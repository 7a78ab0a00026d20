"""What of a request is read for its signals: the person's last words, the texts given beside them, and what tools and retrieval returned.

An `Ask` names each text and whose it is (its leaves), so this is the same for every dialect. What is read is bounded: a question stands at the
beginning or the end of a turn, and nothing here may cost more than a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass

from localrouter.classify.strip import strip
from localrouter.core.ask import Ask, Leaf

HEAD, TAIL = 6144, 2048
"""Characters of the person's words that are read."""
GIVEN = 24_576
"""Characters that are read of supplied texts and of what tools returned, together; the newest first."""
_TURN = 1 << 18
"""Characters of one turn that are looked at for harness text."""
_TURNS = 24
"""How many user turns back the person's last words are looked for: an agent's loop puts results between."""
_TEXTS = frozenset({"content", "text", "input"})


@dataclass(frozen=True, slots=True)
class Said:
    """`words`: the person's last words, bounded; `length`: how many characters they are in full. `given`: supplied texts and results of
    tools, newest first, bounded; `results`: how many of them tools returned. `turns`: of the user in the conversation. `system`: the
    beginning of what the application told the model."""

    words: str
    length: int
    given: tuple[str, ...] = ()
    results: int = 0
    turns: int = 1
    harness: bool = False
    system: str = ""

    @property
    def given_length(self) -> int:
        """Characters of `given`."""
        return sum(map(len, self.given))


def cut(text: str, head: int, tail: int) -> str:
    """Its beginning and its end."""
    return text if len(text) <= head + tail else f"{text[:head]}\n{text[-tail:]}"


def said(ask: Ask) -> Said:
    """See `Said`."""
    turns: dict[str | int, list[str]] = {}
    results: list[str] = []
    documents: list[str] = []
    system = ""
    for leaf in ask.leaves:
        where = leaf.where
        if where == "user":
            if _words(leaf):
                turns.setdefault(leaf.path[1] if len(leaf.path) > 1 else 0, []).append(leaf.text)
            elif leaf.path[-1] == "data":
                documents.append(leaf.text)
        elif where == "tool_result":
            results.append(leaf.text)
        elif where == "system" and len(system) < 2048:
            system += leaf.text[:2048] + "\n"
    words, length, harness = "", 0, False
    given: list[str] = []
    for texts in list(reversed(turns.values()))[:_TURNS]:
        stripped = [strip(cut(text, _TURN // 2, _TURN // 2)) for text in texts]
        for one in stripped:
            given.extend(one.given)
            harness = harness or one.harness
        words = "\n".join(one.words for one in stripped if one.words)
        if words:
            length = len(words)
            break
    return Said(
        words=cut(words, HEAD, TAIL),
        length=length,
        given=_bounded([*reversed(results), *given, *documents]),
        results=len(results),
        turns=len(turns),
        harness=harness,
        system=system,
    )


def _words(leaf: Leaf) -> bool:
    last = leaf.path[-1]
    return isinstance(last, int) or last in _TEXTS


def _bounded(texts: list[str]) -> tuple[str, ...]:
    """As many as fit in GIVEN; of one that does not fit, its beginning and its end."""
    out, left = [], GIVEN
    for text in texts:
        if left < 64:
            break
        part = cut(text, left - left // 3, left // 3)
        out.append(part)
        left -= len(part)
    return tuple(out)
