"""Many tries: forged tokens, foreign hosts, malformed requests. None gets in, none is answered with a 500, none hangs, memory stays flat."""

from __future__ import annotations

import asyncio
import copy
import json
import random
import re
import string
from collections import Counter
from pathlib import Path

import pytest
from conftest import (
    BUSY_S,
    Daemon,  # one name a line reads better beside the fixture's type
    MakeDaemon,
    call,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localrouter.core.errors import RouterError
from localrouter.daemon import door


def rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


async def exchange(port: int, data: bytes, *, dribble: bool, whole: bool = False) -> tuple[int, bytes]:
    """Send, half-close, read to the end: (status or 0, answer). `whole`: it is a whole request, and its answer is waited for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        try:
            if dribble:
                for i in range(len(data)):
                    writer.write(data[i : i + 1])
                    if i % 64 == 0:
                        await writer.drain()
            else:
                writer.write(data)
            await writer.drain()
        except (ConnectionError, OSError):
            pass
        answer = b""
        try:
            answer = await asyncio.wait_for(reader.read(1 << 20), BUSY_S if whole else 0.4)
        except (TimeoutError, ConnectionError):
            pass
        if not answer:
            # Still waiting for the rest of a request that is not whole: an end is said, and it must let go.
            try:
                writer.write_eof()
                answer = await asyncio.wait_for(reader.read(1 << 20), BUSY_S)
            except (ConnectionError, OSError):
                pass
    finally:
        writer.close()
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return (int(match[1]) if match else 0), answer


async def storm(port: int, requests: list[tuple[bytes, bool]], width: int = 64, *, whole: bool = False) -> Counter[int]:
    seen: Counter[int] = Counter()
    pending = iter(requests)

    async def worker() -> None:
        for data, dribble in pending:
            status, answer = await exchange(port, data, dribble=dribble, whole=whole)
            seen[status] += 1
            assert status != 500, (data[:300], answer[:300])

    await asyncio.gather(*(worker() for _ in range(width)))
    return seen


def token_tries(n: int, seed: int) -> list[bytes]:
    draw = random.Random(seed)
    out = []
    for i in range(n):
        kind = i % 6
        if kind == 0:
            raw = bytes(draw.randrange(33, 127) for _ in range(draw.randrange(1, 60)))
        elif kind == 1:
            raw = (
                draw.choice(
                    [
                        b"' OR 1=1 --",
                        b"1; DROP TABLE holds",
                        b"lr-%00",
                        b"../../etc/passwd",
                        b"${jndi:ldap://x}",
                        b"null",
                        b"undefined",
                        b"true",
                    ]
                )
                + str(i).encode()
            )
        elif kind == 2:
            raw = b"lr-" + "".join(draw.choices(string.ascii_letters + string.digits + "-_", k=43)).encode()
        elif kind == 3:
            raw = bytes(draw.randrange(128, 256) for _ in range(draw.randrange(1, 40)))
        elif kind == 4:
            raw = b"a" * draw.randrange(1, 12_000)
        else:
            raw = b"lr-" + b"A" * draw.randrange(0, 60)
        out.append(raw)
    return out


async def forged(daemon: Daemon, n: int) -> Counter[int]:
    host = f"127.0.0.1:{daemon.port}".encode()
    requests = []
    for i, token in enumerate(token_tries(n, 1)):
        name = (b"authorization: Bearer ", b"x-api-key: ", b"api-key: ", b"x-goog-api-key: ", b"authorization: Basic ")[i % 5]
        path = (b"/v1/models", b"/v1/chat/completions", b"/control/status")[i % 3]
        requests.append((b"GET %s HTTP/1.1\r\nhost: %s\r\n%s%s\r\nconnection: close\r\n\r\n" % (path, host, name, token), False))
    return await storm(daemon.port, requests, whole=True)


@pytest.mark.anyio
@pytest.mark.parametrize("n", [600, pytest.param(10_000, marks=pytest.mark.long)])
async def test_forged_tokens(make_daemon: MakeDaemon, n: int) -> None:
    daemon = make_daemon()
    before = call(daemon, "/control/status")[1]["door"]["passed"]
    seen = await forged(daemon, n)
    passed = call(daemon, "/control/status")[1]["door"]["passed"]
    assert sum(seen.values()) == n and set(seen) <= {400, 401}, seen
    assert passed - before == 1, "only our own look at the counter got in"
    print(f"{n} forged tokens: {dict(seen)}, 0 accepted")


def test_the_token_check_asks_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    from localrouter.core.secret import Secret

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("the token check opened a database")

    monkeypatch.setattr(sqlite3, "connect", never)
    for token in token_tries(2_000, 2):
        with pytest.raises(RouterError):
            door.check_token(token, Secret("lr-" + "x" * 43))
    door.check_token(b"lr-" + b"x" * 43, Secret("lr-" + "x" * 43))


ALLOWED = door.hosts_for(8642)
HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "127.0.0.1:80",
    "localhost:80",
    "[::1]:80",
    "127.0.0.1.:8642",
    "localhost.:8642",
    "x.localhost:8642",
    "127.1:8642",
    "0:8642",
    "0.0.0.0:8642",
    "[::]:8642",
    "127.0.0.2:8642",
    "2130706433:8642",
    "0x7f000001:8642",
    "0177.0.0.1:8642",
    "[::ffff:127.0.0.1]:8642",
    "127.attacker.example:8642",
    "127.0.0.1.nip.io:8642",
    "localhost.attacker.example:8642",
    "attacker.example:8642",
    "user@127.0.0.1:8642",
    "127.0.0.1:8642@evil",
    "127.0.0.1:08642",
    "127.0.0.1:8642x",
    "127.0.0.1:+8642",
    "127.0.0.1:8642.evil",
    "127.0.0.1:86420",
    "127.0.0.1::8642",
    "::1:8642",
    "[::1]8642",
    "[0:0:0:0:0:0:0:1]:8642",
    "[::1%25lo]:8642",
    "①27.0.0.1:8642",
    "lоcalhost:8642",
    "127。0。0。1:8642",
    "127.0.0.1:8642,",
    "127.0.0.1:8642;x",
    "/127.0.0.1:8642",
    "http://127.0.0.1:8642",
    "127.0.0.1:8642/",
    "127.0.0.1:8642?x",
    "127.0.0.1:8642#x",
    "host.docker.internal:8642",
    "router.local:8642",
    "app.internal:8642",
    "10.0.0.1:8642",
    "192.168.1.1:8642",
    "169.254.169.254:8642",
    "example.com",
    "example.com:443",
    "localhost:8642:8642",
    ".localhost:8642",
    "localhost..:8642",
    "local_host:8642",
    "localhos:8642",
    "localhostt:8642",
    "[::1]:8643",
    "127.0.0.1:8641",
    ":8642",
    "-",
]


def allowed(host: str) -> bool:
    scope = {"headers": [(b"host", host.encode("utf-8"))], "type": "http"}
    try:
        door.check_frame(scope, ALLOWED)
    except RouterError:
        return False
    return True


def test_sixty_hosts_as_tabled() -> None:
    assert len(HOSTS) >= 60
    assert not [h for h in HOSTS if allowed(h)]
    for name in ("127.0.0.1:8642", "localhost:8642", "LocalHost:8642", "[::1]:8642"):
        assert allowed(name)


@given(st.text(max_size=40) | st.from_regex(r"(127\.0\.0\.1|localhost|\[::1\])[.:@/a-z0-9]{0,12}", fullmatch=True))
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_ten_thousand_generated_hosts(host: str) -> None:
    try:
        host.encode("utf-8")
    except UnicodeEncodeError:
        return
    assert not allowed(host) or host.lower() in ALLOWED


# --- malformed requests ------------------------------------------------------------------------------------------------

VALUES: list[object] = [
    None,
    True,
    -1,
    0,
    1e308,
    2**70,
    "",
    "x" * 300,
    [],
    {},
    [[]],
    {"": ""},
    "\x00",
    "\u202e",
    ["a", 1, None],
    {"type": "text"},
]


def mangled_tree(draw: random.Random) -> bytes:
    """A request whose schema is wrong in one to three places."""
    tree: dict[str, object] = {
        "model": "localrouter/auto", "stream": draw.random() < 0.3, "max_tokens": 5, "temperature": 0.5, "n": 1, "stop": ["x"],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "ok"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}],
        "response_format": {"type": "text"}, "stream_options": {"include_usage": True}, "metadata": {"a": "b"},
    }  # fmt: skip
    for _ in range(draw.randrange(1, 4)):
        node: object = tree
        while True:
            if isinstance(node, dict) and node:
                key: object = draw.choice(list(node))
            elif isinstance(node, list) and node:
                key = draw.randrange(len(node))
            else:
                break
            child = node[key]  # type: ignore[index]
            if not isinstance(child, (dict, list)) or not child or draw.random() < 0.3:
                action = draw.random()
                if action < 0.6:
                    node[key] = copy.deepcopy(draw.choice(VALUES))  # type: ignore[index]
                elif action < 0.8 and isinstance(node, dict):
                    del node[key]
                elif isinstance(node, dict):
                    node[draw.choice(["", "x", "role", "content", "type", "__proto__"])] = copy.deepcopy(draw.choice(VALUES))
                break
            node = child
    return json.dumps(tree).encode()


def request(daemon: Daemon, body: bytes) -> bytes:
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{daemon.port}\r\nauthorization: Bearer {daemon.client}\r\n"
        f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


TOKENS = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\x00",
    b"\xff",
    b"  ",
    b":",
    b"chunked",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 0\r\n",
    b"HTTP/1.1",
    b"[" * 99,
    b'"',
    b"{",
    b"\\ud800",
    b"%0d%0a",
    b"999999999999",
]


def mangled_bytes(draw: random.Random, good: bytes) -> bytes:
    """A good request with one to four bytes or pieces changed, dropped, doubled or put in."""
    data = bytearray(good)
    for _ in range(draw.randrange(1, 5)):
        at = draw.randrange(len(data) + 1)
        action = draw.random()
        if action < 0.3 and at < len(data):
            data[at] = draw.randrange(256)
        elif action < 0.5:
            del data[at : at + draw.randrange(1, 30)]
        elif action < 0.65:
            data[at:at] = data[at : at + draw.randrange(1, 60)]
        elif action < 0.95:
            data[at:at] = draw.choice(TOKENS)
        else:
            del data[at:]
        if not data:
            data += b"G"
    return bytes(data)


async def fuzz(daemon: Daemon, schema: int, raw: int, seed: int) -> tuple[Counter[int], int]:
    draw = random.Random(seed)
    await storm(daemon.port, [(request(daemon, mangled_tree(draw)), False) for _ in range(300)])
    before = rss(daemon.pid)
    seen = await storm(daemon.port, [(request(daemon, mangled_tree(draw)), False) for _ in range(schema)])
    good = request(daemon, b'{"messages":[{"role":"user","content":"hi"}],"max_tokens":1}')
    for _ in range(0, raw, 2_000):
        batch = [(mangled_bytes(draw, good), i % 10 == 0) for i in range(min(2_000, raw))]
        seen += await storm(daemon.port, batch)
    return seen, rss(daemon.pid) - before


@pytest.mark.anyio
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("schema", "raw"), [(600, 2_000), pytest.param(10_000, 100_000, marks=pytest.mark.long)])
async def test_malformed_requests(make_daemon: MakeDaemon, schema: int, raw: int) -> None:
    daemon = make_daemon(day_usd="100000")
    seen, grown = await fuzz(daemon, schema, raw, seed=20)
    assert seen[500] == 0 and sum(seen.values()) == schema + raw
    assert grown < 32 << 20, f"memory grew by {grown >> 20} MiB"
    assert call(daemon, "/control/status")[0] == 200
    log = (daemon.home / "daemon.log").read_text()
    assert "Traceback" not in log and "failed at" not in log, log[-2000:]
    print(f"{schema + raw} malformed requests, seed 20: {dict(seen)}, memory {grown / 2**20:+.1f} MiB")
