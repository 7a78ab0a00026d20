"""The control API's dry run of one request: what would be decided for this body. Nothing is reserved, nothing is sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from localrouter.core.decide import decide
from localrouter.core.decision import catalogue_kept, kept, record
from localrouter.core.errors import BadRequest
from localrouter.core.kinds import ORDER
from localrouter.daemon import door
from localrouter.daemon.app import Call, Route, send_json
from localrouter.daemon.asking import asked
from localrouter.daemon.reading import signals, told
from localrouter.daemon.services import Services
from localrouter.dialects import Dialect, all_dialects
from localrouter.scrub.checked import checked
from localrouter.scrub.tokens import Minter
from localrouter.scrub.veil import taken


class ControlExplain:
    """One handler over the services."""

    def __init__(self, services: Services) -> None:
        self.s = services

    def routes(self) -> list[Route]:
        return [Route("POST", "/control/explain", "control", self.explain)]

    async def explain(self, call: Call) -> None:
        """The body of a request in the dialect that the query names; headers that a client would send are read from this call. The decision in
        the answer is the published object, with what the client wrote in it: it is shown to who asked, and not kept."""
        body = await door.read_body(call.scope, call.receive)
        if body is None:
            return
        dialect = dialect_of(call.query.get("dialect", ""))
        headers = {k: v for k, v in door.headers_of(call.scope).items() if k != "authorization"}  # that is the control token
        recipe = self.s.recipe
        ask = asked(self.s, dialect.read(body, headers), headers)
        findings = await self.s.inspection.inspect(ask.leaves)
        density = await self.s.density(ask.session)
        read = signals(ask, findings, inherited=self.s.inherited(ask.who, ask.session), density=density)
        standing = await self.s.standing(ask)
        plan = decide(ask, read, recipe, standing, self.s.gates)
        decision = record(ask, read, standing, recipe, plan, self.s.gates, version=self.s.recipe_version)
        first = plan.attempts[0].model if plan.attempts else None
        minter = Minter(self.s.secret, f"{ask.who}\x00{ask.session}", first.host if first else "", taken(ask.leaves))
        veiled = checked(ask.leaves, findings, {n: recipe.rule(n).values for n in ORDER}, minter, self.s.allowed)
        tree: dict[str, Any] = {
            "plan": {
                "route": plan.route,
                "reason": plan.reason,
                "attempts": [
                    {"model": a.id, "lane": a.lane, "reserve_micro": a.reserve, "max_output": a.max_output} for a in plan.attempts
                ],
                "candidates": [asdict(w) for w in plan.weighed],
                "error": plan.error.code if plan.error else "",
            },
            "signals": {"data_class": read.data_class, **told(read), "findings": read.findings},
            "text": plan.explain,
            "decision": decision.whole(),
            "recipe": kept(recipe),
            "catalogue": catalogue_kept(standing.catalogue),
            "hosted": first is not None,
            "left_machine": veiled.texts,
            "tokens": [e.token for e in veiled.table],
        }
        await send_json(call.send, 200, tree)


def dialect_of(name: str) -> Dialect:
    """A dialect by its name, or by what stands in it after its maker ("messages"); chat completions without one. Raises BadRequest."""
    known = {d.NAME: d for d in all_dialects()}
    short = {full.partition("_")[2]: d for full, d in known.items()}
    found = {**short, **known}.get(name or "openai_chat")
    if found is None:
        raise BadRequest(f"There is no dialect {name[:60]!r}.", "Known dialects: " + ", ".join(sorted(short)) + ".")
    return found
