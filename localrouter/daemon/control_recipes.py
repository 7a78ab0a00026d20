"""The control API's part on recipes and decisions: what was in force, what is, and what was decided."""

from __future__ import annotations

from localrouter.core.errors import BadRequest, NotFound
from localrouter.daemon.app import Call, Route, send_json
from localrouter.daemon.deciding import hashed_bytes
from localrouter.daemon.recipes import Recipes
from localrouter.daemon.services import Services

NOTES_S = 2.0
"""Decisions are written after the answer's last byte; a reader waits this long for those under way."""
ASKERS = ("cli", "tui", "api")
"""Who puts a recipe in force: the command line, the TUI, or a program of the user's that does not say."""
MOST = 100_000
"""Decisions that one dry run reads at most."""


class ControlRecipes:
    """Handlers over the services and the recipes."""

    def __init__(self, services: Services, recipes: Recipes) -> None:
        self.s, self.recipes = services, recipes

    def routes(self) -> list[Route]:
        table = (
            ("GET", "recipe", self.recipe),
            ("GET", "recipe/history", self.history),
            ("GET", "recipe/kept", self.kept),
            ("POST", "recipe/apply", self.apply),
            ("POST", "recipe/rollback", self.rollback),
            ("GET", "decisions", self.decisions),
            ("GET", "decisions/", self.decision),
        )
        return [Route(method, f"/control/{path}", "control", handler) for method, path, handler in table]

    async def recipe(self, call: Call) -> None:
        """The one in force."""
        await send_json(
            call.send, 200, {"version": self.s.recipe_version, "recipe": self.s.recipe.model_dump(mode="json", by_alias=True)}
        )

    async def history(self, call: Call) -> None:
        await self.s.drain(NOTES_S)
        await send_json(call.send, 200, await self.recipes.history())

    async def kept(self, call: Call) -> None:
        await send_json(call.send, 200, await self.recipes.kept(call.query.get("of", "@")))

    async def apply(self, call: Call) -> None:
        """`by`: who asks, one of ASKERS; `hash`, `version`: of the recipe as it was checked and of the localrouter that checked it."""
        query = {key: call.query.get(key, "") for key in ("source", "hash", "note", "version")}
        tree = await self.recipes.apply(query["source"], query["hash"], _by(call), query["note"], query["version"])
        await send_json(call.send, 200, tree)

    async def rollback(self, call: Call) -> None:
        """`of`: a version of the history; `by` as in `apply`."""
        tree = await self.recipes.rollback(call.query.get("of", "@-1"), _by(call), call.query.get("note", ""))
        await send_json(call.send, 200, tree)

    async def decisions(self, call: Call) -> None:
        """A page of what was decided `since` an epoch second, newest first; `limit`, and `before_at` with `before_id` to go on."""
        try:
            since, limit = float(call.query.get("since", "0")), int(call.query.get("limit", "1000"))
            at, id_ = call.query.get("before_at"), call.query.get("before_id", "")
            before = (float(at), id_) if at is not None else None
        except ValueError:
            raise BadRequest("'since' and 'before_at' are epoch seconds, 'limit' is a whole number.", "Correct them.") from None
        if not 1 <= limit <= MOST:
            raise BadRequest(f"'limit' must be a number from 1 to {MOST}.", "Correct it.")
        if before is None:
            await self.s.drain(NOTES_S)
        await send_json(call.send, 200, await self.recipes.decisions(since, limit, before))

    async def decision(self, call: Call) -> None:
        """One decision by the id of its trace: with its place, what became of it, the recipe and the catalogue of then as JSON texts, and whether
        it is what its trace says (`whole`)."""
        await self.s.drain(NOTES_S)
        trace = await self.s.store.traces.get(call.tail)
        found = await self.s.store.decisions.of(str(trace["id"])) if trace is not None else None
        if trace is None or found is None:
            raise NotFound(
                f"There is no decision {call.tail[:60]!r}.",
                "It was forgotten, or nothing was decided." if trace is not None else "`localrouter traces` lists the requests.",
            )
        body = found.pop("body").encode()
        versions = self.s.store.versions
        recipe = await versions.body("recipe", found["decision"]["recipe"].rpartition("@")[2])
        catalogue = await versions.body("catalogue", found["decision"]["catalogue"])
        whole = trace.get("decision") == hashed_bytes(body)  # the chain of traces covers it
        await send_json(call.send, 200, found | {"recipe": recipe, "catalogue": catalogue, "whole": whole})


def _by(call: Call) -> str:
    """Who asks, for the history. Raises BadRequest."""
    by = call.query.get("by", "api")
    if by not in ASKERS:
        raise BadRequest(f"'by' must be one of {', '.join(ASKERS)}.", "Correct it, or leave it out.")
    return by
