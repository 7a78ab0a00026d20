"""Compressed bodies are read, and stopped at the cap; hostile JSON is answered with a 400, never a 500."""

from __future__ import annotations

import gzip
import http.client
import json
import resource
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard
from conftest import BUSY_S, Daemon

from localrouter.core.errors import BadRequest, MediaType, TooLarge
from localrouter.daemon.inflate import inflate

CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "br": lambda b: brotli.compress(b, quality=5),
}


@pytest.mark.parametrize("coding", CODERS)
def test_round_trip_cap_and_damage(coding: str) -> None:
    body = json.dumps({"messages": ["é" * 1000, *range(9000)]}).encode()
    packed = CODERS[coding](body)
    assert inflate(coding.upper(), packed, 1 << 20) == body
    with pytest.raises(TooLarge):
        inflate(coding, packed, len(body) - 1)
    for bad in (packed[:-9], b"nonsense", packed[:3], b""):
        with pytest.raises(BadRequest):
            inflate(coding, bad, 1 << 20)


def test_unknown_codings() -> None:
    for coding in ("lzma", "gzip, br", "x"):
        with pytest.raises(MediaType):
            inflate(coding, b"", 10)


@pytest.mark.parametrize("coding", CODERS)
def test_a_bomb_stops_at_the_cap(coding: str) -> None:
    """200 MiB of zeros: no more than the cap is ever held."""
    made = CODERS[coding](bytes(200 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLarge):
        inflate(coding, made, 8 << 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024


def post(daemon: Daemon, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=BUSY_S)
    try:
        sent = {"authorization": f"Bearer {daemon.client}", "content-type": "application/json"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        connection.request("POST", "/v1/chat/completions", body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("coding", CODERS)
def test_over_the_wire(daemon: Daemon, coding: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "hello jane@roe.org"}]}).encode()
    assert post(daemon, CODERS[coding](body), content_encoding=coding)[0] == 200
    assert post(daemon, CODERS[coding](bytes(200 << 20)), content_encoding=coding)[0] == 413
    assert post(daemon, body, content_encoding=coding)[0] == 400


def memory(daemon: Daemon) -> int:
    return int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[1]) * 4096


HOSTILE: dict[str, bytes] = {
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and closed": b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "not utf-8": b'{"messages":[{"role":"user","content":"\xff\xfe"}]}',
    "overlong utf-8": b'{"messages":[{"role":"user","content":"\xc0\xaf"}]}',
    "lone surrogate": b'{"messages":[{"role":"user","content":"\\udcff"}]}',
    "nan": b'{"messages":[{"role":"user","content":"x"}],"temperature":NaN}',
    "infinity": b'{"messages":[{"role":"user","content":"x"}],"temperature":1e999}',
    "5000 digits": b'{"messages":[{"role":"user","content":"x"}],"n":' + b"9" * 5000 + b"}",
    "array": b"[]",
    "null": b"null",
    "string": b'"x"',
    "empty": b"",
    "truncated": b'{"messages":[{"role":"user","con',
    "wrong types": b'{"messages":"x","model":[]}',
    "trailing comma": b'{"messages":[],}',
    "two documents": b'{"messages":[]}{"messages":[]}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "comment": b'{/* */"messages":[]}',
    "content of numbers": b'{"messages":[{"role":"user","content":[1,2,3]}]}',
    "role of null": b'{"messages":[{"role":null,"content":"x"}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_a_400(daemon: Daemon, name: str) -> None:
    status, body = post(daemon, HOSTILE[name])
    assert status == 400, (status, body[:200])
    assert json.loads(body)["error"]["message"]


def test_memory_is_flat_under_hostile_bodies(daemon: Daemon) -> None:
    for _ in range(3):
        for body in HOSTILE.values():
            post(daemon, body)
    before = memory(daemon)
    for _ in range(20):
        for body in HOSTILE.values():
            post(daemon, body)
    assert memory(daemon) - before < 32 << 20
