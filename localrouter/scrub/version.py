"""What a verdict depends on, in one digest: the code that scans, its rule data, the encoder, the libraries behind it, and the user's lists.

A cached verdict of another version is no verdict. The whole room is read, so that no helper of a detector can be forgotten, and so are the
encoder's weights (25 MB, some 30 ms) and the code that reads text for them. Some hundred files: not for the event loop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

_ROOM = Path(__file__).resolve().parent
_KINDS = _ROOM.parent / "core" / "kinds.py"
_ENGINE = tuple(_ROOM.parent / "engine" / name for name in ("encoder.py", "pieces.py", "token_head.py"))
WEIGHTS = _ROOM.parent / "models" / "encoder.gguf"
_READ = frozenset([".py", ".json", ".txt", ".tsv", ".csv", ".gz", ".xz"])
_LIBRARIES = ("presidio-analyzer", "phonenumbers", "regex", "llama-cpp-python", "tokenizers", "spacy")


SPACY = "spacy_models"
"""The group of entry points by which a spaCy model's package names itself (spaCy's own `spacy package` writes it)."""


def installed() -> bytes:
    """16 bytes that name what is installed. Raises OSError when it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    for file in [_KINDS, *_ENGINE, *sorted(f for f in _ROOM.rglob("*") if f.suffix in _READ and f.is_file())]:
        digest.update(file.name.encode() + b"\x00" + hashlib.blake2b(file.read_bytes()).digest())
    digest.update(_weights())
    for name in _LIBRARIES:
        try:
            digest.update(f"{name} {metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            digest.update(f"{name} -\n".encode())
    for model in sorted(f"{e.name} {e.dist.version if e.dist else ''}\n" for e in metadata.entry_points(group=SPACY)):
        digest.update(model.encode())
    return digest.digest()


def _weights() -> bytes:
    """The encoder's digest, read in pieces so that no process holds 25 MB for it; nothing when it is not there (no scan then)."""
    try:
        with WEIGHTS.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except FileNotFoundError:
        return b""


def with_options(base: bytes, options: Mapping[str, Any]) -> bytes:
    """16 bytes: what is installed, and what the user chose."""
    return hashlib.blake2b(base + orjson.dumps(options, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
