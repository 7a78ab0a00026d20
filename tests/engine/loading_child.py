"""A process that gives files to llama.cpp, one after the other, as the engine does: load, context, tokens, two steps, free. It says
`begin N` before and `loaded N` or `refused N` after each, so that who reads knows which file ended it. Arguments: first number, folder."""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path

import llama_cpp as lib

from localrouter.engine.cpu import spare_extra_buffers


def main() -> None:
    first, folder = int(sys.argv[1]), Path(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # what one file asks for must not take the machine
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet = lib.llama_log_callback(lambda *_: None)
    lib.llama_log_set(quiet, ctypes.c_void_p(0))
    lib.llama_backend_init()
    for file in sorted(folder.glob("*.gguf"), key=lambda f: int(f.stem)):
        number = int(file.stem)
        if number >= first:
            print("begin", number, flush=True)
            print("loaded" if run(file) else "refused", number, flush=True)


def run(file: Path) -> bool:
    params = lib.llama_model_default_params()
    params.n_gpu_layers = 0
    params.use_extra_bufts = not spare_extra_buffers()
    model = lib.llama_model_load_from_file(str(file).encode(), params)
    if not model:
        return False
    options = lib.llama_context_default_params()
    options.n_ctx = options.n_batch = options.n_ubatch = 32
    options.n_threads = options.n_threads_batch = 1
    context = lib.llama_init_from_model(model, options)
    if context:
        vocab = lib.llama_model_get_vocab(model)
        room = (lib.llama_token * 16)()
        count = lib.llama_tokenize(vocab, b"hello", 5, room, 16, True, True)
        for _ in range(2):
            if count > 0 and lib.llama_decode(context, lib.llama_batch_get_one(room, min(count, 8))) == 0:
                lib.llama_get_logits(context)
        lib.llama_free(context)
    lib.llama_model_free(model)
    return bool(context)


if __name__ == "__main__":
    main()
