"""Repeats of a request: what is asked upstream once, what is asked again, and what is billed. Counted at the host and in the ledger."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from conftest import Daemon, idle, stop, wait, write_home

from localrouter.core.ask import Ask, Hints, Needs
from localrouter.core.errors import BudgetExceeded, HostRateLimited
from localrouter.daemon import coalescing, failed_turns
from localrouter.daemon.coalescing import Repeats, Shared, key_of
from localrouter.daemon.failed_turns import FIRST_S, counted
from localrouter.daemon.rehearsal import Rehearsal
from localrouter.dialects._hints import names_session

SESSION = {"x-session-id": "ses_1"}


def body(model: str, text: str, *, stream: bool = True) -> bytes:
    tree = {"model": f"rehearsal/rehearsal-{model}", "messages": [{"role": "user", "content": text}], "stream": stream}
    return json.dumps(tree).encode()


def some(text: str = "hello") -> str:
    """A text that no other test has sent."""
    return f"{text} {uuid.uuid4().hex[:8].translate(str.maketrans('0123456789', 'ghijklmnop'))}"


def post(daemon: Daemon, raw: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    sent = {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", raw, sent | {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


class Left:
    """A client that goes away: `wait` bytes of the answer's body (0: only until the host was asked), then the connection is closed."""

    def __init__(self, daemon: Daemon, raw: bytes, after: int = 0) -> None:
        lines = [
            "POST /v1/chat/completions HTTP/1.1", f"host: 127.0.0.1:{daemon.port}", f"authorization: Bearer {daemon.client}",
            "content-type: application/json", f"content-length: {len(raw)}",
        ]  # fmt: skip
        asked = calls(daemon)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as sock:
            sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
            self.got = b""
            while len(self.got.partition(b"\r\n\r\n")[2]) < after:
                part = sock.recv(4096)
                assert part, self.got
                self.got += part
            until(lambda: calls(daemon) > asked)


def calls(daemon: Daemon) -> int:
    return len(daemon.host.record())


def until(done: Any, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def holds(daemon: Daemon, before: int) -> list[tuple[Any, ...]]:
    """The ledger's rows after the first `before`."""
    db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT request, cost, settled, outcome FROM holds ORDER BY rowid").fetchall()[before:]
    finally:
        db.close()


def frames(raw: bytes) -> list[bytes]:
    """The events of a stream without its comments."""
    return [f for f in raw.split(b"\n\n") if f and not f.startswith(b":")]


def unchunked(raw: bytes) -> bytes:
    """The body of a chunked answer, as far as it came."""
    out, rest = b"", raw.partition(b"\r\n\r\n")[2]
    while match := re.match(rb"([0-9a-f]+)\r\n", rest):
        out += rest[match.end() :][: int(match[1], 16)]
        rest = rest[match.end() + int(match[1], 16) + 2 :]
    return out


PATIENT = "from localrouter.daemon import coalescing, serve; coalescing.GRACE_S = 60.0; raise SystemExit(serve.main())"


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory, host: Rehearsal) -> Iterator[Daemon]:
    """A daemon that waits a minute for a repeat, so that a busy machine decides nothing."""
    home = tmp_path_factory.mktemp("patient")
    write_home(home, host, day_usd="1000")
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {
        "LOCALROUTER_HOME": str(home),
        "LOCALROUTER_REHEARSAL_KEY": "rehearsal-" + "key",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    with (home / "daemon.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-P", "-c", PATIENT], env=env, stderr=log, stdout=log)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


# --- the client went away --------------------------------------------------------------------------


def test_a_repeat_takes_over_the_call_of_a_client_that_left(patient: Daemon) -> None:
    raw, before = body("slow", some("one two three")), calls(patient)
    rows = len(holds(patient, 0))
    left = Left(patient, raw, after=300)
    status, headers, told = post(patient, raw)
    assert status == 200 and told.endswith(b"data: [DONE]\n\n")
    # From the beginning: what the first client read is there again, byte for byte.
    assert told.startswith(unchunked(left.got)) and frames(told)[0].startswith(b"data: ")
    assert headers["x-localrouter-id"].encode() in left.got
    until(lambda: all(r[2] for r in holds(patient, rows)))
    settled = holds(patient, rows)
    assert calls(patient) == before + 1 and len(settled) == 1, "asked once, reserved once"
    assert settled[0][3] == "done" and settled[0][1] > 0
    assert not patient.host.record()[-1]["hung_up"]


def test_a_repeat_that_comes_too_late_asks_again_and_the_first_call_is_cancelled(daemon: Daemon) -> None:
    raw, before = body("silent", some()), calls(daemon)
    rows = len(holds(daemon, 0))
    start = time.monotonic()
    Left(daemon, raw)
    until(lambda: daemon.host.record()[before]["hung_up"])
    assert time.monotonic() - start > 0.5, "not before the grace is over"
    Left(daemon, raw)
    idle(daemon)
    assert calls(daemon) == before + 2
    assert [r[3] for r in holds(daemon, rows)] == ["client_gone", "client_gone"] and all(r[2] for r in holds(daemon, rows))


def test_thirty_clients_that_leave_one_after_the_other_are_one_call(patient: Daemon) -> None:
    raw, before = body("silent", some()), calls(patient)
    rows = len(holds(patient, 0))
    Left(patient, raw)
    for _ in range(29):
        with socket.create_connection(("127.0.0.1", patient.port), timeout=30) as sock:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{patient.port}\r\nauthorization: Bearer {patient.client}\r\ncontent-length: {len(raw)}\r\n\r\n"
            sock.sendall(head.encode() + raw)
            time.sleep(0.05)
    assert calls(patient) == before + 1 and len(holds(patient, rows)) == 1
    assert not patient.host.record()[before]["hung_up"]


def test_an_answer_that_ended_in_the_grace_is_told_to_the_repeat(patient: Daemon) -> None:
    raw, before = body("1", some(), stream=False), calls(patient)
    rows = len(holds(patient, 0))
    Left(patient, raw)  # the host answers at once; the client may or may not have been there for it
    status, _, told = post(patient, raw)
    assert status == 200 and json.loads(told)["choices"]
    until(lambda: all(r[2] for r in holds(patient, rows)))
    assert len(holds(patient, rows)) == calls(patient) - before <= 2


# --- the client is still there ---------------------------------------------------------------------


def both(daemon: Daemon, raw: bytes, first: dict[str, str], second: dict[str, str]) -> tuple[bytes, bytes]:
    """Two clients at once; the second comes when the host has been asked for the first."""
    got: list[Any] = [None, None]

    def run(at: int, headers: dict[str, str]) -> None:
        got[at] = post(daemon, raw, **headers)

    before = calls(daemon)
    threads = [threading.Thread(target=run, args=(0, first)), threading.Thread(target=run, args=(1, second))]
    threads[0].start()
    until(lambda: calls(daemon) > before)
    time.sleep(0.3)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert got[0][0] == got[1][0] == 200
    return got[0][2], got[1][2]


def test_a_repeat_in_a_named_conversation_reads_the_same_bytes(daemon: Daemon) -> None:
    before, rows = calls(daemon), len(holds(daemon, 0))
    one, two = both(daemon, body("slow", some()), SESSION, SESSION)
    assert one == two and one.endswith(b"data: [DONE]\n\n")
    idle(daemon)
    assert calls(daemon) == before + 1 and len(holds(daemon, rows)) == 1


def test_a_retry_that_the_sdk_counts_reads_the_same_bytes(daemon: Daemon) -> None:
    before = calls(daemon)
    one, two = both(daemon, body("slow", some()), {"x-stainless-retry-count": "0"}, {"x-stainless-retry-count": "1"})
    assert one == two and calls(daemon) == before + 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),  # a script that samples one prompt: its answers must differ
        (SESSION, {"x-session-id": "ses_2"}),
        (SESSION, SESSION | {"x-localrouter-context": '["doc-1"]'}),
        (SESSION, SESSION | {"idempotency-key": "2"}),
    ],
)
def test_what_is_no_repeat_is_asked_again(daemon: Daemon, first: dict[str, str], second: dict[str, str]) -> None:
    before = calls(daemon)
    both(daemon, body("slow", some()), first, second)
    assert calls(daemon) == before + 2


# --- it failed -------------------------------------------------------------------------------------


def failing(daemon: Daemon, model: str, *, stream: bool = False) -> tuple[bytes, int, dict[str, str]]:
    """The body of a turn that failed; its status and headers."""
    raw = body(model, some(), stream=stream)
    status, headers, _ = post(daemon, raw)
    return raw, status, headers


def test_thirty_repeats_of_a_failed_turn_are_one_decision(daemon: Daemon) -> None:
    model = "400"  # no other model is tried for it
    before, rows = calls(daemon), len(holds(daemon, 0))
    raw, status, headers = failing(daemon, model)
    assert status >= 400 and headers["x-should-retry"] == "false"
    for _ in range(29):
        again, more, told = post(daemon, raw)
        assert again == status and json.loads(told)["error"]["message"]
        assert more["x-should-retry"] == "false" and more["x-localrouter-id"] == headers["x-localrouter-id"]
    idle(daemon)
    assert calls(daemon) == before + 1 and len(holds(daemon, rows)) == 1
    # Another turn is another decision.
    failing(daemon, model)
    assert calls(daemon) == before + 2


def test_a_stream_that_broke_is_not_asked_again_either(daemon: Daemon) -> None:
    before = calls(daemon)
    raw, status, headers = failing(daemon, "error-mid", stream=True)
    assert status == 200
    again, more, told = post(daemon, raw)
    assert again >= 400 and json.loads(told)["error"]["message"] and more["x-localrouter-id"] == headers["x-localrouter-id"]
    assert calls(daemon) == before + 1


def test_a_repeat_that_the_client_calls_its_agent_s_is_one(daemon: Daemon) -> None:
    """Copilot CLI: the person's turn, then the same body as the agent's, half a second after the stream broke."""
    before, raw = calls(daemon), body("error-mid", some(), stream=True)
    status, headers, _ = post(daemon, raw, **{"x-initiator": "user"})
    again, more, _ = post(daemon, raw, **{"x-initiator": "agent"})
    assert status == 200 and again >= 400 and more["x-localrouter-id"] == headers["x-localrouter-id"]
    assert calls(daemon) == before + 1


def test_a_person_who_asks_again_after_a_stream_broke_is_answered_anew(daemon: Daemon) -> None:
    before = calls(daemon)
    raw, status, headers = failing(daemon, "drop", stream=True)
    assert status == 200
    time.sleep(FIRST_S + 0.5)
    again, more, _ = post(daemon, raw)
    assert again == 200 and more["x-localrouter-id"] != headers["x-localrouter-id"]
    assert calls(daemon) == before + 2


def test_a_named_conversation_repeats_for_longer(daemon: Daemon) -> None:
    """opencode's first own repeat was seen after 5.7 s."""
    before, raw = calls(daemon), body("400", some())
    assert post(daemon, raw, **SESSION)[0] == 400
    time.sleep(FIRST_S + 0.5)
    assert post(daemon, raw, **SESSION)[0] == 400 and calls(daemon) == before + 1


# --- the parts -------------------------------------------------------------------------------------


def ask(session: str = "s", **more: Any) -> Ask:
    return Ask("openai_chat", {"messages": []}, (), "m", Needs(), None, 1, 1, session=session, **more)


def test_what_makes_two_requests_the_same() -> None:
    def key(
        token: bytes = b"t", raw: str = '{"a": 1, "b": {"c": 2, "d": 3}}', headers: dict[str, str] | None = None, **more: Any
    ) -> bytes:
        return key_of(token, replace(ask(**more), tree=json.loads(raw)), headers or {})

    same = key()
    assert same == key(raw='{"b": {"d": 3, "c": 2}, "a": 1}'), "Codex writes `client_metadata` in another order each time"
    assert key(raw='{"a": 1e5, "b": 99999999999999999999}') == key(raw='{"b": 99999999999999999999, "a": 1e5}')
    assert same == key(hints=Hints(continues=True)), "Copilot CLI's `x-initiator`: the person first, the agent when it repeats"
    assert same == key(headers={"x-stainless-retry-count": "2", "user-agent": "x", "traceparent": "y", "x-request-id": "z"})
    others = [
        key(token=b"u"), key(raw='{"a": 1}'), key(session="r"), key(hints=Hints(agent="a")), key(head={"anthropic-beta": "b"}),
        key(headers={"anthropic-version": "2026-10-21"}), key(headers={"x-localrouter-context": "[]"}), key(token=b"t{"),
    ]  # fmt: skip
    assert len({same, *others}) == 1 + len(others)


def test_who_surely_repeats() -> None:
    assert counted({"x-stainless-retry-count": "1"}) and names_session(SESSION, {})
    assert not counted({}) and not counted({"x-stainless-retry-count": "0"}) and not names_session({}, {})
    assert not counted({"x-stainless-retry-count": "²"})
    for scripts in (
        {"prompt_cache_key": "my-app"},
        {"metadata": {"session_id": "nightly"}},
        {"metadata": {"user_id": "u-1"}},
        {"metadata": 1},
    ):
        assert not names_session({}, scripts)
    for agents in ({"client_metadata": {"session_id": "s"}}, {"metadata": {"user_id": '{"session_id":"s"}'}}):
        assert names_session({}, agents)


@pytest.mark.anyio
async def test_what_the_user_can_mend_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    repeats, key = Repeats(), b"k"
    shared = Shared(_nowhere, _there, lambda: None)
    repeats.begin(key, shared)
    repeats.end(key, shared, BudgetExceeded("No money.", "Raise it."), "lr-1")
    assert repeats.failed(key) is None and repeats.running(key, sure=True) is None
    repeats.end(key, shared, HostRateLimited("Slow down.", "Wait.", retry_after=9), "lr-2")
    now = time.monotonic()
    monkeypatch.setattr(failed_turns.time, "monotonic", lambda: now + 3.9)
    found = repeats.failed(key)
    assert found is not None and found.again().retry_after == pytest.approx(5.1, abs=0.1)
    assert found.again().retry_after == pytest.approx(5.1, abs=0.1) and found.again().status == 429, (
        "asking does not count it down twice"
    )
    monkeypatch.setattr(failed_turns.time, "monotonic", lambda: now + 8.9)
    assert repeats.failed(key) is not None
    monkeypatch.setattr(failed_turns.time, "monotonic", lambda: now + 9.1)
    assert repeats.failed(key) is None, "the host's time is over"


async def _nowhere(message: Any) -> None:
    return None


async def _there() -> Any:
    await asyncio.Event().wait()


@pytest.mark.anyio
async def test_a_cancelled_call_is_shared_with_nobody() -> None:
    repeats, shared = Repeats(), Shared(_nowhere, _there, lambda: None)
    repeats.begin(b"k", shared)
    shared.first_gone()
    assert repeats.running(b"k", sure=False) is shared
    shared.give_up()  # it takes a moment to end
    assert repeats.running(b"k", sure=True) is None
    second = Shared(_nowhere, _there, lambda: None)
    repeats.begin(b"k", second)
    repeats.end(b"k", shared, None, "lr-1")
    assert repeats.running(b"k", sure=True) is second
    repeats.end(b"k", second, None, "lr-2")
    assert repeats.running(b"k", sure=True) is None


@pytest.mark.anyio
@pytest.mark.parametrize(("ran", "spoke", "late"), [(1, False, False), (300, False, True), (300, True, False)])
async def test_a_client_at_its_time_limit_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, ran: float, spoke: bool, late: bool
) -> None:
    """Claude Code leaves a silent call without a stream after 300 s and repeats it 0.8 to 1.2 s later."""
    monkeypatch.setattr(coalescing, "GRACE_S", 0.05)
    monkeypatch.setattr(coalescing, "LONG_GRACE_S", 60.0)
    left = asyncio.Event()
    repeats, shared = Repeats(), Shared(_nowhere, _there, left.set)
    shared.began -= ran
    repeats.begin(b"k", shared)
    if spoke:
        await shared.send({"type": "http.response.start", "status": 200, "headers": []})
    shared.first_gone()
    await asyncio.sleep(0.3)
    assert left.is_set() is not late
    assert repeats.running(b"k", sure=False) is (shared if late else None)


@pytest.mark.anyio
async def test_a_whole_answer_that_nobody_got_is_told_once() -> None:
    repeats, shared = Repeats(), Shared(_nowhere, _there, lambda: None)
    repeats.begin(b"k", shared)
    shared.first_gone()
    await shared.send({"type": "http.response.start", "status": 200, "headers": []})
    await shared.send(part(b"all", last=True))
    repeats.end(b"k", shared, None, "lr-1")
    got: list[Any] = []

    async def take(message: Any) -> None:
        got.append(message)

    again = repeats.running(b"k", sure=False)
    assert again is shared
    await asyncio.wait_for(again.join(take, _there), 5)
    assert [m.get("body", b"") for m in got] == [b"", b"all"]
    assert repeats.running(b"k", sure=True) is None


def part(data: bytes, *, last: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": not last}


@pytest.mark.anyio
async def test_a_long_answer_is_not_kept_for_repeats() -> None:
    repeats, shared = Repeats(), Shared(_nowhere, _there, lambda: None)
    repeats.begin(b"k", shared)
    await shared.send({"type": "http.response.start", "status": 200, "headers": []})
    assert repeats.running(b"k", sure=True) is shared
    await shared.send(part(bytes(coalescing.KEPT_BYTES)))
    assert repeats.running(b"k", sure=True) is shared
    await shared.send(part(b"x"))
    assert repeats.running(b"k", sure=True) is None


@pytest.mark.anyio
async def test_a_reader_that_does_not_read_is_cut_off_and_slows_nobody() -> None:
    first: list[bytes] = []

    async def fast(message: Any) -> None:
        first.append(message.get("body", b""))

    stuck = asyncio.Event()

    async def slow(message: Any) -> None:
        await stuck.wait()

    shared = Shared(fast, _there, lambda: None)
    await shared.send({"type": "http.response.start", "status": 200, "headers": []})
    second = asyncio.create_task(shared.join(slow, _there))
    await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.wait_for(shared.send(part(bytes(coalescing.BEHIND_BYTES // 3))), 1)
    assert len(first) == 6
    stuck.set()
    await asyncio.wait_for(second, 1)  # it returns without the end: the server closes the connection


@pytest.mark.anyio
async def test_the_last_reader_holds_the_writer_back() -> None:
    """The first client has gone; the one that took over reads slowly, and the host is read no faster."""
    got: list[bytes] = []
    gate = asyncio.Semaphore(1)

    async def slow(message: Any) -> None:
        await gate.acquire()
        got.append(message.get("body", b""))

    shared = Shared(_nowhere, _there, lambda: None)
    await shared.send({"type": "http.response.start", "status": 200, "headers": []})
    reading = asyncio.create_task(shared.join(slow, _there))
    await asyncio.sleep(0)
    shared.first_gone()
    piece = bytes(coalescing.BEHIND_BYTES)
    await asyncio.wait_for(shared.send(part(piece)), 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shared.send(part(b"end", last=True)), 0.1)
    for _ in range(4):
        gate.release()
    await asyncio.wait_for(reading, 1)
    assert b"".join(got) == piece + b"end" and shared.told
