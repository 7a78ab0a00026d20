"""The two C++ programs: the mock upstream and the load generator, compiled when their source has changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
COMPILER = os.environ.get("CXX", "g++")


def cache() -> Path:
    """Where peers and programs are kept between runs: outside the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "localrouter-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def compiler_missing() -> str:
    """Why nothing can be compiled, or ''."""
    return "" if shutil.which(COMPILER) else f"no {COMPILER} here (Debian: apt install g++)"


def build(name: str) -> Path:
    """The compiled tests/bench/NAME.cpp."""
    source = HERE / f"{name}.cpp"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    target = cache() / f"{name}-{digest}"
    if not target.exists():
        fresh = target.with_suffix(f".{os.getpid()}")
        subprocess.run([COMPILER, "-O2", "-std=c++17", "-o", str(fresh), str(source)], check=True)
        fresh.replace(target)
    return target


class Upstream:
    """`with Upstream() as up:` serves on `up.port`."""

    def __enter__(self) -> Upstream:
        self._process = subprocess.Popen([str(build("upstream")), "0"], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.pid = self._process.pid
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@dataclass
class Sample:
    """What the load generator saw; times in microseconds."""

    wall_s: float = 0.0
    failed: int = 0
    why: str = ""
    latency_us: list[float] = field(default_factory=list)
    first_us: list[float] = field(default_factory=list)
    last_us: list[float] = field(default_factory=list)
    transit_us: list[float] = field(default_factory=list)


def load(port: int, requests: Sequence[bytes], *, n: int = 0, connections: int = 1, seconds: int = 120) -> Sample:
    """Send `n` requests (default: each once), in order, over so many connections."""
    with tempfile.NamedTemporaryFile(suffix=".requests") as file:
        for request in requests:
            file.write(struct.pack("<I", len(request)) + request)
        file.flush()
        command = [str(build("load")), str(port), str(connections), str(n or len(requests)), file.name, str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return Sample(
            failed=n or len(requests), why=done.stderr.strip()[:200] or f"the load generator ended with {done.returncode}"
        )
    return Sample(**json.loads(done.stdout))
