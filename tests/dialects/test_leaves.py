"""Which texts of a tree are leaves, and the context of each: the path of keys in free-form data, the nearest key elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from localrouter.core.ask import Leaf, Where
from localrouter.core.errors import Unsupported
from localrouter.dialects._leaves import walk

TREE = {"customer": {"name": "Ana", "ids": [5_369_043_99, 12, -10_000_000, 1.5], "vip": True, "note": None}, "empty": ""}


def leaves(tree: Any, where: Where = "metadata", *, free_keys: bool = False, context: str = "metadata") -> list[Leaf]:
    out: list[Leaf] = []
    walk(tree, ("metadata",), where, out, protocol=lambda path: path[-1] == "type", free_keys=free_keys, context=context)
    return out


def test_texts_and_big_numbers_with_the_path_of_their_keys() -> None:
    assert [(leaf.where, leaf.context, leaf.text) for leaf in leaves(TREE)] == [
        ("metadata", "metadata.customer.name", "Ana"),
        ("number", "metadata.customer.ids", "536904399"),
        ("number", "metadata.customer.ids", "-10000000"),
    ]


def test_in_a_schema_the_nearest_key_is_the_context() -> None:
    """`properties.password.description` says what a password would be; it is none."""
    tree = {"properties": {"password": {"type": "string", "description": "The user's password."}}}
    assert [(leaf.context, leaf.text) for leaf in leaves(tree, "tool_schema")] == [("description", "The user's password.")]


def test_keys_of_free_form_objects_are_leaves() -> None:
    found = leaves({"jane@roe.org": {"type": "x", "a": "b"}}, free_keys=True, context="")
    assert [(leaf.where, leaf.text) for leaf in found if leaf.where == "key"] == [
        ("key", "jane@roe.org"),
        ("key", "type"),
        ("key", "a"),
    ]
    assert [leaf.text for leaf in found if leaf.where != "key"] == ["b"], "a protocol field is no text"


def test_what_nobody_can_read_is_refused_by_name() -> None:
    with pytest.raises(Unsupported) as caught:
        leaves({"state": "QUJD" * 80})
    assert caught.value.param == "metadata.state"
