"""Tools that a host runs by itself, and what the first law says of each: nothing leaves unread, and nothing is read for us by somebody else.

A client may merely offer such a tool (Codex offers a search with each request); then it is left out, the trace says so, and the model is told
nothing. A request that forces one is refused by name. A recipe may allow a kind: `hosted_tools = ["web_search"]`; each use is then billed beside
the tokens, at the host's `tool_prices` in the catalogue (core/money.py), and a kind without a price there is refused like a model without one.

Sources: OpenAI API reference, "Create a model response" (`tools`) and "Create chat completion"; Anthropic, "Server tools"; OpenRouter,
"Plugins"; xAI, "Live Search".
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

LEFT_OUT: dict[str, str] = {
    "web_search": "searches the web at the host, for pages that nobody here has read",
    "web_search_preview": "searches the web at the host, for pages that nobody here has read",
    "web_fetch": "fetches pages at the host, by addresses that the conversation holds",
    "file_search": "reads a store at the host, with files that nobody here has read",
    "code_interpreter": "runs code in a container at the host, with files that nobody here has read",
    "code_execution": "runs code in a container at the host, with files that nobody here has read",
    "container_shell": "runs commands in a container at the host, with files that nobody here has read",
    "mcp": "lets the host call another server, with words of the conversation",
    "mcp_toolset": "lets the host call another server, with words of the conversation",
    "advisor": "asks another model at the host, at a price of its own",
    "image_generation": "makes pictures that nobody here can read",
}
"""Kind -> what it does. A kind is a tool's `type` without the date of its version; a `shell` in a container is a `container_shell`."""

PASSES: dict[str, str] = {
    "computer": "the client runs it, and its screenshots are judged as pictures",
    "computer_use": "the client runs it, and its screenshots are judged as pictures",
    "computer_use_preview": "the client runs it, and its screenshots are judged as pictures",
    "tool_search": "it looks through the request's own tools, which were read",
    "programmatic_tool_calling": "its programs read what the client's own tools return, which is read here",
}
"""Kinds that a host runs or knows and that pass, with the reason."""


USES = 10
"""Uses that a request is given where it says no limit: Anthropic's own loop of server tools ends after 10 rounds ("Server tools", `pause_turn`).
The host is told, so that the reservation is a ceiling (dialects/_hosted.py)."""
RESULT_TOKENS = 8_000
"""Tokens that one use is taken to add to the prompt: the block that OpenAI bills for a search of its small models (pricing page, "Built-in
tools"). A host that reads more is an overrun: charged, counted and shown."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind that a request lets the host run, at its worst. `most`: units that can be billed; `each`: units of one use that is seen (gigabytes
    of a container, else 1). `calls`: how often it can run, `limit` how often all of the request's tools together; after each the model reads
    its prompt again, with `tokens` more. `shown`: whether the answer shows its uses; what does not is charged at its most."""

    kind: str
    most: int = USES
    each: int = 1
    calls: int = USES
    limit: int = USES
    tokens: int = RESULT_TOKENS
    shown: bool = True

    @property
    def counted(self) -> str:
        """The word under which answers count it."""
        return self.kind.removesuffix("_preview")


def rounds(offers: tuple[Offer, ...]) -> tuple[int, int]:
    """(how often the host can run tools in one answer, tokens that one result adds at most)."""
    if not offers:
        return 0, 0
    return min(sum(o.calls for o in offers), max(o.limit for o in offers)), max(o.tokens for o in offers)


def known(kind: str) -> str:
    """The kind itself. Raises ValueError with the nearest one."""
    if kind in LEFT_OUT:
        return kind
    near = difflib.get_close_matches(kind, LEFT_OUT, n=1)
    raise ValueError(
        f"{kind!r} is no kind of hosted tool" + (f"; did you mean {near[0]!r}?" if near else f" ({', '.join(LEFT_OUT)})")
    )
