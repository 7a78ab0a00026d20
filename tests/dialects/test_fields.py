"""A body is read strictly and exactly: integers of any length, nesting, what is not JSON."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localrouter.core.errors import BadRequest
from localrouter.dialects._fields import MAX_DEPTH, read_object

LONG = (2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**18, 10**19, 10**40, 12345678901234567890123)


@pytest.mark.parametrize("number", LONG)
def test_an_integer_of_any_length_is_exact(number: int) -> None:
    body = b'{"a": [{"b": %d}], "c": "1700000000000000000"}' % number
    tree = read_object(body)
    assert tree == {"a": [{"b": number}], "c": "1700000000000000000"} and isinstance(tree["a"][0]["b"], int)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(tree=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), JSON, max_size=4))
def test_what_is_read_is_what_the_standard_library_reads(tree: dict[str, Any]) -> None:
    body = json.dumps(tree, ensure_ascii=False).encode()
    read = read_object(body)
    assert read == json.loads(body) and json.dumps(read, sort_keys=True) == json.dumps(tree, sort_keys=True)


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded_and_text_is_no_nesting(open_: str, close: str) -> None:
    def nested(levels: int) -> bytes:
        return ('{"a":' + open_ * (levels - 1) + "1" + close * (levels - 1) + "}").encode()

    assert read_object(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 1000, 100_000):
        with pytest.raises(BadRequest, match="deeper"):
            read_object(nested(levels))
    with pytest.raises(BadRequest, match="deeper"):
        read_object(nested(200)[:-3])  # not JSON either
    brackets = {"a": "[{" * 500, "b": [[1]] * 500}
    assert read_object(json.dumps(brackets).encode()) == brackets


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]", b'"' + b"[" * 100 + b'"', b"12345678901234567890", b"{", b'{"a": NaN}', b'{"a": "\xff"}', b'{"a": "\\ud800"}'],
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_object(body)


def test_long_rows_of_digits_in_texts_cost_next_to_nothing() -> None:
    """Times in nanoseconds fill logs; a body that holds them is read as fast as one that does not."""

    def seconds(body: bytes) -> float:
        best = 1e9
        for _ in range(5):
            start = time.process_time()
            read_object(body)
            best = min(best, time.process_time() - start)
        return best

    def body(digits: str) -> bytes:
        return json.dumps(
            {"messages": [{"role": "user", "content": f"at {digits} a worker took a job \u00e9\n" * 30} for _ in range(300)]}
        ).encode()

    assert seconds(body("1700000000000000000")) <= 2.5 * seconds(body("17000000000000.0000"))
