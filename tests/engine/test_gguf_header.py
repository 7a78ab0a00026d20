"""The bounded GGUF reader: what it says of a model, what it refuses, and that nothing it accepts ends llama.cpp's process."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import gguf
import pytest
import tiny_header
import tiny_kinds

from localrouter.engine.gguf_checks import sound_header
from localrouter.engine.gguf_facts import Header, Tensor
from localrouter.engine.gguf_header import MAX_ITEMS, MAX_KEYS, MAX_TENSORS, BadHeader, read_header
from localrouter.engine.gguf_tables import CACHE_BYTES, FILE_TYPES, TENSOR_TYPES

ARCHITECTURES = ("llama", "qwen2", "qwen3", "gemma3")
CHILD = Path(__file__).parent / "loading_child.py"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_header.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def test_what_it_says(model: Path) -> None:
    h = read_header(model)
    assert (h.architecture, h.name, h.licence, h.version) == ("llama", "Tiny llama", "apache-2.0", 3)
    assert (h.context, h.layers, h.embedding, h.heads, h.kv_heads) == (512, 2, 32, 4, 2)
    assert h.vocabulary == 265 and h.quantisation == "F32" and h.template == tiny_header.TEMPLATE
    assert h.fim == {"prefix": 262, "suffix": 263, "middle": 264}
    reader = gguf.GGUFReader(model)
    assert h.parameters == sum(int(t.n_elements) for t in reader.tensors)
    assert h.tensor_bytes == sum(int(t.n_bytes) for t in reader.tensors)
    assert h.data_offset == reader.data_offset and h.file_bytes == model.stat().st_size
    assert [(t.name, t.offset + h.data_offset) for t in h.tensors] == [(t.name, int(t.data_offset)) for t in reader.tensors]


def test_the_shipped_models_are_read() -> None:
    h = sound_header(ROOT / "localrouter" / "models" / "encoder.gguf")
    assert (h.architecture, h.layers, h.embedding, h.vocabulary, h.quantisation) == ("bert", 6, 384, 30522, "Q8_0")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sound_models_are_sound(tmp_path: Path, architecture: str) -> None:
    assert sound_header(tiny_header.write(tmp_path / "m.gguf", architecture)).architecture == architecture


def test_tables_are_those_of_the_format() -> None:
    ours = {n: (name, block, size) for n, (name, block, size) in TENSOR_TYPES.items()}
    theirs = {int(k): (k.name, *v) for k, v in gguf.GGML_QUANT_SIZES.items()}
    theirs[9] = ("Q8_1", 32, 36)  # the package keeps the size of 2023
    assert {n: ours[n] for n in theirs} == theirs
    assert {n: f"MOSTLY_{t}" for n, t in FILE_TYPES.items() if n not in (0, 38, 41)}.items() <= {
        int(k): k.name for k in gguf.LlamaFileType
    }.items()


def _header(architecture: str, **keys: object) -> Header:
    values = {"general.architecture": architecture} | {f"{architecture}.{k.replace('__', '.')}": v for k, v in keys.items()}
    return Header("x", 3, 0, 0, values, {}, ())


def test_the_cache_of_known_models() -> None:
    # Llama 3.2 1B: 16 layers, 8 heads of 64; Qwen3 4B: 36 layers, 8 of 128 (config.json of each).
    llama = _header("llama", block_count=16, embedding_length=2048, attention__head_count=32, attention__head_count_kv=8)
    assert llama.kv_bytes(1) == 32_768 and llama.kv_bytes(8192) == 8192 * 32_768
    qwen = _header("qwen3", block_count=36, embedding_length=2560, attention__head_count=32, attention__head_count_kv=8,
                   attention__key_length=128, attention__value_length=128)  # fmt: skip
    assert qwen.kv_bytes(1) == 147_456 and qwen.kv_bytes(100, "q8_0") == round(100 * 147_456 * 34 / 64)
    # Qwen3.5 4B: every fourth of 32 layers attends, 4 heads of 256.
    hybrid = _header("qwen35", block_count=32, embedding_length=2560, attention__head_count=16, attention__head_count_kv=4,
                     attention__key_length=256, attention__value_length=256, full_attention_interval=4)  # fmt: skip
    assert hybrid.kv_bytes(1) == 32_768
    # gpt-oss 20B: every second of 24 layers sees 128 tokens only, 8 heads of 64.
    oss = _header("gpt-oss", block_count=24, embedding_length=2880, attention__head_count=64, attention__head_count_kv=8,
                  attention__key_length=64, attention__value_length=64, attention__sliding_window=128)  # fmt: skip
    assert oss.kv_bytes(10_000) == 12 * 2048 * 10_000 + 12 * 2048 * 128
    # A hybrid that says so layer by layer: no cache where there are no key-value heads.
    mixed = _header("lfm2", block_count=4, embedding_length=64, attention__head_count=4, attention__head_count_kv=(0, 0, 2, 0))
    assert mixed.kv_bytes(10) == 10 * 2 * 16 * 2 * 2
    with pytest.raises(ValueError, match="f64"):
        llama.kv_bytes(1, "f64")
    assert set(CACHE_BYTES) >= {"f16", "q8_0", "q4_0"}


def _raw(version: int = 3, tensors: int = 0, keys: int = 0, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + rest


def _key(name: str, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value


def _tensor(name: str = "a", dims: tuple[int, ...] = (8,), kind: int = 0, offset: int = 0) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


BAD = {
    "empty": (b"", "is not a GGUF model"),
    "another kind": (b"PK\x03\x04" + bytes(100), "is not a GGUF model"),
    "version 1": (_raw(1), "version is 1"),
    "version 9": (_raw(9), "version is 9"),
    "big-endian": (_raw(3 << 24), "big-endian"),
    "too many tensors": (_raw(tensors=MAX_TENSORS + 1), "claims"),
    "too many keys": (_raw(keys=1 << 63), "claims"),
    "more keys than bytes": (_raw(keys=MAX_KEYS), "ends in the middle"),
    "a key's length": (_raw(keys=1, rest=struct.pack("<Q", 1 << 62) + bytes(64)), "a key has"),
    "a string's length": (_raw(keys=1, rest=_key("a", 8, struct.pack("<Q", 1 << 40)) + bytes(64)), "has 1099511627776 bytes"),
    "a string past the end": (_raw(keys=1, rest=_key("a", 8, struct.pack("<Q", 4096)) + bytes(64)), "ends in the middle"),
    "not UTF-8": (_raw(keys=1, rest=_key("a", 8, struct.pack("<Q", 2) + b"\xff\xfe")), "UTF-8"),
    "an unknown type": (_raw(keys=1, rest=_key("a", 13, bytes(64))), "unknown type 13"),
    "an array of arrays": (_raw(keys=1, rest=_key("a", 9, struct.pack("<IQ", 9, 1)) + bytes(64)), "unknown type 9"),
    "an array's length": (_raw(keys=1, rest=_key("a", 9, struct.pack("<IQ", 4, MAX_ITEMS + 1)) + bytes(64)), "entries, more than"),
    "an array past the end": (_raw(keys=1, rest=_key("a", 9, struct.pack("<IQ", 4, MAX_ITEMS)) + bytes(64)), "ends in the middle"),
    "strings past the end": (_raw(keys=1, rest=_key("a", 9, struct.pack("<IQ", 8, MAX_ITEMS)) + bytes(64)), "ends in the middle"),
    "an entry's length": (_raw(keys=1, rest=_key("a", 9, struct.pack("<IQQ", 8, 1, 1 << 30)) + bytes(64)), "an entry of"),
    "a key twice": (_raw(keys=2, rest=_key("a", 4, bytes(4)) * 2), "twice"),
    "an empty key": (_raw(keys=1, rest=_key("", 4, bytes(4))), "empty"),
    "an alignment": (_raw(keys=1, rest=_key("general.alignment", 4, struct.pack("<I", 24))), "alignment"),
    "an alignment of another type": (_raw(keys=1, rest=_key("general.alignment", 8, struct.pack("<Q", 1) + b"x")), "alignment"),
    "dimensions": (_raw(tensors=1, rest=_tensor(dims=(1,) * 5) + bytes(64)), "5 dimensions"),
    "no dimension": (_raw(tensors=1, rest=_tensor(dims=()) + bytes(64)), "0 dimensions"),
    "an overflow": (_raw(tensors=1, rest=_tensor(dims=(1 << 40, 1 << 40)) + bytes(64)), "shape"),
    "a shape of nothing": (_raw(tensors=1, rest=_tensor(dims=(0,)) + bytes(64)), "shape"),
    "half a block": (_raw(tensors=1, rest=_tensor(dims=(33,), kind=8) + bytes(64)), "shape"),
    "an unknown tensor type": (_raw(tensors=1, rest=_tensor(kind=4) + bytes(64)), "unknown type 4"),
    "a tensor twice": (_raw(tensors=2, rest=_tensor() + _tensor(offset=32) + bytes(99)), "twice"),
    "a gap": (_raw(tensors=1, rest=_tensor(offset=32) + bytes(99)), "where it should"),
    "an overlap": (_raw(tensors=2, rest=_tensor("a") + _tensor("b", offset=0) + bytes(99)), "where it should"),
    "a long name": (_raw(tensors=1, rest=_tensor("n" * 64) + bytes(64)), "64 bytes"),
    "data past the end": (_raw(tensors=1, rest=_tensor(dims=(1 << 20,)) + bytes(64)), "lacks its last"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_it_refuses(tmp_path: Path, name: str) -> None:
    data, why = BAD[name]
    file = tmp_path / "bad.gguf"
    file.write_bytes(data)
    with pytest.raises(BadHeader, match=why) as caught:
        read_header(file)
    assert "bad.gguf" in str(caught.value) and str(tmp_path) not in str(caught.value) and str(caught.value).endswith(".")


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadHeader, match="does not exist"):
        read_header(tmp_path / "no.gguf")
    with pytest.raises(BadHeader, match="not a file"):
        read_header(Path("/dev/zero"))
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(BadHeader, match="not a file"):  # and does not wait for a writer
        read_header(tmp_path / "pipe.gguf")
    with pytest.raises(BadHeader):
        read_header(tmp_path)


def test_each_cut_is_refused(tmp_path: Path, model: Path) -> None:
    data = model.read_bytes()
    file = tmp_path / "cut.gguf"
    for size in (*range(400), *range(400, len(data), 397), len(data) - 1):
        file.write_bytes(data[:size])
        with pytest.raises(BadHeader):
            read_header(file)


def test_reading_a_large_vocabulary_keeps_little(tmp_path: Path) -> None:
    count = 300_000
    words = b"".join(struct.pack("<Q", 8) + b"%08d" % n for n in range(count))
    file = tmp_path / "large.gguf"
    file.write_bytes(_raw(keys=1, rest=_key("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, count) + words)))
    tracemalloc.start()
    try:
        assert read_header(file).vocabulary == count
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()
    assert read_header(file, keep=frozenset({"tokenizer.ggml.tokens"})).values["tokenizer.ggml.tokens"][-1] == b"00299999"


def _changed(model: Path, out: Path, old: bytes, new: bytes) -> Path:
    data = model.read_bytes()
    assert len(old) == len(new) and data.count(old) >= 1
    out.write_bytes(data.replace(old, new, 1))
    return out


def test_what_llama_cpp_would_abort_on(tmp_path: Path, model: Path) -> None:
    def u32(key: str, was: int, now: int) -> tuple[bytes, bytes]:
        return key.encode() + struct.pack("<II", 4, was), key.encode() + struct.pack("<II", 4, now)

    cases = [
        (*u32("llama.block_count", 2, 513), "layers"),
        (*u32("llama.block_count", 2, 0), "layers"),
        (*u32("llama.embedding_length", 32, 0), "embedding length"),
        (*u32("llama.attention.head_count", 4, 0), "attention heads is 0"),
        (*u32("llama.attention.head_count_kv", 2, 3), "cannot share"),
        (*u32("llama.rope.dimension_count", 8, 7), "rotated"),
        (b"llama.rope.freq_base" + struct.pack("<If", 6, 10000.0), b"llama.rope.freq_base" + struct.pack("<If", 6, float("nan")), "finite"),
        (struct.pack("<Q", 2) + b"he", struct.pack("<Q", 2) + b"ll", "twice"),
        (b"tokenizer.ggml.merges", b"tokenizer.ggml.murges", "merges"),
        (b"tokenizer.ggml.tokens", b"tokenizer.ggml.takens", "vocabulary"),
        (b"blk.0.attn_norm.weight" + struct.pack("<IQI", 1, 32, 0), b"blk.0.attn_norm.weight" + struct.pack("<IQI", 1, 32, 26), "F32"),
    ]  # fmt: skip
    for old, new, why in cases:
        with pytest.raises(BadHeader, match=why):
            sound_header(_changed(model, tmp_path / "changed.gguf", old, new))


def test_layers_that_share_a_cache_share_one_of_their_kind(tmp_path: Path) -> None:
    base = tiny_kinds.build("gemma4", tmp_path / "gemma4.gguf")
    assert sound_header(base).architecture == "gemma4"
    key = b"gemma4.attention.shared_kv_layers" + struct.pack("<I", 4)
    for shared in (
        1,
        3,
        5,
        6,
    ):  # four layers have their own, and they alternate: 1 and 3 meet the other kind, 5 and 6 leave too few
        with pytest.raises(BadHeader, match="share a cache that is not there"):
            sound_header(_changed(base, tmp_path / "changed.gguf", key + struct.pack("<I", 2), key + struct.pack("<I", shared)))


def test_windows_and_sections_that_end_llama_cpp(tmp_path: Path) -> None:
    gemma, qwen = (tiny_kinds.build(kind, tmp_path / f"{kind}.gguf") for kind in ("gemma4", "qwen35"))
    window = b"gemma4.attention.sliding_window" + struct.pack("<I", 4)
    with pytest.raises(BadHeader, match="its window"):
        sound_header(
            _changed(
                gemma, tmp_path / "x.gguf", window + struct.pack("<I", tiny_kinds.WINDOW), window + struct.pack("<I", 2**31 - 1)
            )
        )
    rotated = b"qwen35.rope.dimension_count" + struct.pack("<I", 4)
    with pytest.raises(BadHeader, match="rotates no dimension"):
        sound_header(
            _changed(qwen, tmp_path / "y.gguf", rotated + struct.pack("<I", tiny_kinds.HEAD), rotated + struct.pack("<I", 0))
        )


def test_widths_and_patterns_that_end_llama_cpp(tmp_path: Path) -> None:
    qwen, gemma = (tiny_kinds.build(kind, tmp_path / f"{kind}.gguf") for kind in ("qwen35", "gemma3"))
    cases = [
        (qwen, b"qwen35.ssm.inner_size" + struct.pack("<I", 4), 64, 17, "delta nets"),
        (qwen, b"qwen35.rope.dimension_sections" + struct.pack("<IIQ", 9, 5, 4), 2, 17, "more than a head has"),
        (gemma, b"gemma3.attention.sliding_window_pattern" + struct.pack("<I", 4), 2, 1, "no layer that has it"),
    ]
    for base, key, was, now, why in cases:
        with pytest.raises(BadHeader, match=why):
            sound_header(_changed(base, tmp_path / "changed.gguf", key + struct.pack("<I", was), key + struct.pack("<I", now)))


def loads(folder: Path) -> tuple[Counter[str], list[int]]:
    """Give each file of a folder to llama.cpp in a child; (what became of them, those that ended the child)."""
    said: Counter[str] = Counter()
    ended: list[int] = []
    first = 0
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "GGML_NO_BACKTRACE": "1"}
    while True:
        done = subprocess.run(
            [sys.executable, str(CHILD), str(first), str(folder)],
            capture_output=True,
            text=True,
            env=env,
            cwd=folder,
            timeout=600,
        )
        under_way = None
        for line in done.stdout.splitlines():
            word, _, number = line.partition(" ")
            if word == "begin":
                under_way = int(number)
            elif word in ("loaded", "refused"):
                said[word] += 1
                under_way = None
        if under_way is None:
            assert done.returncode == 0, done.stderr[-2000:]
            return said, ended
        ended.append(under_way)
        first = under_way + 1


def mutate(folder: Path, architecture: str, count: int, seed: int) -> tuple[int, dict[int, str]]:
    """Mutated copies that the reader accepts are left in the folder; (how many it refused, what was done to the others)."""
    base = tiny_header.write(folder / "base", architecture)
    data, header = base.read_bytes(), sound_header(base)
    base.unlink()
    (folder / "0.gguf").write_bytes(data)
    refused, left = 0, {}
    for number, (what, changed) in enumerate(tiny_header.mutations(data, header.data_offset, count, seed), 1):
        file = folder / f"{number}.gguf"
        file.write_bytes(changed)
        try:
            sound_header(file)
            left[number] = what
        except BadHeader:
            file.unlink()
            refused += 1
    return refused, left


def _proof(tmp_path: Path, architecture: str, count: int, seed: int) -> None:
    refused, left = mutate(tmp_path, architecture, count, seed)
    said, ended = loads(tmp_path)
    print(
        f"{architecture}: {count} mutated headers, {refused} refused by the reader, {dict(said)} by llama.cpp, {len(ended)} ended its process"
    )
    assert refused + len(left) == count and refused > count / 2
    assert said["loaded"] >= 1, "the unchanged file loads"
    assert sum(said.values()) == len(left) + 1 and not ended, [left[n] for n in ended if n in left]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_that_is_accepted_ends_llama_cpp(tmp_path: Path, architecture: str) -> None:
    """A changed header is refused by the reader with a sentence, or does no harm: llama.cpp loads it or refuses it, and lives."""
    _proof(tmp_path, architecture, 60, 1)


@pytest.mark.long
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_of_a_thousand_ends_llama_cpp(tmp_path: Path, architecture: str) -> None:
    _proof(tmp_path, architecture, 1000, 7)


@pytest.mark.long
@pytest.mark.parametrize("kind", tiny_kinds.KINDS)
def test_no_number_of_a_model_s_keys_ends_llama_cpp(tmp_path: Path, kind: str) -> None:
    """Each of its numbers, and the first two of each of its lists, set to the extremes: what the reader accepts does no harm."""
    data = tiny_kinds.build(kind, tmp_path / "base").read_bytes()
    header = read_header(tmp_path / "base")
    (tmp_path / "base").unlink()
    (tmp_path / "0.gguf").write_bytes(data)
    left: dict[int, tuple[str, int]] = {}
    made = 0
    for key, types in header.types.items():
        if not key.startswith(f"{header.architecture}.") or types not in ((4,), (9, 4), (9, 5)):
            continue
        at = data.index(struct.pack("<Q", len(key)) + key.encode()) + 8 + len(key)
        for spot in (at + 4,) if types == (4,) else (at + 16, at + 20):
            for value in (0, 1, 3, 6, 17, 2**31 - 1, 2**32 - 1):
                made += 1
                file = tmp_path / f"{made}.gguf"
                file.write_bytes(data[:spot] + struct.pack("<I", value) + data[spot + 4 :])
                try:
                    sound_header(file)
                    left[made] = key, value
                except BadHeader:
                    file.unlink()
    said, ended = loads(tmp_path)
    print(
        f"{kind}: {made} changed numbers, {made - len(left)} refused by the reader, {dict(said)} by llama.cpp, {len(ended)} ended its process"
    )
    assert made > 40 and said["loaded"] >= 1 and not ended, [left[n] for n in ended]


def test_without_the_reader_llama_cpp_is_ended(tmp_path: Path, model: Path) -> None:
    """The proof's own proof: what the checks refuse does end the process, and the child tells."""
    (tmp_path / "0.gguf").write_bytes(model.read_bytes())
    _changed(model, tmp_path / "1.gguf", struct.pack("<Q", 2) + b"he", struct.pack("<Q", 2) + b"ll")
    (tmp_path / "2.gguf").write_bytes(model.read_bytes())
    assert loads(tmp_path) == (Counter(loaded=2), [1])


def test_reading_takes_no_memory_for_what_is_claimed(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, (data, _) in BAD.items():
        file = tmp_path / "bad.gguf"
        file.write_bytes(data)
        with pytest.raises(BadHeader):
            read_header(file)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10, name


def test_tensors_are_counted_by_their_blocks() -> None:
    tensors = (Tensor("a", (256, 2), "Q4_K", 0, 288), Tensor("b", (4,), "F32", 288, 16))
    h = Header("x", 3, 0, 0, {}, {}, tensors)
    assert (h.parameters, h.tensor_bytes, h.quantisation) == (516, 304, "Q4_K")
