"""The local lane through the daemon, with a tiny model that the tests build: real loading, streaming, death and fallback."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import openai
import pytest
from conftest import MakeDaemon, ask, call
from tiny_gguf import build


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("models") / "tiny.gguf"
    build(file)
    return file


def last(daemon: Any) -> dict[str, Any]:
    rows = call(daemon, "/control/traces")[1]["traces"]
    return dict(call(daemon, f"/control/traces/{rows[0]['id']}")[1])


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
    record = last(daemon)
    assert record["lane"] == "local" and record["cost_micro"] == 0 and record["left_machine"] == []


def test_a_killed_engine_is_replaced_and_the_daemon_lives(make_daemon: MakeDaemon, gguf: Path) -> None:
    import subprocess
    import threading
    import time

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
    assert last(daemon)["lane"] == "local" and engine() != victim


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
    for model in ("localrouter/auto", "rehearsal/rehearsal-1", "openai/gpt-5-mini"):
        assert ask(daemon, "hello", model, max_tokens=3)[0] == 200
        assert last(daemon)["lane"] == "local"
    assert len(daemon.host.record()) == before
