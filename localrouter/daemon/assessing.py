"""What is known of a request before it is decided: what the privacy scan found, its signals, and the world as it stands. One object a request.

What is found here is read by the decision and recorded with it; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import dataclasses

from localrouter.classify import Classified, classify
from localrouter.core import events as e
from localrouter.core.ask import Ask
from localrouter.core.findings import Finding
from localrouter.core.kinds import strictest
from localrouter.core.recipe import Recipe
from localrouter.daemon.due import Deadlines, scanned_within
from localrouter.daemon.noting import Story
from localrouter.daemon.reading import classes_of, signals
from localrouter.daemon.services import Services

Rows = list[tuple[Finding, ...]]


class Assessment:
    """`findings`: of each leaf of the request, once it is scanned. The story is told the signals and the standing."""

    def __init__(self, services: Services, ask: Ask, recipe: Recipe, story: Story, due: Deadlines) -> None:
        self.s, self.ask, self.recipe, self.story, self._due = services, ask, recipe, story, due
        self.findings: Rows = []

    def seen(self) -> Rows | None:
        """The findings where every leaf was scanned before; then nothing has to be waited for."""
        self.story.names = self.s.inspection.names(self.ask.leaves)
        return self.s.inspection.cached(self.ask.leaves, self.story.names)

    async def scanned(self) -> e.Event:
        """Scan, and read meanwhile what is asked for. Raises PrivacyUnsure."""
        scan = asyncio.ensure_future(self.s.inspection.inspect(self.ask.leaves, names=self.story.names))
        try:
            async with scanned_within(self.recipe.limits.inspect_ms):
                await asyncio.sleep(0)  # its question is sent; what is asked for is read while another process scans
                said = classify(self.ask)
                found = await scan
            return await self.judged(found, said)
        finally:
            scan.cancel()

    async def judged(self, findings: Rows, said: Classified | None = None) -> e.Event:
        """Signals and standing of a scanned request. Raises TimeIsUp where the recipe gives the decision less time."""
        self.findings = findings
        seen = classes_of(self.ask, findings)
        inherited = self.s.sticky(self.ask.who, self.ask.session, strictest(list(seen)))
        async with self._due.decided_within(self.recipe.limits.decide_ms):
            density = await self.s.density(self.ask.session)
            by = classify if said is None else lambda _: said
            self.story.signals = signals(self.ask, findings, inherited=inherited, density=density, by=by)
            self.story.standing = await self.s.standing(self.ask, counted=True)
        return e.Inspected(self.story.signals, self.story.standing)

    async def unscanned(self) -> e.Event:
        """Signals without findings. No text may leave: the relay asks the local lane only, and the gates are told so as well."""
        inherited = self.s.inherited(self.ask.who, self.ask.session)
        self.findings = [() for _ in self.ask.leaves]
        found = signals(self.ask, self.findings, inherited=inherited, density=None)
        self.story.signals = dataclasses.replace(found, keep_local=True)
        self.story.standing = await self.s.standing(self.ask)
        return e.Inspected(self.story.signals, self.story.standing)
