"""Tools that a host runs by itself, and what the first law says of each: nothing leaves unread, and nothing is read for us by somebody else.

A client may merely offer such a tool (Codex offers a search with each request); then it is left out, the trace says so, and the model is told
nothing. A request that forces one is refused by name. A recipe may allow a kind: `hosted_tools = ["web_search"]`; what the host then asks for
each use stands in no catalogue, so the ledger knows the tokens alone.

Sources: OpenAI API reference, "Create a model response" (`tools`) and "Create chat completion"; Anthropic, "Server tools"; OpenRouter,
"Plugins"; xAI, "Live Search".
"""

from __future__ import annotations

import difflib

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
    "advisor": "asks another model at the host, at a price that this call's reservation does not know",
    "image_generation": "makes pictures that nobody here can read, at a price that the reservation does not know",
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


def known(kind: str) -> str:
    """The kind itself. Raises ValueError with the nearest one."""
    if kind in LEFT_OUT:
        return kind
    near = difflib.get_close_matches(kind, LEFT_OUT, n=1)
    raise ValueError(
        f"{kind!r} is no kind of hosted tool" + (f"; did you mean {near[0]!r}?" if near else f" ({', '.join(LEFT_OUT)})")
    )
