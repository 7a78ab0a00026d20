"""The limits of the steps before a route is known: an inspector that does not answer, a ledger that does not, a decision that comes late."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Daemon, call, trace

from localrouter.core.errors import PrivacyUnsure, TimeIsUp
from localrouter.daemon.due import Deadlines, scanned_within

RECIPE = """name = "rehearse"
extends = "balanced"
[limits]
{limits}
[[route]]
name = "default"
try = ["rehearsal/rehearsal-1"]
{more}
"""


def put(daemon: Daemon, limits: str, more: str = "") -> None:
    (daemon.home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE.format(limits=limits, more=more))
    assert call(daemon, "/control/reload", {})[0] == 200


def ask(daemon: Daemon, text: str, *, told: bool = True) -> tuple[int, dict[str, object], dict[str, object]]:
    """Status, body, and the trace where it is `told`: the answer's record waits for the inspector as well."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=120)
    try:
        body = {"model": "localrouter/auto", "messages": [{"role": "user", "content": text}], "max_tokens": 20}
        own = {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), own)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        return answer.status, body, trace(daemon, answer.headers["x-localrouter-id"]) if told else {}
    finally:
        connection.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
def test_an_inspector_that_says_nothing_is_waited_for_as_long_as_the_recipe_says(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(day_usd="1000")
    assert ask(daemon, "Is the sea blue?")[0] == 200
    put(daemon, "inspect_ms = 700")
    pid = int(call(daemon, "/control/status")[1]["inspector"]["pid"])
    sent = len(daemon.host.app.record)
    os.kill(pid, signal.SIGSTOP)
    try:
        status, body, record = ask(daemon, "Is the lake green?")
        assert status == 422 and "700 ms" in json.dumps(body), body
        assert record["error"] == "privacy.unsure" and record["left_machine"] == []
        put(daemon, "inspect_ms = 700", '[route.fallback]\nprivacy_unsure = "static:It could not be read."')
        status, body, _ = ask(daemon, "Is the pond brown?", told=False)
        assert status == 200 and "It could not be read." in json.dumps(body), "its route says what becomes of it"
        assert len(daemon.host.app.record) == sent, "nothing was sent"
    finally:
        with contextlib.suppress(ProcessLookupError):  # the daemon has its own way with a child that is silent for long
            os.kill(pid, signal.SIGCONT)
    put(daemon, "inspect_ms = 60000")
    assert ask(daemon, "Is the rain grey?")[0] == 200


def test_a_decision_that_comes_late_is_a_refusal_and_spends_nothing(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(day_usd="1000")
    assert ask(daemon, "Is snow white?")[0] == 200
    lines = "".join(
        f'[[route]]\nname = "r{i}"\nmatch = {{ tags = [{", ".join(chr(34) + "*" * (k % 7) + "x" + str(k) + chr(34) for k in range(60))}] }}\n'
        f'try = ["rehearsal/rehearsal-1"]\n'
        for i in range(400)
    )
    file = daemon.home / "config" / "recipes" / "rehearse.toml"
    file.write_text('name = "rehearse"\nextends = "balanced"\n[limits]\ndecide_ms = 1\n' + lines)
    assert call(daemon, "/control/reload", {})[0] == 200
    before = call(daemon, "/control/budget")[1]
    refused = 0
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=120)
    for i in range(8):
        own = {
            "authorization": f"Bearer {daemon.client}", "content-type": "application/json",
            "x-localrouter-tags": ",".join(f"tag{i}-{k}" * 4 for k in range(20)),
        }  # fmt: skip
        body = {"model": "localrouter/auto", "messages": [{"role": "user", "content": f"Is snow white? {i}"}], "max_tokens": 20}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), own)
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status in (504, 403, 400), text
        refused += answer.status == 504 and "decide_ms" in text
    connection.close()
    assert refused >= 1, "400 routes by 60 patterns by 20 tags take more than a millisecond"
    assert call(daemon, "/control/budget")[1] == before


@pytest.mark.anyio
async def test_the_clocks_of_both_steps() -> None:
    with pytest.raises(PrivacyUnsure, match=r"not done in 5 ms"):
        async with scanned_within(5):
            await asyncio.sleep(60)
    async with scanned_within(None):
        await asyncio.sleep(0)
    due = Deadlines()
    assert due.undecided() is None
    with pytest.raises(TimeIsUp, match=r"not decided in 5 ms"):
        async with due.decided_within(5):
            await asyncio.sleep(60)
    assert isinstance(due.undecided(), TimeIsUp), "and what comes after it is late as well"
    async with due.decided_within(60_000):
        await asyncio.sleep(0)
    assert due.undecided() is None


def test_they_are_taken_key_by_key_from_what_is_extended(tmp_path: Path) -> None:
    from localrouter.config.recipes import load_recipe

    (tmp_path / "a.toml").write_text('name = "a"\n[limits]\ninspect_ms = 5\ndecide_ms = 6\n')
    (tmp_path / "b.toml").write_text('name = "b"\nextends = "a"\n[limits]\ndecide_ms = 7\n')
    found = load_recipe("b", [tmp_path]).limits
    assert (found.inspect_ms, found.decide_ms) == (5, 7)
