"""Ask the inspector child about leaves: segments, cache, batches, canary. Fail closed (law 1).

A leaf has a verdict when each of its segments has one. Silence, a crash, a time-out, or a canary that was not found is
`PrivacyUnsure`. A segment that killed the child alone is quarantined by hash, so that it cannot kill it each turn.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from localrouter.config.paths import SAFE
from localrouter.core.ask import Leaf
from localrouter.core.errors import LaneFault, PrivacyUnsure
from localrouter.core.findings import Finding
from localrouter.daemon.children import Child
from localrouter.scrub.cache import SegmentCache
from localrouter.scrub.segments import segments

BATCH_BYTES = 128 * 1024
SECONDS_PER_BATCH = 30.0
FIELD_CAP = 8 * 1024 * 1024
"""Bytes. DESIGN section 7: a field has a byte cap and no wall limit."""


class Inspection:
    """The daemon's side of the inspector."""

    def __init__(self, key: bytes, identity: Mapping[str, str]) -> None:
        self.cache = SegmentCache(key)
        self._identity = dict(identity)
        self._child = Child("inspector", [sys.executable, *SAFE, "-m", "localrouter.inspector"])
        self._configured_pid: int | None = None
        self._suspect: set[bytes] = set()
        self._quarantine: set[bytes] = set()
        self.unsure = 0
        self.detectors: list[str] = []

    @property
    def child(self) -> Child:
        return self._child

    async def start(self) -> None:
        ready = await self._child.start()
        self.detectors = list(ready.get("detectors", []))

    async def stop(self) -> None:
        await self._child.stop()

    async def inspect(self, leaves: Sequence[Leaf]) -> list[tuple[Finding, ...]]:
        """Findings of each leaf, sorted, in its own offsets. Raises PrivacyUnsure."""
        try:
            return await self._inspect(leaves)
        except PrivacyUnsure:
            self.unsure += 1
            raise

    async def _inspect(self, leaves: Sequence[Leaf]) -> list[tuple[Finding, ...]]:
        spans: list[list[tuple[int, int, bytes]]] = []
        missing: dict[bytes, tuple[str, str]] = {}
        known: dict[bytes, tuple[Finding, ...]] = {}
        for leaf in leaves:
            if len(leaf.text) > FIELD_CAP:
                raise PrivacyUnsure(f"A field is over {FIELD_CAP} characters and cannot be scanned.", "Send it in parts.")
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
            spans.append(row)
        for batch in self._batches(missing):
            known |= await self._ask(batch, missing)
        out: list[tuple[Finding, ...]] = []
        for row in spans:
            out.append(
                tuple(
                    Finding(f.start + start, f.end + start, f.type, f.score, f.detector)
                    for start, _, key in row
                    for f in known[key]
                )
            )
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
        try:
            if not self._child.alive:
                await self._child.start()
            if self._configured_pid != self._child.pid:
                await self._child.tell({"op": "configure", "identity": self._identity})
                self._configured_pid = self._child.pid
            reply = await self._child.call({"op": "inspect", "segments": segments_}, timeout=SECONDS_PER_BATCH)
        except (LaneFault, TimeoutError, OSError) as exc:
            if len(batch) == 1:
                self._quarantine.add(batch[0])
            else:
                self._suspect.update(batch)
            raise PrivacyUnsure(
                "The privacy scan did not finish, so nothing was sent.", "Ask again; `localrouter logs` says why."
            ) from exc
        rows = reply.get("findings")
        if "error" in reply or not isinstance(rows, list) or len(rows) != len(segments_) or not rows[-1]:
            raise PrivacyUnsure(
                "The privacy scan gave no trustworthy answer, so nothing was sent.", "Ask again; see `localrouter logs`."
            )
        out: dict[bytes, tuple[Finding, ...]] = {}
        for key, row in zip(batch, rows[:-1], strict=True):
            found = tuple(Finding(int(s), int(e), str(t), float(p), str(d)) for s, e, t, p, d in row)
            self.cache.put(key, found)
            out[key] = found
        return out

    def state(self) -> dict[str, Any]:
        """For status and doctor."""
        return {
            "alive": self._child.alive,
            "pid": self._child.pid,
            "deaths": self._child.deaths,
            "unsure": self.unsure,
            "quarantined": len(self._quarantine),
            "detectors": self.detectors,
        }
