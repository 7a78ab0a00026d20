"""What this machine has for a local model: memory and cores that this process may really use, the processor's arithmetic, GPUs.

Limits of a container count (cgroup v1 and v2, CPU affinity), and of a hybrid processor the fast cores are told apart. GPUs are what llama.cpp
sees, asked of a short-lived process (`engine/info.py`), never of the daemon. Everything else is a small read.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types

from localrouter.config.paths import SAFE

INFO_S = 60.0
"""Seconds for llama.cpp to say what it sees: a GPU's driver is loaded."""
_FEATURES = {
    "avx": "AVX", "avx2": "AVX2", "f16c": "F16C", "fma": "FMA", "avx512f": "AVX-512", "avx512_vnni": "AVX-512 VNNI", "avx512_bf16": "AVX-512 BF16",
    "avx_vnni": "AVX-VNNI", "amx_int8": "AMX", "asimd": "NEON", "neon": "NEON", "asimddp": "DOTPROD", "i8mm": "I8MM", "sve": "SVE",
}  # fmt: skip
"""Flags of /proc/cpuinfo that matter to llama.cpp's kernels, as people call them."""
_GPU_LIBRARIES = ("cuda", "metal", "vulkan", "hip", "sycl", "musa", "cann", "opencl", "webgpu")
"""ggml's folders of GPU backends; each is built into a library `ggml-NAME`."""


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU or accelerator. `backend`: CUDA, Metal, Vulkan ...; `kind`: gpu, integrated (its memory is the machine's) or accelerator; `free`
    and `total` bytes, 0 where it does not say."""

    name: str
    text: str = ""
    backend: str = ""
    kind: str = "gpu"
    free: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes and counts at one moment. `total`, `available`: memory that this process may use, and what of it can be had without swapping;
    `logical`: hardware threads it may run on; `physical`: cores behind them; `fast`: those of the fast kind, the same on a processor with
    one kind only; `limited`: by what the memory or the cores are held below the machine's own, or ""."""

    total: int
    available: int
    logical: int
    physical: int
    fast: int
    features: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    processor: str = ""
    limited: str = ""

    @property
    def gpu(self) -> Device | None:
        """The device with most free memory that a model's layers can go to."""
        return max((d for d in self.devices if d.kind in ("gpu", "integrated")), key=lambda d: d.free, default=None)


@dataclass(frozen=True, slots=True)
class Llama:
    """What llama.cpp says of itself. `error`: why it does not load, or ""."""

    version: str = ""
    build: str = "CPU"
    devices: tuple[Device, ...] = ()
    error: str = ""
    system: str = field(default="", repr=False)


def machine(devices: Iterable[Device] = (), root: Path = Path("/")) -> Machine:
    """This machine now. `root`: where /proc and /sys are."""
    memory = psutil.virtual_memory()
    total, available = int(memory.total), int(memory.available)
    limits = []
    for limit, used in _memory_limits(root):
        if limit < total:
            total = limit
            limits = ["memory"]
        available = min(available, max(0, limit - used))
    allowed = _allowed()
    quota = _cpu_quota(root)
    physical, fast = _cores(root, allowed)
    if quota is not None and quota < len(allowed):
        limits.append("cores")
        physical, fast = min(physical, max(1, quota)), min(fast, max(1, quota))
    name, features = _processor(root)
    return Machine(
        total=total,
        available=available,
        logical=min(len(allowed), quota or len(allowed)),
        physical=physical,
        fast=fast,
        features=features,
        devices=tuple(devices),
        processor=name,
        limited=" and ".join(limits),
    )


def available() -> int:
    """Bytes of memory that can be had now without swapping."""
    return machine().available


def may_have_gpu() -> bool:
    """Whether the installed llama.cpp may see a GPU: false when its libraries lie there one by one and none is a GPU's. A look at names; the
    package is not loaded."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        return False
    names = [file.name.lower() for folder in spec.submodule_search_locations for file in (Path(folder) / "lib").glob("*ggml*")]
    split = any("ggml-base" in name for name in names)
    return not split or any(f"ggml-{kind}" in name for name in names for kind in _GPU_LIBRARIES)


def llama() -> Llama:
    """Ask llama.cpp, in a process of its own; takes a second. Never raises."""
    try:
        done = subprocess.run(
            [sys.executable, *SAFE, "-m", "localrouter.engine.info"], capture_output=True, timeout=INFO_S, check=False
        )
        tree = json.loads(done.stdout)
        if "error" in tree:
            return Llama(error=str(tree["error"]))
        devices = tuple(Device(**{key: d[key] for key in Device.__slots__ if key in d}) for d in tree.get("devices", ()))
        return Llama(str(tree["version"]), str(tree["build"]), devices, system=str(tree["system"]))
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return Llama(error="it did not load")


def resident(pid: int) -> tuple[int, int]:
    """(bytes of a process in memory, those of them that are pages of files, which the system can take back). (0, 0) when it has gone."""
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0, 0
    return int(info.rss), int(getattr(info, "shared", 0))


# --- limits ----------------------------------------------------------------------------------------


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None  # "max" is no number, and no limit


def _groups(root: Path) -> Iterable[tuple[Path, str]]:
    """(a control group's folder, what it controls; "" in version 2), ours first and then those above it."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for kind in names.split(",") if names else [""]:
            if kind in ("", "memory", "cpu"):
                top = root / "sys/fs/cgroup" / kind
                # A container may see its own group as the root, whatever its name is outside.
                inner = Path(path.lstrip("/"))
                for part in (inner, *inner.parents):
                    yield top / part, kind


def _memory_limits(root: Path) -> Iterable[tuple[int, int]]:
    """(limit, bytes used that cannot be taken back) of each group. Linux, "Control Group v2" (memory.max, memory.current, memory.stat:
    inactive_file) and "Memory Resource Controller" (version 1)."""
    for folder, kind in _groups(root):
        names = ("memory.max", "memory.current") if kind == "" else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        limit, used = _number(folder / names[0]), _number(folder / names[1])
        if kind == "cpu" or limit is None or used is None:
            continue
        files = 0
        try:
            for row in (folder / "memory.stat").read_text(encoding="ascii").splitlines():
                key, _, value = row.partition(" ")
                if key in ("inactive_file", "total_inactive_file"):
                    files = int(value)
        except (OSError, ValueError):
            pass
        yield limit, max(0, used - files)


def _cpu_quota(root: Path) -> int | None:
    """Whole cores that the groups' quotas allow, None without a quota (cpu.max; cpu.cfs_quota_us in version 1)."""
    found: list[float] = []
    for folder, kind in _groups(root):
        if kind == "memory":
            continue
        try:
            quota, period = (int(part) for part in (folder / "cpu.max").read_text(encoding="ascii").split()[:2])
        except (OSError, ValueError):
            quota, period = _number(folder / "cpu.cfs_quota_us") or 0, _number(folder / "cpu.cfs_period_us") or 0
        if quota > 0 and period > 0:
            found.append(quota / period)
    return max(1, math.floor(min(found))) if found else None


def _allowed() -> frozenset[int]:
    """The hardware threads that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


# --- the processor ---------------------------------------------------------------------------------


def _cores(root: Path, allowed: frozenset[int]) -> tuple[int, int]:
    """(cores behind the allowed threads, those of the fast kind)."""
    cpus = root / "sys/devices/system/cpu"
    cores: dict[str, int] = {}
    """Threads of a core, as a text -> how fast it is."""
    for number in sorted(allowed):
        try:
            mates = (cpus / f"cpu{number}/topology/thread_siblings_list").read_text(encoding="ascii").strip()
        except OSError:
            cores.clear()
            break
        # arm64 and newer x86 kernels say what a core can do beside the best one (1024).
        cores[mates] = _number(cpus / f"cpu{number}/cpu_capacity") or 1024
    if not cores:
        physical = min(int(psutil.cpu_count(logical=False) or len(allowed)), len(allowed))
        return physical, min(physical, _mac_fast() or physical)
    physical = len(cores)
    if (strong := _listed(root / "sys/devices/cpu_core/cpus")) and _listed(root / "sys/devices/cpu_atom/cpus"):
        fast = sum(1 for mates in cores if strong & _ranges(mates))  # Intel hybrids
    else:
        best = max(cores.values())
        fast = sum(1 for speed in cores.values() if 4 * speed >= 3 * best)
    return physical, fast or physical


def _mac_fast() -> int:
    """Apple silicon: performance cores (sysctl `hw.perflevel0.physicalcpu`); 0 elsewhere."""
    if sys.platform != "darwin":
        return 0
    try:
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "hw.perflevel0.physicalcpu"], capture_output=True, timeout=5, check=False
        )
        return int(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return 0


def _ranges(text: str) -> frozenset[int]:
    """`0-3,8` as numbers."""
    out: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            out |= set(range(int(first), int(last if last.isdigit() else first) + 1))
    return frozenset(out)


def _listed(file: Path) -> frozenset[int]:
    try:
        return _ranges(file.read_text(encoding="ascii"))
    except OSError:
        return frozenset()


def _processor(root: Path) -> tuple[str, tuple[str, ...]]:
    """(its name, what of its arithmetic matters)."""
    name = platform.processor() or platform.machine()
    flags: set[str] = set()
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags = set(value.split())
            break
    if not text and platform.machine().lower() in ("arm64", "aarch64"):
        flags = {"neon"}  # every 64-bit ARM has it
    return name, tuple(dict.fromkeys(word for flag, word in _FEATURES.items() if flag in flags))


def tree(m: Machine) -> dict[str, Any]:
    """For JSON."""
    return {
        "processor": m.processor, "total": m.total, "available": m.available, "logical": m.logical, "physical": m.physical, "fast": m.fast,
        "features": list(m.features), "limited": m.limited,
        "devices": [{key: getattr(d, key) for key in Device.__slots__} for d in m.devices],
    }  # fmt: skip
