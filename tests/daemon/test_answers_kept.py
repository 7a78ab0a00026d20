"""What is kept of answers, for whom, how long and how much of it."""

from __future__ import annotations

import openai
import pytest
from conftest import Daemon
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response

from localrouter.daemon import answers_kept
from localrouter.daemon.answers_kept import AnswerGone, AnswersKept, ItemGone

ITEMS = [{"type": "message", "role": "user", "content": "hi"}, {"n": 2**70, "f": 0.1, "s": "é\u2028"}]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_was_kept_comes_back_whole() -> None:
    kept = AnswersKept()
    kept.keep(b"token", "resp_1", ITEMS)
    found = kept.recall(b"token", "resp_1")
    assert found == ITEMS
    found.append("edited by its reader")
    assert kept.recall(b"token", "resp_1") == ITEMS


def test_no_token_reaches_anothers_answers() -> None:
    kept = AnswersKept()
    kept.keep(b"token", "resp_1", ITEMS)
    for token, name in ((b"other", "resp_1"), (b"", "resp_1"), (b"tokenr", "esp_1"), (b"token", "resp_2")):
        with pytest.raises(AnswerGone):
            kept.recall(token, name)


def test_what_is_gone_is_said_in_openais_words() -> None:
    with pytest.raises(AnswerGone) as caught:
        AnswersKept().recall(b"t", "resp_1")
    error = caught.value
    assert (error.status, error.code, error.param) == (400, "previous_response_not_found", "previous_response_id")
    assert "Previous response with id 'resp_1' not found" in error.text
    with pytest.raises(AnswerGone) as odd:
        AnswersKept().recall(b"t", "jane@roe.org \ud800")
    assert "jane" not in odd.value.text


def test_after_a_day_it_is_forgotten() -> None:
    clock = Clock()
    kept = AnswersKept(clock)
    kept.keep(b"t", "old", ITEMS)
    clock.now += answers_kept.TTL_S - 1
    kept.keep(b"t", "new", ITEMS)
    assert kept.recall(b"t", "old") == ITEMS
    clock.now += 2
    with pytest.raises(AnswerGone):
        kept.recall(b"t", "old")
    assert kept.recall(b"t", "new") == ITEMS and len(kept) == 1


def test_the_oldest_goes_first() -> None:
    kept = AnswersKept()
    for i in range(answers_kept.ANSWERS + 10):
        kept.keep(b"t", f"r{i}", [i])
    assert len(kept) == answers_kept.ANSWERS
    with pytest.raises(AnswerGone):
        kept.recall(b"t", "r9")
    assert kept.recall(b"t", "r10") == [10]


def test_bytes_are_bounded() -> None:
    kept = AnswersKept()
    part = "x" * (answers_kept.BYTES // 4)
    for i in range(6):
        kept.keep(b"t", f"r{i}", [part])
    assert kept.size <= answers_kept.BYTES and len(kept) == 3
    kept.keep(b"t", "huge", [part] * 5)
    with pytest.raises(AnswerGone):
        kept.recall(b"t", "huge")
    assert len(kept) == 3, "one that is too large drives out no others"


SAID = [{"type": "reasoning", "id": "rs_1", "encrypted_content": "gAA"}, {"type": "message", "id": "msg_1"}, {"type": "no id"}]


def test_items_of_an_answer_are_found_by_their_ids() -> None:
    kept = AnswersKept()
    kept.keep(b"t", "r1", [{"type": "message", "id": "msg_asked"}, *SAID], SAID)
    assert [kept.recall_item(b"t", str(i["id"])) for i in SAID[:2]] == SAID[:2]
    for token, name in ((b"other", "msg_1"), (b"t", "msg_asked"), (b"t", "r1"), (b"t", "msg_2")):
        with pytest.raises(ItemGone) as caught:
            kept.recall_item(token, name)
        assert caught.value.status == 404 and f"'{name}' not found" in caught.value.text
    with pytest.raises(AnswerGone):
        kept.recall(b"t", "msg_1")
    kept.keep(b"t", "r2", SAID, SAID)
    assert kept.recall_item(b"t", "rs_1") == SAID[0], "the same item in another answer is the same"


def test_an_id_that_two_items_have_names_neither() -> None:
    """Hosts that are compatible only so far number the items of each answer from 0."""
    kept = AnswersKept()
    for text in ("mine", "another conversation's", "mine"):
        kept.keep(b"t", text, [], [{"type": "message", "id": "msg_0", "content": text}])
    with pytest.raises(ItemGone):
        kept.recall_item(b"t", "msg_0")


def test_items_are_bounded_too() -> None:
    clock = Clock()
    kept = AnswersKept(clock)
    part = "x" * (answers_kept.ITEM_BYTES // 4)
    for i in range(6):
        kept.keep(b"t", "r", [], [{"id": f"i{i}", "text": part}])
    assert kept.size <= answers_kept.ITEM_BYTES + 100
    with pytest.raises(ItemGone):
        kept.recall_item(b"t", "i0")
    assert kept.recall_item(b"t", "i5")["text"] == part
    clock.now += answers_kept.TTL_S + 1
    with pytest.raises(ItemGone):
        kept.recall_item(b"t", "i5")


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.lists(st.text(max_size=20), max_size=5)), max_size=30))
def test_the_sum_is_that_of_what_is_there(entries: list[tuple[str, list[str]]]) -> None:
    kept, model = AnswersKept(), {}
    for name, items in entries:
        kept.keep(b"t", name, items)
        model[name] = items
    assert {n: kept.recall(b"t", n) for n in model} == model and len(kept) == len(model)
    for name in list(model):
        kept.keep(b"t", name, [])
    assert kept.size == len(b'{"items":[]}') * len(model)


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_goes_on_from_an_answer(daemon: Daemon, stream: bool) -> None:
    """Also when the next request comes as soon as the last byte of the answer has been read."""
    with openai.OpenAI(base_url=daemon.base, api_key=daemon.client, max_retries=0) as client:
        first: Response
        if stream:
            with client.responses.stream(model="rehearsal/rehearsal-1", input="The harbour word is lantern.") as events:
                first = events.get_final_response()
        else:
            first = client.responses.create(model="rehearsal/rehearsal-1", input="The harbour word is lantern.")
        second = client.responses.create(model="rehearsal/rehearsal-1", input="And now?", previous_response_id=first.id)
        sent = daemon.host.record()[-1]["body"]
        assert "lantern" in sent and "And now?" in sent and first.id not in sent, "the host keeps nothing and is told everything"
        assert second.id != first.id
        unkept = client.responses.create(model="rehearsal/rehearsal-1", input="hi", store=False)
        for gone in (unkept.id, "resp_nobody"):
            with pytest.raises(openai.BadRequestError) as caught:
                client.responses.create(model="rehearsal/rehearsal-1", input="go on", previous_response_id=gone)
            assert caught.value.code == "previous_response_not_found" and caught.value.param == "previous_response_id"
