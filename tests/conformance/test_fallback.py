"""What the next host gets when the first one failed: a request made anew from the client's, with nothing of the first host's in it; and what of a
client's headers no host ever sees.

Sources: Claude Code Router (upstream-executor, http-boundary, upstream-header-sanitizer); RFC 9110, 7.6.1 (hop-by-hop fields). Both hosts are
small ones, on loopback; what comes is recorded.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import small_host
from conftest import Daemon, start, stop, wait
from small_host import serving

from localrouter.daemon.rehearsal import Rehearsal


@dataclass
class Hosts:
    """What came, in order: (path, headers by lower-case name, body)."""

    seen: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    port: int = 0


CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 7,
    "model": "m",
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
ANSWER = json.dumps(
    {**CHAT, "choices": [{"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}]}
).encode()


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    own = Hosts()

    def asked(path: str, headers: Mapping[str, str], tree: dict[str, Any]) -> tuple[int, bytes]:
        own.seen.append((path, dict(headers), tree))
        if path.startswith("/first"):
            return 500, b'{"type":"error","error":{"type":"api_error","message":"no"}}'
        return 200, ANSWER

    with serving(asked) as own.port:
        yield own


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, hosts: Hosts, host: Rehearsal) -> Iterator[Daemon]:
    home = tmp_path_factory.mktemp("fallback")
    wires = {"first": "anthropic_messages", "second": "openai_chat"}
    small_host.write_home(
        home,
        '[[route]]\nname = "default"\ntry = ["first/m-first", "second/m-second"]\n[route.fallback]\nserver_error = "next"\n',
        {name: f'origin = "http://127.0.0.1:{hosts.port}/{name}/v1"\nwire = "{wire}"' for name, wire in wires.items()},
        {f"{name}/m-{name}": "price_in = 1\nprice_out = 5\ncontext = 200000" for name in wires},
    )
    process = start(home)
    try:
        yield wait(home, process, host)
    finally:
        stop(process)


PRIVATE = {
    "cookie": "session=1",
    "proxy-authorization": "Basic eA==",
    "x-forwarded-for": "10.0.0.9",
    "x-localrouter-context": '["doc-1"]',
    "te": "trailers",
    "x-my-own": "yes",
    "referer": "http://localhost/",
}
TURN = {"model": "localrouter/auto", "max_tokens": 100, "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}], "metadata": {"user_id": "u-1"}}  # fmt: skip


def post(daemon: Daemon, tree: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=120)
    head = {
        "content-type": "application/json",
        "x-api-key": daemon.client,
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "context-1m-2025-08-07",
    }
    connection.request("POST", "/v1/messages", json.dumps(tree), {**head, **PRIVATE})
    answer = connection.getresponse()
    out = answer.status, json.loads(answer.read())
    connection.close()
    return out


@pytest.fixture(scope="module")
def tried(daemon: Daemon, hosts: Hosts) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    status, said = post(daemon, TURN)
    assert status == 200 and said["content"] == [{"type": "text", "text": "Well."}] and said["stop_reason"] == "end_turn"
    return list(hosts.seen)


def test_the_next_host_gets_a_request_of_its_own(tried: list[tuple[str, dict[str, str], dict[str, Any]]]) -> None:
    first, second = tried[0], tried[-1]
    assert first[0] == "/first/v1/messages" and second[0] == "/second/v1/chat/completions"
    assert first[2]["model"] == "m-first" and first[2]["messages"] == TURN["messages"] and "anthropic-version" in first[1]
    assert second[2]["model"] == "m-second" and second[2]["messages"] == [{"role": "user", "content": "hi"}]
    assert "cache_control" not in json.dumps(second[2]) and not [k for k in second[1] if k.startswith("anthropic")]
    assert second[2].get("max_tokens", second[2].get("max_completion_tokens")) == 100


def test_what_is_the_clients_own_affair_never_leaves(
    daemon: Daemon, tried: list[tuple[str, dict[str, str], dict[str, Any]]]
) -> None:
    for _, head, tree in tried:
        assert not PRIVATE.keys() & head.keys() and daemon.client not in json.dumps([head, tree])
        assert set(head) <= {
            "host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length", "authorization", "x-api-key",
            "anthropic-version", "anthropic-beta",
        }  # fmt: skip
