"""Budgets through the SDK: what cannot be paid is denied before it is sent, in words that the SDK shows."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from conftest import MakeDaemon, ask, call, idle, until


def test_an_exhausted_budget_is_a_clear_4xx(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(day_usd="0.002")
    before = len(daemon.host.record())
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=2) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            for _ in range(400):
                client.chat.completions.create(
                    model="rehearsal/rehearsal-1", messages=[{"role": "user", "content": "hello"}], max_tokens=900
                )
        answered = len(daemon.host.record()) - before
    assert caught.value.status_code == 402 and caught.value.code == "budget_exceeded"
    text = str(caught.value)
    assert "daily budget" in text and "resets" in text and "localrouter budget set" in text
    assert caught.value.response.headers["x-should-retry"] == "false" and int(caught.value.response.headers["retry-after"]) > 0
    assert answered > 0, "some were paid"
    idle(daemon)
    day = call(daemon, "/control/budget")[1]["budgets"][0]
    assert day["spent"] <= day["limit"] and day["held"] == 0
    assert len(daemon.host.record()) - before == answered, "what is denied is not sent"


def test_the_answer_is_shortened_before_it_is_denied(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(day_usd="0.003")
    assert ask(daemon, "hello", max_tokens=2000)[0] == 200
    sent = daemon.host.record()[-1]["body"]
    assert '"max_tokens":2000' not in sent
    until(lambda: call(daemon, "/control/traces")[1]["traces"], "no trace")  # it is written behind the answer
    rows = call(daemon, "/control/traces")[1]["traces"]
    record = call(daemon, f"/control/traces/{rows[0]['id']}")[1]
    assert any("answer limited to" in c["why"] for c in record["candidates"])


def test_budgets_can_be_raised_while_it_runs(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon(day_usd="0.0001")
    assert ask(daemon, "hello")[0] == 402
    config = daemon.home / "config" / "config.toml"
    config.write_text(config.read_text().replace('day_usd = "0.0001"', 'day_usd = "1"'))
    assert call(daemon, "/control/reload", {})[0] == 200
    assert ask(daemon, "hello")[0] == 200
    config.write_text(config.read_text().replace('day_usd = "1"', 'day_usd = "x"'))
    status, tree = call(daemon, "/control/reload", {})
    assert status >= 400 and "day_usd" in tree["error"]["message"]
    assert ask(daemon, "hello")[0] == 200, "what was in force stays in force"


def test_fallback_charges_each_attempt_once(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    status, tree = ask(daemon, "hello", "rehearsal/rehearsal-500")
    assert status == 200
    rows: list[dict[str, Any]] = []
    while not rows:  # it is written behind the answer
        rows = call(daemon, "/control/traces")[1]["traces"]
    record = call(daemon, f"/control/traces/{rows[0]['id']}")[1]
    # A server error is asked once more at the same model (core/fallback.DEFAULTS), then the next one answers.
    assert [a["model"] for a in record["attempts"]] == [
        "rehearsal/rehearsal-500",
        "rehearsal/rehearsal-500",
        "rehearsal/rehearsal-1",
    ]
    assert [a["cost_micro"] for a in record["attempts"]] == [0, 0, record["cost_micro"]] and record["cost_micro"] > 0
    usage = tree["usage"]
    assert record["cost_micro"] == -(-(usage["prompt_tokens"] * 25 + usage["completion_tokens"] * 200) // 100)
    assert "failed first" in record["explain"]
