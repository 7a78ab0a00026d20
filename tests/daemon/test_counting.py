"""Token counts: how good the estimate is, and that a burst of them is cheap."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

import anthropic
import pytest
from conftest import BUSY_S, Daemon

from localrouter.core.recipe import Recipe
from localrouter.daemon.counting import IMAGE, TOOLS, estimate, local_target, tokens_of
from localrouter.dialects import anthropic_messages, openai_responses

CODE = """def merge(left: list[int], right: list[int]) -> list[int]:
    out: list[int] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            out.append(left[i])
            i += 1
        else:
            out.append(right[j])
            j += 1
    return out + left[i:] + right[j:]
"""
SCHEMA = {
    "name": "read_file",
    "description": "Reads a file from the local filesystem.",
    "input_schema": {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Absolute path to the file"},
            "offset": {"type": "integer", "minimum": 0},
            "limit": {"type": "integer", "maximum": 2000},
        },
        "required": ["path"],
        "additionalProperties": False,
    },
}
# Tokens by cl100k_base and by Anthropic's published tokenizer, counted once.
COUNTED: dict[str, tuple[str, int, int]] = {
    "english": (
        "The harbour was quiet when the last boat came in. Nobody on the pier said a word; they had waited since noon, and the weather had "
        "only become worse. Later, over soup, the captain told them why the engine had failed twice and what it would cost to replace the "
        "pump before the spring.",
        61,
        61,
    ),
    "german": (
        "Die Genehmigungsbehörde prüft den Antrag innerhalb von sechs Wochen. Fehlende Unterlagen werden schriftlich nachgefordert, wodurch "
        "sich die Bearbeitungszeit verlängern kann. Über Widersprüche entscheidet die nächsthöhere Dienststelle.",
        69,
        76,
    ),
    "python": (CODE, 92, 104),
    "schema": (json.dumps(SCHEMA), 95, 93),
    "russian": (
        "Поезд опоздал на сорок минут, и встречающие разошлись по залу. Дежурная объявила, что багаж можно получить у третьего выхода, "
        "а билеты на вечерний рейс обменивают в кассе номер восемь.",
        87,
        95,
    ),
    "chinese": ("图书馆每天早上八点开门，晚上九点关门。借书需要出示有效证件，每次最多可以借五本，期限为三十天。如果需要延长时间，请在到期之前联系管理员。", 66, 69),
    "japanese": ("会議は来週の火曜日の午後三時から始まります。資料は前日までに共有フォルダへ保存してください。欠席する場合は、担当者に連絡をお願いします。", 68, 72),
    "log": (
        "2026-03-02T08:14:07.311Z WARN pool=primary conn=4f1c9ae2 retry=3 elapsed=182.4ms GET /api/items?page=12 -> 503\n"
        "2026-03-02T08:14:07.498Z INFO pool=replica conn=77ab03d1 retry=0 elapsed=9.7ms GET /api/items?page=12 -> 200\n",
        95,
        97,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_the_estimate_errs_high_by_little(name: str) -> None:
    text, cl100k, claude = COUNTED[name]
    assert 0.9 <= tokens_of(text) / max(cl100k, claude) <= 1.35, round(tokens_of(text))


def messages(*content: Any, **more: Any) -> int:
    tree = {"model": "m", "messages": [{"role": "user", "content": list(content)}], **more}
    return estimate(anthropic_messages.read(json.dumps(tree).encode(), {}))


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_what_counts() -> None:
    bare = messages(text("hi"))
    assert 3 <= bare <= 12
    assert messages(text("hi"), system="Be short.") > bare
    assert messages(text("hi"), tools=[SCHEMA]) - bare == pytest.approx(TOOLS + 105, abs=25)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 100_000}}
    assert messages(text("hi"), image) - bare == pytest.approx(IMAGE, abs=5), "its bytes are no text"
    use = {"type": "tool_use", "id": "toolu_" + "x" * 200, "name": "read_file", "input": {"path": "src/a.py", "limit": 2000}}
    tree = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [use]}]}
    called = estimate(anthropic_messages.read(json.dumps(tree).encode(), {}))
    assert 8 <= called - bare <= 40, "names and arguments count, ids do not"


def test_a_responses_input_counts_too() -> None:
    def count(given: Any, **more: Any) -> int:
        return estimate(openai_responses.read(json.dumps({"input": given, **more}).encode(), {}))

    assert 2 <= count("hi") <= 10
    assert count("hi", instructions="Be short and kind to whoever asks.") > count("hi") + 5
    assert count([{"role": "user", "content": [{"type": "input_text", "text": CODE}]}]) == pytest.approx(count(CODE), abs=10)


def test_who_alone_may_answer() -> None:
    def target(asked: str, *tried: str, **models: Any) -> str:
        recipe = Recipe.model_validate({"name": "r", "models": models, "route": [{"name": "all", "try": list(tried)}]})
        return local_target(asked, recipe, {"local:coder"})

    assert target("claude-sonnet-4-5", "local:chat") == "local:chat", "the recipe knows no other"
    assert target("claude-sonnet-4-5", "local:chat", "openai/gpt-5-mini") == target("localrouter/auto", "asked") == ""
    assert target("local:coder", "asked") == "local:coder" and target("local:gone", "asked") == "local:chat"
    assert target("localrouter/local", "openai/gpt-5-mini") == "local:chat"
    assert target("claude-haiku", "asked", map={"claude-*": "local:coder"}) == "local:coder"


def test_the_sdk_reads_the_count(daemon: Daemon) -> None:
    before = len(daemon.host.record())
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{daemon.port}", api_key=daemon.client, max_retries=0) as client:
        made = client.messages.count_tokens(
            model="claude-sonnet-4-5",
            system="Be short.",
            messages=[{"role": "user", "content": CODE}],
            tools=[SCHEMA],  # type: ignore[list-item]
        )
        assert 500 < made.input_tokens < 650
        with pytest.raises(anthropic.BadRequestError):
            client.messages.count_tokens(model="m", messages=[])
    assert len(daemon.host.record()) == before, "nobody was asked"


def test_bursts_of_26_are_answered(daemon: Daemon) -> None:
    """As Claude Code's /context sends them."""
    answered: list[int] = []
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "count this, please"}], "tools": []})

    def count() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
        connection.request("POST", "/v1/messages/count_tokens?beta=true", body, {"x-api-key": daemon.client})
        answer = connection.getresponse()
        answered.append(json.loads(answer.read())["input_tokens"] if answer.status == 200 else -answer.status)
        connection.close()

    threads = [threading.Thread(target=count) for _ in range(26)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answered) == 26 and len(set(answered)) == 1 and answered[0] > 0


def test_a_small_count_costs_less_than_5_ms_of_processor() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": CODE * 4}], "tools": [SCHEMA]}).encode()
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(26):
            estimate(anthropic_messages.read(body, {}))
        best = min(best, time.process_time() - start)
    assert best / 26 < 0.005
