"""Where the recipe verbs ask for what was in force and what was decided: the daemon when one runs, else its database, held meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from localrouter import __version__
from localrouter.cli._detached import running
from localrouter.config.paths import Paths
from localrouter.daemon.recipes import Recipes, stopped

Tree = dict[str, Any]


class Desk:
    """Methods as of daemon/recipes.Recipes. Raises RouterError."""

    def __init__(self, paths: Paths) -> None:
        self.paths, self._client = paths, running(paths)

    @property
    def hot(self) -> bool:
        """Whether a daemon runs."""
        return self._client is not None

    def history(self) -> Tree:
        if self._client is not None:
            return self._client.get("recipe/history")
        return self._stopped(lambda r: r.history())

    def kept(self, word: str) -> Tree:
        if self._client is not None:
            return self._client.get("recipe/kept", of=word)
        return self._stopped(lambda r: r.kept(word))

    def apply(self, source: str, hash_: str, by: str, note: str) -> Tree:
        if self._client is not None:
            return self._client.post("recipe/apply", source=source, hash=hash_, by=by, note=note, version=__version__)
        return self._stopped(lambda r: r.apply(source, hash_, by, note, __version__))

    def rollback(self, word: str, by: str, note: str) -> Tree:
        if self._client is not None:
            return self._client.post("recipe/rollback", of=word, by=by, note=note)
        return self._stopped(lambda r: r.rollback(word, by, note))

    def keys(self) -> Tree | None:
        """Where each host's key comes from (no key is in it), as the daemon sees it; None where none runs."""
        return self._client.get("keys") if self._client is not None else None

    def decisions(self, since: float, limit: int) -> Iterator[tuple[list[Tree], dict[str, Tree]]]:
        """Pages of (rows, the places that they name), newest first, `limit` rows in all."""
        before: tuple[float, str] | None = None
        while limit > 0:
            page = self._page(since, limit, before)
            yield page["decisions"], page["places"]
            limit -= len(page["decisions"])
            if page["next"] is None:
                return
            before = (page["next"][0], page["next"][1])

    def _page(self, since: float, limit: int, before: tuple[float, str] | None) -> Tree:
        if self._client is None:
            return self._stopped(lambda r: r.decisions(since, limit, before))
        more = {"before_at": repr(before[0]), "before_id": before[1]} if before is not None else {}
        return self._client.get("decisions", since=repr(since), limit=limit, **more)

    def _stopped(self, ask: Callable[[Recipes], Coroutine[Any, Any, Tree]]) -> Tree:
        with stopped(self.paths) as recipes:
            return asyncio.run(ask(recipes))
