"""The cache: bounded, without text, and its file: kept over a restart, and no file at all when damaged, foreign or of other rules."""

from __future__ import annotations

import random

import pytest

from localrouter.core.findings import Finding
from localrouter.scrub.cache import FILE_MAX, ROW_MAX, SegmentCache
from localrouter.scrub.version import installed, with_options

KEY = b"k" * 32
VALUE = "jane.roe@corp-example.io"


def filled(count: int, version: bytes = b"v1") -> SegmentCache:
    cache = SegmentCache(KEY)
    cache.version = version
    for i in range(count):
        rows = (
            [Finding(i % 7, i % 7 + 5, "EMAIL", 0.95, "email"), Finding(20, 30, "PERSON", 0.7, "people")] if i % 10 == 0 else []
        )
        cache.put(cache.key_of(f"{VALUE} {i}", "content"), rows)
    return cache


def test_text_context_and_version_make_the_key() -> None:
    cache = SegmentCache(KEY)
    keys = {cache.key_of("a", "b"), cache.key_of("ab", ""), cache.key_of("", "ab"), cache.key_of("b", "a")}
    assert len(keys) == 4 and SegmentCache(b"other").key_of("a", "b") not in keys
    assert all(len(k) == 16 for k in keys)
    cache.put(cache.key_of("a", "b"), [])
    cache.version = b"v2"
    assert cache.key_of("a", "b") not in keys and cache.get(cache.key_of("a", "b")) is None


def test_bounded_and_what_is_used_stays() -> None:
    cache = SegmentCache(KEY, limit=100)
    often = cache.key_of("often", "")
    cache.put(often, [])
    for i in range(1000):
        cache.put(cache.key_of(str(i), ""), [])
        assert cache.get(often) is not None
        assert len(cache) <= 100
    assert cache.get(cache.key_of("0", "")) is None and cache.get(cache.key_of("999", "")) is not None


def test_the_file_brings_all_back_and_holds_no_text() -> None:
    cache = filled(5000)
    data = cache.pack(cache.snapshot())
    assert VALUE.encode() not in data and b"jane" not in data and len(data) < 5000 * 24 + 40_000
    again = SegmentCache(KEY)
    again.version = b"v1"
    again.adopt(again.unpack(data))
    assert len(again) == 5000
    for i in range(5000):
        key = cache.key_of(f"{VALUE} {i}", "content")
        assert again.get(key) == cache.get(key)


def test_a_damaged_file_is_no_file() -> None:
    cache = filled(50)
    data = cache.pack(cache.snapshot())
    rng = random.Random(9)
    for _ in range(300):
        wrong = bytearray(data)
        match rng.randrange(4):
            case 0:
                wrong[rng.randrange(len(wrong))] ^= 1 << rng.randrange(8)
            case 1:
                del wrong[rng.randrange(len(wrong)) :]
            case 2:
                wrong += b"x"
            case 3:
                wrong = bytearray(rng.randbytes(rng.randrange(300)))
        assert cache.unpack(bytes(wrong)) == {}


def test_another_installation_and_other_rules_do_not_read_it() -> None:
    cache = filled(50)
    data = cache.pack(cache.snapshot())
    other = SegmentCache(b"other key")
    other.version = b"v1"
    assert other.unpack(data) == {}
    cache.version = b"v2"
    assert cache.unpack(data) == {} and len(cache) == 0


def test_the_file_is_bounded() -> None:
    cache = SegmentCache(KEY, limit=10_000)
    cache.version = b"v"
    many = tuple(Finding(i * 10, i * 10 + 5, "EMAIL", 1.0, "email") for i in range(ROW_MAX))
    cache.put(cache.key_of("too many", ""), (*many, Finding(0, 1, "IP", 1.0, "ip")))
    for i in range(700):
        cache.put(cache.key_of(str(i), ""), many)
    data = cache.pack(cache.snapshot())
    assert len(data) < FILE_MAX + 1000
    back = cache.unpack(data)
    assert cache.key_of("699", "") in back and cache.key_of("0", "") not in back and cache.key_of("too many", "") not in back


@pytest.mark.parametrize(
    "change",
    [{"allow": ["x"]}, {"deny": ["x"]}, {"packs": ["de"]}, {"thresholds": {"IP": 0.9}}, {"identity": {"user": "zaphod"}}],
)
def test_what_the_user_chose_is_part_of_the_version(change: dict[str, object]) -> None:
    options = {"allow": [], "deny": [], "packs": [], "thresholds": {}, "identity": {}}
    base = installed()
    assert len(base) == 16 and base == installed()
    assert with_options(base, options) != with_options(base, {**options, **change})
