"""The neutral form of a request, used only to cross dialects; and chunks: what a model says, piece by piece, on both planes.

Same dialect in and out never passes through `Chat` (law 5): the raw tree travels. Where they differ, the client's dialect reads its
own (veiled) tree into a `Chat`, and the host's wire writes the `Chat` into its own. What cannot be said in the neutral form is
refused by name or degraded by a rule that leaves a sentence in `Chat.notes`; nothing is dropped in silence.

A chunk keeps its raw form (`raw`, `tree`), so a same-dialect stream is re-emitted unchanged but for the texts that were restored.
A chunk without one (the local engine's; any, once it crosses) is written by the client's dialect from its pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from localrouter.core.ask import Path
from localrouter.core.errors import RouterError
from localrouter.core.money import Usage

# --- a request -----------------------------------------------------------------------------------

Role = Literal["system", "user", "assistant"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How much a model shall reason: the union of the words of OpenAI and Anthropic. A wire clamps to what its hosts know."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words. `cache` is an Anthropic `cache_control` object that stood on the block (kept for hosts that know it)."""

    text: str
    cache: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: `data` is base64 of `media` (a MIME type), or `url` is where it lies. `detail`: OpenAI's hint, or ""."""

    media: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""
    cache: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A file: `data` is base64 of `media`, or `url` is where it lies, or `text` is what it says."""

    media: str = ""
    data: str = ""
    url: str = ""
    text: str = ""
    name: str = ""
    cache: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning of an earlier turn. `sealed` is what the client sent back of a host's own (signature, redacted data, encrypted content),
    as we gave it out: `daemon/origins.py` opens it for the host that made it and for no other. `opaque` is what was in it, set only when
    the attempt's host made it; a wire sends `opaque` back and never `sealed`. A thought without `opaque` is plain text, which a wire
    whose hosts want it back (`reasoning_content`) may send, and every other leaves out."""

    text: str = ""
    sealed: str = ""
    opaque: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is JSON text of an object; of a `custom` (freeform) tool it is the bare text that the tool reads."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    cache: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool said: texts, images and documents; empty for a tool that said nothing (the result itself still stands)."""

    call_id: str
    parts: tuple[Text | Image | Document, ...] = ()
    error: bool = False
    cache: dict[str, Any] | None = None


Part = Text | Image | Document | Thought | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn, parts in order. Tool results stand in user turns (Anthropic's convention) and come first there. System and developer
    turns may stand anywhere; a wire that allows them only at the head hoists them or says them as user text."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tool:
    """`schema` is the JSON Schema of the arguments, as the client wrote it; `grammar` the `format` object of a custom tool."""

    name: str
    description: str = ""
    schema: dict[str, Any] | None = None
    kind: Literal["function", "custom"] = "function"
    strict: bool | None = None
    grammar: dict[str, Any] | None = None
    cache: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`one` names the tool in `name`; `any` means that some tool must be called."""

    mode: Literal["auto", "none", "any", "one"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """The shape of the answer: free text, any JSON object, or JSON by a schema."""

    kind: Literal["text", "object", "schema"] = "text"
    name: str = ""
    schema: dict[str, Any] | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A request in neutral form. None: the client did not say. `parallel` False: one tool call at a time. `notes`: sentences, one for each
    thing that was degraded, for the trace. `session` is `Ask.session`: a hash that stays the same through a conversation, for hosts that
    take a key for their prompt cache. `tuning`: settings of chat completions that few APIs have a word for (`min_p`, penalties, `logit_bias`,
    `n`, `logprobs` ...), by that API's names; a wire that cannot say one notes it, or refuses when another answer was asked for."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice | None = None
    parallel: bool | None = None
    max_output: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    form: Form = Form()
    effort: Effort | None = None
    user: str = ""
    session: str = ""
    stream: bool = False
    notes: tuple[str, ...] = ()
    tuning: dict[str, Any] = field(default_factory=dict)


# --- an answer -----------------------------------------------------------------------------------

Finish = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "stop_sequence"]
"""Why an answer ended. Every wire's Reader uses these words, whatever its host's are; a word it does not know is `stop`.
`pause`: the host stopped in the middle of a turn of its own tools (Anthropic's `pause_turn`)."""


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """One text that grows: choice number, what it is, and its number: of a tool call in its choice (chat), of a block (Messages), of an
    output item (Responses; `part` is the part of that item). Two channels of one answer are never equal."""

    choice: int
    kind: Literal["text", "reasoning", "refusal", "tool"]
    index: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of one channel. `path` is where it stands in the chunk's tree. `tool` and `call_id` come with the first piece of a tool
    call; `custom` marks a freeform tool, whose arguments are bare text.

    `whole`: the piece repeats all of its channel (Responses' `*.done` events, the final object): it is restored on its own, from its
    beginning to its end, and is not part of the growing text. `tree`: what stands at `path` is a JSON value, not a string; `text`
    is its JSON text, and what is restored is parsed before it is put back.
    `opaque`: what the host signed or encrypted, complete (a signature, redacted thinking, encrypted content); its `text` is "" and it is
    never restored, veiled or edited. `untouched`: the text is shown as it came (a signed thought); `doubtful`: only the end of its channel
    tells whether it is one.
    `cites`: `text` is the JSON of a citation, whose `start_index` and `end_index` count the characters of its channel's text: they are
    moved with what is restored before them (a `tree` and `whole` too).
    `logprobs`: what the tokens of `text` were worth, in the shape of chat completions' `logprobs.content` (the local engine's only).
    `mirror`: the same text again in another field (`reasoning` beside `reasoning_content`), on a channel of its own: restored on the raw
    plane, left out on the neutral one."""

    channel: Channel
    text: str
    path: Path = ()
    tool: str | None = None
    call_id: str | None = None
    custom: bool = False
    whole: bool = False
    tree: bool = False
    opaque: str = ""
    untouched: bool = False
    doubtful: bool = False
    mirror: bool = False
    cites: bool = False
    logprobs: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event of a stream, or a whole answer. `finish` maps choice -> why it ended. `terminal` marks the dialect's last event.
    `guess`: `usage` is what can be told so far, not the host's last word: it is charged only when no other comes, as an estimate.
    `ends`: channels that this chunk closes: what is still held back of them is written before it. `stop` is the stop sequence
    that was met, when the host says it. `pings`: the chunk is only a sign of life of the host. `uses`: kinds of hosted tools of which
    a use begins here (core/hosted_tools.Offer.counted)."""

    pieces: tuple[Piece, ...] = ()
    raw: bytes = b""
    tree: dict[str, Any] | None = None
    usage: Usage | None = None
    finish: dict[int, Finish] = field(default_factory=dict)
    terminal: bool = False
    error: RouterError | None = None
    ends: tuple[Channel, ...] = ()
    stop: str = ""
    pings: bool = False
    guess: bool = False
    uses: tuple[str, ...] = ()

    @property
    def content(self) -> bool:
        """Whether the client would show something of it."""
        return any(p.text or p.tool or p.opaque for p in self.pieces)
