"""Framing tricks, by name: each is refused with a 4xx or 5xx that is no 500, on a raw socket and however it is cut; and what real clients
send is not. RFC 9112; names after the HTTP desync literature."""

from __future__ import annotations

import json
import random
import socket

import pytest
from conftest import BUSY_S, Daemon
from hypothesis import given, settings
from hypothesis import strategies as st

from localrouter.daemon.framing import MAX_HEAD, BadFrame, Framer

GOOD = b"POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"

TRICKS: dict[str, bytes] = {
    "content-length and transfer-encoding": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding and content-length": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two equal content-lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two different content-lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "content-length list": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2, 2\r\n\r\n{}",
    "negative content-length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -2\r\n\r\n{}",
    "signed content-length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +2\r\n\r\n{}",
    "hexadecimal content-length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x2\r\n\r\n{}",
    "content-length of 19 digits": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999999999999\r\n\r\n{}",
    "space before the colon": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 2\r\n\r\n{}",
    "folded header": b"POST / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "folded transfer-encoding": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"POST / HTTP/1.1\nHost: h\nContent-Length: 2\n\n{}",
    "one bare line feed": b"POST / HTTP/1.1\r\nHost: h\nX: y\r\nContent-Length: 2\r\n\r\n{}",
    "bare carriage return in a value": b"POST / HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\nContent-Length: 2\r\n\r\n{}",
    "nul in a value": b"POST / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "transfer-encoding xchunked": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding gzip, chunked": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two transfer-encodings": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunk extension": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
    "chunk size with 0x": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "chunk size with a bare line feed": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
    "chunk longer than it says": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "chunk size that overflows": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}",
    "trailer": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n",
    "no host": b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "empty host": b"POST / HTTP/1.1\r\nHost:\r\nContent-Length: 2\r\n\r\n{}",
    "two hosts": b"POST / HTTP/1.1\r\nHost: h\r\nHost: i\r\nContent-Length: 2\r\n\r\n{}",
    "absolute target": b"POST http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
    "authority target": b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
    "asterisk target": b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "http/1.0": b"POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
    "http/1.0 with a coding": b"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http/0.9": b"GET /\r\n\r\n",
    "http/1.2": b"GET / HTTP/1.2\r\nHost: h\r\n\r\n",
    "leading space": b" GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "lower-case method": b"get / HTTP/1.1\r\nHost: h\r\n\r\n",
    "underscore in a name": b"GET / HTTP/1.1\r\nHost: h\r\nContent_Length: 2\r\n\r\n",
    "empty name": b"GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n",
    "dot segments": b"GET /healthz/../control/status HTTP/1.1\r\nHost: h\r\n\r\n",
    "encoded dot segments": b"GET /healthz/%2e%2e/control/status HTTP/1.1\r\nHost: h\r\n\r\n",
    "backslash": b"GET /healthz\\..\\control HTTP/1.1\r\nHost: h\r\n\r\n",
    "encoded nul": b"GET /healthz%00 HTTP/1.1\r\nHost: h\r\n\r\n",
    "encoded line break": b"GET /healthz%0d%0aX:y HTTP/1.1\r\nHost: h\r\n\r\n",
    "fragment": b"GET /healthz#x HTTP/1.1\r\nHost: h\r\n\r\n",
    "tls client hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "head of 17 KB": b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 17_000 + b"\r\n\r\n",
    "endless head": b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 4000,
    "101 headers": b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(100)) + b"\r\n",
    "expect something else": b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\n{}",
    "body of 65 MiB announced": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 68157440\r\n\r\n",
}  # fmt: skip


def cuts(data: bytes) -> list[list[bytes]]:
    """Whole, byte by byte, and in three random pieces."""
    draw = random.Random(len(data))
    a, b = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return [[data], [data[i : i + 1] for i in range(len(data))], [data[:a], data[a:b], data[b:]]]


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_is_refused_however_it_is_cut(name: str) -> None:
    for pieces in cuts(TRICKS[name]):
        framer = Framer()
        with pytest.raises(BadFrame) as caught:
            for piece in pieces:
                framer.feed(piece)
        assert caught.value.status in (400, 413, 417, 431, 501, 505)


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /v1/models/a%2Fb?key=x&y=%20 HTTP/1.1\r\nHost: h:1\r\nAccept: */*\r\nX-Empty:\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nHost: h\r\ntransfer-encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
        b"POST /v1/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        GOOD + GOOD,
    ],
)
def test_what_clients_send_passes_unchanged_however_it_is_cut(data: bytes) -> None:
    for pieces in cuts(data):
        framer = Framer()
        assert b"".join(p for piece in pieces for p in framer.feed(piece)) == data
        assert framer.waiting == "idle"


def test_an_offer_to_upgrade_is_dropped_and_close_is_kept() -> None:
    """Java's client offers h2c with each request on plain http; it must be ignored, not refused."""
    data = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nX: y\r\n\r\n"
    assert Framer().feed(data) == [b"GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n"]
    assert b"connection: close" in Framer().feed(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")[0]


@given(st.lists(st.binary(max_size=40), max_size=12))
@settings(max_examples=400)
def test_any_bytes_end_in_a_refusal_or_in_waiting(pieces: list[bytes]) -> None:
    framer = Framer()
    refused: BadFrame | None = None
    try:
        for piece in pieces:
            framer.feed(piece)
    except BadFrame as exc:
        refused = exc
    if refused is not None:
        assert 400 <= refused.status < 600 and refused.status != 500
    else:
        assert framer.waiting in ("idle", "head", "body") and len(framer._buffer) <= MAX_HEAD + 40


def raw(daemon: Daemon, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=BUSY_S) as sock:
        try:
            sock.sendall(data)
            out = b""
            while part := sock.recv(65536):
                out += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # refused while it was still sending
        return out


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_on_the_wire_gets_one_answer_and_a_closed_door(daemon: Daemon, name: str) -> None:
    data = TRICKS[name].replace(b"Host: h\r\n", f"Host: 127.0.0.1:{daemon.port}\r\n".encode())
    before = len(daemon.host.record())
    answer = raw(
        daemon, data + b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % daemon.port if name != "endless head" else data
    )
    if answer:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 50")), head
        assert not head.startswith(b"HTTP/1.1 500") and b"connection: close" in head
        assert json.loads(body)["error"]["message"], "one answer, and nothing after it"
    assert len(daemon.host.record()) == before


def test_the_next_request_on_the_same_connection_is_served(daemon: Daemon) -> None:
    good = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % daemon.port
    out = raw(daemon, good + good + good.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert out.count(b"HTTP/1.1 200 OK") == 3
