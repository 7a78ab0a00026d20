"""Whether an answer keeps a contract: a pure judge over the restored answer.

In order, each only where the terms ask for it (core/terms.py), and of every choice:

- `tool_arguments`: each call of a function that was offered has arguments that are JSON and fit its schema; a function that was not offered
  may not be called. Freeform (custom) tools are not judged.
- `json_schema`: the text is one JSON value, alone (no fence, no words around it: the client parses it), and fits the schema. JSON Schema as
  jsonschema reads it: the draft that `$schema` names, else 2020-12. `$ref` reaches within the schema only; nothing is fetched.
- `required`: the text is a JSON object that has these fields; `a.b` is field `b` of the object at `a`.
- `labels`: the text is one of them; case, surrounding space, quotes and a full stop do not matter.
- `citations`: core/citations.py.

A choice that only calls tools has no text to judge. What is said of a failure names places and rules of the schema, and never a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from localrouter.core import citations
from localrouter.core.chat import Channel, Piece
from localrouter.core.errors import BadRequest, ContractBroken, RouterError, SchemaFailed, ToolArgumentsBad
from localrouter.core.terms import Terms

TOLD = 8
"""Places that a complaint names at most."""
PATTERN_S = 0.2
"""Seconds for one regular expression of a schema, which may be written so that it never ends."""
DEPTH = 64
"""Levels of an answer, as of a request (daemon/door.py)."""
AGAIN = "Answer again, whole, with this mended and nothing else changed."


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """`arguments` is text: JSON, or what a freeform tool reads."""

    name: str
    arguments: str
    custom: bool = False


@dataclass(slots=True)
class Said:
    """One choice of an answer, restored."""

    text: str = ""
    calls: list[ToolCalled] = field(default_factory=list)


class Listener:
    """Collects what a client will read from restored pieces. What repeats a channel (`whole`) counts only where nothing of it came before."""

    def __init__(self) -> None:
        self._grown: dict[Channel, list[str]] = {}
        self._names: dict[Channel, tuple[str, bool]] = {}

    def hear(self, pieces: Sequence[Piece], texts: Sequence[str], extra: Sequence[tuple[Channel, str]] = ()) -> None:
        """`texts` are the restored texts of `pieces`; `extra` belongs before them."""
        for channel, text in extra:
            self._grown.setdefault(channel, []).append(text)
        for piece, text in zip(pieces, texts, strict=False):
            channel = piece.channel
            if piece.mirror or piece.opaque or piece.cites or (piece.whole and channel in self._grown):
                continue
            if piece.tool:
                self._names.setdefault(channel, (piece.tool, piece.custom))
            if text or piece.tool:
                self._grown.setdefault(channel, []).append(text)

    def said(self) -> list[Said]:
        """The choices, in order."""
        out: dict[int, Said] = {}
        for channel, parts in self._grown.items():
            choice = out.setdefault(channel.choice, Said())
            if channel.kind == "text":
                choice.text += "".join(parts)
            elif channel.kind == "tool" and channel.part == 0 and channel in self._names:
                name, custom = self._names[channel]
                choice.calls.append(ToolCalled(name, "".join(parts), custom))
        return [out[n] for n in sorted(out)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`error`: None when the answer holds. `complaint`: what the model is told. `checks`: for the record, one word a check and whether it
    held; `rules`: the schema's rules that were broken (`required`, `type` ...), no names and no values."""

    error: RouterError | None = None
    complaint: str = ""
    checks: tuple[tuple[str, bool], ...] = ()
    rules: tuple[str, ...] = ()


def judge(terms: Terms, choices: Sequence[Said], model: str) -> Verdict:
    """`model`: for the sentence. Never raises for what an answer holds."""
    checks: list[tuple[str, bool]] = []
    for name, check in _CHECKS:
        if not _asked(terms, name):
            continue
        for said in choices or (Said(),):
            found = check(terms, said)
            if found:
                checks.append((name, False))
                rules = tuple(dict.fromkeys(rule for rule, _ in found))
                wrong = "\n".join(f"- {text}" for _, text in found[:TOLD])
                kind, what = _ERRORS[name]
                error = kind(
                    f"The answer of {model} {what} ({', '.join(rules[:4])}).", "Ask again, or loosen the route's contract."
                )
                return Verdict(error, f"{_OPENING[name]}\n{wrong}\n{AGAIN}", tuple(checks), rules)
        checks.append((name, True))
    return Verdict(checks=tuple(checks))


def _asked(terms: Terms, name: str) -> bool:
    return {
        "tool_arguments": terms.tools,
        "json_schema": terms.schema,
        "required": terms.required,
        "labels": terms.labels,
        "citations": terms.sources,
    }[name] is not None


Wrong = list[tuple[str, str]]
"""(rule, sentence) of each fault."""


def _tools(terms: Terms, said: Said) -> Wrong:
    out: Wrong = []
    for call in said.calls:
        if call.custom or terms.tools is None:
            continue
        if call.name not in terms.tools:
            out.append(("unknown tool", "a tool was called that is not offered"))
            continue
        value, fault = _parsed(call.arguments or "{}")
        if fault:
            out.append((fault, f"the arguments of {call.name}: {fault}"))
        elif (schema := terms.tools[call.name]) is not None:
            out += [(rule, f"the arguments of {call.name}, {text}") for rule, text in _against(schema, value)]
    return out


def _silent(said: Said) -> bool:
    """It only calls tools."""
    return bool(said.calls) and not said.text.strip()


def _schema(terms: Terms, said: Said) -> Wrong:
    if _silent(said) or terms.schema is None:
        return []
    value, fault = _parsed(said.text)
    return [(fault, f"the answer is {fault}")] if fault else _against(terms.schema, value)


def _required(terms: Terms, said: Said) -> Wrong:
    if _silent(said) or terms.required is None:
        return []
    value, fault = _parsed(said.text)
    if fault or not isinstance(value, dict):
        return [(fault or "not an object", "the answer must be one JSON object, and nothing else")]
    return [("required", f"the field {name} is missing") for name in terms.required if not _has(value, name)]


def _has(value: Any, name: str) -> bool:
    if isinstance(value, dict) and name in value:
        return True
    head, dot, rest = name.partition(".")
    return bool(dot) and isinstance(value, dict) and _has(value.get(head), rest)


def _labels(terms: Terms, said: Said) -> Wrong:
    if _silent(said) or terms.labels is None:
        return []
    known = {_bare(label) for label in terms.labels}
    listed = ", ".join(terms.labels)
    return [] if _bare(said.text) in known else [("label", f"the answer must be one of these words and nothing else: {listed}")]


def _bare(text: str) -> str:
    return text.strip().strip("\"'`").strip().removesuffix(".").strip("\"'`").casefold()


def _citations(terms: Terms, said: Said) -> Wrong:
    if terms.sources is None:
        return []
    return citations.unfounded(said.text, terms.sources, terms.ids)


_CHECKS = (
    ("tool_arguments", _tools),
    ("json_schema", _schema),
    ("required", _required),
    ("labels", _labels),
    ("citations", _citations),
)
_ERRORS: dict[str, tuple[type[RouterError], str]] = {
    "tool_arguments": (ToolArgumentsBad, "calls a tool with arguments that do not fit"),
    "json_schema": (SchemaFailed, "does not fit the JSON Schema that was asked for"),
    "required": (ContractBroken, "lacks what the route requires"),
    "labels": (ContractBroken, "is none of the labels that the route allows"),
    "citations": (ContractBroken, "cites what does not stand in the context that it was given"),
}
_OPENING = {
    "tool_arguments": "Your tool call was not made:",
    "json_schema": "Your answer cannot be used, since it does not fit the JSON Schema that was asked for:",
    "required": "Your answer cannot be used:",
    "labels": "Your answer cannot be used:",
    "citations": "Your answer cannot be used, since it cites what does not stand in what you were given:",
}


# --- JSON Schema ---------------------------------------------------------------------------------


def _parsed(text: str) -> tuple[Any, str]:
    """(value, "") or (None, what it is instead of JSON)."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None, "not JSON"
    return (value, "") if _depth(value) <= DEPTH else (None, "nested too deeply")


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= DEPTH:
        depth += 1
        level = [c for v in level if isinstance(v, (dict, list)) for c in (v.values() if isinstance(v, dict) else v)]
    return depth


@cache
def _library() -> tuple[Any, Any, Any]:
    """(jsonschema, an empty registry, a cache of validator classes). Loaded with the first schema: 60 ms that a daemon without contracts
    has no use for."""
    import jsonschema
    import referencing

    return jsonschema, referencing.Registry(), {}


def _validator(schema: dict[str, Any]) -> Any:
    """A validator that fetches nothing and whose patterns end. Raises jsonschema's SchemaError."""
    library, registry, made = _library()
    base = library.validators.validator_for(schema, default=library.Draft202012Validator)
    base.check_schema(schema)
    own = made.get(base)
    if own is None:
        own = made[base] = library.validators.extend(base, {"pattern": _pattern, "patternProperties": _no_pattern_keys})
    return own(schema, registry=registry)


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """As in jsonschema, but with a limit of time."""
    import regex

    library = _library()[0]
    if not isinstance(instance, str):
        return
    try:
        held = regex.search(pattern, instance, timeout=PATTERN_S) is not None
    except (TimeoutError, regex.error):
        held = False
    if not held:
        yield library.ValidationError("pattern")


def _no_pattern_keys(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """As in jsonschema, but with a limit of time."""
    import regex

    if not isinstance(instance, dict):
        return
    for pattern, sub in patterns.items():
        for key, value in instance.items():
            try:
                found = regex.search(pattern, key, timeout=PATTERN_S)
            except (TimeoutError, regex.error):
                found = None
            if found is not None:
                yield from validator.descend(value, sub, path=key, schema_path=pattern)


def check(terms: Terms) -> None:
    """Before anybody is asked. Raises BadRequest when a schema is none, so that no answer could be held against it."""
    if terms.schema is not None:
        _check_schema(terms.schema, "The schema of the answer")
    for schema in (terms.tools or {}).values():
        if schema is not None:
            _check_schema(schema, "The schema of a tool")


def _check_schema(schema: dict[str, Any], where: str) -> None:
    try:
        _validator(schema)
    except Exception as exc:
        kind = type(exc).__name__
        if kind not in ("SchemaError", "RecursionError", "UnknownType", "error"):
            raise
        raise BadRequest(f"{where} is not a valid JSON Schema, so the answer cannot be held against it.", "Correct it.") from None


def _against(schema: dict[str, Any], value: Any) -> Wrong:
    """Every broken rule: its word, and a sentence with the place and the rule. A reference that leads out of the schema, and a schema that
    never ends, are faults too: what cannot be judged does not count."""
    out: Wrong = []
    try:
        for error in _validator(schema).iter_errors(value):
            out.append((str(error.validator), _sentence(error)))
            if len(out) >= TOLD:
                break
    except RecursionError:
        return [("endless schema", "the schema cannot be judged to its end")]
    except Exception as exc:
        if "Unresolvable" not in type(exc).__name__ and "Unresolvable" not in str(type(exc).__mro__):
            raise
        return [("$ref", "the schema refers to what is not in it")]
    return out


_SHOWN = frozenset({
    "type", "required", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems", "multipleOf", "format", "minProperties", "maxProperties", "additionalProperties",
})  # fmt: skip
"""Rules whose own value tells what to do."""


def _sentence(error: Any) -> str:
    """Where and which rule; the rule's value is the schema's, never the answer's."""
    place = "/".join(str(step) for step in error.absolute_path)
    rule = str(error.validator)
    value = error.validator_value
    if rule == "required" and isinstance(value, list):
        have = error.instance if isinstance(error.instance, dict) else {}
        value = [name for name in value if name not in have]
    shown = f" {json.dumps(value, ensure_ascii=False)[:300]}" if rule in _SHOWN and not isinstance(value, dict) else ""
    return f"at /{place}: it breaks the rule `{rule}`{shown}"
