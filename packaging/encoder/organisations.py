"""Organisations: invented by grammar (firms, banks, hospitals, ministries, clubs, startups), and well-known ones."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import places

if TYPE_CHECKING:
    from world import World

SUFFIX = {
    "en": "Inc. Inc LLC Ltd Ltd. Corp. Corporation Co. Group Holdings Partners PLC LLP Company Limited", "de": "GmbH AG KG UG e.V. SE GmbH&Co.KG", "fr": "SA SARL SAS S.A. S.A.S.", "es": "S.L. S.A. SL", "it": "S.p.A. S.r.l. srl", "pt": "Lda. Ltda. S.A.", "nl": "B.V. N.V. BV",
    "nordic": "AB AS ASA A/S Oy ApS", "pl": "Sp.z.o.o. S.A.", "ja": "K.K. Co.,Ltd.", "zh": "Co.,Ltd. Group", "in": "Pvt.Ltd. Limited Ltd", "cs": "s.r.o. a.s.", "tr": "A.Ş.", "ru": "OOO ZAO",
}  # fmt: skip
JOINED = {"GmbH&Co.KG": "GmbH & Co. KG", "Sp.z.o.o.": "Sp. z o.o.", "Co.,Ltd.": "Co., Ltd.", "Pvt.Ltd.": "Pvt. Ltd."}
SYLLABLES = [
    "zap",
    "flo",
    "dat",
    "qui",
    "ver",
    "lum",
    "nex",
    "ora",
    "bix",
    "tru",
    "pix",
    "vo",
    "mo",
    "ka",
    "ri",
    "ze",
    "no",
    "lu",
    "sy",
    "dro",
    "fin",
    "hub",
    "ly",
    "fy",
    "io",
    "ify",
    "on",
    "ra",
    "ta",
    "vel",
    "kin",
    "sto",
    "mer",
    "wav",
    "pod",
    "gro",
    "bly",
    "cly",
    "nu",
    "omi",
    "ada",
    "evo",
]


def startup(rng: Random) -> str:
    name = "".join(rng.choice(SYLLABLES) for _ in range(rng.choice([2, 2, 3])))
    roll = rng.random()
    if roll < 0.5:
        return name.capitalize()
    if roll < 0.7:
        return name
    return name.capitalize() + rng.choice(
        ["HQ", "Labs", ".io", ".ai", "Pay", "Cloud", "Works", " AI", " Health", " Labs", "Base", "Stack"]
    )


def coined(rng: Random, world: World) -> str:
    """Names of firms that are words otherwise: Openledger, Compared Care, Rapid Harbor, NoteWave, Here."""
    w = world.words
    a, b, n = rng.choice(w["adjective"]).capitalize(), rng.choice(w["noun"]).capitalize(), rng.choice(w["noun"]).capitalize()
    v = rng.choice(w["verb"]).capitalize()
    return rng.choice(
        [
            a + b.lower(), b + n, b + n.lower(), f"{a} {b}", f"{a} {b}", f"{b} {n}", f"{v} {b}", v + b.lower(), f"The {a} {b}", f"{b} and {n}", f"{a} & {n}",
            f"{b}{rng.choice(['ly', 'ify', 'io', 'hub', 'wise', 'works', 'ware', 'nest', 'IQ', 'GO', 'Up', 'kit', 'space', 'point', 'loop'])}",
            f"{rng.choice(['My', 'Go', 'One', 'Pro', 'Re', 'Un', 'Inter', 'Trans', 'Geo', 'Med', 'Edu', 'Agri', 'Bio', 'Eco', 'Info', 'Net', 'Tele'])}{b.lower()}",
            f"{b} {rng.choice(['360', 'One', 'Plus', 'X', 'Global', 'International', 'USA', 'Direct', 'Online', 'Express', 'IP', '24'])}",
            f"{b} {rng.choice(w['trade'])}", f"{startup(rng)} {b}", f"{startup(rng)} {rng.choice(w['trade'])}",
        ]
    )  # fmt: skip


def _suffix(rng: Random, home: str) -> str:
    text = rng.choice(SUFFIX.get(home if rng.random() < 0.7 else rng.choice(list(SUFFIX)), SUFFIX["en"]).split())
    return JOINED.get(text, text)


def _surname(rng: Random, world: World, home: str) -> str:
    return world.names.draw(rng, home).last


def firm(rng: Random, world: World, home: str) -> str:
    """A firm named after people: lawyers, accountants, family shops."""
    a, b = _surname(rng, world, home), _surname(rng, world, home)
    trade = rng.choice(
        [
            "Consulting",
            "Law",
            "Associates",
            "Plumbing",
            "Motors",
            "Construction",
            "Dental",
            "Realty",
            "Insurance",
            "Bakery",
            "Furniture",
            "Electric",
            "Roofing",
            "Farms",
            "Architects",
            "Funeral Home",
            "Legal",
        ]
    )
    return rng.choice(
        [
            f"{a} & {b} LLP",
            f"{a} & {b}",
            f"{a}, {b} and {_surname(rng, world, home)}",
            f"{a} & Sons",
            f"{a} Brothers",
            f"{a}-{b}",
            f"{a}, {b} & Co.",
            f"{a} {_suffix(rng, home)}",
            f"{a} and Sons",
            f"{a} {trade}",
            f"{a} {trade}",
            f"{a} Group",
            f"{a} and {b} {_suffix(rng, home)}",
            f"{a} & Associates",
            f"{a} Bros. {trade}",
        ]
    )


def company(rng: Random, world: World, home: str) -> str:
    w, roll = world.words, rng.random()
    if roll < 0.20:
        return rng.choice(w["bigco"])
    if roll < 0.24:
        return rng.choice(w["brand"])
    if roll < 0.36:
        return firm(rng, world, home)
    if roll < 0.44:
        return coined(rng, world)
    if roll < 0.51:
        return startup(rng)
    if roll < 0.56:
        return "".join(rng.choice("ABCDEFGHIKLMNPRSTVX") for _ in range(rng.choice([3, 3, 4]))) + rng.choice(
            ["", "", " " + _suffix(rng, home), " Group", " Logistics", "-" + rng.choice("ABCX")]
        )
    stem, trade = rng.choice(w["stem"]), rng.choice(w["trade"])
    return rng.choice(
        [
            f"{stem} {trade}",
            f"{stem} {trade}",
            f"{stem} {trade} {_suffix(rng, home)}",
            f"{stem} {_suffix(rng, home)}",
            f"{stem}{trade.split()[0].lower()}",
            stem,
            f"{stem} & {rng.choice(w['stem'])}",
            f"The {stem} {trade} Company",
            f"{stem} {rng.choice(w['stem'])} {trade}",
            f"{places.city(rng, world, home)} {trade}",
            f"{stem} {trade} of {places.city(rng, world, home)}",
            f"{stem} Group",
        ]
    )


def bank(rng: Random, world: World, home: str) -> str:
    w, c = world.words, places.city(rng, world, home)
    return rng.choice(
        [
            rng.choice(w["bankname"]),
            rng.choice(w["bankname"]),
            f"{c} Savings Bank",
            f"Bank of {c}",
            f"First National Bank of {c}",
            f"{rng.choice(w['stem'])} Credit Union",
            f"{c} Federal Credit Union",
            f"{rng.choice(w['stem'])} Bank",
            f"{_surname(rng, world, home)} Trust",
            f"Sparkasse {c}",
            f"Banco de {c}",
            f"{rng.choice(w['stem'])} Capital",
            f"{rng.choice(w['stem'])} Insurance",
        ]
    )


def hospital(rng: Random, world: World, home: str) -> str:
    c = places.city(rng, world, home)
    saint = rng.choice(["Mary", "Luke", "Joseph", "Vincent", "Thomas", "Anne", "Jude", "Barnabas", "Francis", "Catherine"])
    return rng.choice(
        [
            f"St. {saint}'s Hospital",
            f"St {saint} Medical Center",
            f"{c} General Hospital",
            f"{c} Memorial Hospital",
            f"{c} Medical Center",
            f"University Hospital {c}",
            f"{_surname(rng, world, home)} Clinic",
            f"{c} Children's Hospital",
            f"Klinikum {c}",
            f"{rng.choice(world.words['stem'])} Health",
            f"{c} Family Practice",
            f"Royal {c} Infirmary",
            f"{rng.choice(world.words['stem'])} Dental Care",
            f"Hospital Universitario de {c}",
            f"{rng.choice(world.words['stem'])} Pharmacy",
        ]
    )


def university(rng: Random, world: World, home: str) -> str:
    c, s = places.city(rng, world, home), rng.choice(world.words["state"])
    return rng.choice(
        [
            f"University of {c}",
            f"University of {s}",
            f"{c} State University",
            f"{s} State University",
            f"{c} University",
            f"{_surname(rng, world, home)} College",
            f"{c} Institute of Technology",
            f"Technical University of {c}",
            f"Universität {c}",
            f"Université de {c}",
            f"Universidad de {c}",
            rng.choice(world.words["univ"]),
            rng.choice(world.words["univ"]),
            f"{c} Community College",
            f"{c} Business School",
            f"{c} Law School",
        ]
    )


def school(rng: Random, world: World, home: str) -> str:
    c, n = places.city(rng, world, home), _surname(rng, world, home)
    return rng.choice(
        [
            f"{c} High School",
            f"{n} Elementary School",
            f"{n} Middle School",
            f"{c} Grammar School",
            f"{n} Academy",
            f"{c} Primary",
            f"{rng.choice(world.words['stem'])} Montessori",
            f"{c} Public Library",
            f"Lycée {n}",
            f"{n}-Gymnasium",
            f"St. {world.names.draw(rng, 'en').first}'s Primary School",
        ]
    )


def government(rng: Random, world: World, home: str) -> str:
    w, c = world.words, places.city(rng, world, home)
    field = rng.choice(
        [
            "Health",
            "Finance",
            "Education",
            "Justice",
            "Defence",
            "Transport",
            "the Interior",
            "Foreign Affairs",
            "Agriculture",
            "Labour",
            "Energy",
            "Culture",
            "Housing",
            "Veterans Affairs",
        ]
    )
    return rng.choice(
        [
            rng.choice(w["agency"]),
            rng.choice(w["agency"]),
            f"Ministry of {field}",
            f"Department of {field}",
            f"{c} City Council",
            f"{c} Police Department",
            f"{rng.choice(w['nationality'])} {rng.choice(['Ministry of', 'Department of', 'Bureau of'])} {field}",
            f"{rng.choice(['Federal', 'National', 'State', 'Central'])} {rng.choice(['Office for', 'Agency for', 'Institute of', 'Council of', 'Board of'])} {field}",
            f"University of {c} Press",
            f"{c} County Court",
            f"{c} Town Hall",
            f"{c} Fire Department",
            f"{rng.choice(w['country'])} Ministry of {field}" if rng.random() < 0.2 else f"Office of {field}",
            f"{c} Housing Authority",
            f"{c} District Court",
            f"Embassy of {rng.choice(w['country'])}",
            f"{rng.choice(w['stem'])} Foundation",
            f"{c} Chamber of Commerce",
            f"Friends of {c} Library",
            f"Save the {rng.choice(['Rivers', 'Bees', 'Forest', 'Turtles'])}",
        ]
    )


def club(rng: Random, world: World, home: str) -> str:
    w, c = world.words, places.city(rng, world, home)
    beast = rng.choice(w["beast"])
    return rng.choice(
        [
            rng.choice(w["teamname"]),
            rng.choice(w["teamname"]),
            f"{c} {beast}",
            f"{c} {beast}",
            f"{c} FC",
            f"FC {c}",
            f"{c} United",
            f"{c} City",
            f"Real {c}",
            f"{c} Rovers",
            f"The {rng.choice(w['stem'])} {beast}",
            f"{c} Rugby Club",
            f"{c} Chess Club",
            f"SV {c}",
            f"{c} Philharmonic",
            f"{c} Rowing Club",
            f"{c} Orchestra",
            f"Dynamo {c}",
            f"{c} Country Club",
            f"The {rng.choice(w['stem'])} Orchestra",
            f"{_surname(rng, world, home)} Quartet",
            f"The {rng.choice(w['adjective']).capitalize()} {rng.choice(w['noun']).capitalize()}s",
            f"{rng.choice(w['noun']).capitalize()} {rng.choice(w['noun']).capitalize()}s",
        ]
    )


def shop(rng: Random, world: World, home: str) -> str:
    w, p = world.words, world.names.draw(rng, home)
    kind = rng.choice(
        [
            "Cafe",
            "Bistro",
            "Pizzeria",
            "Bakery",
            "Bookshop",
            "Garage",
            "Diner",
            "Salon",
            "Gym",
            "Flowers",
            "Bar",
            "Grill",
            "Market",
            "Hardware",
            "Hotel",
            "Inn",
        ]
    )
    return rng.choice(
        [
            f"{p.first}'s {kind}",
            f"{p.last}'s {kind}",
            f"The {rng.choice(w['stem'])} {kind}",
            f"{rng.choice(w['stem'])} {kind}",
            f"Hotel {rng.choice(w['stem'])}",
            rng.choice(w["bigco"]),
            f"{places.city(rng, world, home)} {kind}",
            f"{kind} {p.last}",
        ]
    )


def organisation(rng: Random, world: World, home: str) -> str:
    make = rng.choices(
        [company, firm, bank, hospital, university, school, government, club, shop], [45, 8, 8, 7, 8, 4, 10, 6, 4]
    )[0]
    return make(rng, world, home)
