"""llama-cpp-python's own server with the weights kept in their plain layout, where this processor needs that (`localrouter.engine.cpu`):
without it the server crashes there, and there is no option for it. Run by the Python of `peers.stock_python`; arguments are the server's.
"""

from __future__ import annotations

import sys

plain = sys.argv.pop(1) == "plain"

import llama_cpp.llama_cpp as low  # noqa: E402

if plain:
    original = low.llama_model_default_params

    def defaults() -> object:
        params = original()
        params.use_extra_bufts = False
        return params

    low.llama_model_default_params = defaults

from llama_cpp.server.__main__ import main  # noqa: E402

main()
