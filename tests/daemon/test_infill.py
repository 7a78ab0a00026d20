"""POST /v1/completions and /infill over a real engine: code in the middle of a text, in OpenAI's and llama-server's shapes."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from conftest import BUSY_S, Daemon, call, start, stop, trace, wait, write_home

from localrouter.core.errors import BadRequest
from localrouter.daemon.infill import read_completion, read_infill
from localrouter.daemon.rehearsal import Rehearsal

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
import tiny_chat


@pytest.fixture(scope="module")
def fills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_chat.build("random", tmp_path_factory.mktemp("models") / "fills.gguf")


@pytest.fixture
def daemon(tmp_path: Path, host: Rehearsal, fills: Path) -> Iterator[Daemon]:
    home = tmp_path / "home"
    write_home(home, host, extra=f'[local]\nfim = "{fills}"\nctx = 2048\nthreads = 1')
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


def post(daemon: Daemon, path: str, **tree: Any) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        connection.request("POST", path, json.dumps(tree), {"authorization": f"Bearer {daemon.client}"})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def events(body: bytes) -> list[str]:
    return [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]


def test_both_shapes_streamed_and_not(daemon: Daemon) -> None:
    before = len(daemon.host.record())
    ask = {
        "prompt": "def add(a, b):\n    return ",
        "suffix": "\n\nprint(add(1, 2))",
        "max_tokens": 8,
        "temperature": 0,
        "seed": 1,
    }
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        whole = client.completions.create(model="local:fim", **ask)  # type: ignore[call-overload]
        parts = list(client.completions.create(model="local:fim", stream=True, **ask))  # type: ignore[call-overload]
    text = whole.choices[0].text
    assert text and whole.choices[0].finish_reason == "length" and whole.usage is not None and whole.usage.completion_tokens == 8
    assert "".join(p.choices[0].text for p in parts) == text and parts[-1].choices[0].finish_reason == "length"
    infill = {
        "input_prefix": "def add(a, b):\n    ",
        "prompt": "return ",
        "input_suffix": ask["suffix"],
        "n_predict": 8,
        "temperature": 0,
    }
    status, body, head = post(daemon, "/infill", **infill, seed=1)
    tree = json.loads(body)
    assert status == 200 and tree["content"] == text and tree["stop"] is True and tree["tokens_predicted"] == 8
    status, body, _ = post(daemon, "/infill", **infill, seed=1, stream=True)
    frames = [json.loads(e) for e in events(body)]
    assert "".join(f["content"] for f in frames) == text and [f["stop"] for f in frames] == [False] * (len(frames) - 1) + [True]
    record = trace(daemon, head["x-localrouter-id"])
    assert (record["lane"], record["dialect"], record["cost_micro"], record["left_machine"]) == ("local", "llama_infill", 0, [])
    assert record["attempts"][0]["confidence"]["tokens"] == 8 and len(daemon.host.record()) == before, "no host was asked"


def test_other_files_and_a_foreign_model(daemon: Daemon) -> None:
    extra = [{"filename": "util.py", "text": "def sub(a, b):\n    return a - b\n"}]
    status, body, _ = post(daemon, "/v1/infill", input_prefix="x = ", input_suffix="\n", input_extra=extra, n_predict=2)
    assert status == 200 and json.loads(body)["tokens_evaluated"] > 5
    status, body, _ = post(daemon, "/v1/completions", model="gpt-5-mini", prompt="x = ")
    assert status == 404 and "local:fim" in json.loads(body)["error"]["message"]


def test_without_a_model_it_says_what_to_pull(tmp_path: Path, host: Rehearsal) -> None:
    home = tmp_path / "bare"
    write_home(home, host)
    process = start(home)
    try:
        bare = wait(home, process, host)
        status, body, _ = post(bare, "/infill", input_prefix="x = ", input_suffix="\n")
        assert status == 503 and "localrouter models pull" in json.loads(body)["error"]["message"]
        assert call(bare, "/control/status")[0] == 200
    finally:
        stop(process)


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (read_completion, {}, "prompt"),
    (read_completion, {"prompt": ["a", "b"]}, "prompt"),
    (read_completion, {"prompt": ""}, "prompt"),
    (read_completion, {"prompt": "a", "suffix": 1}, "suffix"),
    (read_completion, {"prompt": "a", "max_tokens": 0}, "max_tokens"),
    (read_completion, {"prompt": "a", "max_tokens": True}, "max_tokens"),
    (read_completion, {"prompt": "a", "stream": "yes"}, "stream"),
    (read_completion, {"prompt": "a", "model": 1}, "model"),
    (read_completion, {"prompt": "a", "n": 2}, "n"),
    (read_completion, {"prompt": "a", "echo": True}, "echo"),
    (read_infill, {}, "prompt"),
    (read_infill, {"input_prefix": 1}, "input_prefix"),
    (read_infill, {"input_prefix": "a", "n_predict": -2}, "n_predict"),
    (read_infill, {"input_prefix": "a", "input_extra": {}}, "input_extra[0]"),
    (read_infill, {"input_prefix": "a", "input_extra": [{"filename": "x"}]}, "input_extra[0]"),
    (read_infill, {"input_prefix": "a", "n_probs": 3}, "n_probs"),
]


@pytest.mark.parametrize(("read", "tree", "field"), REFUSED)
def test_refusals_name_the_field(read: Any, tree: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(json.dumps(tree).encode())
    assert caught.value.param == field


def test_what_is_accepted() -> None:
    assert read_completion(b'{"prompt": ["a"], "n": 1, "echo": false, "logprobs": 0}').ask == {"prefix": "a", "suffix": ""}
    assert read_infill(b'{"input_prefix": "a", "prompt": "b", "n_predict": -1}').ask == {
        "prefix": "ab",
        "suffix": "",
        "files": [],
    }
    assert read_completion(b'{"prompt": "a", "model": "localrouter/auto"}').model == "local:fim"
