"""The language that the person wrote: by script where one language alone writes in it, else by its small words, rare letters and endings.

No model and no download: the marks are closed word classes (`language_words.py`), each worth less the more languages share it. What is code, a
path, an address or a quotation says nothing of the language and is left out. Short texts of few marks are "", which is honest.
"""

from __future__ import annotations

import re
from collections import Counter

from localrouter.classify.known import known
from localrouter.classify.language_words import ELSE, ENDINGS, LETTERS, SCRIPTS, SHARED, WORDS
from localrouter.classify.scores import shares

HEAD, TAIL = 900, 300
"""Characters that are read: an instruction stands in front of what it is about, or behind it."""
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`", re.S)
_TAG = re.compile(r"<[^<>\n]{1,200}>")
_EDGES = ".,;:!?()[]{}\"'“”‘’«»„…*_#<>|-–—¿¡~+=$%&"
_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u097f])+(?:'[^\W\d_]+)?")
"""Python counts no vowel sign of Devanagari as a letter."""
_QUOTED = re.compile(r'"[^"\n]{3,400}"|“[^”\n]{3,400}”|«[^»\n]{3,400}»|„[^“”\n]{3,400}[“”]|(?<!\w)\'[^\'\n]{8,400}\'(?!\w)')
_WORD_LIMIT = 160
_PRIOR = {
    **dict.fromkeys(("de", "fr", "es", "it", "pt", "ru", "hi", "ar"), 0.25),
    **dict.fromkeys(("nl", "pl", "tr", "uk", "sv", "cs", "id", "fa", "vi"), 0.15),
    **dict.fromkeys(("af", "eu", "ca", "sq", "ga", "cy", "sw", "tl", "mr", "ne", "mk", "be", "ms", "az", "sl"), -0.1),
}
"""In words: how much is added for languages that many, or few, write to models. It settles ties; English is what no mark is."""
_OTHER = frozenset(name for names in SHARED.values() for name in names)


def _index() -> dict[str, tuple[tuple[str, float], ...]]:
    holders: dict[str, set[str]] = {}
    for name, words in WORDS.items():
        for word in words.split():
            holders.setdefault(word.replace("’", "'"), set()).add(name)
    return {word: tuple((n, 1.0 / len(names)) for n in sorted(names)) for word, names in holders.items()}


def _letters() -> dict[str, tuple[str, ...]]:
    out: dict[str, list[str]] = {}
    for name, letters in LETTERS.items():
        for letter in letters:
            out.setdefault(letter, []).append(name)
    return {letter: tuple(names) for letter, names in out.items()}


def _endings() -> dict[str, tuple[tuple[str, float], ...]]:
    out: dict[str, list[str]] = {}
    for name, endings in ENDINGS.items():
        for ending in endings.split():
            out.setdefault(ending, []).append(name)
    return {ending: tuple((n, 1.0 / 3 / len(names)) for n in names) for ending, names in out.items()}


_INDEX, _RARE, _ENDS = _index(), _letters(), _endings()
_ENGLISH_ENDS = re.compile(r"(?:ing|tion|ed|ly|er|ness|ment|able|ous|ity|es|s)\Z")


def _script(char: str) -> str:
    point = ord(char)
    for first, last, name in SCRIPTS:
        if first <= point <= last:
            return name
    return "latin" if char.isalpha() else ""


@known
def language(text: str) -> tuple[str, dict[str, float]]:
    """(ISO 639-1 name or "", the shares of the likeliest). Shares are scores of rules, not measured probabilities."""
    if len(text) > HEAD + TAIL:
        text = text[:HEAD] + "\n" + text[-TAIL:]
    plain = _CODE.sub(" ", text) if "`" in text else text
    if "<" in plain:
        plain = _TAG.sub(" ", plain)
    if '"' in plain or "'" in plain or not plain.isascii():
        bare = _QUOTED.sub(" ", plain)
        if len(bare) >= 12 and len(bare) * 4 >= len(plain):
            plain = bare
    plain = plain.replace("’", "'").lower()
    if not plain.isascii():
        found = _by_script(plain)
        if found is not None:
            return found
    return _by_words(plain)


def _by_script(text: str) -> tuple[str, dict[str, float]] | None:
    """Where another script than the Latin one is written. None: Latin letters prevail."""
    counts = Counter(_script(c) for c in text if c > "\u036f")
    latin = sum(1 for c in text if "a" <= c <= "z") + counts.pop("latin", 0)
    counts.pop("", None)
    if not counts:
        return None
    if counts.get("ja") and counts["ja"] * 12 >= counts.get("han", 0):
        counts["ja"] += counts.pop("han", 0)
    if counts.get("ko"):
        counts["ko"] += counts.pop("han", 0)
    name, most = counts.most_common(1)[0]
    # A sign of Chinese or Korean is worth two letters; English words among them are names and terms.
    weight = most * (4 if name in ("han", "ja", "ko") else 2)
    if weight < latin:
        return None
    if name == "han":
        name = "zh"
    if name in SHARED:
        return _by_words(text, SHARED[name], ELSE[name])
    total = weight + latin
    return name, {name: round(weight / total, 3)}


def _by_words(text: str, among: frozenset[str] | None = None, otherwise: str = "") -> tuple[str, dict[str, float]]:
    scores: dict[str, float] = {}
    words = _words(text)
    known = 0
    for word in words:
        hits = _INDEX.get(word)
        if hits is None and "'" in word:
            # l'homme, dell'arte: the article in front is the mark
            hits = _INDEX.get(word.partition("'")[0])
        if hits is not None:
            known += 1
            for name, weight in hits:
                scores[name] = scores.get(name, 0.0) + weight
        elif len(word) > 4:
            for size in (4, 3):
                for name, weight in _ENDS.get(word[-size:], ()):
                    scores[name] = scores.get(name, 0.0) + weight
    if not text.isascii():
        for letter, count in Counter(text).items():
            for name in _RARE.get(letter, ()):
                scores[name] = scores.get(name, 0.0) + 0.5 * min(count, 6)
    if among is not None:
        scores = {n: s for n, s in scores.items() if n in among}
    else:
        scores = {n: s for n, s in scores.items() if n not in _OTHER}
    if not scores:
        if otherwise:
            return otherwise, {otherwise: 0.5}
        return ("en", {"en": 0.4}) if _looks_english(text, words) else ("", {})
    if text.isascii() and "en" in scores:
        scores["en"] += 0.3
    best = max(scores.values())
    if best < 0.34 and not otherwise:
        return ("en", {"en": 0.4}) if _looks_english(text, words) else ("", {})
    scores = {n: s + _PRIOR.get(n, 0.0) for n, s in scores.items()}
    # The sharper, the more marks were met: three words say less than thirty.
    out = shares(scores, min(3.0, 1.2 + 0.3 * known))
    name = max(out, key=lambda n: (out[n], n == "en"))
    return name, dict(sorted(((n, p) for n, p in out.items() if p >= 0.01), key=lambda item: -item[1])[:4])


def _words(text: str) -> list[str]:
    """Words, and no names of code: nothing with a digit, a dot, a slash or a bracket inside."""
    out: list[str] = []
    for token in text.split():
        word = token.strip(_EDGES)
        if word.isalpha():
            out.append(word)
        elif (word and not word.isascii()) or "'" in word or "-" in word:
            out += _WORD.findall(word)
        if len(out) >= _WORD_LIMIT:
            break
    return out


def _looks_english(text: str, words: list[str]) -> bool:
    """Three plain words and more that no other language claims: English is what developers write without small words ("fix failing tests")."""
    return text.isascii() and len(words) >= 2 and any(_ENGLISH_ENDS.search(w) for w in words)
