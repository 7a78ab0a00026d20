"""A request as the daemon sends it, checked and made ready to run: tokens of its prompt, its grammar, its limits.

Everything here may take milliseconds (a template, a long text, a large grammar) and touches no context, so that it runs beside the
batches of other requests. Every complaint is a `BadAsk` with a sentence for the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from localrouter.engine import grammar as grammars
from localrouter.engine.context import Model
from localrouter.engine.families import Family, NoSuchTool, Parser, head
from localrouter.engine.families._lark import Lark
from localrouter.engine.fim import fim_prompt, fim_tokens
from localrouter.engine.grammar import BadGrammar, Constraint, Grammar
from localrouter.engine.sampling import BadSampling, Sampling, sampling_of
from localrouter.engine.template import BadMessages, ChatTemplate

MOST_CHOICES = 128
"""OpenAI's limit of `n` (API reference, chat completions)."""
MOST_TOP = 20
"""OpenAI's limit of `top_logprobs`."""
MOST_STOPS = 64
FILL = 256
"""Tokens of an insertion when nothing is said."""
QUESTION = "Is your answer above correct and complete? Reply with yes or no."
"""Of a self-check (see `check`)."""


class BadAsk(Exception):
    """The request cannot be run as asked; `code` is the wire's."""

    def __init__(self, message: str, code: str = "bad_request") -> None:
        super().__init__(message)
        self.code = code


class TooLong(BadAsk):
    """The prompt does not fit. `tokens`: it has; `limit`: it may have, so that an answer has room behind it."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"The messages have {tokens} tokens and the local model's context takes {limit}.", "context_length_exceeded"
        )
        self.tokens, self.limit = tokens, limit


@dataclass(frozen=True, slots=True)
class Ask:
    """A request ready to run. `room`: tokens it may write. `top`: how many alternatives each token is reported with, None for no report."""

    key: int
    prompt: list[int]
    room: int
    sampling: Sampling
    choices: int = 1
    samples: int = 0
    """Further answers that nobody reads: they say how far the first one is agreed on (confidence.py, `agreement`)."""
    interactive: bool = True
    stops: tuple[str, ...] = ()
    top: int | None = None
    parser: Callable[[], Parser] | None = None
    constraint: Callable[[], Constraint] | None = None
    yes: Sequence[int] = ()
    no: Sequence[int] = ()
    """Of a self-check."""
    ends: frozenset[int] = frozenset()
    """Tokens that end this answer, beside those that end any."""


class Preparer:
    """For one loaded model with room for `ctx` tokens. Raises ValueError when the model has no token that ends an answer."""

    def __init__(self, model: Model, ctx: int) -> None:
        voc = self._vocabulary = model.vocabulary
        self._ctx = ctx
        self._name = model.meta("general.name") or model.name
        marks = voc.marks(model.meta("tokenizer.chat_template"))
        self.template = ChatTemplate(
            model.meta("tokenizer.chat_template") or None,
            bos=voc.name(voc.bos),
            eos=voc.name(voc.eos),
            controls={*voc.controls, *marks},
            architecture=model.meta("general.architecture"),
            name=self._name,
        )
        self.family: Family = self.template.family
        voc.guard({*marks, *self.family.MARKERS})
        self._markers = {m: voc.controls[m] for m in self.family.MARKERS if m in voc.controls}
        self.shown = voc.shown(self._markers)
        self._fim = fim_tokens(voc.fim, {**voc.user, **voc.controls}, name=self._name, bos=voc.bos if voc.add_bos else None)
        self.fills = self._fim is not None
        self.grammar = grammars.Vocabulary(
            voc.pieces,
            sorted(voc.ends),
            controls=frozenset(voc.controls.values()),
            tokenize=lambda text: voc.read(text.decode(), special=False),
        )

    def prepare(self, ask: Mapping[str, Any]) -> Ask:
        """Raises BadAsk."""
        kinds = {"fill": self._fill, "check": self._check}
        try:
            return kinds.get(str(ask.get("op")), self._chat)(ask)
        except (BadMessages, BadGrammar, NoSuchTool, BadSampling) as exc:
            raise BadAsk(str(exc)) from exc
        except (TypeError, ValueError, AttributeError, KeyError) as exc:
            raise BadAsk("A field of the request has a wrong type.") from exc

    # -- kinds of request ----------------------------------------------------------------------------------------------

    def _chat(self, ask: Mapping[str, Any]) -> Ask:
        choice = ask.get("tool_choice")
        tools: list[Mapping[str, Any]] = list(ask.get("tools") or ()) if choice != "none" else []
        if isinstance(choice, Mapping) and not tools:
            raise BadAsk("The tool choice names a tool that is not in the list.")
        must_call = bool(tools) and (isinstance(choice, Mapping) or choice == "required")
        # The form is that of an answer; a call has its own.
        grammar = None if must_call else self._grammar(ask)
        # Under a grammar there is no place for thoughts: what they would say is not of its form.
        thinking = False if grammar is not None else ask.get("reasoning")
        schema = _schema(ask) if grammar is not None and tools else None
        direct = grammar is not None and schema is None
        spans = self.template.render(ask["messages"], tools or None, thinking=thinking, direct=direct)
        prompt: list[int] = []
        for span in spans:
            prompt += self._vocabulary.read(span.text, special=span.special)
        parallel = bool(ask.get("parallel_tool_calls", True))
        if direct:
            return self._ready(ask, prompt, grammar, None)  # the text is what the grammar allows, whatever it looks like
        if schema is not None:
            grammar = calls_or_json(self.family, tools, parallel, self._markers, schema)
            return self._ready(ask, prompt, grammar, lambda: self.family.parser(tools))
        thinks = self.template.thinking_open(spans)
        if must_call:
            grammar = grammars.lark(self.family.forced(tools, choice, parallel, self._markers, thinks), controls=True)
        return self._ready(ask, prompt, grammar, lambda: self.family.parser(tools, thinks))

    def _check(self, ask: Mapping[str, Any]) -> Ask:
        """`messages` and the `answer` that was given to them: see `check`."""
        yes, no = (words(self._vocabulary.pieces, w) for w in ("yes", "no"))
        if not yes or not no:
            raise BadAsk("The local model has no single token for yes and no.", "unsupported")
        if not isinstance(ask["answer"], str):
            raise BadAsk("The answer must be text.")
        said = [{"role": "assistant", "content": ask["answer"]}, {"role": "user", "content": QUESTION}]
        made = self._chat({"id": ask["id"], "messages": [*ask["messages"], *said], "max_tokens": 1, "reasoning": False})
        return replace(made, yes=yes, no=no, interactive=False)

    def _fill(self, ask: Mapping[str, Any]) -> Ask:
        """Fill in the middle. `prefix`, `suffix`: text before and behind the cursor; `path`, `repo`, `files` [[path, text], ...]: what is
        around them, for models that know such. Of what is too long the lines nearest to the cursor stay (see `fim`). A model that cannot do
        this goes on with a text that ends at the cursor."""
        texts = [ask["prefix"], ask.get("suffix") or "", ask.get("path") or "", ask.get("repo") or ""]
        files = [(path, text) for path, text in ask.get("files") or ()]
        if not all(isinstance(t, str) for t in (*texts, *(t for pair in files for t in pair))):
            raise BadAsk("Prefix, suffix, paths and files must be text.")
        wanted = min(FILL if ask.get("max_tokens") is None else _whole(ask["max_tokens"], "max_tokens"), self._ctx // 2)
        if self._fim is None:
            if texts[1] or files:
                raise BadAsk("The local model cannot fill in the middle of a text.", "unsupported")
            tokens = self._vocabulary.plain(texts[0])[-(self._ctx - max(1, wanted) - 1) :]  # one for the token that begins a text
            return self._ready({"max_tokens": FILL, **ask}, tokens, self._grammar(ask), None)
        made = fim_prompt(
            self._fim,
            self._vocabulary.plain,
            texts[0],
            texts[1],
            budget=self._ctx - max(1, wanted),
            path=texts[2],
            repo=texts[3],
            files=files,
        )
        return self._ready({"max_tokens": FILL, **ask}, made.tokens, self._grammar(ask), None, ends=self._fim.ends)

    def _ready(
        self,
        ask: Mapping[str, Any],
        prompt: list[int],
        grammar: Grammar | None,
        parser: Callable[[], Parser] | None,
        ends: frozenset[int] = frozenset(),
    ) -> Ask:
        voc = self._vocabulary
        if voc.add_bos and voc.bos >= 0 and prompt[:1] != [voc.bos]:
            prompt.insert(0, voc.bos)
        if not prompt:
            raise BadAsk("The messages are empty.")
        room = self._room(ask, len(prompt))
        wanted = bool(ask.get("logprobs"))
        if grammar is not None:
            self.grammar.start(grammar)  # compiled here, and refused here
        return Ask(
            key=int(ask["id"]),
            prompt=prompt,
            room=room,
            sampling=sampling_of(ask, voc.size),
            choices=_within(ask.get("n"), "n", 1, 1, MOST_CHOICES),
            samples=_within(ask.get("samples"), "samples", 0, 0, MOST_CHOICES),
            interactive=ask.get("priority") != "background",
            stops=_stops(ask.get("stop")),
            top=_within(ask.get("top_logprobs"), "top_logprobs", 0, 0, min(MOST_TOP, voc.size)) if wanted else None,
            parser=parser,
            ends=ends,
            constraint=None if grammar is None else lambda: self.grammar.start(grammar),
        )

    def _room(self, ask: Mapping[str, Any], prompt: int) -> int:
        """Tokens that the answer may have behind a prompt of so many. Raises TooLong where `least` (1 when it is not said) do not fit: an answer
        that is cut after a few words helps nobody. Of a small context no more than an eighth is held free for that, and never more than
        the answer may have."""
        wanted = self._ctx if ask.get("max_tokens") is None else max(0, _whole(ask["max_tokens"], "max_tokens"))
        least = 1 if ask.get("least") is None else _whole(ask["least"], "least")
        limit = self._ctx - max(1, min(least, wanted, self._ctx // 8))
        if prompt > limit:
            raise TooLong(prompt, limit)
        return min(wanted, self._ctx - prompt)

    @staticmethod
    def _grammar(ask: Mapping[str, Any]) -> Grammar | None:
        if (asked := ask.get("grammar")) is not None:
            return grammars.of(str(asked["kind"]), asked["value"])
        schema = _schema(ask)
        return grammars.json_schema(schema) if schema is not None else None


def calls_or_json(
    family: Family, tools: Sequence[Mapping[str, Any]], parallel: bool, markers: Mapping[str, int], schema: Any
) -> Grammar:
    """Calls as the family writes them, or else a JSON value that the schema allows: an answer's form where the request offers tools beside it.
    Raises BadGrammar as `json_schema` does."""
    grammars.json_schema(schema)  # what cannot be enforced is refused there
    start, _, rules = family.forced(tools, "required", parallel, markers).partition("\n")
    opening = Lark(markers).text(head(family))
    form = f"form: {opening} json\njson: %json {grammars.embedded(schema, lenient=False)}"
    return grammars.lark(f"start: calls | form\ncalls: {start.removeprefix('start: ')}\n{form}\n{rules}", controls=True)


def _schema(ask: Mapping[str, Any]) -> Mapping[str, Any] | bool | None:
    """Of the JSON that a request wants its answer to be; None where it wants no JSON. Raises BadAsk."""
    if (asked := ask.get("grammar")) is not None:
        return asked["value"] if asked["kind"] == "json_schema" else None
    wanted = ask.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if kind == "json_object":
        return {"type": "object"}
    if kind == "json_schema" and isinstance(wanted, Mapping):
        schema = (wanted.get("json_schema") or {}).get("schema", wanted.get("schema"))
        if not isinstance(schema, (Mapping, bool)):
            raise BadAsk("The response format has no schema.")
        return schema
    return None


def words(pieces: Sequence[bytes], word: str) -> list[int]:
    """The tokens that say this word, whatever its case and the space before it."""
    return [t for t, piece in enumerate(pieces) if len(piece) <= len(word) + 1 and piece.strip().lower() == word.encode()]


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise BadAsk(f"The field {name} must be a whole number.")
    return int(value)


def _within(value: Any, name: str, default: int, least: int, most: int) -> int:
    number = default if value is None else _whole(value, name)
    if not least <= number <= most:
        raise BadAsk(f"The field {name} must lie between {least} and {most}.")
    return number


def _stops(given: Any) -> tuple[str, ...]:
    stops: Sequence[Any] = [given] if isinstance(given, str) else list(given or ())
    if len(stops) > MOST_STOPS or not all(isinstance(s, str) for s in stops):
        raise BadAsk(f"The field stop must be a text or a list of at most {MOST_STOPS} texts.")
    return tuple(s for s in stops if s)
