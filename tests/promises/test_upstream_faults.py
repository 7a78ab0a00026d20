"""What a client sees of a host that fails, in each dialect, on each plane: never more tries than the recipe allows, no text twice, no endless
loop, a message that a person can read, and money that is settled once.

The clients here keep their own retries (two), as users have them: one failing turn is still one upstream decision. Of a host that failed by
chance (AGAIN) the same is asked once more, while the daemon's budget of retries lasts.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
import surfaces as three
from conftest import BUSY_S, Daemon, idle, start, stop, trace, wait
from drivers import DRIVERS, Driver

from localrouter.daemon.rehearsal import Rehearsal

WIRES = ("chat", "responses", "messages")
PAIRS = [(name, host) for name in WIRES for host in WIRES]
ANSWER = "This is a simulated answer of the rehearsal host.\nYou asked, in 2 words; a real model would answer here.\n"
BROKEN = (openai.APIError, anthropic.APIError, httpx.RemoteProtocolError)


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose recipe allows two tries: the model that was asked for, then `chat/rehearsal-2`."""
    home = tmp_path_factory.mktemp("fallen")
    with Rehearsal(strict=True) as host:
        three.write(home, host, then="chat/rehearsal-2")
        process: subprocess.Popen[bytes] = start(home)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


def client(daemon: Daemon, name: str) -> Driver:
    return DRIVERS[name](daemon.base, daemon.client, max_retries=2)


def text_of(event: dict[str, Any]) -> str:
    """What a stream's event adds to the text, in any dialect."""
    if "choices" in event:
        return "".join(c["delta"].get("content") or "" for c in event["choices"])
    if event.get("type") == "response.output_text.delta":
        return str(event["delta"])
    return str((event.get("delta") or {}).get("text") or "") if event.get("type") == "content_block_delta" else ""


def heard(driver: Driver, body: dict[str, Any]) -> tuple[str, str]:
    """(text, error) of a stream that may break."""
    make = driver.client.messages.create if driver.NAME == "messages" else driver.client.chat.completions.create
    make = driver.client.responses.create if driver.NAME == "responses" else make
    text = ""
    try:
        for event in make(**body, stream=True):
            tree = event.model_dump(mode="json", exclude_unset=True)
            text += text_of(tree)
            if tree.get("type") == "response.failed":
                return text, str(tree["response"]["error"]["message"])
            if tree.get("type") == "error":
                return text, str(tree["message"])
    except BROKEN as error:
        return text, str(error)
    return text, ""


def holds(daemon: Daemon, since: int) -> list[tuple[Any, ...]]:
    idle(daemon)
    db = sqlite3.connect(f"file:{daemon.home}/state/localrouter.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT micro, cost, settled, outcome FROM holds ORDER BY rowid").fetchall()[since:]
    finally:
        db.close()


def settled(rows: list[tuple[Any, ...]], tries: int) -> None:
    assert len(rows) == tries, "one reservation a try"
    for micro, cost, when, outcome in rows:
        assert when is not None and outcome in ("done", "error") and 0 <= cost <= micro


STATUS: dict[str, Any] = {
    "429": 429,
    "500": 502,
    "503": 502,
    "529": (429, 529),
    "400": 400,
    "422": 422,
    "404": 404,
    "context": 400,
}


AGAIN = frozenset({"500", "503", "drop", "drop-first", "cut", "error-first", "error-mid"})
"""Faults after which the same model is asked once more (core/fallback.DEFAULTS)."""


def tries(fault: str, seen: int) -> int:
    """How often the host was asked: once, or once more."""
    assert seen in ((1, 2) if fault in AGAIN else (1,)), (fault, seen)
    return seen


LIMITED: dict[str, float] = {}
"""When each host last said 429; it asks for a second."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_failing_host_is_asked_once_or_once_more(surfaces: Daemon, name: str, host: str, stream: bool) -> None:
    for fault, status in STATUS.items():
        if fault == "429":
            limited = LIMITED.setdefault(host, time.monotonic())  # another file may have been limited just now
            time.sleep(max(0.0, limited + 1.2 - time.monotonic()))
        before, since = len(surfaces.host.record()), len(holds(surfaces, 0))
        with client(surfaces, name) as driver:
            body = driver.user("hello there").body(f"{host}/rehearsal-{fault}", ())
            with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
                driver.send(body, stream)
        if fault == "429":
            LIMITED[host] = time.monotonic()
        assert caught.value.status_code in (status if isinstance(status, tuple) else (status,)), (fault, caught.value)
        assert caught.value.response.headers["x-should-retry"] == "false"
        asked = tries(fault, len(surfaces.host.record()) - before)  # the client did not repeat it
        text = str(caught.value)
        assert host in text or "prompt is too long" in text, "it says who failed"
        assert "Traceback" not in text
        if fault == "context":
            assert "prompt is too long" in text if name == "messages" else caught.value.code == "context_length_exceeded"
        if fault == "429":
            assert float(caught.value.response.headers["retry-after"]) >= 1
        rows = holds(surfaces, since)
        settled(rows, asked)
        assert all(row[1] == 0 for row in rows), "a status that is an error costs nothing"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_the_next_model_answers_once(fallen: Daemon, name: str, host: str, stream: bool) -> None:
    faults = ["500", "529", *(["error-first", "drop-first"] if stream else ["drop", "cut", "error-mid"])]
    for fault in faults:
        before, since = len(fallen.host.record()), len(holds(fallen, 0))
        with client(fallen, name) as driver:
            got, headers = driver.send(driver.user("hello there").body(f"{host}/rehearsal-{fault}", ()), stream)
        assert got.text == ANSWER, "whole, and once"
        *asked, last = (e["path"].split("/")[1] for e in fallen.host.record()[before:])
        assert asked == [host] * tries(fault, len(asked)) and last == "chat"
        assert headers["x-localrouter-model"] == "chat/rehearsal-2"
        settled(holds(fallen, since), len(asked) + 1)


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_both_models_fail_and_nothing_is_tried_again(fallen: Daemon, name: str, host: str) -> None:
    """The second one cannot take the picture's place: a request that nobody may answer is refused after the tries of the recipe."""
    before = len(fallen.host.record())
    with client(fallen, name) as driver, pytest.raises((openai.APIStatusError, anthropic.APIStatusError)):
        driver.send(driver.user("hello there").body(f"{host}/rehearsal-400", ()), False)
    assert len(fallen.host.record()) - before == 1, "what the host calls a fault of the request is not repeated elsewhere"


@pytest.mark.parametrize("fault", ["drop", "cut", "error-mid"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_stream_that_breaks_is_an_error_after_what_was_said(fallen: Daemon, name: str, host: str, fault: str) -> None:
    before, since = len(fallen.host.record()), len(holds(fallen, 0))
    with client(fallen, name) as driver:
        text, error = heard(driver, driver.user("hello there").body(f"{host}/rehearsal-{fault}", ()))
    assert error and "Traceback" not in error
    assert text and ANSWER.startswith(text) and text != ANSWER, "what came, once, and no other model's words behind it"
    assert len(fallen.host.record()) - before == 1
    settled(holds(fallen, since), 1)


@pytest.mark.parametrize("model", ["silent-3", "mute-2"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_slow_host_is_waited_for(surfaces: Daemon, name: str, host: str, model: str) -> None:
    before = len(surfaces.host.record())
    with client(surfaces, name) as driver:
        got, _ = driver.send(driver.user("hello there").body(f"{host}/rehearsal-{model}", ()), True)
    assert got.text == ANSWER and len(surfaces.host.record()) - before == 1


SHORT = (
    "from localrouter.daemon import egress, reply, serve; egress.FIRST_BYTE_S = {True: 3.0, False: 4.0}; egress.IDLE_S = 2.0;"
    " reply.HOLD_S = reply.KEEP_ALIVE_S = 0.5; raise SystemExit(serve.main())"
)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose limits to the host are seconds; nothing else differs. Its recipe allows one try."""
    home = tmp_path_factory.mktemp("hasty")
    with Rehearsal(strict=True) as host:
        three.write(home, host)
        process = start(home, program=SHORT)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


@pytest.mark.parametrize("model", ["silent-9", "mute-9", "hush-9"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_stream_that_falls_silent_is_cut_once_and_says_so(hasty: Daemon, name: str, host: str, model: str) -> None:
    """Before its first byte, after its first event, after its first words. The client hears signs of life all the while, and the failure
    as an event of its own dialect: it waited through the head, so a status can be told no more."""
    before, since = len(hasty.host.record()), len(holds(hasty, 0))
    with client(hasty, name) as driver:
        text, error = heard(driver, driver.user("hello there").body(f"{host}/rehearsal-{model}", ()))
    assert ("did not start to answer in 3 seconds" if model == "silent-9" else "fell silent for 2 seconds") in error
    assert (bool(text) and ANSWER.startswith(text)) if model == "hush-9" else text == ""
    assert len(hasty.host.record()) - before == 1, "one try, and the client did not repeat it"
    until_hung_up(hasty)
    settled(holds(hasty, since), 1)


@pytest.fixture(scope="module")
def hasty_fallen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The same limits, and a recipe of two tries."""
    home = tmp_path_factory.mktemp("hasty-fallen")
    with Rehearsal(strict=True) as host:
        three.write(home, host, then="chat/rehearsal-2")
        process = start(home, program=SHORT)
        try:
            yield wait(home, process, host)
        finally:
            stop(process)


@pytest.mark.parametrize(("model", "stream"), [("silent-9", True), ("mute-9", True), ("silent-9", False)])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_the_next_model_answers_for_a_silent_one(hasty_fallen: Daemon, name: str, host: str, model: str, stream: bool) -> None:
    """Signs of life are no content: the client heard some, and then the whole answer of the second model, once."""
    before, since = len(hasty_fallen.host.record()), len(holds(hasty_fallen, 0))
    with client(hasty_fallen, name) as driver:
        got, _ = driver.send(driver.user("hello there").body(f"{host}/rehearsal-{model}", ()), stream)
    assert got.text == ANSWER, "whole, and once"
    assert [e["path"].split("/")[1] for e in hasty_fallen.host.record()[before:]] == [host, "chat"]
    settled(holds(hasty_fallen, since), 2)


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_whole_answer_that_does_not_come_is_an_error_with_a_status(hasty: Daemon, name: str, host: str) -> None:
    before, since = len(hasty.host.record()), len(holds(hasty, 0))
    with client(hasty, name) as driver:
        body = driver.user("hello there").body(f"{host}/rehearsal-silent-9", ())
        with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
            driver.send(body, False)
    assert caught.value.status_code == 504 and "did not start to answer in 4 seconds" in str(caught.value)
    assert len(hasty.host.record()) - before == 1
    until_hung_up(hasty)
    settled(holds(hasty, since), 1)


def until_hung_up(daemon: Daemon) -> None:
    """The host's last request is cancelled there too; else it would go on for as long as it is told to be silent."""
    end = time.monotonic() + BUSY_S
    while not daemon.host.record()[-1].get("hung_up"):
        assert time.monotonic() < end, "the host still works on it"
        time.sleep(0.05)


@pytest.mark.parametrize("fault", ["drop", "cut", "error-mid"])
@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_a_whole_answer_that_breaks_is_an_error_and_costs_what_it_may_have(
    surfaces: Daemon, name: str, host: str, fault: str
) -> None:
    before, since = len(surfaces.host.record()), len(holds(surfaces, 0))
    with client(surfaces, name) as driver:
        body = driver.user("hello there").body(f"{host}/rehearsal-{fault}", ())
        with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
            driver.send(body, False)
    assert caught.value.status_code == 502 and "Ask again" in str(caught.value) and "Traceback" not in str(caught.value)
    settled(holds(surfaces, since), tries(fault, len(surfaces.host.record()) - before))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [90, 330])
@pytest.mark.parametrize(
    ("name", "host"), [("chat", "chat"), ("messages", "chat"), ("responses", "messages"), ("responses", "responses")]
)
def test_a_silent_host(tmp_path_factory: pytest.TempPathFactory, name: str, host: str, seconds: int) -> None:
    """A client that gives up after 60 silent seconds hears none: signs of life reach it while the host says nothing. After 120 (DESIGN
    section 4) the host has failed, and the client is told so, once."""
    home = tmp_path_factory.mktemp("silence")
    with Rehearsal(strict=True) as rehearsal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(three, "MODELS", (*three.MODELS, f"mute-{seconds}"))
        three.write(home, rehearsal)
        process = start(home)
        try:
            daemon = wait(home, process, rehearsal)
            with DRIVERS[name](daemon.base, daemon.client, max_retries=2, timeout=60.0) as driver:
                text, error = heard(driver, driver.user("hello there").body(f"{host}/rehearsal-mute-{seconds}", ()))
            assert (text, error) == (ANSWER, "") if seconds < 120 else "silent for 120 seconds" in error and not text
            assert len(rehearsal.record()) == 1
        finally:
            stop(process)


@pytest.mark.parametrize(("name", "host"), PAIRS)
def test_what_a_stream_cost_is_what_its_host_reported(surfaces: Daemon, name: str, host: str) -> None:
    since = len(holds(surfaces, 0))
    with client(surfaces, name) as driver:
        driver.user("hello there").run(f"{host}/rehearsal-1", stream=True)
    usage = surfaces.host.record()[-1]["usage"]
    prompt = usage.get("prompt_tokens", usage.get("input_tokens"))
    output = usage.get("completion_tokens", usage.get("output_tokens"))
    (row,) = holds(surfaces, since)
    assert row[1] == -(-(prompt * 25 + output * 200) // 100), "micro-dollars: 0.25 and 2.00 dollars a million tokens"


def test_the_trace_says_what_failed_and_who_answered(fallen: Daemon) -> None:
    with client(fallen, "messages") as driver:
        got = driver.user("hello there").run("responses/rehearsal-500")
    record = trace(fallen, got.id)
    *failed, last = (a["model"] for a in record["attempts"])
    assert failed == ["responses/rehearsal-500"] * tries("500", len(failed)) and last == "chat/rehearsal-2"
    assert "failed first" in record["explain"] and json.dumps(record["attempts"]).count("micro") >= 2
