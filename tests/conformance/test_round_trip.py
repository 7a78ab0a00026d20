"""Prompts through the daemon and an echoing host: the answer equals the original, byte for byte, by the restore table."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import openai
import pytest
from conftest import Daemon
from prompts import TEMPLATES, Draw, prompt

from localrouter.daemon.demo import expected, mapping
from localrouter.scrub.tokens import grammar

DATA = os.environ.get("LOCALROUTER_DATA", "")
COUNT = 200


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Any:
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as made:
        yield made


def echoed(client: Any, text: str, model: str = "echo", **more: Any) -> str:
    stream = client.chat.completions.create(
        model=f"rehearsal/rehearsal-{model}", messages=[{"role": "user", "content": text}], stream=True, **more
    )
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


def oracle(daemon: Daemon, text: str) -> str:
    """What must come back, worked out from the bytes that the host got and the restore table: not from the daemon."""
    sent = json.loads(daemon.host.record()[-1]["body"])["messages"][-1]["content"]
    found = [m[0] for m in grammar(()).finditer(sent) if m[0] not in text]
    names = mapping([text], [sent], found)
    return expected(sent, names, whole=False)


def test_generated_prompts_come_back_whole(client: Any, daemon: Daemon) -> None:
    exact = 0
    for seed in range(COUNT):
        text = prompt(seed)
        answer = echoed(client, text)
        assert answer == text, f"seed {seed}"
        exact += 1
        sent = daemon.host.record()[-1]["body"]
        draw = Draw(seed)
        template = TEMPLATES[seed % len(TEMPLATES)]
        for field in ("mail", "card", "key", "phone", "ip"):
            if "{d." + field + "}" in template:
                assert getattr(draw, field) not in sent, f"seed {seed}: {field} left the machine"
    assert exact == COUNT


def test_the_same_prompts_not_streamed(client: Any) -> None:
    for seed in range(len(TEMPLATES)):
        text = prompt(seed + 1000)
        got = client.chat.completions.create(model="rehearsal/rehearsal-echo", messages=[{"role": "user", "content": text}])
        assert got.choices[0].message.content == text


@pytest.mark.parametrize("seed", [0, 3, 5, 8])
def test_the_stream_may_be_cut_at_every_byte(client: Any, seed: int) -> None:
    text = prompt(seed)
    frame = 420  # bytes of the frames around the text: the cut also falls into each of them
    for at in range(0, len(text) + frame, 1 if seed in (0, 5) else 3):
        assert echoed(client, text, "split", seed=at) == text, f"cut at {at}"


def test_a_secret_in_prose_comes_back_as_its_token(client: Any, daemon: Daemon) -> None:
    key = Draw(4).key
    text = f"Is {key} still valid?\n\n```\n{key}\n```\n"
    answer = echoed(client, text)
    prose, _, code = answer.partition("```")
    assert key not in prose and "API_KEY_" in prose and key in code
    assert answer == oracle(daemon, text)


@pytest.mark.long
@pytest.mark.skipif(not DATA, reason="set LOCALROUTER_DATA to a folder with pupa/*.jsonl or *.csv to run the PUPA prompts")
def test_pupa_prompts_come_back_whole(client: Any, daemon: Daemon) -> None:
    import csv

    files = sorted(Path(DATA).rglob("*.csv"))
    queries: list[str] = []
    for file in files:
        if "pupa" not in str(file).lower():
            continue
        with file.open(newline="", encoding="utf-8") as rows:
            queries += [r["user_query"] for r in csv.DictReader(rows) if r.get("user_query")]
    assert len(queries) >= COUNT, f"{len(queries)} PUPA queries under {DATA}"
    wrong = [q for q in queries[:COUNT] if echoed(client, q) != oracle(daemon, q)]
    assert not wrong, wrong[:2]
