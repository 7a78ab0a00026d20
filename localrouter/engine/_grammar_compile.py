"""Grammar text to llguidance's form, within bounded time: every refusal is a sentence, and nothing ends the process.

llguidance bounds its own work by fuel and never raises on a bad grammar, but two things are left to its caller. A panic in Rust reaches
Python as an exception outside `Exception`. And a few inputs are slow before the fuel counts (`multipleOf: 999983`: over 20 s): the known
ones are refused by _grammar_schema; against the unknown ones a compilation runs in a thread of its own, which releases the GIL, and is given up after
`WALL` seconds. A thread cannot be ended, so at `GIVEN_UP` such threads new grammars are refused until one of them ends.
Source: llguidance 1.9, `LLMatcher`, `LLParserLimits` (its .pyi file gives fuel per millisecond).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from localrouter.engine._grammar_schema import BadGrammar, refused

WALL = 5.0  # seconds; the slowest schema within the limits takes 1 s on two busy cores
GIVEN_UP = 2
LIMITS = {"verbose_errors": False}  # its errors would quote the grammar's whole state

T = TypeVar("T")
_running: list[threading.Thread] = []
_lock = threading.Lock()


@dataclass(frozen=True)
class Grammar:
    """What a client asked for, in llguidance's form.

    kind: its name in complaints. json: what it produces is JSON. controls: it may name special tokens.
    """

    text: str
    kind: str
    json: bool = False
    controls: bool = False


def bounded(work: Callable[[], T], wall: float = WALL) -> T:
    """What `work` returns, or BadGrammar when it takes longer than `wall` seconds or fails in any way."""
    with _lock:
        _running[:] = [t for t in _running if t.is_alive()]
        if len(_running) >= GIVEN_UP:
            raise BadGrammar("The local engine is still busy with grammars that were too complex. Try again in a minute.")
    got: list[Any] = []

    def run() -> None:
        try:
            got.append((True, work()))
        except BaseException as exc:  # a Rust panic is no Exception
            got.append((False, exc))

    thread = threading.Thread(target=run, name="grammar", daemon=True)
    thread.start()
    thread.join(wall)
    if not got:
        with _lock:
            _running.append(thread)
        raise BadGrammar(f"The grammar is too complex: it was not ready in {wall:g} seconds.")
    fine, value = got[0]
    if fine:
        return value  # type: ignore[no-any-return]
    if isinstance(value, BadGrammar):
        raise value
    raise BadGrammar(f"The grammar cannot be read: {_short(str(value) or type(value).__name__)}") from value


def matcher(tokenizer: LLTokenizer, text: str, kind: str) -> LLMatcher:
    """A matcher at the grammar's start. `kind` names the grammar in complaints: "JSON schema", "regex" ...

    Raises: BadGrammar.
    """

    def make() -> LLMatcher:
        made = LLMatcher(tokenizer, text, log_level=0, limits=LLParserLimits(**LIMITS))
        if not made.is_error():
            made.compute_bitmask()  # what can never be satisfied shows itself only here
        return made

    made = bounded(make)
    if made.is_error():
        raise explain(made.get_error(), kind)
    return made


def explain(message: str, kind: str) -> BadGrammar:
    """llguidance's complaint as a sentence that names the keyword."""
    if found := re.search(r"Unimplemented keys: \[(.*?)\]", message):
        return refused(found.group(1).split(",")[0].strip(' "'))
    if "oneOf constraints" in message:
        return BadGrammar(
            "The JSON schema uses `oneOf` with branches that one value could satisfy together, which the local engine cannot enforce. "
            "`anyOf` it can."
        )
    if "not disjoint" in message:
        return BadGrammar(
            "The JSON schema uses `patternProperties` with patterns that one name could match together, "
            "which the local engine cannot enforce."
        )
    if "look-around" in message or "backreferences" in message:
        what = "look-around" if "look-around" in message else "back-references"
        where = "`pattern` of the JSON schema" if kind == "JSON schema" else kind
        return BadGrammar(f"The {where} uses {what}, which the local engine cannot enforce.")
    if "is not present in a registry" in message:
        return BadGrammar("The JSON schema has a `$ref` to another document; only references within the schema are followed.")
    if "circular references" in message:
        return BadGrammar(
            "The JSON schema has a `$ref` that leads back to itself beside other keywords, which cannot be enforced."
        )
    if "Unsatisfiable" in message or "NoExtensionBias" in message:
        return BadGrammar(f"The {kind} can never be satisfied.")
    if re.search(r"too (large|big|complex|many)|fuel|limit", message, re.IGNORECASE):
        return BadGrammar(f"The {kind} is too large for the local engine.")
    return BadGrammar(f"The {kind} is not valid: {_short(message)}")


def _short(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip() and not line.strip().startswith("<")]
    return " ".join(lines)[:200]
