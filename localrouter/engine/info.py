"""`python -m localrouter.engine.info`: what the installed llama.cpp can do, as JSON. A process of its own: loading it takes memory
that neither the daemon nor the CLI should hold."""

from __future__ import annotations

import json
import sys


def main() -> int:
    try:
        import llama_cpp
    except Exception as exc:
        # A missing shared library raises OSError or RuntimeError, by platform.
        json.dump({"error": f"{type(exc).__name__}: {exc}"[:300]}, sys.stdout)
        return 1
    gpu = bool(llama_cpp.llama_supports_gpu_offload())
    system = llama_cpp.llama_print_system_info().decode("utf-8", "replace")
    name = next((n for n in ("CUDA", "Metal", "Vulkan", "ROCm") if n.lower() in system.lower()), "GPU") if gpu else "CPU"
    json.dump({"version": llama_cpp.__version__, "build": name, "system": system.strip()}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
