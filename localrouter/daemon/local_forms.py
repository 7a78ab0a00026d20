"""The form of an answer in the words of local servers' clients, beside OpenAI's `response_format`: as the engine takes it (engine/grammar.py, `of`).

Sources: llama.cpp, tools/server/README.md (`grammar`, `json_schema`, `response_format` with a schema of its own); vLLM's documents, "Structured
Outputs" (`structured_outputs`, and `guided_*` before); SGLang's documents, "Structured Outputs" (`regex`, `ebnf`). One of them at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localrouter.core.errors import BadRequest

_KINDS = {
    "grammar": "gbnf", "guided_grammar": "gbnf", "ebnf": "gbnf", "json_schema": "json_schema", "guided_json": "json_schema",
    "guided_regex": "regex", "regex": "regex", "guided_choice": "choice",
}  # fmt: skip
_NESTED = {"json": "json_schema", "regex": "regex", "choice": "choice", "grammar": "gbnf"}
"""Of `structured_outputs`."""


def form_of(tree: Mapping[str, Any]) -> dict[str, Any] | None:
    """{"kind", "value"} of what a request asks for, None where it names no form in these words. Raises BadRequest where it names several."""
    found = [(name, kind, tree[name]) for name, kind in _KINDS.items() if tree.get(name) not in (None, "")]
    nested = tree.get("structured_outputs")
    if isinstance(nested, Mapping):
        found += [("structured_outputs", kind, nested[name]) for name, kind in _NESTED.items() if nested.get(name) is not None]
        if nested.get("json_object"):
            found.append(("structured_outputs", "json_schema", {"type": "object"}))
    form = tree.get("response_format")
    if isinstance(form, Mapping) and form.get("type") == "json_object" and isinstance(form.get("schema"), Mapping):
        found.append(("response_format", "json_schema", form["schema"]))
    if not found:
        return None
    if len(found) > 1:
        names = " and ".join(f"'{name}'" for name, _, _ in found)
        raise BadRequest(f"The request asks for several forms of one answer: {names}.", "Keep one of them.", param=found[1][0])
    name, kind, value = found[0]
    if kind == "json_schema" and isinstance(value, str):  # vLLM takes a schema as text too
        try:
            value = json.loads(value)
        except ValueError:
            raise BadRequest(f"'{name}' is no JSON schema.", "Send an object.", param=name) from None
    return {"kind": kind, "value": value}
