"""The header of a GGUF file, read within bounds before llama.cpp sees the file. Versions 2 and 3, little-endian.

A path in, a Header or BadHeader out; no llama.cpp, no third-party code. Nothing that a file claims is believed: every count, length,
offset and product is held against a limit and against the file's own size before anything is read or allocated. Long arrays
(the vocabulary) are walked, not kept, so that reading costs a few megabytes whatever the file says.
The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import os
import stat
import struct
from io import FileIO
from pathlib import Path
from typing import Any

from localrouter.engine.gguf_facts import Header, Items, Tensor, product
from localrouter.engine.gguf_tables import ARRAY, SCALARS, STRING, TENSOR_TYPES

__all__ = ["BadHeader", "Header", "Items", "Tensor", "read_header"]

MAX_KEYS = 4096
"""Keys; files of today have 30 to 80."""
MAX_TENSORS = 65_536
"""Tensors; DeepSeek-V3's 61 layers have 1 086."""
MAX_KEY_BYTES = 1024
MAX_TEXT_BYTES = 8 << 20
"""Bytes of one string value; the longest chat templates have some 30 KB."""
MAX_ITEM_BYTES = 64 << 10
"""Bytes of one string in an array: a token or a merge."""
MAX_ITEMS = 8 << 20
"""Entries of one array; the largest vocabularies have 262 144 tokens and 514 906 merges."""
MAX_HEADER_BYTES = 256 << 20
"""All before the tensors; Gemma's is 15 MB."""
MAX_DIMS = 4
MAX_NAME_BYTES = 63
"""ggml's GGML_MAX_NAME less its NUL."""
KEPT = 1024
"""Entries up to which an array is kept: per-layer numbers are, vocabularies are not."""
_BLOCK = 1 << 20


class BadHeader(Exception):
    """The file is no GGUF model that may be loaded. The message is a whole sentence for the user; it names the file, not its folder."""


class _Reader:
    """Bytes of a file in order, by blocks. What is taken is held against the file's end and the header's limit first."""

    def __init__(self, file: FileIO, name: str, size: int) -> None:
        self.name = name
        self._file, self._size = file, size
        self._block = b""
        self._at = 0  # in the block
        self._read = 0  # of the file, up to the end of the block

    @property
    def position(self) -> int:
        return self._read - len(self._block) + self._at

    def bad(self, what: str) -> BadHeader:
        return BadHeader(f"The file {self.name} is not a GGUF model that can be loaded: {what}.")

    def need(self, size: int) -> None:
        if size > self._size - self.position:
            raise self.bad("it ends in the middle of its header")
        if self.position + size > MAX_HEADER_BYTES:
            raise self.bad(f"its header has more than {MAX_HEADER_BYTES >> 20} MB")

    def _fill(self, size: int) -> None:
        """Have the next `size` bytes in the block."""
        self.need(size)
        while len(self._block) - self._at < size:
            more = self._file.read(max(_BLOCK, size - (len(self._block) - self._at)))
            if not more:
                raise self.bad("it became shorter while it was read")
            self._block, self._at = self._block[self._at :] + more, 0
            self._read += len(more)

    def take(self, size: int) -> bytes:
        self._fill(size)
        self._at += size
        return self._block[self._at - size : self._at]

    def skip(self, size: int) -> None:
        self.need(size)
        left = len(self._block) - self._at
        if size <= left:
            self._at += size
            return
        self._read = self._file.seek(size - left, os.SEEK_CUR)
        self._block, self._at = b"", 0

    def number(self, letter: str) -> Any:
        shape = struct.Struct("<" + letter)
        return shape.unpack(self.take(shape.size))[0]

    def text(self, limit: int, what: str) -> str:
        size = self.number("Q")
        if size > limit:
            raise self.bad(f"{what} has {size} bytes, more than {limit}")
        try:
            return self.take(size).decode("utf-8")
        except UnicodeDecodeError:
            raise self.bad(f"{what} is not UTF-8") from None

    def strings(self, count: int, keep: bool, what: str) -> tuple[bytes, ...]:
        """An array's strings as bytes (a token need not be UTF-8), or nothing when they are only walked."""
        self.need(count * 8)
        out: list[bytes] = []
        length = struct.Struct("<Q").unpack_from
        left = count
        while left:
            # Within the block without a call for each entry: a vocabulary has hundreds of thousands.
            block, at, end = self._block, self._at, len(self._block)
            size = 0
            while left and end - at >= 8:
                (size,) = length(block, at)
                if size > MAX_ITEM_BYTES:
                    raise self.bad(f"an entry of {what} has {size} bytes, more than {MAX_ITEM_BYTES}")
                if end - at - 8 < size:
                    break
                if keep:
                    out.append(block[at + 8 : at + 8 + size])
                at += 8 + size
                left -= 1
                size = 0
            self._at = at
            if left:
                self._fill(8 + size)
        return tuple(out)


def read_header(path: Path, *, keep: frozenset[str] = frozenset()) -> Header:
    """Read it. `keep`: keys of arrays that are wanted whole (strings in them as bytes). Raises BadHeader; a file that is no regular file
    (a device, a pipe) is not even opened for waiting."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as exc:
        why = "does not exist" if isinstance(exc, FileNotFoundError) else f"cannot be read ({exc.strerror})"
        raise BadHeader(f"The model file {path.name} {why}.") from None
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode):
        os.close(handle)
        raise BadHeader(f"{path.name} is not a file that a model can be read from.")
    with open(handle, "rb", buffering=0) as file:
        try:
            return _header(_Reader(file, path.name, info.st_size), info.st_size, keep)
        except OSError as exc:
            raise BadHeader(f"The model file {path.name} cannot be read ({exc.strerror}).") from None


def _header(r: _Reader, size: int, keep: frozenset[str]) -> Header:
    if size < 24 or r.take(4) != b"GGUF":
        raise BadHeader(f"The file {r.name} is not a GGUF model.")
    version = r.number("I")
    if version not in (2, 3):
        raise r.bad(
            f"its version is {version}, and only 2 and 3 are read" if version < 1 << 16 else "it is of a big-endian machine"
        )
    tensor_count, key_count = r.number("Q"), r.number("Q")
    if tensor_count > MAX_TENSORS or key_count > MAX_KEYS:
        raise r.bad(f"it claims {tensor_count} tensors and {key_count} keys, more than {MAX_TENSORS} and {MAX_KEYS}")
    r.need(tensor_count * 24 + key_count * 12)  # what the smallest of them take
    values: dict[str, Any] = {}
    types: dict[str, tuple[int, ...]] = {}
    for _ in range(key_count):
        key = r.text(MAX_KEY_BYTES, "a key")
        if not key or key in values:
            raise r.bad(f"the key {key[:60]!r} is there twice" if key else "a key is empty")
        types[key], values[key] = _value(r, key, keep)
    alignment = values.get("general.alignment", 32)
    if types.get("general.alignment", (4,)) != (4,) or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        raise r.bad("its alignment is not a power of two between 8 and 1 MB")
    tensors = _tensors(r, tensor_count, alignment)
    start = -(-r.position // alignment) * alignment
    if tensors and start + tensors[-1].offset + tensors[-1].bytes > size:
        lacks = start + tensors[-1].offset + tensors[-1].bytes - size
        raise r.bad(f"it lacks its last {lacks} bytes; it may have been cut while it was copied")
    return Header(r.name, version, size, start, values, types, tensors)


def _value(r: _Reader, key: str, keep: frozenset[str]) -> tuple[tuple[int, ...], Any]:
    kind = r.number("I")
    what = f"the key {key[:60]!r}"
    if kind == STRING:
        return (kind,), r.text(MAX_TEXT_BYTES, what)
    if kind != ARRAY:
        if kind not in SCALARS:
            raise r.bad(f"{what} has the unknown type {kind}")
        return (kind,), r.number(SCALARS[kind])
    inner, count = r.number("I"), r.number("Q")
    if count > MAX_ITEMS:
        raise r.bad(f"{what} has {count} entries, more than {MAX_ITEMS}")
    kept = key in keep or (count <= KEPT and inner != STRING)
    if inner == STRING:
        walked = r.strings(count, kept, what)
        return (kind, inner), walked if kept else Items(inner, count)
    if inner not in SCALARS:
        raise r.bad(f"{what} has entries of the unknown type {inner}")
    shape = struct.Struct(f"<{count}{SCALARS[inner]}")
    if not kept:
        r.skip(shape.size)
        return (kind, inner), Items(inner, count)
    return (kind, inner), shape.unpack(r.take(shape.size))


def _tensors(r: _Reader, count: int, alignment: int) -> tuple[Tensor, ...]:
    out: list[Tensor] = []
    seen: set[str] = set()
    end = 0
    for _ in range(count):
        name = r.text(MAX_NAME_BYTES, "a tensor's name")
        if not name or name in seen:
            raise r.bad(f"the tensor {name!r} is there twice" if name else "a tensor has no name")
        seen.add(name)
        dims = r.number("I")
        if not 1 <= dims <= MAX_DIMS:
            raise r.bad(f"the tensor {name!r} has {dims} dimensions")
        shape = tuple(r.number("Q") for _ in range(dims))
        kind, offset = r.number("I"), r.number("Q")
        if kind not in TENSOR_TYPES:
            raise r.bad(f"the tensor {name!r} has the unknown type {kind}")
        label, block, block_bytes = TENSOR_TYPES[kind]
        elements = product(shape)
        if elements == 0 or elements >= 1 << 62 or shape[0] % block:
            raise r.bad(f"the tensor {name!r} has a shape that its type {label} does not allow")
        # llama.cpp wants the tensors in order and without gaps; so does the format.
        if offset != end:
            raise r.bad(f"the tensor {name!r} does not lie where it should")
        size = elements // block * block_bytes
        out.append(Tensor(name, shape, label, offset, size))
        end = -(-(offset + size) // alignment) * alignment
    return tuple(out)
