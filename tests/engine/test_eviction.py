"""A budget of memory over all models of a running daemon: the model that idles longest goes for one that is needed; the encoder, which reads
every request, never does."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import tiny_chat
from conftest import Daemon, MakeDaemon, ask, call

from localrouter.engine.fit import Wish, fit
from localrouter.engine.gguf_header import read_header
from localrouter.engine.machine import machine


def inspectors(daemon: Daemon) -> dict[int, float]:
    """The processes that hold the encoder: pid and when each began."""
    found = {}
    for child in psutil.Process(daemon.pid).children():
        try:
            if "localrouter.inspector" in child.cmdline():
                found[child.pid] = child.create_time()
        except psutil.Error:
            continue
    return found


def loaded(daemon: Daemon) -> dict[str, bool]:
    return {row["model"]: row["loaded"] for row in call(daemon, "/control/status")[1]["local"]["engines"]}


def test_one_model_goes_for_another_and_the_encoder_stays(make_daemon: MakeDaemon, tmp_path: Path) -> None:
    chat, fim = (tiny_chat.build("random", tmp_path / f"{name}.gguf", seed=n) for n, name in enumerate(("chat", "fim"), 1))
    now = machine()
    each = fit(read_header(chat), now, Wish(ctx=1024), now.available).memory
    table = f'[local]\nmodel = "{chat}"\nfim = "{fim}"\nctx = 1024\nmemory_gb = {1.5 * each / 1e9:.3f}'
    daemon = make_daemon(extra=table)
    end = time.monotonic() + 60
    while not call(daemon, "/control/status")[1]["inspector"]["alive"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    for _ in range(2):
        assert ask(daemon, "hello", "local:chat", max_tokens=3)[0] == 200
        assert loaded(daemon)["chat"] and not loaded(daemon).get("fim")
        before = inspectors(daemon)
        assert before
        body = {"input_prefix": "def f(", "input_suffix": "\n", "n_predict": 3}
        status, said = call(daemon, "/infill", body, token=daemon.client)
        assert status == 200, said
        assert loaded(daemon) == {"chat": False, "fim": True}, "there is room for one"
        after = inspectors(daemon)
        assert before.items() <= after.items(), "the encoder's process is the same"
        state = call(daemon, "/control/status")[1]["inspector"]
        assert state["alive"] and state["deaths"] == 0
