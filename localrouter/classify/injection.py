"""Whether a text tries to make the model leave its instructions: in the person's own words (a jailbreak) or in what somebody else wrote (an
injection in a document, a web page, a tool's result).

A likelihood in [0, 1] from rules (`injection_rules.py`): each hit adds to a logit, families count once with a little for more, and what speaks
of attacks instead of being one (a question about them, a quotation, a test) takes away. It is a score of rules, not a measured frequency, and
proof of nothing: what is under 0.5 may still be an attack. Recipes raise the care of a request with it; nothing is loosened by it (law 6).

Cost: stems are looked for first, and patterns are tried only around them; what is looked at is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from localrouter.classify import injection_rules as r
from localrouter.classify.hidden import decoded, plain
from localrouter.classify.known import known
from localrouter.classify.patterns import compiled, spaced
from localrouter.classify.scores import chance

BASE = -3.1
"""The logit of a text without a hit: 0.043."""
_AROUND = 240
_LOOKED_AT = 8192
"""Characters around stems that patterns are tried on, in one text."""
_GAP, _GAPS = re.compile(r"[\t\r\f\v]|  "), re.compile(r"[ \t\r\f\v]+")
_HITS = 8
"""Places of one stem that are looked at, in one text."""
_MORE = 0.35
"""What each further hit of a family counts, of its weight."""

_STRONG = re.compile(
    r"\b(?:previous|previously|prior|above|preceding|earlier|former|foregoing|past|initial|original|system|system's|safety|developer|developer's"
    r"|your|openai|openai's|anthropic|anthropic's|platform|hidden|alignment|ethical|its)\b"
)
_ABOVE_ALL = re.compile(
    r"\b(?:all|any|every|everything|system|system's|safety|security|developer|developer's|your|openai|openai's|anthropic|anthropic's|platform|hidden"
    r"|alignment|ethical|ethics|moral|content|policy|its|ai)\b"
)
_YOURS = re.compile(r"\byou(?:r|rs|'re|'ve)?\b|\bverbatim\b|\bword for word\b")
_OF_A_THING = re.compile(
    r"\s(?:of|in|for|from|inside)\s(?:the|this|that|my|our|an?)\s(?!(?:\w+\s)?(?:above|system|prompt|conversation|context|chat|session|developers?|assistants?|model|messages?|users?|ai|bot"
    r"|agent|past|beginning|start|code|block)\b)\w"
)
_ABOUT = compiled(
    r"\b(?:prompt[ -]?injections?|injection attacks?|jailbreaks?|jailbreaking|owasp|red[- ]?team\w{0,4}|adversarial|attackers?|attack vectors?"
    r"|guardrails?|malicious (?:prompt|user|input)s?)\b"
)
_HOW = compiled(
    r"\b(?:detect\w{0,4}|prevent\w{0,4}|mitigat\w{1,4}|defen[ds]\w{0,4}|protect\w{0,4}|sanitiz\w{1,4}|block\w{0,3}|explain (?:what|why|how)"
    r"|what (?:does|is|are)|why (?:does|do|is|are)|difference|how (?:do|can|should|would) (?:i|we|you)|classif(?:y|ier)|is this|unit tests?"
    r"|test cases?|regex|article|blog|paper|translate|example of|meaning)\b"
)
_HOWTO = compiled(r"\bhow (?:do|can|should|would|could) (?:i|we|you|one)\b|\bhow to\b|\bbest practices?\b")
_OFTEN = re.compile(
    r"\b(?:for example|e\.g\.|such as|example of|examples? include|like this|an attacker (?:may|might|can|could)|attackers?|prompt injection"
    r"|jailbreak\w{0,3}|researchers?|vulnerab\w+|the phrase|known as|assert\w*|blocked|expect|test_\w+|payloads?|pattern)\b"
)
_ORDERS = re.compile(r"\byou (?:must|will|shall|should|are|have to|need to|can(?:not|'t)?|do not|don't)\b")
_MODEL = re.compile(r"\b(?:chatgpt|openai|gpt-?[34]\w*|language model|ai model|your programming|as an ai)\b")
_NAMES = ("chatgpt", "openai", "gpt", "language model", "ai model", "your programming", "as an ai")
_SHOUTS = ("MUST", "NEVER", "ALWAYS", "ONLY", "DO NOT", "DON'T", "SHOULD", "WILL", "ANYTHING", "NO")
_SHOUTED = re.compile(rf"\b(?:{'|'.join(_SHOUTS)})\b")
_COARSE = (
    "fuck",
    "shit",
    "nsfw",
    "porn",
    "erotic",
    "kinky",
    "nazi",
    "hitler",
    " slur",
    "curse words",
    "swear",
    "vulgar",
    "profan",
)
_ASKS = re.compile(
    r"(?:please\s|can you\s|could you\s|kindly\s)?(?:translate|summari[sz]e|write|provide|suggest|recommend|classify|determine|explain|compose|generate|describe"
    r"|analy[sz]e|draft|respond|reply|answer|include|add|insert|modify|replace|mention|encode|output|print|say|ignore|help me|show me|give me|tell me"
    r"|identify|assess|evaluate|state|make sure|ensure|remember to|do not forget|interpret|gauge|judge)\b",
    re.I,
)
_QUOTES = {'"': '"', "“": "”", "`": "`", "'": "'", "«": "»", "‘": "’"}

_STEMS: tuple[str, ...] = tuple(dict.fromkeys(stem for rule in r.RULES for stem in rule.stems))
_RULES_OF: dict[str, list[int]] = {}
for _at, _rule in enumerate(r.RULES):
    for _stem in _rule.stems:
        _RULES_OF.setdefault(_stem, []).append(_at)
_FIRST = 3
_BY_FIRST: dict[str, list[str]] = {}
_ELSEWHERE: list[str] = []
for _stem in (*_STEMS, *r.OVERRIDE_STEMS):
    _bare = _stem.lstrip()
    if _bare[:_FIRST].isalpha() and len(_bare) >= _FIRST:
        _BY_FIRST.setdefault(_bare[:_FIRST], []).append(_stem)
    else:
        _ELSEWHERE.append(_stem)
_OVERRIDES = frozenset(r.OVERRIDE_STEMS)
_FIRSTS = re.compile(r"\b[a-z]{3}")
_FOREIGN_STEMS: tuple[str, ...] = tuple(dict.fromkeys(stem for rule in r.FOREIGN for stem in rule.stems))


def injection(words: str, given: Iterable[str] = (), *, english: bool = False) -> float:
    """`words`: the person's, bounded by the caller. `given`: supplied texts and results of tools, bounded likewise. `english`: so are the words,
    and other languages' rules are tried on what is not ASCII only."""
    best = _logit(words, own=True, english=english)
    for text in given:
        best = max(best, _logit(text, own=False, english=english))
    return chance(BASE + best)


@known
def _logit(text: str, *, own: bool, english: bool) -> float:
    seen, hiding = plain(text)
    lowered = seen.lower()
    total = (
        hiding
        + _weigh(lowered, own=own, foreign=not (english and lowered.isascii()))
        + (_manner(seen, lowered) if own else _asks(seen))
    )
    if total < 6.0 or hiding:
        for other in decoded(seen):
            hidden = (
                _compact(other)
                if " " not in other
                else _weigh(other.lower(), own=own, foreign=not english or len(other) < len(seen))
            )
            if hidden > 1.0:
                total = max(total, hidden + 1.5)
    return total


def _manner(text: str, lowered: str) -> float:
    """How somebody writes who makes up a persona: orders to "you" one after the other, capitals, the model's own name. Each alone is weak."""
    if len(text) < 160:
        return 0.0
    start = lowered[:4096]
    orders = len(_ORDERS.findall(start)) if start.count("you ") >= 3 else 0
    out = 0.9 if orders >= 6 else 0.5 if orders >= 3 else 0.0
    out += 0.6 if any(name in start for name in _NAMES) and _MODEL.search(start) else 0.0
    loud = text[:4096]
    out += 0.5 if sum(map(loud.count, _SHOUTS)) >= 3 and len(_SHOUTED.findall(loud)) >= 3 else 0.0
    return out + (0.7 if any(word in start for word in _COARSE) else 0.0)


def _asks(text: str) -> float:
    """A document whose first or last line asks somebody for something, as documents seldom do."""
    lines = text.strip().splitlines()
    if not lines:
        return 0.0
    last, first = lines[-1].strip(), lines[0].strip()
    if len(lines) > 1 and len(last) < 400 and _ASKS.match(last):
        return 1.6
    return 0.6 if len(lines) > 1 and len(first) < 400 and _ASKS.match(first) else 0.0


def _weigh(text: str, *, own: bool, foreign: bool = True) -> float:
    """What the rules add for a lower-case text."""
    stems = stems_in(text)
    drops = stems & _OVERRIDES
    others = {stem for stem in _FOREIGN_STEMS if stem in text} if foreign else set()
    if not stems and not others:
        return 0.0
    rules = [r.RULES[at] for at in sorted({at for stem in stems for at in _RULES_OF.get(stem, ())})]
    rules += [rule for rule in r.FOREIGN if not others.isdisjoint(rule.stems)] if others else []
    if not rules and not drops:
        return 0.0
    near = _near(text, {*drops, *(s for rule in rules for s in rule.stems if s in stems or s in others)})
    hits: list[tuple[str, float, int, int]] = []
    if drops:
        hits += [("override", _override(found, own=own), found.start(), found.end()) for found in r.OVERRIDE.finditer(near)]
    for rule in rules:
        hit = rule.pattern.search(near, *_between(near, rule.stems))
        if hit is not None:
            hits.append((rule.family, rule.own if own else rule.others, hit.start(), hit.end()))
    if not hits:
        return 0.0
    head = spaced(text[:1500])
    asks = own and _HOWTO.search(head, 0, 400) is not None
    about, how = _ABOUT.search(near) is not None, _HOW.search(head) is not None
    families: dict[str, list[float]] = {}
    for family, weight, start, end in hits:
        weight *= _trust(near, start, end, about, how, own=own)
        if asks and (family == "secrets" or (family == "extract" and not _YOURS.search(near, max(0, start - 80), end + 80))):
            weight *= 0.4  # "how do I list environment variables?", "how do I print the system prompt in bash?"
        elif own and family == "extract" and _OF_A_THING.match(near, end):
            weight *= 0.25  # "show the hidden instructions of the assembler macro"
        families.setdefault(family, []).append(weight)
    total = 0.0
    for weights in families.values():
        weights.sort(reverse=True)
        total += weights[0] + _MORE * sum(weights[1:4])
    return total


def _between(near: str, stems: Iterable[str]) -> tuple[int, int]:
    """Where a pattern can match: around the first and the last of its stems."""
    first, last = len(near), -1
    for stem in stems:
        at = near.find(stem)
        if at >= 0:
            first, last = min(first, at), max(last, near.rfind(stem))
    # A stem that a line break cut in two is not found as it is written: then it may be anywhere.
    return (max(0, first - _AROUND), last + _AROUND) if last >= 0 else (0, len(near))


def stems_in(text: str) -> set[str]:
    """Those of the English rules that stand in a lower-case text. Words begin with few things: a stem is looked for only where a word begins
    as it does."""
    flat = " " + text.replace("\n", " ")
    stems = {stem for stem in _ELSEWHERE if stem in flat}
    words = set(text.split())
    plain_words = {word for word in words if word.isalpha()}
    for first in {*(word[:_FIRST] for word in plain_words), *_FIRSTS.findall(" ".join(words - plain_words))}:
        for stem in _BY_FIRST.get(first, ()):
            if stem in text:
                stems.add(stem)
    return stems


def _override(found: re.Match[str], *, own: bool) -> float:
    """ "Ignore all previous instructions" against "ignore the rules of grammar": what is to be left decides."""
    qualifiers = found[1]
    if own and (re.search(r"\bmy\b", qualifiers) or found[3]):
        return 0.6  # "ignore my last message": the person corrects themselves; "ignore the old rules of the linter": they bind no model
    if own and found[2] and not _ABOVE_ALL.search(qualifiers):
        return 1.6
    if _STRONG.search(qualifiers):
        return 5.0
    if re.search(r"\b(?:all|any|every|everything)\b", qualifiers):
        return 3.2
    return 1.6 if re.search(r"\b(?:these|those|this)\b", qualifiers) else 0.9


def _near(text: str, stems: Iterable[str]) -> str:
    """The parts of a text around the stems, in order, with single spaces."""
    spans: list[tuple[int, int]] = []
    for stem in stems:
        at = text.find(stem)
        for _ in range(_HITS):
            if at < 0:
                break
            spans.append((at - _AROUND if at > _AROUND else 0, at + _AROUND))
            at = text.find(stem, at + _AROUND // 2)
    spans.sort()
    out: list[str] = []
    end, left = 0, _LOOKED_AT
    for start, stop in spans:
        if stop <= end:
            continue
        if start < end:
            start = end
        piece = text[start : min(stop, start + left)]
        # What was cut out between two places joins no words.
        out.append(piece if start == end else "\n\x00\n" + piece)
        left -= len(piece)
        end = stop
        if left <= 0:
            break
    joined = "".join(out)
    return spaced(_GAPS.sub(" ", joined) if _GAP.search(joined) else joined)


def _trust(text: str, start: int, end: int, about: bool, how: bool, *, own: bool) -> float:
    """What a hit counts where the text speaks of attacks: less in quotation marks or behind "for example", least where both."""
    quoted = _quoted(text, start, end)
    if own:
        if quoted:
            return 0.25 if about or how else 0.7
        return 0.55 if about and how else 1.0
    if quoted:
        return 0.35 if about or _OFTEN.search(text[max(0, start - 160) : start]) else 0.75
    return 0.5 if about and _OFTEN.search(text[max(0, start - 160) : start]) else 1.0


def _quoted(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 120) : start], text[end : end + 160]
    for opening, closing in _QUOTES.items():
        at = before.rfind(opening)
        if at < 0 or closing not in after:
            continue
        if opening == "'" and at > 0 and before[at - 1].isalnum():
            continue  # an apostrophe
        if opening != closing or before.count(opening) % 2 == 1:
            return True
    return False


_COMPACT = re.compile(
    r"(?:ignore|disregard|forget|bypass|override)(?:all|the|your|any|my|previous|prior|above|system|safety|earlier)|systemprompt|previousinstruction|allinstruction|apikey|doanythingnow"
)


def _compact(text: str) -> float:
    """Of letters that were set apart, and so have no words."""
    return 4.0 if _COMPACT.search(text.lower()) else 0.0
