"""ConfigFault: a complaint about a file, with its line, the key, and the nearest known key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from localrouter.config import toml_lines
from localrouter.core.errors import RouterError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class ConfigFault(RouterError):
    """`file:line: what`; `do` says what to change."""

    code = "config"

    def __init__(self, file: Path | str, line: int, what: str, do: str = "") -> None:
        super().__init__(f"{file}:{line}: {what}", do)
        self.file, self.line = file, line


def line_of(text: str, path: Iterable[str | int]) -> int:
    """The line of a key of a TOML text, or of the table that it is missing from."""
    return toml_lines.line_of(toml_lines.lines(text), path)


def nearest(key: str, known: Iterable[str], what: str = "Known keys") -> str:
    """`Did you mean 'x'?`, or all that there are."""
    every = list(known)
    match = difflib.get_close_matches(key, every, n=1, cutoff=0.5)
    return f"Did you mean '{match[0]}'?" if match else f"{what}: " + ", ".join(sorted(every)) + "."


def _fields(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    current: type[BaseModel] | None = model
    for step in path:
        if current is None:
            return []
        field = None
        for name, info in current.model_fields.items():
            if step in (name, info.alias):
                field = info
        if field is None:
            continue
        found: type[BaseModel] | None = None
        stack = [field.annotation]
        while stack:
            kind = stack.pop()
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found = kind
                break
            stack.extend(getattr(kind, "__args__", ()))
        current = found
    if current is None:
        return []
    return [info.alias or name for name, info in current.model_fields.items()]


_QUOTED = re.compile(r"'([^']*)'")
_PLAIN_WORDS = re.compile(r"\b[a-z]+(?:_[a-z]+)*\b")


def _choices(error: ErrorDetails) -> list[str]:
    """The words that may stand where a wrong one does."""
    context = error.get("ctx", {})
    if error["type"] in ("literal_error", "enum"):
        return _QUOTED.findall(str(context.get("expected", "")))
    pattern = str(context.get("pattern", ""))
    if error["type"] == "string_pattern_mismatch" and pattern.startswith("^(") and "|" in pattern:
        return [w for w in pattern[2:-2].split("|") if _PLAIN_WORDS.fullmatch(w)]
    return []


def explain(file: Path | str, text: str, model: type[BaseModel], exc: ValidationError) -> ConfigFault:
    """The first complaint of pydantic in our words: the line, the key without the numbers of list items, and the nearest word or key."""
    error = exc.errors(include_url=False)[0]
    path = tuple(step for step in error["loc"] if step != "[key]")
    line = line_of(text, path)
    dotted = ".".join(str(p) for p in path if not isinstance(p, int))
    given = error["input"]
    if error["type"] == "extra_forbidden":
        return ConfigFault(file, line, f"unknown key '{dotted}'.", nearest(str(path[-1]), _fields(model, path[:-1])))
    if error["type"] == "missing":
        return ConfigFault(file, line, f"the key '{dotted}' is missing.", "Add it.")
    if error["type"] in ("tuple_type", "list_type") and isinstance(given, str):
        return ConfigFault(file, line, f"the key '{dotted}' is a list.", f'Write ["{given}"].')
    if (known := _choices(error)) and isinstance(given, str):
        where = f"unknown key '{dotted}'" if error["loc"][-1] == "[key]" else f"the key '{dotted}': there is no {given[:60]!r}"
        return ConfigFault(file, line, f"{where}.", nearest(given, known, "Known words"))
    said = error["msg"].removeprefix("Value error, ")
    if not dotted:
        return ConfigFault(file, line, f"{said}.", "Correct it.")
    return ConfigFault(file, line, f"the key '{dotted}': {said}.", "Correct its value.")
