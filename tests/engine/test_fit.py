"""What a model is loaded with on machines of different kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localrouter.engine.fit import STATES, UBATCH, NoRoom, Wish, cache_bytes, fit, state_bytes
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


def test_a_container_believes_its_limit_and_not_the_host(tmp_path: Path) -> None:
    """As programs inside see it: version 2 with a namespace of its own, where its group is the root; version 1, where it is told the group's
    name outside, and a limit above it counts too; a group without a limit."""
    own = tmp_path / "v2"
    (own / "proc/self").mkdir(parents=True)
    (own / "proc/self/cgroup").write_text("0::/\n")
    group = own / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{64 << 20}\n")
    (group / "memory.current").write_text(f"{24 << 20}\n")
    now = machine(root=own)
    assert (now.total, now.available) == (64 << 20, 40 << 20) and now.limited == "memory"
    old = tmp_path / "v1"
    (old / "proc/self").mkdir(parents=True)
    (old / "proc/self/cgroup").write_text("5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n")
    group = old / "sys/fs/cgroup/memory"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text(f"{32 << 20}\n")
    (group / "memory.usage_in_bytes").write_text(f"{20 << 20}\n")
    (group / "memory.stat").write_text(f"cache 9\ntotal_inactive_file {4 << 20}\n")
    now = machine(root=old)
    assert (now.total, now.available) == (32 << 20, 16 << 20)
    with pytest.raises(NoRoom, match="can be had"):
        fit(MODEL, now, Wish(), now.available)
    (group / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert machine(root=old).total == machine(root=tmp_path / "none").total, "no limit"


def test_states_of_layers_that_keep_one() -> None:
    """What a sequence takes beside the cache: Qwen3.5's delta nets (llama-hparams.cpp, n_embd_s and n_embd_r), LFM2's short convolutions."""

    def of(architecture: str, **keys: object) -> Header:
        values = {f"{architecture}.{k.replace('__', '.')}": v for k, v in keys.items()}
        return replace(MODEL, values={"general.architecture": architecture, **values})

    delta = of("qwen35", block_count=24, embedding_length=1024, full_attention_interval=4, ssm__inner_size=2048, ssm__state_size=128,
               ssm__group_count=16, ssm__conv_kernel=4)  # fmt: skip
    assert state_bytes(delta) == 18 * 4 * (128 * 2048 + 3 * (2048 + 2 * 16 * 128))
    short = of("lfm2", block_count=4, embedding_length=64, attention__head_count_kv=(0, 0, 8, 0), shortconv__l_cache=3)
    assert state_bytes(short) == 3 * 4 * 2 * 64
    assert state_bytes(MODEL) == 0


def test_a_model_of_states_alone_has_a_budget_for_those_that_are_put_away() -> None:
    keys = {"block_count": 48, "embedding_length": 2048, "context_length": 32768, "attention.head_count": 0,
            "ssm.inner_size": 4096, "ssm.state_size": 16, "ssm.conv_kernel": 4}  # fmt: skip
    mamba = replace(MODEL, values={"general.architecture": "mamba", **{f"mamba.{k}": v for k, v in keys.items()}})
    assert cache_bytes(mamba, 32768, "f16") == 0
    made = fit(mamba, LAPTOP, Wish(), 8 * GB)
    assert made.stash * 1_000_000 >= STATES * state_bytes(mamba) > 0
    none = fit(mamba, LAPTOP, Wish(), made.memory - 1)
    assert none.stash == 0 and none.memory < made.memory - STATES * state_bytes(mamba) // 2, "it is counted, and the first to go"


def test_the_batch_is_as_large_as_the_scores_of_what_is_computed_together_allow() -> None:
    made = fit(MODEL, LAPTOP, Wish(ctx=8192), 8 * GB)
    assert 512 * made.cells * 4 * 33 > 8 * GB / 16 > UBATCH * made.cells * 4 * 33
    assert made.batch == 512
    assert fit(MODEL, LAPTOP, Wish(ctx=32768, kv_type="f16"), 17 * GB // 2).batch == 64, (
        "fewer where even those would take too much"
    )
