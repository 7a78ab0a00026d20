"""Citations that an API says beside the text: which there are, what was supplied, and whether each names something that was.

Sources: Anthropic API reference, "Citations" and "Search results" (`char_location`, `page_location`, `content_block_location`,
`search_result_location`), "Web search tool" (`web_search_result_location`), "Web fetch tool"; OpenAI API reference, "The response object"
and "The chat completion object" (`annotations`: `url_citation`, `file_citation`).

- `cited_text` must stand in the document or search result that its index names, word for word as core/citations.py compares. Places in it
  (`start_char_index` ...) count the characters that the host was sent, where private values are tokens, and are not compared.
- A document that cannot be read here (a PDF, a file of the host) has only to have been given, and the pages named to be pages.
- What a host's own search or fetch found counts as supplied where the answer itself shows it. The text that a search found is encrypted, so a
  `web_search_result_location` and a `url_citation` are held by their address; for OpenAI's search ask for
  `include: ["web_search_call.action.sources"]`, else its addresses stand nowhere and are unfounded.
- A `file_citation` names a file by id or name that the request names, or that the host's file search shows.
- `container_file_citation` and `file_path` name what the answer itself made, and are no citations of a source. A kind that is not known is
  judged by its `cited_text`; without one it cannot be verified, and is unfounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from localrouter.core.ask import get
from localrouter.core.chat import Chunk
from localrouter.core.citations import Sources

Node = dict[str, Any]
Text = tuple[str, ...] | None
"""The parts of a document; None: it cannot be read here."""

_IN_DOCUMENT = frozenset({"char_location", "page_location", "content_block_location"})
_BY_ADDRESS = frozenset({"web_search_result_location", "url_citation"})
_MADE = frozenset({"container_file_citation", "file_path"})
_OPENAI_RESULTS = frozenset({"web_search_call", "file_search_call"})


@dataclass(slots=True)
class Supplied:
    """In the order in which they were given: `documents`, `results` (address and text parts of each search result), and the addresses and
    the ids and names of files, in any order."""

    documents: list[Text] = field(default_factory=list)
    results: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    urls: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    def take(self, tree: Any) -> None:
        """All that a request, or the results of a host's tool in an answer, hold."""
        for node in _nodes(tree):
            if node.get("type") == "document" and isinstance(node.get("source"), dict):
                self.documents.append(_document(node["source"]))
            elif node.get("type") == "search_result":
                self.results.append((str(node.get("source") or ""), _parts(node.get("content"))))
            for key in ("file_id", "filename"):
                if isinstance(node.get(key), str):
                    self.files.add(node[key])
            if isinstance(node.get("file_ids"), list):
                self.files.update(f for f in node["file_ids"] if isinstance(f, str))
            if isinstance(node.get("url"), str):
                self.urls.add(node["url"])


def supplied(tree: Node) -> Supplied:
    """What a request supplies, in any dialect. Its addresses are left to its texts."""
    found = Supplied()
    found.take(tree)
    found.urls.clear()
    return found


def _nodes(tree: Any) -> Iterator[Node]:
    """Every object, in document order."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack += reversed(list(node.values()))
        elif isinstance(node, list):
            stack += reversed(node)


def _document(source: Node) -> Text:
    if source.get("type") == "text" and isinstance(source.get("data"), str):
        return (source["data"],)
    return _parts(source.get("content")) if source.get("type") == "content" else None


def _parts(content: Any) -> tuple[str, ...]:
    if isinstance(content, str):
        return (content,)
    blocks = content if isinstance(content, list) else []
    # An image keeps its place: blocks are named by their numbers.
    return tuple(b["text"] if isinstance(b, dict) and isinstance(b.get("text"), str) else "" for b in blocks)


class Citations:
    """Chunk by chunk, as the host said them: `by_choice`, each once, and what its own tools `brought`."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, bytes], Node] = {}
        self._results: dict[bytes, Node] = {}

    def hear(self, chunk: Chunk) -> None:
        for piece in chunk.pieces:
            node: Any = None
            if piece.cites:
                node = orjson.loads(piece.text)
            elif piece.mirror and piece.path and piece.path[-1] == "cited_text":
                node = get(chunk.tree, piece.path[:-1])
            if isinstance(node, dict):
                self._found[piece.channel.choice, _key(node)] = node
        for node in _results(chunk.tree):
            self._results[_key(node)] = node  # Responses repeats each in its last event

    def of(self, choice: int) -> list[Node]:
        """The citations of a choice, in order."""
        return [node for (number, _), node in self._found.items() if number == choice]

    @property
    def brought(self) -> Supplied:
        found = Supplied()
        for node in self._results.values():
            found.take(node)
        return found


def _key(node: Node) -> bytes:
    return orjson.dumps(node, option=orjson.OPT_SORT_KEYS)


def _results(tree: Node | None) -> Iterator[Node]:
    """The blocks or items in an event or a whole answer that hold what a tool of the host found."""
    if tree is None:
        return
    response = tree.get("response")
    output = response.get("output") if isinstance(response, dict) else tree.get("output")
    for nodes in (tree.get("content"), output, [tree.get("content_block"), tree.get("item")]):
        for node in nodes if isinstance(nodes, list) else ():
            kind = node.get("type") if isinstance(node, dict) else None
            if isinstance(kind, str) and (kind in _OPENAI_RESULTS or kind.endswith("_tool_result")):
                yield node


def unfounded(cited: Sequence[Node], given: Supplied, brought: Supplied, sources: Sources) -> list[tuple[str, str]]:
    """(rule, sentence) of each citation that names nothing that was supplied: `quote`, `document`, `url`, `file` or `kind`. `sources`: the
    texts of the request. The sentence counts and quotes nothing."""
    out: list[tuple[str, str]] = []
    for n, node in enumerate(cited, 1):
        rule = _fault(node, given, brought, sources)
        if rule:
            out.append((rule, f"citation {n} of your answer {_SAYS[rule]}"))
    return out


_SAYS = {
    "quote": "quotes what does not stand in its source word for word",
    "document": "names a source that was not given",
    "url": "names an address that does not stand in the context",
    "file": "names a file that was not given",
    "kind": "is of a kind that cannot be verified",
}


def _fault(node: Node, given: Supplied, brought: Supplied, sources: Sources) -> str:
    kind, quote = node.get("type"), node.get("cited_text")
    quote = quote if isinstance(quote, str) else None
    if kind in _IN_DOCUMENT:
        return _in_document(node, quote or "", [*given.documents, *brought.documents], sources)
    if kind == "search_result_location":
        return _in_result(node, quote or "", [*given.results, *brought.results], sources)
    if kind in _BY_ADDRESS:
        inner = node.get("url_citation", node)
        url = inner.get("url") if isinstance(inner, dict) else None
        known = isinstance(url, str) and url and (url in brought.urls or sources.link(url))
        return "" if known else "url"
    if kind == "file_citation":
        inner = node.get("file_citation", node)
        names = [inner.get(key) for key in ("file_id", "filename")] if isinstance(inner, dict) else []
        return (
            ""
            if any(name in files for name in names if isinstance(name, str) for files in (given.files, brought.files))
            else "file"
        )
    if kind in _MADE:
        return ""
    if quote is None:
        return "kind"
    return "" if sources.hold(quote) else "quote"


def _in_document(node: Node, quote: str, documents: Sequence[Text], sources: Sources) -> str:
    if not documents:
        return "" if sources.hold(quote) else "quote"  # another API asked, which knows no documents
    index = _count(node, "document_index")
    if index is None or index >= len(documents):
        return "document"
    parts = documents[index]
    if parts is None:
        first, end = _count(node, "start_page_number"), _count(node, "end_page_number")
        pages = node.get("type") != "page_location" or (first is not None and end is not None and 1 <= first < end)
        return "" if pages else "document"
    return _in_parts(node, quote, parts)


def _in_result(node: Node, quote: str, results: Sequence[tuple[str, tuple[str, ...]]], sources: Sources) -> str:
    if not results:
        return "" if sources.hold(quote) else "quote"
    index = _count(node, "search_result_index")
    if index is None or index >= len(results):
        return "document"
    source, parts = results[index]
    named = node.get("source")
    return "document" if isinstance(named, str) and named != source else _in_parts(node, quote, parts)


def _in_parts(node: Node, quote: str, parts: tuple[str, ...]) -> str:
    """Within the blocks that it names, where it names some."""
    first, end = _count(node, "start_block_index"), _count(node, "end_block_index")
    if first is not None and end is not None:
        if not first < end <= len(parts):
            return "document"
        parts = parts[first:end]
    return "" if Sources(("".join(parts), "\n".join(parts))).hold(quote) else "quote"


def _count(node: Node, key: str) -> int | None:
    value = node.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
