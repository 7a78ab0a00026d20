"""A chat GGUF in memory: prompt, tokens, sampling. The only file that imports llama_cpp, and only when a model is loaded.

Law: text of a message never becomes a control token of the template. One generation at a time; the KV prefix is reused.
It does not know frames, processes or tool-call syntax.
"""

from __future__ import annotations

import codecs
import ctypes
import json
import os
import random
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localrouter.engine.cpu import spare_extra_buffers

MAGIC = b"GGUF"
COUNTABLE = 1000
"""A `maxLength` or `maxItems` above this is not enforced: a grammar cannot count so far."""
GRAMMAR_SIZE = 256 * 1024
GRAMMAR_DEPTH = 8000
_CONTROL = 1 << 3
"""llama.cpp's attribute bit of a control token."""

CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
"""For a model without a template of its own."""


class BadModel(Exception):
    """The file is not a model that can be loaded. The message is a whole sentence for the user."""


class BadAsk(Exception):
    """The request cannot be run as asked; `code` is the wire's."""

    def __init__(self, message: str, code: str = "bad_request") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw tokens. Temperature 0 is greedy."""

    temperature: float = 0.8
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    seed: int | None = None


def check_file(path: Path) -> None:
    """Fail with a sentence when the file cannot be a GGUF."""
    try:
        with path.open("rb") as f:
            head = f.read(8)
    except OSError as exc:
        why = "does not exist" if isinstance(exc, FileNotFoundError) else "cannot be read"
        raise BadModel(f"The model file {path.name} {why}.") from exc
    if head[:4] != MAGIC or len(head) < 8:
        raise BadModel(f"The file {path.name} is not a GGUF model.")


def _plain_weights(lib: Any) -> Any:
    """The library, told to repack no weights where that crashes (see `cpu`); its `Llama` has no parameter for it."""
    if spare_extra_buffers():
        defaults = lib.llama_cpp.llama_model_default_params

        def plain() -> Any:
            params = defaults()
            params.use_extra_bufts = False
            return params

        lib.llama_cpp.llama_model_default_params = plain
    return lib


class Model:
    """A loaded model with one sequence."""

    def __init__(self, path: Path, *, ctx: int, threads: int) -> None:
        check_file(path)
        import llama_cpp
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        self._lib: Any = llama_cpp
        kw: dict[str, Any] = {"n_threads": threads, "n_threads_batch": threads} if threads > 0 else {}
        try:
            llm: Any = _plain_weights(llama_cpp).Llama(
                str(path),
                n_ctx=max(0, ctx),
                n_gpu_layers=-1 if llama_cpp.llama_supports_gpu_offload() else 0,
                verbose=False,
                **kw,
            )
        except (ValueError, RuntimeError, AssertionError, OSError) as exc:
            raise BadModel(
                f"The model file {path.name} could not be loaded: it is damaged, of an unknown kind, or too big."
            ) from exc
        self._llm = llm
        self.name = path.stem
        self.ctx = int(llm.n_ctx())
        self._vocab = llm._model.vocab
        template = llm.metadata.get("tokenizer.chat_template") or ""
        self.template = bool(template)
        self._bos, self._eos = (self._text(t) for t in (llm.token_bos(), llm.token_eos()))
        try:
            self._format = Jinja2ChatFormatter(template or CHATML, eos_token=self._eos, bos_token=self._bos)
        except Exception:  # a template that Jinja cannot parse must not make the model useless
            self.template = False
            self._format = Jinja2ChatFormatter(CHATML, eos_token=self._eos, bos_token=self._bos)
        controls = self._controls()
        self._control = re.compile("|".join(re.escape(c) for c in sorted(controls, key=len, reverse=True))) if controls else None
        self._markers = frozenset(
            ids[0]
            for m in ("<tool_call>", "</tool_call>")
            if len(ids := llm.tokenize(m.encode(), add_bos=False, special=True)) == 1
        )
        self._abort_ref: Any = None

    def on_abort(self, asked: Callable[[], bool]) -> None:
        """Let a long prompt be given up in the middle: llama.cpp asks this between graph nodes."""
        kind = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)
        self._abort_ref = kind(lambda _data: asked())  # kept: C holds only the address
        self._lib.llama_set_abort_callback(self._llm._ctx.ctx, self._abort_ref, None)

    # -- prompt --------------------------------------------------------------------------------------------------------

    def prompt(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None) -> list[int]:
        """The tokens of a chat, by the model's own template (sandboxed)."""
        mark = secrets.token_hex(8)
        try:
            plain = self._guard([_plain(m) for m in messages], mark)
            shown = self._guard([dict(t) for t in tools], mark) if tools else None
            text: str = self._format(messages=plain, tools=shown).prompt
        except BadAsk:
            raise
        except Exception as exc:  # a template may raise anything; its text can quote the request, so it is not passed on
            raise BadAsk("The model's chat template does not accept these messages.") from exc
        out: list[int] = []
        for i, part in enumerate(re.split(f"\ue000{mark}", text)):
            if part:
                # Odd parts stood in a message and look like control tokens: they are read as plain text.
                out += self._llm.tokenize(part.encode("utf-8", "replace"), add_bos=False, special=i % 2 == 0)
        bos = self._llm.token_bos()
        if self._lib.llama_vocab_get_add_bos(self._vocab) and out[:1] != [bos]:
            out.insert(0, bos)
        if not out:
            raise BadAsk("The messages are empty.")
        if len(out) >= self.ctx:
            raise BadAsk(
                f"The messages have {len(out)} tokens and the local model's context is {self.ctx}.", "context_length_exceeded"
            )
        return out

    def _guard(self, value: Any, mark: str) -> Any:
        if isinstance(value, str) and self._control is not None:
            return self._control.sub(lambda m: f"\ue000{mark}{m.group()}\ue000{mark}", value)
        if isinstance(value, dict):
            return {k: self._guard(v, mark) for k, v in value.items()}
        if isinstance(value, list):
            return [self._guard(v, mark) for v in value]
        return value

    # -- generation ----------------------------------------------------------------------------------------------------

    def grammar(self, schema: Mapping[str, Any] | None) -> Any:
        """A grammar for a JSON Schema, or for any JSON object when there is none."""
        from llama_cpp.llama_grammar import JSON_GBNF, LlamaGrammar

        if schema is None:
            return LlamaGrammar.from_string(JSON_GBNF, verbose=False)
        if _remote_ref(schema):
            raise BadAsk("The JSON schema refers to another document.")  # the engine opens no connection
        try:
            made = LlamaGrammar.from_json_schema(json.dumps(_countable(schema)), verbose=False)
        except Exception as exc:
            raise BadAsk("The JSON schema cannot be made into a grammar.") from exc
        # Each optional repeat is one more nesting, and llama.cpp parses by recursion: too deep ends the process.
        if len(made._grammar) > GRAMMAR_SIZE or made._grammar.count("(") > GRAMMAR_DEPTH:
            raise BadAsk("The JSON schema is too large for a grammar.")
        # llama.cpp says no with a null pointer, which the binding would follow.
        trial = self._lib.llama_sampler_init_grammar(self._vocab, made._grammar.encode(), b"root")
        if not trial:
            raise BadAsk("The JSON schema cannot be made into a grammar.")
        self._lib.llama_sampler_free(trial)
        return made

    def generate(self, prompt: Sequence[int], sampling: Sampling, grammar: Any = None) -> Iterator[tuple[int, str]]:
        """Yield (token, text that became whole) until the model ends its turn or the context is full. A character that is
        spread over tokens comes with its last one."""
        self._llm.set_seed(sampling.seed & 0xFFFFFFFF if sampling.seed is not None else random.getrandbits(32))
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        tokens = self._llm.generate(
            list(prompt),
            temp=max(0.0, sampling.temperature),
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            min_p=sampling.min_p,
            repeat_penalty=1.0,
            grammar=grammar,
        )
        try:
            used = len(prompt)
            for token in tokens:
                if self._lib.llama_vocab_is_eog(self._vocab, token):
                    break
                yield token, decoder.decode(self._bytes(token))
                used += 1
                if used >= self.ctx:
                    break
            if rest := decoder.decode(b"", final=True):
                yield -1, rest
        finally:
            tokens.close()

    def forget(self) -> None:
        """Drop the KV state after a failure, so that the next request starts clean."""
        self._llm.reset()
        self._llm._ctx.kv_cache_clear()

    # -- vocabulary ----------------------------------------------------------------------------------------------------

    def _bytes(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            n = self._lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, token in self._markers)
            if n >= 0:
                return buffer.raw[:n]
            size = -n

    def _text(self, token: int) -> str:
        if token < 0:
            return ""
        raw = self._lib.llama_vocab_get_text(self._vocab, token)
        return raw.decode("utf-8", "replace") if raw else ""

    def _controls(self) -> set[str]:
        attr, n = self._lib.llama_vocab_get_attr, int(self._llm.n_vocab())
        return {t for i in range(n) if attr(self._vocab, i) & _CONTROL and (t := self._text(i))}


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as templates expect it: content one string, tool arguments an object."""
    out = dict(message)
    content = out.get("content")
    if isinstance(content, list):
        texts = [p.get("text") if isinstance(p, dict) and p.get("type") in ("text", "input_text") else None for p in content]
        if not all(isinstance(t, str) for t in texts):
            raise BadAsk("The local model reads text only.")
        out["content"] = "\n".join(str(t) for t in texts)
    elif content is None:
        out["content"] = ""
    elif not isinstance(content, str):
        raise BadAsk("A message's content must be text.")
    if calls := out.get("tool_calls"):
        out["tool_calls"] = [_call(c) for c in calls]
    return out


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError):
        arguments = function.get("arguments")
    return {**call, "function": {**function, "arguments": arguments}}


def _remote_ref(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        ref = schema.get("$ref")
        return (isinstance(ref, str) and not ref.startswith("#")) or any(_remote_ref(v) for v in schema.values())
    return isinstance(schema, list) and any(_remote_ref(v) for v in schema)


def _countable(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {
            k: _countable(v)
            for k, v in schema.items()
            if not (k in ("maxLength", "maxItems") and isinstance(v, int) and v > COUNTABLE)
        }
    return [_countable(v) for v in schema] if isinstance(schema, list) else schema


def default_threads() -> int:
    """Physical work wants about half of the logical cores, one at least."""
    return max(1, (os.cpu_count() or 2) // 2)
