"""Recipes in force: what was, what is, and another one put in its place, at once and whole.

To apply one: it is read and checked, kept by its hash, named in config.toml (so that a restart keeps it), put in force for the requests from
then on, and noted in the history. A request that runs keeps the recipe it began with. Two things are refused: a recipe that reads otherwise
here than where it was checked (the file changed meanwhile, or another version of localrouter reads it otherwise), and one whose models the
catalogue lacks.

A rollback names a version of the history. Its recipe is kept whole; where the file of its name has changed since, or is gone, what was kept is
written to `NAME@HASH.toml` beside it and that is named in config.toml: the file that a person edits is never overwritten.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from localrouter import __version__
from localrouter.config.faults import ConfigFault
from localrouter.config.paths import Paths, private_dir, private_file
from localrouter.config.recipes import load_recipe, read_recipe, unknown_targets
from localrouter.config.settings import load_settings
from localrouter.core.catalogue import Catalogue
from localrouter.core.decision import catalogue_kept, digest, kept
from localrouter.core.errors import BadRequest, ClientFault, NotFound
from localrouter.core.recipe import Recipe
from localrouter.store import Store
from localrouter.store.versions import Version

SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}")
"""A recipe's name as config.toml has it: a file of the recipes' folders, no path."""
BACK = re.compile(r"@(-\d{1,4})?")
NOTE_MAX = 500
"""Characters of a note."""


class Changed(ClientFault):
    """What was checked is not what is here now (RFC 9110, 15.5.10)."""

    status, code = 409, "changed"


class Recipes:
    """`adopt` puts a recipe in force; None where no daemon runs, so that the next start does. Every method gives JSON values."""

    def __init__(
        self,
        store: Store,
        paths: Paths,
        catalogue: Callable[[], Catalogue],
        adopt: Callable[[Recipe], None] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        """`overrides`: what the command that started the daemon says instead of config.toml."""
        self.store, self.paths, self._catalogue, self._adopt = store, paths, catalogue, adopt
        self.overrides = dict(overrides or {})
        self._one = asyncio.Lock()

    async def began(self, recipe: Recipe, source: str) -> None:
        """The daemon started, or read its files again. Raises StoreFault."""
        catalogue = self._catalogue()
        await self.store.versions.keep("catalogue", catalogue.version, catalogue_kept(catalogue))
        await self.store.versions.entered(time.time(), recipe.name, digest(recipe), kept(recipe), source, "file", "")

    async def history(self) -> dict[str, Any]:
        """Newest first, and how many decisions each version made."""
        made = await self.store.decisions.counts()
        versions = await self.store.versions.history()
        return {"versions": [asdict(v) | {"decisions": made.get(v.version, 0)} for v in versions]}

    async def kept(self, word: str) -> dict[str, Any]:
        """A version that was in force: `@` (now), `@-1` (the one before), a hash or its beginning, `NAME@HASH`. Raises NotFound, BadRequest."""
        version = await self._version(word)
        body = await self.store.versions.body("recipe", version.hash)
        if body is None:
            raise NotFound(f"The recipe {version.version} was not kept.", "`localrouter recipe history` lists the versions.")
        return asdict(version) | {"recipe": json.loads(body)}

    async def apply(self, source: str, hash_: str, by: str, note: str, version: str) -> dict[str, Any]:
        """Put a recipe of the folders in force. `hash_`: as it was checked; `version`: of the localrouter that checked it. Raises ConfigFault,
        Changed, BadRequest, StoreFault."""
        if version != __version__:
            raise Changed(
                f"The daemon is localrouter {__version__}, and the recipe was checked by {version}.",
                "Run `localrouter restart`, then apply it again.",
            )
        if not SOURCE.fullmatch(source):
            raise BadRequest(f"'{source[:60]}' is no name of a recipe.", "Give the name of a file in the recipes' folder.")
        async with self._one:
            recipe = load_recipe(source, self.paths.recipe_dirs())
            if digest(recipe) != hash_:
                raise Changed(
                    f"The recipe '{source}' changed after it was checked.",
                    f"Check it again: `localrouter recipe check {source}`.",
                )
            return await self._in_force(recipe, source, by, note)

    async def rollback(self, word: str, by: str, note: str) -> dict[str, Any]:
        """Put a version of the history in force again; there it stands as `rollback BY`. Raises NotFound, BadRequest, ConfigFault, StoreFault."""
        async with self._one:
            version = await self._version(word)
            tree = await self.kept(version.hash)
            try:
                recipe = Recipe.model_validate(tree["recipe"])
            except ValueError:
                raise BadRequest(
                    f"{version.version} was kept by another version of localrouter, whose grammar was another.",
                    "Choose a later one of `localrouter recipe history`.",
                ) from None
            source = self._file_of(recipe, version)
            return await self._in_force(recipe, source, f"rollback {by}", note or f"back to {version.version}")

    async def _in_force(self, recipe: Recipe, source: str, by: str, note: str) -> dict[str, Any]:
        from localrouter.config.edit import set_recipe  # its TOML writer is loaded for those who write

        missing = unknown_targets(recipe, self._catalogue())
        if missing:
            where, target, near = missing[0]
            raise BadRequest(f"Route '{where}' of '{recipe.name}' tries {target}, which the catalogue lacks.", near)
        name = digest(recipe)
        before = await self.store.versions.history(1)
        # What cannot be kept is not put in force: a decision must find the recipe that made it.
        await self.store.versions.keep("recipe", name, kept(recipe))
        set_recipe(self.paths, source)
        self._no_override()
        if self._adopt is not None:
            self._adopt(recipe)
        new = await self.store.versions.entered(time.time(), recipe.name, name, kept(recipe), source, by, note[:NOTE_MAX])
        return {
            "version": f"{recipe.name}@{name}", "before": before[0].version if before else "", "source": source,
            "changed": new, "hot": self._adopt is not None,
        }  # fmt: skip

    def _no_override(self) -> None:
        """What `localrouter up --recipe` said holds no longer, and a restart must not bring it back."""
        if self.overrides.pop("recipe", None) is None:
            return
        file = self.paths.state / "runtime.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            tree = json.loads(file.read_text())
            tree["overrides"] = self.overrides
            private_file(file, json.dumps(tree).encode())

    def _file_of(self, recipe: Recipe, version: Version) -> str:
        """The name of a file that reads as this recipe; written where there is none."""
        from localrouter.config.recipe_text import text_of

        folders = self.paths.recipe_dirs()
        pinned = f"{recipe.name}@{version.hash}"
        for name in (version.source, recipe.name, pinned):
            with contextlib.suppress(ConfigFault):
                if SOURCE.fullmatch(name) and digest(load_recipe(name, folders)) == digest(recipe):
                    return name
        text = (
            f"# {version.version}, as it was in force on {time.strftime('%Y-%m-%d %H:%M', time.localtime(version.at))}: written by a rollback,\n"
            f"# with what it extended in it. Edit {recipe.name}.toml instead, and put that in force with `localrouter recipe apply {recipe.name}`.\n"
            + text_of(recipe)
        )
        read_recipe(text, Path(f"{pinned}.toml"), folders)
        private_file(private_dir(self.paths.config / "recipes") / f"{pinned}.toml", text.encode())
        return pinned

    async def _version(self, word: str) -> Version:
        versions = await self.store.versions.history()
        if not versions:
            raise NotFound("No recipe was in force yet.", "`localrouter up` puts the one of config.toml in force.")
        if BACK.fullmatch(word):
            at = -int(word[1:] or 0)
            if at >= len(versions):
                raise NotFound(f"The history has {len(versions)} versions, and {word} would be one more.", "Name a later one.")
            return versions[at]
        wanted = word.rpartition("@")[2]
        named = word.rpartition("@")[0]
        fits = {
            v.hash: v
            for v in reversed(versions)
            if len(wanted) >= 4 and v.hash.startswith(wanted) and (not named or named == v.name)
        }
        if len(fits) > 1:
            raise BadRequest(f"Several versions begin with '{wanted[:12]}'.", "Give more of the hash.")
        if not fits:
            raise NotFound(f"No version '{word[:60]}' was in force.", "`localrouter recipe history` lists them.")
        return next(iter(fits.values()))

    async def decisions(self, since: float, limit: int, before: tuple[float, str] | None = None) -> dict[str, Any]:
        """A page of recorded decisions, newest first (store/decisions.py). Raises StoreFault."""
        return await self.store.decisions.since(since, limit=limit, before=before)


@contextlib.contextmanager
def stopped(paths: Paths) -> Iterator[Recipes]:
    """The same without a daemon: the state folder is held meanwhile, as by one. Raises StartFault when one runs after all, StoreFault."""
    from localrouter.config.paths import install_secret
    from localrouter.daemon.serve import checked_catalogue, lock

    settings = load_settings(paths)
    catalogue = checked_catalogue(settings)
    with lock(paths):
        store = Store.open(
            paths.state, key=install_secret(paths), budgets=settings.ledger_budgets(), now=time.time, tz=settings.timezone
        )
        try:
            yield Recipes(store, paths, lambda: catalogue)
        finally:
            store.close()
