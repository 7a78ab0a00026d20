"""What a trace says that left: of tools that were left out on the way, nothing."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Daemon, call, newest

TOOL = {"name": "read_file", "description": "reads one file from the disk", "input_schema": {"type": "object", "properties": {}}}
SEARCH = {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["quokka.example"], "max_uses": 3}


def last(daemon: Daemon) -> dict[str, Any]:
    return dict(call(daemon, f"/control/traces/{newest(daemon)['id']}")[1])


@pytest.mark.parametrize("tools", [[SEARCH, TOOL], [TOOL, SEARCH], [SEARCH]], ids=["first", "last", "alone"])
def test_the_words_of_a_tool_that_was_left_out_did_not_leave(daemon: Daemon, tools: list[dict[str, Any]]) -> None:
    body = {
        "model": "rehearsal/rehearsal-1",
        "max_tokens": 50,
        "tools": tools,
        "messages": [{"role": "user", "content": "How tall do trees grow?"}],
    }
    status, _ = call(daemon, "/v1/messages", body, token=daemon.client)
    assert status == 200
    record, sent = last(daemon), daemon.host.app.record[-1]["body"]
    left = "\n".join(record["left_machine"])
    assert "quokka" not in sent and "quokka" not in left
    assert "How tall do trees grow?" in left and "How tall do trees grow?" in sent
    assert ("reads one file from the disk" in left) == ("reads one file from the disk" in sent) == (TOOL in tools)


def test_what_left_is_all_told_where_nothing_was_left_out(daemon: Daemon) -> None:
    body = {
        "model": "rehearsal/rehearsal-1",
        "max_tokens": 50,
        "tools": [TOOL],
        "messages": [{"role": "user", "content": "Is it raining?"}],
    }
    assert call(daemon, "/v1/messages", body, token=daemon.client)[0] == 200
    assert {"Is it raining?", "reads one file from the disk", "read_file"} <= set(last(daemon)["left_machine"])
