"""What the rehearsal host reads of a request, on any of its three wires, and what it says to it.

`Seen` is the common reading; `Reply` the common answer, which each wire writes in its own shape. `answer` makes up a reply that quotes back
the tokens it was told of, as a real model would repeat them; a script gives replies of its own (see `rehearsal.Rehearsal`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

TOKEN = re.compile(
    r"\b[A-Z][A-Z_]{2,20}_(?=[A-Z0-9]{0,5}[0-9])[0-9A-HJKMNP-TV-Z]{6}\b|\bu[0-9a-z]{6}@pii\.invalid|\bh[0-9a-z]{6}\.invalid"
    r"|\b198\.1[89]\.\d{1,3}\.\d{1,3}\b|(?<=/home/)u[0-9a-z]{6}|(?<=/Users/)u[0-9a-z]{6}"
)
"""Whatever looks like a placeholder of localrouter; a real model would simply repeat it."""

WireName = Literal["chat", "responses", "messages"]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the model makes. `arguments`: JSON text of an object, or the bare text of a custom tool. `id`: "" for one made up."""

    name: str
    arguments: str
    custom: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `thought` is said before the text. `finish`: "" for what follows from the calls; else a neutral finish word.
    `fault`: as by a model's name (`500`, `drop`, `silent-20` ...), for the first `times` requests that reach this turn; after them the
    reply is said."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    thought: str = ""
    redacted: bool = False
    finish: str = ""
    refusal: bool = False
    fault: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool that the request offers."""

    name: str
    schema: dict[str, Any]
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """`texts`: all that a model would read as the conversation, in order. `results`: what tools have said. `fresh`: the last item is such
    a result. `rounds`: turns of tool calls so far. `schema`: of the answer, when one is asked for ({}: any JSON object)."""

    wire: WireName
    tree: dict[str, Any]
    headers: dict[str, str]
    model: str
    texts: tuple[str, ...] = ()
    last_user: str = ""
    last: str = ""
    results: tuple[str, ...] = ()
    fresh: bool = False
    tools: tuple[Offered, ...] = ()
    forced: str = ""
    barred: bool = False
    single: bool = False
    schema: dict[str, Any] | None = None
    rounds: int = 0
    thinks: bool = False
    limit: int = 0
    stream: bool = False
    tokens: tuple[str, ...] = field(default=())

    @property
    def fault(self) -> str:
        """What the model's name asks for."""
        return self.model.removeprefix("rehearsal-")


def tokens_of(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The placeholders in the texts, each once, in order."""
    return tuple(dict.fromkeys(TOKEN.findall("\n".join(texts))))


def flat(content: Any) -> str:
    """The words of a content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "\n".join(p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str))


def rounds_of(groups: list[list[str]]) -> int:
    """Turns of tool calls: by the round that our own call ids carry, else by how the calls stand together."""
    own = [int(m[1]) for group in groups for i in group if (m := re.match(r"(?:call|toolu)_r(\d+)n", i))]
    return max(own) + 1 if own else len(groups)


def call_id(seen: Seen, number: int, call: Call) -> str:
    """An id for the `number`-th call of this turn, unique in the conversation, that says which turn made it."""
    return call.id or f"{'toolu' if seen.wire == 'messages' else 'call'}_r{seen.rounds}n{number}"


def cut(text: str, seed: int) -> list[str]:
    """Odd pieces of 1 to 9 characters, the same for the same seed."""
    out: list[str] = []
    at = 0
    state = seed or 1
    while at < len(text):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        size = 1 + (state >> 16) % 9
        out.append(text[at : at + size])
        at += size
    return out


def instance(schema: Any, words: str, depth: int = 0) -> Any:
    """A value of a JSON Schema: the first of what it allows, `words` for each free string."""
    if not isinstance(schema, dict) or depth > 8:
        return words
    for key in ("enum", "examples"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            return instance(schema[key][0], words, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        return {k: instance(v, words, depth + 1) for k, v in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [instance(schema.get("items"), words, depth + 1)]
    return {"integer": 7, "number": 7.5, "boolean": True, "null": None}.get(kind, words)


def _arguments(tool: Offered, seen: Seen) -> str:
    if tool.custom:
        return seen.last_user
    fields = (tool.schema or {}).get("properties", {"text": {}})
    made: dict[str, Any] = {}
    for i, (name, schema) in enumerate(fields.items()):
        words = seen.last_user if i else (seen.tokens[0] if seen.tokens else "notes.txt")
        made[name] = instance(schema, words)
    if "path" in fields:
        made["path"] = "notes.txt"
    return json.dumps(made, ensure_ascii=False)


def answer(seen: Seen) -> Reply:
    """A text that quotes each token once in prose and once in a code block, or tool calls where the words ask for them."""
    said = _said(seen)
    if seen.thinks or seen.fault in ("think", "redacted"):
        about = f" of {seen.tokens[0]}" if seen.tokens else ""
        thought = f"I am asked{about}; I shall answer."
        said = Reply(said.text, said.calls, thought, seen.fault == "redacted", said.finish, said.refusal)
    return said


def _said(seen: Seen) -> Reply:
    last = seen.last_user
    if seen.fault in ("echo", "split"):
        return Reply(seen.last)
    if seen.fault == "refuse":
        return Reply("I cannot help with that (simulated).", finish="refusal", refusal=True)
    if seen.fault == "filtered":
        return Reply("I began, and", finish="content_filter")
    if seen.fault == "length":
        return Reply("I had not finished when", finish="length")
    if seen.fault == "empty":
        return Reply("")
    wants = seen.forced or re.search(r"\b(call|use|write|save|edit)\b", last, re.I)
    many = re.fullmatch(r"rounds-(\d+)", seen.fault)
    again = seen.rounds < int(many[1]) if many else not seen.fresh
    if seen.tools and (wants or many) and again and not seen.barred:
        named = [t for t in seen.tools if t.name == seen.forced] or list(seen.tools)
        parallel = seen.fault == "parallel" and not seen.single
        chosen = named[:4] if parallel else named[:1]
        calls = tuple(Call(t.name, _arguments(t, seen), t.custom) for t in chosen)
        return Reply("I shall call them all at once. " if parallel else "", calls)
    if seen.schema is not None:
        words = ", ".join(seen.tokens) or f"{len(last.split())} words"
        made = instance(seen.schema, words)
        return Reply(json.dumps(made if isinstance(made, dict) else {"answer": made}, ensure_ascii=False))
    if "<<<<<<< SEARCH" in last:
        block = last[last.index("<<<<<<< SEARCH") :]
        return Reply(f"Here is the edit again (simulated):\n\n```\n{block}\n```\n")
    lines = ["This is a simulated answer of the rehearsal host."]
    if seen.tokens:
        lines += ["I was told of: " + ", ".join(seen.tokens) + ".", "", "```text", *seen.tokens, "```"]
    else:
        lines.append(f"You asked, in {len(last.split())} words; a real model would answer here.")
    return Reply("\n".join(lines) + "\n")
