"""Changed base URLs with a network that belongs to the attacker: every name leads to one server whose certificate fits every name.
Whatever the origin is changed into, no byte of a key arrives there (threat T7, CVE-2026-21852)."""

from __future__ import annotations

import asyncio
import base64
import datetime
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from localrouter.config.catalogue import load_catalogue
from localrouter.config.paths import Paths
from localrouter.core.errors import RouterError
from localrouter.core.secret import Secret
from localrouter.daemon import egress as room
from localrouter.daemon.egress import Egress
from localrouter.keys import key_file
from localrouter.keys.binding import bound
from localrouter.keys.remembered import Keys
from localrouter.providers import openai_chat as wire

pytestmark = pytest.mark.anyio
OPENAI = load_catalogue().hosts["openai"]
KEYS = ["sk-" + "ofthevariable0001", "sk-" + "ofthecredential02", "sk-" + "ofthekeyfile00003"]
MARK = b"the request itself"
ALPHABET = "abcdefghijklmnopqrstuvwxyzAPIOENV0123456789.:/@\\?#%[]- \t\n\u3002\u0430\u200b~_;,"
NAMES = [
    "evil.example",
    "api.openai.com.evil.example",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "10.0.0.1",
    "api.openai.com",
    "openai.com",
]


class Sink(threading.Thread):
    """Takes every connection, in TLS or plain, keeps every byte, and answers 404."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.got: list[bytes] = []
        self.shaken = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self.listener.getsockname()[1]
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate(folder))

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            try:
                self.serve(connection)
            except OSError:
                pass  # a client that breaks off; what came before is kept
            finally:
                connection.close()

    def serve(self, connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            connection = self.context.wrap_socket(connection, server_side=True)
            self.shaken += 1
        data = b""
        try:
            while MARK not in data and (piece := connection.recv(65_536)):
                data += piece
            connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        finally:
            self.got.append(data)
            connection.close()


def certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "everything")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "sink.pem"
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """The attacker's network: every name and every address is the sink, every certificate is believed, no address is refused."""
    made = Sink(tmp_path)
    made.start()

    async def anywhere(self: Any, host: str, port: int, traces: Any = None) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": "127.0.0.1", "port": made.port, "family": socket.AF_INET, "proto": 6, "flags": 0},
        ]

    def believing(**_: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    monkeypatch.setattr(aiohttp.TCPConnector, "_resolve_host", anywhere)
    monkeypatch.setattr(room.httpx, "create_ssl_context", believing)
    monkeypatch.setattr(room, "check_peer", lambda *_, **__: None)
    yield made
    made.listener.close()


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """A user whose OpenAI key lies in three places at once."""
    monkeypatch.setenv("OPENAI_API_KEY", KEYS[0])
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "localrouter-openai").write_text(KEYS[1])
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    paths = Paths(tmp_path / "config", tmp_path / "state")
    key_file.use_file(paths)
    key_file.put(paths, bound(OPENAI.origin) or "", Secret(KEYS[2]))
    return Keys(paths)


async def ask(keys: Keys, egress: Egress, origin: str, *, without_key: bool = True) -> bool:
    """The daemon's way from a host's name to its socket; whether a key was found. A host without one is called all the same."""
    host = replace(OPENAI, origin=origin)
    key = None
    try:
        key = await keys.find(host)
    except RouterError:
        if not without_key:
            raise
    headers = wire.auth(key) if key is not None else {}
    try:
        room.check_origin(origin)
    except ValueError:
        return key is not None
    try:
        async with egress.open(host.name, host.origin, "/chat/completions", headers, MARK, stream=False) as answer:
            async for _ in answer.body:
                pass
    except RouterError:
        pass  # what counts is what the sink holds
    return key is not None


def forms(key: str) -> list[bytes]:
    raw = key.encode()
    middle = [base64.b64encode(b"x" * skip + raw)[4:-4] for skip in range(3)]
    return [raw, raw[3:], quote(key, safe="").encode(), raw.hex().encode(), *middle]


def changed(draw: random.Random) -> str:
    text = OPENAI.origin
    if draw.random() < 0.3:
        text = text.replace("api.openai.com", draw.choice(NAMES))
    if draw.random() < 0.1:
        text = text.replace("https", draw.choice(["http", "HTTP", "wss", "ftp"]))
    for _ in range(draw.randint(0, 3)):
        at = draw.randrange(len(text) + 1)
        put = draw.choice(["", *ALPHABET, "..", "//", "evil.example", "user:pw@", "@evil.example", ":444", "?x=", "%2e"])
        text = text[:at] + put + text[at + draw.randint(0, 2) :]
    return text


async def test_the_sink_sees_a_key_that_is_sent(keys: Keys, sink: Sink) -> None:
    """The control: at the origin that it belongs to, a key does arrive. Without this the next test could not fail."""
    keys.hosts = [OPENAI]
    egress = Egress()
    try:
        assert await ask(keys, egress, OPENAI.origin, without_key=False)
    finally:
        await egress.close()
    assert sink.shaken == 1 and KEYS[0].encode() in sink.got[0]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
async def test_no_byte_of_a_key_at_a_changed_origin(keys: Keys, sink: Sink, n: int) -> None:
    draw = random.Random(7)
    own = bound(OPENAI.origin)
    origins: list[str] = []
    while len(origins) < n:
        text = changed(draw)
        if bound(text) != own:
            origins.append(text)
    keys.hosts = [replace(OPENAI, origin=text) for text in origins]
    egress = Egress()
    try:
        for text in origins:
            assert not await ask(keys, egress, text), text
    finally:
        await egress.close()
        await asyncio.sleep(0.2)
    wire_bytes = b"\n".join(sink.got)
    assert len(sink.got) > n // 20 and sink.shaken > n // 40, "the sink was hardly reached"
    for key in KEYS:
        for form in forms(key):
            assert form not in wire_bytes
    print(
        f"{n} changed base URLs, seed 7: {len(sink.got)} reached the sink, {sink.shaken} in TLS; {len(wire_bytes)} bytes, 0 of a key"
    )
