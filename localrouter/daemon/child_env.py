"""The environment of a child: names that it needs, and none that may hold a key (DESIGN section 2)."""

from __future__ import annotations

import os
from collections.abc import Mapping

_ALLOWED = frozenset(
    {
        "PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV",
        "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GGML_NUM_THREADS", "CUDA_VISIBLE_DEVICES",
        "LD_LIBRARY_PATH", "SYSTEMROOT", "USERPROFILE", "TEMP", "TMP",
    }
)  # fmt: skip


def child_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment a child gets: allow-listed names of ours, then `extra`. A llama.cpp that aborts would start a debugger, which writes
    where our frames go (ggml.c, `ggml_print_backtrace`): it is told not to."""
    kept = {k: v for k, v in os.environ.items() if k in _ALLOWED or k.startswith("LC_")}
    return {"GGML_NO_BACKTRACE": "1", **kept, **(extra or {})}
