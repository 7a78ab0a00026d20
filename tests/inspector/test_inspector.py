"""The inspector as a process: frames, order, refusal, and memory that stays flat over a day of new texts."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localrouter.core.frames import Decoder, encode

OPTIONS = {"identity": {"user": "zaphodb"}, "allow": [], "deny": [], "packs": [], "thresholds": {}}
WORDS = [
    "the",
    "a",
    "value",
    "of",
    "user",
    "request",
    "error",
    "from",
    "to",
    "in",
    "path",
    "file",
    "index",
    "call",
    "Marta",
    "Berlin",
]


class Inspector:
    """One child, spoken to in frames."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "localrouter.inspector"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._decoder = Decoder()
        self._ready: list[dict[str, Any]] = []
        try:
            self.ready = self.get()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def get(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        while not self._ready:
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, "the inspector ended"
            self._ready += [m for m in self._decoder.feed(data) if "busy" not in m]
        return self._ready.pop(0)

    def tell(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(encode(message))
        self.process.stdin.flush()

    def inspect(self, *texts: str) -> list[set[str]]:
        self.tell({"op": "inspect", "id": 7, "segments": [{"t": t, "c": "content"} for t in texts]})
        answer = self.get()
        assert answer["id"] == 7, answer
        return [{text[row[0] : row[1]] for row in rows} for text, rows in zip(texts, answer["findings"], strict=True)]

    def megabytes(self) -> float:
        """Its proportional set size: pages that it shares with others are counted in part."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    own = Inspector()
    try:
        yield own
    finally:
        own.close()


def test_frames(inspector: Inspector) -> None:
    assert len(inspector.ready["detectors"]) >= 10 and len(bytes.fromhex(inspector.ready["version"])) == 16
    inspector.tell({"op": "configure", "options": OPTIONS})
    inspector.tell({"op": "ping", "id": 3})
    assert inspector.get() == {"id": 3, "pong": True}
    assert inspector.inspect("mail jane@roe.org", "nothing here", "zaphodb@x:~$ ls") == [{"jane@roe.org"}, set(), {"zaphodb"}]
    inspector.tell({"op": "configure", "options": {**OPTIONS, "allow": ["jane@roe.org"], "deny": ["nothing"]}})
    assert inspector.inspect("mail jane@roe.org", "nothing here") == [set(), {"nothing"}]


def test_a_setting_that_is_refused_ends_it_with_a_word(inspector: Inspector) -> None:
    inspector.tell({"op": "configure", "options": {**OPTIONS, "deny": ["/(/"]}})
    assert "privacy setting" in inspector.get()["refused"]
    assert "privacy setting" in inspector.get()["fatal"]
    assert inspector.process.wait(20) == 1


def test_a_ping_is_answered_during_a_scan(inspector: Inspector) -> None:
    line = "value = compute(alpha, beta) + gamma[index] - 0x1f2e; // note 12345 of 2024-01-02\n"
    inspector.tell({"op": "inspect", "id": 1, "segments": [{"t": line * 20 + str(i), "c": ""} for i in range(1500)]})
    inspector.tell({"op": "ping", "id": 2})
    assert inspector.get() == {"id": 2, "pong": True}
    assert inspector.get()["id"] == 1


def day(seed: int) -> Iterator[str]:
    """Distinct texts with what detectors keep in tables: new words, addresses, numbers, hashes, escapes, scripts."""
    rng = random.Random(seed)
    while True:
        yield "\n".join(
            f"{' '.join(rng.choices(WORDS, k=8))} w{rng.randrange(10**9)} u{rng.randrange(10**9)}@x{rng.randrange(10**6)}.org "
            f"+49 30 {rng.randrange(10**6, 10**7)} {rng.randrange(10**15, 10**16)} {rng.randbytes(16).hex()} "
            f"C:\\\\new\\tx{rng.randrange(10**6)} é{chr(0x4E00 + rng.randrange(9000))} 10.{rng.randrange(256)}.{rng.randrange(256)}.9"
            for _ in range(5)
        )


def flat(inspector: Inspector, count: int) -> None:
    inspector.tell({"op": "configure", "options": OPTIONS})
    rest = inspector.megabytes()
    inspector.tell({"op": "warm"})
    # The same as what is loaded beside the work: its answer comes when that is there.
    inspector.inspect("pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa, NHS 943 476 5919")
    texts = day(1)
    for _ in range(10):
        inspector.inspect(*(next(texts) for _ in range(10)))
    warm = inspector.megabytes()
    for _ in range((count - 100) // 20):
        inspector.inspect(*(next(texts) for _ in range(20)))
    end = inspector.megabytes()
    print(f"\ninspector: {rest:.0f} MB when ready, {warm:.0f} MB after 100 texts, {end:.0f} MB after {count}")
    assert rest <= 240 and warm <= 240
    assert end <= warm * 1.1


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's smaps_rollup")
def test_memory_is_flat(inspector: Inspector) -> None:
    flat(inspector, 240)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's smaps_rollup")
def test_memory_is_flat_over_a_day(inspector: Inspector) -> None:
    flat(inspector, 6_000)
