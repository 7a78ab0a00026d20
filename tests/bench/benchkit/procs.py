"""What processes use: memory in MB (10^6 bytes) and processor time in seconds, read from /proc (Linux only)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found, rest = [], [pid]
    while rest:
        one = rest.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                rest += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            found.remove(one)
    return found


def name(pid: int) -> str:
    """A short name: the module of a Python child, else the program."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    if "-m" in words:
        return words[words.index("-m") + 1].removeprefix("localrouter.").removesuffix(".serve")
    if any("resource_tracker" in w or "forkserver" in w or "spawn_main" in w for w in words):
        return "multiprocessing"
    return Path(words[0]).name


def memory(pid: int) -> tuple[float, float]:
    """(RSS, PSS) in MB; PSS shares out the pages that several processes map."""
    values = {}
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            key, _, rest = line.partition(":")
            values[key] = int(rest.split()[0]) * 1024 / 1e6
    except OSError:
        return 0.0, 0.0
    return values.get("Rss", 0.0), values.get("Pss", 0.0)


def cpu_s(pid: int) -> float:
    """Processor seconds of all its threads, to the nanosecond (schedstat; /proc/PID/stat counts in ticks of 10 ms)."""
    total = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except OSError:
        pass
    return total / 1e9


def until_quiet(pids: dict[str, int], *, percent: float = 5.0, limit_s: float = 120.0) -> dict[str, float]:
    """Seconds until each root process and all below it used less than so much of a core for a second; `limit_s` where none did."""
    out: dict[str, float] = {}
    begun = time.monotonic()
    while len(out) < len(pids) and time.monotonic() - begun < limit_s:
        left = {key: tree(pid) for key, pid in pids.items() if key not in out}
        before, start = {key: sum(map(cpu_s, own)) for key, own in left.items()}, time.monotonic()
        time.sleep(1)
        spent = time.monotonic() - start
        for key, own in left.items():
            if 100 * (sum(map(cpu_s, own)) - before[key]) / spent < percent:
                out[key] = start - begun
    return {key: out.get(key, limit_s) for key in pids}


def at_rest(pids: dict[str, int], seconds: float) -> dict[str, list[dict[str, float | str]]]:
    """For each root process, its tree: name, rss_mb, pss_mb, cpu_percent of one core over `seconds`. All in one interval."""
    trees = {key: tree(pid) for key, pid in pids.items()}
    before = {pid: cpu_s(pid) for own in trees.values() for pid in own}
    start = time.monotonic()
    time.sleep(seconds)
    spent = time.monotonic() - start
    out: dict[str, list[dict[str, float | str]]] = {}
    for key, own in trees.items():
        out[key] = []
        for pid in own:
            rss, pss = memory(pid)
            percent = 100 * (cpu_s(pid) - before[pid]) / spent
            out[key].append({"name": name(pid), "rss_mb": rss, "pss_mb": pss, "cpu_percent": percent})
    return out


def stop(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """End a process that we started, and wait; what it started ends with it or is ended by id."""
    children = tree(process.pid)[1:]
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in children:
        if name(pid) != "gone":
            _kill(pid)


def _kill(pid: int) -> None:
    import os
    import signal

    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def wall(command: Sequence[str], n: int) -> list[float]:
    """Seconds from start to end of a command, n times."""
    times = []
    for _ in range(n):
        start = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.monotonic() - start)
    return times
