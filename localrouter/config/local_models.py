"""The local models of models.toml: `[local."NAME"]` tables to LocalModel, each complaint with its file, line and key.

A model is one file (`file`, with `size` and `sha256`), or comes in `parts`, each with its own three.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from localrouter.config.faults import ConfigFault, line_of, nearest
from localrouter.core.catalogue import LocalModel, ModelPart, Role, SizeClass

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""A model's name: it is typed in a shell and used as a key."""
_SHAPES: dict[str, tuple[str, str]] = {
    "repo": (r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}", "OWNER/NAME"),
    "file": (r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,127}/){0,3}[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.gguf", "a path in the repository that ends in .gguf"),
    "revision": (r"[0-9a-f]{40}", "a commit of 40 hexadecimal digits"),
    "sha256": (r"(?:[0-9a-f]{64})?", "64 hexadecimal digits, or empty"),
    "licence": (r"[a-z0-9][a-z0-9.-]{0,63}", "a licence's short name in small letters"),
    "class": ("|".join(get_args(SizeClass)), "one of " + ", ".join(get_args(SizeClass))),
    "family": (r"[a-z0-9_]{0,40}", "a file of engine/families"),
    "title": (r"[^\x00-\x1f\x7f]{1,80}", "a line of text"),
    "parameters": (r"[^\x00-\x1f\x7f]{1,40}", "a line of text"),
}  # fmt: skip
"""Text keys: what they match, and how that is said."""
_LISTS: dict[str, tuple[str, str]] = {
    "roles": ("|".join(get_args(Role)), "of " + ", ".join(get_args(Role))),
    "languages": (r"[a-z]{2,3}|\*", 'of language codes such as "de", or "*"'),
}
_NUMBERS = {"size": 1 << 45, "context": 1 << 28}
"""Whole numbers, with the most that can be meant."""
_FLAGS = ("tools", "reasoning")
_REQUIRED = ("repo", "file", "class", "licence", "roles")
KEYS = (*_SHAPES, *_LISTS, *_NUMBERS, "ram_gb", *_FLAGS, "parts")
_PART_KEYS = ("file", "size", "sha256")
_PART_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
"""How a file of a split model is called (llama.cpp, src/llama.cpp, `llama_split_path`)."""


def local_models(file: Path | str, text: str, tables: Any) -> dict[str, LocalModel]:
    """`text` is the whole file, for the lines. Raises ConfigFault."""
    if not isinstance(tables, dict):
        raise ConfigFault(
            file, line_of(text, ["local"]), "'local' must be a table of models.", 'Write [local."NAME"] above each.'
        )
    return {name: _one(file, text, name, entry) for name, entry in tables.items()}


def _one(file: Path | str, text: str, name: str, entry: Any) -> LocalModel:
    def fault(key: str, what: str, do: str) -> ConfigFault:
        return ConfigFault(file, line_of(text, ["local", name, *([key] if key else [])]), f"local model '{name}': {what}", do)

    if not NAME.fullmatch(name):
        raise fault("", "a name has small letters, digits, '.', '_' and '-' only, 64 at most.", "Rename it.")
    if not isinstance(entry, dict):
        raise fault("", "it must be a table.", f'Write [local."{name}"] above its keys.')
    for key in entry:
        if key not in KEYS:
            raise fault(key, f"unknown key '{key}'.", nearest(key, KEYS))
    given = dict(entry)
    if "parts" in entry:
        for key in _PART_KEYS:
            if key in entry:
                raise fault(key, f"'{key}' stands beside 'parts', which say it.", "Remove it.")
        if what := _wrong_parts(entry["parts"]):
            raise fault("parts", what, "Correct it.")
        given["parts"] = parts = tuple(ModelPart(**part) for part in entry["parts"])
        given["file"], given["size"] = parts[0].file, sum(part.size for part in parts)
    elif (
        (named := _PART_NAME.fullmatch(str(entry.get("file", ""))))
        and int(named["count"]) > 1
        and (entry.keys() & {"size", "sha256"})
    ):
        raise fault(
            "file",
            f"it is one of {int(named['count'])} files, and 'size' and 'sha256' are of one.",
            "Write parts = [{ file, size, sha256 }, ...] instead.",
        )
    for key in _REQUIRED:
        if not given.get(key):
            raise fault("", f"the key '{key}' is missing.", "Add it.")
    for key, value in entry.items():
        if key != "parts" and (what := _wrong(key, value)):
            raise fault(key, f"'{key}' must be {what}.", "Correct it.")
    given["size_class"] = given.pop("class")
    for key in _LISTS:
        given[key] = tuple(given.get(key, ()))
    return LocalModel(name=name, **given)


def _wrong_parts(value: Any) -> str:
    """What is wrong with the parts of a model, or ""."""
    if not isinstance(value, list) or not value or not all(isinstance(part, dict) for part in value):
        return "'parts' must be a list of { file, size, sha256 }."
    first = _PART_NAME.fullmatch(str(value[0].get("file", "")))
    for at, part in enumerate(value, 1):
        if set(part) != set(_PART_KEYS):
            return f"part {at} must have 'file', 'size' and 'sha256', and nothing else."
        for key in _PART_KEYS:
            if what := _wrong(key, part[key]):
                return f"'{key}' of part {at} must be {what}."
        if not part["sha256"]:
            return f"part {at} has no 'sha256'; where nobody backs one, write the first file's name as 'file' instead."
        wanted = first and f"{first['stem']}-{at:05}-of-{len(value):05}.gguf"
        if part["file"] != wanted:
            return f"part {at} of {len(value)} must be called {wanted or 'NAME-00001-of-0000N.gguf'}, as llama.cpp looks for it."
    return ""


def _wrong(key: str, value: Any) -> str:
    """What the value should have been, or ""."""
    if key in _SHAPES:
        shape, said = _SHAPES[key]
        return "" if isinstance(value, str) and re.fullmatch(shape, value) and ".." not in value else said
    if key in _LISTS:
        shape, said = _LISTS[key]
        good = (
            isinstance(value, list)
            and all(isinstance(v, str) and re.fullmatch(shape, v) for v in value)
            and len(set(value)) == len(value)
        )
        return "" if good else f"a list {said}, each once"
    if key in _FLAGS:
        return "" if isinstance(value, bool) else "true or false"
    if key == "ram_gb":
        return (
            ""
            if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 10_000
            else "a number of gigabytes"
        )
    most = _NUMBERS[key]
    return "" if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most else "a whole number above 0"
