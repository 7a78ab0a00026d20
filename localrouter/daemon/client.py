"""A client of the control API and of the daemon's own OpenAI surface, for the CLI and the TUI. Standard library only: it must
import in milliseconds."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from localrouter.config.paths import Paths
from localrouter.core.errors import RouterError


class DaemonDown(RouterError):
    """No daemon answers at the recorded address."""

    status, code = 503, "daemon_down"

    def __init__(self) -> None:
        super().__init__("The localrouter daemon is not running.", "Start it with `localrouter up --detach`.")


class Refused(RouterError):
    """The daemon answered with an error; its own text is passed on."""

    def __init__(self, status: int, text: str, code: str) -> None:
        super().__init__(text)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class Address:
    """Where the daemon listens, from its runtime file."""

    host: str
    port: int
    pid: int
    overrides: dict[str, Any]
    socket: str = ""

    @property
    def base(self) -> str:
        return f"http://{'[::1]' if self.host == '::1' else '127.0.0.1'}:{self.port}"


def address(paths: Paths) -> Address:
    """Raises DaemonDown when no daemon has written one."""
    try:
        tree = json.loads((paths.state / "runtime.json").read_text())
        return Address(
            tree["host"], int(tree["port"]), int(tree["pid"]), dict(tree.get("overrides") or {}), str(tree.get("socket") or "")
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise DaemonDown from None


class Client:
    """`get` and `post` speak to the control API; `chat` to the surface that editors use."""

    def __init__(self, paths: Paths | None = None, timeout: float = 150.0) -> None:
        self.paths = paths or Paths.default()
        self.at = address(self.paths)
        self._timeout = timeout
        try:
            tokens = json.loads((self.paths.config / "tokens.json").read_text())
            self._client, self._control = str(tokens["client"]), str(tokens["control"])
        except (OSError, ValueError, KeyError):
            raise DaemonDown from None

    def get(self, path: str, **query: str | int | None) -> dict[str, Any]:
        """GET /control/PATH. Raises DaemonDown, Refused."""
        given = {k: v for k, v in query.items() if v is not None}
        return self._json("GET", f"/control/{quote(path)}" + (f"?{urlencode(given)}" if given else ""), None)

    def post(self, path: str, body: bytes = b"{}", **query: str) -> dict[str, Any]:
        """POST /control/PATH. Raises DaemonDown, Refused."""
        return self._json("POST", f"/control/{quote(path)}" + (f"?{urlencode(query)}" if query else ""), body)

    def delete(self, path: str) -> dict[str, Any]:
        """DELETE /control/PATH. Raises DaemonDown, Refused."""
        return self._json("DELETE", f"/control/{quote(path)}", None)

    def healthy(self) -> bool:
        """Whether the daemon answers at all."""
        try:
            connection, answer = self._open("GET", "/healthz", None)
        except DaemonDown:
            return False
        connection.close()
        return answer.status == 200

    def chat(self, body: dict[str, Any]) -> tuple[dict[str, str], Iterator[dict[str, Any]]]:
        """One chat completion: the x-localrouter headers, and its chunks (one whole answer without `stream`).
        Raises DaemonDown, Refused; also while iterating, when the stream ends in an error."""
        connection, answer = self._open("POST", "/v1/chat/completions", json.dumps(body).encode(), client=True)
        if answer.status != 200:
            with connection:
                raise _refusal(answer)
        headers = {k.lower(): v for k, v in answer.getheaders() if k.lower().startswith("x-localrouter")}
        return headers, self._chunks(connection, answer, bool(body.get("stream")))

    def _chunks(self, connection: _Connection, answer: http.client.HTTPResponse, stream: bool) -> Iterator[dict[str, Any]]:
        with connection:
            if not stream:
                yield json.loads(answer.read())
                return
            for line in answer:
                if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                    continue
                tree = json.loads(line[6:])
                if "error" in tree:
                    raise Refused(502, str(tree["error"].get("message", "")), str(tree["error"].get("code", "")))
                yield tree

    def _json(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        connection, answer = self._open(method, path, body)
        with connection:
            try:
                if answer.status != 200:
                    raise _refusal(answer)
                tree: dict[str, Any] = json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                raise DaemonDown from None  # it died in the middle of its answer
            return tree

    def _open(
        self, method: str, path: str, body: bytes | None, *, client: bool = False
    ) -> tuple[_Connection, http.client.HTTPResponse]:
        # Control goes through the socket where there is one, and needs no token there.
        file = "" if client else self.at.socket
        headers = {"content-type": "application/json"}
        if not file:
            headers["authorization"] = f"Bearer {self._client if client else self._control}"
        host = "::1" if self.at.host == "::1" else "127.0.0.1"
        connection = _Connection(host, self.at.port, timeout=self._timeout, file=file)
        try:
            connection.request(method, path, body, headers)
            return connection, connection.getresponse()
        except TimeoutError:
            connection.close()
            raise Refused(504, "The daemon did not answer in time. See `localrouter logs`.", "timeout") from None
        except (OSError, http.client.HTTPException):
            connection.close()
            raise DaemonDown from None


class _Connection(http.client.HTTPConnection):
    """Closes itself after a `with`; through a unix socket when `file` names one."""

    def __init__(self, host: str, port: int, *, timeout: float, file: str = "") -> None:
        super().__init__(host, port, timeout=timeout)
        self._file = file

    def connect(self) -> None:
        if not self._file:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._file)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _refusal(answer: http.client.HTTPResponse) -> Refused:
    raw = answer.read()
    try:
        error = json.loads(raw)["error"]
        return Refused(answer.status, str(error["message"]), str(error.get("code") or ""))
    except (ValueError, KeyError, TypeError):
        return Refused(answer.status, f"The daemon answered {answer.status}. See `localrouter logs`.", "")
