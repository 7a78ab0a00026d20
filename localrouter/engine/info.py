"""`python -m localrouter.engine.info`: what the installed llama.cpp can do and the devices it sees, as JSON. A process of its own: loading
it takes memory that neither the daemon nor the CLI should hold, and a GPU's driver may crash.

{"version", "build": "CPU" | "CUDA" | "Metal" | ..., "system", "devices": [{"name", "text", "backend", "kind", "free", "total"}]}, memory in
bytes; or {"error": sentence}. Devices are those of ggml's registry (ggml-backend.h, `ggml_backend_dev_*`), the CPU left out.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

KINDS = {1: "gpu", 2: "integrated", 3: "accelerator"}
"""ggml-backend.h, `enum ggml_backend_dev_type`; 0 is the CPU."""


def devices(ggml: Any) -> list[dict[str, Any]]:
    """The registry of a loaded ggml library. Empty for one that is older than the registry."""
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    try:
        count, get = ggml.ggml_backend_dev_count, ggml.ggml_backend_dev_get
        name, told = ggml.ggml_backend_dev_name, ggml.ggml_backend_dev_description
        kind, memory = ggml.ggml_backend_dev_type, ggml.ggml_backend_dev_memory
        registry, owner = ggml.ggml_backend_dev_backend_reg, ggml.ggml_backend_reg_name
    except AttributeError:
        return []
    count.restype = ctypes.c_size_t
    get.argtypes, get.restype = [ctypes.c_size_t], pointer
    for function in (name, told, owner):
        function.argtypes, function.restype = [pointer], text
    kind.argtypes, kind.restype = [pointer], ctypes.c_int
    registry.argtypes, registry.restype = [pointer], pointer
    memory.argtypes, memory.restype = [pointer, ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_size_t)], None
    out: list[dict[str, Any]] = []
    for number in range(count()):
        device = get(number)
        if (what := KINDS.get(kind(device))) is None:
            continue
        free, total = ctypes.c_size_t(0), ctypes.c_size_t(0)
        memory(device, ctypes.byref(free), ctypes.byref(total))
        words = [
            (f(of) or b"").decode("utf-8", "replace") for f, of in ((name, device), (told, device), (owner, registry(device)))
        ]
        out.append(
            {"name": words[0], "text": words[1], "backend": words[2], "kind": what, "free": free.value, "total": total.value}
        )
    return out


def main() -> int:
    try:
        import llama_cpp

        ggml = _library()
        found = devices(ggml) if ggml is not None else []
    except Exception as exc:
        # A missing shared library raises OSError or RuntimeError, by platform.
        json.dump({"error": f"{type(exc).__name__}: {exc}"[:300]}, sys.stdout)
        return 1
    system = llama_cpp.llama_print_system_info().decode("utf-8", "replace")
    build = next((d["backend"] for d in found if d["kind"] != "accelerator"), "")
    if not build:
        build = "GPU" if llama_cpp.llama_supports_gpu_offload() else "CPU"
    json.dump({"version": llama_cpp.__version__, "build": build, "system": system.strip(), "devices": found}, sys.stdout)
    return 0


def _library() -> Any:
    """The ggml library that llama.cpp uses, or None where the package does not say."""
    try:
        from llama_cpp import _ggml
    except ImportError:
        return None
    return _ggml.libggml


if __name__ == "__main__":
    sys.exit(main())
