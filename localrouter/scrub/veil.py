"""Veil: findings become tokens in every leaf of one request.

Law: a value found in one leaf is replaced in all of them (also in its JSON-escaped and URL-encoded spelling), so that one missed
occurrence does not leak; whatever is replaced ends at a word's edge, so the token can be recognised again. Pure; the tree
is edited by the caller: `edits` first, then `renames`.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote, quote_plus

from localrouter.core.ask import Leaf, Path
from localrouter.core.findings import Finding
from localrouter.core.kinds import DataClass, Tier, kind
from localrouter.scrub import names
from localrouter.scrub.jsontext import JsonText, unescape
from localrouter.scrub.memory import MODEL, Looks
from localrouter.scrub.tokens import Entry, Minter, TokenTable, suffix_of

Action = Literal["pass", "veil", "seal"]
SWEEP_MIN = 3  # what the last check looks for is swept, or every turn would be veiled twice
LOOSE_MIN = 8
_RANK: dict[Tier, int] = {"own": 0, "mask": 1, "seal": 2}
_ESCAPE = re.compile(r"\\(?:[nrtbf]|u[0-9a-fA-F]{4})$")
_HEX = re.compile(r"%[0-9A-F]{2}")


class _Span(NamedTuple):
    start: int
    end: int
    type: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class Veiled:
    """What leaves. `marks` are the spans of tokens in `texts`; `outgoing` is the text against which links are compared."""

    edits: list[tuple[Path, str]]
    renames: dict[Path, str]
    table: TokenTable
    counts: dict[str, int]
    texts: list[str]
    marks: list[list[tuple[int, int, str]]]
    outgoing: str


def taken(leaves: Sequence[Leaf]) -> str:
    """The text whose words may not become tokens. What the model said is left out: a token there is our own come back."""
    return "\n".join(leaf.text for leaf in leaves if leaf.where not in MODEL)


def veil(
    leaves: Sequence[Leaf],
    findings: Sequence[Sequence[Finding]],
    values: Mapping[DataClass, Action],
    minter: Minter,
    looks: Looks | None = None,
) -> Veiled:
    """Replace every finding that the destination's policy does not pass. A class the policy lacks is veiled. `looks`: at these leaves, with what
    is remembered of their conversation."""
    looks = Looks(leaves) if looks is None else looks
    spans: list[list[_Span]] = []
    learnt = names.sweep([leaf.text for leaf in leaves], findings, looks.mentions, looks.names)
    for leaf, found, more in zip(leaves, findings, learnt, strict=True):
        spans.append([])
        for f in (*found, *more):
            action = values.get(kind(f.type).data_class, "veil")
            tier: Tier = "seal" if action == "seal" else kind(f.type).tier
            start, end = _trim(leaf.text, f.start, f.end)
            if action != "pass" and start < end:
                spans[-1].append(_Span(*_widen(leaf.text, start, end), f.type, tier))
    _sweep(leaves, spans, looks)
    regions = [_join(own) if own else own for own in spans]

    chosen: dict[str, _Span] = {}
    spelled: dict[str, tuple[bool, bool]] = {}
    values_of: list[list[str]] = []
    for leaf, own in zip(leaves, regions, strict=True):
        values_of.append([])
        for span in own:
            value, *how = _value(leaf, span)
            values_of[-1].append(value)
            spelled.setdefault(value, (how[0], how[1]))
            before = chosen.get(value)
            if before is None or (_RANK[span.tier] > _RANK[before.tier] and span.tier == "seal"):
                chosen[value] = span

    table = TokenTable()
    tokens = {value: minter.mint(span.type, value) for value, span in chosen.items()}
    # A token that the model wrote where nothing is restored (a tool nobody classified) comes back, and looks like a secret beside its
    # key; it is our own, and stands as it is. In any other text it would be taken, and never minted.
    back = set(tokens.values()) & tokens.keys()
    for value, span in chosen.items():
        if value not in back:
            decoded, raw = spelled[value]
            table.add(Entry(tokens[value], value, span.type, span.tier, raw, decoded))

    edits: list[tuple[Path, str]] = []
    renames: dict[Path, str] = {}
    counts: Counter[str] = Counter()
    texts: list[str] = []
    marks: list[list[tuple[int, int, str]]] = []
    for leaf, own, said in zip(leaves, regions, values_of, strict=True):
        if not own:  # most texts
            texts.append(leaf.text)
            marks.append([])
            continue
        parts: list[str] = []
        at = out = 0
        here: list[tuple[int, int, str]] = []
        for span, value in zip(own, said, strict=True):
            if value in back:
                continue
            token = tokens[value]
            counts[chosen[value].type] += 1
            out += span.start - at
            here.append((out, out + len(token), token))
            parts += (leaf.text[at : span.start], token)
            at, out = span.end, out + len(token)
        text = "".join([*parts, leaf.text[at:]])
        texts.append(text)
        marks.append(here)
        if here and leaf.where == "key":
            renames[leaf.path] = text
        elif here:
            edits.append((leaf.path, text))
    return Veiled(edits, renames, table, dict(counts), texts, marks, _outgoing(texts, table, looks))


def _outgoing(texts: Sequence[str], table: TokenTable, looks: Looks) -> str:
    """A live token that a model wrote itself vouches for no link: it could write the link now and reuse it in its next turn."""
    wrote = {
        number
        for entry in table
        for number, _ in looks.upper.places(suffix_of(entry.token).upper())
        if looks.leaves[number].where in MODEL
    }
    return "\n".join(text for number, text in enumerate(texts) if number not in wrote)


def spellings(value: str) -> list[str]:
    """A value as it also stands in JSON text (and in JSON text in JSON text), in URLs and in HTML."""
    if value.isascii() and value.isalnum():
        return [value]
    forms = [value]
    for ascii in (True, False):
        once = json.dumps(value, ensure_ascii=ascii)[1:-1]
        forms += (once, json.dumps(once, ensure_ascii=ascii)[1:-1])
    coded = (quote(value, safe=""), quote(value), quote(value, safe="@:/"), quote_plus(value))
    forms += (*coded, *(_HEX.sub(lambda m: m[0].lower(), c) for c in coded), html.escape(value), html.escape(value, quote=False))
    return list(dict.fromkeys(forms))


def _sweep(leaves: Sequence[Leaf], spans: list[list[_Span]], looks: Looks) -> None:
    values: dict[str, _Span] = {}
    for leaf, own in zip(leaves, spans, strict=True):
        for span in own:
            for value in dict.fromkeys((leaf.text[span.start : span.end], _value(leaf, span)[0])):
                before = values.get(value)
                if before is None or _RANK[span.tier] > _RANK[before.tier]:
                    values[value] = span
    for value, span in values.items():
        for form in spellings(value) if len(value) >= SWEEP_MIN else ():
            for index, start in looks.raw.places(form):
                text, end = leaves[index].text, start + len(form)
                if len(form) >= LOOSE_MIN or _alone(text, start, end):
                    spans[index].append(_Span(*_widen(text, start, end), span.type, span.tier))


def _join(spans: list[_Span]) -> list[_Span]:
    """Overlapping and touching spans become one, of the strictest tier: a piece of a value may not stay behind."""
    out: list[_Span] = []
    for span in sorted(set(spans), key=lambda s: (s.start, -s.end, -_RANK[s.tier])):
        if out and span.start <= out[-1].end:
            last = out[-1]
            type, tier = (span.type, span.tier) if _RANK[span.tier] > _RANK[last.tier] else (last.type, last.tier)
            out[-1] = _Span(last.start, max(last.end, span.end), type, tier)
        else:
            out.append(span)
    return out


def _value(leaf: Leaf, span: _Span) -> tuple[str, bool, bool]:
    """(value, decoded, raw). In JSON text the value is what its string says, and is escaped again when restored; unless that would
    spell it otherwise than it stands."""
    text = leaf.text[span.start : span.end]
    if "\\" not in text or leaf.text.lstrip()[:1] not in ("{", "["):
        return text, False, False
    place = JsonText()
    place.feed(leaf.text[: span.start])
    value = text
    for _ in range(place.depth):
        value = unescape(value)
    if value == text:
        return text, False, bool(place.depth)
    return (value, True, False) if place.escape(value) == text else (text, False, True)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _wordy(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _escape_ends(text: str, at: int) -> bool:
    """In JSON text `\\n` and `\\u00e9` end in letters that belong to no word."""
    return _ESCAPE.search(text[max(0, at - 6) : at]) is not None


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    """To the edges of the words it cuts; a token glued to a letter could not be told from its neighbour."""
    while start > 0 and _wordy(text[start - 1]) and not _escape_ends(text, start):
        start -= 1
    while end < len(text) and _wordy(text[end]):
        end += 1
    return start, end


def _alone(text: str, start: int, end: int) -> bool:
    def inside(a: str, b: str) -> bool:
        # Scripts without spaces (from U+2E80) have no word edge to look for.
        return a.isalnum() and b.isalnum() and a < "\u2e80" and b < "\u2e80"

    before = start and inside(text[start - 1], text[start]) and not _escape_ends(text, start)
    return not before and not (end < len(text) and inside(text[end - 1], text[end]))
