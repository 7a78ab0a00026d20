"""The inspector's main: frames in on stdin, findings out on stdout. It holds no key and no money, and sees every text.

One thread works. What is only for the record (`"record": true`) it does behind others and on one core, and it leaves it, in the middle of a
pass of the encoder if need be, for a scan that a client waits for. A ping is answered by the reading thread, also while a batch is scanned, so
that slow is not mistaken for dead. A detector that cannot work (the encoder's file is missing, damaged or of another format) ends the process
with a sentence: half a scan is none. `--standby` loads the encoder with the first batch instead of at the start: a process that may never be
asked does not hold it twice (some 50 MB); it takes a quarter of a second.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from localrouter.core.frames import Decoder, encode
from localrouter.engine.encoder import EncoderFault
from localrouter.inspector.embedding import Embedding
from localrouter.inspector.line import Line
from localrouter.inspector.manners import at_once, behind_others
from localrouter.scrub import detectors
from localrouter.scrub.version import installed

_ADDRESSES = "<a.person@example.org> +1 415 555 0100 4111 1111 1111 1111"  # the encoder reads nothing here
_COMMON = "write to a.person@example.org or call +1 415 555 0100, card 4111 1111 1111 1111, DE89370400440532013000"
_RARE = "pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa, NHS 943 476 5919"  # Presidio's checks: 0.7 s, 65 MB; a standby does without


BUSY_S = 2.0
"""Seconds between two words that a batch is still worked on."""


def main(argv: Sequence[str] = ()) -> int:
    """Runs until stdin ends."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not break the frames
    lock = threading.Lock()
    line = Line()

    def say(message: dict[str, Any]) -> None:
        with lock:
            out.write(encode(message))

    embedding = Embedding(say)

    def read() -> None:
        decoder = Decoder()
        while data := os.read(0, 1 << 16):
            for message in decoder.feed(data):
                if message.get("op") == "ping":
                    say({"id": message.get("id"), "pong": True})
                elif message.get("op") == "cancel":
                    line.drop(message.get("id"))
                elif message.get("op") == "embed":
                    embedding.put(message)  # a thread of its own
                else:
                    line.put(message)
        line.end()

    # Warm-up: the first scan loads what every scan needs.
    standby = "--standby" in argv
    try:
        if not standby:
            detectors.check()
            _checked.append(True)
        detectors.find(_ADDRESSES if standby else _COMMON)
    except Exception as exc:
        say({"fatal": f"The privacy scan cannot run: {exc}"})
        return 1
    # What is loaded now stays for good: the collector need not look at it again, and its pages stay shared and untouched.
    gc.collect()
    gc.freeze()
    threading.Thread(target=read, daemon=True).start()
    say({"ready": True, "detectors": [d.NAME for d in detectors.all_detectors()], "version": installed().hex()})
    scans = _Scans(line, say)
    while (job := line.take()) is not None:
        if job.get("op") == "configure":
            try:
                detectors.configure(job["options"])
            except Exception as exc:
                # Settings that a detector refuses: no scan by others than the user's own.
                why = f"a privacy setting was refused: {exc}"
                say({"id": job.get("id"), "refused": why})
                say({"fatal": why})
                return 1
            if "id" in job:
                say({"id": job["id"], "ok": True})
        elif job.get("op") == "warm":
            # Beside the work: what is rarely needed takes most of a second to load, and no request should wait for it.
            threading.Thread(target=detectors.find, args=(_RARE,), daemon=True).start()
        elif job.get("op") == "inspect":
            scans.do(job)
    return 0


_checked: list[bool] = []
"""Whether the detectors have shown that they work."""


class _Scans:
    """Batches, one at a time; within one for the record, those that a client waits for."""

    def __init__(self, line: Line, say: Callable[[dict[str, Any]], None]) -> None:
        self._line, self._say = line, say
        self._open: list[Any] = []  # the ids of what is being worked on
        self._behind = False  # whether that is for the record
        self._told = 0.0
        self._thread = threading.get_ident()

    def do(self, job: dict[str, Any]) -> None:
        self._open.append(job.get("id"))
        self._told = time.monotonic()
        detectors.on_progress(self._progress)
        record = bool(job.get("record"))
        with behind_others(self._line.waits) if record else contextlib.nullcontext():
            self._behind = record
            answer = _inspect(job)
            self._behind = False
        self._open.pop()
        self._say({**answer, "end": True})

    def _progress(self) -> None:
        """A piece of the work is done: say now and then that we live, and see whether somebody waits."""
        if threading.get_ident() != self._thread:
            return  # a warm-up beside the work
        if time.monotonic() - self._told >= BUSY_S:
            self._told = time.monotonic()
            for ident in self._open:
                self._say({"id": ident, "busy": True})
        while self._behind and (job := self._line.urgent()) is not None:
            with at_once(self._line.waits):
                self.do(job)
            self._behind = True


def _inspect(job: dict[str, Any]) -> dict[str, Any]:
    """The findings of a batch. Fail closed: with one segment that has no verdict it has none at all. No text is quoted."""
    try:
        if not _checked:
            detectors.check()
            _checked.append(True)
        found = detectors.find_all([(segment["t"], segment["c"]) for segment in job["segments"]])
    except (detectors.DetectorFault, EncoderFault) as exc:
        return {"id": job["id"], "error": type(exc).__name__, "why": str(exc)}
    except Exception as exc:
        return {"id": job["id"], "error": type(exc).__name__}
    return {"id": job["id"], "findings": [[[f.start, f.end, f.type, f.score, f.detector] for f in row] for row in found]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
