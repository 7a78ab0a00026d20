"""Fences and HTML blocks, line by line, beside an independent CommonMark parser."""

from __future__ import annotations

import random

import pytest
from markdown_it import MarkdownIt

from localrouter.scrub.blocks import Blocks
from localrouter.scrub.htmltags import Tags

PIECES = (
    "```", "~~~", "````", "``` py", "~~~a`b", "```a`b", "> ", ">", "- ", "1. ", "2) ", "10. ", "* ", "+", "-", "    ", "  ", "   ", " ", "\t", "foo", "bar baz",
    "<div>", "<div", "</div>", "<script>", "</script>", "<!--", "-->", "<pre>", "<b>", "<b", "# h", "---", "===", "***", "", "", "x = 1", "[a]: /u", "<?", "?>",
)  # fmt: skip
MARKDOWN = MarkdownIt("commonmark")


def fenced(text: str) -> set[int]:
    """Lines of fenced code, by the other parser."""
    out: set[int] = set()
    for token in MARKDOWN.parse(text):
        if token.type == "fence" and token.map:
            lines = token.content.count("\n") + (not token.content.endswith("\n") and token.content != "")
            out.update(range(token.map[0] + 1, token.map[0] + 1 + lines))
    return out


def ours(text: str) -> set[int]:
    blocks, out = Blocks(), set()
    for i, line in enumerate(text.split("\n")):
        code = blocks.look(line) == "code"
        open_ = blocks.fenced
        blocks.feed(line)
        if code and (blocks.fenced or not open_):
            out.add(i)
    return out


def test_what_counts_as_code_is_code_to_every_renderer(capsys: pytest.CaptureFixture[str]) -> None:
    """Never code where the renderer shows text (a value would be fetched); hardly ever text where it shows code."""
    missed = lines = 0
    count = 4000
    for seed in range(count):
        r = random.Random(seed)
        text = "\n".join("".join(r.choice(PIECES) for _ in range(r.randrange(4))) for _ in range(r.randrange(1, 9)))
        said = {i for i, line in enumerate(text.split("\n")) if line.strip(" \t>")}
        truth = fenced(text) & said
        mine = ours(text) & said
        assert mine <= truth, (seed, text, sorted(mine), sorted(truth))
        missed += len(truth - mine)
        lines += len(truth)
    with capsys.disabled():
        print(f"\n{count} documents: {lines} lines of fenced code, {missed} of them not recognised, none taken for code wrongly")
    assert missed <= lines / 200


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('<img src="', True), ("<img src=", True), ("<img src='a' ", False), ("<img src='a'>", False), ("a < b = ", False), ("<img alt='>' src=x", True),
        ("`<a href=\"` ", False), ("`<a href=\"", True), ("<script>x", True), ("<script>x</script>", False), ("`<style>` x", False), ("<style> x", True),
        ("<a ='' b='", True), ("<a b = ", True), ("<a b ", False), ("</a href=", False), ("<a/b=", True), ("\\`<a b=\"` ", True), ("<a b=x c", False),
    ],
)  # fmt: skip
def test_attribute_values(text: str, inside: bool) -> None:
    for size in (1, 3, 100):
        tags = Tags()
        for i in range(0, len(text), size):
            tags.feed(text[i : i + size], html=False)
        if text.endswith("` "):
            tags.feed("x", html=False)
        assert tags.value is inside


def test_a_blank_line_ends_a_tag_in_a_paragraph_but_no_quote_of_raw_html() -> None:
    for html in (False, True):
        tags = Tags()
        tags.feed('<a title="', html=html)
        if html:
            tags.leave(html=True)
        tags.newline(blank=True, html=False)
        assert tags.value is html
