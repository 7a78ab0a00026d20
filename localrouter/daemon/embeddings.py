"""POST /v1/embeddings, as OpenAI's API has it, from the small model that ships with localrouter. The text stays on this machine.

It never falls back to another model and takes no other's name: vectors of two models cannot be compared, and an index that mixes them
finds nonsense without an error (DESIGN section 8). Nothing is reserved or charged, since nothing leaves; what was found in it is counted for
the trace, behind the answer.
"""

from __future__ import annotations

import array
import asyncio
import base64
import sys
import time
from collections.abc import Iterator
from typing import Any

from localrouter.core.decide import AUTO
from localrouter.core.errors import BadRequest, LaneFault, NotFound, RouterError, Unsupported
from localrouter.daemon import door
from localrouter.daemon.coalescing import until_gone
from localrouter.daemon.noting_embeddings import note_embedding
from localrouter.daemon.services import Services
from localrouter.daemon.surface import Call, Route, id_headers, new_id, send_json
from localrouter.dialects._fields import read_object

MODEL = "local:embed"
NAMES = frozenset(
    {
        MODEL,
        "localrouter/embed",
        "all-minilm-l6-v2",
        "sentence-transformers/all-minilm-l6-v2",
        "all-minilm",
        "all-minilm:latest",
        *AUTO,
    }
)
"""Lower-case. The model is sentence-transformers' all-MiniLM-L6-v2; Ollama calls it all-minilm."""
WIDTH = 384
INPUTS = 2048
"""OpenAI's API, "Create embeddings": the most of one request."""
CHARACTERS = 2 * 1024 * 1024
"""Of all inputs together; OpenAI's own bound is 300 000 tokens."""
GROUP, GROUP_CHARACTERS = 32, 16 * 1024
"""What the child is given at once: a second's work at most on a small machine, so that a client that leaves is soon noticed."""
GROUP_S = 120.0
AT_ONCE = 4


class NoSuchEmbedder(NotFound):
    """Another model's name. The code is OpenAI's."""

    code = "model_not_found"


class ClientLeft(RouterError):
    """Nobody reads the answer any more; for the record (nginx's status for it)."""

    status, code = 499, "client_gone"


class EmbedderUnavailable(LaneFault):
    """The model's process or file failed."""

    code = "embedder_unavailable"


def item() -> dict[str, Any]:
    """The model in OpenAI's list."""
    return {
        "id": MODEL, "object": "model", "created": 0, "owned_by": "localrouter", "name": "all-MiniLM-L6-v2",
        "capabilities": ["embedding"], "embedding_length": WIDTH, "context_length": 256,
    }  # fmt: skip


def read(body: bytes) -> tuple[list[str], bool]:
    """(texts, whether base64 is wanted). Raises BadRequest, Unsupported and NoSuchEmbedder, each naming the field."""
    tree = read_object(body)
    model = tree.get("model")
    if not isinstance(model, str):
        raise BadRequest("'model' must be a string.", f"Use {MODEL!r}.", param="model")
    if model.lower() not in NAMES:
        raise NoSuchEmbedder(
            "That embedding model is not served here, and none takes its place: vectors of two models cannot be compared.",
            f"Use {MODEL!r} (all-MiniLM-L6-v2, {WIDTH} dimensions) for the documents and for the questions.",
            param="model",
        )
    form = tree.get("encoding_format")
    if form not in (None, "float", "base64"):
        raise BadRequest("'encoding_format' must be 'float' or 'base64'.", "Correct it.", param="encoding_format")
    width = tree.get("dimensions")
    if width is not None and (width != WIDTH or isinstance(width, bool)):
        raise BadRequest(
            f"'dimensions' can only be {WIDTH}: this model's vectors mean nothing when they are cut.",
            "Leave it out.",
            param="dimensions",
        )
    return _texts(tree.get("input")), form == "base64"


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise BadRequest("'input' must be a string or a list of strings.", "Send at least one text.", param="input")
    if len(texts) > INPUTS:
        raise BadRequest(f"'input' has more than {INPUTS} texts.", "Send them in several requests.", param="input")
    for at, text in enumerate(texts):
        whole = isinstance(text, int) and not isinstance(text, bool)
        if whole or (isinstance(text, list) and text and all(isinstance(t, int) for t in text)):
            raise Unsupported(
                "'input' holds numbers of another model's tokenizer, which cannot be read back into text.",
                "Send text (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False)).",
                param="input",
            )
        if not isinstance(text, str) or not text:
            raise BadRequest(f"input[{at}] must be a string that is not empty.", "Correct it.", param=f"input[{at}]")
    if sum(map(len, texts)) > CHARACTERS:
        raise BadRequest(f"'input' is over {CHARACTERS} characters.", "Send it in several requests.", param="input")
    return texts


def groups(texts: list[str]) -> Iterator[list[str]]:
    """The texts in order, a few at a time."""
    group: list[str] = []
    size = 0
    for text in texts:
        if group and (len(group) == GROUP or size + len(text) > GROUP_CHARACTERS):
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


class Embeddings:
    """The handler."""

    def __init__(self, services: Services) -> None:
        self.s = services
        self._room = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        return [Route("POST", "/v1/embeddings", "client", self.embed)]

    async def embed(self, call: Call) -> None:
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        begun, request_id = (self.s.now(), time.monotonic()), new_id()
        texts, packed = read(body)
        working = asyncio.ensure_future(self.vectors(texts))
        gone = asyncio.ensure_future(until_gone(call.receive))
        tokens = 0
        error: RouterError | None = ClientLeft("The client left before the end.")
        try:
            await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                return
            vectors, tokens = working.result()
            error = None
        except RouterError as exc:
            error = exc
            raise
        finally:
            working.cancel()
            gone.cancel()
            self.s.background(note_embedding(self.s, request_id, MODEL, texts, tokens, begun, error))
        data = [
            {"object": "embedding", "index": at, "embedding": vector if packed else floats(vector)}
            for at, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        tree = {"object": "list", "data": data, "model": MODEL, "usage": usage}
        head = [(b"x-localrouter-lane", b"local"), (b"x-localrouter-model", MODEL.encode()), *id_headers(request_id)]
        head.append((b"x-localrouter-id", request_id.encode()))
        await send_json(call.send, 200, tree, head)

    async def vectors(self, texts: list[str]) -> tuple[list[str], int]:
        """(each text's vector of length 1 as base64 of little-endian float32, tokens read). Raises EmbedderUnavailable."""
        vectors: list[str] = []
        tokens = 0
        async with self._room:
            for group in groups(texts):
                reply = await self.s.inspection.child.call({"op": "embed", "texts": group}, timeout=GROUP_S)
                got = reply.get("vectors")
                if not isinstance(got, list) or len(got) != len(group):
                    why = reply.get("error")
                    raise EmbedderUnavailable(
                        why if isinstance(why, str) else "The embedding model gave no answer.", "Run `localrouter doctor`."
                    )
                vectors += got
                tokens += sum(reply["tokens"])
        return vectors, tokens


def floats(packed: str) -> list[float]:
    """A vector as `vectors` packs it."""
    row = array.array("f", base64.b64decode(packed))
    if sys.byteorder == "big":
        row.byteswap()
    return row.tolist()
