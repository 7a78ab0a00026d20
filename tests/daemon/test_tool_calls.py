"""`[route.tools]` end to end: calls that are denied, calls that wait for a person, calls that come too fast; each client dialect, streamed and not."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
import surfaces as three
from conftest import Daemon, call, idle, start, stop, trace, until, wait
from drivers import DRIVERS, Driver

from localrouter.daemon.rehearsal import Call, Rehearsal, Reply, Seen

MAIL = "jane.roe@example.org"
SHELL = ("bash", {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})
SEND = ("send_money", {"type": "object", "properties": {}})
RECIPE = """
name = "rehearse"
extends = "balanced"

[[route]]
name = "guarded"
match = { model = ["*/rehearsal-1"] }
try = ["asked", "chat/rehearsal-2"]
[route.tools]
ask = ["shell:*rm -rf*"]
deny = ["shell:*sudo*", "send_money"]
wait_s = 60

[[route]]
name = "hasty"
match = { model = ["*/rehearsal-echo"] }
try = ["asked"]
[route.tools]
ask = ["*"]
wait_s = 1

[[route]]
name = "counted"
match = { model = ["*/rehearsal-lenient"] }
try = ["asked"]
[route.tools]
max_calls_per_minute = 2

[[route]]
name = "few"
match = { model = ["*/rehearsal-think"] }
try = ["asked"]
tools = { max_calls_per_minute = 2 }

[[route]]
name = "default"
try = ["asked"]
"""
ERRORS = (openai.APIStatusError, anthropic.APIStatusError)


def answered(seen: Seen) -> Reply:
    words = "\n".join(seen.texts)
    if "was not made" in seen.last_user and "stubborn" not in words:
        return Reply("Then I will not.")
    if not seen.tools or "just talk" in words:
        return Reply("Hello.")
    command = "sudo reboot" if "reboot" in words else "rm -rf build" if "clean" in words else "ls"
    to = seen.tokens[0] if seen.tokens else "nobody"
    times = 3 if "thrice" in words else 1
    return Reply(calls=tuple(Call("bash", json.dumps({"command": f"echo {to}; {command}; true {n}"})) for n in range(times)))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("guarded")
    with Rehearsal(script=(answered,) * 4, aside=answered) as host:
        three.write(home, host)
        (home / "config" / "recipes" / "rehearse.toml").write_text(RECIPE)
        process = start(home)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


def client(daemon: Daemon, name: str) -> Driver:
    return DRIVERS[name](daemon.base, daemon.client, max_retries=0)


def outcomes(daemon: Daemon, request: str) -> list[str]:
    idle(daemon)
    db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT outcome, settled FROM holds WHERE request = ? ORDER BY rowid", (request,)).fetchall()
    finally:
        db.close()
    assert all(settled is not None for _, settled in rows), "each is settled once"
    return [outcome for outcome, _ in rows]


def waiting(daemon: Daemon) -> dict[str, Any]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        rows = call(daemon, "/control/approvals")[1]["approvals"]
        if rows:
            return dict(rows[0])
        time.sleep(0.02)
    raise AssertionError("nothing waits")


def sent(daemon: Daemon) -> list[str]:
    return [r["body"] for r in daemon.host.app.record]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", DRIVERS)
def test_a_denied_call_is_told_to_the_model_and_reaches_no_client(guarded: Daemon, name: str, stream: bool) -> None:
    with client(guarded, name) as driver:
        got = driver.user(f"Please reboot for {MAIL}").run(f"{name}/rehearsal-1", tools=(SHELL, SEND), stream=stream)
    assert got.text == "Then I will not." and not got.calls
    first, second = sent(guarded)[-2:]
    assert "send_money" not in first and "bash" in first, "what can never be called is not shown"
    assert "was not made" in second and MAIL not in second
    record = trace(guarded, got.id)
    assert [c["held"] for c in record["checks"]] == [False, True] and record["walked"][0]["step"] == "repair_once"
    assert "does not keep" not in record["explain"], "the answer that was given does"
    assert outcomes(guarded, got.id) == ["error", "done"]


def test_who_insists_is_refused_and_every_try_is_paid(guarded: Daemon) -> None:
    with client(guarded, "chat") as driver, pytest.raises(ERRORS) as caught:
        driver.user("Be stubborn and reboot").run("chat/rehearsal-1", tools=(SHELL,))
    assert caught.value.status_code == 502 and "denies" in str(caught.value)
    id_ = caught.value.response.headers["x-localrouter-id"]
    assert outcomes(guarded, id_) == ["error"] * 3, "twice the first, once the second"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", DRIVERS)
@pytest.mark.parametrize("yes", [True, False])
def test_a_person_says_yes_or_no(guarded: Daemon, name: str, stream: bool, yes: bool) -> None:
    result: list[Any] = []

    def run() -> None:
        with client(guarded, name) as driver:
            try:
                result.append(
                    driver.user(f"Please clean up for {MAIL}").run(f"{name}/rehearsal-1", tools=(SHELL,), stream=stream)
                )
            except (*ERRORS, openai.APIError, anthropic.APIError) as exc:
                result.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    row = waiting(guarded)
    assert row["route"] == "guarded" and row["calls"][0]["tool"] == "bash" and "rm -rf build" in row["calls"][0]["arguments"]
    assert call(guarded, f"/control/approvals/{row['id']}?allow={'yes' if yes else 'no'}", {})[0] == 200
    thread.join(60)
    record = trace(guarded, row["request"])
    assert record["attempts"][0]["approval"]["answer"] == ("allowed" if yes else "denied")
    assert MAIL not in json.dumps(record)
    assert f"A person {'allowed' if yes else 'denied'} a tool call" in record["explain"]
    if yes:
        assert "rm -rf build" in json.dumps(result[0].calls, default=str) and outcomes(guarded, row["request"]) == ["done"]
    else:
        assert "A person said no" in str(result[0]) and outcomes(guarded, row["request"]) == ["error"], "no other model is asked"
        assert "rm -rf" not in str(result[0])


def test_nobody_answers(guarded: Daemon) -> None:
    with client(guarded, "chat") as driver, pytest.raises(ERRORS) as caught:
        driver.user("List them").run("chat/rehearsal-echo", tools=(SHELL,))
    assert caught.value.status_code == 403 and "waited 1 seconds" in str(caught.value)
    assert call(guarded, "/control/approvals")[1]["approvals"] == []
    assert call(guarded, "/control/approvals/abcdef?allow=yes", {})[0] == 404
    assert call(guarded, "/control/approvals/abcdef?allow=perhaps", {})[0] == 400


def test_a_client_that_leaves_asks_nobody_any_more(guarded: Daemon) -> None:
    with client(guarded, "chat") as driver, pytest.raises(openai.APITimeoutError):
        driver.client = driver.client.with_options(timeout=3.0)
        driver.user("Please clean up").run("chat/rehearsal-1", tools=(SHELL,))
    until(lambda: call(guarded, "/control/approvals")[1]["approvals"] == [], "it is still asked for")


def test_words_and_harmless_calls_go_through(guarded: Daemon) -> None:
    with client(guarded, "messages") as driver:
        got = driver.user("List the files").run("messages/rehearsal-1", tools=(SHELL,), stream=True)
        assert [name for _, name, _ in got.calls] == ["bash"]
    with client(guarded, "chat") as driver:
        assert driver.user("just talk").run("chat/rehearsal-1", tools=(SHELL,)).text == "Hello."
        assert driver.user("and without tools").run("chat/rehearsal-1", stream=True).text


def test_no_more_calls_in_a_minute_than_the_route_allows(guarded: Daemon) -> None:
    for n in range(2):
        with client(guarded, "chat") as driver:
            assert driver.user(f"List number {n}").run("chat/rehearsal-lenient", tools=(SHELL,)).calls
    idle(guarded)
    before = len(sent(guarded))
    with client(guarded, "chat") as driver, pytest.raises(openai.RateLimitError) as caught:
        driver.user("List once more").run("chat/rehearsal-lenient", tools=(SHELL,))
    assert "called 2 tools" in str(caught.value) and float(caught.value.response.headers["retry-after"]) == 60
    assert len(sent(guarded)) == before, "nothing is asked and nothing spent"
    with client(guarded, "chat") as driver:
        assert driver.user("just talk").run("chat/rehearsal-lenient").text, "what offers no tools goes on"


def test_too_many_at_once(guarded: Daemon) -> None:
    with client(guarded, "responses") as driver, pytest.raises(ERRORS) as caught:
        driver.user("Be stubborn and list thrice").run("responses/rehearsal-think", tools=(SHELL,))
    assert caught.value.status_code == 502 and "3 tools at once" in str(caught.value)
    with client(guarded, "responses") as driver:
        assert driver.user("List thrice").run("responses/rehearsal-think", tools=(SHELL,)).text == "Then I will not."


def test_the_command_line(guarded: Daemon) -> None:
    def run(*argv: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "localrouter", "approvals", *argv],
            capture_output=True, text=True, timeout=120, env={"PATH": "/usr/bin:/bin", "LOCALROUTER_HOME": str(guarded.home)}, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    assert run() == (0, "Nothing waits.\n")
    thread = threading.Thread(
        target=lambda: client(guarded, "chat").user("Please clean up soon").run("chat/rehearsal-1", tools=(SHELL,)), daemon=True
    )
    thread.start()
    row = waiting(guarded)
    code, text = run()
    assert code == 0 and row["id"] in text and "bash: " in text and "rm -rf build" in text and "approvals allow" in text
    assert json.loads(run("--json")[1])[0]["id"] == row["id"]
    assert run("allow", row["id"]) == (0, f"{row['id']}: allowed.\n")
    thread.join(60)
    assert not thread.is_alive()
    code, text = run("deny", "nosuch")
    assert code == 1 and "No tool call waits" in text
