"""Random JSON Schemas of the kinds that clients send: a seeded generator, so that a failing one can be made again by its number."""

from __future__ import annotations

import random
from typing import Any

WORDS = [
    "name",
    "id",
    "city",
    "tags",
    "price",
    "items",
    "address",
    "status",
    "count",
    "email",
    "note",
    "options",
    "parent",
    "children",
    "value",
    "kind",
    "unit",
    "rate",
    "url",
    "created",
]
PATTERNS = [
    r"^[A-Z]{2,3}-[0-9]{4}$",
    r"^#[0-9a-f]{6}$",
    r"^v[0-9]+(\.[0-9]+)*$",
    r"[0-9]+x$",
    r"^(foo|bar)*baz$",
    r"^\S+$",
    r"^.{0,5}[!?]$",
]
FORMATS = [
    "date",
    "time",
    "date-time",
    "email",
    "uuid",
    "ipv4",
    "ipv6",
    "hostname",
    "uri",
    "duration",
    "json-pointer",
    "uri-reference",
]


class Schemas:
    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.named: list[str] = []

    def root(self) -> dict[str, Any]:
        r = self.r
        self.named = [f"d{i}" for i in range(r.choice([0, 0, 1, 2]))]
        defs = {n: self.schema(2) for n in self.named}
        made = self.object(3) if r.random() < 0.7 else self.schema(3)
        if not isinstance(made, dict):
            made = {"enum": [made]}
        if self.named:
            made = {**made, "$defs": defs}
            if r.random() < 0.3 and made.get("type") == "object":  # recursion that can end: the member is optional
                made.setdefault("properties", {})["again"] = {"$ref": "#"}
        if r.random() < 0.3:
            made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        return made

    def schema(self, depth: int) -> Any:
        r = self.r
        kinds = ["string", "string", "integer", "number", "boolean", "null", "enum", "const", "types", "pattern", "format"]
        if depth > 0:
            kinds += ["object", "object", "array", "array", "anyOf", "allOf", "oneOf", "tuple", "map", "any"]
        if self.named:
            kinds += ["$ref", "$ref"]
        made = getattr(self, r.choice(kinds).replace("$", ""))(depth)
        if isinstance(made, dict) and r.random() < 0.2:
            made = {"title": "T", "description": "What it is.", "default": None, "x-order": 3, **made}
        return made

    def string(self, depth: int) -> Any:
        low = self.r.choice([None, 0, 1, 5, 20])
        high = self.r.choice([None, None, 20, 40, 200])
        return {"type": "string"} | ({} if low is None else {"minLength": low}) | ({} if high is None else {"maxLength": high})

    def pattern(self, depth: int) -> Any:
        return {"type": "string", "pattern": self.r.choice(PATTERNS)}

    def format(self, depth: int) -> Any:
        return {"type": "string", "format": self.r.choice([*FORMATS, "int32", "password"])}

    def integer(self, depth: int) -> Any:
        return {"type": "integer", **self.bounds(self.r.randrange(-500, 500))}

    def number(self, depth: int) -> Any:
        return {"type": "number", **self.bounds(round(self.r.uniform(-500, 500), self.r.choice([0, 1, 4])))}

    def bounds(self, low: float) -> dict[str, Any]:
        r, out = self.r, {}
        if r.random() < 0.4:
            out[r.choice(["minimum", "exclusiveMinimum"])] = low
        if r.random() < 0.4:
            out[r.choice(["maximum", "exclusiveMaximum"])] = low + r.choice([2, 10, 1000])
        if r.random() < 0.15:
            out["multipleOf"] = r.choice([1, 2, 5, 0.5])
        return out

    def boolean(self, depth: int) -> Any:
        return {"type": "boolean"}

    def null(self, depth: int) -> Any:
        return {"type": "null"}

    def any(self, depth: int) -> Any:
        return self.r.choice([True, {}])

    def types(self, depth: int) -> Any:
        return {
            "type": self.r.sample(["string", "integer", "null", "boolean", "number", "array", "object"], self.r.choice([2, 3]))
        }

    def value(self) -> Any:
        return self.r.choice(["red", "grün", 'say "hi"', "a\nb", "😀", "", 0, -7, 2.5, True, None, [1, "x"], {"a": 1}])

    def enum(self, depth: int) -> Any:
        return {"enum": [self.value() for _ in range(self.r.randrange(1, 6))]}

    def const(self, depth: int) -> Any:
        return {"const": self.value()}

    def ref(self, depth: int) -> Any:
        return {"$ref": f"#/$defs/{self.r.choice(self.named)}"}

    def anyOf(self, depth: int) -> Any:
        return {"anyOf": [self.schema(depth - 1) for _ in range(self.r.choice([2, 2, 3]))]}

    def oneOf(self, depth: int) -> Any:
        return {
            "oneOf": [
                {"type": "object", "properties": {"kind": {"const": k}, "of": self.schema(depth - 1)}, "required": ["kind"]}
                for k in ("circle", "square")
            ]
        }

    def allOf(self, depth: int) -> Any:
        return {"allOf": [self.object(depth - 1, open_=True), self.object(depth - 1, open_=True)]}

    def array(self, depth: int) -> Any:
        r, out = self.r, {"type": "array", "items": self.schema(depth - 1)}
        low = r.choice([None, None, 0, 1, 3])
        high = r.choice([None, None, 3, 8])
        return out | ({} if low is None else {"minItems": low}) | ({} if high is None else {"maxItems": high})

    def tuple(self, depth: int) -> Any:
        out = {"type": "array", "prefixItems": [self.schema(depth - 1) for _ in range(2)], "minItems": 2}
        return out | self.r.choice([{}, {"items": False}, {"items": {"type": "integer"}}])

    def map(self, depth: int) -> Any:
        r = self.r
        kind = r.choice(["additional", "patterns", "names", "few"])
        if kind == "additional":
            return {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": self.schema(depth - 1)}
        if kind == "patterns":
            some = {"^S_": {"type": "string"}, "^I_[a-z]*$": {"type": "integer"}}
            return {"type": "object", "patternProperties": some, "additionalProperties": False}
        if kind == "names":
            return {
                "type": "object",
                "propertyNames": r.choice([{"pattern": "^[a-z_]+$"}, {"maxLength": 8}, {"enum": ["x", "y"]}]),
            }
        return {"type": "object", "minProperties": 1, "maxProperties": r.choice([1, 4])}

    def object(self, depth: int, open_: bool = False) -> Any:
        r = self.r
        names = r.sample(WORDS, r.randrange(0, 6))
        out: dict[str, Any] = {"type": "object", "properties": {n: self.schema(depth - 1) for n in names}}
        if names:
            out["required"] = r.sample(names, r.randrange(0, len(names) + 1))
        if not open_ and r.random() < 0.6:
            out["additionalProperties"] = False
        if len(names) > 1 and r.random() < 0.15:
            out["dependentRequired"] = {names[0]: [names[1]]}
        return out
