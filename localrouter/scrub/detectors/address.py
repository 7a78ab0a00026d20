"""Street addresses as they are written in the larger languages: number and street (either order), with flat, town and postal code behind it.

Conservative: a word that only streets have, a number beside it, and a capital where a name belongs. Words that streets share with other things
("Drive", "Way", "Place") need a flat, a town or a postal code behind them.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.common_words import words as vocabulary
from localrouter.scrub.detectors._context import Cues, words
from localrouter.scrub.detectors._people import NOT_A_NAME, UPPER

NAME = "address"
_W = rf"[{UPPER}][\w.'’-]{{0,24}}"
_STATE = r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|NSW|VIC|QLD|ON|QC|BC|AB|MB|SK|NS|NB)"
_UK_CODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}"
_LABEL = r"(?:Tel|Telefon|Téléphone|Teléfono|Telefono|Phone|Mobile?|Mob|Cell|Handy|Fax|E-?[Mm]ail|Mail|Web|Attn|IBAN|VAT|Zip|ZIP|Dear|Please|Thanks)\b"
"""What begins the next field, or the next sentence, of an address block that was put on one line."""
_T = rf"(?!{_LABEL})(?:(?:St|Ste|Mt|Ft|Pt|Sta|Sto|[NSEW])\.|[{UPPER}][\w'’-]{{0,24}})"
_TOWN = rf"{_T}(?:[ -]{_T}){{0,3}}"
_FLAT = r"(?:,?\s{1,3}(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Flat|Room|Rm|No)\b\.?\s?#?[\w-]{1,6}|,?\s#\s?\w{1,6})"
_PLACE = rf"(?:,?\s{{1,3}}(?:{_TOWN},?\s{{1,3}}{_STATE}(?:,?\s{{1,3}}\d{{5}}(?:-\d{{4}})?)?|{_STATE}\s{{1,3}}\d{{5}}(?:-\d{{4}})?|{_TOWN},?\s{{1,3}}(?:{_UK_CODE}|\d{{4,5}}(?:-\d{{3,4}})?)(?!\w)|{_UK_CODE}(?!\w)|\d{{4,5}}\s{_TOWN}))"
_SURE = r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Parkway|Pkwy|Highway|Hwy|Terrace|Crescent|Cres|Turnpike|Tpke)"
_SHARED = r"(?:Drive|Dr|Way|Court|Ct|Place|Pl|Square|Sq|Close|Circle|Cir|Row|Walk|Gardens|Mews|Trail|Loop|Grove|Hill|Park|Plaza|Broadway)"
_ENGLISH = re.compile(
    rf"\d(?<![\w.$€£-]\d)\d{{0,5}}[A-Za-z]?(?:[-/]\d{{1,4}})?\s(?:[NSEW]{{1,2}}\.?\s|(?:North|South|East|West)\s)?(?:(?:{_W}|\d{{1,3}}(?:st|nd|rd|th))\s){{1,4}}"
    rf"(?:{_SURE}\b\.?(?:\s[NSEW]{{1,2}}\b\.?)?{_FLAT}?{_PLACE}?|{_SHARED}\b\.?(?:{_FLAT}{_PLACE}?|{_PLACE}))(?!\w)"
)
_GERMANIC = re.compile(
    rf"[{UPPER}](?<!\w[{UPPER}])[\w.-]{{0,30}}(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|damm|ufer|straat|laan|plein|gracht|gatan|vägen|vej)\s\d{{1,4}}\s?[a-zA-Z]?(?![\w.]\w)(?:,?\s{{1,3}}(?:[A-Z]{{1,2}}-)?\d{{4,5}}\s(?:[A-Z]{{2}}\s)?{_TOWN})?"
)
_OF = r"(?:de la |de l['’]|de las |de los |del |della |delle |dei |degli |des |du |de |di |da |do |dos |d['’]|la |le |les |los )?"
_FRENCH = re.compile(
    rf"\d(?<![\w.-]\d)\d{{0,3}}(?:\s?(?:bis|ter))?,?\s(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Bb]d|place|[Ii]mpasse|[Aa]llée|[Cc]hemin|[Qq]uai|[Rr]oute)\s{_OF}{_OF}{_TOWN}(?:,?\s{{1,3}}\d{{5}}\s{_TOWN})?"
)
_ROMANCE = re.compile(
    rf"(?<!\w)(?:Calle|C/|Avenida|Avda\.?|Plaza|Paseo|Carrer|Ronda|Rua|Praça|Via|Viale|Piazza|Corso|Vicolo|ulica|ul\.|aleja|al\.)\s?{_OF}{_W}(?<=[a-zà-ÿ.])(?:\s(?:{_W}|de|del|la|e|y|i)){{0,3}},?\s(?:n[º°.o]\.?\s?)?\d{{1,4}}(?![\w.]\w)(?:/\d{{1,4}})?(?:,?\s{{1,3}}(?:\d{{2}}-\d{{3}}|\d{{4,5}}(?:-\d{{3}})?)\s{_TOWN})?"
)
_BOX = re.compile(rf"\bP\.?\s?O\.?\s?Box\s\d{{1,7}}(?!\w){_PLACE}?|\bPostfach\s\d[\d ]{{1,8}}\d")
_EAST = re.compile(
    r"〒\s?\d{3}-?\d{4}(?:\s?[\u4e00-\u9fff]{2,4}[都道府県][\u3040-\u9fff\d\-−ー丁目番地号]{2,40})?|[\u4e00-\u9fff]{2,3}[都道府県][\u4e00-\u9fff]{1,6}[市区町村郡][\u3040-\u9fff]{0,10}[\d０-９][\d０-９\-−ー丁目番地号]{0,16}|"
    r"[\u4e00-\u9fff]{2,6}[省市][\u4e00-\u9fff]{1,6}[市区县][\u4e00-\u9fff]{1,10}[路街道巷]\d{1,5}号[\u4e00-\u9fff\d]{0,12}"
)
_KOREAN = re.compile(
    r"(?:[가-힣]{2,5}(?:특별시|광역시|시|도)?\s)(?:[가-힣]{1,5}[시군구]\s){1,2}[가-힣\d]{1,10}(?:로|길|동|읍|면)\s?\d{1,4}(?:-\d{1,4})?(?!\d)"
)
_CODE = re.compile(
    rf"(?<!\w)(?:{_UK_CODE}|\d{{5}}(?:-\d{{4}})?|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{{4}} ?[A-Z]{{2}}|\d{{2}}-\d{{3}}|\d{{3}}-\d{{4}})(?!\w|[-.]\d)"
)
_CODE_CUES = Cues(
    "zip, zip code, zipcode, postcode, post code, postal code, plz, postleitzahl, code postal, codigo postal, cep, kod pocztowy, postnummer, 郵便番号, 邮编"
)
_COUNTED = re.compile(
    r"(?i)\b(?:step|section|sec|figure|fig|chapter|part|version|phase|level|table|page|line|item|type|appendix|option|model|lesson|volume|episode|season|week|day|port|windows|python|java|node|v)\.?\s\Z"
)
"""What a number counts that is no house."""
_ENDS = frozenset(w.lower() for w in re.findall(r"[A-Z][a-z]+", _SURE + _SHARED))
_SUFFIX = re.compile(rf" (?:{_SURE}|{_SHARED})\b")
REACH_BACK, REACH_ON = 100, 140
"""Characters around a street's own word in which its number, flat and town stand."""
_COMPOUND = ("strasse", "straße", "str", "weg", "platz", "allee", "gasse", "damm", "ufer", "straat", "laan", "plein", "gracht", "gatan", "vagen", "vej")  # fmt: skip
_LATIN = frozenset(("rue", "avenue", "boulevard", "bd", "place", "impasse", "allee", "chemin", "quai", "route"))
_SOUTH = vocabulary("calle c avenida avda plaza paseo carrer ronda rua praca via viale piazza corso vicolo ulica ul aleja al")
_ZIP = frozenset(("zip", "zipcode", "postcode", "postal", "plz", "postleitzahl", "cep", "pocztowy", "postnummer"))


def find(text: str, context: str) -> list[Finding]:
    has = words(text)
    found = [] if has.isdisjoint(_ENDS) else _english(text)
    if any(word.endswith(_COMPOUND) for word in has):
        found += _GERMANIC.finditer(text)
    if not has.isdisjoint(_LATIN):
        found += _FRENCH.finditer(text)
    if not has.isdisjoint(_SOUTH):
        found += [m for m in _ROMANCE.finditer(text) if NOT_A_NAME.isdisjoint(m[0].lower().split())]
    if "box" in has or "postfach" in has:
        found += _BOX.finditer(text)
    if not text.isascii():
        found += [*_EAST.finditer(text), *_KOREAN.finditer(text)]
    out = [
        Finding(m.start(), m.start() + len(m[0].rstrip(" ,.\n")), "ADDRESS", 0.75, NAME)
        for m in found
        if _COUNTED.search(text[max(0, m.start() - 12) : m.start()]) is None
    ]
    if not has.isdisjoint(_ZIP) or "郵便番号" in text or "邮编" in text or (context and _CODE_CUES.named(context)):
        out += [
            Finding(m.start(), m.end(), "ADDRESS", 0.6, NAME)
            for m in _CODE.finditer(text)
            if _CODE_CUES.just_before(text, m.start(), context, before=24)
        ]
    return out


def _english(text: str) -> list[re.Match[str]]:
    """Around each word that ends a street's name, and nowhere else: most numbers and most capitals are far from one."""
    out: list[re.Match[str]] = []
    last = 0
    for m in _SUFFIX.finditer(text):
        low = max(last, m.start() - REACH_BACK)
        if m.start() < last or not any(c.isdigit() for c in text[low : m.start()]):
            continue
        for whole in _ENGLISH.finditer(text, low, min(len(text), m.end() + REACH_ON)):
            out.append(whole)
            last = whole.end()
    return out
