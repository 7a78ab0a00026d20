"""Provider keys as the daemon remembers them: asked for in the background, found at once, never waited for twice.

Law: no request waits longer than QUICK_S in all for the keyring, however many hosts need a key, and the start waits for nothing.
What the keyring answers later is used later. A prompt is shown when the daemon starts or when the user gives a command, not each
time the memory grows old.
"""

from __future__ import annotations

import asyncio
import logging
import time

from localrouter.config.paths import Paths
from localrouter.core.catalogue import Host
from localrouter.core.errors import RouterError
from localrouter.core.secret import Secret
from localrouter.keys import provider_keys
from localrouter.keys.keyring_call import PATIENT_S, QUICK_S, KeyringLocked, KeyringWaiting
from localrouter.keys.provider_keys import Beside, Found

log = logging.getLogger("localrouter")

TTL_S = 300.0
"""Seconds after which a request makes the keyring be read again, in the background."""
LOCKED_TTL_S = 15.0
"""The same for a keyring that is locked and can be asked without a prompt: the user may have unlocked it since."""
DISMISSED_S = 30.0
"""Seconds in which a prompt that the user closed is not shown again, whatever asks."""


class Keys:
    """`hosts`: those that need a key. `why`: what is wrong with the keyring or the key file, a sentence or two, else empty."""

    def __init__(self, paths: Paths | None = None) -> None:
        self.hosts: list[Host] = []
        self.why = ""
        self._paths = paths or Paths.default()
        self._stored: dict[str, Secret] = {}
        self._beside = Beside()
        self._fault: RouterError | None = None
        self._read_at: float | None = None
        self._asked_at = 0.0
        self._dismissed_at = float("-inf")
        self._stale = False
        self._reading: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> bool:
        """A key may be in a keyring that has not opened: it has not answered yet, or it is locked."""
        unread = self._read_at is None and self._reading is not None and not self._reading.done()
        return unread or isinstance(self._fault, KeyringWaiting | KeyringLocked)

    async def ready(self) -> None:
        """Have an answer of the keyring, or have waited long enough for it."""
        now = time.monotonic()
        if self._read_at is not None and now - self._read_at < self._ttl():
            return
        if self._reading is None or self._reading.done():
            prompt = self._read_at is None and now - self._dismissed_at > DISMISSED_S
            self._asked_at = now
            self._reading = asyncio.create_task(self._read(prompt))
        if self._read_at is None:
            await asyncio.wait({self._reading}, timeout=max(0.0, self._asked_at + QUICK_S - now))

    def _ttl(self) -> float:
        quiet = isinstance(self._fault, KeyringLocked) and self._fault.quiet
        return LOCKED_TTL_S if quiet else TTL_S

    async def _read(self, prompt: bool) -> None:
        while True:
            self._stale = False
            self._beside = provider_keys.beside(self.hosts, self._paths)
            stored: dict[str, Secret] = {}
            fault: RouterError | None = None
            why = self._beside.why
            if not self._beside.file_chosen:
                missing = [h.origin for h in self.hosts if provider_keys.of_variable(h) is None]
                try:
                    stored = await provider_keys.from_keyring(missing, prompt=prompt, wait=PATIENT_S)
                except RouterError as exc:
                    # What it answered before still holds: a keyring that locks itself takes no key back.
                    stored, fault, why = self._stored, exc, exc.text
                    if isinstance(exc, KeyringLocked):
                        self._dismissed_at = time.monotonic()
            self._stored, self._fault = stored, fault
            if why and why != self.why:
                log.warning("provider keys: %s", why)
            self.why = why
            # A command that came meanwhile may have changed what was just read; it is read again, without a second prompt.
            prompt = False
            if not self._stale:
                self._read_at = time.monotonic()
                return

    async def has(self, host: Host) -> bool:
        """Whether there is a key for the host's own origin."""
        return await self._found(host) is not None

    async def find(self, host: Host) -> Secret | None:
        """The key for the host's own origin; None for a host that needs none. Raises NoKey, KeyringWaiting, KeyringLocked."""
        if not host.key_env:
            return None
        found = await self._found(host)
        if found is not None:
            return found.key
        if isinstance(self._fault, KeyringLocked):
            raise KeyringLocked(f"Your keyring is locked, so {host.name} has no key yet.", self._fault.do)
        if self.waiting:
            raise KeyringWaiting(
                f"The key of {host.name} may be in your keyring, which has not answered yet.",
                f"Unlock it and ask again, or set {host.key_env} before `localrouter up`.",
            )
        raise provider_keys.no_key(host)

    async def _found(self, host: Host) -> Found | None:
        if not host.key_env:
            return None
        key = provider_keys.of_variable(host)
        if key is not None:
            return Found(key, provider_keys.ENVIRONMENT)
        await self.ready()
        return provider_keys.find(host, self._stored, self._beside)

    async def sources(self) -> dict[str, object]:
        """For `keys list`: where each key comes from, as this process sees it, and the state of the keyring. No key is in it."""
        await self.ready()
        why = "It has not answered yet; it may be locked, or be asking you." if self.waiting and not self.why else self.why
        if self._beside.file_chosen and not why:
            why = "It is not asked: you chose a file (`localrouter keys use-file`)."
        return {"keys": provider_keys.rows(self.hosts, self._stored, self._beside), "keyring": why or "ok"}

    def forget(self) -> None:
        """After `keys set` and its like: look again. What is known stays in use until the answer is there."""
        self._read_at = None
        self._stale = True

    async def close(self) -> None:
        """End the child of a keyring that never answered."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
