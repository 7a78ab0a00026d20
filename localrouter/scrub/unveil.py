"""Unveil: tokens in a streamed answer become values again, where the restore table (DESIGN section 7) says so.

Law: cutting the stream elsewhere changes nothing; one pass, so a restored value is never read again; inside whatever a client
may fetch, only a link that left this machine in this very form is restored. Unknown tokens stand, and are counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable

from localrouter.core.chat import Channel
from localrouter.core.kinds import KINDS
from localrouter.scrub.tokens import Entry, TokenTable
from localrouter.scrub.toolclass import ToolClass

WORD_MAX = 256
URL_MAX = 2048
TAIL = 8

_DOMAIN = r"(?<![A-Za-z0-9@._\-])(?:[A-Za-z0-9_\-]{1,40}\.){1,4}[A-Za-z]{2,12}(?::\d{1,5})?/"
_URL = (
    r"[A-Za-z][A-Za-z0-9+.\-]{0,30}:\\{0,2}/\\{0,2}/|(?<![A-Za-z0-9])(?i:data|javascript|www)[:.](?=\S)"
    r"|(?<=[\"'(=])\\?/\\?/(?=[\w.\-])|" + _DOMAIN
)
_EVENT = re.compile(rf"(?P<link>\]\(|(?i:\burl\())|(?P<ref>\]:)|(?P<url>{_URL})|(?P<tag></?(?=[A-Za-z]))")
_EVENT_TAG = re.compile(rf"(?P<link>\]\(|(?i:\burl\())|(?P<attr>=)|(?P<url>{_URL})|(?P<close>>)")
_FENCE = re.compile(r"^[\s>*+\-]{0,16}(?:\d+[.)]\s+)?(`{3,}|~{3,})(.*)$")
_MAIL = re.compile(r"mailto:[^?&#\s]*", re.I)
_NETWORK = re.compile(
    r"://|/dev/(?:tcp|udp)|\b(?:curl|wget|ssh|scp|sftp|rsync|nc|ncat|netcat|telnet|ftp|https?|httpie|xh|aria2c|dig|nslookup|host|ping6?|"
    r"socat|traceroute|whois|openssl|push|pull|clone|fetch|remote|publish|upload|pip3?|npm|npx|yarn|pnpm|gh|glab|aws|gcloud|gsutil|az|kubectl|"
    r"helm|docker|podman|mail|mailx|mutt|sendmail|iwr|irm|invoke-webrequest|invoke-restmethod|requests|urllib\d?|httpx|aiohttp|axios|"
    r"sockets?|smtplib|net|www|webhook|psql|mysql|redis-cli|mongosh?|base64|xxd|eval|lynx|w3m|open|xdg-open|start|mosquitto_pub)\b",
    re.I,
)
_TYPE_WORDS = {word for name in KINDS for word in name.split("_")} | {"PRIVATE"}
_LAST_WORD = re.compile(r"(?<![A-Za-z])([A-Za-z]{2,24})[ \-\u00a0\u2010\u2011]$")


class _State:
    """One channel: what is not yet said (`buf` from `at`; a few said characters stay before it), and where we stand."""

    # fmt: off
    __slots__ = ("at", "buf", "cls", "diff", "edit", "fence", "inner", "inside", "line", "mode", "nested", "net", "poison",
                 "raw_json", "said", "skip", "slashes", "tag")
    # fmt: on

    def __init__(self, cls: ToolClass | None) -> None:
        self.cls = cls
        self.buf, self.at, self.said = "", 0, 0
        self.mode, self.poison = "", False
        self.tag = -1
        self.line, self.fence, self.edit, self.diff = "", "", False, False
        self.net = True
        # JSON: whether the text is JSON at all, inside a string, how many backslashes stand before, whether the string holds JSON
        self.raw_json: bool | None = None
        self.inside, self.slashes, self.nested, self.inner, self.skip = False, 0, 0, False, 0

    def consume(self, to: int) -> str:
        text = self.buf[self.at : to]
        self.at = to
        self.said += len(text)
        if self.cls is not None:
            self._json(text)
            return text
        first, *more = text.split("\n")
        self.line = (self.line + first)[:400]
        for part in more:
            self._line_done(self.line)
            self.line = part[:400]
        return text

    def trim(self) -> None:
        keep = max(0, self.at - TAIL)
        self.buf, self.at = self.buf[keep:], self.at - keep

    def _line_done(self, line: str) -> None:
        mark = _FENCE.match(line)
        if mark and not self.fence and not ("`" in mark[1] and "`" in mark[2]):
            self.fence = mark[1]
        elif mark and self.fence and mark[1].startswith(self.fence) and not mark[2].strip():
            self.fence = ""
        bare = line.strip()
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

    def _json(self, text: str) -> None:
        for char in text:
            if self.raw_json is None:
                if char.isspace():
                    continue
                self.raw_json = char in '{["'
            if not self.raw_json:
                return
            if char == "\\" and self.inside:
                self.slashes += 1
                continue
            if char == '"':
                if not self.inside:
                    self.inside, self.nested, self.inner = True, 0, False
                elif self.slashes % 2 == 0:
                    self.inside = False
                elif self.nested == 1 and self.slashes % 4 == 1:
                    self.inner = not self.inner
            elif self.inside and self.nested == 0 and not char.isspace() and not (self.slashes % 2 and char in "nrt"):
                self.nested = 1 if char in "{[" else 2
            self.slashes = 0

    @property
    def code(self) -> bool:
        return bool(self.fence) or self.edit or (self.diff and self.line[:1] in (" ", "+", "-", "@"))

    def escape(self, value: str) -> str:
        if self.cls is None or not self.raw_json or not self.inside:
            return value
        if self.nested == 1 and self.inner and not _is_json_content(value):
            value = json.dumps(value, ensure_ascii=False)[1:-1]
        return json.dumps(value, ensure_ascii=False)[1:-1]


class Unveiler:
    """One answer. `outgoing` is `Veiled.outgoing`. `unresolved` lists tokens that an edit would have written to a file."""

    def __init__(self, table: TokenTable, outgoing: str, tool_class: Callable[[str], ToolClass]) -> None:
        self.table = table
        self.counts: Counter[str] = Counter(restored=0, unknown=0, withheld=0)
        self.unresolved: list[str] = []
        self._outgoing = outgoing
        self._class = tool_class
        self._pattern = table.pattern
        self._states: dict[Channel, _State] = {}
        self._words = _TYPE_WORDS | {w for e in table for w in e.type.upper().split("_")}

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
            state.net = _network(state.buf)
        return self._say(state, True)

    def _state(self, channel: Channel) -> _State:
        if channel not in self._states:
            self._states[channel] = _State("unknown" if channel.kind == "tool" else None)
        return self._states[channel]

    def _say(self, s: _State, final: bool) -> str:
        out: list[str] = []
        while s.at < len(s.buf):
            if s.mode:
                unit = self._unit(s, final)
                if unit is None:
                    break
                out.append(unit)
                continue
            end = len(s.buf) if final else self._safe(s)
            if s.at >= end:
                break
            if s.tag >= 0 and s.said - s.tag > URL_MAX:
                s.tag = -1
            event = (_EVENT_TAG if s.tag >= 0 else _EVENT).search(s.buf, s.at)
            token, entry = self._token(s, s.at, end, event.start() if event else end)
            if token is not None:
                out.append(s.consume(token.start()))
                out.append(self._restore(s, token[0], entry))
                s.consume(token.end())
            elif event is not None and event.start() < end:
                out.append(s.consume(event.start()))
                out.append(self._enter(s, event))
            else:
                out.append(s.consume(end))
        s.trim()
        return "".join(out)

    def _safe(self, s: _State) -> int:
        """Up to here nothing that comes can change what the text means: the last word is held, and a type's words before it."""
        start = len(s.buf)
        floor = max(s.at, start - WORD_MAX)
        while start > floor and s.buf[start - 1].isascii() and not s.buf[start - 1].isspace():
            start -= 1
        while (
            start > floor and (word := _LAST_WORD.search(s.buf, max(floor, start - 32), start)) and word[1].upper() in self._words
        ):
            start = word.start()
        return max(start, floor)

    def _token(self, s: _State, at: int, end: int, before: int) -> tuple[re.Match[str] | None, Entry | None]:
        """The next of our tokens that starts before `before`; unknown ones are counted and passed."""
        while match := self._pattern.search(s.buf, at, len(s.buf)):
            if match.start() >= min(end, before):
                break
            entry, ours = self.table.lookup(match)
            if entry is not None or ours:
                return match, entry
            at = match.start() + 1
        return None, None

    def _restore(self, s: _State, raw: str, entry: Entry | None) -> str:
        if entry is None:
            self.counts["unknown"] += 1
            if s.cls == "edit":
                self.unresolved.append(raw)
            return raw
        if not _may(s, entry):
            self.counts["withheld"] += 1
            return raw
        self.counts["restored"] += 1
        return s.escape(entry.value)

    def _enter(self, s: _State, event: re.Match[str]) -> str:
        kind = event.lastgroup
        if kind == "url":
            s.mode = "url"
            return ""
        if kind == "tag":
            s.tag = s.said
        elif kind == "close":
            s.tag = -1
        elif kind == "ref":
            if s.cls is None and re.match(r"[\s>*\-]*\[[^\]]*$", s.line):
                s.mode = "ref"
        else:
            s.mode = kind or ""
        return s.consume(event.end())

    def _unit(self, s: _State, final: bool) -> str | None:
        """One link target as a whole, or None while its end is not in sight."""
        stop = _stop(s)
        if stop is None and not final and not s.poison and len(s.buf) - s.at < URL_MAX:
            return None
        if s.poison or (len(s.buf) if stop is None else stop) - s.at >= URL_MAX:
            # Too long to judge: nothing in it is restored, to its end.
            if stop is None or (stop - s.at >= URL_MAX and not s.poison):
                s.poison = True
                return s.consume(len(s.buf) if stop is None else s.at + URL_MAX)
            s.mode, s.poison = "", False
            return s.consume(stop)
        target = s.buf[s.at : len(s.buf) if stop is None else stop]
        mode, s.mode = s.mode, ""
        vouched = self._vouched(s, target.strip(), mode)
        out: list[str] = []
        end = s.at + len(target)
        while s.at < end:
            token, entry = self._token(s, s.at, end, end)
            if token is None:
                break
            out.append(s.consume(token.start()))
            if vouched or entry is None:
                out.append(self._restore(s, token[0], entry))
            else:
                self.counts["withheld"] += 1
                if s.cls == "edit":
                    self.unresolved.append(token[0])
                out.append(token[0])
            s.consume(token.end())
        out.append(s.consume(max(end, s.at)))
        return "".join(out)

    def _vouched(self, s: _State, target: str, mode: str) -> bool:
        target = re.sub(r"^(?:\\*[\"']|<)|(?:\\*[\"']|>)$", "", target)
        if (
            mode == "link"
            and (piece := re.match(r"(\S+)\s+[\"'(].*$", target, re.S))
            and not self._pattern.search(target, piece.end(1))
        ):
            target = piece[1]
        if _MAIL.fullmatch(target) or (mode == "ref" and self._pattern.fullmatch(target)):
            return True
        intro = {"link": "(", "attr": "="}.get(mode, "") if self._pattern.fullmatch(target) else ""
        return any(self._stands(form, intro) for form in dict.fromkeys((target, _unescape(target) if s.cls else target)))

    def _stands(self, target: str, intro: str) -> bool:
        while target:
            at = self._outgoing.find(target)
            while at >= 0:
                after = self._outgoing[at + len(target) : at + len(target) + 1]
                before = self._outgoing[max(0, at - 2) : at]
                if (
                    not (after.isalnum() or (after in ("_", "-", "%", "=", "&", "/", "@") and after))
                    and not before[-1:].isalnum()
                    and intro in before
                ):
                    return True
                at = self._outgoing.find(target, at + 1)
            if target[-1] not in ").,;:!?'*_]}\\":
                return False
            target = target[:-1]
        return False


def _may(s: _State, entry: Entry) -> bool:
    """The restore table, row by row."""
    if s.cls is None:
        return entry.tier != "seal" or s.code
    if s.cls == "edit":
        return True
    if s.cls == "shell":
        return entry.tier == "own" or (entry.tier == "mask" and not s.net)
    return s.cls == "local" and entry.tier != "seal"


def _stop(s: _State) -> int | None:
    """Where the link target that starts at `at` ends, if that is in sight."""
    buf, at = s.buf, s.at
    if s.poison:
        match = re.compile({"url": r"[\s<>\"`]", "ref": r"\s", "link": r"[)\n]", "attr": r"[\"'>]"}[s.mode]).search(buf, at)
        return match.start() if match else None
    if s.mode == "url":
        match = re.compile(r"\\+[nrt\"]|[\s<>\"`]" if s.cls else r"[\s<>\"`]").search(buf, at)
        return match.start() if match else None
    lead = re.compile(r"\s*").match(buf, at)
    start = lead.end() if lead else at
    if start == len(buf):
        return None
    if s.mode == "attr":
        quoted = re.compile(r"\\*([\"'])").match(buf, start)
        if quoted is None and buf[start] == "\\" and not buf[start:].strip("\\"):
            return None
        close = buf.find(quoted[1], quoted.end()) if quoted else -1
        if quoted:
            return close + 1 if close >= 0 else None
        match = re.compile(r"[\s>]").search(buf, start)
        return match.start() if match else None
    if buf[start] == "<" and s.mode in ("ref", "link"):
        close = buf.find(">", start)
        if close < 0:
            return None
        if s.mode == "ref":
            return close + 1
        start = close + 1
    if s.mode == "ref":
        match = re.compile(r"\s").search(buf, start)
        return match.start() if match else None
    depth, i = 0, start
    while i < len(buf):
        if buf[i] == "\\":
            i += 1
        elif buf[i] == "(":
            depth += 1
        elif buf[i] == ")" and depth == 0:
            return i
        elif buf[i] == ")":
            depth -= 1
        elif buf[i] == "\n" and buf[i - 1] == "\n" and i > start:
            return i
        i += 1
    return None


def _network(arguments: str) -> bool:
    """Whether a command could reach a network. Quotes and backslashes are ignored: `cu''rl` is curl."""
    try:
        words = json.dumps(json.loads(arguments), ensure_ascii=False)
    except ValueError:
        words = arguments
        if arguments.lstrip()[:1] in ("{", "["):
            return True
    return bool(_NETWORK.search(words) or _NETWORK.search(re.sub(r"[\"'\\^`]", "", words)))


def _unescape(text: str) -> str:
    try:
        inner = json.loads(f'"{text}"')
    except ValueError:
        return text
    return inner if isinstance(inner, str) else text


def _is_json_content(value: str) -> bool:
    """A value that already stands as the inside of a JSON string keeps its bytes."""
    try:
        json.loads(f'"{value}"')
    except ValueError:
        return False
    return True
