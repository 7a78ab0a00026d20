"""`[route.tools]`: which tools a model may call, which calls wait for a person, and how many there may be (DESIGN section 6).

A rule is `NAME` or `NAME:TEXT`, with `*` and `?` (fnmatch), in any case. NAME covers the tool's name; a tool of a server goes by its dotted name as
well (`mcp__db__delete_row` is `db.delete_row`), and `shell` is every tool that is known to run commands. TEXT covers one of the strings in the
arguments, or a list of strings as one line; runs of spaces count as one. Of the rules that cover a call the strictest holds: `deny`, `ask`,
`allow`, then `default`.

A tool that no call of may be made is not shown to the model at all. The calls of an answer are judged when it is whole, so an answer to a request
that offers tools is held on such a route (core/contract.py says what that means). A denied call is told to the model once, then the route's next
target is asked. One that a person has to allow waits `wait_s`, and is refused when nobody does.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from localrouter.core.strict import Strict

Verdict = Literal["allow", "ask", "deny"]
Rule = Annotated[str, StringConstraints(min_length=1, max_length=300)]
MCP = "mcp__"
SHELLS = "shell"
"""The name under which a rule means every tool that runs commands."""
MINUTE_S = 60.0


class ToolRules(Strict):
    """See the module. `max_calls_per_minute`: of one user on this route; a request beyond it is refused until the minute is over."""

    default: Verdict = "allow"
    allow: tuple[Rule, ...] = ()
    ask: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    max_calls_per_minute: int | None = Field(default=None, ge=1, le=100_000)
    wait_s: int = Field(default=300, ge=1, le=3600)

    @functools.cached_property
    def judges(self) -> bool:
        """Whether an answer has to be looked at."""
        return self.default != "allow" or bool(self.ask or self.deny or self.max_calls_per_minute)

    def offers(self, name: str, *, shell: bool = False) -> bool:
        """Whether a tool is shown to the model: not where each call of it would be denied."""
        if any(_covers(rule, name, None, shell) for rule in self.deny if ":" not in rule):
            return False
        if self.default != "deny":
            return True
        return any(_covers(rule.partition(":")[0], name, None, shell) for rule in (*self.ask, *self.allow))

    def of(self, name: str, arguments: str, *, shell: bool = False) -> Verdict:
        """What becomes of one call. `arguments`: JSON, or the text that a freeform tool reads; `shell`: whether the tool runs commands."""
        texts = tuple(texts_of(arguments))
        levels: tuple[tuple[Verdict, tuple[str, ...]], ...] = (("deny", self.deny), ("ask", self.ask), ("allow", self.allow))
        for verdict, rules in levels:
            if any(_covers(rule, name, texts, shell) for rule in rules):
                return verdict
        return self.default


def names_of(name: str) -> tuple[str, ...]:
    """The names by which a rule may mean a tool, in small letters."""
    low = name.lower()
    return (low, low.removeprefix(MCP).replace("__", ".")) if "__" in low else (low,)


@functools.lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(_plain(text)))


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _covers(rule: str, name: str, texts: Sequence[str] | None, shell: bool) -> bool:
    """`texts`: None where only the name counts."""
    tool, colon, text = rule.partition(":")
    if not ((shell and tool.lower() == SHELLS) or any(_pattern(tool).match(n) for n in names_of(name))):
        return False
    return not colon or (texts is not None and any(_pattern(text).match(_plain(t)) for t in texts))


def texts_of(arguments: str) -> Iterator[str]:
    """What a rule's text is held against: the arguments as they stand, each string in them, each list of strings as one line."""
    yield arguments
    try:
        tree = json.loads(arguments)
    except (ValueError, RecursionError):
        return
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            stack += node.values()
        elif isinstance(node, list):
            if node and all(isinstance(one, str) for one in node):
                yield " ".join(node)
            stack += node
