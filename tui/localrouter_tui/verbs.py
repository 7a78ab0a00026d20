"""The recipe verbs of the CLI as children of the TUI: they check, compare, replay and apply as they do in a shell, and speak to the daemon's control
routes. A replay of a thousand requests computes for a second; in a child it stops no key, and Escape ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from typing import Any

from localrouter.config.paths import SAFE, Paths

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer: a dry run of 10 000 requests that all change is some 5 MB."""


class VerbFailed(Exception):
    """A verb could not do it; `text` is what it said: what happened and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Verbs:
    """`paths`: another home than the user's, whose two folders lie side by side."""

    def __init__(self, paths: Paths | None = None) -> None:
        self._env = dict(os.environ)
        if paths is not None:
            self._env["LOCALROUTER_HOME"] = str(paths.config.parent)

    async def names(self) -> tuple[str, ...]:
        """The recipes that can be named: the user's own files, and the shipped ones."""

        def found() -> tuple[str, ...]:
            from localrouter.config.recipes import names

            home = self._env.get("LOCALROUTER_HOME")
            return tuple(sorted(names((Paths.default() if home is None else _paths(home)).recipe_dirs())))

        return await asyncio.to_thread(found)

    async def differences(self, before: str, after: str) -> dict[str, Any]:
        """What `after` does differently. Raises VerbFailed."""
        return await self._json("diff", "--json", "--", before, after)

    async def check(self, name: str) -> dict[str, Any]:
        """Whether it can be put in force: `version`, `ok`, `warnings`. Raises VerbFailed."""
        return await self._json("check", "--json", "--", name)

    async def dry_run(self, name: str, days: float) -> dict[str, Any]:
        """What it would have done with the requests of the last days. Raises VerbFailed."""
        return await self._json("dry-run", "--json", "--days", f"{days:g}", "--", name)

    async def apply(self, name: str, note: str) -> str:
        """Put it in force; gives what was done, in words. Raises VerbFailed."""
        return await self._said("apply", "--by", "tui", "--note", note, "--", name)

    async def rollback(self, version: str, note: str) -> str:
        """Put an earlier one in force again, by its hash. Raises VerbFailed."""
        return await self._said("rollback", "--by", "tui", "--note", note, "--", version)

    async def _json(self, *args: str) -> dict[str, Any]:
        code, out, err = await self._run(*args)
        try:
            tree = json.loads(out)
        except ValueError:
            tree = None
        if not isinstance(tree, dict):  # `check` exits with 1 and still says what is wrong, as JSON
            raise VerbFailed(err or f"`localrouter recipe {args[0]}` ended with {code} and said nothing.")
        return tree

    async def _said(self, *args: str) -> str:
        code, out, err = await self._run(*args)
        if code:
            raise VerbFailed(err or f"`localrouter recipe {args[0]}` ended with {code} and said nothing.")
        return out.decode("utf-8", "replace").strip()

    async def _run(self, *args: str) -> tuple[int, bytes, str]:
        """(exit code, stdout, stderr). A task that is cancelled takes its child with it."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, *SAFE, "-m", "localrouter", "recipe", *args,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self._env, limit=MOST_BYTES,
        )  # fmt: skip
        try:
            out, err = await child.communicate()
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        return child.returncode or 0, out, err.decode("utf-8", "replace").strip().removeprefix("localrouter: ")


def _paths(home: str) -> Paths:
    from pathlib import Path

    return Paths(Path(home) / "config", Path(home) / "state")
