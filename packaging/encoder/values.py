"""What a slot of a template writes, and the scene that ties the values of one example to its people."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import addresses
import organisations
import places
from dates import COUNT, DAYS, MONTHS, age, birth, clock, date, day, relative, stamp
from figures import IDS, PHONES, card, digits, iban
from forms.grammar import Writer
from names import NICK, Person, genitive, plain
from world import World

TYPES = [
    "PERSON",
    "USERNAME",
    "ORG",
    "LOCATION",
    "ADDRESS",
    "DATE_OF_BIRTH",
    "DATE",
    "AGE",
    "NRP",
    "TITLE",
    "ID",
    "PHONE",
    "EMAIL",
    "HOST",
    "CARD",
    "IBAN",
    "SSN",
    "IP",
]


INITIALS = "ABCDEFGHJKLMNPRSTVW"


class Scene:
    """The people, organisations and places of one example, and how each value is written into it."""

    def __init__(self, world: World, rng: Random, lang: str) -> None:
        self.world, self.rng, self.lang = world, rng, lang
        self.people: dict[str, Person] = {}
        self.same: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.own_domain = ""
        self.free = 0
        home = {
            "de": "de",
            "fr": "fr",
            "es": "es",
            "it": "it",
            "pt": "pt",
            "nl": "nl",
            "pl": "pl",
            "sv": "nordic",
            "tr": "tr",
        }.get(lang, "")
        self.home = home if home else rng.choices(["", "en"], [0.7, 0.3])[0]

    def person(self, key: str) -> Person:
        if not key:
            self.free += 1
            key = f"free{self.free}"
        if key not in self.people:
            person = self.world.names.draw(self.rng, self.home if self.rng.random() < 0.6 else "")
            if self.rng.random() < 0.4:
                person.domain = self.domain()
            self.people[key] = person
        return self.people[key]

    def domain(self) -> str:
        if not self.own_domain:
            self.own_domain = self.world.domain(self.rng)
        return self.own_domain

    def write(self, slot: str, out: Writer) -> None:
        """Write one slot (`email:1!u`). Raises KeyError for a kind that does not exist."""
        slot, _, case = slot.partition("!")
        kind, _, key = slot.partition(":")
        parts = self.parts(kind, key)
        for text, label in parts:
            if not case and label in ("LOCATION", "PERSON") and self.rng.random() < (0.05 if label == "LOCATION" else 0.02):
                case = "u"  # towns and surnames in capitals, as forms and files have them
            if case == "u":
                text = text.upper()
            elif case == "l":
                text = text.lower()
            elif case == "s":
                text = re.sub("[^a-z0-9]+", "-", plain(text).lower()).strip("-") or "x"
            elif case == "c":
                text = text.capitalize()
            out.put(text, label)

    def parts(self, kind: str, key: str) -> list[tuple[str, str]]:
        if kind in PERSONAL:
            return PERSONAL[kind](self, self.person(key))
        if key:
            if (kind, key) not in self.same:
                self.same[kind, key] = VALUES[kind](self)
            return self.same[kind, key]
        return VALUES[kind](self)


def _title(s: Scene, p: Person) -> str:
    rng, pool = s.rng, s.world.words
    if s.lang in ("de", "fr", "es", "it", "pt", "nl", "pl"):
        pair = {
            "de": ("Herr", "Frau"),
            "fr": ("M.", "Mme"),
            "es": ("Sr.", "Sra."),
            "it": ("Sig.", "Sig.ra"),
            "pt": ("Sr.", "Sra."),
            "nl": ("dhr.", "mevr."),
            "pl": ("Pan", "Pani"),
        }[s.lang]
        return pair[p.female] if rng.random() < 0.8 else "Dr."
    if rng.random() < 0.55:
        return rng.choice(["Ms.", "Mrs.", "Ms", "Mrs", "Miss"]) if p.female else rng.choice(["Mr.", "Mr.", "Mr"])
    return rng.choice(pool["title"])


def _nick(s: Scene, p: Person) -> str:
    return s.rng.choice(NICK[p.first].split()) if p.first in NICK else p.first


def _mono(s: Scene, p: Person) -> str:
    """A character of a story, who has one name, often an invented one."""
    if "mono" not in p.notes:
        roll = s.rng.random()
        p.notes["mono"] = p.first if roll < 0.55 else p.last if roll < 0.65 else s.world.names.invented(s.rng)
    return p.notes["mono"]


def _player(s: Scene, p: Person) -> str:
    """What somebody calls himself in games and under videos, said as a name: `ldshadowlady`, `smit 7 y`, `MLG 6531`."""
    if "player" not in p.notes:
        rng, w = s.rng, s.world.words
        made = s.world.names.invented(rng)
        noun, adjective = rng.choice(w["noun"]), rng.choice(w["adjective"])
        p.notes["player"] = rng.choice(
            [
                made,
                made.lower(),
                p.first.lower() + p.last.lower(),
                f"{adjective.capitalize()}{p.first}",
                f"{p.first}{noun.capitalize()}",
                f"{noun.capitalize()} {made}",
                f"{made.upper()} {rng.randint(1, 9999)}",
                f"{p.first.lower()} the {noun}",
                f"{adjective.capitalize()} {noun}",
                f"{noun}{rng.choice(['lord', 'lady', 'boy', 'girl', 'man', 'king', 'cat'])}",
                f"{noun.capitalize()}{rng.choice(['Lord', 'Lady', 'Boy', 'Man', 'Cat'])}{rng.choice(['', 'HD', 'TV', 'YT'])}",
                p.user(rng),
                p.first[:3] + rng.choice("yzk") * rng.randint(1, 3),
            ]
        )
    return p.notes["player"]


def _pronoun(he: str, she: str) -> Callable[[Scene, Person], list[tuple[str, str]]]:
    return lambda s, p: [(she if p.female else he, "")]


PERSONAL: dict[str, Callable[[Scene, Person], list[tuple[str, str]]]] = {
    "person": lambda s, p: [(p.full(s.rng), "PERSON")],
    "name": lambda s, p: [(p.plain_name, "PERSON")],
    "any": lambda s, p: [(s.rng.choice([p.plain_name, p.plain_name, p.first, p.first, p.last, p.full(s.rng)]), "PERSON")],
    "first": lambda s, p: [(p.first, "PERSON")],
    "mono": lambda s, p: [(_mono(s, p), "PERSON")],
    "player": lambda s, p: [(_player(s, p), "PERSON")],
    "nick": lambda s, p: [(_nick(s, p), "PERSON")],
    "last": lambda s, p: [(p.last, "PERSON")],
    "ambigfull": lambda s, p: [(f"{s.rng.choice(s.world.words['ambig'])} {p.last if s.rng.random() < 0.7 else s.rng.choice(s.world.words['ambig'])}", "PERSON")],
    "gen": lambda s, p: [(genitive(p), "PERSON")],
    "lastfirst": lambda s, p: [(f"{p.last}, {p.first}", "PERSON")],
    "cited": lambda s, p: [(f"{p.last}, {p.first[0]}.{s.rng.choice(['', '', f' {s.rng.choice(INITIALS)}.'])}", "PERSON")],
    "initial": lambda s, p: [(f"{p.first[0]}. {p.last}", "PERSON")],
    "title": lambda s, p: [(_title(s, p), "TITLE")],
    "mr": lambda s, p: [(_title(s, p), "TITLE"), (" ", ""), (p.last, "PERSON")],
    "mrfull": lambda s, p: [(_title(s, p), "TITLE"), (" ", ""), (p.plain_name, "PERSON")],
    "user": lambda s, p: [(p.user(s.rng), "USERNAME")],
    "email": lambda s, p: [(p.email(s.rng), "EMAIL")],
    "phone": lambda s, p: [(digits(s.rng.choice(PHONES.get(p.culture, PHONES["en"]).split(";")), s.rng), "PHONE")],
    "dob": lambda s, p: [(p.notes.setdefault("dob", birth(s.rng, s.lang)), "DATE_OF_BIRTH")],
    "he": _pronoun("he", "she"), "him": _pronoun("him", "her"), "his": _pronoun("his", "her"), "He": _pronoun("He", "She"), "His": _pronoun("His", "Her"),
    "himself": _pronoun("himself", "herself"), "son": _pronoun("son", "daughter"), "brother": _pronoun("brother", "sister"), "wife": _pronoun("husband", "wife"), "dad": _pronoun("dad", "mom"), "sex": _pronoun("M", "F"), "male": _pronoun("male", "female"), "uncle": _pronoun("uncle", "aunt"), "man": _pronoun("man", "woman"),
}  # fmt: skip


def _one(label: str, draw: Callable[[Scene], str]) -> Callable[[Scene], list[tuple[str, str]]]:
    return lambda s: [(draw(s), label)]


def _word(label: str, *lists: str) -> Callable[[Scene], list[tuple[str, str]]]:
    return lambda s: [(s.rng.choice(s.world.words[s.rng.choice(lists)]), label)]


CALENDAR = re.compile(rf"\b(?:{'|'.join((*DAYS, *MONTHS))}|(?:19|20)\d\d)\b")


def _dated(text: str) -> list[tuple[str, str]]:
    """The words of a calendar in a relative date are its only label: "next Tuesday" says a day, "next week" says nobody's."""
    out, at = [], 0
    for hit in CALENDAR.finditer(text):
        out += [(text[at : hit.start()], ""), (hit[0], "DATE")]
        at = hit.end()
    return [*out, (text[at:], "")]


def _url(s: Scene) -> list[tuple[str, str]]:
    rng = s.rng
    host = (
        s.world.host(rng)
        if rng.random() < 0.25
        else rng.choice(["www.", "", "", "api.", "docs.", "blog.", "app."]) + s.world.domain(rng)
    )
    w = s.world.words["noun"]
    path = rng.choice(
        [
            "",
            "/",
            f"/{rng.choice(w)}",
            f"/{rng.choice(w)}/{rng.randint(1, 9999)}",
            f"/{rng.choice(w)}/{rng.choice(w)}",
            f"/{rng.choice(w)}?id={rng.randint(1, 999)}",
            "/login",
            "/index.html",
            f"/v{rng.randint(1, 3)}/{rng.choice(w)}s",
        ]
    )
    return [(rng.choice(["https://", "https://", "http://"]), ""), (host, "HOST"), (path, "")]


def _handle(s: Scene) -> str:
    rng, w = s.rng, s.world.words
    return rng.choice(
        [
            s.person("").user(rng),
            rng.choice(w["noun"]) + rng.choice(["_", ""]) + rng.choice(w["noun"]),
            rng.choice(w["adjective"]) + rng.choice(w["noun"]).capitalize() + str(rng.randint(1, 99)),
            rng.choice(w["noun"]) + str(rng.randint(1, 999)),
            rng.choice(w["adjective"]) + "_" + rng.choice(w["noun"]),
        ]
    )


def _ident(s: Scene) -> str:
    rng, w = s.rng, s.world.words
    a, b = rng.choice(w["verb"]), rng.choice(w["noun"])
    return rng.choice(
        [
            f"{a}_{b}",
            a + b.capitalize(),
            a.capitalize() + b.capitalize(),
            f"{b}_{rng.choice(w['noun'])}",
            b,
            f"{b}Id",
            f"{b.upper()}_{rng.choice(w['noun']).upper()}",
            f"{b.capitalize()}Service",
            f"_{b}",
            f"{a}-{b}",
        ]
    )


def _file(s: Scene) -> str:
    rng, w = s.rng, s.world.words
    ext = rng.choice(
        [
            "py",
            "ts",
            "js",
            "go",
            "rs",
            "java",
            "rb",
            "c",
            "cpp",
            "h",
            "kt",
            "swift",
            "php",
            "yaml",
            "json",
            "toml",
            "md",
            "sql",
            "sh",
            "css",
            "html",
            "tsx",
            "vue",
            "lock",
            "txt",
            "cs",
        ]
    )
    folders = [
        rng.choice(["src", "lib", "app", "tests", "pkg", "internal", "cmd", "core", "utils", rng.choice(w["noun"])])
        for _ in range(rng.randint(0, 3))
    ]
    return "/".join([*folders, f"{_ident(s).lower()}.{ext}"])


def _money(s: Scene) -> str:
    rng = s.rng
    n = rng.choice([rng.randint(1, 99), rng.randint(100, 9999), rng.randint(10000, 900000)])
    return rng.choice(
        [
            f"${n:,}",
            f"${n}.{rng.randrange(100):02d}",
            f"€{n:,}",
            f"£{n:,}",
            f"{n} EUR",
            f"{n:,} USD",
            f"${n}k",
            f"{n} dollars",
            f"₹{n:,}",
            f"CHF {n}",
            f"{n} kr",
            f"¥{n:,}",
            f"R$ {n},00",
            f"{n},00 €",
            f"${rng.randint(1, 900)} million",
            f"{n} bucks",
        ]
    )


def _age(s: Scene) -> list[tuple[str, str]]:
    number, rest = age(s.rng)
    return [(number, "AGE"), (rest, "")]


def _home(s: Scene, kind: str) -> str:
    """A place or body as the language of the text calls it, where there is a list of them; else nothing, so that any may stand."""
    own = s.world.words.get(f"{kind}_{s.lang}")
    return s.rng.choice(own) if own and s.rng.random() < 0.55 else ""


VALUES: dict[str, Callable[[Scene], list[tuple[str, str]]]] = {
    "org": _one("ORG", lambda s: _home(s, "org") or organisations.organisation(s.rng, s.world, s.home)),
    "company": _one("ORG", lambda s: organisations.company(s.rng, s.world, s.home)),
    "real": _word("ORG", "bigco"), "bank": _one("ORG", lambda s: organisations.bank(s.rng, s.world, s.home)), "hospital": _one("ORG", lambda s: organisations.hospital(s.rng, s.world, s.home)),
    "uni": _one("ORG", lambda s: organisations.university(s.rng, s.world, s.home)), "school": _one("ORG", lambda s: organisations.school(s.rng, s.world, s.home)), "gov": _one("ORG", lambda s: organisations.government(s.rng, s.world, s.home)),
    "team": _one("ORG", lambda s: organisations.club(s.rng, s.world, s.home)), "startup": _one("ORG", lambda s: organisations.startup(s.rng)), "firm": _one("ORG", lambda s: organisations.firm(s.rng, s.world, s.home)), "media": _word("ORG", "media"), "brand": _word("ORG", "brand", "brand", "bigco"), "coined": _one("ORG", lambda s: organisations.coined(s.rng, s.world)), "platform": _word("ORG", "platform"), "shop": _one("ORG", lambda s: organisations.shop(s.rng, s.world, s.home)),
    "city": _one("LOCATION", lambda s: _home(s, "city") or places.city(s.rng, s.world, s.home)), "country": _one("LOCATION", lambda s: _home(s, "country") or s.rng.choice(s.world.words["country"])), "state": _word("LOCATION", "state", "state", "region"), "landmark": _one("LOCATION", lambda s: places.landmark(s.rng, s.world)), "region": _word("LOCATION", "region"),
    "loc": lambda s: VALUES[s.rng.choice(["city", "city", "city", "country", "country", "state", "landmark", "region"])](s),
    "place": lambda s: VALUES[s.rng.choice(["city", "city", "country", "state"])](s),
    "citystate": lambda s: places.city_state(s.rng, s.world, s.home),
    "address": _one("ADDRESS", lambda s: addresses.address(s.rng, s.world, s.home, s.lang)), "block": _one("ADDRESS", lambda s: addresses.address(s.rng, s.world, s.home, s.lang, "\n")), "street": _one("ADDRESS", lambda s: addresses.street(s.rng, s.world, s.home, s.lang)), "road": _one("ADDRESS", lambda s: f"{s.rng.choice(s.world.words['streetname'])} {s.rng.choice(['Street', 'St', 'Road', 'Avenue', 'Lane', 'Drive', 'Boulevard', 'Way', 'Ave', 'Rd'])}"),
    "zip": _one("ADDRESS", lambda s: addresses.postcode(s.rng)),
    "date": _one("DATE", lambda s: date(s.rng, s.lang)), "time": _one("DATE", lambda s: clock(s.rng)), "rel": lambda s: _dated(relative(s.rng)), "stamp": _one("DATE", lambda s: stamp(s.rng)), "isodate": _one("DATE", lambda s: day(s.rng).isoformat()), "year": _one("DATE", lambda s: str(s.rng.randint(1900, 2027))), "month": _one("DATE", lambda s: s.rng.choice(MONTHS)), "weekday": _one("DATE", lambda s: s.rng.choice(DAYS)),
    "when": lambda s: VALUES[s.rng.choice(["date", "rel", "rel"])](s),
    "until": lambda s: [(date(s.rng), "DATE")],
    "years": lambda s: [(str(a := s.rng.randint(1950, 2020)), "DATE"), (s.rng.choice(["-", "–", " - ", " to "]), ""), (str(a + s.rng.randint(1, 12)) if s.rng.random() < 0.8 else "present", "DATE")],
    "duration": lambda s: [(f"{s.rng.choice(COUNT)} {s.rng.choice(['minutes', 'hours', 'days', 'weeks', 'months', 'years'])}", "")],
    "age": _age, "agen": _one("AGE", lambda s: str(s.rng.randint(1, 98))),
    "nrp": _word("NRP", "nationality", "nationality", "nationality", "group"), "nat": _one("NRP", lambda s: _home(s, "nrp") or s.rng.choice(s.world.words["nationality"])), "nrps": _word("NRP", "people"), "faith": _word("NRP", "faith"),
    "handle": _one("USERNAME", _handle), "domain": _one("HOST", lambda s: s.domain()), "host": _one("HOST", lambda s: s.world.host(s.rng)), "url": _url,
    "ip": _one("IP", lambda s: s.rng.choice([".".join(str(s.rng.randint(1, 254)) for _ in range(4)), f"10.{s.rng.randrange(255)}.{s.rng.randrange(255)}.{s.rng.randint(1, 254)}", f"192.168.{s.rng.randrange(255)}.{s.rng.randint(1, 254)}", ":".join(digits("^^^^", s.rng) for _ in range(8)), f"2001:db8::{digits('^^^', s.rng)}"])),
    "card": _one("CARD", lambda s: card(s.rng)), "iban": _one("IBAN", lambda s: iban(s.rng)), "ssn": _one("SSN", lambda s: digits(s.rng.choice(["###-##-####", "###-##-####", "### ## ####", "#########"]), s.rng)),
    "id": lambda s: VALUES[s.rng.choice(list(IDS))](s),
    "money": _one("", _money), "n": _one("", lambda s: str(s.rng.randint(1, 99))), "nn": _one("", lambda s: str(s.rng.randint(100, 99999))), "ver": _one("", lambda s: f"{s.rng.randint(0, 14)}.{s.rng.randint(0, 40)}.{s.rng.randint(0, 20)}"), "uuid": _one("", lambda s: digits("^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^", s.rng)), "sha": _one("", lambda s: digits("^" * s.rng.choice([7, 7, 8, 12, 40]), s.rng)), "hex": _one("", lambda s: "0x" + digits("^" * s.rng.choice([2, 4, 8, 12]), s.rng)), "pct": _one("", lambda s: f"{s.rng.randint(0, 100)}%"), "dec": _one("", lambda s: f"{s.rng.uniform(0, 100):.{s.rng.randint(1, 4)}f}"), "cvv": _one("", lambda s: str(s.rng.randint(100, 999))), "expiry": _one("DATE", lambda s: f"{s.rng.randint(1, 12):02d}/{s.rng.randint(24, 33)}"), "lsdate": _one("DATE", lambda s: f"{s.rng.choice(MONTHS)[:3]} {s.rng.randint(1, 28):2d} {s.rng.choice([f'{s.rng.randrange(24):02d}:{s.rng.randrange(60):02d}', str(s.rng.randint(2009, 2026))])}"), "trade": _word("", "trade"), "port": _one("", lambda s: str(s.rng.choice([80, 443, 8080, 5432, 3306, 6379, 27017, 9200, 3000, 5000]))), "b64": _one("", lambda s: "".join(s.rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") for _ in range(s.rng.choice([24, 43, 64])))), "pid": _one("", lambda s: str(s.rng.randint(100, 65000))),
    "noun": _word("", "noun"), "verb": _word("", "verb"), "adjective": _word("", "adjective"), "software": _word("", "software"), "package": _word("", "package"), "product": _word("", "product"), "job": _word("", "job"), "office": _word("TITLE", "office"), "post": _one("TITLE", lambda s: places.post(s.rng, s.world)), "script": _word("LOCATION", "script"), "illness": _word("", "illness"), "drug": _word("", "drug"), "dish": _word("", "dish"), "hobby": _word("", "hobby"), "namelike": _word("", "namelike"), "ambig": _word("PERSON", "ambig"), "famous": _word("PERSON", "famous"), "skill": _word("", "skill"), "lang": _word("", "proglang"), "ident": _one("", _ident), "file": _one("", _file), "emoji": _word("", "emoji"), "topic": _word("", "topic"), "thing": _word("", "thing"), "subject": _word("", "subject"), "tongue": _word("", "language"),
    **{name: _one("ID", lambda s, patterns=patterns: digits(s.rng.choice(patterns.split(";")), s.rng)) for name, patterns in IDS.items()},  # type: ignore[misc]
}  # fmt: skip
