"""Lines of Markdown: is this one inside a fenced code block, or inside a block of raw HTML?

Only what a renderer would show as code counts as code: containers (quotes, list items), fences and HTML blocks are followed as in
CommonMark 0.31, section "Appendix: A parsing strategy", one line at a time. Nothing here knows of tokens.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["text", "code", "html"]

_FENCE = re.compile(r"(?P<run>`{3,})[^`]*$|(?P<tilde>~{3,})")
_BULLET = re.compile(r"(?:[-+*]|(?P<number>\d{1,9})[.)])(?= |$)")
_RULE = re.compile(r"(?:(?:\*[ ]*){3,}|(?:-[ ]*){3,}|(?:_[ ]*){3,})$")
_SETEXT = re.compile(r"(?:=+|-+) *$")
_HEADING = re.compile(r"#{1,6}(?: |$)")
_ATTRIBUTES = r"(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?)*"
_HTML: tuple[tuple[re.Pattern[str], re.Pattern[str] | None], ...] = (
    (re.compile(r"<(?:script|pre|style|textarea)(?:\s|>|$)", re.I), re.compile(r"</(?:script|pre|style|textarea)>", re.I)),
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<\?"), re.compile(r"\?>")),
    (re.compile(r"<![A-Za-z]"), re.compile(r">")),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")),
    (
        re.compile(
            r"</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
            r"fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
            r"menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|source|summary|table|tbody|td|tfoot|th|thead|title|"
            r"tr|track|ul)(?:\s|/?>|$)",
            re.I,
        ),
        None,
    ),
    (re.compile(rf"(?:<[A-Za-z][A-Za-z0-9-]*{_ATTRIBUTES}\s*/?>|</[A-Za-z][A-Za-z0-9-]*\s*>)\s*$"), None),
)


class Blocks:
    """Where the next line stands. `feed` takes whole lines without their newline, `look` the beginning of one."""

    __slots__ = ("_definition", "_end", "_fence", "_html", "_items", "_paragraph")

    def __init__(self) -> None:
        # A container is the indent that an item's content needs (0: a quote), and whether the item has begun with a blank line.
        self._items: list[tuple[int, bool]] = []
        self._paragraph = False
        self._definition = False  # the paragraph may be a link definition; renderers differ on what ends one, so HTML does
        self._fence = ""
        self._html = False
        self._end: re.Pattern[str] | None = None

    @property
    def fenced(self) -> bool:
        """A fence is open, unless the next line leaves its container."""
        return bool(self._fence)

    @property
    def html(self) -> bool:
        """A block of raw HTML is open, unless the next line leaves its container."""
        return self._html

    def look(self, start: str) -> Kind:
        """What the line is that begins so. `start` must hold its first character that is no space."""
        if not self._fence and not self._html:
            return "html" if self._opens_html(start) else "text"
        if self._items:
            _, matched = self._match(start.expandtabs(4))
            if matched < len(self._items):
                return "html" if self._opens_html(start) else "text"
        return "code" if self._fence else "html"

    def _opens_html(self, start: str) -> bool:
        return "<" in start and any(opener.match(start.lstrip(" >-+*0123456789.)\t")) for opener, _ in _HTML[:6])

    def feed(self, line: str) -> None:
        """The next line is over."""
        if not self._items and self._paragraph and line[:1].isalpha():
            return
        line = line.expandtabs(4)
        pos, matched = self._match(line)
        if matched == len(self._items) and self._inside(line, pos):
            return
        if self._fence or self._html:
            self._fence, self._html = "", False
            self._paragraph = False
        self._open(line, pos, matched)

    def _match(self, line: str) -> tuple[int, int]:
        """How far into the line the open containers reach, and how many of them go on."""
        pos = 0
        for i, (need, empty) in enumerate(self._items):
            rest = line[pos:].lstrip(" ")
            indent = len(line) - pos - len(rest)
            if need == 0:
                if indent > 3 or rest[:1] != ">":
                    return pos, i
                pos += indent + 1
                pos += line[pos : pos + 1] == " "
            elif not rest:
                if empty:
                    return pos, i
                pos = len(line)
            elif indent >= need:
                pos += need
                if empty:
                    self._items[i] = (need, False)
            else:
                return pos, i
        return pos, len(self._items)

    def _inside(self, line: str, pos: int) -> bool:
        """Goes on with the fence or the HTML block that is open."""
        rest = line[pos:]
        if self._fence:
            bare = rest.strip(" ")
            if len(rest) - len(rest.lstrip(" ")) <= 3 and bare.startswith(self._fence) and not bare.strip(self._fence[0]):
                self._fence = ""
            return True
        if self._html:
            if self._end.search(rest) if self._end else not rest.strip():
                self._html = False
            return True
        return False

    def _open(self, line: str, pos: int, matched: int) -> None:
        """What begins on this line."""
        fresh = False
        while True:
            rest = line[pos:].lstrip(" ")
            indent = len(line) - pos - len(rest)
            here = self._paragraph and not fresh and matched == len(self._items)
            lazy = self._paragraph and not fresh
            if not rest:
                if matched < len(self._items):
                    del self._items[matched:]
                self._paragraph = False
                return
            if indent >= 4:
                break
            if rest[0] == ">":
                del self._items[matched:]
                self._items.append((0, False))
                pos += indent + 1
                pos += line[pos : pos + 1] == " "
            elif rest[0] in "`~" and (fence := _FENCE.match(rest)):
                del self._items[matched:]
                self._fence, self._paragraph = fence["run"] or fence["tilde"], False
                return
            elif (
                (rest[0] == "<" and self._html_starts(rest, lazy and not self._definition))
                or _HEADING.match(rest)
                or (here and _SETEXT.match(rest))
                or _RULE.match(rest)
            ):
                del self._items[matched:]
                self._paragraph = False
                return
            elif (bullet := _BULLET.match(rest)) and not (
                here and ((bullet["number"] is not None and int(bullet["number"]) != 1) or not rest[bullet.end() :].strip())
            ):
                after = rest[bullet.end() :]
                spaces = len(after) - len(after.lstrip(" "))
                blank = spaces == len(after)
                need = indent + bullet.end() + (1 if blank or spaces > 4 else spaces)
                del self._items[matched:]
                self._items.append((need, blank))
                pos = min(len(line), pos + need)
            else:
                break
            matched, fresh, self._paragraph = len(self._items), True, False
        if self._paragraph and not fresh:
            return  # goes on, lazily if a container is missing
        del self._items[matched:]
        self._paragraph = indent < 4
        self._definition = rest[0] == "["

    def _html_starts(self, rest: str, paragraph: bool) -> bool:
        for opener, end in _HTML[:-1] if paragraph else _HTML:
            if opener.match(rest):
                self._html = not (end is not None and end.search(rest))
                self._end = end
                return True
        return False
