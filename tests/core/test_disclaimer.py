"""A contract's disclaimer: a sentence that an answer in words must hold; a domain may ask for it."""

from __future__ import annotations

import pytest

from localrouter.core.ask import Ask, Needs
from localrouter.core.contract import Contract
from localrouter.core.errors import ContractBroken
from localrouter.core.judge import Said, ToolCalled, judge
from localrouter.core.rules import joined
from localrouter.core.terms import Terms, terms

SENTENCE = "This is no medical advice."
ASK = Ask("openai_chat", {}, (), "", Needs(), None, 1, 10)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (f"Rest well. {SENTENCE}", True),
        ("Rest well.\n\n**THIS IS  no medical\nadvice.**", True),
        ("Rest well. This is medical advice.", False),
        ("", False),
    ],
)
def test_the_sentence_stands_in_the_answer(text: str, held: bool) -> None:
    found = judge(Terms(disclaimer=SENTENCE), [Said(text)], "h/m")
    assert (found.error is None) == held
    if not held:
        assert isinstance(found.error, ContractBroken) and SENTENCE in found.complaint and "disclaimer" in found.error.text


def test_a_tool_call_and_an_answer_for_a_program_have_no_place_for_it() -> None:
    assert judge(Terms(disclaimer=SENTENCE), [Said("", [ToolCalled("look", "{}")])], "h/m").error is None
    for more in ({"labels": ("yes", "no")}, {"required": ("dose",)}):
        made = terms(ASK, Contract(disclaimer=SENTENCE, **more), {})  # type: ignore[arg-type]
        assert made is not None and made.disclaimer is None
    made = terms(ASK, Contract(disclaimer=SENTENCE), {})
    assert made is not None and made.disclaimer == SENTENCE


def test_the_domains_contract_is_joined_to_the_routes() -> None:
    both = joined(Contract(citations="verify", disclaimer="Old."), Contract(disclaimer=SENTENCE))
    assert both is not None and (both.citations, both.disclaimer) == ("verify", SENTENCE)
    assert joined(None, None) is None and joined(None, Contract(disclaimer=SENTENCE)) == Contract(disclaimer=SENTENCE)
