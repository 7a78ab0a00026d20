"""ConfigFault: a complaint about a file, with its line, the key, and the nearest known key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ValidationError

from localrouter.core.errors import RouterError


class ConfigFault(RouterError):
    """`file:line: what`; `do` says what to change."""

    code = "config"

    def __init__(self, file: Path | str, line: int, what: str, do: str = "") -> None:
        super().__init__(f"{file}:{line}: {what}", do)
        self.file, self.line = file, line


def line_of(text: str, path: Iterable[str | int]) -> int:
    """The line where a key path stands, as near as a text search finds it: the last key after its table's header."""
    keys = [str(p) for p in path if not isinstance(p, int)]
    lines = text.splitlines()
    at = 0
    for depth in range(len(keys), 0, -1):
        table = ".".join(keys[:depth])
        pattern = re.compile(r"^\s*\[+\s*" + r"\.".join(rf"[\"']?{re.escape(k)}[\"']?" for k in keys[:depth]) + r"\s*\]+")
        found = next((i for i, line in enumerate(lines) if pattern.match(line)), None)
        if found is not None:
            at = found
            if depth == len(keys):
                return at + 1
            break
        del table
    if keys:
        pattern = re.compile(rf"(^|[\s{{,])[\"']?{re.escape(keys[-1])}[\"']?\s*=")
        for i in range(at, len(lines)):
            if pattern.search(lines[i]):
                return i + 1
    return at + 1


def nearest(key: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` or nothing."""
    match = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return f"Did you mean '{match[0]}'?" if match else "Known keys: " + ", ".join(sorted(known)) + "."


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


def explain(file: Path | str, text: str, model: type[BaseModel], exc: ValidationError) -> ConfigFault:
    """The first complaint of pydantic in our words."""
    error = exc.errors(include_url=False)[0]
    path = tuple(error["loc"])
    line = line_of(text, path)
    dotted = ".".join(str(p) for p in path)
    if error["type"] == "extra_forbidden":
        return ConfigFault(file, line, f"unknown key '{dotted}'.", nearest(str(path[-1]), _fields(model, path[:-1])))
    if error["type"] == "missing":
        return ConfigFault(file, line, f"the key '{dotted}' is missing.", "Add it.")
    return ConfigFault(file, line, f"the key '{dotted}': {error['msg']}.", "Correct its value.")
