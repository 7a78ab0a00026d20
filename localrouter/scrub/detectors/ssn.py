"""US social security numbers and taxpayer numbers (ITIN) in their written form; nine bare digits only behind a cue.

Never issued: areas 000, 666 and 900 up, group 00, serial 0000 (SSA, "Randomization FAQ"). ITIN: 9xx with 50-65, 70-88, 90-92, 94-99
in the middle (IRS, Publication 1915). The number on the wallet insert of 1938, 078-05-1120, is nobody's.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors import _threshold
from localrouter.scrub.detectors._context import Cues
from localrouter.scrub.detectors._digits import LETTER, digits, places

NAME = "ssn"
_NUMBER = re.compile(
    rf"(?<!{LETTER})(?<![.+/])(?<!\d-)\d{{3}}(?:(?P<s>\s?[.\-\u00a0\u2010-\u2015\u2212]\s?| )\d{{2}}(?P=s)\d{{4}}|\d{{6}})(?!{LETTER}|[-./]\d)"
)
_SPELLED = re.compile(rf"(?<!{LETTER})(?<![.\- ]\d)\d(?: \d){{8}}(?!{LETTER}| \d)")
"""Digit by digit, as people type what they would say; only behind a cue."""
_CUES = Cues(
    "ssn, ssns, social security, social security number, social security no, social, soc sec, itin, tin, taxpayer, taxpayer id, taxpayer identification, "
    "tax id, ss number, ss no, seguro social, last four of social"
)
_NOBODY = frozenset({"078051120", "219099999"})
configure = _threshold.configure


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for start, end in places(text):
        if end - start < 9:
            continue
        for pattern in (_NUMBER, _SPELLED):
            for m in pattern.finditer(text, start, min(len(text), end + 2)):
                score = _score(text, m, context)
                if score and _threshold.passes("SSN", score):
                    out.append(Finding(m.start(), m.end(), "SSN", score, NAME))
    return out


def _score(text: str, m: re.Match[str], context: str) -> float:
    """Dashes are the written form; blanks, dots and nothing need a cue. A label right before outweighs an area that was never issued."""
    number = digits(m[0])
    mark = m["s"] if "s" in m.re.groupindex else None
    if number in _NOBODY:
        return 0.0
    if not _issued(number):
        return 0.6 if mark and _CUES.just_before(text, m.start(), context, before=28) else 0.0
    score = 0.2 if mark is None else 0.85 if mark == "-" else 0.45 if mark.strip(" .") else 0.3
    if score < 0.85 and _CUES.near(text, m.start(), m.end(), context):
        return max(score + _threshold.CUE, 0.6)
    return score


def _issued(number: str) -> bool:
    area, group, serial = number[:3], int(number[3:5]), number[5:]
    if area in ("000", "666") or group == 0 or serial == "0000":
        return False
    return area < "900" or 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
