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
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from localrouter.core.decide import AUTO
from localrouter.core.errors import BadRequest, LaneFault, NotFound, RouterError, Unsupported
from localrouter.daemon import door
from localrouter.daemon.coalescing import until_gone
from localrouter.daemon.noting_embeddings import EMBEDDING, Kind, note_embedding
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
PIECES = 30_522
FRAME = 101, 102
"""The model's vocabulary, and the pieces [CLS] and [SEP] that its tokenizer puts around a text. Numbers that are not framed so may be those
of any tokenizer: LangChain sends OpenAI's (cl100k_base) whatever the model."""

T = TypeVar("T")
Text = str | list[int]
"""A text, or its word pieces."""


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


def read(body: bytes) -> tuple[list[Text], bool]:
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


def _texts(given: Any) -> list[Text]:
    texts = [given] if isinstance(given, str) or (isinstance(given, list) and given and _whole(given[0])) else given
    if not isinstance(texts, list) or not texts:
        raise BadRequest("'input' must be a string or a list of strings.", "Send at least one text.", param="input")
    if len(texts) > INPUTS:
        raise BadRequest(f"'input' has more than {INPUTS} texts.", "Send them in several requests.", param="input")
    for at, text in enumerate(texts):
        if isinstance(text, list) and text and all(map(_whole, text)):
            if (text[0], text[-1]) != FRAME or len(text) < 3 or not all(0 <= t < PIECES for t in text):
                raise Unsupported(
                    "'input' holds numbers that are not this model's word pieces from [CLS] (101) to [SEP] (102); those of another tokenizer "
                    "cannot be read back into text.",
                    "Send text (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False)).",
                    param="input",
                )
        elif not isinstance(text, str) or not text:
            raise BadRequest(f"input[{at}] must be a string that is not empty.", "Correct it.", param=f"input[{at}]")
    if sum(map(len, texts)) > CHARACTERS:
        raise BadRequest(f"'input' is over {CHARACTERS} characters.", "Send it in several requests.", param="input")
    return texts


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def groups(texts: Sequence[Text]) -> Iterator[list[Text]]:
    """The texts in order, a few at a time."""
    group: list[Text] = []
    size = 0
    for text in texts:
        if group and (len(group) == GROUP or size + len(text) > GROUP_CHARACTERS):
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """An answer that was made. `id`: the request's."""

    id: str
    result: list[T]
    usage: dict[str, int]
    headers: list[tuple[bytes, bytes]]


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
        texts, packed = read(body)
        plain = [text if isinstance(text, str) else "" for text in texts]  # word pieces are not scanned for the record
        done = await self.answered(call, self.vectors(texts), plain, MODEL, EMBEDDING)
        if done is None:
            return
        data = [
            {"object": "embedding", "index": at, "embedding": vector if packed else floats(vector)}
            for at, vector in enumerate(done.result)
        ]
        await send_json(call.send, 200, {"object": "list", "data": data, "model": MODEL, "usage": done.usage}, done.headers)

    async def answered(
        self, call: Call, work: Coroutine[Any, Any, tuple[list[T], int]], texts: list[str], model: str, kind: Kind
    ) -> Done[T] | None:
        """What `work` comes to, unless the client leaves before; either way there is a trace. Raises what `work` raises."""
        begun, request_id = (self.s.now(), time.monotonic()), new_id()
        working = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(until_gone(call.receive))
        tokens = 0
        error: RouterError | None = ClientLeft("The client left before the end.")
        try:
            await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                return None
            result, tokens = working.result()
            error = None
        except RouterError as exc:
            error = exc
            raise
        finally:
            working.cancel()
            gone.cancel()
            self.s.background(note_embedding(self.s, request_id, model, texts, tokens, begun, error, kind))
        head = [(b"x-localrouter-lane", b"local"), (b"x-localrouter-model", model.encode()), *id_headers(request_id)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return Done(request_id, result, usage, [*head, (b"x-localrouter-id", request_id.encode())])

    async def vectors(self, texts: Sequence[Text]) -> tuple[list[str], int]:
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
