"""What one answer must satisfy: a route's contract (core/contract.py) together with what the request itself sends.

The request's schema is read where each API has it: `response_format.json_schema.schema` (OpenAI, chat completions), `text.format.schema`
(OpenAI, Responses), `output_config.format.schema` and `output_format.schema` (Anthropic, "Structured outputs"); the tools' at
`function.parameters`, `parameters` and `input_schema`. Pure: nothing is looked up, a schema that points elsewhere is refused by the judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localrouter.core.ask import Ask
from localrouter.core.cited import Supplied, supplied
from localrouter.core.contract import Contract
from localrouter.core.errors import RouteRefused
from localrouter.core.tool_rules import ToolRules

SOURCES = frozenset({"system", "user", "tool_result"})
"""Leaves that an answer may cite: what it was given, not what the model said before."""
ANY_OBJECT: dict[str, Any] = {"type": "object"}
"""What `json_object` asks for."""


@dataclass(frozen=True, slots=True)
class Terms:
    """None: not asked for. `schema` of the text; `tools`: schema by name of tool (None: it takes anything), where calls are judged.
    `sources`: the texts that may be cited, where citations are judged, `ids` the names of them, and `supplied` the documents and files
    that the request gives. `disclaimer`: a sentence that it must hold. `rules`: which calls of tools may be made."""

    schema: dict[str, Any] | None = None
    labels: tuple[str, ...] | None = None
    required: tuple[str, ...] | None = None
    tools: dict[str, dict[str, Any] | None] | None = None
    sources: tuple[str, ...] | None = None
    ids: tuple[str, ...] = ()
    supplied: Supplied | None = None
    disclaimer: str | None = None
    rules: ToolRules | None = None

    @property
    def asks(self) -> bool:
        """Whether there is anything to judge."""
        return self.rules is not None or self.promises

    @property
    def promises(self) -> bool:
        """Whether there is a contract: an answer that is empty or breaks off does not keep it, whatever it holds."""
        return any(
            term is not None for term in (self.schema, self.labels, self.required, self.tools, self.sources, self.disclaimer)
        )


def terms(
    ask: Ask, contract: Contract | None, schemas: Mapping[str, dict[str, Any]], rules: ToolRules | None = None
) -> Terms | None:
    """None when nothing is to be judged: no contract, or one that asks for what this request does not have. `rules`: for the calls of tools, where
    the request offers any. Raises RouteRefused when the contract names a schema that the recipe does not have."""
    rules = rules if rules is not None and rules.judges and ask.needs.tools else None
    if contract is None:
        return Terms(rules=rules) if rules is not None else None
    schema: dict[str, Any] | None = None
    if contract.json_schema == "request":
        schema = schema_of(ask.tree)
    elif contract.json_schema is not None:
        schema = schemas.get(contract.json_schema)
        if schema is None:
            raise RouteRefused(
                f"The contract of the route names the schema '{contract.json_schema}', which the recipe does not have.",
                f"Add [schemas.{contract.json_schema}] to the recipe.",
            )
    tools = dict(tools_of(ask.tree)) if contract.tool_arguments == "verify" else None
    cited = contract.citations == "verify"
    found = Terms(
        schema,
        contract.labels,
        contract.required,
        tools or None,
        tuple(leaf.text for leaf in ask.leaves if leaf.where in SOURCES) if cited else None,
        ask.context_ids if cited else (),
        supplied(ask.tree) if cited else None,
        # An answer that a program reads has no place for a sentence.
        None if schema is not None or contract.labels or contract.required else contract.disclaimer,
        rules,
    )
    return found if found.asks else None


def _object(node: Any, *path: str) -> dict[str, Any]:
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def schema_of(tree: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON Schema that a request wants its answer in, in any dialect; None when it wants none."""
    forms = (
        _object(tree, "response_format"),
        _object(tree, "text", "format"),
        _object(tree, "output_config", "format"),
        _object(tree, "output_format"),
    )
    for form in forms:
        if form.get("type") == "json_object":
            return ANY_OBJECT
        if form.get("type") == "json_schema":
            schema = form.get("schema", _object(form, "json_schema").get("schema"))
            return schema if isinstance(schema, dict) else ANY_OBJECT
    return None


def tools_of(tree: dict[str, Any], space: str = "") -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(name, schema of its arguments) of each function tool that a request offers. One in a namespace is `namespace__name`, as calls of it
    are read (providers)."""
    for tool in (*(tree.get("tools") or ()), *(tree.get("functions") or ())):
        if not isinstance(tool, dict) or tool.get("type") == "custom":
            continue
        if tool.get("type") == "namespace":
            yield from tools_of(tool, f"{tool.get('name')}__")
            continue
        inner = tool["function"] if isinstance(tool.get("function"), dict) else tool
        name = inner.get("name")
        schema = inner.get("parameters", inner.get("input_schema"))
        if isinstance(name, str):
            yield space + name, schema if isinstance(schema, dict) else None
