"""What a person's name looks like when somebody writes it as a name: capitalised words, particles, initials, or scripts without capitals."""

from __future__ import annotations

import re

from localrouter.scrub.common_words import words
from localrouter.scrub.detectors._context import fold
from localrouter.scrub.detectors._forenames import FORENAMES

UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽȘȚΑ-ΩА-ЯЁЄІЇҐ"
WORD = rf"(?:(?:[{UPPER}]\.){{1,3}}|[{UPPER}](?:[\w'’‘-]*\w)?)"
PARTICLE = "van|von|der|den|de|la|le|di|da|del|della|dos|do|bin|ibn|al|el|ter|ten|zu|af|av|y|e|und|van der|van den|de la|von der"
# Its left edge is looked at behind the capital: the engine then skips from capital to capital.
FIRST = rf"[{UPPER}](?<!\w[{UPPER}])(?:\.(?:[{UPPER}]\.)?|(?:[\w'’‘-]*\w)?)"
FULL = rf"{FIRST}(?:[ \u00a0](?:(?:{PARTICLE})[ \u00a0]){{0,2}}(?:{WORD})){{1,3}}"
"""Two to four capitalised words on one line, particles between."""
CJK = r"[\u3400-\u9fff\uac00-\ud7af\u3040-\u30ff]{2,6}"

NOT_A_NAME = words(
    """the this that these those your our my their a an team group project projects list mailing support service services info bot admin administrator department dept committee foundation
    inc inc. ltd ltd. llc gmbh corp corp. corporation company co co. university institute authors author contributors maintainers developers developer users user community account customer system
    server client studio code visual github gitlab google microsoft amazon apple facebook meta openai anthropic azure aws docker node react open source linux windows ubuntu debian apache mozilla
    python java javascript typescript rust ruby swift kotlin android chrome firefox hello world test example sample dummy default new old all any none null true false read write edit file files
    create update delete get set add remove list search find show run start stop open close please thanks thank regards best sincerely dear hi hey everyone there sir madam monday tuesday wednesday
    thursday friday saturday sunday january february march april june july august september october november december street road avenue lane north south east west unknown anonymous
    string str text char varchar varying int integer number bool boolean object array map optional required field value column type undefined nullable default first last full middle given family name
    station airport park hospital school college bridge county city prize theorem algorithm distribution law method model effect framework library conference award building house church square
    optimizer algebra transform process chain field equation conjecture lemma inequality scale number numbers index score plot license licence exchange day
    guys folks friends friend colleagues colleague participants participant reader readers students student parents ladies gentlemen hiring manager committee customers members member prince princess
    should must shall may can could would will not never is are was were has have had does did do be been if then when while where which who what why how and or but nor for with from
    jan feb mar apr jun jul aug sep oct nov dec
    api json http https html css sql url data error warning note todo fixme readme license version release build action actions dependabot renovate copilot claude codex gemini assistant"""
)


def end_of(text: str, start: int, end: int) -> int:
    """Where a name ends without its genitive: `Jane Roe's`."""
    return end - 2 if end - start > 4 and text[end - 2 : end] in ("'s", "’s") else end


def forename(name: str) -> bool:
    """Whether a name begins with a forename that is hardly anything else. ALL CAPS and lower case are left to fields and cues."""
    first = re.split(r"[ \u00a0-]", name, maxsplit=1)[0]
    return first[1:].islower() and fold(first) in FORENAMES


def named(name: str) -> bool:
    """Whether a candidate is a person's name and not a team, a product or a word of the trade."""
    parts = name.replace("\u00a0", " ").lower().split()
    return (
        not any(p.strip(".,") in NOT_A_NAME for p in parts)
        and any(len(p) > 1 for p in parts)
        and not any(c.isdigit() for c in name)
    )
