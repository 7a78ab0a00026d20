"""What this processor must be spared. Known without loading llama.cpp."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def spare_extra_buffers() -> bool:
    """Whether llama.cpp must keep weights in their plain layout. On processors with AMX it repacks quantised weights for AMX tiles
    and crashes in the first product where the system does not let processes use tiles (ggml-org/llama.cpp issue 20824, seen with
    llama-cpp-python 0.3.36 in virtual machines)."""
    try:
        return " amx_tile" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
