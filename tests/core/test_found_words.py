"""Every kind of finding has words, and they hold no value."""

from __future__ import annotations

from localrouter.core.found_words import WORDS, listed
from localrouter.core.kinds import KINDS


def test_every_kind_has_words() -> None:
    assert set(KINDS) == set(WORDS)


def test_counts() -> None:
    assert listed({}) == "" and listed({"EMAIL": 0}) == ""
    assert listed({"EMAIL": 2, "PERSON": 1}) == "a person's name, 2 e-mail addresses"
    assert listed({"SOMETHING_NEW": 3, "API_KEY": 1}) == "an API key, 3 other private values"
