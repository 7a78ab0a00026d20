"""ConfigFault: a complaint about a file, with its line, the key, and the nearest known key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from localrouter.config import toml_lines
from localrouter.core.errors import RouterError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class ConfigFault(RouterError):
    """`file:line: what`; `do` says what to change. `others`: what else is wrong with the file."""

    code = "config"

    def __init__(self, file: Path | str, line: int, what: str, do: str = "", others: Sequence[ConfigFault] = ()) -> None:
        super().__init__(f"{file}:{line}: {what}", f"{do} {_counted(others)}".strip())
        self.file, self.line, self.what, self.own_do, self.others = file, line, what, do, tuple(others)

    @property
    def every(self) -> list[ConfigFault]:
        """All of them, this one first, each by itself."""
        return [ConfigFault(self.file, self.line, self.what, self.own_do), *self.others]


def _counted(others: Sequence[ConfigFault]) -> str:
    if not others:
        return ""
    lines = sorted({f.line for f in others})
    at = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines[:5]))}" + (" ..." if len(lines) > 5 else "")
    return f"({len(others)} more fault{'s' if len(others) > 1 else ''}, {at}.)"


def together(faults: Sequence[ConfigFault]) -> ConfigFault:
    """The first, which says how many others there are."""
    first, *others = faults
    return ConfigFault(first.file, first.line, first.what, first.own_do, others)


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
    """pydantic's complaints in our words: the line, the key without the numbers of list items, and the nearest word or key. Unknown keys come
    first, then the others, each in the order of the file: who misspells a key is not told first that the right one is missing."""
    stand = toml_lines.lines(text)
    errors = [(error, _place(error, stand)) for error in exc.errors(include_url=False)]
    unknown = [(e, path) for e, path in errors if _unknown(e)]
    meant = {
        (*path[:-1], near[0])
        for e, path in unknown
        if (near := difflib.get_close_matches(str(path[-1]), _fields(model, path[:-1]), n=1, cutoff=0.5))
    }
    rest = [(e, path) for e, path in errors if not _unknown(e) and not (e["type"] == "missing" and path in meant)]
    found: dict[tuple[bool, str], tuple[tuple[bool, int], ConfigFault]] = {}
    for e, path in (*unknown, *rest):
        fault = _said(file, toml_lines.line_of(stand, path), model, e, path)
        # One value that is of none of several types is one fault.
        found.setdefault((_unknown(e), str(path)), ((not _unknown(e), fault.line), fault))
    return together([fault for _, fault in sorted(found.values(), key=lambda item: item[0])])


def _unknown(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)


def _place(error: ErrorDetails, stand: dict[toml_lines.Path, int]) -> toml_lines.Path:
    """Where it is in the file. pydantic's own last steps (which type of several was tried) are none of the file's."""
    path = tuple(step for step in error["loc"] if step != "[key]")
    if error["type"] in ("missing", "extra_forbidden"):
        return path
    while len(path) > 1 and path not in stand and path[:-1] in stand:
        path = path[:-1]
    return path


def _said(file: Path | str, line: int, model: type[BaseModel], error: ErrorDetails, path: toml_lines.Path) -> ConfigFault:
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
