"""Which lines of a text are worth the encoder's time: sentences, chat, fields and cells; not code, not logs, unless they name somebody.

A pass over a word costs a thousand times what a pattern costs, so a technical text (code, logs, machine-made records) is read only where one
of its lines has what a name looks like (`_CANDIDATE`). Everything else that has words is read, whatever its case or script.
Linear: counts over the text, then a few expressions over the lines that are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from localrouter.scrub.common_words import words

SIGNS = 0.05
"""Share of a text's characters that are a program's signs, from which it is technical. Prose has under 0.01, Markdown 0.03, code 0.06 to 0.12."""
FEW = 4
"""Signs that any text may have."""
REST = 0.14
"""The same for whatever is no letter, blank or mark of a sentence: logs, lock files, tables of numbers. Not in a text of at most SMALL
characters, which may be an address."""
SMALL = 320
GAP = 3
"""Characters of blank lines that two lines of one run may have between them: a signature keeps its greeting."""
MIXED = 4000
"""Characters up to which a technical text is also read where it has sentences: what a person wrote above the code that they pasted."""
SENTENCE = 5
"""Words of a sentence, from which one is taken for a person's."""

PROGRAM = 5
"""One line of code among so many makes the lines around it a program's comments."""
TAIL = 40
"""Characters of a line without words that goes with the line before it: a postal code, a number."""

_UP = "A-ZÀ-ÖØ-ÞĀ-ɏḀ-ỿΑ-ΩА-ЯЁЄІЇҐ"
_LOW = "a-zß-öø-ÿā-ɏḁ-ỿα-ωа-яёєіїґ'’\u0300-\u036f"
"""Blocks in which capitals and small letters alternate are in both. Marks that combine stand on a letter."""
_NOT_LATIN = r"[\u0590-\u08ff\u0900-\u0dff\u0e00-\u109f\u10a0-\u10ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_FIELD = (
    r"(?:(?:full|first|last|sur|given|family|middle|display|real|legal|maiden|nick|customer|contact|company|employee|patient|client|account|billing|shipping|student|"
    r"guest|user|owner|author)[ _-]?)?names?|surname|forename|author|owner|assignee|reporter|reviewer|approver|maintainer|committer|customer|client|patient|employee|employer|"
    r"manager|supervisor|contact|address|addr|street|city|town|village|country|state|province|county|region|nationality|citizenship|religion|ethnicity|company|organi[sz]ation|org|"
    r"vendor|supplier|school|university|hospital|bank|recipient|sender|from|to|cc|attendees?|participants?|organi[sz]er|location|venue|residence|hometown|birth[ _-]?(?:day|date|place)|dob|"
    r"born|age|signed|signed[ _-]by|created[ _-]by|updated[ _-]by|assigned[ _-]to|cardholder|beneficiary|payee|payer|tenant|landlord|doctor|physician|teacher|student|guest|passenger|driver|"
    r"spouse|mother|father|husband|wife|child|person|people|names?[ _-]of|user|login|username|nom|pr[eé]nom|adresse|ville|apellidos?|nombre|direcci[oó]n|ciudad|nachname|vorname|stadt|"
    r"stra(?:ß|ss)e|wohnort|nome|cognome|indirizzo|citt[aà]|naam|achternaam|voornaam|adres|imi[eę]|nazwisko|miasto|имя|фамилия|адрес|город"
)
FIELD = re.compile(rf"(?i)(?:^|[^a-z])(?:{_FIELD})$")
"""Over the last key of a context: what stands under it is somebody's."""
_FIELDS = words(
    """
    name names surname forename author owner assignee reporter reviewer approver maintainer committer customer client patient employee employer manager
    supervisor contact address city town nationality company organization organisation vendor supplier school university hospital recipient sender from to cc
    attendee attendees participants organizer location venue residence hometown birthplace dob signed by cardholder beneficiary payee payer tenant landlord
    doctor physician teacher student guest passenger driver spouse mother father husband wife person nom adresse ville apellido apellidos nombre ciudad nachname
    vorname stadt wohnort nome cognome indirizzo naam achternaam voornaam adres nazwisko miasto
    """
)
"""Last words of a key that is somebody's."""
_KEY = re.compile(
    r"(?<![A-Za-z])[A-Za-z]++(?=[\"'`*\\]{0,3}[ \t]{0,3}[:=|>][ \t\"'`*\\]{0,4}(?:[A-Z\u00c0-\uffff][^\W\d_A-Z]|[a-z]+ [a-z]+[\"'`<\n]))"
)
"""A key and its value, which begins with a capital or is two words."""
_PAIR = re.compile(
    rf"[{_UP}](?<![\w./$\\-][{_UP}])[{_LOW}]++[.]?[ \u00a0](?:(?:de|van|von|der|da|di|la|le|bin|al|el|del|of|y|e)[ \u00a0]){{0,2}}(?:[{_UP}]\.[ \u00a0]?){{0,2}}[{_UP}][{_LOW}]++(?![\w(])"
)
_TITLE = re.compile(rf"\b(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Sra?|Mme)\.? [{_UP}]")
_OTHER = re.compile(_NOT_LATIN)
_INNER = re.compile(rf"[{_LOW},;] (?!I\b)[{_UP}][{_LOW}]+")
"""A capital inside a sentence."""
_BEGUN = re.compile(rf"[{_LOW},;:] (?!I\b)[{_UP}][{_LOW}]+")
"""The same, or where one begins behind a colon."""

_NOISE = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://\S+|[^\s@]{1,64}@[^\s@]{1,200}\.[^\s@]+|[\w.-]*[/\\][\w./\\@-]+|\b[0-9a-fA-F]{8,}\b|\b(?=[A-Za-z_]*\d)\w{12,}\b|<[^<>\n]{1,200}>|&\w{2,8};"
)
"""What holds letters and no words: addresses, paths, hashes, marks of markup."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_CODE = re.compile(
    r"[{;]\s*$|=>|::|->|\w\(\)|\w\[[\w'\"]*\]|&&|\|\||[!=+*/-]=|\w\.\w+\(|\w\(\w*[,)=]|^\s*(?:[\w.\[\]'\"]+|(?:const|let|var|final|auto|my|local|export)\s[\w:<>]+)\s*(?::\s*[\w\[\], |]+)?=\s*\S|"
    r"^\s*(?:import\s+[\w.{*\"']+(?:\s*,|\s+as\s|\s*;?\s*$|\s+from\s)|from\s+[\w.]+\s+import\b|(?:async\s+)?(?:def|class|func|fn|function|struct|enum|interface|trait|impl|namespace|package|module)\s+[\w.]+\s*(?:[(:{<;]|$)|"
    r"(?:if|elif|else|for|while|switch|case|try|except|catch|finally|with|do|match)\b.*[:{]\s*$|(?:return|raise|yield|await|throw|pass|break|continue|del|assert|goto)\b\s*(?:[\w.]*\s*$|.*[()\[\]{}=;]|[\w.\"'-]+\s*$)|"
    r"@[\w.]+(?:\(.*\)?)?\s*$|#\s*(?:include|define|ifdef|ifndef|endif|pragma)\b|[})\]]+[,;]?\s*$|@@ |diff --git |index [0-9a-f]{6}|[+-]{3} [ab]/)"
)
_LOG = re.compile(
    r"^\s*\[?(?:\d{4}-\d\d-\d\d[T ]\d\d:|\d\d:\d\d:\d\d|(?:DEBUG|INFO|WARN(?:ING)?|ERROR|TRACE|FATAL|CRITICAL)\b|at [\w.$<>]+\(|File \"|\S+ \S+ \S+ \[\d\d/)|^\w{3} +\d{1,2} \d\d:\d\d:\d\d "
)
_COMPILER = re.compile(
    r"\s*[\w./\\@+-]{1,200}\.\w{1,8}[:(]\d{1,6}(?:[:,]\d{1,6})?\)?[: -]{1,4}(?:fatal )?(?:error|warning|note|info|hint|help|remark|[A-Z]{1,4}\d{3,4})\b"
)
"""What a compiler says of a line: `src/a.ts:194:34 - warning: ...`, `a.c(12): error C2065: ...`."""
_KEYED = re.compile(r"^\s*(?:- )?[\"']?[a-z][\w.-]{0,39}[\"']?\s*[:=]\s*[\"']?[\w./:@+-]*[\"']?,?\s*$")
"""A setting: one word under a key in small letters."""
_SIGN = re.compile(r"[{}\[\];=<\\|$^~]")
_ITEM = re.compile(r"\s*[\w.\"'*]+,?\s*")
"""One word of a list: an argument or an import where there is a program around it."""
_COMMENT = re.compile(r"#(?!\w)|//|--(?= )|/\*|^\s*\*\s|<!--|;;|^\s*\"\"\"|^\s*'''|%%")
CELL = 80
"""Characters of a cell: the whole value of a field."""


_SENTENCE = {ord(c): None for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \n,.!?'>-"}


def technical(text: str) -> bool:
    """Whether a text is a program's or a machine's: by its signs and digits."""
    size = len(text)
    count = text.count
    # `>` quotes a mail and `"` quotes people: neither is a sign of its own, but `":` is a record's.
    signs = sum(map(count, "{}()[];=<_\\|$&^~`")) + 2 * count('":')
    if signs >= max(FEW, SIGNS * size):
        return True
    return size > SMALL and sum(map(str.isascii, text.translate(_SENTENCE))) >= REST * size


def code(line: str) -> bool:
    """Whether a line is a statement of a program."""
    return _CODE.search(line) is not None


def comment(line: str, start: int) -> bool:
    """Whether an offset of a line of code lies in a comment or a string."""
    mark = _COMMENT.search(line)
    if mark is not None and mark.end() <= start:
        return True
    head = line[:start].replace('\\"', "").replace("\\'", "")
    return head.count('"') % 2 == 1 or head.count("'") % 2 == 1 or head.count("`") % 2 == 1


def wordy(line: str) -> bool:
    """Whether something is left of a line when what holds no words is left out."""
    return _WORD.search(_NOISE.sub(" ", line)) is not None


def cell(text: str, key: str) -> bool:
    """Whether the value of a field may name somebody. One small word is an enumeration's (`open`, `bug`) unless the field is somebody's."""
    if FIELD.search(key):
        return wordy(text)
    if not wordy(text):
        return False
    return " " in text.strip() or any(map(str.isupper, text)) or not text.isascii()


_BLOB = re.compile(
    r"(?<![\w+/-])(?:[0-9a-fA-F]{16,}|(?=[\w+/-]*\d)(?=[\w+/-]*[A-Za-z])(?=[^\s-]{12}|\w{8}-\w{4}-)[\w+/-]{20,}={0,2})(?![\w+/-])"
)


def dimmed(text: str) -> str:
    """The same with hashes, UUIDs and encoded words blackened, character for character: the encoder then reads one unknown word, where it
    would read some twenty pieces that say nothing."""
    return _BLOB.sub(lambda m: "\u2588" * len(m[0]), text)


def runs(text: str) -> list[tuple[int, int]]:
    """The runs of lines that are worth a pass, in order."""
    return list(_joined(text, _technical(text) if technical(text) else _plain(text)))


def _candidates(text: str) -> list[int]:
    """Offsets where something stands that looks like a name, in order."""
    out = [m.start() for m in _PAIR.finditer(text)]
    out += [m.start() for m in _KEY.finditer(text) if m[0].lower() in _FIELDS]
    if ". " in text or "r " in text or "s " in text:
        out += [m.start() for m in _TITLE.finditer(text)]
    if not text.isascii():
        out += [m.start() for m in _OTHER.finditer(text)]
    return sorted(out)


def _sentence(line: str) -> bool:
    """Whether a line of a technical text is what somebody says: words, none of a program's signs, no statement, comment, log or setting."""
    return (
        len(_WORD.findall(line)) >= SENTENCE
        and not _SIGN.search(line)
        and not (code(line) or _LOG.match(line) or _COMMENT.match(line.lstrip()))
        and not (_COMPILER.match(line) and not _BEGUN.search(line))
    )


def _sentences(text: str) -> list[int]:
    """Where the lines of a short text begin that are sentences."""
    out, at = [], 0
    for line in text.splitlines(keepends=True):
        if _sentence(line):
            out.append(at)
        at += len(line)
    return out


def _technical(text: str) -> Iterator[tuple[int, int]]:
    """Lines of a technical text that may name somebody."""
    done = 0
    found = _candidates(text)
    for at in sorted([*found, *_sentences(text)]) if len(text) <= MIXED else found:
        if at < done:
            continue
        start = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        end = len(text) if end < 0 else end + 1
        done = end
        if wordy(text[start:end]):
            yield start, end


def _plain(text: str) -> Iterator[tuple[int, int]]:
    """Lines of a text that is not technical as a whole. Beside a program's lines only those that may name somebody."""
    lines = text.splitlines(keepends=True)
    codes = [code(line) for line in lines]
    program = sum(codes) * PROGRAM >= len(lines)
    at = last = 0
    for line, own in zip(lines, codes, strict=True):
        start, at = at, at + len(line)
        if not wordy(line):
            if start == last and len(line) <= TAIL and line.strip():
                last = at
                yield start, at
            continue
        compiler = _COMPILER.match(line)
        guarded = own or program or compiler or _LOG.match(line) or _KEYED.match(line)
        named = (_BEGUN if compiler else _INNER).search(line) or _candidates(line)
        if guarded and ((program and _ITEM.fullmatch(line)) or not named):
            continue
        last = at
        yield start, at


def _joined(text: str, lines: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    low = high = -1
    for start, end in lines:
        if low >= 0 and start - high <= GAP and not text[high:start].strip():
            high = end
            continue
        if low >= 0:
            yield low, high
        low, high = start, end
    if low >= 0:
        yield low, high
