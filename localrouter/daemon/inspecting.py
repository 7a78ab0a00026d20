"""Ask the inspector child about leaves: segments, cache, batches, canary. Fail closed (law 1).

A leaf has a verdict when each of its segments has one. Silence, a crash, a time-out, or a canary that was not found is
`PrivacyUnsure`. A segment that killed the child alone is quarantined by hash, so that it cannot kill it each turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.config.paths import SAFE
from localrouter.core.ask import Leaf
from localrouter.core.errors import LaneFault, PrivacyUnsure
from localrouter.core.findings import Finding
from localrouter.daemon.children import Child, ChildDied
from localrouter.scrub.cache import SegmentCache
from localrouter.scrub.segments import segments

BATCH_BYTES = 128 * 1024
SECONDS_PER_BATCH = 30.0
FIELD_CAP = 8 * 1024 * 1024
"""Bytes. DESIGN section 7: a field has a byte cap and no wall limit."""


_Row = tuple[bytes, list[tuple[int, int, bytes]], tuple[Finding, ...] | None]
"""One leaf: its own cache key, its segments (start, end, cache key), or its findings when the whole leaf was seen before."""


class Inspection:
    """The daemon's side of the inspector."""

    def __init__(self, key: bytes, identity: Mapping[str, str]) -> None:
        self.cache = SegmentCache(key)
        self._leaves = SegmentCache(key + b" leaves", limit=20_000)
        self._identity = dict(identity)
        argv = [sys.executable, *SAFE, "-m", "localrouter.inspector"]
        self._children = (Child("inspector", argv), Child("inspector", argv))
        self._at = 0
        self._configured: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._suspect: set[bytes] = set()
        self._quarantine: set[bytes] = set()
        self.unsure = 0
        self.detectors: list[str] = []

    @property
    def child(self) -> Child:
        """The one that is asked; the other stands by."""
        return self._children[self._at]

    async def start(self) -> None:
        """Have the first one ready. The standby is loaded behind it, so that it delays nobody."""
        ready = await self.child.start()
        self.detectors = list(ready.get("detectors", []))
        self._behind(self._children[1 - self._at])

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(c.stop() for c in self._children))

    def _behind(self, child: Child) -> None:
        async def load() -> None:
            with contextlib.suppress(LaneFault):
                await child.start()
                await self._configure(child)

        task = asyncio.create_task(load())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _swap(self) -> None:
        """The standby takes over; what failed is started again behind it."""
        failed = self.child
        self._at = 1 - self._at
        self._behind(failed)

    async def _configure(self, child: Child) -> None:
        pid = child.pid
        if pid is not None and pid not in self._configured:
            self._configured.add(pid)
            await child.tell({"op": "configure", "identity": self._identity})

    async def inspect(self, leaves: Sequence[Leaf]) -> list[tuple[Finding, ...]]:
        """Findings of each leaf, sorted, in its own offsets. Raises PrivacyUnsure."""
        try:
            return await self._inspect(leaves)
        except PrivacyUnsure:
            self.unsure += 1
            raise

    def cached(self, leaves: Sequence[Leaf]) -> list[tuple[Finding, ...]] | None:
        """The findings when every segment was seen before, without waiting; else None."""
        try:
            spans, missing, known = self._look(leaves)
        except PrivacyUnsure:
            return None  # `inspect` says why, and counts it
        return None if missing else self._joined(spans, known)

    async def _inspect(self, leaves: Sequence[Leaf]) -> list[tuple[Finding, ...]]:
        spans, missing, known = self._look(leaves)
        for batch in self._batches(missing):
            try:
                known |= await self._ask(batch, missing)
            except ChildDied:
                # Whatever killed it, the standby is asked, one segment at a time: what kills again is quarantined.
                for key in batch:
                    known |= await self._alone(key, missing)
        return self._joined(spans, known)

    def _look(self, leaves: Sequence[Leaf]) -> tuple[list[_Row], dict[bytes, tuple[str, str]], dict[bytes, tuple[Finding, ...]]]:
        """(segments of each leaf with their cache keys, those that are not known yet, those that are)."""
        spans: list[_Row] = []
        missing: dict[bytes, tuple[str, str]] = {}
        known: dict[bytes, tuple[Finding, ...]] = {}
        for leaf in leaves:
            if len(leaf.text) > FIELD_CAP:
                raise PrivacyUnsure(f"A field is over {FIELD_CAP} characters and cannot be scanned.", "Send it in parts.")
            whole = self._leaves.key_of(leaf.text, leaf.context)
            seen = self._leaves.get(whole)
            if seen is not None:
                # A conversation comes again with each turn; one hash a leaf is all that its old part costs.
                spans.append((whole, [], seen))
                continue
            row: list[tuple[int, int, bytes]] = []
            for start, end in segments(leaf.text):
                text = leaf.text[start:end]
                key = self.cache.key_of(text, leaf.context)
                row.append((start, end, key))
                if key in known or key in missing:
                    continue
                if key in self._quarantine:
                    raise PrivacyUnsure(
                        "A part of the text made the privacy scan fail before.", "Leave it out, or use a recipe that stays local."
                    )
                found = self.cache.get(key)
                if found is None:
                    missing[key] = (text, leaf.context)
                else:
                    known[key] = tuple(found)
            spans.append((whole, row, None))
        return spans, missing, known

    def _joined(self, spans: list[_Row], known: Mapping[bytes, tuple[Finding, ...]]) -> list[tuple[Finding, ...]]:
        """Findings of segments as findings of leaves, in the leaves' own offsets."""
        out: list[tuple[Finding, ...]] = []
        for whole, row, seen in spans:
            if seen is None:
                seen = tuple(
                    Finding(f.start + start, f.end + start, f.type, f.score, f.detector)
                    for start, _, key in row
                    for f in known[key]
                )
                self._leaves.put(whole, seen)
            out.append(seen)
        return out

    def _batches(self, missing: Mapping[bytes, tuple[str, str]]) -> list[list[bytes]]:
        batches: list[list[bytes]] = [[k] for k in missing if k in self._suspect]
        batch: list[bytes] = []
        size = 0
        for key, (text, _) in missing.items():
            if key in self._suspect:
                continue
            batch.append(key)
            size += len(text)
            if size >= BATCH_BYTES:
                batches.append(batch)
                batch, size = [], 0
        if batch:
            batches.append(batch)
        return batches

    async def _ask(self, batch: list[bytes], missing: Mapping[bytes, tuple[str, str]]) -> dict[bytes, tuple[Finding, ...]]:
        # The canary is an address that no text holds: an inspector that answers "nothing" is as dead as a silent one.
        canary = f"write to {secrets.token_hex(6)}@canary-{secrets.token_hex(3)}.org today"
        segments_ = [{"t": missing[k][0], "c": missing[k][1]} for k in batch] + [{"t": canary, "c": ""}]
        child = self.child
        try:
            if not child.alive:
                await child.start()
            await self._configure(child)
            reply = await child.call({"op": "inspect", "segments": segments_}, timeout=SECONDS_PER_BATCH)
        except ChildDied:
            self._suspect.update(batch)
            self._swap()
            raise
        except (LaneFault, TimeoutError, OSError) as exc:
            # It hangs in this batch and would hang for the next request too.
            if len(batch) == 1:
                self._quarantine.add(batch[0])
            self._suspect.update(batch)
            child.kill()
            self._swap()
            raise PrivacyUnsure(
                "The privacy scan did not finish, so nothing was sent.", "Ask again; `localrouter logs` says why."
            ) from exc
        rows = reply.get("findings")
        if "error" in reply or not isinstance(rows, list) or len(rows) != len(segments_) or not _found(rows[-1], canary):
            raise PrivacyUnsure(
                "The privacy scan gave no trustworthy answer, so nothing was sent.", "Ask again; see `localrouter logs`."
            )
        out: dict[bytes, tuple[Finding, ...]] = {}
        for key, row in zip(batch, rows[:-1], strict=True):
            found = _findings(row, len(missing[key][0]))
            if found is None:
                raise PrivacyUnsure("The privacy scan answered with spans that do not exist, so nothing was sent.", "Ask again.")
            out[key] = found
        for key, found in out.items():
            self.cache.put(key, found)
        return out

    async def _alone(self, key: bytes, missing: Mapping[bytes, tuple[str, str]]) -> dict[bytes, tuple[Finding, ...]]:
        try:
            found = await self._ask([key], missing)
        except ChildDied as exc:
            if self.child.alive or exc.retry_after is None:
                self._quarantine.add(key)
            raise PrivacyUnsure(
                "The privacy scan did not finish, so nothing was sent.", "Ask again; `localrouter logs` says why."
            ) from exc
        self._suspect.discard(key)
        return found

    def state(self) -> dict[str, Any]:
        """For status and doctor."""
        return {
            "alive": self.child.alive,
            "pid": self.child.pid,
            "standby": self._children[1 - self._at].alive,
            "deaths": sum(c.deaths for c in self._children),
            "unsure": self.unsure,
            "quarantined": len(self._quarantine),
            "detectors": self.detectors,
        }


def _findings(row: Any, size: int) -> tuple[Finding, ...] | None:
    """The findings of one segment, or None when the row is not one: a scan that answers nonsense has not scanned."""
    if not isinstance(row, list):
        return None
    out: list[Finding] = []
    for item in row:
        if not isinstance(item, list) or len(item) != 5:
            return None
        start, end, kind, score, detector = item
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= size:
            return None
        if not isinstance(kind, str) or not isinstance(detector, str) or not isinstance(score, (int, float)):
            return None
        out.append(Finding(start, end, kind, float(score), detector))
    return tuple(out)


def _found(row: Any, canary: str) -> bool:
    """Whether the canary's address was found, where it stands."""
    found = _findings(row, len(canary))
    address = canary.split()[2]
    return found is not None and any(canary[f.start : f.end] == address for f in found)
