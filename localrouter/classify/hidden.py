"""Text that a model reads and a person does not see: Unicode tags, zero-width signs, look-alike letters, encoded payloads.

Sources: Unicode Technical Standard 39 (confusables) and 51 (tag sequences of flags); "Trojan Source" (Boucher, Anderson 2021) for
bidirectional controls; the corpus of hidden-prompt attacks that the OWASP list for language models describes (LLM01, 2025).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata

_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
"""A flag of a region: the only good use of tags."""
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
"""Variation selectors stand alone; a run of them carries bytes."""
_UNSEEN = re.compile("[\u00ad\u200b\u2060\u2061-\u2064\ufeff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SPACED = re.compile(r"(?<!\w)(?:[A-Za-z][ .\-_*|]){7,200}[A-Za-z](?!\w)")
_BLOB = re.compile(r"[A-Za-z0-9+/]{20,4000}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ ]?){12,2000}")
_LEET = re.compile(r"[013457@$](?=[A-Za-z])(?<=[A-Za-z].)")
_APART, _TOGETHER = 100, 3
"""Digits for letters: this many of them, each at most so many characters behind the one before. A name of a hash or a processor is one."""
_LEET_TABLE = str.maketrans("013457@$", "oieastas")
_BLOBS = 6

_LATIN = str.maketrans(
    "аеорсухіјѕԁӏьАВЕКМНОРСТХІЈЅαεοιυτρνκΑΒΕΗΙΚΜΝΟΡΤΥΧΖ",
    "aeopcyxijsdlbABEKMHOPCTXIJSaeoiutpvkABEHIKMNOPTYXZ",
)
_ALIKE = re.compile(f"[{''.join(map(chr, _LATIN))}]")
"""Cyrillic and Greek letters that look Latin."""


def plain(text: str) -> tuple[str, float]:
    """(the text as a model may well read it, what hiding of it was found: 0 none, the more the surer)."""
    if text.isascii():
        return text, 0.0
    found = 0.0
    if any("\U000e0000" <= c <= "\U000e01ef" for c in set(text)):
        text = _FLAG.sub("", text)
        hidden = "".join(chr(ord(c) - 0xE0000) for run in _TAGS.findall(text) for c in run)
        text = _TAGS.sub("", text)
        if hidden:
            found += 4.0
            text += "\n" + hidden
    if len(_SELECTORS.findall(text)) and _carries(text):
        found += 3.0
    unseen = len(_UNSEEN.findall(text))
    if unseen:
        text = _UNSEEN.sub("", text)
        # One in front of a file, or a few soft hyphens of a web page, hide nothing.
        if unseen >= 6 and unseen * 20 > len(text):
            found += 2.0
    if _BIDI.search(text):
        text = _BIDI.sub("", text)
        found += 0.5
    text = unicodedata.normalize("NFKC", text)
    if _ALIKE.search(text):
        latin = sum(1 for c in text if c.isascii() and c.isalpha())
        if latin * 2 > len(text.replace(" ", "")):
            # Among Latin letters a Cyrillic one is a disguise; a Russian text keeps its own.
            text = text.translate(_LATIN)
    return text, found


def _carries(text: str) -> bool:
    return sum(len(run) for run in _SELECTORS.findall(text)) >= 8


def decoded(text: str) -> list[str]:
    """Texts that stand in `text` in another writing: base64, hex, letters set apart, digits for letters, backwards, rot13. Those that read
    like words."""
    out: list[str] = []
    words = text.split()
    sizes = list(map(len, words))
    if max(sizes, default=0) < 20 and sizes.count(1) < 7 and not any(c in text for c in "013457@$"):
        return _backwards(text)
    longest = max(sizes, default=0)
    for blob in _BLOB.findall("\n".join(w for w in words if len(w) >= 20))[:_BLOBS] if longest >= 20 else ():
        out += _words_of(_base64(blob))
    if "0x" in text or "hex" in text.lower():
        for blob in _HEX.findall(text)[:_BLOBS]:
            try:
                out += _words_of(bytes.fromhex(blob.replace(" ", "")))
            except ValueError:
                continue
    if sizes.count(1) >= 7 or longest >= 15:
        apart = text if sizes.count(1) >= 7 else "\n".join(w for w in words if len(w) >= 15)
        for run in _SPACED.findall(apart)[:_BLOBS]:
            out.append(re.sub(r"[ .\-_*|]", "", run))
    return out + _leet(text[:4000]) + _backwards(text)


def _leet(text: str) -> list[str]:
    """Where digits stand for letters close together, with the words around them."""
    out: list[str] = []
    run: list[int] = []
    for at in [*(found.start() for found in _LEET.finditer(text)), len(text) + _APART + 1]:
        if run and at - run[-1] > _APART:
            if len(run) >= _TOGETHER:
                out.append(text[max(0, run[0] - _APART) : run[-1] + _APART].translate(_LEET_TABLE))
            run = []
        run.append(at)
    return out


def _backwards(text: str) -> list[str]:
    """Backwards and in rot13, where words of an order stand in either."""
    out: list[str] = []
    lowered = text.lower()
    if "snoitcurtsni" in lowered or "tpmorp" in lowered or "erongi" in lowered:
        out.append(text[::-1])
    if "rot13" in lowered or "rot-13" in lowered or "vafgehpgvbaf" in lowered:
        out.append(codecs.encode(text, "rot13"))
    return out


def _base64(blob: str) -> bytes:
    try:
        return base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _words_of(raw: bytes) -> list[str]:
    """Bytes as text, when they are words: letters and spaces for the most part."""
    if len(raw) < 12:
        return []
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return []
    good = sum(1 for c in text if c.isalpha() or c in " ,.!?:;'\"-\n")
    return [text] if good >= 0.9 * len(text) and " " in text else []
