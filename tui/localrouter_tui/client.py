"""The daemon as the TUI sees it: the control API only, one call at a time, off the event loop."""

from __future__ import annotations

import asyncio
from typing import Any

from localrouter.daemon.client import Client, DaemonDown, Refused

__all__ = ["Daemon", "DaemonDown", "Refused"]


class Daemon:
    """Reconnects by itself: the address is read again after a failure."""

    def __init__(self) -> None:
        self._client: Client | None = None

    def _call(self, path: str, query: dict[str, str | int | None]) -> dict[str, Any]:
        if self._client is None:
            self._client = Client(timeout=20)
        try:
            return self._client.get(path, **query)
        except DaemonDown:
            self._client = None
            raise

    async def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """Raises DaemonDown, Refused."""
        return await asyncio.to_thread(self._call, path, query)
