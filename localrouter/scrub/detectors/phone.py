"""Phone numbers. Three kinds of evidence, each enough: `+` and a country code that libphonenumber knows; a national form as people
write it (valid in one of REGIONS, or North American with its separators); a cue word near a number of 6 to 15 digits (ITU-T E.164).

Bare digits alone are never a phone number: epochs, ids, amounts, dates, versions, addresses and hashes look the same.
libphonenumber is asked only about what passed these gates; it is the slow part (about 20 us a question).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from localrouter.core.findings import Finding
from localrouter.scrub.detectors import _threshold
from localrouter.scrub.detectors._context import Cues
from localrouter.scrub.detectors._digits import LETTER, MARGIN, digits, places

NAME = "phone"
REGIONS = ("GB", "FR", "DE", "ES", "IT", "NL", "BE", "CH", "AT", "SE", "PL", "AU", "IN", "JP", "BR", "ZA")
"""Where a number with a leading zero and separators is tried. libphonenumber's codes: `GB`, not `UK`."""

TAIL = 14
"""Characters after the last digit of a place that are looked at: an extension (`ext. 1234`), and what follows."""

_S = "[ .\\-/\u00a0\u2007\u2009\u202f\u2010-\u2015\u2212]"
_NUMBER = re.compile(
    rf"(?<!{LETTER})(?<![.@$£€\\+-])(?<![\w$][(])(?:(?:\+|00)(?=[\d(]))?(?:\(\+?\d{{1,4}}\){_S}?)?\d{{1,15}}(?:{_S}?\(\d{{1,5}}\))?(?:(?:{_S}{{1,2}}|(?<=\)))\d{{1,12}}){{0,7}}"
    rf"(?:(?:\s?,?\s?(?:ext|extn|extension|x|#)\.?:?\s?)\d{{1,6}}|(?<=\d)x\d{{1,6}})?(?!{LETTER}|[%°€$£]|[.,:/=]\w|-\d|\()",
    re.I,
)
_DATE = re.compile(
    r"(?:19|20)\d\d(?P<s>[-/. ])(?:0?[1-9]|1[0-2])(?P=s)(?:3[01]|[12]\d|0?[1-9])(?!\d)|(?:3[01]|[12]\d|0?[1-9])(?P<t>[-/. ])(?:3[01]|[12]\d|0?[1-9])(?P=t)(?:(?:19|20)\d\d(?!\d)|\d\d\Z)"
)
_NANP = re.compile(r"(?:\+?1[ .-])?(?:\([2-9]\d\d\)[ .-]?|[2-9]\d\d([ .-]))[2-9]?\d\d([ .-])\d{4}(?:\D{1,8}\d{1,6})?")
_EXTENSION = re.compile(r"(?i)\s?,?\s?(?:e?xt|x|#)")
_SCHEMES = ("tel:", "wa.me/", "sms:", "fax:", "phone=", "mobile=")
_NO_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\d+\.\d+(?:-\d+\.\d+)?|(?:19|20)\d\d[ /-](?:19|20)\d\d")
"""An address, a decimal, a span of years."""
_ZIP = re.compile(r"\d{5}-\d{4}")
_GROUPED = re.compile(r"\d{2,}\D{1,3}\d{2,}")
_STRONG = Cues(
    "phone, phones, phone number, telephone, tel, telephones, mobile, mobil, mobile number, cell, cellphone, cellular, fax, telefax, whatsapp, sms, text me, hotline, helpline, landline, "
    "call, calls, called, calling, dial, answering, msisdn, callback, pager, voicemail, telefon, telefonnummer, handy, handynummer, rufnummer, mobilnummer, anrufen, durchwahl, "
    "numero de portable, appelez, appeler, joindre, telefono, celular, movil, llamar, llame, llamame, telefone, telemovel, ligar, ligue, cellulare, chiamare, chiami, chiamami, telefoon, telefoonnummer, mobiel, bellen, "
    "telefonu, komorka, komorkowy, zadzwon, numer telefonu, puhelin, puhelinnumero, telefonszam, telefonni, telefonni cislo, телефон, телефону, тел, моб, позвоните, звонить, звоните, τηλεφωνο, numara, cep telefonu, "
    "電話, 電話番号, 携帯, 电话, 電話號碼, 手机, 手機, 전화, 연락처, هاتف, جوال, फोन, मोबाइल"
)
_LABEL = r"(?:desk|office|work|home|direct|line|signal|büro|bureau|oficina|ufficio|biuro|portable|mob|ph|[mtpfh])"
_BESIDE = re.compile(rf"(?i)(?<![^\W_]){_LABEL}[.:)]{{0,2}}\s{{0,2}}\Z")
_BEHIND = re.compile(rf"(?i)[ ,]?[-(]?\s?{_LABEL}(?![^\W_])")
_TAGGED = re.compile(
    r"(?i)[ ,]?[-(]?\s?(?:mobile|mobil|cell|handy|fax|tel|telephone|phone|desk|office|home|work|direct)\)?[ \t]*(?=$|[\n,;/|)])"
)
"""Labels of a signature or a contact card: they count only where they touch the number."""
_STREET = re.compile(
    r"\s+(?:[A-Z][\w.'-]*\s+){1,3}(?:St|Str|Street|Ave|Avenue|Rd|Road|Blvd|Dr|Drive|Ln|Lane|Way|Ct|Court|Pl|Place|Sq|Hwy|Suite|Apt)\b|\s+(?:rue|via|viale|calle|avenida|plaza|piazza|place|ulica|ul)\b",
    re.I,
)
_MEDIUM = Cues(
    "contact, contacts, reach, reachable, messages to, message on, registered, number is, at my number, my number, registered number, get in touch, mi numero, numero es, mon numero, meine nummer, nummer ist, il mio numero, numero e, meu numero, mijn nummer, moj numer, мой номер, 号码, 番号, kontakt, contacto, contatto, contato"
)
_NOT = Cues(
    "order, invoice, license, licence, permit, ticket, issue, id, ids, uuid, sku, isbn, issn, iban, account, acct, zip, zipcode, postal, postcode, plz, version, epoch, timestamp, unix, commit, sha, hash, serial, model, port, pid, line, "
    "lines, bytes, size, offset, card, ssn, passport, tracking, rows, ms, seconds, code, amount, total, price, vat, tax, bestellnummer, rechnung, kundennummer, facture, date, build"
)
configure = _threshold.configure


def find(text: str, context: str) -> list[Finding]:
    out: list[Finding] = []
    last = 0
    announced: bool | None = None
    for start, end in places(text):
        if _DATE.fullmatch(text, start, end) or _NO_NUMBER.fullmatch(text, start, end):
            continue  # most of the places of a log
        for m in _NUMBER.finditer(text, max(last, start - MARGIN), min(len(text), end + TAIL)):
            if m.start() >= end:
                break  # the next place's
            last = m.end()
            main = _EXTENSION.split(m[0], maxsplit=1)[0]
            number = digits(main)
            if not 6 <= len(number) <= 15 or len(set(number)) == 1 or _DATE.match(main) or _NO_NUMBER.fullmatch(main):
                continue
            if announced is None:
                announced = any(cues.possible(t) for cues in (_STRONG, _MEDIUM) for t in (text, context))
            if not announced and len(number) < 9 and not _touched(text, m.start(), m.end()):
                continue
            score = _score(text, m.start(), m.end(), context, announced, main, number)
            if score and _threshold.passes("PHONE", score):
                out.append(Finding(m.start(), m.end(), "PHONE", score, NAME))
    return out


def _score(text: str, start: int, end: int, context: str, announced: bool, main: str, number: str) -> float:
    """How sure it is that this span is a phone number: `main` without an extension, `number` its digits. `announced`: a cue
    stands somewhere in the text, so that looking around is worth it."""
    if context and _NOT.named(context.rpartition(".")[2]):
        return 0.3
    if text[max(0, start - 8) : start].lower().endswith(_SCHEMES):
        return 0.85
    if main.startswith(("+", "(+")):
        return _international(text, start, end, context, main, announced)
    if _STREET.match(text, end, end + 40):
        return 0.3  # a postal code and a house number
    grouped = _GROUPED.search(main) is not None
    if announced or _touched(text, start, end):
        cued = _cued(text, start, end, context, announced, main.isdigit(), grouped, len(number))
        if cued is not None:
            return cued
    if not grouped or text[start - 1 : start] in ("=", ":", "/", ",", "#") or len(number) < 9:
        return 0.3
    if _NOT.just_before(text, start, context, before=24):
        return 0.3
    return _national(text, start, end, main, text[start:end], number)


def _touched(text: str, start: int, end: int) -> bool:
    """Whether a word, a plus or a scheme stands right before or behind: a label may."""
    before = text[max(0, start - 4) : start].rstrip(" \t\n.:)/=")[-1:]
    return before.isalpha() or text[start] in "+(" or text[end : end + 4].lstrip(" ,-(")[:1].isalpha()


def _international(text: str, start: int, end: int, context: str, main: str, announced: bool) -> float:
    """A line of a diff starts with a plus: a number without separators must be a real one there."""
    bare = main[1:].isdigit()
    if _valid(main, None) or (not bare and _possible(main)):
        return 0.9
    if announced and _STRONG.near(text, start, end, context):
        return 0.65
    line_start = start == 0 or text[start - 1] == "\n"
    return 0.65 if len(main) > 10 and not line_start and _possible(main) else 0.3


def _cued(text: str, start: int, end: int, context: str, announced: bool, bare: bool, grouped: bool, size: int) -> float | None:
    """By the words around it; None when there are none."""
    beside = _BESIDE.search(text[max(0, start - 12) : start]) is not None
    if (
        beside
        or (grouped and _BEHIND.match(text, end))
        or (announced and _STRONG.near(text, start, end, context, before=48, after=16))
    ):
        if _NOT.just_before(text, start, "", before=14):
            return 0.4
        if grouped and (
            size > 6
            or beside
            or _STRONG.just_before(text, start, context, before=28)
            or _BEHIND.match(text, end)
            or _TAGGED.match(text, end)
        ):
            return 0.8
        close = beside or (size >= 9 and _TAGGED.match(text, end)) or _STRONG.just_before(text, start, context, before=28)
        return 0.7 if bare and 7 <= size <= 13 and close else 0.45
    if announced and _MEDIUM.near(text, start, end, context) and not _NOT.just_before(text, start, context, before=24):
        if grouped:
            return 0.6
        if bare and 9 <= size <= 13 and _MEDIUM.just_before(text, start, context, before=28):
            return 0.55
    return None


def _national(text: str, start: int, end: int, main: str, value: str, number: str) -> float:
    """By its form alone: North American with dashes or brackets (with blanks or dots inside a sentence only), or valid with its trunk zero."""
    if len(number) in (10, 11) and number[-10] in "23456789" and _NANP.fullmatch(value):
        if "(" in main or main.count("-") >= 2:
            return 0.65
        return 0.55 if _prose(text, start, end) else 0.3
    if main.startswith("00"):
        return 0.7 if _valid("+" + main[2:], None) else 0.3
    if (
        number[0] == "0"
        and _ZIP.fullmatch(main) is None
        and 9 <= len(number) <= 12
        and any(_valid(main, region) for region in REGIONS)
    ):
        return 0.6
    return 0.3


def _prose(text: str, start: int, end: int) -> bool:
    """Words on both sides or around it: a sentence, not a table of numbers."""
    head, tail = text[max(0, start - 12) : start], text[end : end + 12]
    return bool(re.search(r"[A-Za-z]{2,}[ :]+\Z", head)) and not re.match(r"[ ,;|\t]*[-+]?\d", tail)


@cache
def _library() -> Any:
    import phonenumbers

    return phonenumbers


def _valid(value: str, region: str | None) -> bool:
    library = _library()
    try:
        return bool(library.is_valid_number(library.parse(value, region)))
    except library.NumberParseException:
        return False


def _possible(value: str) -> bool:
    library = _library()
    try:
        return bool(library.is_possible_number(library.parse(value)))
    except library.NumberParseException:
        return False
