"""A stand-in for the Hugging Face hub on loopback: one address that answers for files and another (`localhost`) that serves them, with the
faults that networks, hosts and liars have. It notes each request, so that a test can say what was asked, with which headers, and how many
bytes were sent."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c0ffee" * 6 + "c0ff"


@dataclass
class Behaviour:
    """What goes wrong. Numbers of bytes are those of one answer."""

    cut_after: int = 0
    """The connection breaks after so many bytes, each time (or `cuts` times)."""
    cuts: int = 1 << 30
    stall_after: int = -1
    """Nothing more comes once so many bytes were sent in all answers together; for `stall_s` seconds each."""
    stall_s: float = 30.0
    per_second: int = 0
    """Bytes a second; 0: as fast as it goes."""
    more: int = 0
    """Bytes that are sent beyond those that were announced (chunked, so that nothing on the wire tells)."""
    fewer: int = 0
    """Bytes by which the announced length of an answer is less than what was asked for."""
    says: int = 0
    """The length that the hub states, when it lies."""
    corrupt: bool = False
    whole_only: bool = False
    """Ranges are ignored."""
    status: int = 0
    """Every question is refused with this."""
    error: str = ""
    """X-Error-Code of the refusal."""
    retry_after: str = ""
    refusals: int = 1 << 30
    """How many questions are refused before it is over."""
    token: str = ""
    """The token without which a file is gated."""
    expire_after: int = 0
    """So many answers until the signed address no longer holds."""
    no_etag: bool = False
    plain: bool = False
    """The file's address is served by the hub itself, without a redirect."""


@dataclass
class Seen:
    method: str
    path: str
    host: str
    range: str
    authorization: str
    headers: dict[str, str]
    sent: int = 0


@dataclass
class Files:
    content: dict[str, bytes] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    behaviour: Behaviour = field(default_factory=Behaviour)
    signature: int = 0
    answers: int = 0


class HubStandIn:
    """`with HubStandIn() as hub:`; `hub.add("owner/repo", "file.gguf", data)`."""

    def __init__(self) -> None:
        self.files = Files()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.files))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> HubStandIn:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def behaviour(self) -> Behaviour:
        return self.files.behaviour

    def add(self, repo: str, file: str, data: bytes) -> str:
        """Returns its SHA-256."""
        self.files.content[f"{repo}/{file}"] = data
        return hashlib.sha256(data).hexdigest()

    @property
    def seen(self) -> list[Seen]:
        return self.files.seen

    def sent(self) -> int:
        """Bytes of files that went out."""
        return sum(s.sent for s in self.seen)


def _handler(files: Files) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            seen = Seen(self.command, self.path, self.headers["host"], self.headers.get("range", ""), self.headers.get("authorization", ""),
                        {k.lower(): v for k, v in self.headers.items()})  # fmt: skip
            files.seen.append(seen)
            b = files.behaviour
            try:
                if self.headers["host"].startswith("localhost"):
                    self._serve(seen, b, *self.path.lstrip("/").rsplit("?signature=", 1))
                    return
                if self.path.startswith("/api/models/"):
                    self._list(self.path.removeprefix("/api/models/").partition("?")[0])
                    return
                found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path.partition("?")[0])
                key = f"{found[1]}/{found[3]}" if found else self.path.lstrip("/").partition("?")[0]
                self._resolve(b, key, bool(found), seen)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def _list(self, repo: str) -> None:
            names = [k.removeprefix(repo + "/") for k in files.content if k.startswith(repo + "/")]
            if not names:
                return self._refuse(404, "RepoNotFound")
            body = json.dumps({"id": repo, "siblings": [{"rfilename": n} for n in names]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return None

        def _refuse(self, status: int, error: str = "", retry_after: str = "") -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            for name, value in (("x-error-code", error), ("retry-after", retry_after)):
                if value:
                    self.send_header(name, value)
            self.end_headers()

        def _resolve(self, b: Behaviour, key: str, hub: bool, seen: Seen) -> None:
            if b.status and b.refusals > 0:
                b.refusals -= 1
                return self._refuse(b.status, b.error, b.retry_after)
            if b.token and seen.authorization != f"Bearer {b.token}":
                return self._refuse(401, "GatedRepo")
            if key not in files.content:
                known = {k.rsplit("/", 1)[0] for k in files.content}
                return self._refuse(404, "EntryNotFound" if key.rsplit("/", 1)[0] in known else "RepoNotFound")
            data = files.content[key]
            if not hub or b.plain:
                return self._serve(seen, b, key, str(files.signature))
            self.send_response(302)
            self.send_header("location", f"http://localhost:{self.server.server_address[1]}/{key}?signature={files.signature}")
            self.send_header("x-repo-commit", COMMIT)
            self.send_header("x-linked-size", str(b.says or len(data)))
            self.send_header("x-linked-etag", '"abc"' if b.no_etag else f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("content-length", "0")
            self.end_headers()
            return None

        def _serve(self, seen: Seen, b: Behaviour, key: str, signature: str) -> None:
            if b.expire_after:
                files.answers += 1
                if files.answers > b.expire_after:
                    files.signature += 1
                    files.answers, b.expire_after = 0, 0
            if int(signature) != files.signature:
                return self._refuse(403)
            data = files.content[key]
            if b.corrupt:
                data = data[:-64] + bytes(64)
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", seen.range)
            first, last = (
                (int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1))
                if asked and not b.whole_only
                else (0, len(data) - 1)
            )
            body = data[first : last + 1] + bytes(b.more)
            self.send_response(206 if asked and not b.whole_only else 200)
            self.send_header("etag", f'"{hashlib.sha256(files.content[key]).hexdigest()}"')
            if asked and not b.whole_only:
                self.send_header("content-range", f"bytes {first}-{last}/{len(data)}")
            if b.fewer:
                body = body[: max(0, len(body) - b.fewer)]
            if b.more:
                self.send_header("transfer-encoding", "chunked")
            else:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self._body(body, b, seen)
            return None

        def _body(self, body: bytes, b: Behaviour, seen: Seen) -> None:
            step = min(1 << 16, max(1, b.per_second // 20)) if b.per_second else 1 << 16
            at = 0
            while at < len(body):
                part = body[at : at + step]
                if b.cut_after and at + len(part) > b.cut_after and b.cuts > 0:
                    part = part[: b.cut_after - at]
                    self._send(part, b, seen)
                    self.wfile.flush()
                    b.cuts -= 1
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                if 0 <= b.stall_after <= sum(s.sent for s in files.seen):
                    end = time.monotonic() + b.stall_s
                    while time.monotonic() < end and b.stall_after >= 0:
                        time.sleep(0.05)
                    self.close_connection = True
                    return
                self._send(part, b, seen)
                at += len(part)
                if b.per_second:
                    time.sleep(len(part) / b.per_second)
            if b.more:
                self.wfile.write(b"0\r\n\r\n")

        def _send(self, part: bytes, b: Behaviour, seen: Seen) -> None:
            if part:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if b.more else part)
                seen.sent += len(part)

    return Handler
