"""Payment cards of 12 to 19 digits: an issuer's range, a length that it uses, and the Luhn check.

Ranges and lengths: ISO/IEC 7812 issuer numbers as the networks publish them (Visa, Mastercard incl. 2221-2720, American Express,
Diners, Discover, JCB, UnionPay, Maestro, Mir, RuPay, Troy). Lengths that any id may have (12, 13, 18, 19) need a cue word.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors import _threshold
from localrouter.scrub.detectors._context import Cues
from localrouter.scrub.detectors._digits import LETTER, digits, luhn, places

NAME = "card"
_S = "[ .\\-\u00a0\u2007\u2009\u202f\u2010-\u2015\u2212]"
_CARD = re.compile(
    rf"(?<!{LETTER})(?<![.+])(?<!\w-)(?:\d{{12,19}}|\d{{4}}(?P<s>{_S}{{1,3}})(?:\d{{4}}(?P=s)\d{{4}}(?P=s)\d{{1,4}}(?:(?P=s)\d{{1,3}})?|\d{{6}}(?P=s)\d{{4,5}})|\d{{8}}{_S}\d{{8}})"
    rf"(?!{LETTER}|[.\-]\d|-\w)"
)
_SPELLED = re.compile(rf"(?<!{LETTER})(?<![.\- ]\d)\d(?: \d){{11,18}}(?!{LETTER}| \d)")
"""Digit by digit; only with a cue."""
_CUES = Cues(
    "card, cards, credit card, creditcard, cc, cc number, ccn, debit, visa, mastercard, amex, american express, discover, jcb, diners, maestro, unionpay, "
    "rupay, pan, cvv, cvc, cardholder, card number, card no, payment, expires, expiry, kreditkarte, karte, kartennummer, carte, carte bancaire, cb, tarjeta, "
    "tarjeta de credito, cartao, carta di credito, carta, karta, karty, kort, kortnummer, kaart, creditcardnummer, карта, карты, карту, карте, カード, 信用卡, 卡号, 카드"
)
configure = _threshold.configure


def _strong(number: str) -> bool:
    """A network's own range at its usual length."""
    size, two, four = len(number), int(number[:2]), int(number[:4])
    if number[0] == "4":
        return size == 16
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return size == 16
    if two in (34, 37):
        return size == 15
    if 3000 <= four <= 3059 or four == 3095 or two in (36, 38, 39):
        return size == 14
    if four == 6011 or two == 65 or 6440 <= four <= 6499 or 3528 <= four <= 3589:
        return size == 16
    return (two == 62 or 2200 <= four <= 2204) and size == 16


def _weak(number: str) -> bool:
    """Ranges and lengths that exist and are shared with other numbers."""
    size, two, four = len(number), int(number[:2]), int(number[:4])
    if number[0] == "4":
        return size in (13, 16, 19)
    if four in (1800, 2131):
        return size == 15  # JCB's old range
    if two in (30, 36, 38, 39) or two == 35:
        return 14 <= size <= 19
    return two == 50 or 56 <= two <= 69 or two in (81, 82, 97) or 2200 <= four <= 2204


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    for start, end in places(text):
        if end - start < 12 or len(digits(text[start:end])) < 12:
            continue
        for pattern in (_CARD, _SPELLED):
            for m in pattern.finditer(text, max(0, start - 1), min(len(text), end + 2)):
                score = _score(text, m, context)
                if score and _threshold.passes("CARD", score):
                    out.append(Finding(m.start(), m.end(), "CARD", round(min(score, 1.0), 2), NAME))
    return out


def _score(text: str, m: re.Match[str], context: str) -> float:
    """By issuer and length, by grouping, by a cue; 0 without a valid check digit."""
    number = digits(m[0])
    if len(number) > 19 or len(set(number)) == 1 or not luhn(number):
        return 0.0
    score = 0.6 if _strong(number) else 0.3 if _weak(number) else 0.15  # a shop's own card is announced
    if m.re is _SPELLED:
        score = min(score, 0.3)
    elif m["s"] is not None:
        score += 0.05
    return score + (_threshold.CUE if _CUES.near(text, m.start(), m.end(), context) else 0.0)
