"""The local lane through the daemon, with a tiny model that the tests build: real loading, streaming, death and fallback."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from conftest import BUSY_S, MakeDaemon, ask, call
from tiny_gguf import build

from localrouter.daemon.coalescing import GRACE_S


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("models") / "tiny.gguf"
    build(file)
    return file


def last(daemon: Any, count: int = 1) -> dict[str, Any]:
    """The newest record, once there are so many: they are written behind the answers."""
    end = time.monotonic() + BUSY_S
    while len(rows := call(daemon, "/control/traces")[1]["traces"]) < count and time.monotonic() < end:
        time.sleep(0.05)
    assert len(rows) >= count
    return dict(call(daemon, f"/control/traces/{max(rows, key=lambda row: row['started'])['id']}")[1])


def test_easy_prompts_stay_here(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    before = len(daemon.host.record())
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        names = [m.id for m in client.models.list()]
        assert "local:chat" in names
        stream = client.chat.completions.create(
            model="local:chat",
            messages=[{"role": "user", "content": "jane@roe.org asks: what is two and two?"}],
            max_tokens=12,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        assert chunks[-1].usage.completion_tokens >= 1
        assert any(c.choices and c.choices[0].finish_reason for c in chunks)
        whole = client.chat.completions.create(model="local:chat", messages=[{"role": "user", "content": "hi"}], max_tokens=5)
        assert whole.choices[0].finish_reason in ("stop", "length") and whole.usage.completion_tokens <= 5
    assert len(daemon.host.record()) == before, "nothing left the machine"
    record = last(daemon, 2)
    assert record["lane"] == "local" and record["cost_micro"] == 0 and record["left_machine"] == []


def test_a_killed_engine_is_replaced_and_the_daemon_lives(make_daemon: MakeDaemon, gguf: Path) -> None:
    import subprocess
    import threading

    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    assert ask(daemon, "hi", "local:chat", max_tokens=3)[0] == 200

    def engine() -> int:
        out = subprocess.run(
            ["pgrep", "-P", str(daemon.pid), "-f", "localrouter.engine"], capture_output=True, text=True
        ).stdout.split()
        return int(out[0])

    answers: list[tuple[int, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(ask(daemon, "count for long", "local:chat", max_tokens=200)))
    victim = engine()
    os.kill(victim, signal.SIGSTOP)  # so that the request is in flight for certain
    thread.start()
    time.sleep(0.5)
    os.kill(victim, signal.SIGKILL)
    thread.join(60)
    # Not a word had been said, so the engine was started again, once, and answered.
    assert answers and answers[0][0] == 200 and answers[0][1]["model"] == "local:chat"
    assert ask(daemon, "hi again", "local:chat", max_tokens=3)[0] == 200
    assert last(daemon, 3)["lane"] == "local" and engine() != victim


def test_a_private_key_is_answered_here(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    pem = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7vabcdEFGH1234\n-----END RSA " + "PRIVATE KEY-----"
    before = len(daemon.host.record())
    assert ask(daemon, f"is this key valid?\n{pem}", max_tokens=4)[0] == 200
    record = last(daemon)
    assert record["lane"] == "local" and "private key" in str(record["candidates"])
    assert len(daemon.host.record()) == before


def test_the_offline_recipe_sends_nothing(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    config = daemon.home / "config" / "config.toml"
    config.write_text(config.read_text().replace('recipe = "rehearse"', 'recipe = "offline"'))
    assert call(daemon, "/control/reload", {})[0] == 200
    before = len(daemon.host.record())
    for count, model in enumerate(("localrouter/auto", "rehearsal/rehearsal-1", "openai/gpt-5-mini"), 1):
        assert ask(daemon, "hello", model, max_tokens=3)[0] == 200
        assert last(daemon, count)["lane"] == "local"
    assert len(daemon.host.record()) == before


def words(count: int) -> str:
    """A text of so many tokens of the tiny model, eight bytes each: twice what an estimate by bytes takes a token for."""
    return " request" * count


def loads(daemon: Any) -> int:
    return sum(row["loads"] for row in call(daemon, "/control/status")[1]["local"]["engines"])


def refused(daemon: Any, text: str, model: str = "local:chat") -> tuple[int, int]:
    """(limit, tokens) that the client is told. Also in the Messages API, with the same numbers."""
    status, tree = ask(daemon, text, model, max_tokens=8)
    assert status == 400 and tree["error"]["code"] == "context_length_exceeded"
    limit, tokens = map(
        int, re.findall(r"is (\d+) tokens\. However, your messages resulted in (\d+) tokens", tree["error"]["message"])[0]
    )
    body = {"model": model, "max_tokens": 8, "messages": [{"role": "user", "content": text}]}
    status, tree = call(daemon, "/v1/messages", body, token=daemon.client)
    assert status == 400 and tree["error"]["message"] == f"prompt is too long: {tokens} tokens > {limit} maximum"
    return limit, tokens


def test_what_a_local_model_will_read_is_counted_by_its_own_vocabulary(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')

    def count(model: str, **more: Any) -> int:
        tree = {"model": model, "messages": [{"role": "user", "content": "how many tokens are 1234567 words?"}], **more}
        status, counted = call(daemon, "/v1/messages/count_tokens", tree, token=daemon.client)
        assert status == 200
        return int(counted["input_tokens"])

    def loads() -> int:
        return sum(row["loads"] for row in call(daemon, "/control/status")[1]["local"]["engines"])

    cold, guessed = count("local:chat"), count("claude-sonnet-4-5")
    assert loads() == 0, "no weights are read for a count"
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", api_key=daemon.client, max_retries=0) as client:
        said = client.messages.create(
            model="local:chat", max_tokens=3, messages=[{"role": "user", "content": "how many tokens are 1234567 words?"}]
        )
    assert cold == said.usage.input_tokens + (said.usage.cache_read_input_tokens or 0) != guessed
    assert loads() == 1 and count("local:chat") == count("localrouter/local") == cold, "now its engine says so"
    assert count("local:chat", system="Be brief.") > cold and count("claude-sonnet-4-5") == guessed
    assert count("local:chat", messages=[{"role": "user", "content": "word " * 3000}]) > 2048, (
        "one that does not fit is counted too"
    )


@pytest.mark.parametrize(
    ("form", "matches"), [({"guided_choice": ["left", "right"]}, "left|right"), ({"grammar": 'root ::= [0-9] "x"'}, "[0-9]x")]
)
def test_a_form_in_a_local_server_s_words_is_kept(
    make_daemon: MakeDaemon, gguf: Path, form: dict[str, Any], matches: str
) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    status, said = ask(daemon, "which way?", "local:chat", max_tokens=40, **form)
    assert status == 200 and re.fullmatch(matches, said["choices"][0]["message"]["content"])


def test_any_model_goes_on_with_a_text_and_says_which_stop_string_it_met(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    kw: dict[str, Any] = {"model": "local:chat", "prompt": "once upon a time", "max_tokens": 12, "temperature": 0}
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        whole = client.completions.create(**kw)
        parts = list(client.completions.create(**kw, stream=True))
        with pytest.raises(openai.BadRequestError, match="middle of a text"):
            client.completions.create(**kw, suffix="the end")
        long = client.completions.create(**{**kw, "prompt": "time and again " * 3000})
    assert whole.choices[0].text == "".join(part.choices[0].text for part in parts) and whole.usage is not None
    assert long.usage is not None and long.usage.prompt_tokens > 1000, "of a text that is too long the end counts"
    said: dict[str, Any] = {
        "model": "local:chat",
        "max_tokens": 40,
        "messages": [{"role": "user", "content": "hi"}],
        "extra_body": {"temperature": 0},
    }
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", api_key=daemon.client, max_retries=0) as client_:
        text = "".join(block.text for block in client_.messages.create(**said).content if block.type == "text")
        stop = text[len(text) // 2 :][:3]
        met = client_.messages.create(**said, stop_sequences=[stop, "never said"])
        with client_.messages.stream(**said, stop_sequences=[stop]) as stream:
            streamed = stream.get_final_message()
    for made in (met, streamed):
        assert (made.stop_reason, made.stop_sequence) == ("stop_sequence", stop)
        assert "".join(block.text for block in made.content) == text[: text.index(stop)]
    status, chat = ask(daemon, "hi", "local:chat", max_tokens=40, temperature=0, stop=stop)
    assert status == 200 and chat["choices"][0]["finish_reason"] == "stop", "which one it was has no place there"


def test_a_prompt_that_fits_is_answered_however_many_bytes_it_has(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    before = len(daemon.host.record())
    status, tree = ask(daemon, words(1900), "local:chat", max_tokens=8)
    assert status == 200 and tree["model"] == "local:chat" and 1900 < tree["usage"]["prompt_tokens"] < 2040
    most = 1900 + (2040 - tree["usage"]["prompt_tokens"])
    assert ask(daemon, words(most), "local:chat", max_tokens=8)[1]["usage"]["prompt_tokens"] == 2040, "to the last token"
    assert last(daemon, 2)["lane"] == "local" and len(daemon.host.record()) == before


def test_a_prompt_that_does_not_fit_goes_to_who_reads_more(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    before = len(daemon.host.record())
    status, tree = ask(daemon, words(2100), "local:chat", max_tokens=8)
    assert status == 200 and tree["model"] == "rehearsal-1" and len(daemon.host.record()) == before + 1
    record = last(daemon)
    assert record["lane"] == "hosted" and [a["model"] for a in record["attempts"]] == ["local:chat", "rehearsal/rehearsal-1"]
    # The tools stand in the prompt too.
    tool = {"type": "function", "function": {"name": "go", "description": words(1500), "parameters": {"type": "object"}}}
    status, tree = ask(daemon, words(400), "local:chat", max_tokens=8)
    assert status == 200 and tree["model"] == "local:chat"
    status, tree = ask(daemon, words(700), "local:chat", max_tokens=8, tools=[tool])
    assert status == 200 and tree["model"] == "rehearsal-1"


def test_a_prompt_that_fits_nobody_is_told_with_true_numbers_and_loads_nothing(make_daemon: MakeDaemon, gguf: Path) -> None:
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 2048')
    config = daemon.home / "config" / "config.toml"
    config.write_text(config.read_text().replace('recipe = "rehearse"', 'recipe = "offline"'))
    assert call(daemon, "/control/reload", {})[0] == 200
    unloaded = refused(daemon, words(3000))
    assert loads(daemon) == 0, "counted without the weights"
    status, tree = ask(daemon, words(1000), "local:chat", max_tokens=8)
    frame = tree["usage"]["prompt_tokens"] - 1000
    assert status == 200 and loads(daemon) == 1
    assert refused(daemon, words(3000)) == unloaded == (2040, 3000 + frame)
    assert refused(daemon, words(2041 - frame)) == (2040, 2041)


def test_the_slot_of_a_client_that_leaves_is_free_at_once(make_daemon: MakeDaemon, gguf: Path) -> None:
    """Counted in steps of the engine, of which it does a thousand a second: what it writes for nobody is what the leaving takes to be noticed
    on a busy machine, and not a wait of ours beside it. So the best of some tries is what is looked at."""
    daemon = make_daemon(extra=f'[local]\nmodel = "{gguf}"\nctx = 30000')
    assert ask(daemon, "hi", "local:chat", max_tokens=3)[0] == 200

    def engine() -> dict[str, Any]:
        return dict(call(daemon, "/control/status")[1]["local"]["engines"][0])

    def paced() -> float:
        """Steps in a second, while somebody writes."""
        first, began = engine()["steps"], time.monotonic()
        time.sleep(0.2)
        return float(engine()["steps"] - first) / (time.monotonic() - began)

    shares = []
    for turn in range(4):
        body = {
            "model": "local:chat",
            "messages": [{"role": "user", "content": f"go on {turn}"}],
            "max_tokens": 14000,
            "stream": True,
        }
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
        head = {"content-type": "application/json", "authorization": f"Bearer {daemon.client}"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), head)
        answer = connection.getresponse()
        answer.read(200)
        pace = paced()
        before = engine()["steps"]
        answer.close()
        connection.close()
        end = time.monotonic() + BUSY_S
        while engine()["running"] and time.monotonic() < end:
            pass
        after = engine()
        assert after["running"] == 0 and pace > 0
        shares.append((after["steps"] - before) / pace)
    assert min(shares) < 0.5 * GRACE_S, shares
