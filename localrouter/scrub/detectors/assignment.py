"""Assignments whose key names a secret: `.env`, shell, YAML, TOML, INI, JSON, properties, XML attributes, headers, code, prose.

The key decides what a value may look like (`_key_names`): a password may be anything that a person types, a token must look
random. How the value is written decides how much is believed: quoted, alone on its line, or bare in the middle of code. One
pass: a word search finds the key, everything else looks at a few hundred characters behind it, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._believable import Place, believable
from localrouter.scrub.detectors._fields import Name, names
from localrouter.scrub.detectors._key_names import KIND, Sense, sense
from localrouter.scrub.detectors._placeholder import named
from localrouter.scrub.detectors._shape import noise, random, vocabulary

NAME = "assignment"
LONGEST = 4200
"""Characters of a quoted value: tokens with claims in them are that long."""

_SEPARATOR = re.compile(
    r"(?P<close>\\{0,7}[\"'`])?(?P<bracket>\s?[\])])?(?:[ \t]*\?)?"
    r"(?:(?P<typed>[ \t]*:[ \t]*(?:[A-Za-z_][\w.\[\]<>|, ?]{0,40}?[ \t]+|(?:str|[sS]tring)\??)(?==(?!=)[ \t]*\S)|[ \t]+(?:string|str|String|text|char\*?|\[\]byte)[ \t]*(?==(?!=)))?)"
    r"(?P<space>[ \t]*)(?P<op>:=|=>|!={1,2}|={1,3}(?!>)|->|\?\?=|\|\|=|[?+.]=|:(?!:)|,|(?:\bfor\b[^.\n]{1,60}?[ \t])?\b(?:is|was|lautet|est)\b[ \t]*:?|(?=[ \t]+[\"'(])|(?=[ \t]+\S))(?P<after>[ \t]*(?:\r?\n[ \t]*(?=[\"']))?)"
)
_OPEN = re.compile(r"(?P<prefix>[rbfuLRBFU@$]{0,2})(?P<slashes>\\{0,7})(?P<quote>\"\"\"|'''|\"|'|`)")
_BARE = re.compile(r"[^\s\"'`<>,;]{1,400}")
_LONG = re.compile(r"[A-Za-z0-9+/_.~-]{0,4000}={0,2}")
_LINE_START = re.compile(
    r"[ \t>]*(?:[-+|][ \t]+|[-+](?=\w))?(?:(?:#|//|;|--|\*)[ \t]*)?(?:(?:export|set|setx|declare(?:[ \t]-\w+)?|local|readonly|ENV|ARG|env|let|var|const|my|our|final|static|public|private|protected|String|\$env:|-e|--env|--build-arg|-D|define)[ \t]+|\$env:|-D)*[\"'$@:]{0,2}\Z"
)
_LINE_END = re.compile(r"[ \t]*(?:[;,]?[ \t]*(?:(?:#|//|--|/\*)[^\n]*)?)?(?:\\?\r?\n|\Z)")
_SETTER = re.compile(r"(?i)(?:define|set\w*|put|add\w*|property|env|option|param|header|config)\s?\(\s{0,4}[\"']\Z")
_PROSE_LINE = re.compile(r"[^(){};=\[\]<>]*\Z")
_NEXT_FIELD = re.compile(r"&[\w.-]+=")
_SEED = re.compile(r"(?:[a-z]{3,8}[ \t]){11,23}[a-z]{3,8}(?=[\s.,;\"')]|\Z)")
"""Twelve to twenty-four words: the seed of a wallet (BIP 39)."""
_KEY_LIKE = re.compile(r"(?:[0-9a-f]{32,128}|[A-Za-z0-9+/_-]{24,200}={0,2})(?=[\s.,;)\"']|\Z)")
_MY = re.compile(r"(?i)\bmy (?:[\w-]{1,20} ){0,2}\Z")
_SAID_OF = vocabulary(
    """
    required incorrect wrong invalid valid correct weak strong secure safe empty missing hidden visible long short optional
    mandatory good bad not too the that this also only now just never always still already being case sensitive very really
    stored encrypted hashed expired unknown blank something anything nothing fine okay here there below above public private
    different same identical unique default known simple easy hard
    """
)
"""What is said of a password, as against what it is."""
_CONFIG = re.compile(r"\s*(?:[#;].*|\[[^\[\]()]+\]|[\w.-]+\s*[=:]\s*[^(){};]*)")
_BLOCK = re.compile(r"[|>][+-]?\d?[ \t]*(?:#[^\n]*)?\r?\n")


def find(text: str, context: str) -> list[Finding]:
    out = list(_by_context(text, context))
    for name in names(text):
        out.extend(_value(text, name))
    return out


def _by_context(text: str, context: str) -> Iterator[Finding]:
    """A leaf that stands alone under a key (`{"password": ...}` in a tool's arguments) has its key in the context."""
    if not context or len(text) > 400 or "\n" in text.strip():
        return
    keys = [key for key in context.split(".") if not key.isdigit()]  # places in a list
    meaning = sense(keys[-1]) if keys else None
    if meaning is not None:
        value = text.strip()
        start = text.find(value)
        if believable(value, meaning, Place(True, True, ":", False, False)):
            yield Finding(start, start + len(value), KIND[meaning], 0.85, NAME)


class _Field(NamedTuple):
    """One name and what follows it: `at` is where the value may begin, `line` where the line does; `first`: nothing but markup stands
    before the name on its line; `closed`: the name itself was quoted."""

    name: Name
    place: Place
    at: int
    line: int
    first: bool
    closed: bool
    bracket: bool
    spaced: bool


def _field(text: str, name: Name) -> _Field | None:
    sep = _SEPARATOR.match(text, name.end)
    if sep is None:
        return None
    op = sep["op"]
    line = text.rfind("\n", 0, name.start) + 1
    first = name.start - line < 200 and _LINE_START.match(text, line, name.start) is not None
    shouted = name.text.upper() == name.text and any(c.isalpha() for c in name.text)
    if (op == "," and not sep["close"]) or (op == "" and name.text.lower() == "pass" and not first):
        return None  # an argument's name; the verb in "pass `x` to it"
    tight = op == "=" and not sep["space"] and not sep["after"]
    if op[:1].isalpha():
        op = "is"
    elif (op == "," and _SETTER.search(text, max(0, name.start - 32), name.start)) or (
        op == "" and shouted and text.startswith(("ENV ", "ARG "), line)
    ):
        op = "="  # define("NAME", "..."); the old form of a Dockerfile
    place = Place(False, False, op, shouted, tight)
    return _Field(name, place, sep.end(), line, first, bool(sep["close"]), bool(sep["bracket"]), bool(sep["after"]))


def _value(text: str, name: Name) -> Iterator[Finding]:
    field = _field(text, name)
    if field is None:
        return
    op, meaning, at = field.place.op, name.sense, field.at
    start = _skip(text, at)
    opened = _OPEN.match(text, start)
    if opened is not None and (op != "" or opened.start() > at or field.spaced):
        yield from _quoted(text, field, opened)
        return
    seed = _SEED.match(text, at) if meaning == "phrase" and op != "," else None
    if seed is not None:
        yield Finding(at, seed.end(), KIND[meaning], 0.9, NAME)
        return
    block = _BLOCK.match(text, at) if op == ":" and field.first else None
    if block is not None:
        yield from _block(text, field.line, block.end(), meaning)
    elif op == "":
        yield from _unsaid(text, field._replace(at=start))
    elif op != "," and not op.startswith(("==", "->", "!=")):
        yield from _bare(text, field)


def _quoted(text: str, field: _Field, opened: re.Match[str]) -> Iterator[Finding]:
    close = opened["slashes"] + opened["quote"]
    begin = opened.end()
    stop = _closing(text, begin, close, min(len(text), begin + LONGEST))
    if stop is None:
        return
    value, op = text[begin:stop], field.place.op
    if op == "," and not (noise(value) or random(value, 6, 2.5)):
        return  # `["user", "password", "email"]`
    if op == "" and field.first and _LINE_END.match(text, stop + len(close)):
        op = ":"  # a directive on a line of its own: esmtp, Gradle, nginx
    if believable(value, field.name.sense, field.place._replace(quoted=True, alone=field.first, op=op)):
        yield Finding(begin, stop, KIND[field.name.sense], 0.9, NAME)


def _unsaid(text: str, field: _Field) -> Iterator[Finding]:
    """No sign between name and value: `auth token 0f9a...` in prose, `password hunter2-9` on a line of its own."""
    meaning = field.name.sense
    said = _KEY_LIKE.match(text, field.at) if meaning in ("token", "key", "secret") else None
    if said is not None and random(said[0], 24, 3.0) and believable(said[0], meaning, Place(False, True, ":", False, False)):
        yield Finding(field.at, said.end(), KIND[meaning], 0.7, NAME)
    elif field.first and meaning in ("password", "phrase", "token"):
        yield from _bare(text, field)


def _bare(text: str, field: _Field) -> Iterator[Finding]:
    """A value without quotes ends at a space, a comma or a quote; more is believed of one that ends its line."""
    at, place, meaning = field.at, field.place, field.name.sense
    bare = _BARE.match(text, at)
    if bare is None:
        return
    stop, prose = bare.end(), place.op == "is"
    if stop - at == 400:
        more = _LONG.match(text, stop)  # a token with claims in it
        stop = more.end() if more is not None else stop
    alone = field.first and _LINE_END.match(text, stop) is not None and (place.op != "" or not field.bracket)
    form = _NEXT_FIELD.search(text, at, stop)
    if form is not None:
        alone, stop = False, form.start()
    if text[at:stop].count(")") > text[at:stop].count("("):
        alone = False  # the end of a call
    if not alone and not prose:
        # In a URL, a form, a log line: the value ends where the next field begins.
        stop = min([stop, *(cut for cut in (text.find(mark, at, stop) for mark in "&|)]}") if cut >= 0)])
    value = text[at:stop].rstrip("\\" if alone and not prose else "\\.,:?")
    if not value:
        return
    place = place._replace(alone=alone, tight=place.tight or (alone and _config(text, field.line)))
    score = 0.85 if alone else 0.75
    if prose and meaning in ("password", "phrase") and _my_word(text, field.name.start, value):
        score = 0.7
    elif not (alone or place.tight or prose):
        if place.op not in (":", "=") or not _inline(text, field, value):
            return
        score = 0.7
        if meaning in ("password", "phrase"):
            place = place._replace(op="is")
        if not believable(value, meaning, place):
            return
    elif not believable(value, meaning, place):
        return
    yield Finding(at, at + len(value), KIND[meaning], score, NAME)


def _my_word(text: str, start: int, value: str) -> bool:
    """`my password is swordfish`: one word that nobody says of a password."""
    if _MY.search(text, max(0, start - 48), start) is None:
        return False
    word = value.lower()
    return (
        len(word) >= 5
        and word.isalpha()
        and word not in _SAID_OF
        and not word.endswith(("ed", "ing", "able"))
        and not named(word)
    )


def _inline(text: str, field: _Field, value: str) -> bool:
    """`Here is the token: ...`, `user: bob password: ...`: a sentence or a log line, not code."""
    if field.name.sense in ("token", "key", "secret"):
        return random(value, 20, 3.2)
    around = text[max(field.line, field.name.start - 200) : field.at + 200].split("\n", 1)[0]
    return field.place.op == ":" and field.spaced and _PROSE_LINE.match(around) is not None


def _config(text: str, line: int) -> bool:
    """Whether the lines around are a configuration file's: `key = value`, `[section]`, comments, and nothing that calls or closes."""
    before = text[max(0, line - 300) : line].splitlines()[-3:]
    after = text[line : line + 400].splitlines()[:4]
    rows = [r for r in (*before, *after) if r.strip()]
    return len(rows) >= 2 and all(_CONFIG.fullmatch(r) for r in rows)


def _skip(text: str, at: int) -> int:
    """Past spaces and opening parentheses: `password ("x")`."""
    limit = min(len(text), at + 80)
    while at < limit and text[at] in " \t(":
        at += 1
    return at


def _closing(text: str, begin: int, close: str, limit: int) -> int | None:
    """Where a quoted value ends; an escaped quote does not end it. None when the quote is not closed on its line."""
    at = begin
    lines = len(close) >= 3 and "\\" not in close
    while True:
        at = text.find(close, at, limit)
        if at < 0 or (not lines and "\n" in text[begin:at]):
            return None
        back = at
        while back > begin and text[back - 1] == "\\":
            back -= 1
        if (at - back) % 2 == 0 or (close[0] == "\\" and at - back == 0):
            return at
        at += 1


def _block(text: str, line: int, at: int, meaning: Sense) -> Iterator[Finding]:
    """A YAML block scalar: the deeper lines that follow (YAML 1.2.2 section 8.1)."""
    depth = len(text[line:]) - len(text[line:].lstrip(" -"))
    begin = end = -1
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        row = text[at:stop]
        if row.strip():
            if len(row) - len(row.lstrip(" ")) <= depth:
                break
            if begin < 0:
                begin = at + len(row) - len(row.lstrip(" "))
            end = at + len(row.rstrip())
        at = stop + 1
    if begin < 0 or end - begin > 4000:
        return
    value = "".join(text[begin:end].split())
    if believable(value, meaning, Place(True, True, ":", False, False)):
        yield Finding(begin, end, KIND[meaning], 0.85, NAME)
