"""The inspector's main: frames in on stdin, findings out on stdout. It holds no key and no money, and sees every text.

A ping is answered by the reading thread, also while a batch is scanned, so that slow is not mistaken for dead. A detector that cannot work (the
encoder's file is missing, damaged or of another format) ends the process with a sentence: half a scan is none. `--standby` loads the encoder with
the first batch instead of at the start: a process that may never be asked does not hold it twice (some 50 MB); it takes a quarter of a second.
"""

from __future__ import annotations

import gc
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from localrouter.core.frames import Decoder, encode
from localrouter.engine.encoder import EncoderFault
from localrouter.inspector.embedding import Embedding
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
    jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def say(message: dict[str, Any]) -> None:
        with lock:
            out.write(encode(message))

    def read() -> None:
        decoder = Decoder()
        while data := os.read(0, 1 << 16):
            for message in decoder.feed(data):
                if message.get("op") == "ping":
                    say({"id": message.get("id"), "pong": True})
                else:
                    jobs.put(message)
        jobs.put(None)

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
    embedding = Embedding(say)
    while (job := jobs.get()) is not None:
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
        elif job.get("op") == "embed":
            embedding.put(job)
        elif job.get("op") == "inspect":
            detectors.on_progress(_busy(job.get("id"), say))
            say({**_inspect(job), "end": True})
    return 0


_checked: list[bool] = []
"""Whether the detectors have shown that they work."""


def _busy(ident: Any, say: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    """Says now and then that a batch is being worked on."""
    last = time.monotonic()

    def told() -> None:
        nonlocal last
        if time.monotonic() - last >= BUSY_S:
            last = time.monotonic()
            say({"id": ident, "busy": True})

    return told


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
