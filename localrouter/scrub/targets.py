"""Where the target of a Markdown link ends, while it streams in: `[text](target "title")` and `[label]: target`. Source: CommonMark 0.31.2, sections
4.7 and 6.3.
"""

from __future__ import annotations

import re

from localrouter.scrub.links import URL_MAX
from localrouter.scrub.unveil_state import LINE_MAX, State

_BLANK = re.compile(r"\n[ \t]*\n")
_PAREN = re.compile(r"\\.|[()<]|\]\(|\n[ \t]*\n", re.S)
_ANGLE = re.compile(r"\\.|[<>\n]", re.S)
_DEFINED = re.compile(r"[ \t]*\n?[ \t>]*")
_SPACE = re.compile(r"[ \t\n\r\f\v]")


def inline_end(s: State, final: bool) -> int | None:
    """Where `(target "title")` ends. What no CommonMark parser reads as one target ends with the paragraph."""
    buf = s.buf
    if not s.weird:
        end = _target(buf, s.start)
        if end is None and len(buf) - s.start <= URL_MAX:
            return len(buf) if final else None
        if end is not None and 0 <= end - s.start <= URL_MAX:
            return end
        s.weird = True
    if s.blank < s.at and s.looked < len(buf):
        blank = _BLANK.search(buf, max(s.start, s.at - LINE_MAX))
        s.blank, s.looked = (blank.start() + 1, 0) if blank else (-1, len(buf))
    return s.blank if s.blank >= 0 else len(buf) if final else None


def definition_end(s: State, final: bool) -> int | None:
    """Where the target of `[label]: target` ends; -1 if this is no definition."""
    buf = s.buf
    lead = _DEFINED.match(buf, s.start)
    begin = lead.end() if lead else s.start
    if s.weird:
        space = _SPACE.search(buf, s.at)
        return space.start() if space else len(buf) if final else None
    if begin == len(buf):
        return -1 if final else None
    if buf[begin] == "\n":
        return -1
    angle = buf[begin] == "<"
    over = (_ANGLE if angle else _SPACE).search(buf, begin + angle)
    while angle and over is not None and over[0][0] == "\\":
        over = _ANGLE.search(buf, over.end())
    if (over.start() if over else len(buf)) - begin > URL_MAX:
        s.weird = True
        return definition_end(s, final)
    if over is None:
        return len(buf) if final else None
    end = over.start() + (over[0] == ">")
    rest = len(buf) - len(buf[end:].lstrip(" \t"))
    if rest == len(buf):
        return end if final else None
    return end if buf[rest] in "\n\"'(" or angle else -1


def _target(buf: str, start: int) -> int | None:
    """Where the target that begins at `start` ends (its closing parenthesis), None if that is not in sight, -1 if it is none."""
    at = start
    while at < len(buf) and buf[at] in " \t\n":
        at += 1
    if at < len(buf) and buf[at] == "<":
        over = _ANGLE.search(buf, at + 1)
        while over is not None and over[0][0] == "\\":
            over = _ANGLE.search(buf, over.end())
        if over is None:
            return None
        if over[0] != ">":
            return -1
        at = over.end()
    depth = 0
    while True:
        found = _PAREN.search(buf, at)
        if found is None or found.start() - start > URL_MAX:
            return None
        what = found[0]
        if what[0] == "\n":
            return found.start() + 1
        if what in ("<", "]("):
            return -1
        if what == "(":
            depth += 1
        elif what == ")":
            if not depth:
                return found.start()
            depth -= 1
        at = found.end()
