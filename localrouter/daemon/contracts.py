"""Contracts at run time: the answer is held and restored, judged (core/judge.py), and on a fault sent back once with the complaint.

A held answer reaches the client only when it was judged, in one piece, also on a stream: signs of life go out meanwhile. It is restored once,
because restoring has a memory; what the judge read is what is written.

The local engine writes under a grammar, so where a route's contract names a schema or labels it is held to them while it writes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.chat import Chunk
from localrouter.core.cited import Citations
from localrouter.core.judge import Listener, Said, Verdict
from localrouter.core.judge import check as check
from localrouter.core.judge import judge as judge
from localrouter.core.plan import Plan
from localrouter.core.recipe import Recipe
from localrouter.daemon.restoring import Extra, Restorer
from localrouter.dialects import Dialect
from localrouter.dialects._fields import dumps
from localrouter.scrub.tokens import TokenTable

Ready = tuple[Chunk, list[str], Extra]


class Held:
    """A whole answer, restored. `said`: what a client will read of it."""

    def __init__(self, chunks: Sequence[Chunk], restorer: Restorer) -> None:
        listener, citations = Listener(), Citations()
        self._ready: deque[tuple[Chunk, Ready]] = deque()
        for chunk in chunks:
            citations.hear(chunk)  # as the host says them: what crosses to another dialect may lose them on the way
            ready = restorer.restore(chunk)
            listener.hear(ready[0].pieces, ready[1], ready[2])
            self._ready.append((chunk, ready))
        choices = listener.said()
        table = restorer.unveiler.table if restorer.unveiler is not None else TokenTable()
        brought = citations.brought
        for number, said in choices.items():
            said.bare = _bare(said.text, table)
            said.cited = _bare(citations.of(number), table)
            said.brought = brought
        self.said = list(choices.values())

    def take(self, chunk: Chunk) -> Ready | None:
        """The next chunk as it was restored; None when it is not the one that is asked for."""
        if self._ready and self._ready[0][0] is chunk:
            return self._ready.popleft()[1]
        return None

    @property
    def size(self) -> int:
        """Bytes that a repair adds to the prompt at most, but for the complaint."""
        return 2 * len(_own_words(self.said).encode()) + 512


def _bare(node: Any, table: TokenTable) -> Any:
    """All strings of a value with every private value in its place: a source is compared as the client wrote it, a secret in it included, which
    no answer shows."""
    if isinstance(node, str):
        return table.pattern.sub(lambda found: _value(found, table), node) if len(table) else node
    if isinstance(node, dict):
        return {key: _bare(value, table) for key, value in node.items()}
    return [_bare(value, table) for value in node] if isinstance(node, list) else node


def _value(found: re.Match[str], table: TokenTable) -> str:
    entry, _ = table.lookup(found)
    return found[0] if entry is None else found[0][: table.start(found, entry) - found.start()] + entry.value


def guided(params: Mapping[str, Any], plan: Plan | None, recipe: Recipe) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(parameters of the local engine, a sentence for the trace if they changed): with what the route's contract asks for as the form of the
    answer, where the request has no form of its own and offers no tools (a call is no text to judge)."""
    route = next((r for r in recipe.route if plan is not None and r.name == plan.route), None)
    contract = (plan.contract if plan is not None else None) or (route.contract if route is not None else None)
    if contract is None or params.get("response_format") or params.get("grammar") or params.get("tools"):
        return dict(params), ()
    if contract.labels and all(contract.labels):
        return {**params, "grammar": {"kind": "choice", "value": list(contract.labels)}}, (_LED.format("labels"),)
    schema = recipe.schemas.get(contract.json_schema or "")
    if schema is not None:
        return {**params, "grammar": {"kind": "json_hint", "value": schema}}, (_LED.format(f"schema '{contract.json_schema}'"),)
    return dict(params), ()


_LED = "The local model wrote under a grammar of the {} that the route's contract asks for."


def again(ask: Ask, dialect: Dialect, said: Sequence[Said], complaint: str) -> Ask:
    """The request with the model's own answer and what was wrong with it as two more turns; its leaves are read anew, so that they are
    scanned and veiled like all others."""
    tree = _with(ask.tree, _own_words(said), complaint)
    fresh = dialect.read(dumps(tree), {})
    return replace(ask, tree=fresh.tree, leaves=fresh.leaves, signed=fresh.signed, size=fresh.size)


def _own_words(said: Sequence[Said]) -> str:
    """The first choice as text. A call is told in words: as a call it would want a result, which it does not have."""
    if not said:
        return ""
    calls = [f"[call of {call.name} with {call.arguments}]" for call in said[0].calls]
    return "\n".join(part for part in (said[0].text, *calls) if part)


def _with(tree: dict[str, Any], words: str, complaint: str) -> dict[str, Any]:
    """Two turns more, where the dialect has them: `messages` (chat completions, Messages) or `input` (Responses). APIs refuse an empty turn."""
    turns = [{"role": "assistant", "content": words}] if words.strip() else []
    turns.append({"role": "user", "content": complaint})
    if isinstance(tree.get("messages"), list):
        return {**tree, "messages": [*tree["messages"], *turns]}
    before = tree.get("input")
    if isinstance(before, str):
        before = [{"role": "user", "content": before}]
    return {**tree, "input": [*(before or ()), *turns]}


__all__ = ["Held", "Verdict", "again", "check", "guided", "judge"]
