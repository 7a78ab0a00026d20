"""A person found in one place of a request is looked for everywhere in it: parts, other cases, identifiers, logins.

"Jane Doe" also stands as `JANE`, "Doe's", `janeDoe`, `jane_doe`, `doe.jane@`, `jdoe`. Law: exact spellings are returned, each a value of its
own, so that a round trip stays exact; a part that is an ordinary word ("Mark", "Will") counts only beside another part of its
name, or capitalised inside a sentence; one that is a programming word or a month only beside another part.
Cost: one pass over the texts cuts them into pieces (words, humps of identifiers); each different piece is looked up once. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from localrouter.core.findings import Finding
from localrouter.scrub.common_words import CALENDAR, CODE, WORDS, words
from localrouter.scrub.merge import LIKENESS

NAME = "names"
PART_MIN = 3
STEM_MIN = 5
"""Letters of a part before an inflected form is accepted: "Nowak" has "Nowaka", "Li" has nothing."""

FEW = 60
"""Words that are looked for one by one; with more of them, cutting the text into pieces is cheaper (measured on 200 KB of code)."""

_NAMED = {"PERSON": "PERSON", "OWN_NAME": "OWN_NAME"}
_TITLES = words(
    """
    mr mrs ms miss dr prof sir madam herr frau dott dra don dona doña señor señora sr sra jr ii iii iv phd md monsieur
    madame mme mlle lord lady pan pani
    """
)
_PARTICLES = words(
    """
    van von der den de la le du di da del della dos das do bin ibn al el ter ten zu zum zur af av y e und mac mc st san
    abu ben
    """
)
_ENDINGS = words(
    # German and English genitive, Slavic cases and feminine forms, Greek, Finnish and Hungarian cases, Turkish after an apostrophe
    """
    s es n en a u y i e o em om ie ą ę owi iem em ów ova ovi ové ové owa owie ami ach а у ом ым ой е ы и ою ова ову овой
    ову на ной ну ς ν n in ssa lle lla lta n t ra re ban ben nak nek val vel tól
    """
)
_SPLIT = re.compile(r"[\s\-‐‑.’'`_/]+")
# A piece: a hump (`Doe` of `janeDoe`), a run of capitals, a run of small letters; any other script's run as one.
_PIECE = re.compile(r"[A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]{2,}|[A-ZÀ-ÖØ-Þ]{2,}(?![a-zß-öø-ÿ])|[^\W\d_]{2,}")
_ASCII_PIECE = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
# What may stand between two parts of one name: a blank, a joiner, `, `, or a dot after an initial. Not the end of a sentence.
_GAP = r"(?:[._+\-]|,? |(?<=\b\w)\. )?"
_PART_BEFORE = re.compile(rf"(?P<w>[^\W\d_]+){_GAP}\Z")
_PART_AFTER = re.compile(rf"{_GAP}(?P<w>[A-ZÀ-ÞА-Я]?[^\W\d_A-ZÀ-ÞА-Я]+|[^\W\d_]+)")


@dataclass(slots=True)
class _Person:
    """One name: its parts by strength, and joined forms (logins)."""

    kind: str
    strong: set[str] = field(default_factory=set)
    careful: set[str] = field(default_factory=set)
    beside: set[str] = field(default_factory=set)
    joined: set[str] = field(default_factory=set)
    phrases: set[str] = field(default_factory=set)


def fold(text: str) -> str:
    """Case-folded, without diacritics: `María` and `MARIA` are one."""
    if text.isascii():
        return text.lower()
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return plain.translate(_STROKES).casefold()


_STROKES = str.maketrans(
    {"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "đ": "d", "Đ": "d", "ı": "i", "ð": "d", "Ð": "d"}
    | {"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "þ": "th", "Þ": "th"}
)


def common(word: str) -> bool:
    """Whether a word is one that texts use without meaning a person."""
    low = fold(word)
    return low in WORDS or low in CODE or low in CALENDAR


@lru_cache(maxsize=4096)
def _person(value: str, kind: str) -> _Person | None:
    it = _Person(kind)
    if _UNSPACED.search(value):
        if 2 <= len(value) <= 40:
            it.phrases.add(value)
            bare = re.sub(r"\s+", "", value)
            if len(bare) >= PART_MIN - 1:
                it.phrases.add(bare)
        return it if it.phrases else None
    if "," in value:
        last, _, first = value.partition(",")
        value = f"{first.strip()} {last.strip()}"
    each = [fold(w) for w in _SPLIT.split(value.strip().removesuffix("'s").removesuffix("’s")) if w]
    each = [w for w in each if w.isalpha() and w not in _TITLES]
    core = [w for w in each if w not in _PARTICLES and len(w) > 1]
    if not core or len(each) > 7:
        return None
    for word in core:
        if len(word) < PART_MIN or word in CODE or word in CALENDAR:
            it.beside.add(word)
        elif word in WORDS:
            it.careful.add(word)
        else:
            it.strong.add(word)
    it.beside |= {w for w in each if len(w) == 1 or w in _PARTICLES}
    # `O'Brien` and `de la Cruz` are also written as one word.
    for text in re.findall(r"[^\W\d_]['’`][^\W\d_]+|[^\W\d_]+-[^\W\d_]+", value):
        it.strong.add(fold(re.sub(r"['’`-]", "", text)))
    if len(each) >= 2:
        first, last, tail = core[0], core[-1], "".join(each[1:])
        pairs = {(first, last), (first, tail)} if first != last else set()
        for a, b in pairs:
            it.joined |= {f"{a}{b}", f"{b}{a}", f"{a[0]}{b}", f"{b}{a[0]}", f"{a}{b[0]}"}
        if len(core) > 2:
            it.joined |= {"".join(core), "".join(w[0] for w in core[:-1]) + last}
        if len(tail) > len(last):
            it.strong.add(tail)
        if not it.strong:
            it.phrases |= {f"{last}, {first}", *(f"{first}{gap}{last}" for gap in (" ", "", "_", "-", "."))}
    it.joined = {j for j in it.joined if len(j) >= 4 and not common(j) and j not in it.strong}
    return it


def _guessed(it: _Person) -> _Person:
    """A single word that a model took for a name: one mistake must not veil the word in every identifier of a request. It counts capitalised inside a
    sentence (and, like every value, where it stands as it was found)."""
    return _Person(it.kind, set(), it.careful | it.strong, set(it.beside), set(), set(it.phrases))


def forms(value: str) -> tuple[str, ...]:
    """The folded single-word forms under which a name is looked for on its own: parts and logins. Empty for what is no name."""
    it = _person(value, "PERSON")
    return tuple(sorted(it.strong | it.joined)) if it else ()


class Mentions:
    """What a conversation's texts mention, remembered for its next turn: of the same people, in texts of the same names and findings. It keeps no
    text. `like`: begins with what that one knows; neither changes what the other does."""

    __slots__ = ("_found", "_people")

    def __init__(self, like: Mentions | None = None) -> None:
        self._people: tuple[tuple[str, str, bool], ...] = like._people if like is not None else ()
        self._found: Mapping[Hashable, tuple[tuple[Finding, ...], tuple[Finding, ...]]] = like._found if like is not None else {}

    def __len__(self) -> int:
        return len(self._found)

    def known(
        self,
        people: Mapping[str, _Person],
        guessed: Collection[str],
        names: Sequence[Hashable],
        findings: Sequence[Sequence[Finding]],
    ) -> list[tuple[Finding, ...] | None]:
        """What each text mentions; None where that has to be looked up."""
        who = tuple((value, it.kind, value in guessed) for value, it in people.items())
        if who != self._people:
            self._people, self._found = who, {}
        rows = [self._found.get(name) for name in names]
        return [row[1] if row is not None and row[0] == tuple(own) else None for row, own in zip(rows, findings, strict=True)]

    def keep(
        self, names: Sequence[Hashable], findings: Sequence[Sequence[Finding]], mentions: Sequence[tuple[Finding, ...]]
    ) -> None:
        """Of this request; what only earlier ones held is forgotten."""
        self._found = {name: (tuple(own), more) for name, own, more in zip(names, findings, mentions, strict=True)}


def sweep(
    texts: Sequence[str],
    findings: Sequence[Sequence[Finding]],
    memory: Mentions | None = None,
    names: Sequence[Hashable] = (),
) -> list[tuple[Finding, ...]]:
    """ADDITIONAL findings in each text: every mention of a person that some finding (PERSON, OWN_NAME) names, outside that finding.

    `findings[i]` belongs to `texts[i]`. The new ones have the type of the name they come from, or USERNAME for a login form. `memory`: of the
    conversation, with the names of the texts (hashes of them).
    """
    people: dict[str, _Person] = {}
    guessed: set[str] = set()
    for text, own in zip(texts, findings, strict=True):
        for f in own:
            if f.type in _NAMED and 2 <= f.end - f.start <= 80:
                value = text[f.start : f.end]
                if value not in people and (it := _person(value, _NAMED[f.type])) is not None:
                    guess = f.detector in LIKENESS and " " not in value
                    people[value] = _guessed(it) if guess else it
                    guessed |= {value} if guess else set()
    if not people:
        return [() for _ in texts]
    if memory is None:
        return _mentioned(texts, findings, people)
    found = memory.known(people, guessed, names, findings)
    fresh = [i for i, row in enumerate(found) if row is None]
    more = dict(zip(fresh, _mentioned([texts[i] for i in fresh], [findings[i] for i in fresh], people), strict=True))
    mentions = [more[i] if row is None else row for i, row in enumerate(found)]
    memory.keep(names, findings, mentions)
    return mentions


def _mentioned(
    texts: Sequence[str], findings: Sequence[Sequence[Finding]], people: Mapping[str, _Person]
) -> list[tuple[Finding, ...]]:
    """Of these people, in each text."""
    singles: dict[str, str] = {}
    beside: dict[str, list[_Person]] = {}
    careful: set[str] = set()
    for it in people.values():
        for word in it.joined:
            singles.setdefault(word, "USERNAME" if it.kind == "PERSON" else it.kind)
        for word in it.strong:
            singles[word] = it.kind
        careful |= it.careful - singles.keys()
        for word in it.strong | it.careful | it.beside:
            beside.setdefault(word, []).append(it)
    phrases = {p: it.kind for it in people.values() for p in it.phrases}
    may = _may_mention(texts, {*singles, *careful, *phrases})
    return [
        _mentions(text, own, singles, careful, beside, phrases) if index in may else ()
        for index, (text, own) in enumerate(zip(texts, findings, strict=True))
    ]


def _may_mention(texts: Sequence[str], looked_for: Collection[str]) -> Collection[int]:
    """Which texts may mention somebody: a quick no for most. Few folded words in ASCII texts are looked for as they are, in all texts at
    once, at a tenth of the cost of cutting each up."""
    if len(looked_for) > FEW:
        return range(len(texts))
    found = {i for i, text in enumerate(texts) if not text.isascii()}
    plain = [i for i in range(len(texts)) if i not in found]
    low = "\0".join([texts[i] for i in plain]).lower()
    begins = list(accumulate((len(texts[i]) + 1 for i in plain), initial=0))
    for word in looked_for:
        if not plain or any(other != word and other in word for other in looked_for):
            continue  # where it stands, the shorter one does
        at = low.find(word)
        while at >= 0:
            number = bisect_right(begins, at) - 1
            found.add(plain[number])
            at = low.find(word, begins[number + 1])  # one mention is enough
    return found


def _mentions(
    text: str,
    own: Sequence[Finding],
    singles: Mapping[str, str],
    careful: set[str],
    beside: Mapping[str, list[_Person]],
    phrases: Mapping[str, str],
) -> tuple[Finding, ...]:
    hits: list[tuple[int, int, str, str]] = []
    for spelling in _pieces(text):
        kind = _kind(spelling, singles)
        guarded = kind is None and careful and spelling[0].isupper() and not spelling.isupper() and fold(spelling) in careful
        if kind is None and not guarded:
            continue
        for start in _places(text, spelling):
            end = start + len(spelling)
            if _edged(text, start, end) and (not guarded or _sentence(text, start)):
                hits.append((start, end, kind or "PERSON", "" if guarded else fold(spelling)))
    low = text.lower() if phrases else ""
    for phrase, kind in phrases.items():
        for start in _places(low if len(low) == len(text) else text, phrase):
            if _UNSPACED.search(phrase) or _edged(text, start, start + len(phrase)):
                hits.append((start, start + len(phrase), kind, ""))
    held = [(f.start, f.end) for f in own]
    out: list[Finding] = []
    last = 0
    for start, end, kind, word in sorted(hits, key=lambda h: (h[0], -h[1])):
        if start < last:
            continue  # taken in by the mention before
        start, end = _wider(text, last, start, end, word, beside)
        last = end
        if not any(a <= start and end <= b for a, b in held):
            out.append(Finding(start, end, kind, 0.8, NAME))
    return tuple(out)


def _pieces(text: str) -> set[str]:
    """The different pieces of a text. Its different words first: code repeats itself, and splitting at blanks is three times as fast."""
    distinct = "\n".join(set(text.split()))
    return set((_ASCII_PIECE if distinct.isascii() else _PIECE).findall(distinct))


def _kind(spelling: str, singles: Mapping[str, str]) -> str | None:
    folded = fold(spelling)
    kind = singles.get(folded)
    if kind is not None or not spelling[0].isupper():
        return kind
    for cut in range(1, min(4, len(folded) - STEM_MIN + 1)):
        if folded[-cut:] in _ENDINGS and singles.get(folded[:-cut]) in ("PERSON", "OWN_NAME"):
            return singles[folded[:-cut]]
    return None


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def _edged(text: str, start: int, end: int) -> bool:
    """A word's edge on both sides: no letter, or a hump. Digits may touch (`jdoe2`)."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalpha() and not (before.islower() and text[start].isupper()) and not _escape(text, start):
        return False
    return not after.isalpha() or (text[end - 1].islower() and after.isupper())


def _escape(text: str, start: int) -> bool:
    return text[start - 2 : start - 1] == "\\" and text[start - 1] in "nrtbf"


def _wider(text: str, low: int, start: int, end: int, word: str, beside: Mapping[str, list[_Person]]) -> tuple[int, int]:
    """The mention with the other parts of the same name that touch it: `Mark` before `Smith`, `mark_` before `smith`.
    Each part once, and nothing before `low`."""
    own = beside.get(word)
    if not own:
        return start, end
    left = set().union(*(p.strong | p.careful | p.beside for p in own)) - {word}
    while left:
        base = max(low, start - 28)
        m = _PART_BEFORE.search(text[base:start])
        near = _last_hump(m["w"]) if m else ""
        if m is None or fold(near) not in left:
            break
        left.discard(fold(near))
        start = base + m.end("w") - len(near)
    while left:
        m = _PART_AFTER.match(text[end : end + 28])
        if m is None or fold(m["w"]) not in left:
            break
        left.discard(fold(m["w"]))
        end += m.end()
    return start, end


def _last_hump(word: str) -> str:
    m = re.search(r"[A-ZÀ-Þ][^\WA-ZÀ-Þ\d_]*\Z", word)
    return m[0] if m and not word.isupper() else word


def _sentence(text: str, start: int) -> bool:
    """Inside a sentence: after a small letter or a comma and one blank, where a capital is no beginning."""
    return text[start - 1 : start] == " " and (text[start - 2 : start - 1].islower() or text[start - 2 : start - 1] == ",")
