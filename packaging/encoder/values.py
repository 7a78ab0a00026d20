"""Values that are no names: places, addresses, organisations, dates, numbers, and the scene that ties them to people.

Places: world_cities (GeoNames through datasets/world-cities, CC BY 4.0) and the lists of `forms/words.tsv`, written from
general knowledge. All numbers are drawn at random; cards and IBANs carry a right check digit, as real ones do.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

import organisations
import places
from forms.grammar import Writer, held_out
from names import Names, Person, genitive, latin, plain

HERE = Path(__file__).parent
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


def words(side: str) -> dict[str, list[str]]:
    """The word lists of `forms/words.tsv`, one side of them; a list marked `*` is not split (closed classes)."""
    out: dict[str, list[str]] = {}
    for line in (HERE / "forms" / "words.tsv").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("\t")
        items = [w.strip() for w in rest.split(",") if w.strip()]
        if name.endswith("*"):
            out.setdefault(name[:-1], []).extend(items)
        else:
            out.setdefault(name, []).extend(w for w in items if held_out("word " + w.lower()) is (side == "valid"))
    return out


def cities(data: Path | None, side: str) -> dict[str, list[tuple[str, str]]]:
    """World cities of one side: country -> (city, region)."""
    out: dict[str, list[tuple[str, str]]] = defaultdict(list)
    if data is None or not (data / "world_cities").is_dir():
        return out
    path = next((data / "world_cities").rglob("world-cities.csv"))
    with path.open(encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            if len(row["name"]) > 2 and held_out("city " + row["name"].lower()) is (side == "valid"):
                out[row["country"]].append((row["name"], row["subcountry"]))
    return out


def digits(pattern: str, rng: Random) -> str:
    """`#` a digit, `@` a capital letter, `?` a small one, `%` a digit 1-9, `^` a hex digit."""
    table: dict[str, str] = {
        "#": "0123456789",
        "@": "ABCDEFGHJKLMNPRSTUVWXYZ",
        "?": "abcdefghijklmnopqrstuvwxyz",
        "%": "123456789",
        "^": "0123456789abcdef",
    }
    return "".join(rng.choice(table[c]) if c in table else c for c in pattern)


def card(rng: Random) -> str:
    body = digits(
        rng.choice(
            [
                "4##############",
                "51#############",
                "52#############",
                "55#############",
                "2221###########",
                "37############",
                "6011###########",
                "35#############",
            ]
        ),
        rng,
    )
    total = sum(d if i % 2 else (d * 2 - 9 if d > 4 else d * 2) for i, d in enumerate(map(int, reversed(body))))
    number = body + str(-total % 10)
    roll = rng.random()
    if roll < 0.4:
        return number
    gap = " " if roll < 0.85 else "-"
    return gap.join(re.findall("....?", number)) if len(number) == 16 else gap.join((number[:4], number[4:10], number[10:]))


IBANS = {"DE": "##################", "GB": "@@@@##############", "FR": "#######################", "ES": "####################", "IT": "@######################", "NL": "@@@@##########", "BE": "############", "CH": "#################", "AT": "################", "PL": "########################", "SE": "####################", "NO": "###########", "DK": "##############", "PT": "#####################", "IE": "@@@@##############", "CZ": "####################", "AE": "###################", "SA": "####################", "TR": "######################", "GR": "#######################"}  # fmt: skip


def iban(rng: Random) -> str:
    country = rng.choice(list(IBANS))
    body = digits(IBANS[country], rng)
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    text = f"{country}{98 - number % 97:02d}{body}"
    return text if rng.random() < 0.5 else " ".join(re.findall(".{1,4}", text))


PHONES = {
    "en": "(%##) ###-####;%##-###-####;+1 %## ### ####;+1-%##-###-####;%##.###.####;1-%##-###-####;+44 20 #### ####;020 #### ####;07### ######;+44 7### ######;(0###) ### ####;04## ### ###;+61 4## ### ###;+353 8# ### ####;%## ###-####;(%##)###-####;+1 (%##) ###-####;%##-###-#### x###;%##-###-####x####;+1%#########;%#########;001-%##-###-####;+64 21 ### ###",
    "es": "+34 6## ### ###;6## ## ## ##;91 ### ## ##;+52 55 #### ####;55-####-####;+54 9 11 ####-####;+57 3## #######;+56 9 #### ####;(01) ###-####;+51 9## ### ###", "fr": "06 ## ## ## ##;+33 6 ## ## ## ##;01.##.##.##.##;07########;0033 1 ## ## ## ##;+32 4## ## ## ##;514-###-####",
    "de": "0151 ########;+49 170 #######;030/#######;+49 (0)89 ######-##;0176-########;+43 664 #######;+41 79 ### ## ##;044 ### ## ##;089 ### ## ##", "it": "+39 3## ### ####;3## #######;06 ########;02 #### ####", "pt": "+351 9## ### ###;9########;(11) 9####-####;+55 21 9####-####;(21) ####-####",
    "nl": "06-########;+31 6 ########;020-#######;0## ### ## ##;+31 20 ### ####", "pl": "+48 ### ### ###;%## ### ###;22 ### ## ##", "ru": "+7 9## ###-##-##;8 (9##) ###-##-##;+380 67 ### ## ##;8-9##-###-####", "in": "+91 9#### #####;9#########;080-########;+91-98########;+92 3## #######;+880 1#########", "zh": "1%# #### ####;+86 1%# #### ####;010-########;+852 #### ####;+886 9## ### ###",
    "ja": "090-####-####;+81 90-####-####;03-####-####;+81 3 #### ####", "ko": "010-####-####;+82 10-####-####;02-###-####", "nordic": "+47 ### ## ###;070-### ## ##;+46 70 ### ## ##;+45 ## ## ## ##;+358 40 #######;### ## ###", "ar": "+971 50 ### ####;+20 10# ### ####;+966 5# ### ####;0501 ### ###;+212 6 ## ## ## ##", "tr": "+90 5## ### ## ##;0 5## ### ## ##;0212 ### ## ##",
    "af": "+234 80# ### ####;080########;+254 7## ######;+27 8# ### ####;+233 24 ### ####", "vn": "+84 9# ### ## ##;09########", "he": "+972 5#-###-####;05#-#######", "el": "+30 69# ### ####;210 #######", "cs": "+420 ### ### ###;### ### ###", "hu": "+36 30 ### ####;06-1-###-####", "fil": "+63 917 ### ####;0917-###-####;+62 812-####-####;+65 9### ####;+66 8# ### ####",
}  # fmt: skip
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
ABROAD = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember", "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro", "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia", "sv": "januari februari mars april maj juni juli augusti september oktober november december", "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
}  # fmt: skip


def day(rng: Random, birth: bool = False) -> dt.date:
    start = dt.date(1935, 1, 1) if birth else dt.date(1998, 1, 1)
    return start + dt.timedelta(days=rng.randrange(27000 if birth else 10600))


def date(rng: Random, lang: str = "en", d: dt.date | None = None) -> str:
    """One calendar date in one of many written forms."""
    d = d or day(rng)
    if lang in ABROAD and rng.random() < 0.6:
        m = ABROAD[lang].split()[d.month - 1]
        return {"de": f"{d.day}. {m} {d.year}", "es": f"{d.day} de {m} de {d.year}", "pt": f"{d.day} de {m} de {d.year}"}.get(
            lang, f"{d.day} {m} {d.year}"
        )
    if lang == "de" or (lang != "en" and rng.random() < 0.5):
        return rng.choice(
            [
                f"{d.day:02d}.{d.month:02d}.{d.year}",
                f"{d.day}.{d.month}.{d.year}",
                f"{d.day:02d}/{d.month:02d}/{d.year}",
                f"{d.day:02d}-{d.month:02d}-{d.year}",
            ]
        )
    m, short, n, yy = MONTHS[d.month - 1], MONTHS[d.month - 1][:3], d.day, d.year % 100
    th = "th" if 10 < n < 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return rng.choice([
        f"{m} {n}, {d.year}", f"{m} {n}, {d.year}", f"{n} {m} {d.year}", f"{short} {n}, {d.year}", f"{n} {short} {d.year}", f"{d.isoformat()}", f"{d.isoformat()}", f"{d.month}/{n}/{d.year}", f"{d.month:02d}/{n:02d}/{d.year}", f"{n:02d}/{d.month:02d}/{d.year}",
        f"{d.month}/{n}/{yy:02d}", f"{n:02d}.{d.month:02d}.{d.year}", f"{n:02d}-{d.month:02d}-{d.year}", f"{d.year}/{d.month:02d}/{n:02d}", f"{n}-{short}-{d.year}", f"{n:02d}-{short.upper()}-{yy:02d}", f"{m} {n}", f"{m} {n}{th}", f"{n}{th} {m}", f"{n}{th} of {m}", f"{n}{th} of {m} {d.year}", f"{m} {n}{th}, {d.year}",
        f"{short} {n}", f"{n} {short}", f"{DAYS[d.weekday()]}, {m} {n}", f"{DAYS[d.weekday()][:3]} {short} {n}", f"{DAYS[d.weekday()]} {n} {m}", f"{d.month}/{n}", f"{m} {d.year}", f"{short} {d.year}", f"{DAYS[d.weekday()]}, {m} {n}, {d.year}", f"{d.year}-{d.month:02d}", f"{short}-{yy:02d}",
        f"{d:%Y%m%d}",
    ])  # fmt: skip


def birth(rng: Random, lang: str = "en") -> str:
    d = day(rng, birth=True)
    if lang != "en":
        return date(rng, lang, d)
    m, short = MONTHS[d.month - 1], MONTHS[d.month - 1][:3]
    return rng.choice(
        [
            d.isoformat(),
            d.isoformat(),
            f"{d.month:02d}/{d.day:02d}/{d.year}",
            f"{d.day:02d}/{d.month:02d}/{d.year}",
            f"{m} {d.day}, {d.year}",
            f"{d.day} {m} {d.year}",
            f"{d.day} {short} {d.year}",
            f"{d.day:02d}.{d.month:02d}.{d.year}",
            f"{d.month}/{d.day}/{d.year % 100:02d}",
            f"{short} {d.day}, {d.year}",
            f"{d.day}-{short}-{d.year}",
            f"{d.day:02d}-{d.month:02d}-{d.year}",
            f"{d:%Y%m%d}",
        ]
    )


def clock(rng: Random) -> str:
    h, m = rng.randrange(24), rng.choice([0, 0, 15, 30, 45, rng.randrange(60)])
    h12, half = h % 12 or 12, rng.choice(["am", "pm", "AM", "PM", " a.m.", " p.m.", " AM", " PM"])
    return rng.choice(
        [
            f"{h:02d}:{m:02d}",
            f"{h12}:{m:02d}{half}",
            f"{h12}{half}",
            f"{h}:{m:02d}",
            f"{h12} o'clock",
            "noon",
            "midnight",
            f"{h12}:{m:02d}",
            f"{h:02d}:{m:02d}:{rng.randrange(60):02d}",
            f"{h}h{m:02d}",
        ]
    )


COUNT = ["two", "three", "four", "five", "six", "ten", "a few", "2", "3", "5", "10", "30", "45", "90", "several", "a couple of"]
SEASONS = ["spring", "summer", "autumn", "winter"]


def relative(rng: Random) -> str:
    n, unit = rng.choice(COUNT), rng.choice(["minutes", "hours", "days", "weeks", "months", "years"])
    d, mo = rng.choice(DAYS), rng.choice(MONTHS)
    return rng.choice([
        "today", "today", "yesterday", "yesterday", "tomorrow", "tomorrow", "tonight", "this morning", "this afternoon", "last night", "last week", "next week", "this week", "last month", "next month", "last year", "next year", "this year", "tomorrow morning", "tomorrow afternoon", "yesterday evening",
        "today", "yesterday", "tomorrow", "last week", "next week", d, f"on {d}"[3:],
        f"next {d}", f"last {d}", f"this {d}", d, d, f"{d} morning", f"{d} afternoon", f"{d} night", f"{n} {unit} ago", f"{n} {unit} ago", f"last {mo}", f"next {mo}", "the day after tomorrow", "the day before yesterday", f"this {rng.choice(SEASONS)}", f"last {rng.choice(SEASONS)}", f"{rng.choice(SEASONS)} {rng.randint(1990, 2027)}", "this weekend", "last weekend", "an hour ago", f"Q{rng.randint(1, 4)} {rng.randint(2015, 2027)}", f"early {mo}", f"late {mo}", f"the {rng.choice([19, 20])}{rng.randrange(10)}0s", f"{rng.choice(['Christmas', 'Easter', 'Thanksgiving', 'New Year', 'Labor Day', 'Ramadan', 'Diwali'])}", f"{d} at {rng.randint(1, 12)}{rng.choice(['pm', 'am', ' pm'])}", f"{d[:3]} {clock(rng)}",
    ])  # fmt: skip


def stamp(rng: Random) -> str:
    d = day(rng)
    h, m, s, ms = rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.randrange(1000)
    short = MONTHS[d.month - 1][:3]
    return rng.choice(
        [
            f"{d} {h:02d}:{m:02d}:{s:02d}",
            f"{d}T{h:02d}:{m:02d}:{s:02d}Z",
            f"{d}T{h:02d}:{m:02d}:{s:02d}.{ms:03d}Z",
            f"{d} {h:02d}:{m:02d}:{s:02d},{ms:03d}",
            f"{d}T{h:02d}:{m:02d}:{s:02d}+0{rng.randrange(4)}:00",
            f"{short} {d.day:2d} {h:02d}:{m:02d}:{s:02d}",
            f"{h:02d}:{m:02d}:{s:02d}.{ms:03d}",
            f"{h:02d}:{m:02d}:{s:02d}",
            f"{d.day:02d}/{short}/{d.year}:{h:02d}:{m:02d}:{s:02d} +0{rng.randrange(3)}00",
            f"{DAYS[d.weekday()][:3]} {short} {d.day} {h:02d}:{m:02d}:{s:02d} {d.year} +0{rng.randrange(3)}00",
            f"{DAYS[d.weekday()][:3]}, {d.day:02d} {short} {d.year} {h:02d}:{m:02d}:{s:02d} +0{rng.randrange(3)}00",
            f"{d:%y}{d.month:02d}{d.day:02d} {h:02d}:{m:02d}:{s:02d}",
        ]
    )


def age(rng: Random) -> str:
    n = rng.choice([rng.randint(1, 99), rng.randint(18, 70), rng.randint(18, 70), rng.randint(18, 70)])
    return rng.choice(
        [
            f"{n} years old",
            f"{n} years old",
            f"{n}-year-old",
            f"{n} year old",
            f"{n} y/o",
            f"{n}yo",
            f"{n} years of age",
            f"{n} years old",
            f"{n}yr old",
            f"{n} yrs old",
            rng.choice(["thirty-four", "seven", "forty", "sixty-two", "nineteen", "twenty-one", "eighty"]) + " years old",
        ]
    )


IDS = {
    "passport": "@########;#########;@@#######;##@@#####;@@@######;C@@######", "licence": "@#######;@###-####-####;@@######;@@@@@######@@#@@;########;@### #### ####;#########;@####-#####-#####", "acct": "########;##########;############;#### #### ##;##-####-#######-##;###-######-#;GL-#######;####-####-####", "natid": "##.###.###-@;########@;#######-#;###.###.###-##;#### #### ####;######-####;###########;@@######@;##-#######;@#########;######/####;######-#######",
    "customer": "CUST-#####;C-######;#######;#####;KD-######;CU#######;cus_##????##??##;10#####;A-####-##", "policy": "POL-#######;##-@@@-######;P#########;HX-###-####;@@@########", "mrn": "MRN#######;########;MR-######;#######;H######", "order": "#######;##-#######;@@-#####;ORD-########;###-#######-#######;INV-####-####", "employee": "E#####;EMP-####;######;@##-####;P-#####", "ticket": "INC#######;CS-#####;SR#########;TKT-#####;#######", "member": "M#######;#### ### ###;@@@#######;MB-####-####", "plate": "@@@ ####;@@## @@@;@ @@ ####;#@@@###;##-@@@-#;@@-###-@@", "tax": "##-#######;@@#########;##/###/#####;###-##-#####;@@##########", "student": "S#######;u#######;##-#####;########",
}  # fmt: skip


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


class World:
    """One side's pools: names, cities, words. Built once, then scenes draw from it."""

    def __init__(self, data: Path | None, side: str) -> None:
        self.side = side
        self.names = Names(data, side)
        self.words = words(side)
        self.cities = cities(data, side)
        self.known = [c for c in self.words["city"] if latin(c)]
        self.all_cities = [c for group in self.cities.values() for c, _ in group] or self.words["city"]

    def domain(self, rng: Random) -> str:
        w, roll = self.words, rng.random()
        stem = (
            organisations.startup(rng).lower()
            if roll < 0.4
            else rng.choice(w["stem"]).lower()
            + rng.choice(
                [
                    "",
                    "",
                    "-" + rng.choice(w["trade"]).split()[0].lower(),
                    rng.choice(["labs", "hq", "corp", "group", "soft", "shop"]),
                ]
            )
        )
        return re.sub("[^a-z0-9-]", "", plain(stem)) + rng.choice(
            [
                ".com",
                ".com",
                ".com",
                ".com",
                ".org",
                ".net",
                ".io",
                ".co.uk",
                ".de",
                ".fr",
                ".example",
                ".ai",
                ".dev",
                ".co",
                ".edu",
                ".gov",
                ".info",
                ".biz",
                ".nl",
                ".se",
                ".ca",
                ".com.au",
                ".us",
                ".in",
                ".es",
                ".it",
                ".pl",
                ".ch",
                ".app",
            ]
        )

    def host(self, rng: Random) -> str:
        n, w = (
            rng.randint(1, 30),
            rng.choice(
                [
                    "db",
                    "web",
                    "api",
                    "cache",
                    "redis",
                    "pg",
                    "mail",
                    "build",
                    "ci",
                    "vpn",
                    "gw",
                    "k8s-node",
                    "worker",
                    "es",
                    "kafka",
                    "nas",
                    "proxy",
                    "auth",
                    "gitlab",
                    "jump",
                    "prod-app",
                    "stage",
                    "billing",
                    "payments",
                    "ldap",
                    "srv",
                    "node",
                    "web-prod",
                    "db-primary",
                    "backup",
                ]
            ),
        )
        zone = rng.choice(
            [
                "corp.internal",
                "internal",
                "corp.local",
                "local",
                "lan",
                "svc.cluster.local",
                "prod.internal",
                "int.example.net",
                "intra",
                "home.arpa",
            ]
        )
        return rng.choice(
            [
                f"{w}-{n:02d}.{zone}",
                f"{w}{n}.{zone}",
                f"{w}.{self.domain(rng)}",
                f"{w}-{n}",
                f"{w}.prod.{self.domain(rng)}",
                f"{w}-{n}.eu-west-1.{self.domain(rng)}",
                f"ip-10-{n}-{n + 3}-{n * 2}.ec2.internal",
                f"{w}{n:02d}.{rng.choice(['ber', 'nyc', 'lon', 'fra', 'sgp'])}{rng.randint(1, 3)}.{self.domain(rng)}",
                f"DESKTOP-{digits('@@##@@#', rng)}",
                f"{w}.{zone}",
            ]
        )


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
    from names import NICK

    return s.rng.choice(NICK[p.first].split()) if p.first in NICK else p.first


def _pronoun(he: str, she: str) -> Callable[[Scene, Person], list[tuple[str, str]]]:
    return lambda s, p: [(she if p.female else he, "")]


PERSONAL: dict[str, Callable[[Scene, Person], list[tuple[str, str]]]] = {
    "person": lambda s, p: [(p.full(s.rng), "PERSON")],
    "name": lambda s, p: [(p.plain_name, "PERSON")],
    "any": lambda s, p: [(s.rng.choice([p.plain_name, p.plain_name, p.first, p.first, p.last, p.full(s.rng)]), "PERSON")],
    "first": lambda s, p: [(p.first, "PERSON")],
    "nick": lambda s, p: [(_nick(s, p), "PERSON")],
    "last": lambda s, p: [(p.last, "PERSON")],
    "ambigfull": lambda s, p: [(f"{s.rng.choice(s.world.words['ambig'])} {p.last if s.rng.random() < 0.7 else s.rng.choice(s.world.words['ambig'])}", "PERSON")],
    "gen": lambda s, p: [(genitive(p), "PERSON")],
    "lastfirst": lambda s, p: [(f"{p.last}, {p.first}", "PERSON")],
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


VALUES: dict[str, Callable[[Scene], list[tuple[str, str]]]] = {
    "org": _one("ORG", lambda s: organisations.organisation(s.rng, s.world, s.home)),
    "company": _one("ORG", lambda s: organisations.company(s.rng, s.world, s.home)),
    "real": _word("ORG", "bigco"), "bank": _one("ORG", lambda s: organisations.bank(s.rng, s.world, s.home)), "hospital": _one("ORG", lambda s: organisations.hospital(s.rng, s.world, s.home)),
    "uni": _one("ORG", lambda s: organisations.university(s.rng, s.world, s.home)), "school": _one("ORG", lambda s: organisations.school(s.rng, s.world, s.home)), "gov": _one("ORG", lambda s: organisations.government(s.rng, s.world, s.home)),
    "team": _one("ORG", lambda s: organisations.club(s.rng, s.world, s.home)), "startup": _one("ORG", lambda s: organisations.startup(s.rng)), "firm": _one("ORG", lambda s: organisations.firm(s.rng, s.world, s.home)), "media": _word("ORG", "media"), "shop": _one("ORG", lambda s: organisations.shop(s.rng, s.world, s.home)),
    "city": _one("LOCATION", lambda s: places.city(s.rng, s.world, s.home)), "country": _word("LOCATION", "country"), "state": _word("LOCATION", "state", "state", "region"), "landmark": _one("LOCATION", lambda s: places.landmark(s.rng, s.world)), "region": _word("LOCATION", "region"),
    "loc": lambda s: VALUES[s.rng.choice(["city", "city", "city", "country", "country", "state", "landmark", "region"])](s),
    "place": lambda s: VALUES[s.rng.choice(["city", "city", "country", "state"])](s),
    "citystate": lambda s: places.city_state(s.rng, s.world, s.home),
    "address": _one("ADDRESS", lambda s: places.address(s.rng, s.world, s.home, s.lang)), "block": _one("ADDRESS", lambda s: places.address(s.rng, s.world, s.home, s.lang, "\n")), "street": _one("ADDRESS", lambda s: places.street(s.rng, s.world, s.home, s.lang)), "road": _one("ADDRESS", lambda s: f"{s.rng.choice(s.world.words['streetname'])} {s.rng.choice(['Street', 'St', 'Road', 'Avenue', 'Lane', 'Drive', 'Boulevard', 'Way', 'Ave', 'Rd'])}"),
    "zip": _one("ADDRESS", lambda s: places.postcode(s.rng)),
    "date": _one("DATE", lambda s: date(s.rng, s.lang)), "time": _one("DATE", lambda s: clock(s.rng)), "rel": _one("DATE", lambda s: relative(s.rng)), "stamp": _one("DATE", lambda s: stamp(s.rng)), "isodate": _one("DATE", lambda s: day(s.rng).isoformat()), "year": _one("DATE", lambda s: str(s.rng.randint(1900, 2027))), "month": _one("DATE", lambda s: s.rng.choice(MONTHS)), "weekday": _one("DATE", lambda s: s.rng.choice(DAYS)),
    "when": lambda s: VALUES[s.rng.choice(["date", "rel", "rel"])](s),
    "until": lambda s: [(date(s.rng), "DATE")],
    "years": lambda s: [(str(a := s.rng.randint(1950, 2020)), "DATE"), (s.rng.choice(["-", "–", " - ", " to "]), ""), (str(a + s.rng.randint(1, 12)) if s.rng.random() < 0.8 else "present", "DATE")],
    "duration": lambda s: [(f"{s.rng.choice(COUNT)} {s.rng.choice(['minutes', 'hours', 'days', 'weeks', 'months', 'years'])}", "")],
    "age": _one("AGE", lambda s: age(s.rng)), "agen": _one("AGE", lambda s: str(s.rng.randint(1, 98))),
    "nrp": _word("NRP", "nationality", "nationality", "nationality", "group"), "nat": _word("NRP", "nationality"), "nrps": _word("NRP", "people"), "faith": _word("NRP", "faith"),
    "handle": _one("USERNAME", _handle), "domain": _one("HOST", lambda s: s.domain()), "host": _one("HOST", lambda s: s.world.host(s.rng)), "url": _url,
    "ip": _one("IP", lambda s: s.rng.choice([".".join(str(s.rng.randint(1, 254)) for _ in range(4)), f"10.{s.rng.randrange(255)}.{s.rng.randrange(255)}.{s.rng.randint(1, 254)}", f"192.168.{s.rng.randrange(255)}.{s.rng.randint(1, 254)}", ":".join(digits("^^^^", s.rng) for _ in range(8)), f"2001:db8::{digits('^^^', s.rng)}"])),
    "card": _one("CARD", lambda s: card(s.rng)), "iban": _one("IBAN", lambda s: iban(s.rng)), "ssn": _one("SSN", lambda s: digits(s.rng.choice(["###-##-####", "###-##-####", "### ## ####", "#########"]), s.rng)),
    "id": lambda s: VALUES[s.rng.choice(list(IDS))](s),
    "money": _one("", _money), "n": _one("", lambda s: str(s.rng.randint(1, 99))), "nn": _one("", lambda s: str(s.rng.randint(100, 99999))), "ver": _one("", lambda s: f"{s.rng.randint(0, 14)}.{s.rng.randint(0, 40)}.{s.rng.randint(0, 20)}"), "uuid": _one("", lambda s: digits("^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^", s.rng)), "sha": _one("", lambda s: digits("^" * s.rng.choice([7, 7, 8, 12, 40]), s.rng)), "hex": _one("", lambda s: "0x" + digits("^" * s.rng.choice([2, 4, 8, 12]), s.rng)), "pct": _one("", lambda s: f"{s.rng.randint(0, 100)}%"), "dec": _one("", lambda s: f"{s.rng.uniform(0, 100):.{s.rng.randint(1, 4)}f}"), "cvv": _one("", lambda s: str(s.rng.randint(100, 999))), "expiry": _one("DATE", lambda s: f"{s.rng.randint(1, 12):02d}/{s.rng.randint(24, 33)}"), "lsdate": _one("DATE", lambda s: f"{s.rng.choice(MONTHS)[:3]} {s.rng.randint(1, 28):2d} {s.rng.choice([f'{s.rng.randrange(24):02d}:{s.rng.randrange(60):02d}', str(s.rng.randint(2009, 2026))])}"), "trade": _word("", "trade"), "port": _one("", lambda s: str(s.rng.choice([80, 443, 8080, 5432, 3306, 6379, 27017, 9200, 3000, 5000]))), "b64": _one("", lambda s: "".join(s.rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") for _ in range(s.rng.choice([24, 43, 64])))), "pid": _one("", lambda s: str(s.rng.randint(100, 65000))),
    "noun": _word("", "noun"), "verb": _word("", "verb"), "adjective": _word("", "adjective"), "software": _word("", "software"), "package": _word("", "package"), "product": _word("", "product"), "job": _word("", "job"), "illness": _word("", "illness"), "drug": _word("", "drug"), "dish": _word("", "dish"), "hobby": _word("", "hobby"), "namelike": _word("", "namelike"), "ambig": _word("PERSON", "ambig"), "skill": _word("", "skill"), "lang": _word("", "proglang"), "ident": _one("", _ident), "file": _one("", _file), "emoji": _word("", "emoji"), "topic": _word("", "topic"), "thing": _word("", "thing"), "subject": _word("", "subject"), "tongue": _word("", "language"),
    **{name: _one("ID", lambda s, patterns=patterns: digits(s.rng.choice(patterns.split(";")), s.rng)) for name, patterns in IDS.items()},  # type: ignore[misc]
}  # fmt: skip
