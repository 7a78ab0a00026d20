"""What a verdict depends on, in one digest: the code that scans, its rule data, the libraries behind it, and the user's lists.

A cached verdict of another version is no verdict. Reads some eighty small files: not for the event loop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

_HERE = Path(__file__).parent
_PARTS = ("views.py", "segments.py", "shapes.py", "opaque.py", "pieces.py", "seams.py", "merge.py", "allowlist.py")
_LIBRARIES = ("presidio-analyzer", "phonenumbers", "regex")


def installed() -> bytes:
    """16 bytes that name what is installed. Raises OSError when it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    files = [_HERE / name for name in _PARTS]
    for folder in ("detectors", "rules"):
        files += sorted(
            f for f in (_HERE / folder).rglob("*") if f.is_file() and f.suffix in (".py", ".json", ".txt", ".gz", ".xz")
        )
    for file in files:
        if file.exists():
            digest.update(file.name.encode() + b"\x00" + hashlib.blake2b(file.read_bytes()).digest())
    for name in _LIBRARIES:
        try:
            digest.update(f"{name} {metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            digest.update(f"{name} -\n".encode())
    return digest.digest()


def with_options(base: bytes, options: Mapping[str, Any]) -> bytes:
    """16 bytes: what is installed, and what the user chose."""
    return hashlib.blake2b(base + orjson.dumps(options, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
