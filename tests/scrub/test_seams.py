"""A value that was cut in two by the border of two leaves is found, each leaf gets its part, and texts that end are not joined."""

from __future__ import annotations

import pytest

from localrouter.core.ask import Leaf, Where
from localrouter.scrub import detectors
from localrouter.scrub.seams import crossed, seams

KEY = "sk-" + "ant-api03-" + "a8Kd92mQx4LpVz81RtYc63NwBs05HjUe7fGiQw"


def leaves(*texts: str, where: Where = "user") -> list[Leaf]:
    return [Leaf(("messages", i, "content"), text, where, "content") for i, text in enumerate(texts)]


def found(own: list[Leaf]) -> list[set[str]]:
    """What crosses borders, by leaf."""
    across = [(s, detectors.find(s.text, "seam")) for s in seams(own, lambda text, context: text.encode())]
    rows = crossed(own, [() for _ in own], across)
    return [{leaf.text[f.start : f.end] for f in row} for leaf, row in zip(own, rows, strict=True)]


@pytest.mark.parametrize("at", [8, 14, 20, 40])
def test_a_key_in_two(at: int) -> None:
    assert found(leaves("my key is " + KEY[:at], KEY[at:] + " ok?")) == [{KEY[:at]}, {KEY[at:]}]


def test_an_address_in_two_after_a_long_text() -> None:
    assert found(leaves("x = 1\n" * 500 + "write to jane", "@roe.org now" + " and so on" * 100)) == [{"jane"}, {"@roe.org"}]


def test_a_value_in_many_small_pieces() -> None:
    address = "jane.roe@example-mail.org"
    rows = found(leaves("mail " + address[:6], address[6:12], address[12:18], address[18:] + " now"))
    assert rows == [{"jane.r"}, {"oe@exa"}, {"mple-m"}, {"ail.org"}]


@pytest.mark.parametrize("pair", [("It is done.", " Next one"), ("a\n", "b"), ("", "b"), ("x ", "y"), ("a", "")])
def test_texts_that_end_are_not_joined(pair: tuple[str, str]) -> None:
    assert seams(leaves(*pair), lambda text, context: b"") == []


def test_keys_numbers_and_schemas_are_no_neighbours() -> None:
    for where in ("key", "number", "tool_schema", "metadata", "tool_arguments"):
        assert seams(leaves("abc", "def", where=where), lambda text, context: b"") == []  # type: ignore[arg-type]
    mixed = [*leaves("mail jane"), *leaves("x", where="key"), *leaves("@roe.org")]
    assert found(mixed) == [set(), set(), set()]


def test_touching_names_are_left_alone() -> None:
    assert found(leaves("thanks, Jane", "Roe said so")) == [set(), set()]


def whole(*texts: str) -> list[set[str]]:
    """What is found in the leaves, alone and across."""
    own = leaves(*texts)
    across = [(s, detectors.find(s.text, "seam")) for s in seams(own, lambda text, context: text.encode())]
    rows = crossed(own, [tuple(detectors.find(leaf.text, leaf.context)) for leaf in own], across)
    return [{leaf.text[f.start : f.end] for f in row} for leaf, row in zip(own, rows, strict=True)]


def test_a_sentence_that_ends_with_an_address() -> None:
    assert whole("Write to jane@roe.org.", "Done.") == [{"jane@roe.org"}, set()]
    assert whole("Write to jane@roe.", "org today") == [{"jane@roe."}, {"org"}], "the address itself is in two"
    assert whole("Write to jane@roe.co.", "uk today")[1] == {"uk"}, "it may go on"


PASSWORD = "DB_PASSWORD=" + "Vq7-tr0ub4dor"


def test_where_another_speaks_no_value_goes_on() -> None:
    """What an agent read ends with a password and no line's end; the model's next turn begins with a word."""
    for first, then in (("tool_result", "assistant"), ("user", "assistant"), ("assistant", "user"), ("tool_result", "user")):
        own = [*leaves(PASSWORD, where=first), *leaves("Now the report.", where=then)]  # type: ignore[arg-type]
        assert found(own) == [set(), set()]


def test_two_results_of_tools_are_not_one() -> None:
    def results(*paths: tuple[str | int, ...]) -> list[set[str]]:
        texts = (PASSWORD, "Orders service")
        return found([Leaf(path, text, "tool_result", "content") for path, text in zip(paths, texts, strict=True)])

    first, second = ("messages", 1, "content"), ("messages", 2, "content")
    assert results(first, second) == [set(), set()]
    assert results((*first, 0, "content"), (*first, 1, "content")) == [set(), set()]
    assert results((*first, 0, "content", 0, "text"), (*first, 1, "content", 0, "text")) == [set(), set()]
    parts = results((*first, 0, "content", 0, "text"), (*first, 0, "content", 1, "text"))
    assert parts == [{PASSWORD.partition("=")[2]}, {"Orders"}], "two parts of one result may hold one value"


def test_a_third_voice_ends_what_is_read_across() -> None:
    own = [*leaves("mail jane", "@roe.or"), *leaves("g now", where="assistant")]
    assert found(own) == [{"jane"}, {"@roe.or"}, set()]
