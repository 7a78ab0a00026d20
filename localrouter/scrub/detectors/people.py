"""People where the text itself says so: introductions, greetings, signatures, titles, name fields of JSON, YAML, forms and tables.

Conservative by design: the encoder finds the rest, and without it a missed name is a stated limit. A full name that begins with a common
forename counts anywhere. A field called just `name` counts only
beside another field that people have (mail, phone, birth, salary ...), since packages, tools and files have names as well.
"""

from __future__ import annotations

import re

from localrouter.core.findings import Finding
from localrouter.scrub.detectors._context import Cues, fold
from localrouter.scrub.detectors._people import CJK, FULL, UPPER, end_of, forename, named

NAME = "people"
_ONE = rf"[{UPPER}](?:['’][{UPPER}])?[^\W\d_]{{2,20}}(?:-[{UPPER}][^\W\d_]{{1,20}})?"
_TITLE = r"(?:Mr|Mrs|Ms|Mx|Dr|Prof|Herr|Frau|Señora?|Monsieur|Madame|Mme|Signora?|Sig\.ra|Sig|Dott\.ssa|Dott)\.?"
_GREETING = r"(?:Dear|Hi|Hello|Hey|Lieber?|Hallo|Bonjour|Hola|Caro|Cara|Ciao|Geachte|Beste)"
_ROLE = r"(?:customer|client|patient|employee|colleague|contact|tenant|candidate|applicant|manager|boss|wife|husband|daughter|brother|sister|mother|father|friend|neighbou?r|landlord|teacher|doctor|lawyer|attorney)"
# "Customer Relationship Executive" is no name: a capitalised role leads to a known forename only.
_CAPITAL_ROLE = _ROLE.replace("(?:", "(?i:", 1)
_SELF = r"(?:[Mm]y name(?: is|'s)|[Jj]e m['’]appelle|[Ii]ch heiße|[Mm]ein Name ist|[Mm]e llamo|[Mm]i nombre es|[Mm]i chiamo|[Mm]eu nome é|[Mm]ijn naam is|[Nn]azywam się|[Мм]еня зовут)"
_AM = r"(?:I am|I'm|I’m|[Jj]e suis|[Ii]ch bin|[Ss]oy|[Ss]ono|[Ii]k ben)"
_NAME = re.compile(FULL)
# What stands right before a name. The cue may be the first capitalised word of what looks like a name itself ("Dear Anna Lopez").
_BEFORE = re.compile(rf"(?:\b(?:{_SELF}|{_AM})|\b{_ROLE},?(?: named| called| is)?|\b{_TITLE}|(?:^|[\s\"'>]){_GREETING}) \Z")
_LEAD = re.compile(rf"(?:{_TITLE}|{_GREETING}|{_CAPITAL_ROLE}|{_AM}),? ")
_CALLS = re.compile(r" (?:from|speaking|calling|here|writing)\b")
# A single name counts behind a sentence that can only introduce or greet a person.
_INTRODUCED = re.compile(
    rf"\b{_SELF} ({_ONE})(?![\w-])|\b{_TITLE} ({_ONE})(?![\w('’-])|(?m:^|[\s\"'>]){_GREETING} ({_ONE})\s*[,!:\n]"
)
_SIGNED = re.compile(
    rf"(?im)(?:regards|thanks|thank you|cheers|sincerely|best|wishes|truly|yours|respectfully|grüßen?|cordialement|saludos|saluti|groet(?:en|jes)?)[,.!]?[ \t]*\n\s{{0,8}}(?-i:({FULL}|{_ONE}))[ \t]*(?=$|\n)"
)
_INTRODUCES = ("name is", "name's", "m'appelle", "heiße", "name ist", "llamo", "nombre es", "chiamo", "nome é", "naam is", "nazywam", "зовут")  # fmt: skip
_GREETS = ("dear ", "hi ", "hello ", "hey ", "liebe", "hallo ", "bonjour ", "hola ", "caro ", "cara ", "ciao ", "geachte ", "beste ")  # fmt: skip
_TITLES = ("Mr", "Ms", "Mx", "Dr", "Prof", "Herr ", "Frau ", "Señor", "Monsieur", "Madame", "Mme", "Sig", "Dott")
_SIGNS = ("regards", "thank", "cheers", "sincerely", "best", "wishes", "truly", "yours", "respectfully", "grüße", "cordialement", "saludos", "saluti", "groet")  # fmt: skip
_FIELD = re.compile(
    rf"[:=|：][ \t|]{{0,4}}[\"']?({FULL}|{_ONE}|{CJK})(?=[\"',;|<)\]}}\n\r\t]|[ \t]*$|[ \t]{{2}}|\.?[ \t]*\n|(?<=[\u3040-\u9fff\uac00-\ud7af])\s)",
    re.M,
)
_KEY = re.compile(
    r"(?<![\w$])[\"']?(?i:(?:full|first|last|given|family|middle|maiden|display|customer|employee|patient|contact|client|cardholder|account_?holder|owner|person|student|teacher|guest|passenger|recipient|sender|billing|shipping|legal|real|emergency_?contact)[_ -]?name|surname|forename|patient|employee|customer|client|__author__|authors?|created[_ -]?by|updated[_ -]?by|approved[_ -]?by|reviewed[_ -]?by|assigned[_ -]?to|assignee|reporter|cardholder|account[_ ]?holder|beneficiary|nachname|vorname|pr[eé]nom|nom de famille|apellidos?|nombre completo|cognome|imi[eę]|nazwisko|achternaam|voornaam|sobrenome|фамилия|имя|(?P<plain>name|姓名|名前|氏名|이름))[\"']?[ \t]{0,4}\Z"
)
KEY_MAX = 40
"""Characters before the separator that are looked at for a field's name."""
_PERSONAL = Cues(
    "email, e mail, mail, phone, mobile, telephone, tel, dob, date of birth, birthday, birth, born, age, gender, sex, address, street, city, zip, ssn, salary, employee, patient, passport, iban, nationality, married, occupation, job title, "
    "diagnosis, customer, telefon, adresse, geburtsdatum, telefono, correo, adresse mail, naissance, nacimiento, 電話, 电话, 年龄, 住所, 手机, 전화"
)
_OF = r"(?:user|customer|patient|employee|author|owner|contact|person|client|member|student|sender|recipient|manager|applicant|candidate|profile|guest|passenger|beneficiary|tenant|teacher|driver|account)s?"
# Over a folded context ("customer.firstName" is "customer first name"): keys that name a person in full or in part ...
_CONTEXT_PART = re.compile(
    r"(?:^| )(?:(?:first|last|given|family|middle|maiden|nick) ?name|surname|forename|vorname|nachname|familienname|prenom|nombres?|apellidos?|cognome|imie|nazwisko|voornaam|achternaam|sobrenome|fornavn|etternavn|имя|фамилия)$"
)
# ... and those under which only a full name counts.
_CONTEXT_FULL = re.compile(
    rf"(?:^| )(?:(?:full|display|customer|employee|patient|contact|client|legal|billing|shipping|account|card ?holder|account ?holder|author|owner|manager) ?name|{_OF} name|card ?holder|account ?holder|assignee|reporter|"
    rf"reviewer|approver|employee|patient|customer|contact|owner|author|manager|beneficiary|created by|updated by|nom|naam|nome|nom complet|nombre completo|имя и фамилия|фио|姓名|名前|氏名|이름)$"
)
_CONTEXT_NAME = re.compile(r"(?:^| )name$")
_WHOLE = re.compile(rf"\s*({FULL}|{CJK})\s*")
_WHOLE_ONE = re.compile(rf"\s*({_ONE})\s*")
SIBLINGS = 240
"""Characters around a plain `name` field where another personal field must stand."""


def find(text: str, context: str) -> list[Finding]:
    low = text.lower()
    out = _announced(text)
    if any(w in low for w in _INTRODUCES) or any(w in low for w in _GREETS) or any(w in text for w in _TITLES):
        for m in _INTRODUCED.finditer(text):
            group = m.lastindex or 0
            if named(m[group]):
                out.append(Finding(m.start(group), m.end(group), "PERSON", 0.65, NAME))
    if any(w in low for w in _SIGNS):
        out += [Finding(m.start(1), m.end(1), "PERSON", 0.7, NAME) for m in _SIGNED.finditer(text) if named(m[1])]
    out += _fields(text)
    if context and len(text) <= 80:
        out += _under(text, fold(context))
    return out


def _under(text: str, where: str) -> list[Finding]:
    """The whole text as a name, by the keys it stands under."""
    full, one = _WHOLE.fullmatch(text), _WHOLE_ONE.fullmatch(text)
    if _CONTEXT_PART.search(where):
        m = full or one
    elif _CONTEXT_FULL.search(where):
        m = full
    else:
        m = one if one and _CONTEXT_NAME.search(where) and forename(one[1]) else None
    return [Finding(m.start(1), m.end(1), "PERSON", 0.8, NAME)] if m and named(m[1]) else []


def _announced(text: str) -> list[Finding]:
    """Full names that begin with a known forename, or stand right behind a cue."""
    out: list[Finding] = []
    for m in _NAME.finditer(text):
        start, end = m.start(), end_of(text, m.start(), m.end())
        lead = _LEAD.match(text, start, end)
        if lead:
            rest = _NAME.match(text, lead.end())
            if rest is None:
                continue
            start, end = rest.start(), end_of(text, rest.start(), rest.end())
        if not named(text[start:end]):
            continue
        if forename(text[start:end]):
            out.append(Finding(start, end, "PERSON", 0.75, NAME))
            continue
        if text[start - 1 : start] != " ":
            continue
        head = text[max(0, start - 40) : start]
        if _BEFORE.search(head) or (head.endswith(("this is ", "This is ")) and _CALLS.match(text, end)):
            out.append(Finding(start, end, "PERSON", 0.7, NAME))
    return out


def _fields(text: str) -> list[Finding]:
    """Values of fields that are called after a person's name; of a plain `name` only beside another personal field."""
    out: list[Finding] = []
    for m in _FIELD.finditer(text):
        key = _KEY.search(text[max(0, m.start() - KEY_MAX) : m.start()])
        if key is None or not named(m[1]):
            continue
        if key["plain"]:
            around = text[max(0, m.start() - SIBLINGS) : m.start()] + " " + text[m.end() : m.end() + SIBLINGS]
            if (" " not in m[1] and m[1].isascii()) or not _PERSONAL.search(around):
                continue
        out.append(Finding(m.start(1), m.end(1), "PERSON", 0.75, NAME))
    return out
