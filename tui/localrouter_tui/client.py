"""The daemon as the TUI sees it: the control API only, one call at a time, off the event loop."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from typing import Any

from localrouter.config.paths import Paths
from localrouter.daemon.client import Client, DaemonDown, Refused

__all__ = ["Daemon", "DaemonDown", "Refused"]

PATIENCE_S = 10.0
"""More than the daemon's own wait for notes under way (2 s); leaving the TUI waits for the last call, so not much more."""


class Daemon:
    """Reconnects by itself: address and token are read again after each failure. `paths`: another home than the user's."""

    def __init__(self, paths: Paths | None = None) -> None:
        self._paths = paths
        self._client: Client | None = None

    def _call(self, ask: Callable[[Client], dict[str, Any]]) -> dict[str, Any]:
        if self._client is None:
            self._client = Client(self._paths, timeout=PATIENCE_S)
        try:
            return ask(self._client)
        except (DaemonDown, Refused):
            # A daemon that came back may have another port and other tokens.
            self._client = None
            raise
        except (OSError, http.client.HTTPException, ValueError):
            # It went away in the middle of its answer.
            self._client = None
            raise DaemonDown from None

    async def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """Raises DaemonDown, Refused."""
        return await asyncio.to_thread(self._call, lambda client: client.get(path, **query))

    async def post(self, path: str, **query: str) -> dict[str, Any]:
        """Raises DaemonDown, Refused."""
        return await asyncio.to_thread(self._call, lambda client: client.post(path, b"{}", **query))
