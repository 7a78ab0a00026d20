"""National numbers: identity, tax, health, passports, licences, bank accounts.

A number that is announced by its own name ("NHS number", "Steuer-ID", "passport no.") is found for every country, whether or not its check
digit holds: people mistype, and a label is evidence enough. A number without its name is found only for the countries in `options["packs"]`
(ISO 3166 codes, `uk` for the United Kingdom) and only with a valid check digit. No pack is active by default.
Checks: Presidio's country recognizers where it has one, `_check_digits.py` for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localrouter.core.findings import Finding
from localrouter.scrub.detectors import _threshold
from localrouter.scrub.detectors._check_digits import CHECKS
from localrouter.scrub.detectors._context import Cues, fold, words
from localrouter.scrub.detectors._digits import LETTER
from localrouter.scrub.detectors._presidio import valid

NAME = "national"
REACH = 44
"""Characters between a number's name and the number."""


@dataclass(frozen=True)
class _Number:
    """One kind of number. `check` names a function of CHECKS or a Presidio recognizer; without one it is found behind its name only.
    A name of three letters ("sin", "fin") is a word too: behind it the check digit must hold."""

    pack: str
    kind: str
    shape: str
    cues: str
    check: str = ""
    pattern: re.Pattern[str] = field(init=False)
    words: Cues = field(init=False)
    short: Cues = field(init=False)
    needles: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(rf"(?<!{LETTER})(?<!\.)(?<!\w-)(?:{self.shape})(?!{LETTER}|[-.]\d)"))
        each = [c.strip() for c in self.cues.split(",")]
        object.__setattr__(self, "words", Cues(c for c in each if len(c) > 3 or not self.check or not c.isascii()))
        object.__setattr__(self, "short", Cues(each))
        # What must stand in the text at all: the first word of each name.
        object.__setattr__(self, "needles", tuple(sorted({fold(c).split()[0] for c in each})))

    def holds(self, value: str) -> bool:
        own = CHECKS.get(self.check)
        return own(value) if own else bool(self.check) and valid(self.check, re.sub(r"[ ./]", "", value))


_NUMBERS = (
    _Number("us", "ID", r"(?=(?:[A-Z]{0,3}\d){4})[A-Z0-9]{6,9}", "passport, passport number, passport no, pasaporte, passeport, reisepass, reisepassnummer, passaporto, passaporte, paspoort, paszport, pass no, passnummer, паспорт, パスポート, 护照, 여권"),
    _Number("us", "ID", r"(?=[A-Z0-9*-]{0,18}\d{3})[A-Z0-9][A-Z0-9-]{5,17}[A-Z0-9]", "driver's license, drivers license, driver license, driving license, driving licence, driver's licence, drivers licence, license number, licence number, dl number, dl no, führerschein, fuhrerschein, führerscheinnummer, permis de conduire, patente di guida, permiso de conducir, rijbewijs, prawo jazdy"),
    _Number("us", "BANK_ACCOUNT", r"[0123678]\d{3}-?\d{4}-?\d", "routing, routing number, routing no, aba, aba number, rtn, transit number", "AbaRoutingRecognizer"),
    _Number("us", "BANK_ACCOUNT", r"\d{6,17}|\d{2,6}(?:[ -]\d{2,6}){1,4}", "account number, account no, account num, acct, acct no, acct number, bank account, checking account, savings account, kontonummer, konto nr, numero de compte, numero de cuenta, numero di conto, rekeningnummer, numer konta, conta corrente, 口座番号, 账号, 계좌번호"),
    _Number("uk", "BANK_ACCOUNT", r"\d{2}[ -]\d{2}[ -]\d{2}|\d{6}", "sort code, sortcode"),
    _Number("us", "ID", r"\d{2}-?\d{7}", "ein, employer identification number, employer id, fein"),
    _Number("us", "HEALTH_ID", r"[12]\d{9}|[12]\d{3}[ -]\d{3}[ -]\d{3}", "npi, national provider identifier, provider id", "UsNpiRecognizer"),
    _Number("us", "HEALTH_ID", r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d\d", "mbi, medicare, medicare number, beneficiary"),
    _Number("us", "HEALTH_ID", r"[A-Z]{0,4}[-#]?\d{5,12}(?:-\d{1,4})?", "mrn, medical record, medical record number, patient id, patient number, health plan, health insurance, member id, subscriber id, insurance number, insurance id, policy number, beneficiary number, chart number"),
    _Number("us", "HEALTH_ID", r"[A-Z]{2}\d{7}", "dea, dea number, medical license, medical licence", "MedicalLicenseRecognizer"),
    _Number("us", "ID", r"(?=(?:[ -]?[A-Z0-9]){4})(?:[A-Z]{1,3}[ -]?){1,2}\d{1,5}(?:[ -]?[A-Z0-9]{1,4}){0,2}|\d{1,4}[ -]?[A-Z]{1,4}(?:[ -]?[A-Z0-9]{1,5})?", "license plate, licence plate, number plate, plate number, registration plate, kennzeichen, immatriculation, targa, matricula, tablica rejestracyjna"),
    _Number("de", "ID", r"[A-Z]{2}(?=[A-Z0-9]{0,4}\d{5})[A-Z0-9]{8,12}", "vat, vat id, vat number, vat no, ust idnr, ustid, ust id, umsatzsteuer id, tva, numero de tva, btw, btw nummer"),
    _Number("us", "ID", r"[A-HJ-NPR-Z0-9]{11}\d{6}|[A-HJ-NPR-Z0-9]{17}", "vin, vehicle identification number, chassis, chassis number, fahrgestellnummer", "vin"),
    _Number("us", "ID", r"\d{15}|\d{2}-\d{6}-\d{6}-\d", "imei, imei number, device identity", "imei"),
    _Number("uk", "HEALTH_ID", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "nhs, nhs number, nhs no, national health service", "NhsRecognizer"),
    _Number("uk", "ID", r"(?i:[A-Z]{2}[ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-D])", "national insurance, national insurance number, insurance number, insurance no, ni number, nino, ni no"),
    _Number("uk", "ID", r"\d{10}", "utr, unique taxpayer reference"),
    _Number("uk", "ID", r"[A-Z9]{5}\d{6}[A-Z9]{2}[A-Z0-9]{3}", "driving licence, driver number, dvla", "UkDrivingLicenceRecognizer"),
    _Number("de", "ID", r"[1-9]\d(?:[ ]?\d{3}){3}", "steuer id, steueridentifikationsnummer, steuerliche identifikationsnummer, steuer identifikationsnummer, identifikationsnummer, idnr, tin, tax id, steuernummer", "DeTaxIdRecognizer"),
    _Number("de", "ID", r"\d{2,3}/\d{3}/\d{4,5}", "steuernummer, steuer nr, st nr"),
    _Number("de", "ID", r"\d{2}[ ]?\d{6}[ ]?[A-Z][ ]?\d{3}", "sozialversicherungsnummer, rentenversicherungsnummer, versicherungsnummer, svnr, rvnr, sv nummer", "DeSocialSecurityRecognizer"),
    _Number("de", "HEALTH_ID", r"[A-Z]\d{9}", "krankenversichertennummer, krankenversicherungsnummer, versichertennummer, kvnr", "DeHealthInsuranceRecognizer"),
    _Number("de", "ID", r"[CFGHJ-NPRTV-Z][CFGHJ-NPRTV-Z0-9]{7}\d|T\d{8}", "personalausweis, personalausweisnummer, ausweisnummer, ausweis", "DeIdCardRecognizer"),
    _Number("at", "ID", r"\d{4}[ ]?\d{6}", "sozialversicherungsnummer, svnr, sv nummer, sv nr"),
    _Number("ch", "ID", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", "ahv, ahv nummer, avs, numero avs", "ahv"),
    _Number("fr", "ID", r"[12][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2]|[2-9]\d)[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}[ ]?\d{2}", "securite sociale, numero de securite sociale, nir, insee, carte vitale, numero ss", "nir"),
    _Number("fr", "ID", r"[0-3]\d(?:[ ]?\d{3}){3}(?:[ ]?\d{2})?", "numero fiscal, spi, reference fiscale, identifiant fiscal"),
    _Number("es", "ID", r"\d{8}[ -]?[A-HJ-NP-TV-Z]", "dni, nif, documento nacional de identidad, documento de identidad", "EsNifRecognizer"),
    _Number("es", "ID", r"[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]", "nie, numero de identificacion de extranjero, extranjero", "EsNieRecognizer"),
    _Number("it", "ID", r"(?i:[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z])", "codice fiscale, cod fiscale, cf", "ItFiscalCodeRecognizer"),
    _Number("it", "ID", r"\d{11}", "partita iva, p iva, piva", "ItVatCodeRecognizer"),
    _Number("nl", "ID", r"\d{9}|\d{4}[ .]\d{2}[ .]\d{3}", "bsn, burgerservicenummer, sofinummer, burger service nummer", "bsn"),
    _Number("be", "ID", r"\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}", "rijksregisternummer, numero national, registre national, insz, niss", "national_be"),
    _Number("pl", "ID", r"\d{11}", "pesel, numer pesel", "PlPeselRecognizer"),
    _Number("pt", "ID", r"\d{3}[ ]?\d{3}[ ]?\d{3}", "nif, contribuinte, numero de contribuinte", "nif_pt"),
    _Number("se", "ID", r"(?:19|20)?\d{6}[-+]?\d{4}", "personnummer, samordningsnummer", "SePersonnummerRecognizer"),
    _Number("fi", "ID", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", "henkilötunnus, henkilotunnus, hetu, personbeteckning", "FiPersonalIdentityCodeRecognizer"),
    _Number("tr", "ID", r"[1-9]\d{10}", "kimlik, tc kimlik, tckn, kimlik no", "TrNationalIdRecognizer"),
    _Number("in", "ID", r"[2-9]\d{3}([ -]?)\d{4}\1\d{4}|\d{4}[ -]\d{4}[ -]\d{4}", "aadhaar, aadhar, uidai, adhaar, आधार", "InAadhaarRecognizer"),
    _Number("in", "ID", r"[A-Z]{5}\d{4}[A-Z]", "pan, pan card, permanent account number, pan number, pan no"),
    _Number("in", "ID", r"\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]", "gstin, gst, gst number", "InGstinRecognizer"),
    _Number("in", "ID", r"[A-Z]{3}\d{7}", "voter id, voter, epic, elector"),
    _Number("br", "ID", r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}", "cpf, cadastro de pessoa", "cpf"),
    _Number("br", "ID", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}|\d{14}", "cnpj", "cnpj"),
    _Number("mx", "ID", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", "curp, clave unica", "curp"),
    _Number("ca", "ID", r"\d{3}([- ]?)\d{3}\1\d{3}", "sin, sin number, social insurance, social insurance number, nas, assurance sociale", "sin"),
    _Number("au", "ID", r"\d{3}[ ]?\d{3}[ ]?\d{3}", "tfn, tax file number", "AuTfnRecognizer"),
    _Number("au", "HEALTH_ID", r"[2-6]\d{3}[ ]?\d{5}[ ]?\d", "medicare, medicare number, medicare card", "AuMedicareRecognizer"),
    _Number("au", "ID", r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}", "abn, australian business number", "AuAbnRecognizer"),
    _Number("jp", "ID", r"\d{4}[ -]?\d{4}[ -]?\d{4}", "マイナンバー, 個人番号, my number, mynumber, individual number", "my_number"),
    _Number("cn", "ID", r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]", "身份证, 身份证号, 身份證, resident id, identity card, id card, id number", "resident_id"),
    _Number("kr", "ID", r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-?[1-8]\d{6}", "주민등록번호, 외국인등록번호, resident registration, rrn, frn", "KrRrnRecognizer"),
    _Number("kr", "ID", r"\d{3}-?\d{2}-?\d{5}", "사업자등록번호, 사업자번호, business registration", "KrBrnRecognizer"),
    _Number("sg", "ID", r"[STFGM]\d{7}[A-Z]", "nric, fin, nric number, identity card", "sg"),
    _Number("th", "ID", r"\d[ -]?\d{4}[ -]?\d{5}[ -]?\d{2}[ -]?\d", "เลขประจำตัวประชาชน, thai id, tnin, national id", "ThTninRecognizer"),
    _Number("za", "ID", r"\d{6}[ ]?\d{4}[ ]?\d{2}[ ]?\d", "south african id, sa id, identity number, id number, rsa id", "ZaIdNumberRecognizer"),
)  # fmt: skip
PACKS = tuple(sorted({n.pack for n in _NUMBERS}))
"""The countries that `options["packs"]` may name."""

_GATE = re.compile(r"\d\d")
_UNSPACED = tuple(needle for number in _NUMBERS for needle in number.needles if not needle.isascii())
_NEEDLES = frozenset(needle for number in _NUMBERS for needle in number.needles)
_active: set[str] = set()


def configure(options: Mapping[str, Any]) -> None:
    """`packs` and `thresholds`. A pack that does not exist raises ValueError, with those that do."""
    packs = {str(p).lower() for p in options.get("packs") or ()}
    packs = {"uk" if p == "gb" else p for p in packs}
    if packs - set(PACKS):
        raise ValueError(f"no pack {', '.join(sorted(packs - set(PACKS)))}; there are {', '.join(PACKS)}")
    _threshold.configure(options)
    _active.clear()
    _active.update(packs)


def find(text: str, context: str) -> list[Finding]:
    if _GATE.search(text) is None:
        return []
    where = words(text) | words(context)
    if not text.isascii() or not context.isascii():
        where |= {needle for needle in _UNSPACED if needle in text or needle in context}
    out: list[Finding] = []
    if not _active and where.isdisjoint(_NEEDLES):
        return out
    for number in _NUMBERS:
        active = bool(number.check) and number.pack in _active
        if not active and where.isdisjoint(number.needles):
            continue
        for m in number.pattern.finditer(text):
            score = _score(number, text, m, context, active)
            if score and _threshold.passes(number.kind, score):
                out.append(Finding(m.start(), m.end(), number.kind, score, NAME))
    return out


def _score(number: _Number, text: str, m: re.Match[str], context: str, active: bool) -> float:
    if not number.words.just_before(text, m.start(), context, before=REACH):
        if not active and not number.short.just_before(text, m.start(), context, before=REACH):
            return 0.0
        return 0.6 if number.check and number.holds(m[0]) else 0.0
    # One name announces one number (or a few in a row), not every number behind it.
    between = text[max(0, m.start() - REACH) : m.start()].rpartition("\n")[2]
    if not context and len(re.findall(r"\d{3,}", between)) > 2:
        return 0.0
    return 0.95 if number.check and number.holds(m[0]) else 0.65
