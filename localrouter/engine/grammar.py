"""Constrained decoding: JSON Schema, any JSON object, regex, Lark, GBNF and choices, on llguidance's token masks.

A `Grammar` is what a client asked for, checked and compiled once. A `Vocabulary` is a model's tokens, built once per loaded model. A
`Constraint` is one running sequence: before a token is sampled it sets the logits of all tokens that the grammar does not allow to
minus infinity, after it is told which one was taken.

**JSON is written without a choice of whitespace**: one space after `,` and `:`, as Python's json.dumps and most tool-call training data
have it, none elsewhere. A weak model cannot lose itself in line breaks, and all that is certain (keys, punctuation) is forced text that
the engine can read as a prompt instead of sampling it token by token.

**Finishing inside the budget.** A mask alone lets a model talk inside a string until its tokens are spent, and half a JSON value is worth
nothing. So `mask(logits, left)` knows how many tokens are left, and the constraint keeps a *way out*: bytes that complete the grammar from
here (_grammar_close.py; for a regex with a long fixed ending none may be found). Their token count `need` is an upper bound of what closing
takes. As long as `left` is far above `need`, nothing changes. When the two come close (within `reserve`, a third of the budget at most), each
of the `CANDIDATES` likeliest tokens is tried on a copy of the parser, and stays only if the grammar can still be completed after it with the
tokens then left. The way out's first token always stays, and its logit rises by up to `PRESSURE` as the margin shrinks, so that a sentence
ends before it is cut. By induction an answer whose `need` once fitted into `left` is complete at its last token. A model that ends by itself
before that is never touched, and where no way out fits, nothing is pressed.

Special tokens of the model (chat markers) can never be produced inside a grammar, except those that a Lark grammar of our own template
families names (`lark(text, controls=True)`).
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLTokenizer
from llguidance.gbnf_to_lark import any_to_lark

from localrouter.engine._grammar_close import Steps, accepts, in_string, way_out
from localrouter.engine._grammar_compile import bounded, explain, matcher
from localrouter.engine._grammar_schema import BadGrammar, rewrite

__all__ = [
    "BadGrammar",
    "Constraint",
    "Grammar",
    "Vocabulary",
    "any_json_object",
    "choice",
    "gbnf",
    "json_schema",
    "lark",
    "regex",
]

TEXT_BYTES = 64 * 1024  # of a regex or a grammar as text; GBNF is read by recursion in Python
CHOICES = 10_000
CANDIDATES = 16
SEARCHES = 4  # of the candidates that the known way out does not fit, how many get a search of their own in one step
PRESSURE = 8.0  # logits
KEPT = 64  # grammars and start states kept: editors send the same tools with each request
SEARCH = 512  # tokens of a way out at most

# llguidance's options, by its docs/json_schema.md. No \u escapes: one spelling a name, so that "\u0061" cannot pass as another name than "a".
JSON_OPTIONS = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "json_allowed_escapes": 'nrbtf\\"',
    "coerce_one_of": False,
    "lenient": False,
}


@dataclass(frozen=True)
class Grammar:
    """What a client asked for, in llguidance's form.

    kind: its name in complaints. json: what it produces is JSON. controls: it may name special tokens.
    """

    text: str
    kind: str
    json: bool = False
    controls: bool = False


class Vocabulary:
    """A model's tokens as llguidance wants them.

    pieces: the bytes of each token as they stand in text (llama_token_to_piece with special=True for those in `controls`); need not be
        UTF-8, may repeat, and may be empty (never produced).
    eos: ids that end the turn; at least one. They are allowed where the grammar may end, and nowhere else.
    controls: ids of control tokens; never produced inside a grammar. Their pieces are their names in a Lark grammar (`<|name|>`).
    tokenize: text to token ids by the model's own tokenizer, without BOS and without special tokens. Forced text is then read in the pieces
        that the model knows. Without it the longest piece that fits is taken.
    """

    def __init__(
        self,
        pieces: Sequence[bytes],
        eos: Sequence[int],
        *,
        controls: frozenset[int] = frozenset(),
        tokenize: Callable[[bytes], Sequence[int]] | None = None,
    ) -> None:
        self.size = len(pieces)
        self.eos = tuple(dict.fromkeys(i for i in eos if 0 <= i < self.size))
        if not self.eos:
            raise ValueError("A vocabulary needs a token that ends the turn.")
        self._special = frozenset(controls) | frozenset(self.eos)
        self._names = [bytes(p) for p in pieces]
        self.pieces = [b"" if i in self._special else p for i, p in enumerate(self._names)]
        self._tokenize = tokenize
        self._bytes = {p[0]: i for i, p in enumerate(self.pieces) if len(p) == 1}
        self._plain = self._build(self.pieces, self.eos)
        self._named: LLTokenizer | None = None
        self.steps = Steps(self.pieces, [bool(p) for p in self.pieces])
        self._starts: OrderedDict[Grammar, tuple[LLMatcher, bytes | None]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, grammar: Grammar) -> Constraint:
        """A constraint at the beginning of `grammar`. Raises: BadGrammar when the grammar does not fit this model."""
        with self._lock:
            found = self._starts.get(grammar)
            if found is not None:
                self._starts.move_to_end(grammar)
        if found is None:
            tokenizer = self.tokenizer(grammar.controls)
            made = matcher(tokenizer, grammar.text, grammar.kind)
            _try(made, grammar.kind)
            out = bounded(lambda: way_out(made, self.spell, self.pieces, self.steps, None, (False, False), SEARCH))
            found = (made, out)
            with self._lock:
                self._starts[grammar] = found
                while len(self._starts) > KEPT:
                    self._starts.popitem(last=False)
        return Constraint(self, grammar, found[0].deep_copy(), found[1])

    def tokenizer(self, controls: bool = False) -> LLTokenizer:
        """llguidance's tokenizer; with `controls` the special tokens have their names."""
        if not controls:
            return self._plain
        if self._named is None:
            self._named = self._build(self._names, tuple(self._special))
        return self._named

    def _build(self, pieces: Sequence[bytes], special: Sequence[int]) -> LLTokenizer:
        return LLTokenizer(_Wrapper(pieces, self.eos, special, self._forced), eos_token=list(self.eos))  # type: ignore[arg-type]

    def _forced(self, text: bytes) -> list[int]:
        if self._tokenize is not None:
            try:
                ids = [int(t) for t in self._tokenize(text)]
                if b"".join(self.pieces[t] for t in ids) == text:
                    return ids
            except Exception:  # noqa: S110 - SentencePiece adds a space at the start, others refuse parts of characters: the longest pieces always fit
                pass
        return self.spell(text)

    def spell(self, text: bytes) -> list[int]:
        """Tokens of these bytes, the longest that fit first; a character may be cut, and is then spelt in bytes."""
        out: list[int] = []
        while text:
            try:
                return out + list(self._plain.greedy_tokenize(text.decode()))
            except UnicodeDecodeError as exc:
                out += self._plain.greedy_tokenize(text[: exc.start].decode()) if exc.start else []
                if text[exc.start] in self._bytes:
                    out.append(self._bytes[text[exc.start]])
                text = text[exc.start + 1 :]
        return out


class _Wrapper:
    """What LLTokenizer asks of a tokenizer (llguidance's _tokenizer.py)."""

    is_tokenizer_wrapper = True

    def __init__(
        self, pieces: Sequence[bytes], eos: Sequence[int], special: Sequence[int], call: Callable[[bytes], list[int]]
    ) -> None:
        self.tokens = list(pieces)
        self.eos_token_id = eos[0]
        self.bos_token_id = None
        self.special_token_ids = [i for i in special if i not in eos] + list(eos)
        self._call = call

    def __call__(self, text: str | bytes) -> list[int]:
        return self._call(text.encode() if isinstance(text, str) else bytes(text))


def _try(start: LLMatcher, kind: str) -> None:
    """A few steps on a copy: what is too complex to follow says so now, and not in the middle of an answer."""
    trial = start.deep_copy()
    for _ in range(4):
        fits = np.flatnonzero(np.unpackbits(np.frombuffer(trial.compute_bitmask(), np.uint8), bitorder="little"))
        if trial.is_stopped() or not len(fits) or trial.try_consume_tokens([int(fits[-1])]) != 1:
            break
    if trial.is_error():
        raise explain(trial.get_error(), kind)


class Constraint:
    """One sequence under a grammar. Not for two threads at once."""

    def __init__(self, vocabulary: Vocabulary, grammar: Grammar, matcher: LLMatcher, out: bytes | None) -> None:
        self._vocabulary = vocabulary
        self._json = grammar.json
        self._kind = grammar.kind
        self._matcher = matcher
        self._out = out  # bytes that complete the grammar, as far as `_fresh`
        self._fresh = True
        self._state = (False, False)  # in_string
        self._budget = 0  # the first `left` seen
        self._look = 0  # look at the way out again when `left` is at most this
        self._ended = False

    # -- one step ------------------------------------------------------------------------------------------------------

    def mask(self, logits: npt.NDArray[np.float32], left: int | None = None) -> None:
        """Set the logits of tokens that may not come next to minus infinity, in place.

        logits: (n,) float32 with n at least the vocabulary's size (padding is never allowed). left: tokens that may still be produced, this
        one included; without it there is no closing pressure. Raises: BadGrammar when the grammar became too complex to go on.
        """
        voc = self._vocabulary
        if self.done:
            keep = logits[list(voc.eos)].copy()
            logits[:] = -np.inf
            logits[list(voc.eos)] = np.where(np.isfinite(keep), keep, 0.0)
            return
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        if self._matcher.is_error():
            raise BadGrammar(f"The {self._kind} became too complex to follow.")
        allowed = np.unpackbits(bits, bitorder="little")[: voc.size]
        if len(logits) > voc.size:
            logits[voc.size :] = -np.inf
        np.copyto(logits[: voc.size], -np.inf, where=allowed == 0)
        if left is not None:
            self._press(logits, allowed, left)

    def accept(self, token: int) -> bool:
        """Go on by one token. False when it was not allowed; the constraint then stays where it was. Raises: BadGrammar as `mask` does."""
        if token in self._vocabulary.eos and (self.done or self.accepting):
            self._ended = True
            return True
        if self.done or not 0 <= token < self._vocabulary.size:
            return False
        if self._matcher.try_consume_tokens([token]) != 1:
            if self._matcher.is_error():
                raise BadGrammar(f"The {self._kind} became too complex to follow.")
            return False
        text = self._vocabulary.pieces[token]
        if self._json:
            self._state = in_string(text, *self._state)
        if self._fresh and self._out and text and self._out.startswith(text):
            self._out = self._out[len(text) :]
        else:
            self._fresh = False
        return True

    def forced(self) -> list[int]:
        """The tokens that must come next, in order; may be empty. `accept` takes each."""
        return [] if self.done else list(self._matcher.compute_ff_tokens())

    @property
    def done(self) -> bool:
        """The grammar is complete and only the end of the turn may follow."""
        return self._ended or (self._matcher.is_stopped() and not self._matcher.is_error())

    @property
    def accepting(self) -> bool:
        """What was produced so far is a complete text of the grammar."""
        return self._ended or self._matcher.is_accepting()

    # -- finishing -----------------------------------------------------------------------------------------------------

    def need(self, most: int = SEARCH) -> int | None:
        """An upper bound of the tokens that complete the grammar, its end of turn included; None when no way out was found."""
        self._refresh(most)
        return None if self._out is None else self._tokens(self._out) + 1

    def _refresh(self, most: int) -> None:
        if self._fresh:
            return
        if self._out is not None and accepts(self._matcher, self._vocabulary.spell(self._out)):
            self._fresh = True
            return
        voc = self._vocabulary
        self._out = way_out(self._matcher, voc.spell, voc.pieces, voc.steps, self._out, self._state, max(1, min(most, SEARCH)))
        self._fresh = True

    def _press(self, logits: npt.NDArray[np.float32], allowed: npt.NDArray[np.uint8], left: int) -> None:
        self._budget = max(self._budget, left)
        if self._look == 0:
            self._look = self._budget
        if left > self._look:
            return
        need = self.need(left + 1)
        if need is None or need > left:
            # No way out fits: pressing would spoil the answer for nothing. Look again soon, the model may close something itself.
            self._look = left - 1
            return
        reserve = min(max(need, 48), max(1, self._budget // 3))
        margin = left - need
        if margin > reserve:
            # A token can add to `need` about what it opens; by half of the way it cannot have outgrown the rest as a rule.
            self._look = left - max(1, (margin - reserve) // 2)
            return
        self._look = left
        way = self._first(allowed)
        if margin == 0 and way >= 0:
            rise = logits[way]
            logits[:] = -np.inf
            logits[way] = rise
            return
        kept, searches = np.full_like(logits, -np.inf), SEARCHES
        k = min(CANDIDATES, int(allowed.sum()))
        likely = np.argpartition(logits[: self._vocabulary.size], -k)[-k:]
        for token in likely[np.argsort(-logits[likely])]:
            if np.isfinite(logits[token]):
                fits, searched = self._fits(int(token), left - 1, searches > 0)
                searches -= searched
                if fits:
                    kept[token] = logits[token]
        if way >= 0:
            kept[way] = logits[way] + PRESSURE * (1 - margin / (reserve + 1)) ** 2
        if np.isfinite(kept).any():
            logits[:] = kept

    def _first(self, allowed: npt.NDArray[np.uint8]) -> int:
        """The allowed token that goes furthest along the way out; the end of the turn when there is nothing left to write."""
        if not self._out:
            return next((i for i in self._vocabulary.eos if allowed[i]), -1)
        for size in range(min(len(self._out), 24), 0, -1):
            spelt = self._vocabulary.spell(self._out[:size])
            if len(spelt) == 1 and allowed[spelt[0]]:
                return spelt[0]
        return -1

    def _fits(self, token: int, left: int, search: bool) -> tuple[bool, bool]:
        """(the grammar can still be completed in `left` tokens after `token`, a search was made for it)."""
        voc = self._vocabulary
        if token in voc.eos:
            return True, False
        after = self._matcher.deep_copy()
        if after.try_consume_tokens([token]) != 1:
            return False, False
        out, text = self._out, voc.pieces[token]
        if out is not None:
            tokens = voc.spell(out[len(text) :] if text and out.startswith(text) else out)
            if len(tokens) + 1 <= left and accepts(after, tokens):
                return True, False
        if not search:
            return False, False
        state = in_string(text, *self._state) if self._json else self._state
        found = way_out(after, voc.spell, voc.pieces, voc.steps, out, state, max(1, min(left, SEARCH)), tries=1)
        return found is not None and self._tokens(found) + 1 <= left, True

    def _tokens(self, text: bytes) -> int:
        return len(self._vocabulary.spell(text))


# -- grammars ----------------------------------------------------------------------------------------------------------

_known: OrderedDict[tuple[str, str], Grammar] = OrderedDict()
_known_lock = threading.Lock()
_BYTES = LLTokenizer(_Wrapper([bytes([i]) for i in range(256)] + [b""], [256], (), list), eos_token=[256])  # type: ignore[arg-type]


def json_schema(schema: Any) -> Grammar:
    """A JSON value that the schema (draft 2020-12 and before) allows, members in the schema's order.

    Raises: BadGrammar, which names the keyword that cannot be enforced, or says that the schema is too large, too deep, not valid, or refers to
    another document.
    """

    def make() -> Grammar:
        text = LLMatcher.grammar_from_json_schema(json.dumps(rewrite(schema)), overrides=JSON_OPTIONS)  # type: ignore[arg-type]
        return _checked(Grammar(text, "JSON schema", json=True))

    try:
        key = json.dumps(schema)
    except (TypeError, ValueError, RecursionError) as exc:
        raise BadGrammar("The JSON schema is too deep or is not JSON.") from exc
    return _kept(("json_schema", key), make)


def any_json_object() -> Grammar:
    """Any JSON object."""
    return json_schema({"type": "object"})


def regex(pattern: str) -> Grammar:
    """Text that matches the whole pattern (Rust's regex syntax, without look-around and back-references). Raises: BadGrammar."""
    _sized(pattern, "regex")
    bare = re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1", pattern.removeprefix("^"))  # it is anchored at both ends anyway
    return _kept(("regex", pattern), lambda: _checked(Grammar(LLMatcher.grammar_from_regex(bare), "regex")))


def lark(text: str, *, controls: bool = False) -> Grammar:
    """llguidance's Lark dialect (its docs/syntax.md). With `controls` the grammar may name the model's special tokens; never for a client's text.

    Raises: BadGrammar. Names of special tokens are checked when a vocabulary starts it.
    """
    _sized(text, "grammar")
    made = Grammar(LLMatcher.grammar_from_lark(text), "grammar", json="%json" in text, controls=controls)
    return made if controls else _kept(("lark", text), lambda: _checked(made))


def gbnf(text: str) -> Grammar:
    """llama.cpp's GBNF (its grammars/README.md), by llguidance's converter. Raises: BadGrammar."""
    _sized(text, "grammar")

    def make() -> Grammar:
        try:
            converted = any_to_lark(_characters(text))
        except RecursionError as exc:
            raise BadGrammar("The grammar is nested too deep.") from exc
        except Exception as exc:  # the converter raises plain exceptions, with the place in their text
            raise BadGrammar(f"The grammar is not valid GBNF: {str(exc)[:200]}") from exc
        return _checked(Grammar(LLMatcher.grammar_from_lark(converted), "grammar"))

    return _kept(("gbnf", text), make)


def choice(options: Sequence[str]) -> Grammar:
    """Exactly one of these strings, as plain text. Raises: BadGrammar when there is none, one is empty, or there are too many."""
    if isinstance(options, str) or not options or not all(isinstance(o, str) and o for o in options):
        raise BadGrammar("A choice needs a list of strings, none of them empty.")
    if len(options) > CHOICES or sum(map(len, options)) > 8 * TEXT_BYTES:
        raise BadGrammar(f"A choice takes {CHOICES} strings and {8 * TEXT_BYTES} characters at most.")
    unique = list(dict.fromkeys(options))
    text = "start: " + " | ".join(json.dumps(o, ensure_ascii=False) for o in unique)
    return _kept(("choice", text), lambda: _checked(Grammar(LLMatcher.grammar_from_lark(text), "choice")))


def of(kind: str, value: Any) -> Grammar:
    """By the name that clients use: json_schema, regex, lark, gbnf, choice. Raises: BadGrammar."""
    make: Mapping[str, Callable[[Any], Grammar]] = {
        "json_schema": json_schema,
        "regex": regex,
        "lark": lark,
        "gbnf": gbnf,
        "choice": choice,
    }
    if kind not in make:
        raise BadGrammar(f"A grammar is one of {', '.join(make)}; {kind[:40]!r} is none of them.")
    if kind in ("regex", "lark", "gbnf") and not isinstance(value, str):
        raise BadGrammar(f"The {kind} must be text.")
    return make[kind](value)


def _sized(text: str, kind: str) -> None:
    if len(text.encode("utf-8", "replace")) > TEXT_BYTES:
        raise BadGrammar(f"The {kind} is longer than {TEXT_BYTES} bytes.")


def _checked(grammar: Grammar) -> Grammar:
    matcher(_BYTES, grammar.text, grammar.kind)
    return grammar


def _kept(key: tuple[str, str], make: Callable[[], Grammar]) -> Grammar:
    with _known_lock:
        found = _known.get(key)
        if found is not None:
            _known.move_to_end(key)
            return found
    made = bounded(make, 2 * 5.0)
    with _known_lock:
        _known[key] = made
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return made


_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)


def _characters(text: str) -> str:
    r"""GBNF's \u and \U escapes as the characters themselves: the converter writes them in a form that its own parser refuses."""

    def one(found: re.Match[str]) -> str:
        code = found.group(1) or found.group(2)
        if code is None:
            return found.group()
        value = int(code, 16)
        if value < 0x80:
            return f"\\x{value:02x}"
        if value > 0x10FFFF or 0xD800 <= value < 0xE000:
            raise BadGrammar(f"The grammar has the escape \\u{code}, which is no character.")
        return chr(value)

    return _ESCAPE.sub(one, text)
