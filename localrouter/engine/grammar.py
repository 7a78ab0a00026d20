"""Constrained decoding: JSON Schema, any JSON object, regex, Lark, GBNF and choices, on llguidance's token masks.

A `Grammar` is what a client asked for, checked and compiled once. A `Vocabulary` is a model's tokens, built once per loaded model. A
`Constraint` is one running sequence: before a token is sampled it sets the logits of all tokens that the grammar does not allow to
minus infinity, after it is told which one was taken.

**JSON is written without a choice of whitespace**: one space after `,` and `:`, as Python's json.dumps and most tool-call training data
have it, none elsewhere. A weak model cannot lose itself in line breaks, and all that is certain (keys, punctuation) is forced text that
the engine can read as a prompt instead of sampling it token by token.

**Answers end inside their budget**: _grammar_constraint.py says how.

Special tokens of the model (chat markers) can never be produced inside a grammar, except those that a Lark grammar of our own template
families names (`lark(text, controls=True)`).
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llguidance import LLMatcher, LLTokenizer
from llguidance.gbnf_to_lark import any_to_lark

from localrouter.engine._grammar_compile import WALL, Grammar, bounded, matcher
from localrouter.engine._grammar_constraint import Constraint
from localrouter.engine._grammar_schema import BadGrammar, rewrite
from localrouter.engine._grammar_vocabulary import Vocabulary, Wrapper

__all__ = [
    "BadGrammar",
    "Constraint",
    "Grammar",
    "Vocabulary",
    "choice",
    "embedded",
    "gbnf",
    "json_schema",
    "lark",
    "of",
    "regex",
]

TEXT_BYTES = 64 * 1024  # of a regex or a grammar as text; GBNF is read by recursion in Python
CHOICES = 10_000
KEPT = 64  # compiled grammars

# llguidance's options, by its docs/json_schema.md. No \u escapes: one spelling a name, so that "\u0061" cannot pass as another name than "a".
JSON_OPTIONS = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "json_allowed_escapes": 'nrbtf\\"',
    "coerce_one_of": False,
    "lenient": False,
}


_known: OrderedDict[tuple[str, str], Grammar] = OrderedDict()
_known_lock = threading.Lock()
_BYTES = LLTokenizer(Wrapper([bytes([i]) for i in range(256)] + [b""], [256], (), list), eos_token=[256])  # type: ignore[arg-type]


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


def embedded(schema: Any, *, lenient: bool = True) -> str:
    """A tool's parameters as text behind `%json` in a Lark grammar, written like all JSON here.

    A tool's schema describes what its owner will check, and is no promise of ours: keywords that cannot be enforced are left out instead of
    refused, unless not `lenient`. Raises: BadGrammar when it is no schema, too large or too deep.
    """
    return json.dumps(
        {**rewrite(schema, lenient=lenient), "x-guidance": {**JSON_OPTIONS, "lenient": lenient}}, ensure_ascii=False
    )


def json_hint(schema: Any) -> Grammar:
    """A JSON value that the schema allows as far as a grammar can say it, for whoever judges the answer afterwards: keywords that cannot be
    enforced are left out. Raises: BadGrammar when it is no schema, too large or too deep."""
    return lark("start: %json " + embedded(schema))


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
    """By the name that clients use: json_schema, json_hint, regex, lark, gbnf, choice. Raises: BadGrammar."""
    make: Mapping[str, Callable[[Any], Grammar]] = {
        "json_schema": json_schema,
        "json_hint": json_hint,
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
    made = bounded(make, 2 * WALL)
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
