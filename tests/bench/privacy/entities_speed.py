"""What the encoder costs: word pieces a second, alone and beside a busy core; time for new prose through everything; memory.

Run by `entities.py` in a process of its own, so that memory is the encoder's and no other test's:
`python entities_speed.py MODEL` with JSON {"texts": [...]} on stdin; JSON on stdout. Wall time is the best of several runs, because
other work on the machine only ever adds; processor time is printed beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from entities_scan import findings, use
from rows import Row

from localrouter.engine.encoder import Encoder

THREADS = 2
ROUNDS = 5
CHARS = 24_000
"""Of prose: some 6 000 word pieces a round."""
QUIET = 0.7
"""Load average above which other work took part of what is timed: then a goal that is missed is not judged."""
SPIN = "while True: pass"


def _resident() -> float:
    """MB of this process that are its own or shared files (VmRSS); 0 where there is no /proc."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def _best(work: Callable[[], object]) -> tuple[float, float]:
    """(wall, processor) seconds of the quickest of ROUNDS."""
    times = []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(times)


def child(model: Path, texts: list[str]) -> dict[str, Any]:
    """All figures of one process."""
    import llama_cpp  # noqa: F401  # its own memory is the engine's, which chat models need too
    import numpy as np  # noqa: F401
    import tokenizers  # noqa: F401

    load = os.getloadavg()[0]
    before = _resident()
    encoder = Encoder(model, THREADS)
    encoder.tag(texts[:4])
    memory = _resident() - before
    pieces = sum(len(encoder._reader.read(t).ids) for t in texts)
    quiet = _best(lambda: encoder.tag(texts))
    spinner = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        busy = _best(lambda: encoder.tag(texts))
    finally:
        spinner.kill()
        spinner.wait()
    encoder.close()
    use(model)
    findings("Warm: Jane Doe of Example Ltd lives in Paris, a.person@example.org.")
    whole = _best(lambda: [findings(t) for t in texts])
    return {"pieces": pieces, "memory": memory, "quiet": quiet, "busy": busy, "whole": whole, "load": load}


def measure(texts: list[str], model: Path) -> list[Row]:
    """`texts`: prose, none seen before."""
    command = [sys.executable, str(Path(__file__).resolve()), str(model)]
    done = subprocess.run(command, input=json.dumps({"texts": texts}), capture_output=True, text=True, check=False)
    if done.returncode:
        return [Row("encoder, speed", "", "", "not measured", None, (done.stderr.strip().splitlines() or ["it died"])[-1][:200])]
    got = json.loads(done.stdout)
    pieces = got["pieces"]
    wall, cpu = got["whole"]
    each = wall * 1000 * 100 / pieces
    said = f"{THREADS} threads, {pieces} pieces in {len(texts)} texts, best of {ROUNDS}; load average {got['load']:.1f}"
    busy = "; the machine was busy with other work" if got["load"] > QUIET else ""
    out = [
        Row(
            f"encoder{name}",
            "",
            "",
            f"{pieces / got[key][0]:.0f} pieces/s",
            None,
            f"{said}; processor {got[key][1] * 1e5 / pieces:.1f} ms per 100",
        )
        for key, name in (("quiet", ""), ("busy", " beside a busy core"))
    ]
    out.append(
        Row(
            "100 new word pieces of prose, all detectors",
            "",
            "<= 40 ms",
            f"{each:.1f} ms",
            True if each <= 40 else None if got["load"] > QUIET else False,
            f"processor {cpu * 1e5 / pieces:.1f} ms; no cache, in process{busy}",
        )
    )
    size = model.stat().st_size / 1e6
    out.append(Row("memory that the encoder adds", "", "", f"{got['memory']:.0f} MB", None, f"resident, file {size:.1f} MB"))
    return out


if __name__ == "__main__":
    print(json.dumps(child(Path(sys.argv[1]), json.load(sys.stdin)["texts"])))
