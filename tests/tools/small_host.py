"""A host of a test's own, on loopback: it answers what the test's function says, and the test records what came."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Asked = Callable[[str, Mapping[str, str], dict[str, Any]], "tuple[int, bytes]"]
"""(path, headers by lower-case name, body) to (status, what is answered). An answer that does not begin as JSON is an event stream."""


@contextlib.contextmanager
def serving(asked: Asked) -> Iterator[int]:
    """The port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            tree = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, data = asked(self.path, {k.lower(): v for k, v in self.headers.items()}, tree)
            self.send_response(status)
            self.send_header("content-type", "application/json" if data[:1] == b"{" else "text/event-stream")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def frames(events: list[dict[str, Any]]) -> bytes:
    """Server-sent events, each named by its type."""
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def numbered(events: list[dict[str, Any]]) -> bytes:
    """Those of the Responses API, which count."""
    return frames([{**e, "sequence_number": n} for n, e in enumerate(events)])


def write_home(home: Path, recipe: str, hosts: Mapping[str, str], models: Mapping[str, str]) -> None:
    """A home whose recipe "mine" extends `balanced`. Of each host and each model: its own lines of TOML, behind those that all of them have."""
    config = home / "config"
    (config / "recipes").mkdir(parents=True, mode=0o700)
    config.chmod(0o700)
    lines = ["port = 0", 'recipe = "mine"', '[budgets]\nday_usd = "1000"\nmonth_usd = "5000"']
    for name, own in hosts.items():
        lines += [
            f"[hosts.{name}]",
            'key_env = "LOCALROUTER_REHEARSAL_KEY"\nregion = "eu"\nretention_days = 0\ntrains_on_data = false',
            own,
        ]
    for name, own in models.items():
        host, _, plain = name.partition("/")
        lines += [f'[models."{name}"]\nhost = "{host}"\nname = "{plain}"\nmax_output = 4096\ntools = true', own]
    (config / "config.toml").write_text("\n".join(lines) + "\n")
    (config / "recipes" / "mine.toml").write_text(f'name = "mine"\nextends = "balanced"\n{recipe}')
