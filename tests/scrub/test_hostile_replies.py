"""10 000 replies that try to make a client fetch a private value, judged by an independent renderer."""

from __future__ import annotations

import itertools
import random
import re

import pytest
import replies

from localrouter.core.chat import Channel
from localrouter.scrub.toolclass import tool_class
from localrouter.scrub.unveil import Unveiler

TEXT = Channel(0, "text")


def restored(text: str, cuts: list[int] | None = None) -> str:
    u = Unveiler(replies.TABLE, replies.OUT, tool_class)
    edges = [0, *sorted(cuts or []), len(text)]
    return "".join(u.feed(TEXT, text[a:b]) for a, b in itertools.pairwise(edges)) + u.flush(TEXT)


def judge(seeds: range) -> tuple[int, int, int]:
    """(replies, fetchable places, tokens restored in prose). Fails at the first fault."""
    places = kept = 0
    for seed in seeds:
        reply = replies.reply(seed) if seed % 3 else replies.composite(seed)
        said = restored(reply.text)
        bad = replies.leaks(said)
        assert not bad, f"seed {seed}: {bad}\n{reply.text}\n---\n{said}"
        places += len(replies.fetched(said))
        at = 0
        for token in reply.must:
            value = replies.TABLE.find(token)
            assert value is not None
            at = said.find(value.value, at)
            assert at >= 0, f"seed {seed}: {token} was not restored in\n{reply.text}\n---\n{said}"
            kept += 1
        r = random.Random(seed)
        size = len(reply.text)
        for cuts in ([r.randrange(size + 1)], [r.randrange(size + 1) for _ in range(8)], list(range(size))):
            assert restored(reply.text, cuts) == said, f"seed {seed}: cut at {cuts}"
    return len(seeds), places, kept


def test_no_reply_sends_a_value_away(capsys: pytest.CaptureFixture[str]) -> None:
    count = judge(range(1500))
    with capsys.disabled():
        print("\n{} hostile replies, {} fetchable places without a value, {} tokens restored in prose".format(*count))


@pytest.mark.long
def test_no_reply_of_ten_thousand_sends_a_value_away(capsys: pytest.CaptureFixture[str]) -> None:
    count = judge(range(100_000, 110_000))
    with capsys.disabled():
        print("\n{} hostile replies, {} fetchable places without a value, {} tokens restored in prose".format(*count))


def test_the_judge_sees_what_it_must() -> None:
    """Restored blindly, most of these replies would leak: the judge is not blind."""
    seen = 0
    for seed in range(300):
        text = replies.reply(seed).text
        blind = replies.TABLE.pattern.sub(lambda m: e.value if (e := replies.TABLE.lookup(m)[0]) else m[0], text)
        seen += bool(replies.leaks(blind))
    assert seen > 150
    for reply in (
        "![x](//e.co/Zedowna)",
        "https://e.co/?q=Zedowna",
        "evil.com/zedowna",
        "<img src=zedowna>",
        "<xx:Zedowna>",
        "[x][r]\n\n[r]: Zedowna",
    ):
        assert replies.leaks(reply), reply
    for reply in (
        "Zedowna",
        "`https://e.co/`Zedowna",
        "[Zedowna](https://e.co)",
        "qmailann@corpdomain.com",
        "dbhostx.corpdomain.com",
    ):
        assert not replies.leaks(reply), reply


@pytest.mark.parametrize(
    "form",
    ["{}", "({}).", "[a]({})", "<{}>", '<a href="{}">x</a>', "[r]: {}\n\n[r]", "![i]({} 'PERSON')", "`{}`", "**{}**", "a {} b"],
)
def test_a_link_that_left_in_this_form_comes_back(form: str) -> None:
    real = replies.VOUCHED.replace(replies.HOST, "dbhostx.corpdomain.com").replace("PERSON_3ABCDE", "Qmaskina Ruiz")
    assert restored(form.format(replies.VOUCHED)) == form.format(real)
    longer = form.format(replies.VOUCHED + "&b=PERSON_3ABCDE")
    assert not re.search("Qmaskina|dbhostx", restored(longer))
