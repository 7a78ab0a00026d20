"""What a model is loaded with on machines of different kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localrouter.engine.fit import NoRoom, Wish, cache_bytes, fit
from localrouter.engine.gguf_facts import Header, Tensor
from localrouter.engine.machine import Device, Machine, machine

GB = 1_000_000_000
LAPTOP = Machine(total=16 * GB, available=12 * GB, logical=16, physical=8, fast=8)
MODEL = Header(
    "model.gguf", 3, 2 * GB, 0,
    {"general.architecture": "llama", "llama.block_count": 32, "llama.embedding_length": 4096, "llama.feed_forward_length": 12288,
     "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8, "llama.context_length": 131072},
    {}, (Tensor("all", (4 * GB,), "Q4_0", 0, 2 * GB),),
)  # fmt: skip


def test_more_room_is_more_context_and_less_is_said_in_gigabytes() -> None:
    large, small = fit(MODEL, LAPTOP, Wish(), 24 * GB), fit(MODEL, LAPTOP, Wish(), 6 * GB)
    assert large.ctx == 32768 and small.ctx < large.ctx and small.memory <= 6 * GB and large.memory <= 24 * GB
    with pytest.raises(NoRoom, match=r"GB are missing") as caught:
        fit(MODEL, LAPTOP, Wish(), 2 * GB)
    assert fit(MODEL, LAPTOP, Wish(), 2 * GB + caught.value.missing).memory <= 2 * GB + caught.value.missing


def test_what_the_user_set_is_taken() -> None:
    made = fit(MODEL, LAPTOP, Wish(ctx=3000, threads=5, batch=64, kv_type="q8_0", slots=2, gpu_layers=0), 10 * GB)
    assert (made.ctx, made.threads, made.batch, made.kv_type, made.slots, made.gpu_layers) == (3000, 5, 64, "q8_0", 2, 0)
    assert made.flash == "on", "llama.cpp reads a quantised cache only with it"
    assert cache_bytes(MODEL, 1000, "f16") == 1000 * 32 * 8 * 128 * 2 * 2
    assert sum("as you set it" in reason for reason in made.reasons) >= 4


def test_a_gpu_takes_what_fits() -> None:
    def layers(free: int) -> int:
        return fit(
            MODEL, replace(LAPTOP, devices=(Device("CUDA0", "a card", "CUDA", "gpu", free, free),)), Wish(ctx=8192), 10 * GB
        ).gpu_layers

    assert layers(24 * GB) == -1 and 0 < layers(3 * GB) < 33 and layers(GB // 4) == 0


def test_fast_cores_and_limits_of_a_container(tmp_path: Path) -> None:
    assert fit(MODEL, replace(LAPTOP, physical=14, fast=6), Wish(), 10 * GB).threads == 6
    group = tmp_path / "sys/fs/cgroup/app"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/app\n")
    (group / "memory.max").write_text("1000000\n")
    (group / "memory.current").write_text("700000\n")
    (group / "memory.stat").write_text("anon 1\ninactive_file 100000\n")
    (group / "cpu.max").write_text("100000 100000\n")
    now = machine(root=tmp_path)
    assert now.total == 1_000_000 and now.available == 400_000 and now.physical == 1 and "memory" in now.limited
