"""What the privacy scan has seen, in memory and over a restart: whole leaves, and the pieces of those that changed.

Two caches under one version, and a file for each in the state folder: keyed hashes and spans, no text (scrub/cache.py). Files are
read and written in threads; one that cannot be trusted is none, one that cannot be written costs the next start a scan.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localrouter.config.paths import private_file
from localrouter.scrub.cache import FILE_MAX, Row, SegmentCache
from localrouter.scrub.version import installed, with_options

log = logging.getLogger("localrouter")

LEAVES = 20_000
SAVE_AFTER_S = 30.0
"""From the first new verdict to its place in a file: a crash loses no more than that."""


class Seen:
    """`folder` None: in memory only. Use it from one event loop."""

    def __init__(self, key: bytes, folder: Path | None) -> None:
        self.pieces = SegmentCache(key)
        self.leaves = SegmentCache(key + b" leaves", limit=LEAVES)
        self._files = {} if folder is None else {folder / "seen-segments": self.pieces, folder / "seen-texts": self.leaves}
        self._options: Mapping[str, Any] = {}
        self._installed = b""
        self._loading: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._saved = 0

    @property
    def known(self) -> bool:
        """Whether the version is known; before that no verdict is."""
        return self._installed != b""

    def choose(self, options: Mapping[str, Any]) -> None:
        """The user's settings, which are part of the version."""
        self._options = options
        self.installed(self._installed)

    def installed(self, base: bytes) -> None:
        """What scans, as the scanning process says; nothing when it says nothing."""
        if base:
            self._installed = base
            self.pieces.version = self.leaves.version = with_options(base, self._options)

    async def load(self) -> None:
        """Know the version, and what was seen before the last stop. Once; later calls cost nothing."""
        if not self.known:
            if self._loading is None:
                self._loading = asyncio.create_task(self._load())
            await asyncio.shield(self._loading)

    async def _load(self) -> None:
        self.installed(await asyncio.to_thread(installed))
        for file, cache in self._files.items():
            cache.adopt(await asyncio.to_thread(_read, file, cache))

    def save_soon(self) -> None:
        if self._files and (self._saving is None or self._saving.done()):
            self._saving = asyncio.create_task(self._save_later())

    async def _save_later(self) -> None:
        await asyncio.sleep(SAVE_AFTER_S)
        await self._save()

    async def close(self) -> None:
        """Keep what is new."""
        if self._saving is not None:
            self._saving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._saving
        await self._save()

    async def _save(self) -> None:
        changes = self.pieces.changes + self.leaves.changes
        if changes == self._saved:
            return
        self._saved = changes
        for file, cache in self._files.items():
            try:
                await asyncio.to_thread(_write, file, cache, cache.snapshot())
            except OSError as exc:
                log.warning("what the privacy scan has seen could not be kept (%s)", exc.strerror)


def _read(file: Path, cache: SegmentCache) -> dict[bytes, Row]:
    try:
        if file.stat().st_size > 4 * FILE_MAX:
            return {}
        return cache.unpack(file.read_bytes())
    except (OSError, ValueError, IndexError, struct.error):
        return {}


def _write(file: Path, cache: SegmentCache, generations: Sequence[dict[bytes, Row]]) -> None:
    private_file(file, cache.pack(generations))
