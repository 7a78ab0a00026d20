"""Street addresses as they are written in the larger languages: number and street (either order), with flat, town and postal code behind it.

Conservative: a word that only streets have, a number beside it, and a capital where a name belongs. Words that streets share with other things
("Drive", "Way", "Place") need a flat, a town or a postal code behind them.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._context import Cues
from localrouter.scrub.detectors._people import NOT_A_NAME, UPPER

NAME = "address"
_W = rf"[{UPPER}][\w.'’-]{{0,24}}"
_STATE = r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|NSW|VIC|QLD|ON|QC|BC|AB|MB|SK|NS|NB)"
_UK_CODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2}"
_TOWN = rf"{_W}(?:[ -]{_W}){{0,3}}"
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
_NEEDLES = (
    " st", " av", " rd", " road", " blvd", " boul", " lane", " ln", " parkway", " pkwy", " highway", " hwy", " terrace", " cres", " drive", " dr", " way", " court", " ct", " place", " pl", " square", " sq", " close",
    " circle", " row", " walk", " gardens", " mews", " trail", " loop", " grove", " hill", " park", " plaza", " broadway", "turnpike",
)  # fmt: skip
_OTHERS = (
    "straße",
    "strasse",
    "str. ",
    "weg ",
    "platz ",
    "allee ",
    "gasse ",
    "damm ",
    "ufer ",
    "straat ",
    "laan ",
    "plein ",
    "gracht ",
    "gatan ",
    "vägen ",
    "vej ",
)
_LATIN = ("rue ", "avenue ", "boulevard ", "bd ", "place ", "impasse ", "allée ", "chemin ", "quai ", "route ")
_SOUTH = (
    "Calle ",
    "C/",
    "Avenida ",
    "Avda",
    "Plaza ",
    "Paseo ",
    "Carrer ",
    "Ronda ",
    "Rua ",
    "Praça ",
    "Via ",
    "Viale ",
    "Piazza ",
    "Corso ",
    "Vicolo ",
    "ulica ",
    "ul. ",
    "aleja ",
    "al. ",
)


def find(text: str, context: str) -> list[Finding]:
    low = text.lower()
    found: list[re.Match[str]] = []
    if any(n in low for n in _NEEDLES):
        found += _ENGLISH.finditer(text)
    if any(n in low for n in _OTHERS):
        found += _GERMANIC.finditer(text)
    if any(n in low for n in _LATIN):
        found += _FRENCH.finditer(text)
    if any(n in text for n in _SOUTH):
        found += [m for m in _ROMANCE.finditer(text) if NOT_A_NAME.isdisjoint(m[0].lower().split())]
    if " box " in low or "postfach" in low:
        found += _BOX.finditer(text)
    if not text.isascii():
        found += [*_EAST.finditer(text), *_KOREAN.finditer(text)]
    out = [
        Finding(m.start(), m.start() + len(m[0].rstrip(" ,.\n")), "ADDRESS", 0.75, NAME)
        for m in found
        if _COUNTED.search(text[max(0, m.start() - 12) : m.start()]) is None
    ]
    if _CODE_CUES.possible(context or "") or _CODE_CUES.possible(low):
        out += [
            Finding(m.start(), m.end(), "ADDRESS", 0.6, NAME)
            for m in _CODE.finditer(text)
            if _CODE_CUES.just_before(text, m.start(), context, before=24)
        ]
    return out
