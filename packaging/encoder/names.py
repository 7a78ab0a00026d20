"""People: names of many cultures, in many shapes, with what belongs to a person (e-mail, user name, phone).

Sources: names_cc0 (sigpwned/popular-names-by-country, CC0 1.0), lists written from general knowledge
(`forms/names.tsv`), and names put together by a letter model over both, so that a reader has to use the context too.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from forms.grammar import held_out

HERE = Path(__file__).parent
COUNTRY = {
    "en": "US US US GB GB AU NZ CA IE JM IM", "es": "ES MX AR CL CO PE VE CU DO GT EC BO PY SV CR PA PR UY", "fr": "FR BE MC HT LU",
    "de": "DE AT CH LI", "it": "IT SM", "pt": "PT BR", "nl": "NL BE SR", "pl": "PL", "ru": "RU BY UA MD", "cs": "CZ SK",
    "tr": "TR AZ", "ar": "EG MA DZ SA AE IQ JO KW LB LY TN", "in": "IN NP LK BD PK", "zh": "CN TW", "ja": "JP", "ko": "KR",
    "nordic": "DK NO IS FI FO SE", "balkan": "RS HR BA SI MK ME AL BG RO", "baltic": "EE LV LT", "hu": "HU", "el": "GR CY",
    "he": "IL", "vn": "VN", "fil": "PH", "af": "ML ZA", "kz": "KZ KG TJ MN AM GE IR", "misc": "FJ PF GL KH MT",
}  # fmt: skip
WEIGHT = {
    "en": 40, "es": 9, "fr": 4, "de": 4, "it": 3, "pt": 3, "nl": 2, "pl": 3, "ru": 3, "cs": 1.5, "tr": 2, "ar": 5, "in": 8, "zh": 5,
    "ja": 3, "ko": 2.5, "nordic": 4, "balkan": 2.5, "baltic": 0.7, "hu": 1.2, "el": 1, "he": 1.5, "vn": 2.5, "fil": 1.5, "af": 4,
    "kz": 1.5, "misc": 0.5,
}  # fmt: skip
NICK = {
    "Robert": "Bob Bobby Rob", "William": "Bill Will Billy", "Elizabeth": "Liz Beth Lizzie Betty", "Margaret": "Peggy Maggie Meg",
    "Katherine": "Kate Katie Kathy", "Michael": "Mike Mikey", "James": "Jim Jimmy Jamie", "John": "Jack Johnny", "Richard": "Dick Rick Rich",
    "Thomas": "Tom Tommy", "Alexander": "Alex Sasha Xander", "Christopher": "Chris Topher Kit", "Jennifer": "Jen Jenny", "Samuel": "Sam Sammy",
    "Daniel": "Dan Danny", "Joseph": "Joe Joey", "Anthony": "Tony", "Edward": "Ed Eddie Ted", "Charles": "Charlie Chuck", "Patricia": "Pat Patty Trish",
    "Rebecca": "Becky Becca", "Susan": "Sue Susie", "Andrew": "Andy Drew", "Nicholas": "Nick Nicky", "Benjamin": "Ben Benny", "Matthew": "Matt",
    "Deborah": "Deb Debbie", "Jessica": "Jess", "Theodore": "Teddy Theo", "Victoria": "Vicky Tori", "Gregory": "Greg", "Stephen": "Steve",
    "Jeffrey": "Jeff", "Kenneth": "Ken", "Timothy": "Tim", "Abigail": "Abby", "Francisco": "Paco Pancho", "Ekaterina": "Katya", "Dmitri": "Dima",
}  # fmt: skip
PARTICLE = {
    "es": ["de la", "del", "de"], "pt": ["da", "dos", "de", "do"], "fr": ["de", "du", "de la", "Le", "d'"], "nl": ["van", "van der", "de", "van den", "ter"],
    "de": ["von", "zu", "von der"], "it": ["Di", "De", "Della", "Lo", "D'"], "ar": ["bin", "al-", "Al", "El", "ibn", "Abu", "El-"], "en": ["Mc", "O'", "Mac", "Fitz", "St. "],
}  # fmt: skip
NATIVE_ORDER = {"zh", "ja", "ko"}
DOMAINS = (
    "gmail.com", "gmail.com", "gmail.com", "yahoo.com", "outlook.com", "hotmail.com", "icloud.com", "proton.me", "protonmail.com", "gmx.de", "web.de",
    "orange.fr", "yandex.ru", "mail.ru", "qq.com", "163.com", "aol.com", "live.co.uk", "libero.it", "wp.pl", "uol.com.br", "fastmail.com", "hey.com",
)  # fmt: skip


def plain(text: str) -> str:
    """Latin text without its marks (Jiří -> Jiri); letters with no decomposition are spelled out."""
    text = text.translate(
        str.maketrans(
            {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "đ": "d", "Đ": "D", "æ": "ae", "ı": "i", "þ": "th", "ð": "d"}
        )
    )
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def latin(text: str) -> bool:
    return all(ord(c) < 0x250 or 0x1E00 <= ord(c) < 0x1F00 or unicodedata.combining(c) for c in text)


class Letters:
    """A letter model of order 3 over names of one culture: makes names that look real and are in no list."""

    def __init__(self, names: list[str]) -> None:
        self.next: dict[str, list[str]] = defaultdict(list)
        self.names = names
        for name in names:
            word = "^^^" + name.lower() + "$"
            for i in range(3, len(word)):
                self.next[word[i - 3 : i]].append(word[i])

    def make(self, rng: Random) -> str:
        for _ in range(12):
            word = "^^^"
            while len(word) < 16 and not word.endswith("$"):
                word += rng.choice(self.next[word[-3:]])
            name = word[3:].rstrip("$")
            if 4 <= len(name) <= 11:
                return name.capitalize()
        return rng.choice(self.names)


@dataclass
class Person:
    """One invented person. `first` may be empty (a person known by surname alone is still built whole)."""

    first: str
    last: str
    culture: str
    female: bool
    middle: str = ""
    family_first: bool = False
    domain: str = ""
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def plain_name(self) -> str:
        if self.culture in NATIVE_ORDER and not latin(self.last):
            return self.last + self.first
        return f"{self.last} {self.first}" if self.family_first else f"{self.first} {self.last}"

    def full(self, rng: Random) -> str:
        """The name as somebody might write it once: mostly plain, sometimes with initials, middle names or a suffix."""
        if not latin(self.first) or not latin(self.last):
            return self.plain_name
        roll = rng.random()
        first, last = self.first, self.last
        if roll < 0.68 or self.family_first:
            return self.plain_name
        if roll < 0.76:
            return f"{first} {rng.choice('ABCDEFGHJKLMNPRSTVW')}. {last}"
        if roll < 0.83 and self.middle:
            return f"{first} {self.middle} {last}"
        if roll < 0.88:
            return f"{first[0]}. {last}"
        if roll < 0.90:
            return f"{first[0]}.{rng.choice('ABCDEFGJKLMRST')}. {last}"
        if roll < 0.92:
            return f"{first} {last}{rng.choice([' Jr.', ', Jr.', ' Sr.', ' III', ' II', ' Jr', ' IV', ' Jnr', ', Sr.'])}"
        if roll < 0.94 and first in NICK:
            nick = rng.choice(NICK[first].split())
            return rng.choice([f'{first} "{nick}" {last}', f"{nick} {last}", f"{first} ({nick}) {last}"])
        if roll < 0.96:
            return f"{last} {first}"
        if roll < 0.975:
            return f"{first} {last[0]}."
        if roll < 0.985:
            return f"{first} {rng.choice('ABCDEFGHJKLMNPRSTVW')} {last}"
        if roll < 0.99:
            return f"{first} {last.upper()}"
        return self.plain_name

    def user(self, rng: Random) -> str:
        """A login such as jdoe, jane.doe or janed84; the same each time it is asked for."""
        if "user" not in self.notes:
            f, la = (re.sub("[^a-z]", "", plain(x).lower()) for x in (self.first, self.last))
            f, la = f or rng.choice(["mei", "jin", "sasha", "noor"]), la or rng.choice(["k", "wei", "88", "tanaka"])
            n = str(rng.choice([1, 2, 7, 12, 23, 42, 77, 84, 91, 99, 777, 1988, 2001, 1993]))
            self.notes["user"] = rng.choice([
                f[0] + la, f[0] + la, f + "." + la, f + "_" + la, f + la, f + la[0], f + n, la + "." + f, la + f[0], f[:3] + la[:4], f + "-" + la,
                f[0] + "." + la, f[0] + la + n, f + la[:1] + n, la + n, f[:1] + "-" + la, "xX" + f + "Xx", "the" + f, f + "codes", f + "dev", la + "_" + n,
            ])  # fmt: skip
        return self.notes["user"]

    def email(self, rng: Random, domain: str = "") -> str:
        if "email" not in self.notes:
            f, la = (re.sub("[^a-z]", "", plain(x).lower()) for x in (self.first, self.last))
            f, la = f or "mei", la or "wang"
            local = rng.choice(
                [
                    f + "." + la,
                    f[0] + la,
                    f,
                    f + la,
                    f + "_" + la,
                    la,
                    f + "." + la[0],
                    f[0] + "." + la,
                    la + "." + f,
                    f + str(rng.randint(1, 99)),
                    f + "." + la + str(rng.randint(1, 99)),
                ]
            )
            self.notes["email"] = local + "@" + (domain or self.domain or rng.choice(DOMAINS))
        return self.notes["email"]


class Names:
    """Draws people. `side` is "train" or "valid": the two never share a first or a last name of the lists."""

    def __init__(self, data: Path | None, side: str) -> None:
        firsts: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        lasts: dict[str, list[str]] = defaultdict(list)
        by_country = {code: culture for culture, codes in COUNTRY.items() for code in codes.split()}
        for line in (HERE / "forms" / "names.tsv").read_text(encoding="utf-8").splitlines():
            culture, part, *names = line.split("\t")
            words = [n.strip() for n in " ".join(names).split(",")]
            if part == "l":
                lasts[culture] += words
            else:
                firsts[culture] += [(n, part == "f") for n in words]
        if data is not None and (data / "names_cc0").is_dir():
            for row in _rows(data / "names_cc0" / "common-forenames-by-country.csv"):
                for name in dict.fromkeys((row["Localized Name"], row["Romanized Name"])):
                    firsts[by_country.get(row["Country"], "misc")].append((" ".join(name.split()), row["Gender"] == "F"))
            for row in _rows(data / "names_cc0" / "common-surnames-by-country.csv"):
                for name in dict.fromkeys((row["Localized Name"], row["Romanized Name"])):
                    lasts[by_country.get(row["Country"], "misc")].append(" ".join(name.replace("\u0301", "").split()))
        keep = side == "valid"
        self.firsts = {
            c: [(n, f) for n, f in v if _good(n) and held_out("name " + plain(n).lower()) is keep]
            for c, v in sorted(firsts.items())
        }
        self.lasts = {
            c: [n for n in v if _good(n) and held_out("name " + plain(n).lower()) is keep] for c, v in sorted(lasts.items())
        }
        self.cultures = [c for c in WEIGHT if len(self.firsts.get(c, ())) > 1 and len(self.lasts.get(c, ())) > 1]
        self.weights = [WEIGHT[c] for c in self.cultures]
        self.letters = {}
        for c in self.cultures:
            pair = [n for n, _ in self.firsts[c] if latin(n)], [n for n in self.lasts[c] if latin(n)]
            if min(map(len, pair)) >= 30:
                self.letters[c] = Letters(pair[0]), Letters(pair[1])

    def draw(self, rng: Random, culture: str = "") -> Person:
        if culture not in self.firsts or culture not in self.cultures:
            culture = rng.choices(self.cultures, self.weights)[0]
        first, female = rng.choice(self.firsts[culture])
        last = rng.choice(self.lasts[culture])
        native = not (latin(first) and latin(last))
        if native and rng.random() < 0.75:  # romanised forms are what is mostly met
            romans = [x for x in self.firsts[culture] if latin(x[0])]
            first, female = rng.choice(romans) if romans else (first, female)
            last = next((x for x in rng.sample(self.lasts[culture], min(12, len(self.lasts[culture]))) if latin(x)), last)
        elif native:
            alike = [x for x in self.firsts[culture] if not latin(x[0])]
            first, female = rng.choice(alike) if alike else (first, female)
            last = next((x for x in rng.sample(self.lasts[culture], min(30, len(self.lasts[culture]))) if not latin(x)), last)
        if latin(first) and latin(last):
            if culture in self.letters and rng.random() < 0.16:
                first = self.letters[culture][0].make(rng) if rng.random() < 0.5 else first
                last = self.letters[culture][1].make(rng)
            elif rng.random() < 0.05:  # families move: any first name beside any last name
                other = rng.choices(self.cultures, self.weights)[0]
                last = next((x for x in rng.sample(self.lasts[other], min(9, len(self.lasts[other]))) if latin(x)), last)
            last = self._dress(last, culture, female, rng)
            if rng.random() < 0.03:
                more = rng.choice(self.firsts[culture])[0]
                first = (
                    f"{first}-{more}"
                    if latin(more) and more != first and rng.random() < 0.6
                    else f"{first} {more}"
                    if latin(more) and more != first
                    else first
                )
        middle = rng.choice(self.firsts[culture])[0]
        family_first = culture in ("zh", "ko", "vn", "hu", "ja") and rng.random() < 0.4 and latin(last)
        return Person(first, last, culture, female, middle if latin(middle) else "", family_first)

    def invented(self, rng: Random) -> str:
        """A name of nobody's: what a letter model over two cultures makes, as in fantasy and games."""
        culture = rng.choices(list(self.letters), [self.weights[self.cultures.index(c)] ** 0.5 for c in self.letters])[0]
        name = self.letters[culture][rng.random() < 0.5].make(rng)
        if rng.random() < 0.3:
            name = name[: rng.randint(3, 5)] + rng.choice(
                ["a", "is", "or", "en", "ia", "on", "iel", "ara", "us", "ix", "o", "y", "ryn", "dor", "ette"]
            )
        return name[:1].upper() + name[1:]

    @staticmethod
    def _dress(last: str, culture: str, female: bool, rng: Random) -> str:
        roll = rng.random()
        if culture in PARTICLE and roll < (0.05 if culture != "nl" else 0.35) and " " not in last:
            part = rng.choice(PARTICLE[culture])
            return part + last if part[-1] in "'-c" or part in ("Mac", "Fitz", "St. ") else f"{part} {last}"
        if female and culture == "ru" and re.search("(ov|ev|in|ов|ев|ин)$", last):
            return last + ("a" if latin(last) else "а")
        if female and culture == "ru" and last.endswith("sky"):
            return last[:-1] + "aya"
        if female and culture == "cs" and latin(last) and last[-1] not in "áíý":
            return re.sub("[aeo]$", "", re.sub("([bcdfgklmnprstvz])e([cklr])$", r"\1\2", last)) + "ová"
        if female and culture == "pl" and last.endswith(("ski", "cki")):
            return last[:-1] + "a"
        return last


def genitive(person: Person) -> str:
    """The Polish genitive of a name (Marek Nowak -> Marka Nowaka); other names are left as they are."""
    if person.culture != "pl" or not latin(person.plain_name):
        return person.plain_name

    def inflect(word: str) -> str:
        for ending, new in (
            ("ska", "skiej"),
            ("cka", "ckiej"),
            ("ski", "skiego"),
            ("cki", "ckiego"),
            ("ek", "ka"),
            ("eł", "ła"),
            ("ia", "ii"),
            ("ka", "ki"),
            ("ga", "gi"),
            ("a", "y"),
        ):
            if word.endswith(ending):
                return word[: -len(ending)] + new
        return word if person.female or word[-1] in "eioyóu" else word + "a"

    return f"{inflect(person.first)} {inflect(person.last)}"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as f:
        return list(csv.DictReader(f))


def _good(name: str) -> bool:
    return len(name) > 1 or (bool(name) and not latin(name))
