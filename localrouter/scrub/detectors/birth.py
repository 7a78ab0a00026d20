"""Dates of birth: a date right behind a cue ("born on", `dob`, geboren am, fecha de nacimiento ...). Any other date is left alone."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._context import Cues, words
from localrouter.scrub.detectors._digits import LETTER

NAME = "birth"
_CUES = Cues(
    "dob, d o b, date of birth, birth date, birthdate, birth day, birthday, born, born on, geboren, geboren am, geburtsdatum, geburtstag, geb, ne le, nee le, date de naissance, "
    "naissance, nacido, nacida, nacio, fecha de nacimiento, nacimiento, nato il, nata il, data di nascita, nascita, nascido, nascida, data de nascimento, nascimento, geboortedatum, "
    "urodzony, urodzona, data urodzenia, urodzenia, fodt, fodd, fodselsdato, fodelsedatum, syntynyt, syntymaaika, narozen, narozena, datum narozeni, szuletett, дата рождения, родился, родилась, "
    "doğum tarihi, dogum tarihi, 生年月日, 出生日期, 出生, 생년월일, تاريخ الميلاد"
)
_MONTH = (
    r"(?:jan|feb|m[aä]r|apr|ma[iyj]|jun|jul|aug|sep|o[ck]t|nov|de[czs]|ene|abr|ago|dic|f[eé]v|ao[uû]|d[eé]c|gen|mag|giu|lug|set|ott|fev|mai|out|dez|sty|lut|kwi|maj|cze|lip|sie|wrz|pa[zź]|lis|gru|"
    r"янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек)[^\W\d_]{0,9}\.?"
)
_DATE = re.compile(
    rf"(?<!{LETTER})(?<!\.)(?:(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:3[01]|[12]\d|0?[1-9])|(?:3[01]|[12]\d|0?[1-9])[-/.](?:3[01]|[12]\d|0?[1-9])[-/.](?:(?:19|20)\d\d|\d\d)|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:3[01]|[12]\d|0[1-9])|"
    rf"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th|\.|er|º|°)?[ -](?:of |de |do )?{_MONTH},?[ -](?:de |of )?(?:19|20)?\d\d|{_MONTH} (?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?,? (?:19|20)\d\d|"
    rf"(?:19|20)\d\d ?年 ?\d{{1,2}} ?月 ?\d{{1,2}} ?日)(?!{LETTER}|[-/]\d|\.\d)",
    re.I,
)
_NEEDLES = frozenset(max(cue.split(), key=len) for cue in _CUES.words if cue != "d o b")
_UNSPACED = tuple(cue for cue in _CUES.words if cue >= "\u2e80")
REACH = 34
"""Characters between cue and date: "was born in Graz on the 3rd of", no more."""


def find(text: str, context: str) -> list[Finding]:
    if (
        words(text).isdisjoint(_NEEDLES)
        and "D.O.B" not in text
        and not any(cue in text for cue in _UNSPACED)
        and not (context and _CUES.named(context))
    ):
        return []
    out: list[Finding] = []
    last = 0
    for m in _DATE.finditer(text):
        # Up to the date before: "born 1984-03-03, released 2001-01-01" has one date of birth.
        if _CUES.just_before(text, m.start(), context, before=min(REACH, m.start() - last)):
            out.append(Finding(m.start(), m.end(), "DATE_OF_BIRTH", 0.8, NAME))
        last = m.end()
    return out
