"""Who is measured, behind one interface: a process that holds the model, and requests to it that stream.

All get the same file, threads, context and number of slots; everything else is each server's default. What a server cannot do is said where
it is set.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from benchkit import procs
from benchkit.contenders import free_port, get
from benchkit.install import CannotRun

from enginekit import peers
from localrouter.core.frames import Decoder, encode
from localrouter.engine.cpu import spare_extra_buffers

START_S = 180.0
SILENCE_S = 300.0
"""A server that says nothing for so long has hung."""


class Failed(Exception):
    """A request was refused or broke off."""


class Stream:
    """One request under way. `next` gives the time at which the next piece of text came, None at the end."""

    def next(self) -> float | None:
        raise NotImplementedError

    def cancel(self) -> None:
        """As an editor does: go away."""
        raise NotImplementedError

    def all(self) -> list[float]:
        times = []
        while (when := self.next()) is not None:
            times.append(when)
        return times


class Player:
    """A server in a process of its own. `limits`: {"ctx", "threads", "slots"}."""

    name = ""
    title = ""

    def __init__(self, home: Path, model: Path, limits: dict[str, int]) -> None:
        self.home, self.model, self.limits = home, model, limits
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when a request has been answered. Raises CannotRun."""
        raise NotImplementedError

    def ask(self, text: str, tokens: int) -> Stream:
        """One user message, greedy, exactly so many tokens."""
        raise NotImplementedError

    def stop(self) -> None:
        if self.process is not None:
            procs.stop(self.process)
            self.process = None

    def memory(self) -> tuple[float, float]:
        """(MB of the process that holds the model, MB of all), RSS; weights that are mapped from the file count in full."""
        assert self.process is not None
        sizes = {pid: procs.memory(pid)[0] for pid in procs.tree(self.process.pid)}
        return max(sizes.values(), default=0.0), sum(sizes.values())


# -- over HTTP -------------------------------------------------------------------------------------------------------------


class _Http(Stream):
    """Server-sent events of OpenAI's chat completions."""

    def __init__(self, port: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=SILENCE_S)
        raw = json.dumps(body).encode()
        self._connection.request("POST", "/v1/chat/completions", raw, {"content-type": "application/json", **headers})
        self._answer: HTTPResponse | None = None
        self._socket = self._connection.sock
        self.finish = ""

    def next(self) -> float | None:
        try:
            if self._answer is None:
                self._answer = self._connection.getresponse()
                if self._answer.status != 200:
                    raise Failed(f"{self._answer.status} {self._answer.read(300)!r}")
            while line := self._answer.readline():
                if not line.startswith(b"data:") or line.strip() == b"data: [DONE]":
                    continue
                tree = json.loads(line[5:])
                if "error" in tree:
                    raise Failed(str(tree["error"])[:300])
                for choice in tree.get("choices", ()):
                    self.finish = choice.get("finish_reason") or self.finish
                    delta = choice.get("delta") or {}
                    if delta.get("content") or delta.get("reasoning_content"):
                        return time.perf_counter()
        except (OSError, HTTPException, ValueError) as exc:
            self._connection.close()
            raise Failed(type(exc).__name__) from None
        self._connection.close()
        return None

    def cancel(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        if self._answer is not None:
            self._answer.close()


class HttpPlayer(Player):
    health = "/v1/models"
    called = "x"

    def command(self) -> tuple[list[str], dict[str, str]]:
        raise NotImplementedError

    def headers(self) -> dict[str, str]:
        return {}

    def extra(self) -> dict[str, Any]:
        return {}

    def start(self) -> None:
        self.port = free_port()
        command, env = self.command()
        with (self.home / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home)
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if get(self.port, self.health)[0] == 200:
                    self.ask("Say something.", 2).all()
                    return
            except (OSError, Failed) as exc:
                last = exc
            time.sleep(0.1)
        self.stop()
        raise CannotRun(f"it did not start ({last})")

    def ask(self, text: str, tokens: int) -> Stream:
        body = {
            "model": self.called,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": tokens,
            "temperature": 0,
            "stream": True,
            **self.extra(),
        }
        return _Http(self.port, body, self.headers())


class LlamaServer(HttpPlayer):
    """llama.cpp's server; one memory for all slots, as ours has."""

    name, title, health = "llama-server", "llama-server", "/health"

    def command(self) -> tuple[list[str], dict[str, str]]:
        n = self.limits
        argv = [str(peers.llama_server()), "-m", str(self.model), "--host", "127.0.0.1", "--port", str(self.port)]
        argv += ["-c", str(n["ctx"]), "-np", str(n["slots"]), "-kvu", "-t", str(n["threads"]), "-tb", str(n["threads"])]
        argv += ["-b", "512", "-ub", "512", "--offline"]
        if spare_extra_buffers():
            argv += ["--no-repack"]
        return argv, dict(os.environ)


class Stock(HttpPlayer):
    """llama-cpp-python's server: one request at a time. A new request is told to wait and not to interrupt the one that runs."""

    name, title = "stock", "llama-cpp-python's server"

    def command(self) -> tuple[list[str], dict[str, str]]:
        n = self.limits
        argv = [str(peers.stock_python()), str(peers.HERE / "stock.py"), "plain" if spare_extra_buffers() else "own"]
        argv += ["--model", str(self.model), "--host", "127.0.0.1", "--port", str(self.port), "--n_ctx", str(n["ctx"])]
        argv += [
            "--n_threads",
            str(n["threads"]),
            "--n_threads_batch",
            str(n["threads"]),
            "--n_batch",
            "512",
            "--n_ubatch",
            "512",
        ]
        argv += ["--logits_all", "False", "--interrupt_requests", "False", "--verbose", "False"]
        return argv, {k: v for k, v in os.environ.items() if k not in ("HOST", "PORT", "CONFIG_FILE")}


class Daemon(HttpPlayer):
    """localrouter as its users run it: scan, ledger and traces on; the model is its local lane."""

    name, title, health, called = "daemon", "localrouter, over HTTP", "/healthz", "local:chat"

    def command(self) -> tuple[list[str], dict[str, str]]:
        n = self.limits
        folder = self.home / "config"
        folder.mkdir(mode=0o700, exist_ok=True)
        lines = [f"port = {self.port}", "[local]", f'model = "{self.model}"', f"ctx = {n['ctx']}", f"threads = {n['threads']}"]
        (folder / "config.toml").write_text("\n".join(lines) + "\n")
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        env |= {"LOCALROUTER_HOME": str(self.home), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        return [sys.executable, "-P", "-m", "localrouter.daemon.serve"], env

    def headers(self) -> dict[str, str]:
        token = json.loads((self.home / "config" / "tokens.json").read_text())["client"]
        return {"authorization": f"Bearer {token}"}

    def memory(self) -> tuple[float, float]:
        assert self.process is not None
        sizes = {pid: procs.memory(pid)[0] for pid in procs.tree(self.process.pid)}
        return sum(v for pid, v in sizes.items() if procs.name(pid) == "engine"), sum(sizes.values())


# -- over frames -----------------------------------------------------------------------------------------------------------


class _Frames(Stream):
    def __init__(self, engine: Engine, ident: int) -> None:
        self._engine, self._id = engine, ident
        self.heard: queue.SimpleQueue[tuple[float, dict[str, Any]]] = queue.SimpleQueue()
        self.finish = ""

    def next(self) -> float | None:
        while True:
            try:
                when, frame = self.heard.get(timeout=SILENCE_S)
            except queue.Empty:
                raise Failed("silence") from None
            if "error" in frame:
                raise Failed(str(frame["error"]))
            if frame.get("end"):
                self.finish = str(frame.get("finish"))
                return None
            if frame.get("delta") or frame.get("reasoning"):
                return when

    def cancel(self) -> None:
        self._engine.send({"id": self._id, "op": "cancel"})


class Engine(Player):
    """The engine's process alone, spoken to in frames over its pipe."""

    name, title = "engine", "localrouter's engine"

    def start(self) -> None:
        n = self.limits
        argv = [sys.executable, "-P", "-m", "localrouter.engine", "--model", str(self.model), "--ctx", str(n["ctx"])]
        argv += [
            "--slots",
            str(n["slots"]),
            "--threads",
            str(n["threads"]),
            "--threads-batch",
            str(n["threads"]),
            "--batch",
            "512",
        ]
        self._streams: dict[int, _Frames] = {}
        self._last = 0
        self._lock = threading.Lock()
        self._first: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        try:
            first = self._first.get(timeout=START_S)
        except queue.Empty:
            self.stop()
            raise CannotRun("it was not ready in time") from None
        if not first.get("ready"):
            self.stop()
            raise CannotRun(str(first.get("fatal", "it ended")))
        self.ask("Say something.", 2).all()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        decoder = Decoder()
        assert process.stdout is not None
        with process.stdout as out:
            while data := out.read(1 << 16):
                now = time.perf_counter()
                for frame in decoder.feed(data):
                    stream = self._streams.get(frame.get("id", 0))
                    if stream is not None:
                        stream.heard.put((now, frame))
                        if frame.get("end"):
                            del self._streams[frame["id"]]
                    elif "ready" in frame or "fatal" in frame:
                        self._first.put(frame)
        self._first.put({})
        for stream in list(self._streams.values()):
            stream.heard.put((time.perf_counter(), {"error": "the engine ended"}))

    def send(self, message: dict[str, Any]) -> None:
        assert self.process is not None and self.process.stdin is not None
        data = encode(message)
        with self._lock:
            while data:
                data = data[self.process.stdin.write(data) or 0 :]

    def ask(self, text: str, tokens: int) -> Stream:
        with self._lock:
            self._last += 1
            ident = self._last
        stream = self._streams[ident] = _Frames(self, ident)
        messages = [{"role": "user", "content": text}]
        self.send({"id": ident, "op": "chat", "messages": messages, "max_tokens": tokens, "temperature": 0})
        return stream

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


ALL: tuple[type[Player], ...] = (Daemon, Engine, LlamaServer, Stock)
