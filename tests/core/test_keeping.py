"""The lesser of what config.toml and a route say is kept of texts."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest
from pydantic import ValidationError

from localrouter.core.keeping import Logging, Texts, kept

ORDER = ["none", "hashed", "veiled"]


def test_nothing_is_kept_that_either_of_them_leaves_out() -> None:
    assert set(ORDER) == set(get_args(Texts))
    for general, own, outputs in itertools.product(ORDER, ORDER, (True, False)):
        prompts, answer = kept(general, Logging(prompts=own, outputs=outputs))  # type: ignore[arg-type]
        assert ORDER.index(prompts) == min(ORDER.index(general), ORDER.index(own))
        assert answer == (general if outputs else "none")
    for general in ORDER:
        assert kept(general, None) == (general, general)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"prompts": "full"}, {"keep_days": 0}, {"keep_day": 3}, {"outputs": "maybe"}])
def test_what_is_no_rule_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Logging.model_validate(wrong)
