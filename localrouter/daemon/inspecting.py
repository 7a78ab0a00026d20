"""Ask the inspector child about leaves: pieces, caches, batches, canary. Fail closed (law 1).

A leaf has a verdict when each of its pieces has one. Silence, a crash, a time-out, or a canary that was not found is
`PrivacyUnsure`. A piece that killed the child alone is quarantined by hash, so that it cannot kill it each turn. What takes longer
than a moment (cutting long texts, the caches' files) happens in threads, never on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from localrouter.config.paths import SAFE
from localrouter.core.ask import Leaf
from localrouter.core.errors import LaneFault, PrivacyUnsure
from localrouter.core.findings import Finding
from localrouter.daemon import verdicts
from localrouter.daemon.children import Child, ChildDied, ChildRefused
from localrouter.daemon.precedence import Precedence
from localrouter.daemon.seen import Seen
from localrouter.engine.encoder import SETTINGS
from localrouter.scrub.pieces import Cut, cut, join
from localrouter.scrub.seams import CONTEXT, Seam, crossed, seams

BATCH_BYTES = 8 * 1024
"""Characters of one batch: of prose about a second of the encoder's time on a busy machine, so that a short request does not wait for a long one."""
BATCH_BEHIND = 1024
"""The same for the record: where clients never rest, one of these comes to its turn now and then (precedence.py)."""
IN_FLIGHT = 2
"""Batches that the child has at a time: it works on one while the next is on its way. More would wait in its pipe, and their time run."""
BEHIND, BEHIND_BYTES = 64, 64 * 1024
"""Texts, and characters of them, that may wait to be scanned for the record: some 5 s of one core's work where they are prose, 20 s where they
are words of no language. What comes then is not recorded. A text that waits alone may be longer."""
REST_S = 0.03
"""Seconds without a scan that a client waits for, and without a request on its way to its host, before one for the record begins: longer than an
editor or an agent takes from one request to the next."""
SECONDS_PER_BATCH = 30.0
"""Without a word of the child: it says every two seconds that it works on a batch, so that a slow machine is not mistaken for a hang."""
FIELD_CAP = 8 * 1024 * 1024
"""Bytes. DESIGN section 7: a field has a byte cap and no wall limit."""
INLINE = 16 * 1024
"""Characters of new text that are cut on the event loop (some 2 ms); more goes to a thread."""
WARM_AFTER_S = 5.0
REPAIR = "Install localrouter again; `localrouter doctor` shows when the scan is whole."
"""What to do when the child says that it cannot run at all."""
_T = TypeVar("_T")


class _Scan(NamedTuple):
    """A leaf that was not seen before: its cut, and the cache key of each piece."""

    cut: Cut
    keys: list[bytes]


class Inspection:
    """The daemon's side of the inspector."""

    def __init__(
        self,
        key: bytes,
        identity: Mapping[str, str],
        privacy: Mapping[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        """`identity`: who the user is. `privacy`: the lists, packs and thresholds of the settings. `folder`: where what was seen is
        remembered over a restart, as keyed hashes and spans; None keeps it in memory."""
        self.seen = Seen(key, folder)
        self._identity = dict(identity)
        self._options: dict[str, Any] = {}
        self._allowed: Callable[[str], bool] | None = None
        argv = [sys.executable, *SAFE, "-m", "localrouter.inspector"]
        self._children = (Child("inspector", argv, env=SETTINGS), Child("inspector", [*argv, "--standby"], env=SETTINGS))
        self._turns = Precedence(IN_FLIGHT, rest_s=REST_S)
        self._at = 0
        self._configured: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._suspect: set[bytes] = set()
        self._quarantine: set[bytes] = set()
        self._behind_texts = self._behind_bytes = 0
        self._ended = False
        self.unsure = 0
        self.why = ""  # why no scan can run, in the child's own sentence
        self.detectors: list[str] = []
        self.configure(privacy or {})

    def configure(self, privacy: Mapping[str, Any]) -> None:
        """Other lists, packs or thresholds from now on; verdicts under the old ones are forgotten."""
        base: dict[str, Any] = {"allow": [], "deny": [], "packs": [], "thresholds": {}, "spacy": "auto"}
        self._options = {**base, **privacy, "identity": self._identity}
        self._configured.clear()
        self._allowed = None
        if self._options["allow"]:
            from localrouter.scrub import allowlist  # its expressions need `regex`, 3 MB that a daemon without a list saves

            allowlist.configure(self._options["allow"])
            self._allowed = allowlist.allowed
        self.seen.choose(self._options)

    @property
    def child(self) -> Child:
        """The one that is asked; the other stands by."""
        return self._children[self._at]

    async def start(self) -> None:
        """Have the first one ready. The standby is loaded behind it, so that it delays nobody."""
        self._ended = False
        await self.seen.load()
        try:
            self._met(await self.child.start())
        except ChildRefused as exc:
            self.why = exc.text
            raise
        self._load(self._children[1 - self._at])
        self._task(self._warm(self.child))

    async def stop(self) -> None:
        """End the children. What still waits to be scanned is told that it will not be."""
        self._ended = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(c.stop() for c in self._children))
        await self.seen.close()

    def _met(self, ready: Mapping[str, Any]) -> None:
        """What a child says it is. One that was started after an upgrade scans by other rules than those that were remembered."""
        self.why = ""
        self.detectors = list(ready.get("detectors", []))
        self.seen.installed(bytes.fromhex(str(ready.get("version", ""))))

    # --- children --------------------------------------------------------------------------------------------------------

    def _load(self, child: Child) -> None:
        async def load() -> None:
            with contextlib.suppress(LaneFault, PrivacyUnsure):
                await child.start()
                await self._configure(child)

        self._task(load())

    async def _warm(self, child: Child) -> None:
        """Later than the first requests, which may not wait for it; a request that needs it before loads it itself."""
        await asyncio.sleep(WARM_AFTER_S)
        with contextlib.suppress(LaneFault):
            if child.alive:
                await child.tell({"op": "warm"})

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _swap(self) -> None:
        """The standby takes over; what failed is started again behind it."""
        failed = self.child
        self._at = 1 - self._at
        self._load(failed)

    async def _configure(self, child: Child) -> None:
        pid = child.pid
        if pid is not None and pid not in self._configured:
            self._configured.add(pid)
            reply = await child.call({"op": "configure", "options": self._options}, timeout=SECONDS_PER_BATCH)
            if "refused" in reply:
                self._configured.discard(pid)
                self.why = f"The privacy scan cannot run: {reply['refused']}."
                raise PrivacyUnsure(f"{self.why} Nothing was sent.", "Correct [privacy] in config.toml.")
            self._met(child.ready)

    def names(self, leaves: Sequence[Leaf]) -> list[bytes] | None:
        """What each leaf's verdict is kept under: a keyed hash of its text, its context and what scans; None before that is known. `cached` and
        `inspect` take them, so that a conversation is hashed once a turn."""
        own = self.seen.leaves
        return [own.key_of(leaf.text, leaf.context) for leaf in leaves] if self.seen.known else None

    async def inspect(
        self, leaves: Sequence[Leaf], *, names: Sequence[bytes] | None = None, background: bool = False
    ) -> list[tuple[Finding, ...]]:
        """Findings of each leaf, sorted, in its own offsets. `background`: nobody waits for them (what is noted of an answer), so that those go
        first for whom somebody does. Raises PrivacyUnsure."""
        size = sum(len(leaf.text) for leaf in leaves) if background else 0
        self._behind_texts += background
        self._behind_bytes += size
        try:
            return await self._inspect(leaves, names, background)
        except PrivacyUnsure:
            self.unsure += 1
            raise
        finally:
            self._behind_texts -= background
            self._behind_bytes -= size

    def serving(self) -> AbstractContextManager[None]:
        """A request is on its way to its host, as long as the block lasts: no scan for the record begins meanwhile, which would double its time where
        there are two processors."""
        return self._turns.serving()

    def room(self, size: int) -> bool:
        """Whether a text of so many characters may wait to be scanned for the record."""
        texts, held = self._behind_texts, self._behind_bytes
        return not texts or (texts < BEHIND and held + size <= BEHIND_BYTES)

    def cached(self, leaves: Sequence[Leaf], names: Sequence[bytes] | None = None) -> list[tuple[Finding, ...]] | None:
        """The findings when every leaf was seen before, without waiting; else None."""
        names = self.names(leaves) if names is None else names
        if names is None:
            return None
        rows: list[tuple[Finding, ...]] = []
        for name in names:
            row = self.seen.leaves.get(name)
            if row is None:
                return None
            rows.append(row)
        found = [(s, self.seen.pieces.get(s.key)) for s in seams(leaves, self.seen.pieces.key_of)]
        across = [(s, row) for s, row in found if row is not None]
        return crossed(leaves, rows, across) if len(across) == len(found) else None

    async def _inspect(
        self, leaves: Sequence[Leaf], names: Sequence[bytes] | None, background: bool
    ) -> list[tuple[Finding, ...]]:
        await self.seen.load()
        for leaf in leaves:
            if len(leaf.text) > FIELD_CAP:
                raise PrivacyUnsure(f"A field is over {FIELD_CAP} characters and cannot be scanned.", "Send it in parts.")
        # A conversation comes again with each turn; one hash a leaf is all that its old part costs.
        names = self.names(leaves) if names is None else names
        assert names is not None  # it is loaded
        rows: dict[bytes, tuple[Finding, ...]] = {}
        fresh: dict[bytes, Leaf] = {}
        for name, leaf in zip(names, leaves, strict=True):
            row = self.seen.leaves.get(name)
            if row is None:
                fresh[name] = leaf
            else:
                rows[name] = row
        size = sum(len(leaf.text) for leaf in fresh.values())
        scans = await _apart(size, lambda: {name: self._scan(leaf) for name, leaf in fresh.items()})
        across = seams(leaves, self.seen.pieces.key_of)
        known = await self._verdicts(scans, across, background)
        rows |= await _apart(size, lambda: {n: join(s.cut, [known[k] for k in s.keys], self._allowed) for n, s in scans.items()})
        for name in scans:
            self.seen.leaves.put(name, rows[name])
        if scans:
            self.seen.save_soon()
        return crossed(leaves, [rows[name] for name in names], [(s, known[s.key]) for s in across])

    def _scan(self, leaf: Leaf) -> _Scan:
        own = cut(leaf.text, leaf.context)
        return _Scan(own, [self.seen.pieces.key_of(piece.text, piece.context) for piece in own.pieces])

    async def _verdicts(
        self, scans: Mapping[bytes, _Scan], across: Sequence[Seam], background: bool
    ) -> dict[bytes, tuple[Finding, ...]]:
        """The findings of every piece and seam, from the cache or from the child; each is asked for once."""
        known: dict[bytes, tuple[Finding, ...]] = {}
        missing: dict[bytes, tuple[str, str]] = {}

        def want(key: bytes, text: str, context: str) -> None:
            if key in known or key in missing:
                return
            if key in self._quarantine:
                raise PrivacyUnsure(
                    "A part of the text made the privacy scan fail before.", "Leave it out, or use a recipe that stays local."
                )
            found = self.seen.pieces.get(key)
            if found is None:
                missing[key] = (text, context)
            else:
                known[key] = found

        for scan in scans.values():
            for key, piece in zip(scan.keys, scan.cut.pieces, strict=True):
                want(key, piece.text, piece.context)
        for one in across:
            want(one.key, one.text, CONTEXT)
        for batch in self._batches(missing, BATCH_BEHIND if background else BATCH_BYTES):
            try:
                known |= await self._ask(batch, missing, background)
            except ChildDied:
                # Whatever killed it, the standby is asked, one piece at a time: what kills again is quarantined.
                for key in batch:
                    known |= await self._alone(key, missing, background)
        return known

    def _batches(self, missing: Mapping[bytes, tuple[str, str]], limit: int) -> list[list[bytes]]:
        batches: list[list[bytes]] = [[k] for k in missing if k in self._suspect]
        batch: list[bytes] = []
        size = 0
        for key, (text, _) in missing.items():
            if key in self._suspect:
                continue
            batch.append(key)
            size += len(text)
            if size >= limit:
                batches.append(batch)
                batch, size = [], 0
        if batch:
            batches.append(batch)
        return batches

    async def _ask(
        self, batch: list[bytes], missing: Mapping[bytes, tuple[str, str]], background: bool
    ) -> dict[bytes, tuple[Finding, ...]]:
        canary = verdicts.canary()
        if not self.child.alive and self._children[1 - self._at].alive:
            self._swap()  # it died between two requests: nobody need wait for another one to start
        child = self.child
        try:
            if not child.alive:
                await child.start()
            await self._configure(child)
            async with self._turns.take(background=background):
                if self._ended:
                    raise PrivacyUnsure("The privacy scan was stopped, so nothing was sent.", "Start the daemon again.")
                # Another request may have had the same text while this one waited.
                had = {k: row for k in batch if (row := self.seen.pieces.get(k)) is not None}
                batch = [k for k in batch if k not in had]
                if not batch:
                    return had
                segments_ = [{"t": missing[k][0], "c": missing[k][1]} for k in batch] + [{"t": canary, "c": ""}]
                reply = await _reply(child, {"op": "inspect", "record": background, "segments": segments_})
        except ChildDied as exc:
            if isinstance(exc, ChildRefused):
                self.why = exc.text
            if self.why:
                # It said why it cannot run, and the standby is the same program: nothing in the text is to blame.
                raise PrivacyUnsure(f"{self.why} Nothing was sent.", REPAIR) from exc
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
        if reply.get("why"):
            # A library that broke within a process may be sound in a fresh one; the budget of restarts bounds the tries.
            child.kill()
            self._swap()
            raise PrivacyUnsure(f"The privacy scan failed: {reply['why']} Nothing was sent.", REPAIR)
        rows = reply.get("findings")
        if "error" in reply or not isinstance(rows, list) or len(rows) != len(segments_) or not verdicts.found(rows[-1], canary):
            raise PrivacyUnsure(
                "The privacy scan gave no trustworthy answer, so nothing was sent.", "Ask again; see `localrouter logs`."
            )
        out: dict[bytes, tuple[Finding, ...]] = {}
        for key, row in zip(batch, rows[:-1], strict=True):
            found = verdicts.findings(row, len(missing[key][0]))
            if found is None:
                raise PrivacyUnsure("The privacy scan answered with spans that do not exist, so nothing was sent.", "Ask again.")
            out[key] = found
        for key, found in out.items():
            self.seen.pieces.put(key, found)
        return had | out

    async def _alone(
        self, key: bytes, missing: Mapping[bytes, tuple[str, str]], background: bool
    ) -> dict[bytes, tuple[Finding, ...]]:
        try:
            found = await self._ask([key], missing, background)
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
            "why": self.why,
        }


async def _reply(child: Child, message: dict[str, Any]) -> dict[str, Any]:
    """The child's answer, however long it works, as long as it says that it does. Raises TimeoutError and ChildDied."""
    words = child.stream(message)
    try:
        while True:
            async with asyncio.timeout(SECONDS_PER_BATCH):
                word = await anext(words)
            if "busy" not in word:
                return word
    finally:
        await words.aclose()


async def _apart(size: int, work: Callable[[], _T]) -> _T:
    """Do it here when it is short, else in a thread."""
    return work() if size <= INLINE else await asyncio.to_thread(work)
