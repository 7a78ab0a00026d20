"""People, places and organisations by the encoder (engine/encoder.py), in the lines that `_prose` takes for worth a pass.

What it finds inside code (an identifier, a call, an import, EINTR) is dropped: `class Jordan` is no person. A value that is known to be private is
found there by other means (`names`). Structured values are left to the patterns, which check their digits and win where both speak (merge).
A cell is read with the key that it stands under. Raises EncoderFault: no verdict without the encoder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from localrouter.core.findings import Finding
from localrouter.engine.encoder import Encoder, EncoderFault, Tagged
from localrouter.scrub.common_words import words
from localrouter.scrub.detectors import _prose, progress
from localrouter.scrub.detectors._assistants import assistant
from localrouter.scrub.detectors._in_code import in_code
from localrouter.scrub.detectors._public import account
from localrouter.scrub.detectors._system_names import country, system_names

NAME = "encoder"
VIEWS = False
"""It is asked once, about the text as a person reads it (views.readable): each view would cost a pass."""

LEAST: Mapping[str, float] = {
    "PERSON": 0.4, "USERNAME": 0.5, "ORG": 0.4, "LOCATION": 0.4, "ADDRESS": 0.4, "DATE_OF_BIRTH": 0.5, "DATE": 0.4, "AGE": 0.4,
    "NRP": 0.4, "TITLE": 0.4, "ID": 0.55, "PHONE": 0.5,
}  # fmt: skip
"""Types that are taken from the encoder, and the least mean probability of a span. The others are the patterns' own."""
WORDS = frozenset({"PERSON", "USERNAME", "ORG", "LOCATION", "NRP", "TITLE"})
"""Types that a word of a program may be mistaken for."""
LABELS = words(
    """
    iban bic swift card ssn email e-mail mail phone tel mobile fax ip id dob vat pin cvv url http https www api cli sdk openapi json xml csv yaml html sql todo fixme null none nan true
    false name username user password token key address date aix linux darwin win32 openbsd freebsd netbsd sunos openharmony
    """
)
"""What names a value and is none; systems that package managers list."""
_SCOPE = re.compile(r"/[\w.*-]")
"""What follows the scope of a package: `@eslint/config-array` (npm's documentation, "About scopes")."""
JOINED = frozenset({"PERSON", "ORG", "LOCATION", "ADDRESS"})
KNOWN = "Dear Ms Maria Kowalska, thank you for visiting us in Berlin."
"""What a sound encoder finds a person and a place in."""

LEAN = 0.5
"""Taken from the logit of "no name": a missed name costs more than a veiled word. With the second training alone, on 1 500 held-out open texts,
people, organisations and places have F2 .778 at 0, .780 at 0.5 and .782 at 1, precision .76, .74 and .71; made texts lose from 0.5 on. `LEAST`: .3, .4 and .5
differ by less than that."""

_PLAIN_KEYS = frozenset({"", "content", "text", "value", "input", "query", "message", "prompt", "body", "data", "seam"})
_SERIAL = re.compile(r"(?=[^0-9]*[0-9])[0-9A-Fa-f]{4,}(?:-[0-9A-Fa-f]{2,})*")
"""A UUID, a digest or a serial number: nobody's name."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\-.]+")


_asked: list[Callable[[], bool]] = []
"""Who is asked whether somebody waits, while the work hurries nobody."""


@cache
def _encoder() -> Encoder:
    with resources.as_file(resources.files("localrouter") / "models" / "encoder.gguf") as path:
        own = Encoder(Path(path))
    if _asked:
        own.polite(_asked[0])
    return own


def polite(asked: Callable[[], bool] | None) -> None:
    """Encoder.polite, also where it is loaded later."""
    _asked[:] = [asked] if asked is not None else []
    if _encoder.cache_info().currsize:
        _encoder().polite(asked)


def check() -> None:
    """Load the encoder and ask it what it must know. Raises EncoderFault."""
    found = {(KNOWN[t.start : t.end], t.type) for t in _encoder().tag([KNOWN])[0]}
    if not any("Kowalska" in value and kind == "PERSON" for value, kind in found) or ("Berlin", "LOCATION") not in found:
        raise EncoderFault("The encoder's file encoder.gguf is damaged: it does not find what it must.")


def find(text: str, context: str) -> list[Finding]:
    return find_all([(text, context)])[0]


def find_all(items: Sequence[tuple[str, str]]) -> list[list[Finding]]:
    """Findings of each (text, context), all read together."""
    jobs: list[tuple[int, int, str]] = []  # index of the item, where the passage's text begins in it, passage
    for index, (text, context) in enumerate(items):
        jobs += [(index, offset, passage) for offset, passage in _passages(text, context)]
    out: list[list[Finding]] = [[] for _ in items]
    if jobs:
        for (index, offset, _), tags in zip(
            jobs, _encoder().tag([_prose.dimmed(p) for _, _, p in jobs], progress, LEAN), strict=True
        ):
            text = items[index][0]
            out[index] += _findings(text, offset, tags)
    return out


def _passages(text: str, context: str) -> list[tuple[int, str]]:
    """(offset, passage): what is read, and where its first character stands in the text; negative by the length of a key in front."""
    if context and len(text) <= _prose.CELL and "\n" not in text:
        key = _HUMP.sub(" ", context.rpartition(".")[2]).strip()
        if key.lower() not in _PLAIN_KEYS:
            return [(-len(key) - 2, f"{key}: {text}")] if _prose.cell(text, key) else []
    return [(start, text[start:end]) for start, end in _prose.runs(text)]


def _findings(text: str, offset: int, tags: Sequence[Tagged]) -> list[Finding]:
    out: list[Finding] = []
    for tag in tags:
        start, end = tag.start + offset, tag.end + offset
        if start < 0 or tag.score < LEAST.get(tag.type, 2.0):
            continue
        if tag.type in WORDS and tag.type != "USERNAME" and _SERIAL.fullmatch(text[start:end]):
            continue
        last = out[-1] if out else None
        if last is not None and tag.type == last.type and tag.type in JOINED and text[last.end : start] in (" ", "-", "\u00a0"):
            out[-1] = Finding(last.start, end, tag.type, min(last.score, tag.score), NAME)
        elif end > start:
            out.append(Finding(start, end, tag.type, tag.score, NAME))
    return [_placed(text, f) for f in out if _stands(text, f)]


def _placed(text: str, f: Finding) -> Finding:
    """A country that alone was taken for somebody ("France won") is a place, and veiled as one."""
    if f.type in ("PERSON", "ORG", "USERNAME") and country(text[f.start : f.end]):
        return Finding(f.start, f.end, "LOCATION", f.score, NAME)
    return f


def _stands(text: str, f: Finding) -> bool:
    """Whether a span can be what it is called."""
    value = text[f.start : f.end]
    if assistant(text, f.start, f.end):
        return False
    if f.type in ("PHONE", "ID"):
        return sum(map(str.isdigit, value)) >= (6 if f.type == "PHONE" else 2)
    if not any(map(str.isalnum, value)):
        return False
    if f.type in WORDS:
        if value.casefold() in LABELS or system_names(value) or (f.type == "USERNAME" and account(value)):
            return False
        at = f.start if value.startswith("@") else f.start - 1
        if text[max(0, at) : at + 1] == "@" and not text[max(0, at - 1) : at].isalnum() and _SCOPE.match(text, f.end):
            return False
        return any(map(str.isalpha, value)) and not in_code(text, f.start, f.end, f.type)
    return True
