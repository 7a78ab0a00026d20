"""The daemon's memory of keys: one wait for all hosts, what comes later is used later, no prompt that nobody asked for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from localrouter.config.paths import Paths
from localrouter.core.catalogue import Host
from localrouter.core.errors import NoKey, RouterError
from localrouter.core.secret import Secret
from localrouter.keys import provider_keys, remembered
from localrouter.keys.keyring_call import KeyringLocked, KeyringMissing, KeyringWaiting
from localrouter.keys.remembered import Keys

pytestmark = pytest.mark.anyio

HOSTS = [Host(name=f"h{n}", origin=f"https://h{n}.example/v1", key_env=f"LOCALROUTER_H{n}_KEY") for n in range(8)]
ALL = {h.origin: Secret("k" + h.name) for h in HOSTS}


class Keyring:
    """Stands for the keeper: `calls` notes whether each call was allowed to prompt; `gate` holds the answer back."""

    def __init__(self) -> None:
        self.calls: list[bool] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: dict[str, Secret] | RouterError = ALL

    async def __call__(self, origins: object, *, prompt: bool = False, wait: float = 0) -> dict[str, Secret]:
        self.calls.append(prompt)
        answer = self.answer  # as it is now: what a command changes meanwhile is not in it
        await self.gate.wait()
        if isinstance(answer, RouterError):
            raise answer
        return dict(answer)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    made = Keyring()
    monkeypatch.setattr(provider_keys, "from_keyring", made)
    monkeypatch.setattr(remembered, "QUICK_S", 0.2)
    return made


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    made = Keys(Paths(tmp_path / "config", tmp_path / "state"))
    made.hosts = HOSTS
    return made


def locked(quiet: bool) -> KeyringLocked:
    fault = KeyringLocked("Your keyring is locked.", "Unlock it.")
    fault.quiet = quiet
    return fault


async def test_one_wait_for_all_hosts_and_the_answer_is_used_when_it_comes(keyring: Keyring, keys: Keys) -> None:
    keyring.gate.clear()
    start = time.monotonic()
    assert [await keys.has(h) for h in HOSTS * 10] == [False] * 80
    assert 0.15 < time.monotonic() - start < 8, "the wait of 0.2 s is shared, not one of the 80 for each host"
    assert keys.waiting and len(keyring.calls) == 1
    with pytest.raises(KeyringWaiting, match="has not answered"):
        await keys.find(HOSTS[0])
    keyring.gate.set()
    await asyncio.sleep(0.05)
    found = await keys.find(HOSTS[3])
    assert found is not None and found.matches(b"kh3") and not keys.waiting
    await keys.close()


async def test_a_read_that_a_command_overtook_is_done_again(keyring: Keyring, keys: Keys) -> None:
    keyring.gate.clear()
    keyring.answer = {}
    assert not await keys.has(HOSTS[0])
    keys.forget()  # `keys set`, while the keyring is being read
    keyring.answer = ALL
    keyring.gate.set()
    await asyncio.sleep(0.05)
    assert await keys.has(HOSTS[0]) and keyring.calls == [True, False]


async def test_no_second_prompt(keyring: Keyring, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.answer = locked(quiet=True)
    assert not await keys.has(HOSTS[0]) and keyring.calls == [True]
    with pytest.raises(KeyringLocked):
        await keys.find(HOSTS[0])
    keys.forget()  # `keys test`, just after the prompt was closed
    await keys.has(HOSTS[0])
    assert keyring.calls == [True, False]
    monkeypatch.setattr(remembered, "LOCKED_TTL_S", 0)
    keyring.answer = ALL
    await keys.has(HOSTS[0])
    await asyncio.sleep(0.05)
    assert await keys.has(HOSTS[0]) and not any(keyring.calls[1:]), "unlocked meanwhile: found without a prompt"
    monkeypatch.setattr(remembered, "DISMISSED_S", 0)
    keys.forget()
    await keys.has(HOSTS[0])
    assert keyring.calls[-1] is True, "a later command may prompt"


async def test_a_keyring_that_locks_itself_takes_no_key_back(keyring: Keyring, keys: Keys) -> None:
    assert await keys.has(HOSTS[0])
    for fault in (locked(quiet=False), KeyringMissing("gone", ""), KeyringWaiting("late", "")):
        keyring.answer = fault
        keys.forget()
        assert await keys.has(HOSTS[0])
    keyring.answer = {}
    keys.forget()
    assert not await keys.has(HOSTS[0]), "removed is removed"
    with pytest.raises(NoKey, match=r"no key for h0 at this origin, https://h0\.example/v1"):
        await keys.find(HOSTS[0])


async def test_the_environment_waits_for_nothing(keyring: Keyring, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOSTS[0].key_env, "from-" + "env")
    found = await keys.find(HOSTS[0])
    assert found is not None and found.matches(b"from-env") and not keyring.calls


async def test_what_people_are_shown_holds_no_key(keyring: Keyring, keys: Keys) -> None:
    tree = await keys.sources()
    assert tree["keyring"] == "ok" and "kh0" not in str(tree) and "kh0" not in repr(keys.__dict__)
    assert {row["from"] for row in tree["keys"]} == {"keyring"}  # type: ignore[attr-defined]


async def test_a_host_without_a_key_needs_none(keyring: Keyring, keys: Keys) -> None:
    assert await keys.find(Host(name="own", origin="http://127.0.0.1:1")) is None and not keyring.calls


async def test_close_ends_a_read_that_hangs(keyring: Keyring, keys: Keys) -> None:
    keyring.gate.clear()
    assert not await keys.has(HOSTS[0])
    await asyncio.wait_for(keys.close(), 60)
    assert not keys.waiting
