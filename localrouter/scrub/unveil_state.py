"""Where a streamed answer stands: in prose, a block of code, an edit, raw HTML, a JSON string, a link's target. What unveil.py asks before it says
a value.
"""

from __future__ import annotations

from localrouter.scrub.blocks import Blocks
from localrouter.scrub.htmltags import Tags
from localrouter.scrub.jsontext import JsonText, is_content
from localrouter.scrub.links import URL_MAX
from localrouter.scrub.tokens import Entry
from localrouter.scrub.toolclass import ToolClass

LINE_MAX = 1000
"""Characters of a line by which blocks and edits are recognised."""


class State:
    """One channel: what is not yet said (`buf` from `at`; what was said stays before it for a while), and where we stand."""

    # fmt: off
    __slots__ = ("at", "blank", "blocks", "buf", "clean", "cls", "diff", "edit", "inner", "json", "left", "line", "looked", "mode", "net", "said",
                 "start", "tags", "weird")
    # fmt: on

    def __init__(self, cls: ToolClass | None) -> None:
        self.cls = cls
        self.buf, self.at, self.said = "", 0, 0
        self.mode, self.start, self.weird = "", 0, False
        self.blank, self.looked = -1, 0  # the blank line that ends a weird target, or how far there is none
        # A text that begins with a quote is no JSON string; a tool's arguments are.
        self.json, self.inner = JsonText(int(cls is None)), JsonText(1)
        self.blocks, self.tags = Blocks(), Tags()
        self.line, self.edit, self.diff = "", False, False
        self.left = False  # this line has left the block of raw HTML that was open
        self.net = True
        self.clean = True  # nothing that a client may fetch reaches into this line from one before

    def consume(self, to: int) -> str:
        text = self.buf[self.at : to]
        if not text:
            return ""
        self.at = to
        self.said += len(text)
        if self.json.valid is not False:
            self.json.feed(text)
        if self.cls is not None:
            return text
        at = text.find("\n")
        if at < 0:
            self._part(text)
            return text
        begin = 0
        while at >= 0:
            self._part(text[begin:at])
            self._line_done()
            begin, at = at + 1, text.find("\n", at + 1)
        self._part(text[begin:])
        return text

    def _part(self, part: str) -> None:
        if not part:
            return
        # A quote's markers are no part of the HTML in it.
        bare = part if self.line.strip(" >\t") else part.lstrip(" >\t")
        if len(self.line) < LINE_MAX:
            self.line += part[: LINE_MAX - len(self.line)]
        if self.blocks.fenced and self.code:
            self.inner.feed(part)
        elif bare and (not self.tags.idle or "<" in bare or "`" in bare or "\\" in bare):
            if self.blocks.html and not self.left and self.blocks.look(self.line) == "text":
                self.left = True
                self.tags.leave(html=True)
            self.tags.feed(bare, self.blocks.html)

    def _line_done(self) -> None:
        line, self.line, self.left = self.line, "", False
        before = self.blocks.fenced
        html = not before and not self.tags.idle and self.blocks.look(line) == "html"
        # Of a line that is too long to keep, no fence is believed.
        self.blocks.feed(line if len(line) < LINE_MAX else line + "`")
        if self.blocks.fenced and before:
            self.inner.feed("\n")
        elif self.blocks.fenced:
            self.inner = JsonText(1)
        bare = line.strip()
        if html and not self.blocks.html:
            self.tags.leave(html=True)
        elif self.blocks.fenced and not before:
            self.tags.leave(html=False)
        self.tags.newline(not bare and not self.blocks.html, self.blocks.html)
        self.clean = not self.mode and self.tags.idle and not self.tags.value
        if bare.startswith(("<<<<<<<", "*** Begin Patch")):
            self.edit = True
        elif bare.startswith((">>>>>>>", "*** End Patch")):
            self.edit = False
        if line.startswith(("diff --git ", "--- a/", "--- /dev/null", "@@ -")):
            self.diff = True
        elif (
            self.diff
            and line[:1] not in (" ", "+", "-", "@", "\\")
            and not line.startswith(("index ", "new file", "deleted file"))
        ):
            self.diff = False

    def trim(self) -> None:
        keep = (self.start if self.mode and not self.weird else self.at) - URL_MAX - 64
        if keep > URL_MAX:
            self.buf, self.at, self.start = self.buf[keep:], self.at - keep, self.start - keep
            self.blank, self.looked = self.blank - keep, self.looked - keep

    @property
    def code(self) -> bool:
        """In code that a client shows as it is; the next character belongs to it."""
        return self.blocks.fenced and self.blocks.look(self.line + "x") == "code"

    @property
    def sealed(self) -> bool:
        """In prose: a secret stays away."""
        return not (self.edit or (self.diff and self.line[:1] in (" ", "+", "-", "@")) or self.code)

    def escape(self, entry: Entry) -> str:
        value = entry.value
        if self.cls is not None:
            return self.json.escape(value, entry.raw)
        within = self.json if self.json.valid and self.json.inside else self.inner if self.blocks.fenced else None
        # What may have come from such a place keeps its bytes; else quotes and line ends would break the JSON.
        if within is None or not within.depth or (is_content(value) and not (entry.decoded and within is self.json)):
            return value
        return within.escape(value, entry.raw)
