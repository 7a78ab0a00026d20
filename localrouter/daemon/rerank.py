"""POST /v1/rerank: which documents answer a query best, from the embedding model that ships with localrouter. The text stays on this machine.

The request and the answer are those of Jina's and Cohere's APIs, as llama-server serves them too (llama.cpp, tools/server/README.md,
"/reranking"; https://docs.cohere.com/reference/rerank). A document's score is the cosine of the query's vector and that of its best passage
(MaxP: Dai and Callan 2019, "Deeper Text Understanding for IR with Contextual Neural Language Modeling"), from -1 to 1: the model reads 256
word pieces at once, so a longer document is read in passages. Nothing is reserved or charged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import mul
from typing import Any

from localrouter.core.errors import BadRequest
from localrouter.daemon import door, embeddings
from localrouter.daemon.embeddings import Embeddings, NoSuchEmbedder, floats
from localrouter.daemon.noting_embeddings import Kind
from localrouter.daemon.surface import Call, Route, send_json
from localrouter.dialects._fields import read_object

MODEL = "local:rerank"
NAMES = embeddings.NAMES | {MODEL, "localrouter/rerank"}
DOCUMENTS = 1000
"""Cohere's API, "Rerank": the most that it recommends for one request."""
PASSAGE = 800
"""Characters: some 200 word pieces of prose, below the 256 that are read."""
_KIND = Kind(
    "jina_rerank", "rerank", "Ranked {what} ({tokens} tokens) on this machine with {model}; nothing left it and it costs nothing."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that was read. `top`: how many results; `back`: whether their texts are sent back."""

    query: str
    documents: tuple[str, ...]
    top: int
    back: bool


def read(body: bytes) -> Wanted:
    """Raises BadRequest and NoSuchEmbedder, each naming the field."""
    tree = read_object(body)
    model = tree.get("model", MODEL)
    if not isinstance(model, str) or model.lower() not in NAMES:
        raise NoSuchEmbedder("That model ranks nothing here.", f"Use {MODEL!r}, or leave it out.", param="model")
    query = tree.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("'query' must be a string that is not empty.", "Correct it.", param="query")
    given = tree.get("documents", tree.get("texts"))  # `texts` is TEI's word, which llama-server takes too
    if not isinstance(given, list) or not 1 <= len(given) <= DOCUMENTS:
        raise BadRequest(f"'documents' must be a list of 1 to {DOCUMENTS} texts.", "Correct it.", param="documents")
    documents = []
    for at, entry in enumerate(given):
        text = entry.get("text") if isinstance(entry, dict) else entry
        if not isinstance(text, str):
            raise BadRequest(
                f"documents[{at}] must be a string, or an object with a 'text'.", "Correct it.", param=f"documents[{at}]"
            )
        documents.append(text)
    if len(query) + sum(map(len, documents)) > embeddings.CHARACTERS:
        raise BadRequest(f"The texts are over {embeddings.CHARACTERS} characters.", "Send fewer.", param="documents")
    top = tree.get("top_n")
    if top is None:
        top = len(documents)
    if not isinstance(top, int) or isinstance(top, bool) or top < 1:
        raise BadRequest("'top_n' must be a whole number above 0.", "Correct it.", param="top_n")
    back = tree.get("return_documents", tree.get("return_text", False))
    if not isinstance(back, bool):
        raise BadRequest("'return_documents' must be true or false.", "Correct it.", param="return_documents")
    return Wanted(query, tuple(documents), min(top, len(documents)), back)


def passages(text: str) -> Iterator[str]:
    """A text in pieces of PASSAGE characters at most, cut at spaces where there are any; an empty one is one piece."""
    at = 0
    while len(text) - at > PASSAGE:
        end = text.rfind(" ", at + PASSAGE // 2, at + PASSAGE)
        end = end if end > 0 else at + PASSAGE
        yield text[at:end]
        at = end
    yield text[at:]


class Rerank:
    """The handler; `embedder` makes the vectors."""

    def __init__(self, embedder: Embeddings) -> None:
        self._embedder = embedder

    def routes(self) -> list[Route]:
        return [Route("POST", path, "client", self.rank) for path in ("/v1/rerank", "/v1/reranking", "/v2/rerank")]

    async def rank(self, call: Call) -> None:
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        wanted = read(body)
        texts = [wanted.query, *wanted.documents]
        done = await self._embedder.answered(call, self._scores(wanted), texts, MODEL, _KIND)
        if done is None:
            return
        scores = done.result
        order = sorted(range(len(scores)), key=lambda at: (-scores[at], at))[: wanted.top]
        results: list[dict[str, Any]] = [{"index": at, "relevance_score": scores[at]} for at in order]
        if wanted.back:
            for row in results:
                row["document"] = {"text": wanted.documents[row["index"]]}
        tree = {"id": done.id, "object": "list", "model": MODEL, "results": results, "usage": done.usage}
        await send_json(call.send, 200, tree, done.headers)

    async def _scores(self, wanted: Wanted) -> tuple[list[float], int]:
        parts = [list(passages(text)) for text in wanted.documents]
        # The same passage is read once.
        texts = list(dict.fromkeys([wanted.query, *(p for row in parts for p in row)]))
        packed, tokens = await self._embedder.vectors(texts)
        vectors = {text: floats(row) for text, row in zip(texts, packed, strict=True)}
        asked = vectors[wanted.query]
        worth = {text: sum(map(mul, asked, row)) for text, row in vectors.items()}
        return [round(max(worth[p] for p in row), 6) for row in parts], tokens
