"""What a relay understands of an answer while it passes: is there content, is it a refusal, is a tool call cut.

A refusal is known by the host's own word (a finish, a refusal field), and, only where a route does something about refusals, by its first
words. Their list follows the refusal strings of Zou et al. 2023, "Universal and Transferable Adversarial Attacks on Aligned Language
Models" (`test_prefixes`), narrowed to sentences that decline: "I'm sorry, the test fails because ..." is an answer.
"""

from __future__ import annotations

import re

from localrouter.core.chat import Channel, Chunk, Finish
from localrouter.core.words import FailureKind

FIRST = 160
"""Characters of an answer that are held back where its first words matter."""

_SORRY = (
    r"(?:(?:i['’]?m|i am|we['’]?re|we are) (?:very |really |so |terribly )?sorry|sorry|(?:i |my )?apologi[sz]e|my apologies|unfortunately"
    r"|as an ai(?: language model| assistant)?)[,.;:!]*\s*(?:but |however,? ?|that )?"
)
_CANNOT = (
    r"(?:i|we)(?: simply| just)?(?:['’]?m| am| are)? ?(?:not able|unable|not comfortable|can(?:no|['’])t|cannot|won['’]?t|will not"
    r"|must decline|have to decline|do not feel comfortable|don['’]t feel comfortable)"
)
_HELP = (
    r"(?: be able)?(?: to)? ?(?:help|assist|comply|provid|fulfil+|answer|engag|continu|discuss|creat|generat|writ|produc|support|do that|do this"
    r"|shar|offer|respond|with)(?:e|ing)?"
)
_WHAT = r"(?=.{0,60}?\b(?:that|this|request|with|such|instructions|it)\b)"
_DECLINES = r"i (?:must|have to) (?:respectfully )?decline"
_REFUSES = re.compile(
    rf"^\W*(?:{_SORRY}(?:{_CANNOT}{_HELP}\b|{_DECLINES})|{_CANNOT}{_HELP}\b{_WHAT}|{_DECLINES})", re.IGNORECASE | re.DOTALL
)


def declines(text: str) -> bool:
    """Whether the first words of an answer decline to give one."""
    return _REFUSES.match(text[: FIRST * 2]) is not None


class Hearing:
    """Chunk by chunk; holds the first words, and of tool calls only where they stand."""

    def __init__(self) -> None:
        self.first = ""
        self.finishes: set[Finish] = set()
        self.texts = self.calls = self.refusals = self.sealed = False
        self._grown: set[Channel] = set()
        self._open: dict[Channel, _Json] = {}

    def heard(self, chunk: Chunk) -> None:
        self.finishes.update(chunk.finish.values())
        for piece in chunk.pieces:
            channel = piece.channel
            self.sealed = self.sealed or bool(piece.opaque)
            if piece.mirror or piece.opaque or (piece.whole and channel in self._grown):
                continue
            if piece.text:
                self._grown.add(channel)
            if channel.kind == "text" and piece.text:
                self.texts = True
                if channel.choice == 0 and len(self.first) < FIRST * 2:
                    self.first += piece.text
            elif channel.kind == "refusal" and piece.text:
                self.refusals = True
            elif channel.kind == "tool":
                self.calls = True
                if channel.part == 0 and not piece.custom and (piece.text or piece.tool):
                    scan = self._open.get(channel)
                    if scan is None:
                        scan = self._open[channel] = _Json()
                    scan.feed(piece.text)
                elif piece.custom:
                    self._open.pop(channel, None)

    @property
    def decided(self) -> bool:
        """Enough was heard to tell whether it declines."""
        return self.calls or self.refusals or len(self.first.lstrip()) >= FIRST

    @property
    def cut(self) -> bool:
        """A tool call's JSON stops in the middle of itself, and not because a limit of tokens was reached."""
        return "length" not in self.finishes and any(scan.open for scan in self._open.values())

    def poor(self, *, whole: bool) -> FailureKind | None:
        """What is wrong with an answer that ended and that a client has seen nothing of. `whole`: a limit of tokens may not have been met."""
        if "content_filter" in self.finishes and not self.calls and not self.texts:
            return "content_filter"
        if "refusal" in self.finishes or (self.refusals and not self.texts and not self.calls):
            return "refusal"
        if "content_filter" in self.finishes:
            return "content_filter"
        if whole and "length" in self.finishes:
            return "truncated"
        if (
            not (self.texts or self.calls or self.refusals or self.sealed)
            and "length" not in self.finishes
            and "pause" not in self.finishes
        ):
            return "empty"
        return None


_JSON = re.compile(r'["{}\[\]\\]')


class _Json:
    """Whether JSON text that grows is inside of something. It judges no grammar."""

    __slots__ = ("_depth", "_escaped", "_string")

    def __init__(self) -> None:
        self._depth, self._string, self._escaped = 0, False, False

    def feed(self, text: str) -> None:
        at = 0
        if self._escaped and text:
            at, self._escaped = 1, False
        while (found := _JSON.search(text, at)) is not None:
            at, mark = found.end(), found[0]
            if mark == "\\":
                if not self._string:
                    continue
                if at >= len(text):
                    self._escaped = True
                at += 1
            elif mark == '"':
                self._string = not self._string
            elif not self._string:
                self._depth += 1 if mark in "{[" else -1

    @property
    def open(self) -> bool:
        return self._string or self._depth > 0
