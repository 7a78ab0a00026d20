"""A client's JSON Schema as the compiler can take it: bounded, and with the same meaning.

llguidance compiles most of draft 2020-12 and refuses the rest by name. Three things are done before it sees a schema:

* **Limits**, so that no schema costs more than a moment: bytes, depth, subschemas, properties of one object, digits of `multipleOf`.
* **Annotations go.** The specification ignores words it does not know (Core, section 6.5); llguidance refuses them, and reads one of
  them, `x-guidance`, as an order. Only keywords stay.
* **Equal forms.** What has an exact equal among the words the compiler knows is rewritten to it: `dependentRequired`,
  `dependentSchemas` and `dependencies` become `anyOf`; `propertyNames` becomes `patternProperties` or `properties`;
  `unevaluatedProperties` beside no applicator is `additionalProperties`; formats with no rule of their own get a pattern that allows a
  part of them. A keyword that can have no effect (`uniqueItems: false`, `then` without `if`) is left out.

What stays and cannot be enforced is refused when it is reachable, by the compiler; an unused definition harms nobody.
Sources: JSON Schema 2020-12 Core and Validation (json-schema.org/draft/2020-12); llguidance docs/json_schema.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from localrouter.engine._grammar_formats import FORMATS
from localrouter.engine._grammar_prune import prune

SCHEMA_BYTES = 512 * 1024  # as JSON text; the largest tool schemas that editors send have some 40 kB
SCHEMA_DEPTH = 64  # llguidance's JSON reader stops at 128 levels of brackets, of which one subschema takes two
SUBSCHEMAS = 5_000
PROPERTIES = 1_000  # of one object: compile time grows with the square, 0.4 s at 1 000
CHOICES = 20_000  # values of all enums: 0.1 s at 10 000
PATTERN_BYTES = 4_096
DIVISOR = 20_000  # of `multipleOf`, as an integer without its point: the automaton has one state per remainder
# A number without a bound would let a weak model write digits for ever, and 1e999 is no number to most readers. 18 digits fit each signed
# 64-bit integer; 15 are what a double holds exactly. A bounded number has no exponent: its digits are written out.
INTEGER = 10**18 - 1
NUMBER = 10**15 - 1
_NUMERIC = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})

_ONE = frozenset({"additionalProperties", "items", "not", "contains", "if", "then", "else", "contentSchema"})
_MANY = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_COUNTS = frozenset(
    {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
)
_PLAIN = frozenset(
    {"$ref", "$anchor", "$id", "$dynamicRef", "$recursiveRef", "type", "required", "minimum", "maximum"}
    | {"exclusiveMinimum", "exclusiveMaximum"}
)
_APPLICATORS = frozenset(
    {
        "$ref",
        "$dynamicRef",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependencies",
        "patternProperties",
    }
)
_DRAFTS = re.compile(r"https?://json-schema\.org/(draft-0[4-7]|draft/20(19-09|20-12))/schema#?")


# JSON can write control characters without a short escape as \u00XX only, which the compiled grammar leaves out (one spelling a name); as literals
# of a string or pattern the compiler would drop them in silence. Within ranges and negated classes they are only never chosen.
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1f\x7f]")
_CLASS = re.compile(r"\[(?:\^(?:\\.|[^\]\\])*|(?:\\.|[^\]\\])*?-(?:\\.|[^\]\\])*)\]", re.DOTALL)
_ESCAPED_CONTROL = re.compile(
    r"(?<!\\)(?:\\\\)*\\(?:x(?:0[0-7bBeEfF]|1[0-9a-fA-F]|7[fF])|u\{?00(?:0[0-7bBeEfF]|1[0-9a-fA-F]|7[fF])|0|a|v|c)"
)


_BEYOND = re.compile(r"\(\?<?[=!]|\\[1-9]")  # look-around and back-references


class BadGrammar(ValueError):
    """A grammar that cannot be enforced; its text is a sentence for the client."""


def refused(keyword: str) -> BadGrammar:
    return BadGrammar(f"The JSON schema uses `{keyword}`, which the local engine cannot enforce.")


def rewrite(schema: Any, *, lenient: bool = False) -> dict[str, Any]:
    """The same schema within the compiler's words. `lenient`: what cannot be enforced is left out where it is known here.

    Raises: BadGrammar when it is no schema, too large or too deep, or says what nothing can satisfy.
    """
    try:
        size = len(json.dumps(schema))
    except (TypeError, ValueError, RecursionError) as exc:
        raise BadGrammar("The JSON schema is too deep or is not JSON.") from exc
    if size > SCHEMA_BYTES:
        raise BadGrammar(f"The JSON schema has {size} bytes; the local engine takes {SCHEMA_BYTES}.")
    if schema is False:
        raise BadGrammar("The JSON schema is `false`: no value can satisfy it.")
    made = _Rewriter(lenient).schema(schema, 0)
    pruned = prune(made if isinstance(made, dict) else {})
    if not isinstance(pruned, dict):
        raise BadGrammar("The JSON schema can never be satisfied: it requires itself.")
    return pruned


def _printable(value: Any) -> None:
    if isinstance(value, str):
        if _CONTROL.search(value):
            raise BadGrammar(
                "The JSON schema has a control character in `enum` or `const`, which the local engine does not write."
            )
    elif isinstance(value, Mapping):
        for name, part in value.items():
            _printable(name)
            _printable(part)
    elif isinstance(value, list):
        for part in value:
            _printable(part)


def _within(node: dict[str, Any]) -> None:
    """Bounds for the numbers of this subschema, where it has none or wider ones."""
    kinds = node.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(map(str, kinds)) if isinstance(kinds, list) else set()
    numeric = bool(kinds & {"integer", "number"}) or (not kinds and bool(_NUMERIC & node.keys()))
    if not numeric or node.keys() & {"enum", "const", "$ref", "allOf", "anyOf", "oneOf"}:
        return
    most = INTEGER if "integer" in kinds and "number" not in kinds else NUMBER
    for key, other, bound in (("minimum", "exclusiveMinimum", -most), ("maximum", "exclusiveMaximum", most)):
        for name in (key, other):
            value = node.get(name)
            if (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and abs(value) > most
                and (value < 0) == (bound < 0)
            ):
                del node[name]
        if key not in node and other not in node:
            node[key] = bound
        elif node.get(other) is True and key not in node:
            node[key] = bound  # draft 4's form lost its bound


class _Rewriter:
    def __init__(self, lenient: bool) -> None:
        self.lenient = lenient
        self.seen = 0
        self.choices = 0

    def schema(self, node: Any, depth: int) -> Any:
        if isinstance(node, bool):
            return node
        if not isinstance(node, Mapping):
            raise BadGrammar(f"The JSON schema is not valid: a {type(node).__name__} stands where a schema is expected.")
        self.seen += 1
        if depth > SCHEMA_DEPTH or self.seen > SUBSCHEMAS:
            raise BadGrammar(
                f"The JSON schema is too large: the local engine takes {SUBSCHEMAS} subschemas in {SCHEMA_DEPTH} levels."
            )
        out: dict[str, Any] = {}
        also: list[Any] = []  # joined by allOf, which keeps the meaning of each part
        for key, value in node.items():
            self._keyword(node, str(key), value, out, also, depth + 1)
        _within(out)
        if also:
            out["allOf"] = [*out.get("allOf", []), *also]
        return out

    def _keyword(self, node: Mapping[str, Any], key: str, value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        special = _SPECIAL.get(key)
        if special is not None:
            special(self, node, value, out, also, depth)
        elif key in _ONE:
            out[key] = self.schema(value, depth)
        elif key in _MANY:
            if not isinstance(value, list):
                raise BadGrammar(f"The JSON schema is not valid: `{key}` must be a list.")
            out[key] = [self.schema(v, depth) for v in value]
        elif key in _NAMED:
            if not isinstance(value, Mapping):
                raise BadGrammar(f"The JSON schema is not valid: `{key}` must be an object.")
            if len(value) > PROPERTIES and key in ("properties", "patternProperties"):
                raise BadGrammar(f"The JSON schema has {len(value)} `{key}` in one object; the local engine takes {PROPERTIES}.")
            out[key] = {str(k): self.schema(v, depth) for k, v in value.items()}
        elif key in _COUNTS:
            out[key] = int(value) if isinstance(value, float) and value.is_integer() else value
        elif key in _PLAIN:
            out[key] = value
        # else: an annotation

    # -- one keyword each ----------------------------------------------------------------------------------------------

    def _dialect(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if isinstance(value, str) and _DRAFTS.fullmatch(value):
            out["$schema"] = value

    def _enum(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if isinstance(value, list):
            self.choices += len(value)
        if self.choices > CHOICES:
            raise BadGrammar(f"The JSON schema lists over {CHOICES} values in `enum`; that is more than the local engine takes.")
        _printable(value)
        out["enum"] = value

    def _const(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        _printable(value)
        out["const"] = value

    def _pattern(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if isinstance(value, str) and len(value.encode("utf-8", "replace")) > PATTERN_BYTES:
            raise BadGrammar(f"A `pattern` of the JSON schema is longer than {PATTERN_BYTES} bytes.")
        if isinstance(value, str) and (_CONTROL.search(value) or _ESCAPED_CONTROL.search(_CLASS.sub("", value))):
            raise BadGrammar(
                "A `pattern` of the JSON schema asks for a control character, which the local engine does not write."
            )
        if not (self.lenient and isinstance(value, str) and _BEYOND.search(value)):
            out["pattern"] = value

    def _cannot(self, keyword: str) -> None:
        if not self.lenient:
            raise refused(keyword)

    def _format(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        # A format is an annotation unless the two sides agree otherwise (Validation, section 7.2.1): one without a rule is left out.
        rule = FORMATS.get(value) if isinstance(value, str) else None
        if rule is not None:
            also.append(dict(rule))

    def _multiple(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            digits = re.sub(r"[eE].*$", "", repr(value)).replace(".", "").strip("0")
            if digits and int(digits) > DIVISOR:
                raise BadGrammar(f"The JSON schema uses `multipleOf` {value}; the local engine takes up to {DIVISOR}.")
        out["multipleOf"] = value

    def _items(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if not isinstance(value, list):
            out["items"] = self.schema(value, depth)
            return
        out["prefixItems"] = [self.schema(v, depth) for v in value]  # the word of drafts 4 to 2019-09 for it
        out["items"] = self.schema(node.get("additionalItems", True), depth)

    def _unique(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        most = node.get("maxItems")
        if value is not False and not (isinstance(most, int) and most <= 1):
            out["uniqueItems"] = value

    def _contains(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if node.get("minContains") != 0 or "maxContains" in node:
            out["contains"] = value

    def _contains_count(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        pass  # says something beside `contains` only, which is refused by its own name

    def _names(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if value is True or value == {}:
            return
        names = (
            {k: v for k, v in value.items() if k not in ("type", "description", "title")} if isinstance(value, Mapping) else {}
        )
        if value is False:
            also.append({"maxProperties": 0})
        elif isinstance(value, Mapping) and value.get("type", "string") == "string" and not names:
            pass  # every name is a string
        elif names.keys() == {"pattern"} and isinstance(names["pattern"], str):
            also.append({"patternProperties": {names["pattern"]: True}, "additionalProperties": False})
        elif names.keys() <= {"minLength", "maxLength"} and all(isinstance(v, int) for v in names.values()) and names:
            pattern = f"^(?s:.{{{names.get('minLength', 0)},{names.get('maxLength', '')}}})$"
            also.append({"patternProperties": {pattern: True}, "additionalProperties": False})
        elif names.keys() <= {"enum", "const"} and len(names) == 1:
            allowed = names.get("enum", [names.get("const")])
            if not isinstance(allowed, list):
                raise refused("propertyNames")
            also.append({"properties": {n: True for n in allowed if isinstance(n, str)}, "additionalProperties": False})
        else:
            out["propertyNames"] = value

    def _unevaluated(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if value is True or value == {}:
            return
        if node.keys() & _APPLICATORS:
            self._cannot("unevaluatedProperties")
        elif "additionalProperties" not in node:
            out["additionalProperties"] = self.schema(value, depth)

    def _unevaluated_items(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        if value is True or value == {}:
            return
        if node.keys() & (_APPLICATORS | {"contains"}):
            self._cannot("unevaluatedItems")
        elif "items" not in node:
            out["items"] = self.schema(value, depth)

    def _condition(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        then, other = node.get("then", True), node.get("else", True)
        if value is True or value == {}:
            also.append(self.schema(then, depth))
        elif value is False:
            also.append(self.schema(other, depth))
        elif not (then is True and other is True):
            out["if"] = value

    def _of_condition(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        pass  # `then` and `else` say something beside `if` only

    def _needs(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        """`dependentRequired`, `dependentSchemas`, `dependencies`: the property is absent, or the rest holds."""
        if not isinstance(value, Mapping):
            raise BadGrammar("The JSON schema is not valid: dependencies must be an object.")
        for name, need in value.items():
            if isinstance(need, str):
                need = [need]  # draft 3's short form, still seen
            rest = (
                {"required": [name, *need]}
                if isinstance(need, list)
                else {"allOf": [{"required": [name]}, self.schema(need, depth)]}
            )
            also.append({"anyOf": [{"properties": {name: False}}, rest]})

    def _least(self, node: Mapping[str, Any], value: Any, out: dict[str, Any], also: list[Any], depth: int) -> None:
        count = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(count, int) and count > 1:
            # The compiler counts members and cannot tell that two additional ones have one name.
            named = node.get("required")
            if not isinstance(named, list) or len(set(map(str, named))) < count:
                self._cannot("minProperties")
        else:
            out["minProperties"] = count


_Rule = Callable[[_Rewriter, Mapping[str, Any], Any, dict[str, Any], list[Any], int], None]
_SPECIAL: dict[str, _Rule] = {
    "$schema": _Rewriter._dialect,
    "enum": _Rewriter._enum,
    "const": _Rewriter._const,
    "pattern": _Rewriter._pattern,
    "format": _Rewriter._format,
    "multipleOf": _Rewriter._multiple,
    "items": _Rewriter._items,
    "additionalItems": _Rewriter._of_condition,
    "uniqueItems": _Rewriter._unique,
    "contains": _Rewriter._contains,
    "minContains": _Rewriter._contains_count,
    "maxContains": _Rewriter._contains_count,
    "propertyNames": _Rewriter._names,
    "unevaluatedProperties": _Rewriter._unevaluated,
    "unevaluatedItems": _Rewriter._unevaluated_items,
    "if": _Rewriter._condition,
    "then": _Rewriter._of_condition,
    "else": _Rewriter._of_condition,
    "dependentRequired": _Rewriter._needs,
    "dependentSchemas": _Rewriter._needs,
    "dependencies": _Rewriter._needs,
    "minProperties": _Rewriter._least,
    "contentSchema": _Rewriter._of_condition,
}
