"""Whether an answer keeps a contract: a pure judge over the restored answer.

In order, each only where the terms ask for it (core/terms.py), and of every choice:

- `tool_arguments`: each call of a function that was offered has arguments that are JSON and fit its schema; a function that was not offered
  may not be called. Freeform (custom) tools are not judged.
- `json_schema`: the text is one JSON value, alone (no fence, no words around it: the client parses it), and fits the schema. JSON Schema as
  core/schemas.py reads it. `$ref` reaches within the schema only; nothing is fetched.
- `required`: the text is a JSON object that has these fields; `a.b` is field `b` of the object at `a`.
- `labels`: the text is one of them; case, surrounding space, quotes and a full stop do not matter.
- `citations`: of the text, core/citations.py; said beside it, core/cited.py.
- `disclaimer`: the sentence stands in the text; case, spacing and emphasis marks do not matter.

A choice that only calls tools has no text to judge. What is said of a failure names places and rules of the schema, and never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from localrouter.core import citations, cited
from localrouter.core.chat import Channel, Piece
from localrouter.core.cited import Supplied
from localrouter.core.errors import ContractBroken, RouterError, SchemaFailed, ToolArgumentsBad
from localrouter.core.schemas import TOLD, Wrong, against, check_schema, parsed
from localrouter.core.terms import Terms

AGAIN = "Answer again, whole, with this mended and nothing else changed."


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """`arguments` is text: JSON, or what a freeform tool reads."""

    name: str
    arguments: str
    custom: bool = False


@dataclass(slots=True)
class Said:
    """One choice of an answer, restored. `bare`: the text for comparison alone, with every private value in its place, also those that no
    client is shown; None where it is the same. `cited`: the citations that stand beside it, bare too, and `brought` what the host's
    own tools found."""

    text: str = ""
    calls: list[ToolCalled] = field(default_factory=list)
    bare: str | None = None
    cited: list[dict[str, Any]] = field(default_factory=list)
    brought: Supplied = field(default_factory=Supplied)


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

    def said(self) -> dict[int, Said]:
        """The choices by their numbers, in order."""
        out: dict[int, Said] = {}
        for channel, parts in self._grown.items():
            choice = out.setdefault(channel.choice, Said())
            if channel.kind == "text":
                choice.text += "".join(parts)
            elif channel.kind == "tool" and channel.part == 0 and channel in self._names:
                name, custom = self._names[channel]
                choice.calls.append(ToolCalled(name, "".join(parts), custom))
        return dict(sorted(out.items()))


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
        "disclaimer": terms.disclaimer,
    }[name] is not None


def _tools(terms: Terms, said: Said) -> Wrong:
    out: Wrong = []
    for call in said.calls:
        if call.custom or terms.tools is None:
            continue
        if call.name not in terms.tools:
            out.append(("unknown tool", "a tool was called that is not offered"))
            continue
        value, fault = parsed(call.arguments or "{}")
        if fault:
            out.append((fault, f"the arguments of {call.name}: {fault}"))
        elif (schema := terms.tools[call.name]) is not None:
            out += [(rule, f"the arguments of {call.name}, {text}") for rule, text in against(schema, value)]
    return out


def _silent(said: Said) -> bool:
    """It only calls tools."""
    return bool(said.calls) and not said.text.strip()


def _schema(terms: Terms, said: Said) -> Wrong:
    if _silent(said) or terms.schema is None:
        return []
    value, fault = parsed(said.text)
    return [(fault, f"the answer is {fault}")] if fault else against(terms.schema, value)


def _required(terms: Terms, said: Said) -> Wrong:
    if _silent(said) or terms.required is None:
        return []
    value, fault = parsed(said.text)
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
    text = said.text if said.bare is None else said.bare
    sources = citations.Sources(terms.sources)
    beside = cited.unfounded(said.cited, terms.supplied or Supplied(), said.brought, sources)
    return citations.unfounded(text, sources, terms.ids) + beside


def _disclaimer(terms: Terms, said: Said) -> Wrong:
    if _silent(said) or terms.disclaimer is None or _plain(terms.disclaimer) in _plain(said.text):
        return []
    return [("disclaimer", f"the answer must hold this sentence, word for word: {terms.disclaimer}")]


def _plain(text: str) -> str:
    return " ".join(text.replace("*", "").replace("_", "").split()).casefold()


_CHECKS = (
    ("tool_arguments", _tools),
    ("json_schema", _schema),
    ("required", _required),
    ("labels", _labels),
    ("citations", _citations),
    ("disclaimer", _disclaimer),
)
_ERRORS: dict[str, tuple[type[RouterError], str]] = {
    "tool_arguments": (ToolArgumentsBad, "calls a tool with arguments that do not fit"),
    "json_schema": (SchemaFailed, "does not fit the JSON Schema that was asked for"),
    "required": (ContractBroken, "lacks what the route requires"),
    "labels": (ContractBroken, "is none of the labels that the route allows"),
    "disclaimer": (ContractBroken, "lacks the sentence that the route requires"),
    "citations": (ContractBroken, "cites what does not stand in the context that it was given"),
}
_OPENING = {
    "tool_arguments": "Your tool call was not made:",
    "json_schema": "Your answer cannot be used, since it does not fit the JSON Schema that was asked for:",
    "required": "Your answer cannot be used:",
    "labels": "Your answer cannot be used:",
    "disclaimer": "Your answer is not complete:",
    "citations": "Your answer cannot be used, since it cites what does not stand in what you were given:",
}


def check(terms: Terms) -> None:
    """Before anybody is asked. Raises BadRequest when a schema is none, so that no answer could be held against it."""
    if terms.schema is not None:
        check_schema(terms.schema, "The schema of the answer")
    for schema in (terms.tools or {}).values():
        if schema is not None:
            check_schema(schema, "The schema of a tool")
