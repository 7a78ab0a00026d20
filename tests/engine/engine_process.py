"""The engine's process for tests: frames over a real pipe."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localrouter.core.frames import Decoder, encode


@dataclass
class Heard:
    """What came for one request, and when each piece of text came (seconds)."""

    text: str = ""
    frames: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    end: dict[str, Any] | None = None

    @property
    def tokens(self) -> list[dict[str, Any]]:
        return [t for f in self.frames for t in f.get("logprobs", ())]


class Engine:
    def __init__(self, model: Path, ctx: int = 4096, stderr: Any = subprocess.DEVNULL, **options: Any) -> None:
        argv = [sys.executable, "-P", "-m", "localrouter.engine", "--model", str(model), "--ctx", str(ctx), "--threads", "1"]
        # A value of None: a flag.
        argv += [str(v) for name, value in options.items() for v in (f"--{name.replace('_', '-')}", value) if v is not None]
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, bufsize=0)
        self._decoder, self._ready, self._id = Decoder(), [], 0  # type: tuple[Decoder, list[dict[str, Any]], int]
        self.first = self.read()

    def read(self) -> dict[str, Any]:
        assert self.proc.stdout is not None
        while not self._ready:
            data = self.proc.stdout.read(65536)
            assert data, "the engine ended"
            self._ready += self._decoder.feed(data)
        return self._ready.pop(0)

    def send(self, **message: Any) -> int:
        assert self.proc.stdin is not None
        self._id += 1
        self.proc.stdin.write(encode({"id": self._id, **message}))
        return self._id

    def chat(self, text: str = "hi", **kw: Any) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
        ident = self.send(op="chat", messages=[{"role": "user", "content": text}], **kw)
        out, tools = "", []
        while True:
            m = self.read()
            assert m["id"] == ident
            out += m.get("delta", "")
            if "tool" in m:
                tools.append(m["tool"])
            if m.get("end"):
                return out, tools, m

    def close(self) -> None:
        assert self.proc.stdin is not None and self.proc.stdout is not None
        self.proc.stdin.close()
        self.proc.wait(5)
        self.proc.stdout.close()

    def start(self, text: str, **kw: Any) -> int:
        return self.send(op="chat", messages=[{"role": "user", "content": text}], **kw)

    def cancel(self, ident: int) -> None:
        assert self.proc.stdin is not None
        self.proc.stdin.write(encode({"op": "cancel", "id": ident}))

    def hear(self, into: dict[int, Heard]) -> dict[str, Any]:
        """Read one frame and note it in its request's place, if it has one."""
        frame = self.read()
        heard = into.get(frame.get("id", 0))
        if heard is not None:
            if "end" in frame:
                heard.end = frame
            else:
                heard.frames.append(frame)
                if "delta" in frame and not frame.get("choice"):
                    heard.text += frame["delta"]
                    heard.times.append(time.monotonic())
        return frame

    def finish(self, *idents: int, into: dict[int, Heard] | None = None) -> list[Heard]:
        """Read until these requests are over."""
        heard = into if into is not None else {i: Heard() for i in idents}
        while any(heard[i].end is None for i in idents):
            self.hear(heard)
        return [heard[i] for i in idents]

    def status(self) -> dict[str, Any]:
        ident = self.send(op="status")
        while (frame := self.read())["id"] != ident:
            pass
        return dict(frame["status"])
