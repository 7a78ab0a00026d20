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
from localrouter.scrub.detectors._fields import names
from localrouter.scrub.detectors._key_names import KIND, Sense, sense
from localrouter.scrub.detectors._placeholder import dull, named, placeholder, sequence
from localrouter.scrub.detectors._shape import (
    entropy,
    is_digest,
    is_hex,
    is_identifier_of_a_thing,
    is_uuid,
    noise,
    random,
    vocabulary,
    wordy,
)

NAME = "assignment"

_SEPARATOR = re.compile(
    r"(?P<close>\\{0,7}[\"'`])?(?P<bracket>\s?[\])])?(?:[ \t]*\?)?"
    r"(?:(?P<typed>[ \t]*:[ \t]*[A-Za-z_][\w.\[\]<>|, ?]{0,40}?[ \t]*(?==(?!=))|[ \t]+(?:string|str|String|text|char\*?|\[\]byte)[ \t]*(?==(?!=)))?)"
    r"(?P<space>[ \t]*)(?P<op>:=|=>|!={1,2}|={1,3}(?!>)|->|\?\?=|\|\|=|[?+.]=|:(?!:)|,|(?:\bfor\b[^.\n]{1,60}?[ \t])?\b(?:is|was|lautet|est)\b[ \t]*:?|(?=[ \t]+[\"'(])|(?=[ \t]+\S))(?P<after>[ \t]*(?:\r?\n[ \t]*(?=[\"']))?)"
)
_OPEN = re.compile(r"(?P<prefix>[rbfuLRBFU@$]{0,2})(?P<slashes>\\{0,7})(?P<quote>\"\"\"|'''|\"|'|`)")
_BARE = re.compile(r"[^\s\"'`<>,;]{1,400}")
_LINE_START = re.compile(
    r"[ \t>]*(?:[-+|][ \t]+|[-+](?=\w))?(?:(?:#|//|;|--|\*)[ \t]*)?(?:(?:export|set|setx|declare(?:[ \t]-\w+)?|local|readonly|ENV|ARG|env|let|var|const|my|our|final|static|public|private|protected|String|\$env:|-e|--env|--build-arg|-D|define)[ \t]+|\$env:|-D)*[\"'$@:]{0,2}\Z"
)
_LINE_END = re.compile(r"[ \t]*(?:[;,]?[ \t]*(?:(?:#|//|--|/\*)[^\n]*)?)?(?:\\?\r?\n|\Z)")
_TYPES = vocabulary(
    """
    str string int integer bool boolean bytes float number none null nil true false any object optional required undefined
    void date datetime uuid text varchar char password secret token self this super return yield await lambda new default
    unknown never list dict array map tuple set readonly hidden enabled disabled yes no on off auto always missing empty
    invalid
    """
)
_NAME_CHAIN = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|->|::|\?\.)[A-Za-z_$][\w$]*)*(?:[\[({].*|!|\?)?")
_CODE = re.compile(r"[({\[]|\)|=>|::|->|&&|\|\||\?\?|\$\{")
_CALL = re.compile(r"[A-Za-z_$][\w$.:>-]*\(|\w+\[[\"'\w]*\]?|new\b|await\b|not\b|f\"|lambda\b")
_SPECIAL = re.compile(r"[^\w\s.\-/:,]")
_PATTERN = re.compile(r"\[[^\]\s]{0,20}\w-\w[^\]\s]{0,20}\]|\(\?[:=!P<]|\\[wdsWDSb][+*{)]")
"""A regular expression: a class with a range, a group, an escape with a count."""
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


class _Place(NamedTuple):
    """Where a value stands: `quoted`, `alone` on its line (nothing but key and value), `op` between key and value."""

    quoted: bool
    alone: bool
    op: str
    shouted: bool
    tight: bool


def find(text: str, context: str) -> list[Finding]:
    out = list(_by_context(text, context))
    for name in names(text):
        out.extend(_value(text, name.start, name.end, name.text, name.sense))
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
        if believable(value, meaning, _Place(True, True, ":", False, False)):
            yield Finding(start, start + len(value), KIND[meaning], 0.85, NAME)


def _value(text: str, start: int, end: int, key: str, meaning: Sense) -> Iterator[Finding]:
    sep = _SEPARATOR.match(text, end)
    if sep is None:
        return
    op = sep["op"]
    if op == "," and not sep["close"]:
        return
    at = sep.end()
    limit = min(len(text), at + 600)
    line = text.rfind("\n", 0, start) + 1
    first = _LINE_START.match(text, line, start) is not None if start - line < 200 else False
    shouted = key.upper() == key and any(c.isalpha() for c in key)
    tight = op == "=" and not sep["space"] and not sep["after"]
    prose = op[:1].isalpha()
    if op == "" and key.lower() == "pass" and not first:
        return  # the verb: "pass `x` to it"
    if op == "," and _SETTER.search(text, max(0, start - 32), start):
        op = "="
    if op == "" and shouted and text.startswith(("ENV ", "ARG "), line):
        op = "="  # the old form of a Dockerfile
    opened = _OPEN.match(text, _skip(text, at, limit), limit)
    if opened is not None and (op != "" or opened.start() > at or sep["after"]):
        close = opened["slashes"] + opened["quote"]
        begin = opened.end()
        stop = _closing(text, begin, close, limit)
        if stop is None:
            return
        value = text[begin:stop]
        if op == "" and first and _LINE_END.match(text, stop + len(close)):
            op = ":"  # a directive on a line of its own: esmtp, Gradle, nginx
        place = _Place(True, first, "is" if prose else op, shouted, tight)
        if sep["close"] and op == "," and not (noise(value) or random(value, 6, 2.5)):
            return
        if believable(value, meaning, place):
            yield Finding(begin, stop, KIND[meaning], 0.9, NAME)
        return
    seed = _SEED.match(text, at) if meaning == "phrase" and op != "," else None
    if seed is not None:
        yield Finding(at, seed.end(), KIND[meaning], 0.9, NAME)
        return
    block = _BLOCK.match(text, at) if op == ":" and first else None
    if block is not None:
        yield from _block(text, line, block.end(), meaning)
        return
    if op in ("", ",") or op.startswith(("==", "->", "!=")):
        if op != "":
            return
        at = _skip(text, at, limit)
        said = _KEY_LIKE.match(text, at) if meaning in ("token", "key", "secret") else None
        if said is not None and random(said[0], 24, 3.0) and believable(said[0], meaning, _Place(False, True, ":", False, False)):
            yield Finding(at, said.end(), KIND[meaning], 0.7, NAME)
            return
        if not first or meaning not in ("password", "phrase", "token"):
            return  # `password hunter2-9` on a line of its own: netrc, Cisco, DSLs
    bare = _BARE.match(text, at, limit)
    if bare is None:
        return
    stop = bare.end()
    alone = first and _LINE_END.match(text, stop) is not None and (op != "" or sep["bracket"] is None)
    form = _NEXT_FIELD.search(text, at, stop)
    if form is not None:
        alone, stop = False, form.start()
    if text[at:stop].count(")") > text[at:stop].count("("):
        alone = False  # the end of a call
    if not alone and not prose:
        # In a URL, a form, a log line: the value ends where the next field begins.
        for mark in "&|)]}":
            cut = text.find(mark, at, stop)
            if cut >= 0:
                stop = cut
    value = text[at:stop].rstrip("\\" if alone else "\\.,:?") if prose or not alone else text[at:stop].rstrip("\\")
    if not value:
        return
    place = _Place(False, alone, "is" if prose else op, shouted, tight or (alone and _config(text, line)))
    if prose and meaning in ("password", "phrase") and _MY.search(text, max(0, start - 48), start):
        word = value.lower()
        if (
            len(word) >= 5
            and word.isalpha()
            and word not in _SAID_OF
            and not word.endswith(("ed", "ing", "able"))
            and not named(word)
        ):
            yield Finding(at, at + len(value), KIND[meaning], 0.7, NAME)
            return
    if not (alone or tight or prose) and op in (":", "="):
        # `Here is the token: ...`, `user: bob password: ...`: a sentence or a log line, not code.
        if meaning in ("token", "key", "secret"):
            inline = random(value, 20, 3.2)
        else:
            around = text[max(line, start - 200) : at + 200].split("\n", 1)[0]
            inline = op == ":" and bool(sep["after"]) and _PROSE_LINE.match(around) is not None
            place = place._replace(op="is")
        if inline and believable(value, meaning, place):
            yield Finding(at, at + len(value), KIND[meaning], 0.7, NAME)
        return
    if (alone or tight or prose) and believable(value, meaning, place):
        yield Finding(at, at + len(value), KIND[meaning], 0.85 if alone else 0.75, NAME)


def _config(text: str, line: int) -> bool:
    """Whether the lines around are a configuration file's: `key = value`, `[section]`, comments, and nothing that calls or closes."""
    before = text[max(0, line - 300) : line].splitlines()[-3:]
    after = text[line : line + 400].splitlines()[:4]
    rows = [r for r in (*before, *after) if r.strip()]
    return len(rows) >= 2 and all(_CONFIG.fullmatch(r) for r in rows)


def _skip(text: str, at: int, limit: int) -> int:
    """Past spaces and opening parentheses: `password ("x")`."""
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
    if believable(value, meaning, _Place(True, True, ":", False, False)):
        yield Finding(begin, end, KIND[meaning], 0.85, NAME)


def believable(value: str, meaning: Sense, place: _Place) -> bool:
    """Whether a value under a key of this meaning, written in this place, is private."""
    if place.quoted and noise(value):
        return not dull(value)
    # People do choose `qwerty` and `12345678`; nobody is given them as a key.
    weak = meaning in ("password", "phrase") and len(value) >= 6 and sequence(value) and not dull(value)
    if (placeholder(value) and not weak) or _PATTERN.search(value) or "://" in value or value.startswith(("-----", "data:")):
        return False
    if not place.quoted and _expression(value, place):
        return False
    if " " in value or "\t" in value:
        return _spaced(value, meaning, place)
    if meaning in ("password", "phrase"):
        return _password(value, place)
    if meaning == "secret":
        if len(value) < 8 or _expression(value, place) or dull(value):
            return False
        if is_uuid(value) or random(value, 8, 2.5):
            return True
        if (
            place.alone
            and (place.shouted or (place.tight and place.op == "="))
            and any(c.isdigit() for c in value)
            and not _looks_like_code(value)
        ):
            return True
        return place.alone and not _NAME_CHAIN.fullmatch(value) and not wordy(value) and entropy(value) >= 2.5
    if meaning == "maybe":
        mixed = any(c.islower() for c in value) and any(c.isupper() for c in value)
        return (
            mixed
            and (place.quoted or place.alone)
            and place.op in ("=", ":", "=>", ":=")
            and random(value, 24, 3.8)
            and not is_digest(value)
            and "/" not in value
        )
    if is_identifier_of_a_thing(value):
        return is_uuid(value) and place.quoted | place.alone | place.tight
    return random(value, 16 if meaning == "token" else 14, 2.8) and not (is_digest(value) and not is_hex(value))


def _password(value: str, place: _Place) -> bool:
    digits = sum(c.isdigit() for c in value)
    special = len(_SPECIAL.findall(value))
    mixed = digits + special > 0
    if "\\u" in value:
        return False  # escapes: the unescaped view shows what it says
    if value[:1] in "#." and "-" in value and digits == 0:
        return False  # a selector
    if value.isdigit():
        return len(value) >= 6 and (place.quoted or place.alone)
    if place.quoted:
        if place.op == "is":
            return len(value) >= 5 and not _looks_like_code(value) and not named(value)
        if place.op in ("==", "===", "!=", "!==", ",", "") and not (digits and (special or len(value) >= 6)):
            return False
        if mixed and len(value) >= 4:
            return not _looks_like_code(value)
        # Words only: `reallybadpassword`, `swordfish`. A field's label or a type is no password.
        return place.op in (":", "=", "=>", ":=") and len(value) >= 6 and "." not in value and _chosen(value, place)
    if place.op == "is":
        return len(value) >= 6 and mixed and not _NAME_CHAIN.fullmatch(value.split(".")[0] + ".")
    if place.op == "":
        return len(value) >= 6 and digits > 0 and not _looks_like_code(value)
    if place.alone:
        if mixed:
            return not _looks_like_code(value)
        return len(value) >= 6 and (place.shouted or place.op == ":" or place.tight) and _chosen(value, place)
    return (
        place.tight
        and len(value) >= 6
        and digits > 0
        and not _looks_like_code(value)
        and (special > 0 or digits >= 2 or len(value) >= 10)
    )


def _chosen(value: str, place: _Place) -> bool:
    """A value of letters alone that somebody chose, against the names that code and documentation put there."""
    if value.lower() in _TYPES or named(value):
        return False
    if place.quoted:
        return (value.isalpha() and (value.islower() or random(value, 12, 3.0))) or (
            "-" in value and value.islower() and value.count("-") >= 2
        )
    return (
        (value.isalpha() and value.islower()) or random(value, 12, 3.0) or "-" in value or (place.shouted and not value.isupper())
    )


def _spaced(value: str, meaning: Sense, place: _Place) -> bool:
    """A value with spaces is a sentence about a secret, unless its key says that it is a phrase."""
    if meaning == "phrase" and place.quoted | place.alone:
        parts = value.split()
        return (
            4 <= len(parts) <= 24
            and all(p.isalpha() and p.islower() for p in parts)
            and not {"the", "a", "for", "to", "is"} & set(parts)
        )
    if meaning in ("password", "secret") and place.quoted and value.count(" ") <= 5:
        parts = value.split()
        hard = sum(bool(_SPECIAL.search(p)) or (any(c.isdigit() for c in p) and any(c.isalpha() for c in p)) for p in parts)
        return hard >= max(1, len(parts) - 1) and not _CODE.search(value)
    return False


def _expression(value: str, place: _Place) -> bool:
    """Bare values in code are names, calls and numbers."""
    low = value.lower()
    if low in _TYPES or low.rstrip("?!;") in _TYPES:
        return True
    if place.alone and (place.shouted or place.tight):
        return bool(_CALL.match(value)) and value.endswith((")", "]", "(", ");"))
    if _CALL.match(value):
        return True
    chain = _NAME_CHAIN.fullmatch(value)
    if chain is None:
        return value.startswith(("&", "*", "!", "@", "-", "|", "{", "[", "(")) and not random(value, 8, 2.5)
    if any(c in value for c in "([{"):
        return True
    if "." in value or "->" in value or "::" in value:
        return not random(value, 16, 3.0)
    return False


def _looks_like_code(value: str) -> bool:
    """Interpolations, calls, globs, patterns and chains of names inside a value with digits or signs."""
    if _CALL.match(value) and (value.endswith((")", "]")) or "(" in value):
        return True
    if value.startswith(("%", "--", "/", "./", "[", "(", "^", "{", "\\", "$(", "*", "#{")) and not random(value, 10, 2.8):
        return True
    if re.fullmatch(r"\w+=\w*", value):
        return True
    if re.fullmatch(r"[A-Za-z_][\w]*(?:(?:\.|->|::)[A-Za-z_]\w*)+", value):
        return True
    if re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)+\d?|[a-z]+(?:_[a-z]+)+\d?|[A-Z]+(?:_[A-Z]+)+\d?|[A-Z][a-z]+(?:[A-Z][a-z]+)+", value):
        return True
    return bool(
        re.search(r"\\[wdsb]|\.\*|\(\?|%[sd]\b|\{\w*\}|\.(?:py|js|ts|go|rb|java|html|json|ya?ml|php|txt|pem|key)$", value)
    )
