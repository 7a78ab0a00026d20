"""Unveil: tokens in a streamed answer become values again, where the restore table (DESIGN section 7) says so.

Law: cutting the stream elsewhere changes nothing; one pass, so a restored value is never read again; inside whatever a client
may fetch, only a link that left this machine in this very form is restored. Unknown tokens stand, and are counted. A dialect plugs
in by calling `feed` with each piece of a text or of a tool's arguments as JSON text, and `flush` at its end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from localrouter.core.chat import Channel
from localrouter.scrub import links, targets
from localrouter.scrub.links import URL_MAX, WORD_MAX, Outgoing
from localrouter.scrub.shell import reaches_network
from localrouter.scrub.tokens import Entry, TokenTable
from localrouter.scrub.toolclass import ToolClass
from localrouter.scrub.unveil_state import State

CONTEXT = 64
"""Characters before a token in a script or a style that must have stood there before."""

_DIGIT = re.compile(r"[0-9]")
_EVENT = re.compile(r"\](?P<kind>[(:])")
_LABEL = re.compile(r"[\s>*+\-\d.)]*\[(?:[^\[\]\\]|\\.)*$|[^\[]*$")
_MAIL = re.compile(r"mailto:[^?&#\s]*", re.I)
_VALUE = re.compile(r"=\s*([\"']?)")
_TITLED = re.compile(r"(<[^<>]*>|\S+)\s+[\"'(]")


class _Token(NamedTuple):
    """Where it stands in the buffer, and what it names: None for one that was made up."""

    start: int
    end: int
    entry: Entry | None


class Unveiler:
    """One answer. `outgoing` is `Veiled.outgoing`. `json_reply`: the client asked for JSON and will not render the text as Markdown.
    `unresolved` lists tokens that an edit would have written to a file."""

    def __init__(
        self, table: TokenTable, outgoing: str, tool_class: Callable[[str], ToolClass], *, json_reply: bool = False
    ) -> None:
        self.table = table
        self.counts: Counter[str] = Counter(restored=0, unknown=0, withheld=0)
        self.unresolved: list[str] = []
        self._outgoing = Outgoing(outgoing)
        self._class = tool_class
        self._json_reply = json_reply
        self._pattern = table.pattern
        self._states: dict[Channel, State] = {}

    def feed(self, channel: Channel, text: str, tool: str | None = None) -> str:
        """What may be said now. `tool` is the tool's name, with the call's first piece."""
        state = self._state(channel)
        if tool and channel.kind == "tool" and not state.said and not state.buf:
            state.cls = self._class(tool)
        state.buf += text
        # A shell command is judged whole: a network verb may stand after the value.
        return "" if state.cls == "shell" else self._say(state, False)

    def flush(self, channel: Channel) -> str:
        """The rest of a channel, at its end."""
        state = self._states.pop(channel, None)
        if state is None:
            return ""
        if state.cls == "shell":
            state.net = reaches_network(state.buf)
        return self._say(state, True)

    def _state(self, channel: Channel) -> State:
        if channel not in self._states:
            self._states[channel] = State("unknown" if channel.kind == "tool" else None)
        return self._states[channel]

    def _say(self, s: State, final: bool) -> str:
        if s.at == len(s.buf):
            return ""
        stop = len(s.buf) if final else self.table.pending(s.buf, s.at)
        if not final and s.cls is None and stop == len(s.buf) and s.buf[-1] == "]":
            stop -= 1
        out: list[str] = []
        token = self._next(s, s.at, stop)
        event = self._event(s, stop)
        while s.at < len(s.buf):
            if token is not None and token.start < s.at:
                token = self._next(s, s.at, stop)
            if s.mode:
                said = self._region(s, token, stop, final)
                if said is None:
                    break
                out.append(said)
                event = self._event(s, stop)
                continue
            if event is not None and event.start() < s.at:
                event = self._event(s, stop)
            if token is not None and (event is None or token.start < event.start()):
                out.append(s.consume(token.start))
                said = self._word(s, token, final)
                if said is None:
                    break
                out.append(said)
            elif event is not None:
                out.append(s.consume(event.end()))
                self._enter(s, event["kind"])
            else:
                out.append(s.consume(stop))
                break
        s.trim()
        return "".join(out)

    def _event(self, s: State, stop: int) -> re.Match[str] | None:
        """The next place where a link's target could begin. Tool arguments are shown as they are."""
        return _EVENT.search(s.buf, s.at, stop) if s.cls is None and not self._json_reply else None

    def _next(self, s: State, at: int, stop: int) -> _Token | None:
        """The next of our tokens that starts before `stop`, or what looks exactly like one."""
        if _DIGIT.search(s.buf, at) is None:
            return None
        while match := self._pattern.search(s.buf, at):
            if match.start() >= stop:
                break
            entry, ours = self.table.lookup(match)
            if entry is not None:
                return _Token(self.table.start(match, entry), match.end(), entry)
            if ours:
                return _Token(match.start(), match.end(), None)
            at = match.start() + 1
        return None

    def _give(self, s: State, token: _Token, allowed: bool) -> str:
        """The value, or the token as it stands."""
        raw = s.buf[token.start : token.end]
        said = raw
        if token.entry is None:
            self.counts["unknown"] += 1
            if s.cls == "edit" and raw not in self._outgoing:
                self.unresolved.append(raw)
        elif allowed and _may(s, token.entry):
            self.counts["restored"] += 1
            said = s.escape(token.entry)
        else:
            self.counts["withheld"] += 1
            if s.cls == "edit":
                self.unresolved.append(raw)
        s.consume(token.end)
        return said

    # --- a token in running text -----------------------------------------------------------------

    def _word(self, s: State, token: _Token, final: bool) -> str | None:
        """What is said of a token outside of a link's target, or None while its word is not over."""
        entry = token.entry
        if entry is None or s.cls in ("network", "unknown") or not _may(s, entry):
            return self._give(s, token, False)
        mode = "json" if s.cls is not None or self._json_reply else "code" if s.code else "prose"
        buf, after = s.buf, token.end
        broken = links.break_of(mode).search(buf, after, after + WORD_MAX)
        if broken is None and not final and len(buf) - after < WORD_MAX:
            return None
        end = broken.start() if broken else min(len(buf), after + WORD_MAX)
        low = max(0, token.start - URL_MAX)
        begin = links.word_start(buf, token.start, low, mode)
        if begin == low and low > 0 and not (mode == "prose" and s.json.inside):
            return self._fetched(s, token, final, vouched=False)  # the word's beginning is out of sight
        start = links.address(buf, begin, token.start, after, end, mode)
        if (
            mode != "prose"
            and (long := links.quoted(buf, low, token.start, escaped=s.cls == "edit" and bool(s.json.valid))) is not None
        ):
            start = long[0] if start is None else min(start, long[0])
            broken = _closing(long[1]).search(buf, after, start + URL_MAX)
        elif start is not None and broken is None:
            broken = links.break_of(mode).search(buf, after, start + URL_MAX)
        if start is not None:
            if broken is None and not final and len(buf) - start < URL_MAX:
                return None
            vouched = (broken is not None or len(buf) - start < URL_MAX) and entry.live
            end = broken.start() if broken is not None else len(buf)
            vouched = vouched and self._outgoing.vouches(buf, start, after, end, mode)
            return self._fetched(s, token, final, vouched=vouched)
        if mode == "prose" or (s.cls == "shell" and s.net):
            host = links.host_after(buf, after, end, any_domain=s.cls is not None)
            if host is not None:
                first = links.host_start(buf, token.start, begin)
                return self._fetched(s, token, final, vouched=entry.live and self._outgoing.stands(buf[first:host]))
        if s.cls is None and s.tags.value:
            if s.tags.raw:
                # A program that a client runs could read what is shown anyway; it gets what stood in this place of a program before.
                return self._give(s, token, entry.live and buf[max(0, token.start - CONTEXT) : end] in self._outgoing)
            return self._attribute(s, token, final)
        return self._give(s, token, True)

    def _attribute(self, s: State, token: _Token, final: bool) -> str | None:
        """What is said of a token in an attribute's value."""
        buf, low = s.buf, max(0, token.start - URL_MAX)
        value = max(_VALUE.finditer(buf, low, token.start), key=re.Match.start, default=None)
        if value is None:
            return self._fetched(s, token, final, vouched=False)
        quote = value[1] or r"\s>"
        close = re.compile(f"[{quote}]").search(buf, token.end, value.end() + URL_MAX)
        if close is None:
            if not final and len(buf) - value.end() < URL_MAX:
                return None
            return self._fetched(s, token, final, vouched=False)
        form = buf[value.end() : close.start()]
        same = value[0] + form + buf[close.start()] in self._outgoing and not s.tags.base
        vouched = same or (links.absolute(form) and self._outgoing.stands(form)) or _mail(form)
        return self._fetched(s, token, final, vouched=vouched)

    def _fetched(self, s: State, token: _Token, final: bool, *, vouched: bool) -> str | None:
        """What is said of a token where a client may fetch. `vouched`: the address left in this form. So it has, too, when its whole
        line left as it stands and nothing that began on a line before reaches into it."""
        entry = token.entry
        if entry is None or not entry.live or vouched or not s.clean or s.cls is not None or s.tags.base:
            return self._give(s, token, vouched and entry is not None and entry.live)
        buf = s.buf
        over = buf.find("\n", token.end, token.start + URL_MAX)
        if over < 0 and not final and len(buf) - token.start < URL_MAX:
            return None
        begin = buf.rfind("\n", max(0, token.start - URL_MAX), token.start) + 1
        if (not begin and s.said != s.at) or (over < 0 and len(buf) - token.start >= URL_MAX):
            return self._give(s, token, False)
        return self._give(s, token, self._outgoing.line(buf[begin : over if over >= 0 else len(buf)]))

    # --- a token in a link's target ---------------------------------------------------------------

    def _enter(self, s: State, kind: str) -> None:
        """A target could begin here: `](` or the `]:` of a definition."""
        if s.code or (kind == ":" and not _LABEL.match(s.line[:-2])):
            return
        s.mode, s.start, s.weird = ("target" if kind == "(" else "definition"), s.at, False
        s.blank, s.looked = -1, 0

    def _region(self, s: State, token: _Token | None, stop: int, final: bool) -> str | None:
        """One step through a link's target, or None while more must be seen."""
        end = targets.inline_end(s, final) if s.mode == "target" else targets.definition_end(s, final)
        if end is not None and end < 0:
            s.mode = ""
            return ""
        if token is not None and token.start < (len(s.buf) if end is None else end):
            if end is None and not s.weird and s.mode == "definition":
                return None
            if said := s.consume(token.start):
                return said
            if s.weird:
                return self._fetched(s, token, final, vouched=False)
            return self._fetched(s, token, final, vouched=self._vouched(s, token, end)) if end is not None else None
        if end is None or end > stop:
            if s.mode == "definition" and not s.weird:
                return None
            return s.consume(stop) or None
        said = s.consume(max(end, s.at))
        s.mode = ""
        return said

    def _vouched(self, s: State, token: _Token, end: int) -> bool:
        """Whether the target stood in this form in what left, or is nothing that is fetched."""
        raw = s.buf[s.start : end]
        intro = "](" if s.mode == "target" else "]:"
        if not s.tags.base and intro + raw in self._outgoing and self._outgoing.stands(intro + raw.rstrip()):
            return True
        form = raw.strip()
        titled = _TITLED.match(form)
        if titled and len(form) - titled.end(1) <= len(raw.rstrip()) - (token.end - s.start):
            form = titled[1]
        if form[:1] == "<" and form[-1:] == ">":
            form = form[1:-1]
        return _mail(form) or (links.absolute(form) and self._outgoing.stands(form))


def _may(s: State, entry: Entry) -> bool:
    """The restore table, row by row."""
    if s.cls is None:
        return entry.tier != "seal" or not s.sealed
    if s.cls == "edit":
        return True
    if s.cls == "shell":
        return entry.tier == "own" or (entry.tier == "mask" and not s.net)
    return s.cls == "local" and entry.tier != "seal"


def _mail(form: str) -> bool:
    return _MAIL.fullmatch(form) is not None


@cache
def _closing(quote: str) -> re.Pattern[str]:
    return re.compile(rf"\\*{quote}|\n")
