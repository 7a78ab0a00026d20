"""Whole answers held against what was promised, before anything of them is written: the contract, the rules for tool calls, a person's yes."""

from __future__ import annotations

import asyncio
import time

from localrouter.core import events as e
from localrouter.core.ask import Ask
from localrouter.core.chat import Chunk
from localrouter.core.errors import HostBroken
from localrouter.core.terms import Terms
from localrouter.core.tool_rules import ToolRules
from localrouter.daemon import calls_judged, contracts
from localrouter.daemon.contracts import Held
from localrouter.daemon.noting import Story
from localrouter.daemon.restoring import Restorer
from localrouter.daemon.services import Services


class Judging:
    """The answers of one request. `held`: the one that was judged last, restored; None where none was, or another call has begun since."""

    def __init__(self, services: Services, ask: Ask, story: Story) -> None:
        self.s, self.ask, self.story = services, ask, story
        self.held: Held | None = None

    async def judged(self, chunks: tuple[Chunk, ...], terms: Terms, restorer: Restorer | None, who: str) -> e.Event:
        """In a thread: a schema and an answer may be long. `who`: the model that gave it. Without chunks only whether it can be judged. Raises
        RouterError."""
        if not chunks:
            await asyncio.to_thread(contracts.check, terms)
            return e.Done()
        assert restorer is not None
        self.held = held = Held(chunks, restorer)
        if restorer.unresolved:
            return e.Failed(unresolved())
        verdict = await asyncio.to_thread(contracts.judge, terms, held.said, who)
        if terms.promises:
            self.story.judged(verdict.error)
        if verdict.error is None and terms.rules is not None:
            return await self._allowed(terms.rules, held, who)
        return e.Judged(verdict.error, verdict.complaint, held.size + len(verdict.complaint.encode()))

    async def _allowed(self, rules: ToolRules, held: Held, who: str) -> e.Event:
        """The calls of a whole answer against the route's rules; those that a person has to allow wait for one."""
        found = calls_judged.judged(rules, held.said, who)
        if found.error is not None:
            self.story.judged(found.error)
            return e.Judged(found.error, found.complaint, held.size + len(found.complaint.encode()))
        if found.asks:
            start = time.monotonic()
            answer = await self.s.approvals.ask(
                found.asks,
                request=self.story.id,
                who=self.ask.who,
                route=self.story.plan.route if self.story.plan is not None else "",
                model=who,
                wait_s=rules.wait_s,
            )
            self.story.person_said(answer, len(found.asks), time.monotonic() - start)
            if answer != "allowed":
                return e.Failed(calls_judged.not_approved(answer, rules.wait_s))
        if self.story.checks and not self.story.checks[-1]["held"]:
            self.story.judged(None)  # what was denied before is mended
        return e.Judged()


def unresolved() -> HostBroken:
    """Of a placeholder in a file edit that stands for nothing: it is an error to the client and is never written (DESIGN section 7)."""
    what = "The model wrote a placeholder into a file edit that stands for nothing here, so the edit was held back."
    return HostBroken(what, "Ask again.")
