"""The daemon's side of the scan, with a real inspector: verdicts, lists, restarts, seams, and an event loop that never waits."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Daemon, MakeDaemon, ask, call, stop, wait, write_home

from localrouter.config.faults import ConfigFault
from localrouter.config.paths import Paths
from localrouter.config.settings import load_settings
from localrouter.core.ask import Leaf, Where
from localrouter.core.findings import Finding
from localrouter.core.kinds import kind
from localrouter.daemon.inspecting import Inspection
from localrouter.daemon.rehearsal import Rehearsal

pytestmark = pytest.mark.anyio
KEY = b"k" * 32
HERE = Path(__file__).resolve().parent


@asynccontextmanager
async def inspection(folder: Path | None = None, **privacy: Any) -> AsyncIterator[Inspection]:
    own = Inspection(KEY, {"user": "zaphodb"}, privacy, folder)
    try:
        yield own
    finally:
        await own.stop()


def leaf(text: str, where: Where = "user", context: str = "content", at: int = 0) -> Leaf:
    return Leaf(("messages", at, "content"), text, where, context)


def values(leaves: list[Leaf], rows: list[tuple[Finding, ...]]) -> list[set[str]]:
    return [{one.text[f.start : f.end] for f in row} for one, row in zip(leaves, rows, strict=True)]


def code(seed: int, size: int) -> str:
    """Code-like lines, each different."""
    out = []
    while sum(map(len, out)) < size:
        seed = seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        out.append(
            f"    value_{seed >> 40:x} = compute(alpha[{seed & 255}], beta) + gamma.index({seed >> 50}) if flag else None\n"
        )
    return "".join(out)


async def test_values_are_found_at_their_place() -> None:
    async with inspection() as own:
        tree = {"user": {"mail": "jane@roe.org"}, "nested": json.dumps({"to": "joe@doe.net\n"})}
        leaves = [leaf("hello"), leaf(json.dumps(tree), "tool_result"), leaf("x = 1\n" * 5000 + "mail jim@poe.com\n")]
        assert own.cached(leaves) is None
        rows = await own.inspect(leaves)
        assert values(leaves, rows) == [set(), {"jane@roe.org", "joe@doe.net"}, {"jim@poe.com"}]
        assert own.cached(leaves) == rows


async def test_a_value_split_over_two_messages() -> None:
    key = "sk-" + "ant-api03-" + "a8Kd92mQx4LpVz81RtYc63NwBs05HjUe7fGiQw"
    async with inspection() as own:
        leaves = [leaf("my key is " + key[:9]), leaf(key[9:], at=1)]
        rows = await own.inspect(leaves)
        assert values(leaves, rows) == [{key[:9]}, {key[9:]}]
        assert own.cached(leaves) == rows
        # The same texts apart from each other are not one value.
        apart = (await own.inspect(leaves[:1]))[0]
        assert all(kind(f.type).tier != "seal" for f in apart), "a piece of a key may look like a name, and is no key"


async def test_the_users_lists_and_thresholds() -> None:
    leaves = [leaf("write to jane@roe.org and joe@doe.net about Project Falcon at 10.42.17.9")]
    async with inspection() as own:
        assert values(leaves, await own.inspect(leaves)) == [{"jane@roe.org", "joe@doe.net", "10.42.17.9"}]
        own.configure({"allow": ["jane@roe.org"], "deny": ["Project Falcon"], "thresholds": {"IP": 1.0}})
        assert own.cached(leaves) is None, "a verdict under other lists is none"
        assert values(leaves, await own.inspect(leaves)) == [{"joe@doe.net", "Project Falcon"}]
        own.configure({"allow": ["/.*@(roe|doe)[.](org|net)/"]})
        assert values(leaves, await own.inspect(leaves)) == [{"10.42.17.9"}]


async def test_an_allowed_value_is_not_taken_for_its_column() -> None:
    mails = [f"user{i}@roe.org" for i in range(8)] + ["not-an-address"]
    text = "mail,n\n" + "".join(f"{m},{i}\n" for i, m in enumerate(mails))
    async with inspection() as own:
        own.configure({"allow": ["user3@roe.org"]})
        found = values([leaf(text)], await own.inspect([leaf(text)]))[0]
        assert "user3@roe.org" not in found and {"user0@roe.org", "user7@roe.org"} <= found


async def test_what_was_seen_survives_a_restart(tmp_path: Path) -> None:
    leaves = [leaf(f"You are an agent. {i} " + code(i, 900), "system") for i in range(20)] + [leaf("from jane@roe.org")]
    async with inspection(tmp_path) as own:
        first = await own.inspect(leaves)
    files = sorted(tmp_path.iterdir())
    assert [f.name for f in files] == ["seen-segments", "seen-texts"]
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert b"jane" not in file.read_bytes() and b"agent" not in file.read_bytes()
    async with inspection(tmp_path) as own:
        await own.seen.load()
        assert own.cached(leaves) == first, "no child was asked"
        assert own.child.pid is None
    async with inspection(tmp_path, deny=["agent"]) as own:
        await own.seen.load()
        assert own.cached(leaves) is None, "other lists, other verdicts"
    files[0].write_bytes(b"garbage")
    files[1].write_bytes(files[1].read_bytes()[:-1])
    async with inspection(tmp_path) as own:
        await own.seen.load()
        assert own.cached(leaves) is None
        assert await own.inspect(leaves) == first
    async with inspection(tmp_path) as own:
        await own.seen.load()
        assert own.cached(leaves) == first, "rebuilt"


async def test_a_setting_that_a_detector_refuses_fails_closed() -> None:
    from localrouter.core.errors import PrivacyUnsure

    async with inspection() as own:
        own.configure({"thresholds": {"IP": 7}})
        with pytest.raises(PrivacyUnsure):
            await own.inspect([leaf("hello")])


async def test_only_new_text_goes_to_the_child() -> None:
    async with inspection() as own:
        sent: list[str] = []
        honest = own._ask

        async def watched(batch: Any, missing: Any, background: bool) -> Any:
            sent.extend(missing[k][0] for k in batch)
            return await honest(batch, missing, background)

        own._ask = watched  # type: ignore[method-assign]
        old = [leaf(code(i, 3000)) for i in range(10)]
        await own.inspect([*old, *old])
        assert len(sent) == len(set(sent)), "the same text is asked for once"
        total = sum(map(len, sent))
        sent.clear()
        await own.inspect([*old, leaf("and one more line")])
        assert sent == ["and one more line"]
        sent.clear()
        longer = old[0].text[:1500].rsplit("\n", 1)[0] + "\n    inserted = 1\n" + old[0].text[1500:].split("\n", 1)[1]
        await own.inspect([leaf(longer)])
        assert 0 < sum(map(len, sent)) <= 3 * 2048 < total


async def test_the_loop_runs_on_while_a_long_text_is_scanned() -> None:
    """A text of 2 MB is cut, hashed and joined in threads: the longest pause of the loop stays far below what the whole takes."""
    text = code(3, 2_000_000)
    async with inspection() as own:
        await own.inspect([leaf("warm")])
        pauses: list[float] = []
        done = asyncio.Event()

        async def watch() -> None:
            while not done.is_set():
                before = time.perf_counter()
                await asyncio.sleep(0.001)
                pauses.append(time.perf_counter() - before)

        watcher = asyncio.create_task(watch())
        began = time.perf_counter()
        await own.inspect([leaf(text)])
        took = time.perf_counter() - began
        done.set()
        await watcher
        print(f"2 MB: {took:.2f} s, longest pause of the loop {max(pauses) * 1000:.0f} ms")
        assert max(pauses) < max(0.25, took / 4)


# --- the daemon


@pytest.fixture
def guarded(tmp_path: Path, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path / "home"
    write_home(home, host)
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    env |= {
        "LOCALROUTER_HOME": str(home),
        "LOCALROUTER_REHEARSAL_KEY": "rehearsal-" + "key",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    with (home / "daemon.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-P", str(HERE / "loop_guard.py")], env=env, stderr=log, stdout=log)
    try:
        daemon = wait(home, process, host)
        end = time.monotonic() + 60
        while "inspector ready" not in (home / "daemon.log").read_text() and time.monotonic() < end:
            time.sleep(0.05)
        yield daemon
    finally:
        stop(process)


def test_no_request_blocks_the_event_loop(guarded: Daemon) -> None:
    """blockbuster raises at the first blocking call on the loop; every kind of request is served under it."""
    answers = [
        ask(guarded, "hello jane@roe.org"),
        ask(guarded, "hello jane@roe.org", stream=True),
        ask(guarded, code(1, 200_000) + "mail joe@doe.net"),
        ask(guarded, json.dumps([{"mail": f"u{i}@roe.org", "n": 10**8 + i} for i in range(2000)]), stream=True),
        ask(
            guarded,
            "write it down",
            tools=[
                {
                    "type": "function",
                    "function": {
                        "name": "write_file",
                        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
                    },
                }
            ],
        ),
    ]
    assert [status for status, _ in answers] == [200] * len(answers)
    assert ask(guarded, "x", model="rehearsal/rehearsal-500")[0] == 200, "the next model of the route answered"
    threads = [threading.Thread(target=ask, args=(guarded, f"{i} " + code(i, 20_000))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for path in ("/control/status", "/control/traces", "/control/budget"):
        assert call(guarded, path)[0] == 200
    assert call(guarded, "/v1/models", token=guarded.client)[0] == 200
    log = (guarded.home / "daemon.log").read_text()
    assert "BlockingError" not in log, log[-3000:]


def test_settings_reach_the_scan_and_a_reload_changes_them(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    lists = 'allow = ["jane@roe.org"]\ndeny = ["Project Falcon"]'
    daemon = make_daemon(extra=f"[privacy]\n{lists}")
    text = "jane@roe.org asks joe@doe.net about Project Falcon"
    assert ask(daemon, text)[0] == 200
    sent = daemon.host.record()[-1]["body"]
    sent = sent.decode() if isinstance(sent, bytes) else sent
    assert "jane@roe.org" in sent and "joe@doe.net" not in sent and "Falcon" not in sent
    config = daemon.home / "config" / "config.toml"
    config.write_text(config.read_text().replace(lists, 'allow = ["joe@doe.net"]'))
    assert call(daemon, "/control/reload", {})[0] == 200
    assert ask(daemon, text)[0] == 200
    sent = daemon.host.record()[-1]["body"]
    sent = sent.decode() if isinstance(sent, bytes) else sent
    assert "jane@roe.org" not in sent and "joe@doe.net" in sent and "Falcon" in sent


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[privacy]\nallowed = []\n", 2, "Did you mean 'allow'?"),
        ("[privacy]\nallow = ['']\n", 2, "empty"),
        ("[privacy]\n\ndeny = ['/(/']\n", 3, "not a regular expression"),
        ("[privacy]\nallow = ['/.*/']\n", 2, "everything"),
        ("[privacy]\npacks = ['Germany']\n", 2, "two small letters"),
        ("[privacy]\nthresholds = { EMIAL = 0.5 }\n", 2, "Did you mean 'EMAIL'?"),
        ("[privacy]\nthresholds = { EMAIL = 2.0 }\n", 2, "between 0 and 1"),
    ],
)
def test_settings_are_checked(tmp_path: Path, text: str, line: int, says: str) -> None:
    paths = Paths(tmp_path / "config", tmp_path / "state")
    paths.ensure()
    paths.config_file.write_text(text)
    with pytest.raises(ConfigFault) as caught:
        load_settings(paths)
    assert caught.value.line == line and says in caught.value.text, caught.value.text


async def test_the_same_text_in_many_requests_at_once_is_scanned_once() -> None:
    async with inspection() as own:
        await own.start()
        asked: list[int] = []
        stream = own.child.stream

        def counted(message: dict[str, Any]) -> Any:
            asked.append(len(message["segments"]) - 1)
            return stream(message)

        own.child.stream = counted  # type: ignore[method-assign]
        text = "Please ask Jane Roe, jane@roe.org, about the invoice."
        notes = [own.inspect([leaf(text)], background=True) for _ in range(40)]
        rows = await asyncio.gather(*notes, *(own.inspect([leaf(text)]) for _ in range(10)))
    assert all({text[f.start : f.end] for f in row[0]} >= {"jane@roe.org"} for row in rows)
    assert sum(asked) <= 2, "one for each that was on its way"
