"""A model that is one GGUF file, or several that were split: `NAME-00001-of-0000N.gguf` and so on. A path in, one header of all parts out.

The first part holds the model's keys; every part holds its own tensors, its number (`split.no`, from 0) and how many there are
(`split.count`). llama.cpp is given the first and opens the others by their names, beside it. What it asserts of them is checked before.
Source: llama.cpp, src/llama-model-loader.cpp and src/llama.cpp (`llama_split_path`); tools/gguf-split.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from localrouter.engine.gguf_facts import Header, Tensor
from localrouter.engine.gguf_header import MAX_TENSORS, BadHeader, read_header

MAX_PARTS = 1000
"""Parts of a model; DeepSeek-V3 in BF16 has 163."""
_UINT16, _INT32 = (2,), (5,)
"""gguf_type of `split.no` and `split.count`, and of `split.tensors.count`."""
_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)


def number(name: str) -> tuple[int, int] | None:
    """(which part a file is by its name, from 1; of how many), or None for a file that is no part. The name may be a path or a URL."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    part, count = int(found["number"]), int(found["count"])
    return (part, count) if 1 <= part <= count <= MAX_PARTS else None


def named(name: str, part: int) -> str:
    """The name of another part of the same model. Raises ValueError for a name that is none of a part."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name[-60:]!r} is no name of a part")
    return f"{found['stem']}-{part:05}-of-{found['count']}.gguf"


def title(path: Path) -> str:
    """What the model is called by its file."""
    found = _NAME.fullmatch(path.name)
    return found["stem"] if found is not None else path.stem


def parts(path: Path) -> tuple[Path, ...]:
    """All files of a model, by the name of any of them, the first first; they need not exist."""
    found = number(path.name)
    if found is None:
        return (path,)
    return tuple(path.with_name(named(path.name, n)) for n in range(1, found[1] + 1))


def size_of(path: Path) -> int:
    """Bytes of all files of a model that are there."""
    total = 0
    for part in parts(path):
        try:
            total += os.stat(part).st_size
        except OSError:
            continue
    return total


def read_model(path: Path, *, keep: frozenset[str] = frozenset()) -> Header:
    """The header of a model; of a split one the first part's, with the tensors and the bytes of all. `path`: its only file, or its first
    part. `keep` as in `read_header`. Raises BadHeader, also when a part lacks or is another's."""
    first = read_header(path, keep=keep)
    count = first.values.get("split.count", 0)
    told = number(path.name)
    if count == 0 and "split.no" not in first.values:
        if told is not None and told[1] > 1:
            which = "one part of several, and not the first" if told[0] > 1 else "the first of several parts"
            raise BadHeader(f"The file {path.name} is {which} by its name, and does not say so itself. Give it its own name.")
        return first
    if first.types.get("split.count") != _UINT16 or first.types.get("split.no") != _UINT16:
        raise _bad(path, "it does not say which part of a model it is")
    if count == 1 and first.values["split.no"] == 0:
        return first
    if first.values["split.no"] != 0:
        raise BadHeader(f"The file {path.name} is one part of several, and not the first.")
    if told is None or told != (1, count):
        raise BadHeader(
            f"The file {path.name} is the first of {count} parts, and its name does not say so: the others cannot be found. "
            "Give the files the names that they had."
        )
    if count > MAX_PARTS:
        raise _bad(path, f"it claims {count} parts, more than {MAX_PARTS}")
    tensors: list[Tensor] = list(first.tensors)
    size, data = first.file_bytes, first.data_offset
    for at, file in enumerate(parts(path)[1:], 1):
        if not file.exists():
            raise BadHeader(f"The model {title(path)} lacks {file.name}: part {at + 1} of {count} is not beside the first.")
        other = read_header(file)
        check_part(other, file, at, count)
        tensors += other.tensors
        size += other.file_bytes
        if len(tensors) > MAX_TENSORS:
            raise _bad(path, f"its parts have more than {MAX_TENSORS} tensors")
    if len({t.name for t in tensors}) != len(tensors):
        raise _bad(path, "two of its parts hold the same tensor: they are not of one model")
    if first.types.get("split.tensors.count") != _INT32 or first.values["split.tensors.count"] != len(tensors):
        raise _bad(path, f"its parts hold {len(tensors)} tensors, and it says another number: they are not of one model")
    return replace(first, file_bytes=size, data_offset=data, tensors=tuple(tensors))


def check_part(header: Header, file: Path, at: int, count: int) -> None:
    """Whether a file is the part `at` (from 0) of `count`. Raises BadHeader."""
    if header.types.get("split.no") != _UINT16 or header.values["split.no"] != at:
        raise _bad(file, f"it is not part {at + 1} of {count}, as its name says")
    if "split.count" in header.values and header.values["split.count"] != count:
        raise _bad(file, f"it is not one of {count} parts, as its name says")


def _bad(path: Path, what: str) -> BadHeader:
    return BadHeader(f"The file {path.name} is not a GGUF model that can be loaded: {what}.")
