"""IBANs, spaced or not: country, its length, and the check digits (ISO 13616; lengths from the SWIFT IBAN registry, release 98)."""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.common_words import words

NAME = "iban"
_LENGTHS = {
    pair[:2]: int(pair[3:])
    for pair in words(
        """
        AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27
        DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28
        IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22
        MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24
        SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30
        """
    )
}
# A digit first, what must stand before it after: the engine then looks for digits and not at every letter.
_START = re.compile(r"\d(?<=(?<![A-Za-z0-9])[A-Za-z]{2}\d)\d")
_BODY = re.compile(r"(?:[ \-\u00a0\u202f\u2010-\u2015.]?[A-Za-z0-9])+")


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for m in _START.finditer(text):
        start = m.start() - 2
        size = _LENGTHS.get(text[start : start + 2].upper())
        if size is None:
            continue
        body = _BODY.match(text, m.end(), min(len(text), m.end() + 2 * size))
        if body is None:
            continue
        # Blanks make the end unclear ("... 00 BIC"): the country says how many characters there are.
        at, left = m.end(), size - 4
        while left and at < body.end():
            left -= text[at].isalnum()
            at += 1
        if left or (at < len(text) and text[at].isascii() and text[at].isalnum()):
            continue
        if _checks("".join(c for c in text[start:at] if c.isalnum())):
            out.append(Finding(start, at, "IBAN", 1.0, NAME))
    return out


def _checks(value: str) -> bool:
    """ISO 7064 MOD 97-10: the first four characters moved to the end, letters as 10 to 35."""
    try:
        return int("".join(str(int(c, 36)) for c in value[4:] + value[:4])) % 97 == 1
    except ValueError:
        return False
